//! How a fault is told: as an administrator would say it of the server at fault.
//!
//! `mx1 refuses connections from now on` · `every server of fabrikam.example answers SERVFAIL about TXT
//! _dmarc.fabrikam.example from now on` · `mx1 no longer refuses connections`.

use mxlab_language::script::Fault;
use mxlab_mail::smtp::Stage;

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
    let mut does = filled_in(fault.kind.get().does(), fault);
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
    let zone = fault.zone.as_ref().and_then(|zone| zone.parse().ok());
    let owner = fault.owner.as_ref().map(|owner| match super::fault::owner_name(owner, zone.as_ref()) {
        Ok(name) if !name.is_root() => name.to_string().trim_end_matches('.').to_owned(),
        Ok(_) | Err(_) => owner.to_string(),
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
