//! Where the evidence of each expectation comes from: from the world, or from the word of the engine that is tested.
//!
//! What a server, a client, the wire or a mailbox has seen proves more than what an engine says of itself. A new verb asks
//! the world where it can. Where only the engine can know, its word is taken; where both know, they are compared
//! (`contradictions`). The table is printed in `docs/EVIDENCE.md`.

use std::fmt::Write as _;

/// Who records what a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An actor of the world, or the wire.
    World,
    /// An engine under test, or its resolver: its own word.
    Engine,
    /// An actor of the world if the server is a scripted one, the inbound engine if the server is that.
    Server,
}

impl Source {
    fn words(self) -> &'static str {
        match self {
            Source::World => "the world",
            Source::Engine => "the engine's word",
            Source::Server => "the world at a scripted server, else the receiver's word",
        }
    }
}

/// Where the evidence for some fields of a verb comes from.
pub struct Evidence {
    /// The verb.
    pub verb: &'static str,
    /// Its fields that are meant.
    pub fields: &'static [&'static str],
    /// The kind of event that is asked.
    pub kind: &'static str,
    /// Who records it.
    pub source: Source,
}

const fn row(verb: &'static str, fields: &'static [&'static str], kind: &'static str, source: Source) -> Evidence {
    Evidence { verb, fields, kind, source }
}

/// Verbs in the order of the language's reference; those that cannot be asked yet are missing.
pub const EVIDENCE: &[Evidence] = &[
    row("delivered", &["to", "message", "host", "copies"], "accepted", Source::Server),
    row("delivered", &["folder"], "accepted", Source::Engine),
    row("delivered", &["security", "attempts"], "relayed", Source::Engine),
    row("deferred", &["to", "message", "code", "text", "attempts", "by", "stage"], "deferred", Source::Engine),
    row("bounced", &["to", "message", "code", "text", "attempts", "by", "stage"], "bounced", Source::Engine),
    row("rejected", &["to", "message", "code", "text", "by", "stage"], "rejected", Source::Server),
    row("notified", &["to", "message", "action"], "notified", Source::Engine),
    row("attempted", &["to", "message", "times"], "attempt", Source::Engine),
    row("attempted", &["hosts"], "tried", Source::Engine),
    row(
        "verdict",
        &["to", "message", "spf", "dkim", "dmarc", "action", "compauth", "reason"],
        "verdict",
        Source::Engine,
    ),
    row("stamped", &["to", "message", "header", "value"], "stamped", Source::Engine),
    row("signed", &["message", "domain", "selector"], "signed", Source::World),
    row("reported", &["domain", "kind", "to", "day", "successful", "failed"], "reported", Source::Engine),
    row("resolved", &["name", "type", "status", "reason", "server"], "resolved", Source::Engine),
    row("in-clear", &["to", "message", "seen-by"], "in-clear", Source::World),
    row("cost", &["dns-queries", "signature-checks", "hashes"], "resolved", Source::Engine),
];

/// The table for people, in Markdown.
pub fn page() -> String {
    let mut text = String::from(
        "# Where evidence comes from\n\n\
         An expectation is a question to the record. Some of the record is told by the world (servers, clients, the wire), \
         some by the engine that is tested.\n\n\
         | expectation | fields | event | told by |\n|---|---|---|---|\n",
    );
    for Evidence { verb, fields, kind, source } in EVIDENCE {
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        let _ = writeln!(text, "| `{verb}` | {} | `{kind}` | {} |", fields.join(", "), source.words());
    }
    text.push_str(
        "\nAn engine's word that the world can confirm is compared with it, in every run and whatever the file expects. A \
         contradiction fails the scenario (`contradiction`).\n\n\
         | an engine says | so |\n|---|---|\n",
    );
    for comparison in super::contradictions::COMPARISONS {
        let _ = writeln!(text, "| {} | {} |", comparison.says, comparison.needs);
    }
    text.push_str("\nNew verbs ask the world where it can know the answer.\n");
    text
}
