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
use super::script::{Due, Script};
use mxlab_language::faults::Effect;
use mxlab_language::script::Fault;

/// Ends a fault.
type Undo = Box<dyn FnOnce(&Lab, &dyn Network) -> io::Result<()>>;

/// A fault that has begun.
pub(super) struct Begun {
    name: Option<String>,
    /// `refused at mx1`, for the story.
    told: String,
    /// How it ends; none if it has ended.
    undo: Option<Undo>,
    /// The host whose clock it shifts, and by how much.
    clock: Option<(Arc<dyn Machine>, SignedDuration)>,
}

impl Script<'_> {
    pub(super) fn fault(&mut self, fault: &Fault) -> Result<(), LabError> {
        self.began += 1;
        let number = self.began;
        let effect = fault.effect().ok_or(LabError::Incomplete(*fault.kind.get()))?;
        let (undo, clock) = match effect {
            Effect::ClockShift(error) => (nothing_to_undo(), Some((self.host_of(fault)?, error))),
            other => (self.begin_fault(fault, other, number)?, None),
        };
        let told = describe_fault(fault);
        self.tell_what("fault", format!("fault {told} begins"), "fault", fault.kind.get().to_string());
        let name = fault.name.as_ref().map(|name| name.get().to_string());
        // The index of a fault is its number less one.
        self.faults.push(Begun { name, told, undo: Some(undo), clock });
        self.set_clocks()?;
        if let Some(until) = &fault.until {
            self.due.push((self.instant(*until.get()), Due::EndFault(number)));
        }
        Ok(())
    }

    fn begin_fault(&self, fault: &Fault, effect: Effect, number: u64) -> Result<Undo, LabError> {
        match effect {
            Effect::Names(kind) => self.begin_dns_fault(fault, kind),
            Effect::Session(stage, does) => self.begin_server_fault(fault, ServerFault::Lapse(stage, does), number),
            Effect::NoStartTls => self.begin_server_fault(fault, ServerFault::StartTlsMissing, number),
            Effect::NobodyListens => self.begin_server_fault(fault, ServerFault::Refused, number),
            Effect::Unreachable => {
                let host = host_name(fault).to_owned();
                self.network.isolate(&host)?;
                Ok(Box::new(move |_, network| network.rejoin(&host)))
            }
            // The clocks are set when all faults that shift one are known.
            Effect::ClockShift(_) => Ok(nothing_to_undo()),
            Effect::NotYet => Err(LabError::NotYet(format!("the fault `{}`", fault.kind.get()))),
        }
    }

    fn begin_server_fault(&self, fault: &Fault, does: ServerFault, number: u64) -> Result<Undo, LabError> {
        let short = host_name(fault);
        let server = self.lab.servers.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))?;
        server.begin_fault(ActiveFault {
            id: number,
            fault: does,
            from: fault.from.as_ref().and_then(|from| self.address(from.as_str())),
            times: fault.times.as_ref().map(|times| u64::from(*times.get())),
        });
        Ok(Box::new(move |_, _| {
            server.end_fault(number);
            Ok(())
        }))
    }

    /// The host at which a fault happens.
    fn host_of(&self, fault: &Fault) -> Result<Arc<dyn Machine>, LabError> {
        let short = host_name(fault);
        self.lab.hosts.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))
    }

    /// Sets the clocks by the active faults; if there are two, the later acts.
    fn set_clocks(&self) -> io::Result<()> {
        for (host, _) in self.faults.iter().filter_map(|fault| fault.clock.as_ref()) {
            host.set_clock_error(SignedDuration::ZERO)?;
        }
        for fault in self.faults.iter().filter(|fault| fault.undo.is_some()) {
            if let Some((host, error)) = &fault.clock {
                host.set_clock_error(*error)?;
            }
        }
        Ok(())
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
        Ok(Box::new(move |lab, _| {
            lab.internet.end(&begun);
            Ok(())
        }))
    }

    pub(super) fn heal(&mut self, name: &str) -> Result<(), LabError> {
        let named = |fault: &Begun| fault.name.as_deref() == Some(name) && fault.undo.is_some();
        match self.faults.iter().rposition(named) {
            Some(index) => self.end_fault_at(index),
            None => Ok(()),
        }
    }

    pub(super) fn end_fault_numbered(&mut self, number: u64) -> Result<(), LabError> {
        self.end_fault_at(usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1))
    }

    fn end_fault_at(&mut self, index: usize) -> Result<(), LabError> {
        let Some(fault) = self.faults.get_mut(index) else { return Ok(()) };
        let Some(undo) = fault.undo.take() else { return Ok(()) };
        let line = format!("fault {} is over", fault.told);
        undo(&self.lab, &*self.network)?;
        self.set_clocks()?;
        self.tell("heal", vec![line]);
        Ok(())
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
