//! `fault` and `heal`: what breaks, where, and how it ends.

use std::time::Duration;

use jiff::SignedDuration;
use mxlab_dns::Name;
use mxlab_dns::fault::FaultKind as DnsFaultKind;
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_sim::{Control, HostHandle};
use mxlab_world::internet::NameServerFault;
use mxlab_world::server::{ActiveFault, ServerFault};

use super::error::{self, LabError};
use super::lab::Lab;
use super::script::{Due, Script};
use mxlab_language::faults::FaultKind;
use mxlab_language::script::Fault;
use mxlab_language::values::Time;
use mxlab_language::words;

/// Ends what a fault began.
type Undo = Box<dyn FnOnce(&Lab, &Control)>;

/// A fault that has begun.
pub(super) struct Begun {
    name: Option<String>,
    /// `refused at mx1`, for the story.
    told: String,
    /// How it ends; none if it is over.
    undo: Option<Undo>,
    /// The host whose clock it makes wrong, and by how much.
    clock: Option<(HostHandle, SignedDuration)>,
}

impl Script<'_> {
    pub(super) fn fault(&mut self, fault: &Fault) -> Result<(), LabError> {
        self.began += 1;
        let number = self.began;
        let clock = self.clock(fault)?;
        let undo = if clock.is_some() { Box::new(|_: &Lab, _: &Control| {}) } else { self.begin_fault(fault, number)? };
        let told = describe_fault(fault);
        self.tell_what("fault", format!("fault {told} begins"), "fault", fault.kind.get().to_string());
        let name = fault.name.as_ref().map(|name| name.get().to_string());
        // The index of a fault is its number less one.
        self.faults.push(Begun { name, told, undo: Some(undo), clock });
        self.set_clocks();
        if let Some(until) = &fault.until {
            self.due.push((self.instant(*until.get()), Due::EndFault(number)));
        }
        Ok(())
    }

    fn begin_fault(&self, fault: &Fault, number: u64) -> Result<Undo, LabError> {
        if let Some(kind) = dns_fault(fault) {
            return self.begin_dns_fault(fault, kind);
        }
        let short = fault.host.as_ref().map_or("", |host| host.as_str()).to_owned();
        if *fault.kind.get() == FaultKind::Unreachable {
            let host = self.lab.hosts.get(&short).cloned().ok_or_else(|| LabError::NoAddress(short.clone()))?;
            self.control.isolate(&host);
            return Ok(Box::new(move |_, control| control.rejoin(&host)));
        }
        let server = self.lab.servers.get(&short).cloned().ok_or_else(|| LabError::NoAddress(short.clone()))?;
        let active = ActiveFault {
            id: number,
            fault: server_fault(fault)?,
            from: fault.from.as_ref().and_then(|from| self.address(from.as_str())),
            times: fault.times.as_ref().map(|times| u64::from(*times.get())),
        };
        server.begin_fault(active);
        Ok(Box::new(move |_, _| server.end_fault(number)))
    }

    /// The clock that a fault makes wrong.
    fn clock(&self, fault: &Fault) -> Result<Option<(HostHandle, SignedDuration)>, LabError> {
        // Checked when the file was read: a shift is relative.
        let (FaultKind::ClockShift, Some(host), Some(Time::Relative(error))) =
            (*fault.kind.get(), &fault.host, fault.shift.as_ref().map(|shift| *shift.get()))
        else {
            return Ok(None);
        };
        let short = host.as_str();
        let host = self.lab.hosts.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))?;
        Ok(Some((host, error)))
    }

    /// Sets the clocks as the faults that are not over want them; of two the later acts.
    fn set_clocks(&self) {
        for (host, _) in self.faults.iter().filter_map(|fault| fault.clock.as_ref()) {
            host.set_clock_error(SignedDuration::ZERO);
        }
        for fault in self.faults.iter().filter(|fault| fault.undo.is_some()) {
            if let Some((host, error)) = &fault.clock {
                host.set_clock_error(*error);
            }
        }
    }

    fn begin_dns_fault(&self, fault: &Fault, kind: DnsFaultKind) -> Result<Undo, LabError> {
        let zone = fault.zone.as_ref().map(|zone| error::name(zone.as_str())).transpose()?;
        let owner = fault.owner.as_ref().map(|owner| owner_name(owner.as_str(), zone.as_ref())).transpose()?;
        let rtype = fault
            .rtype
            .as_ref()
            .map(|rtype| rtype.as_str().parse().map_err(|_| LabError::Name(rtype.get().to_string())));
        let begun = self.lab.internet.begin(&NameServerFault {
            zone,
            server: fault.server.as_ref().and_then(|server| self.address(server.as_str())),
            owner,
            rtype: rtype.transpose()?,
            times: fault.times.as_ref().map(|times| *times.get()),
            ..NameServerFault::new(kind)
        })?;
        Ok(Box::new(move |lab, _| lab.internet.end(&begun)))
    }

    pub(super) fn heal(&mut self, name: &str) {
        let named = |fault: &Begun| fault.name.as_deref() == Some(name) && fault.undo.is_some();
        if let Some(index) = self.faults.iter().rposition(named) {
            self.end_fault_at(index);
        }
    }

    pub(super) fn end_fault_numbered(&mut self, number: u64) {
        self.end_fault_at(usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1));
    }

    fn end_fault_at(&mut self, index: usize) {
        let Some(fault) = self.faults.get_mut(index) else { return };
        let Some(undo) = fault.undo.take() else { return };
        let line = format!("fault {} is over", fault.told);
        undo(&self.lab, &self.control);
        self.set_clocks();
        self.tell("heal", vec![line]);
    }
}

