//! `fault` and `heal`: what breaks, where, and how it ends.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use mxlab_dns::Name;
use mxlab_dns::fault::FaultKind as DnsFaultKind;
use mxlab_env::wire::{Machine, Network};
use mxlab_world::internet::{BegunFault, NameServerFault};
use mxlab_world::server::{ActiveFault, ServerControl, ServerFault};

use super::error::{self, LabError};
use super::fault_words::{Words, words};
use super::lab::Lab;
use super::stage::{Due, Stage};
use super::traffic::{Counted, Traffic};
use mxlab_language::Span;
use mxlab_language::faults::Effect;
use mxlab_language::script::Fault;

/// Ends a fault.
type Undo = Box<dyn FnOnce(&Lab, &dyn Network) -> io::Result<()>>;

/// How it shows whether a fault has acted.
enum Acting {
    /// Name servers count their answers.
    Names(BegunFault),
    /// A mail server counts, by the number of the fault.
    Server(ServerControl, u64),
    /// The wire has counted so many of these before it began, of the host with these addresses.
    Wire(Counted, Vec<IpAddr>, u64),
    /// It acts by being there.
    Always,
}

impl Acting {
    fn has_acted(&self, traffic: &Traffic) -> bool {
        match self {
            Acting::Names(begun) => begun.has_acted(),
            Acting::Server(control, number) => control.has_acted(*number),
            Acting::Wire(counted, addresses, before) => traffic.of(*counted, addresses) > *before,
            Acting::Always => true,
        }
    }
}

/// A fault that never acted.
pub(crate) struct Idle {
    /// The entry of the script.
    pub(crate) span: Span,
    /// `mx1 refuses connections`.
    pub(crate) what: String,
}

/// A fault that has begun.
struct Begun {
    name: Option<String>,
    /// It in words, for the story.
    told: Words,
    /// How it ends; none if it has ended.
    undo: Option<Undo>,
    /// The host whose clock it shifts, and by how much.
    clock: Option<(Arc<dyn Machine>, SignedDuration)>,
    /// How it shows whether it has acted; none once that is known not to matter.
    acting: Option<Acting>,
    /// The entry of the script.
    span: Span,
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
        let (Started { undo, acting }, clock) = match effect {
            Effect::ClockShift(error) => (Started::always(nothing_to_undo()), Some((host_of(stage, fault)?, error))),
            other => (begin_fault(stage, fault, other, number)?, None),
        };
        let acting = Some(acting).filter(|_| !fault.may_not_act());
        let span = stage.acting.unwrap_or_default();
        let told = words(fault);
        stage.tell_what("fault", told.begins(), "fault", fault.kind.get().to_string());
        let name = fault.name.as_ref().map(|name| name.get().to_string());
        self.begun.push(Begun { name, told, undo: Some(undo), clock, acting, span });
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

    /// The faults that have not acted, whether they are over or not.
    pub(super) fn idle(&self, traffic: &Traffic) -> Vec<Idle> {
        let idle = self.begun.iter().filter(|fault| fault.acting.as_ref().is_some_and(|it| !it.has_acted(traffic)));
        idle.map(|fault| Idle { span: fault.span, what: fault.told.holds() }).collect()
    }

    fn end_at(&mut self, stage: &Stage<'_>, index: usize) -> Result<(), LabError> {
        let Some(fault) = self.begun.get_mut(index) else { return Ok(()) };
        let Some(undo) = fault.undo.take() else { return Ok(()) };
        // What passes on the wire from now on says nothing of it any more.
        if matches!(&fault.acting, Some(acting @ Acting::Wire(..)) if acting.has_acted(&stage.traffic)) {
            fault.acting = None;
        } else if let Some(Acting::Wire(_, addresses, _)) = &mut fault.acting {
            addresses.clear();
        }
        let line = fault.told.is_over();
        undo(&stage.lab, &*stage.network)?;
        self.set_clocks()?;
        stage.tell("heal", vec![line]);
        Ok(())
    }
}

/// A fault that has just begun: how it ends, and how it shows that it acts.
struct Started {
    undo: Undo,
    acting: Acting,
}

impl Started {
    fn always(undo: Undo) -> Started {
        Started { undo, acting: Acting::Always }
    }
}

fn begin_fault(stage: &Stage<'_>, fault: &Fault, effect: Effect, number: u64) -> Result<Started, LabError> {
    match effect {
        Effect::Names(kind) => begin_dns_fault(stage, fault, kind),
        Effect::Session(at, does) => begin_server_fault(stage, fault, ServerFault::Lapse(at, does), number),
        Effect::NoStartTls => begin_server_fault(stage, fault, ServerFault::StartTlsMissing, number),
        Effect::NobodyListens => begin_server_fault(stage, fault, ServerFault::Refused, number),
        Effect::Unreachable => {
            let acting = on_the_wire(stage, fault, Counted::Packets)?;
            let host = host_name(fault).to_owned();
            stage.network.isolate(&host)?;
            Ok(Started { undo: Box::new(move |_, network| network.rejoin(&host)), acting })
        }
        // The clocks are set when all faults that shift one are known.
        Effect::ClockShift(_) => Ok(Started::always(nothing_to_undo())),
        Effect::NotYet => Err(LabError::NotYet(format!("the fault `{}`", fault.kind.get()))),
    }
}

/// What shows on the wire that a fault of a whole host acts.
fn on_the_wire(stage: &Stage<'_>, fault: &Fault, counted: Counted) -> Result<Acting, LabError> {
    let addresses = host_of(stage, fault)?.addresses().to_vec();
    let before = stage.traffic.of(counted, &addresses);
    Ok(Acting::Wire(counted, addresses, before))
}

fn begin_server_fault(stage: &Stage<'_>, fault: &Fault, does: ServerFault, number: u64) -> Result<Started, LabError> {
    let short = host_name(fault);
    let server = stage.lab.servers.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))?;
    // Where nothing listens, no server counts.
    let acting = match does.is_scoped() {
        true => Acting::Server(server.clone(), number),
        false => on_the_wire(stage, fault, Counted::Calls)?,
    };
    server.begin_fault(ActiveFault {
        id: number,
        fault: does,
        from: fault.from.as_ref().map(|from| stage.address(from.as_str())).transpose()?,
        times: fault.times.as_ref().map(|times| u64::from(*times.get())),
    });
    let undo: Undo = Box::new(move |_, _| {
        server.end_fault(number);
        Ok(())
    });
    Ok(Started { undo, acting })
}

/// The host at which a fault happens.
fn host_of(stage: &Stage<'_>, fault: &Fault) -> Result<Arc<dyn Machine>, LabError> {
    let short = host_name(fault);
    stage.lab.hosts.get(short).cloned().ok_or_else(|| LabError::NoAddress(short.to_owned()))
}

fn begin_dns_fault(stage: &Stage<'_>, fault: &Fault, kind: DnsFaultKind) -> Result<Started, LabError> {
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
    let acting = Acting::Names(begun.clone());
    let undo: Undo = Box::new(move |lab, _| {
        lab.internet.end(&begun);
        Ok(())
    });
    Ok(Started { undo, acting })
}

/// The owner that a fault names, as in zone text; but a name that is already within the zone needs no final dot.
pub(super) fn owner_name(owner: &str, zone: Option<&Name>) -> Result<Name, LabError> {
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
