//! Where an engine says something that the world has seen too, both must say the same.
//!
//! An expectation that rests on an engine's own word would be met by an engine that only says it. So whatever the file
//! expects, each word of an engine that the world can confirm is compared with what a server, a client, the wire or a
//! mailbox has seen; a contradiction fails the scenario. Each comparison asks for what must be so if the engine tells the
//! truth, and for nothing that a crash or a broken connection could prevent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use mxlab_dns::rdata::Tlsa;
use mxlab_language::Scenario;
use mxlab_language::references::{Form, Reference};
use mxlab_language::scenario::Addressed;
use mxlab_language::script::Action;
use mxlab_record::{Entry, Value};
use mxlab_world::client::Outcome;
use mxlab_world::dialogue::Spoken;

use super::Asked;
use crate::run::answers::TlsaAnswer;

/// One word of an engine that is compared with the world.
pub(super) struct Comparison {
    /// What the engine says.
    pub(super) says: &'static str,
    /// What the world must have seen.
    pub(super) needs: &'static str,
    /// The contradictions in a record, in words.
    find: fn(&Witnesses<'_>) -> Vec<String>,
}

/// All comparisons.
pub(super) const COMPARISONS: &[Comparison] = &[
    Comparison {
        says: "sender: `relayed`",
        needs: "the server at that address has accepted the message for that recipient before",
        find: |witnesses| witnesses.relayed_to_nobody(),
    },
    Comparison {
        says: "sender: `relayed`, its `security`",
        needs: "the server saw TLS if there was some, and none if there was none",
        find: |witnesses| witnesses.tls_that_the_server_did_not_see(),
    },
    Comparison {
        says: "sender: `relayed`, `security` = `dane`",
        needs: "a TLSA record of the host that fits a certificate of the server had been sent to the sender before",
        find: |witnesses| witnesses.dane_without_records(),
    },
    Comparison {
        says: "sender: `bounced` with an `ndr`, `notified` with a `dsn`",
        needs: "a server has accepted the report by the end, unless the sender tells of an attempt to deliver it that failed",
        find: |witnesses| witnesses.reports_that_never_left(),
    },
    Comparison {
        says: "receiver: `accepted`",
        needs: "of a plain client's sessions for that sender and recipient, one heard so, or broke (not in a run with a `dialogue`)",
        find: |witnesses| witnesses.accepted_but_refused(),
    },
    Comparison {
        says: "receiver: `rejected`",
        needs: "not all of a plain client's sessions for that sender and recipient heard that the message was taken (not in a run with a `dialogue`)",
        find: |witnesses| witnesses.rejected_but_taken(),
    },
];

/// The record of a run with what the world knows besides.
pub(crate) struct Witnesses<'a> {
    /// The record.
    pub(crate) asked: &'a Asked<'a>,
    /// What DNS said of TLSA records, as it crossed the wire.
    pub(crate) tlsa: &'a [TlsaAnswer],
    /// Whether the run ended since nothing was queued or on its way any more.
    pub(crate) at_rest: bool,
}