/// The owner that a fault names: as in zone text, but a name that lies in the zone as it stands needs no final dot.
fn owner_name(owner: &str, zone: Option<&Name>) -> Result<Name, LabError> {
    let bad = || LabError::Name(owner.to_owned());
    let full: Name = owner.parse().map_err(|_| bad())?;
    match zone {
        Some(zone) if owner == "@" => Ok(zone.clone()),
        Some(zone) if !full.is_subdomain_of(zone) => Name::parse_relative(owner, zone).map_err(|_| bad()),
        _ => Ok(full),
    }
}

/// What a name server does wrong; none if the fault is of another family.
fn dns_fault(fault: &Fault) -> Option<DnsFaultKind> {
    use DnsFaultKind as K;
    // Both are needed by their kinds, and checked when the file is read.
    let count = fault.count.as_ref().map_or(0, |count| u16::try_from(*count.get()).unwrap_or(u16::MAX));
    let delay = fault.delay.as_ref().map_or(Duration::ZERO, |delay| delay.get().get());
    Some(match fault.kind.get() {
        FaultKind::Servfail => K::Servfail,
        FaultKind::DnsRefused => K::Refused,
        FaultKind::DnsTimeout => K::Timeout,
        FaultKind::DnsSlow => K::Slow(delay),
        FaultKind::Lame => K::Lame,
        FaultKind::Truncated => K::Truncated,
        FaultKind::DnsMalformed => K::Malformed,
        FaultKind::DnsWrongId => K::WrongId,
        FaultKind::DnsWrongQuestion => K::WrongQuestion,
        FaultKind::DnsNxdomain => K::NxDomain,
        FaultKind::AliasLoop => K::AliasLoop,
        FaultKind::DnssecStripped => K::Stripped,
        FaultKind::RrsigExpired => K::RrsigExpired,
        FaultKind::RrsigNotYetValid => K::RrsigNotYetValid,
        FaultKind::RrsigMissing => K::RrsigMissing,
        FaultKind::RrsigBad => K::RrsigBad,
        FaultKind::RrsigWrongKey => K::RrsigWrongKey,
        FaultKind::AnswerReplayed => K::Replayed,
        FaultKind::KeyMissing => K::KeyMissing,
        FaultKind::ManyKeys => K::ManyKeys(count),
        FaultKind::DsMismatch => K::DsMismatch,
        FaultKind::DsUnsupported => K::DsUnsupported,
        FaultKind::DsWithoutKey => K::DsWithoutKey,
        FaultKind::DenialMissing => K::DenialMissing,
        FaultKind::DenialWrong => K::DenialWrong,
        FaultKind::Nsec3Iterations => K::Nsec3Iterations(count),
        _ => return None,
    })
}

fn stage(stage: words::Stage) -> Stage {
    match stage {
        words::Stage::Connect => Stage::Connect,
        words::Stage::Banner => Stage::Banner,
        words::Stage::Ehlo => Stage::Ehlo,
        words::Stage::Starttls => Stage::StartTls,
        words::Stage::Handshake => Stage::Handshake,
        words::Stage::Mail => Stage::Mail,
        words::Stage::Rcpt => Stage::Rcpt,
        words::Stage::Data => Stage::Data,
        words::Stage::Dot => Stage::Dot,
        words::Stage::Quit => Stage::Quit,
    }
}

fn server_fault(fault: &Fault) -> Result<ServerFault, LabError> {
    let at = fault.stage.as_ref().map_or(Stage::Banner, |given| stage(*given.get()));
    Ok(match fault.kind.get() {
        FaultKind::TlsAlert => ServerFault::TlsAlert,
        FaultKind::TlsGarbage => ServerFault::TlsGarbage,
        FaultKind::TlsClosed => ServerFault::TlsClosed,
        FaultKind::TlsStalled => ServerFault::TlsStalled,
        FaultKind::StarttlsMissing => ServerFault::StartTlsMissing,
        FaultKind::StarttlsRefused => ServerFault::StartTlsRefused,
        FaultKind::SmtpClosed => ServerFault::Closed(at),
        FaultKind::SmtpStalled => ServerFault::Stalled(at),
        FaultKind::SmtpReply => {
            let text = fault.reply.as_ref().map_or("", |reply| reply.as_str());
            let reply: Reply = text.parse().map_err(|_| LabError::Reply(text.to_owned()))?;
            ServerFault::Reply(at, reply)
        }
        _ => ServerFault::Refused,
    })
}

fn describe_fault(fault: &Fault) -> String {
    let mut line = fault.kind.get().to_string();
    if let Some(host) = &fault.host {
        line.push_str(&format!(" at {}", host.get()));
    }
    if let Some(zone) = &fault.zone {
        line.push_str(&format!(" of zone {}", zone.get()));
    }
    if let Some(owner) = &fault.owner {
        line.push_str(&format!(", owner {}", owner.get()));
    }
    if let Some(rtype) = &fault.rtype {
        line.push_str(&format!(", type {}", rtype.get()));
    }
    if let Some(server) = &fault.server {
        line.push_str(&format!(", at {}", server.get()));
    }
    if let Some(count) = &fault.count {
        line.push_str(&format!(", {}", count.get()));
    }
    if let Some(delay) = &fault.delay {
        line.push_str(&format!(", by {}", delay.get()));
    }
    if let Some(stage) = &fault.stage {
        line.push_str(&format!(", at {}", stage.get()));
    }
    if let Some(shift) = &fault.shift {
        line.push_str(&format!(", by {}", shift.get()));
    }
    if let Some(reply) = &fault.reply {
        line.push_str(&format!(", `{}`", reply.get()));
    }
    line
}
