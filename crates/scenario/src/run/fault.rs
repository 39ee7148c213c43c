//! `fault` and `heal`: what breaks, where, and how it ends.

use std::io;
use std::sync::Arc;

use jiff::SignedDuration;
use mxlab_dns::Name;
use mxlab_dns::fault::FaultKind as DnsFaultKind;
use mxlab_env::wire::{Machine, Network};
use mxlab_world::internet::NameServerFault;
use mxlab_world::server::{ActiveFault, ServerFault};

use super::error::{self, LabError};
use super::lab::Lab;
use super::stage::{Due, Stage};
use mxlab_language::faults::Effect;
use mxlab_language::script::Fault;

/// Ends a fault.
type Undo = Box<dyn FnOnce(&Lab, &dyn Network) -> io::Result<()>>;

/// A fault that has begun.
struct Begun {
    name: Option<String>,
    /// `refused at mx1`, for the story.
    told: String,
    /// How it ends; none if it has ended.
    undo: Option<Undo>,
    /// The host whose clock it shifts, and by how much.
    clock: Option<(Arc<dyn Machine>, SignedDuration)>,
}

/// All faults that have begun, in order. One that is over stays, without its end.
#[derive(Default)]
pub(super) struct Faults {
    begun: Vec<Begun>,
}

impl Faults {
    pub(super) fn begin(&mut self, stage: &mut Stage<'_>, fault: &Fault) -> Result<(), LabError> {
        // The index of a fault is its number less one.
        let number = u64::try_from(self.begun.len()).unwrap_or(u64::MAX).saturating_add(1);
        let effect = fault.effect().ok_or(LabError::Incomplete(*fault.kind.get()))?;
        let (undo, clock) = match effect {
            Effect::ClockShift(error) => (nothing_to_undo(), Some((host_of(stage, fault)?, error))),
            other => (begin_fault(stage, fault, other, number)?, None),
        };
        let told = describe_fault(fault);
        stage.tell_what("fault", format!("fault {told} begins"), "fault", fault.kind.get().to_string());
        let name = fault.name.as_ref().map(|name| name.get().to_string());
        self.begun.push(Begun { name, told, undo: Some(undo), clock });
        self.set_clocks()?;
        if let Some(until) = &fault.until {
            stage.due.push((stage.instant(*until.get()), Due::EndFault(number)));
        }
        Ok(())
    }

    /// Sets the clocks by the active faults; if there are two, the later acts.
    fn set_clocks(&self) -> io::Result<()> {
        for (host, _) in self.begun.iter().filter_map(|fault| fault.clock.as_ref()) {
            host.set_clock_error(SignedDuration::ZERO)?;
        }
        for fault in self.begun.iter().filter(|fault| fault.undo.is_some()) {
            if let Some((host, error)) = &fault.clock {
                host.set_clock_error(*error)?;
            }
        }
        Ok(())
    }

    pub(super) fn heal(&mut self, stage: &Stage<'_>, name: &str) -> Result<(), LabError> {
        let named = |fault: &Begun| fault.name.as_deref() == Some(name) && fault.undo.is_some();
        match self.begun.iter().rposition(named) {
            Some(index) => self.end_at(stage, index),
            None => Ok(()),
        }
    }

    pub(super) fn end_numbered(&mut self, stage: &Stage<'_>, number: u64) -> Result<(), LabError> {
        self.end_at(stage, usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1))
    }

    fn end_at(&mut self, stage: &Stage<'_>, index: usize) -> Result<(), LabError> {
        let Some(fault) = self.begun.get_mut(index) else { return Ok(()) };
        let Some(undo) = fault.undo.take() else { return Ok(()) };
        let line = format!("fault {} is over", fault.told);
        undo(&stage.lab, &*stage.network)?;
        self.set_clocks()?;
        stage.tell("heal", vec![line]);
        Ok(())
    }
}

fn begin_fault(stage: &Stage<'_>, fault: &Fault, effect: Effect, number: u64) -> Result<Undo, LabError> {
    match effect {
        Effect::Names(kind) => begin_dns_fault(stage, fault, kind),
        Effect::Session(at, does) => begin_server_fault(stage, fault, ServerFault::Lapse(at, does), number),
        Effect::NoStartTls => begin_server_fault(stage, fault, ServerFault::StartTlsMissing, number),
        Effect::NobodyListens => begin_server_fault(stage, fault, ServerFault::Refused, number),
        Effect::Unreachable => {
            let host = host_name(fault).to_owned();
            stage.network.isolate(&host)?;
            Ok(Box::new(move |_, network| network.rejoin(&host)))
        }
        // The clocks are set when all faults that shift one are known.
        Effect::ClockShift(_) => Ok(nothing_to_undo()),
        Effect::NotYet => Err(LabError::NotYet(format!("the fault `{}`", fault.kind.get()))),
    }
}

fn begin_server_fault(stage: &Stage<'_>, fault: &Fault, does: ServerFault, number: u64) -> Result<Undo, LabError> {
    let short = host_name(fault);
    let server = stage.lab.servers.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))?;
    server.begin_fault(ActiveFault {
        id: number,
        fault: does,
        from: fault.from.as_ref().map(|from| stage.address(from.as_str())).transpose()?,
        times: fault.times.as_ref().map(|times| u64::from(*times.get())),
    });
    Ok(Box::new(move |_, _| {
        server.end_fault(number);
        Ok(())
    }))
}

/// The host at which a fault happens.
fn host_of(stage: &Stage<'_>, fault: &Fault) -> Result<Arc<dyn Machine>, LabError> {
    let short = host_name(fault);
    stage.lab.hosts.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))
}

fn begin_dns_fault(stage: &Stage<'_>, fault: &Fault, kind: DnsFaultKind) -> Result<Undo, LabError> {
    let zone = fault.zone.as_ref().map(|zone| error::name(zone.as_str())).transpose()?;
    let owner = fault.owner.as_ref().map(|owner| owner_name(owner.as_str(), zone.as_ref())).transpose()?;
    let rtype =
        fault.rtype.as_ref().map(|rtype| rtype.as_str().parse().map_err(|_| LabError::Name(rtype.get().to_string())));
    let begun = stage.lab.internet.begin(&NameServerFault {
        zone,
        server: fault.server.as_ref().map(|server| stage.address(server.as_str())).transpose()?,
        owner,
        rtype: rtype.transpose()?,
        times: fault.times.as_ref().map(|times| *times.get()),
        ..NameServerFault::new(kind)
    })?;
    Ok(Box::new(move |lab, _| {
        lab.internet.end(&begun);
        Ok(())
    }))
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

fn nothing_to_undo() -> Undo {
    Box::new(|_, _| Ok(()))
}

fn host_name(fault: &Fault) -> &str {
    fault.host.as_ref().map_or("", |host| host.as_str())
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