impl Witnesses<'_> {
    /// All contradictions, in words.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        COMPARISONS.iter().flat_map(|comparison| (comparison.find)(self)).collect()
    }

    fn of_kind(&self, kind: &'static str) -> impl DoubleEndedIterator<Item = (usize, &Entry)> {
        self.asked.entries.iter().enumerate().filter(move |(_, entry)| entry.kind == kind)
    }

    /// A contradiction in words: what the engine says, and what the world has seen.
    fn contradiction(&self, said: &Entry, but: &str) -> String {
        let told = said.story.first().map_or(said.kind, String::as_str);
        format!("at {} {} says: {told}\nbut {but}", self.asked.offset(said.at), said.actor)
    }

    /// The acceptance by a server that a `relayed` speaks of: the last before it. Order is that of the record, since hosts
    /// may have clocks of their own.
    fn acceptance(&self, at: usize, relayed: &Entry) -> Option<&Entry> {
        let same_message = |accepted: &Entry| match (accepted.fields.text("message"), relayed.fields.text("message")) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        // It is near: the search goes backwards from there.
        let before = self.asked.entries.get(..at).unwrap_or_default();
        before.iter().filter(|entry| entry.kind == "accepted").rfind(|accepted| {
            same_text("to", accepted, relayed) && same_message(accepted) && self.asked.is_same_host(relayed, accepted)
        })
    }

    fn relayed_to_nobody(&self) -> Vec<String> {
        let nobody = |(at, relayed): (usize, &Entry)| {
            let but = "that server has accepted no such message for this recipient";
            self.acceptance(at, relayed).is_none().then(|| self.contradiction(relayed, but))
        };
        self.of_kind("relayed").filter_map(nobody).collect()
    }

    fn tls_that_the_server_did_not_see(&self) -> Vec<String> {
        let differs = |(at, relayed): (usize, &Entry)| {
            let accepted = self.acceptance(at, relayed)?;
            let said = relayed.fields.text("security")? != "none";
            let seen = accepted.fields.get("tls") == Some(&Value::Flag(true));
            let but = format!("{} saw {}", accepted.actor, if seen { "TLS" } else { "no TLS" });
            (said != seen).then(|| self.contradiction(relayed, &but))
        };
        self.of_kind("relayed").filter_map(differs).collect()
    }

    fn dane_without_records(&self) -> Vec<String> {
        let without = |(at, relayed): (usize, &Entry)| {
            let scenario = self.asked.scenario;
            let sender = scenario.addressed.get(&*relayed.actor)?;
            let ip: IpAddr = relayed.fields.text("ip")?.parse().ok()?;
            let (short, server) = scenario.addressed.iter().find(|(_, host)| is_at(host, ip))?;
            // The base is the host that MX names, or what that is an alias of (RFC 7672 §2.2.2).
            let bases = [relayed.fields.text("host")?, server.full_name.as_str()];
            let is_about = |name: &str| {
                let base = name.split_once("._tcp.").map(|(_, base)| base);
                base.is_some_and(|base| bases.iter().any(|of| of.eq_ignore_ascii_case(base)))
            };
            let presents = certificates_of(scenario, short);
            let has_some = self
                .tlsa
                .iter()
                .filter(|answer| answer.after <= at && is_at(sender, answer.to) && is_about(&answer.name))
                .any(|answer| answer.records.iter().any(|record| self.fits(record, &presents)));
            let but = format!(
                "no TLSA record of {} that fits a certificate of {short} had reached {} by then",
                bases[0], relayed.actor
            );
            (!has_some).then(|| self.contradiction(relayed, &but))
        };
        self.of_kind("relayed")
            .filter(|(_, relayed)| relayed.fields.text("security") == Some("dane"))
            .filter_map(without)
            .collect()
    }

    /// Whether a record names one of these certificates or its key. What a record with another usage than 3 names is not
    /// the server's own; that it is there has to do.
    fn fits(&self, record: &Tlsa, certificates: &BTreeSet<&str>) -> bool {
        let form = match record.matching {
            0 => Form::Whole,
            1 => Form::Sha256,
            2 => Form::Sha512,
            _ => return false,
        };
        let data = HEXLOWER.encode(&record.data);
        let named = |name: &&str| match record.selector {
            0 => self.asked.references.resolve(Reference::Certificate(form, name), false),
            1 => self.asked.references.resolve(Reference::PublicKey(form, name), false),
            _ => None,
        };
        record.usage != 3 || certificates.iter().filter_map(named).any(|of| of == data)
    }

    fn reports_that_never_left(&self) -> Vec<String> {
        if !self.at_rest {
            return Vec::new();
        }
        let tells_of_delivery = |entry: &&Entry| matches!(entry.kind, "accepted" | "deferred" | "bounced" | "rejected");
        let told: BTreeSet<&str> = self
            .asked
            .entries
            .iter()
            .filter(tells_of_delivery)
            .filter_map(|entry| entry.fields.text("message"))
            .collect();
        let reports = self.of_kind("bounced").chain(self.of_kind("notified"));
        reports
            .filter_map(|(_, said)| {
                let id = said.fields.text("ndr").or_else(|| said.fields.text("dsn"))?;
                let but = "no server has accepted this report, and nothing has hindered its delivery";
                (!told.contains(id)).then(|| self.contradiction(said, but))
            })
            .collect()
    }

    /// What clients heard, by sender and recipient: how many were told that the message was taken, how many that it was not,
    /// and how many heard neither.
    fn heard(&self) -> BTreeMap<(String, String), Heard> {
        let mut heard: BTreeMap<_, Heard> = BTreeMap::new();
        for (_, entry) in self.of_kind("handed-over") {
            let Some(ends) = ends(entry) else { continue };
            let count = heard.entry(ends).or_default();
            match entry.fields.text("outcome") {
                Some(word) if word == Outcome::Taken.word() => count.taken += 1,
                Some(word) if word == Outcome::Refused.word() => count.refused += 1,
                _ => count.broken += 1,
            }
        }
        heard
    }

    /// How often the receiver says this of each sender and recipient, with the last entry that does.
    fn receiver_says(&self, kind: &'static str) -> BTreeMap<(String, String), (usize, &Entry)> {
        let mut said = BTreeMap::new();
        for (_, entry) in self.of_kind(kind).filter(|(_, entry)| &*entry.actor == "receiver") {
            let Some(ends) = ends(entry) else { continue };
            let count = said.get(&ends).map_or(0, |(count, _)| *count);
            said.insert(ends, (count + 1, entry));
        }
        said
    }

    /// Whether mail was sent in a session typed by hand: only its lines show sender and recipient.
    fn typed_by_hand(&self) -> bool {
        self.of_kind(Spoken::KIND.name).next().is_some()
    }

    fn accepted_but_refused(&self) -> Vec<String> {
        if self.typed_by_hand() {
            return Vec::new();
        }
        let heard = self.heard();
        let contradicts = |(ends, (count, entry)): ((String, String), (usize, &Entry))| {
            let Heard { taken, refused, broken } = *heard.get(&ends)?;
            let but = format!(
                "of {} who sent such a message, {refused} heard that it was refused",
                clients(taken + refused + broken)
            );
            (self.at_rest && count > taken + broken).then(|| self.contradiction(entry, &but))
        };
        self.receiver_says("accepted").into_iter().filter_map(contradicts).collect()
    }

    fn rejected_but_taken(&self) -> Vec<String> {
        if self.typed_by_hand() {
            return Vec::new();
        }
        let heard = self.heard();
        let contradicts = |(ends, (_, entry)): ((String, String), (usize, &Entry))| {
            let Heard { taken, refused, broken } = *heard.get(&ends)?;
            let but = format!("all of {} who sent such a message heard that it was taken", clients(taken));
            (self.at_rest && taken > 0 && refused + broken == 0).then(|| self.contradiction(entry, &but))
        };
        self.receiver_says("rejected").into_iter().filter_map(contradicts).collect()
    }
}

