//! How a fault is told: as an administrator would say it of the server at fault.
//!
//! `mx1 refuses connections from now on` · `every server of fabrikam.example answers SERVFAIL about TXT
//! _dmarc.fabrikam.example from now on` · `mx1 no longer refuses connections`.

use mxlab_language::script::Fault;
use mxlab_mail::smtp::Stage;

/// What a server does that has a fault, by the fault's word, to be put behind the server's name. In braces are the
/// values of the fault; `{at}` and `{to}` are the stage of the session: `at RCPT`, `to RCPT`.
const DOES: &[(&str, &str)] = &[
    ("servfail", "answers SERVFAIL"),
    ("dns-refused", "answers REFUSED"),
    ("dns-formerr", "answers FORMERR"),
    ("dns-notimp", "answers NOTIMP"),
    ("edns-formerr", "answers FORMERR to queries with EDNS"),
    ("edns-notimp", "answers NOTIMP to queries with EDNS"),
    ("dns-timeout", "is silent"),
    ("dns-slow", "answers {delay} late"),
    ("dns-large-lost", "loses its answers of more than {count} octets"),
    ("lame", "has forgotten the zone"),
    ("truncated", "cuts off its answers, over TCP too"),
    ("dns-malformed", "sends what is no DNS message"),
    ("dns-wrong-id", "answers with another id than that of the query"),
    ("dns-wrong-question", "repeats another question in its answers"),
    ("dns-nxdomain", "answers NXDOMAIN"),
    ("alias-loop", "gives an alias of itself"),
    ("denial-wrong-code", "denies with the other code"),
    ("soa-missing", "leaves SOA and AA out of its denials"),
    ("dname-alone", "gives a DNAME without the alias that it makes"),
    ("apex-alias", "gives an alias for the zone itself"),
    ("ds-from-child", "answers for the DS of its own zone"),
    ("ds-by-referral", "answers for the DS by a referral"),
    ("glue-missing", "leaves the addresses out of its referrals"),
    ("glue-ipv6-only", "leaves the IPv4 addresses out of its referrals"),
    ("glue-foreign", "gives referrals with wrong addresses of foreign servers"),
    ("dnssec-stripped", "leaves out everything of DNSSEC"),
    ("rrsig-expired", "gives signatures that have expired"),
    ("rrsig-not-yet-valid", "gives signatures that are not valid yet"),
    ("rrsig-missing", "leaves out its signatures"),
    ("rrsig-bad", "gives signatures that do not verify"),
    ("rrsig-wrong-key", "gives signatures by a key that the zone does not publish"),
    ("key-missing", "leaves out the key that signs"),
    ("ds-mismatch", "publishes a DS that fits no key"),
    ("ds-unsupported", "publishes a DS with an unknown algorithm"),
    ("ds-without-key", "publishes a DS although the zone is not signed"),
    ("denial-missing", "leaves out the proofs of its denials"),
    ("denial-wrong", "gives wrong proofs with its denials"),
    ("denial-no-wildcard", "leaves out the proof about the wildcard"),
    ("denial-no-next-closer", "leaves out the proof about the name itself"),
    ("denial-no-encloser", "leaves out the proof of the closest encloser"),
    ("denial-wrong-types", "proves that a type is there that it denies"),
    ("denial-overreaching", "gives proofs that lead out of the zone"),
    ("nsec3-iterations", "denies by NSEC3 with {count} iterations"),
    ("many-keys", "publishes {count} more keys with the tag of the one that signs"),
    ("answer-forged", "has its answers forged on the path"),
    ("answer-replayed", "has old answers replayed on the path"),
    ("starttls-stripped", "has STARTTLS taken out of its EHLO reply on the path"),
    ("starttls-injected", "has text put in before the handshake on the path"),
    ("cert-substituted", "has its certificate replaced on the path"),
    ("tls-downgraded", "has its version of TLS lowered on the path"),
    ("tls-alert", "answers the TLS handshake with an alert"),
    ("tls-garbage", "answers the TLS handshake with what is no TLS"),
    ("tls-closed", "closes the connection in the TLS handshake"),
    ("tls-stalled", "falls silent in the TLS handshake"),
    ("smtp-reply", "answers `{reply}` {to}"),
    ("smtp-closed", "closes the connection {at}"),
    ("smtp-stalled", "falls silent {at}"),
    ("smtp-interrupted", "breaks in with `{reply}` behind its answer {to}, and closes the connection"),
    ("smtp-garbage", "answers as a web server does {to}"),
    ("starttls-missing", "leaves STARTTLS out of its EHLO reply"),
    ("starttls-refused", "answers STARTTLS with 454"),
    ("refused", "refuses connections"),
    ("unreachable", "is cut off from the network"),
    ("reset", "resets connections"),
    ("slow", "gets and sends packets {delay} late"),
    ("loss", "loses {percent} % of its packets"),
    ("http-status", "answers HTTP with {status}"),
    ("http-redirect", "redirects HTTP"),
    ("http-content-type", "gives a wrong content type in HTTP"),
    ("http-oversize", "sends more in HTTP than is allowed"),
    ("http-stalled", "falls silent in HTTP"),
    ("disk-full", "has a full disk"),
    ("clock-shift", "has a clock that is wrong by {shift}"),
];