fn is_at(host: &Addressed, ip: IpAddr) -> bool {
    [IpAddr::from(host.ipv4), IpAddr::from(host.ipv6)].contains(&ip)
}

/// The names of all certificates that a server presents at some time of the run.
fn certificates_of<'a>(scenario: &'a Scenario, short: &'a str) -> BTreeSet<&'a str> {
    let declared = scenario.hosts.get(short).map(|host| host.get());
    let configured = scenario.at.iter().filter_map(|at| match &at.action {
        Action::Configure(configure) => configure.host.as_ref()?.get(short).map(|host| host.get()),
        _ => None,
    });
    let presented = declared.into_iter().chain(configured).filter_map(|host| host.smtp.as_ref());
    let named = presented.flat_map(|smtp| smtp.cert.iter().chain(smtp.sni.iter().flat_map(|sni| sni.values())));
    // The automatic one has the host's name.
    named.map(|cert| cert.as_str()).chain([short]).collect()
}

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    taken: usize,
    refused: usize,
    broken: usize,
}

fn clients(count: usize) -> String {
    if count == 1 { "the 1 client".to_owned() } else { format!("the {count} clients") }
}

/// The sender and the recipient of an entry; the null reverse-path is empty.
fn ends(entry: &Entry) -> Option<(String, String)> {
    let from = entry.fields.text("from")?.trim_matches(['<', '>']).to_ascii_lowercase();
    Some((from, entry.fields.text("to")?.to_ascii_lowercase()))
}

fn same_text(field: &str, one: &Entry, other: &Entry) -> bool {
    match (one.fields.text(field), other.fields.text(field)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}