/// A fault in words: who does what, and how often.
pub(super) struct Words {
    who: String,
    does: String,
    times: Option<u32>,
}

impl Words {
    pub(super) fn begins(&self) -> String {
        let Words { who, does, times } = self;
        match times {
            None => format!("{who} {does} from now on"),
            Some(1) => format!("{who} {does} the next time"),
            Some(times) => format!("{who} {does} the next {times} times"),
        }
    }

    /// As long as it lasts: `mx1 refuses connections`.
    pub(super) fn holds(&self) -> String {
        format!("{} {}", self.who, self.does)
    }

    pub(super) fn is_over(&self) -> String {
        match self.does.strip_prefix("is ") {
            Some(what) => format!("{} is no longer {what}", self.who),
            None => format!("{} no longer {}", self.who, self.does),
        }
    }
}

/// The words for a fault.
pub(super) fn words(fault: &Fault) -> Words {
    let word = fault.kind.get().to_string();
    let known = DOES.iter().find(|(known, _)| *known == word);
    let mut does = known.map_or_else(|| format!("has the fault `{word}`"), |(_, does)| filled_in(does, fault));
    if let Some(question) = question(fault) {
        does += &format!(" about {question}");
    }
    if let Some(from) = &fault.from {
        does += &format!(" if {from} connects");
    }
    Words { who: who(fault), does, times: fault.times.as_ref().map(|times| *times.get()) }
}

/// The words with the values of the fault.
fn filled_in(does: &str, fault: &Fault) -> String {
    fn text<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let stage = |preposition| fault.stage.as_ref().map(|stage| at_stage(stage.get().0, preposition));
    let values = [
        ("{count}", text(fault.count.as_ref())),
        ("{delay}", text(fault.delay.as_ref())),
        ("{percent}", text(fault.percent.as_ref())),
        ("{reply}", text(fault.reply.as_ref())),
        ("{shift}", text(fault.shift.as_ref())),
        ("{status}", text(fault.status.as_ref())),
        ("{at}", text(stage("at"))),
        ("{to}", text(stage("to"))),
    ];
    let filled = values.into_iter().fold(does.to_owned(), |does, (name, value)| does.replace(name, &value));
    // One of them is one.
    filled.replacen(" 1 more keys ", " 1 more key ", 1)
}

/// The server at fault.
fn who(fault: &Fault) -> String {
    let zone = fault.zone.as_ref().map(|zone| zone.as_str());
    match (&fault.host, &fault.server, zone) {
        (Some(host), _, _) => host.to_string(),
        (None, Some(server), Some(zone)) if fault.is_at_parent() => format!("{server}, of the parent of {zone},"),
        (None, Some(server), Some(zone)) => format!("{server} of {zone}"),
        (None, Some(server), None) => server.to_string(),
        (None, None, Some(zone)) if fault.is_at_parent() => format!("the parent of {zone}"),
        (None, None, Some(zone)) => format!("every server of {zone}"),
        (None, None, None) => "something".to_owned(),
    }
}

/// The questions or records that it is confined to: `TXT _dmarc.fabrikam.example`.
fn question(fault: &Fault) -> Option<String> {
    let owner = fault.owner.as_ref().map(|owner| match (owner.as_str(), &fault.zone) {
        ("@", Some(zone)) => zone.to_string(),
        (owner, Some(zone)) if !owner.ends_with('.') && !owner.ends_with(zone.as_str()) => format!("{owner}.{zone}"),
        (owner, _) => owner.trim_end_matches('.').to_owned(),
    });
    let rtype = fault.rtype.as_ref().map(|rtype| rtype.to_string());
    match (rtype, owner) {
        (Some(rtype), Some(owner)) => Some(format!("{rtype} {owner}")),
        (Some(rtype), None) => Some(format!("any {rtype}")),
        (None, owner) => owner,
    }
}

/// Where in a session: `to RCPT`, `at RCPT`.
fn at_stage(stage: Stage, preposition: &str) -> String {
    let command = match stage {
        Stage::Connect => return "when a client connects".to_owned(),
        Stage::Banner => return "in place of the greeting".to_owned(),
        Stage::Handshake => return "in the TLS handshake".to_owned(),
        Stage::Ehlo => "EHLO",
        Stage::StartTls => "STARTTLS",
        Stage::Mail => "MAIL",
        Stage::Rcpt => "RCPT",
        Stage::Data => "DATA",
        Stage::Dot => "the final dot",
        Stage::Quit => "QUIT",
    };
    format!("{preposition} {command}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_language::faults::FaultKind;

    #[test]
    fn every_fault_has_its_words() {
        for kind in FaultKind::ALL {
            let word = kind.to_string();
            assert_eq!(DOES.iter().filter(|(known, _)| *known == word).count(), 1, "{word}");
        }
    }
}
