//! What the verbs of the script act on: the lab, its network and engines, the record, and what is under way.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::wire::Network;
use mxlab_record::{EntryId, Event, Fields, Recorder};
use tokio::time::Instant;

use super::error::LabError;
use super::in_flight::InFlight;
use super::lab::{self, Lab};
use super::traffic::Traffic;
use crate::engine::{Engines, Inbound, Outbound};
use crate::expect::Sent;
use mxlab_language::values::Time;
use mxlab_language::{Scenario, Span};

/// A step of the script, for the story.
pub(crate) struct Step {
    pub(crate) verb: &'static str,
    pub(crate) lines: Vec<String>,
    /// The property that evidence needs: the kind of a fault, the step of a key change.
    pub(crate) what: Option<(&'static str, String)>,
}

impl Event for Step {
    fn kind(&self) -> &'static str {
        "step"
    }
    fn fields(&self) -> Fields {
        let fields = Fields::new().with("verb", self.verb).with("told", self.lines.clone());
        match &self.what {
            Some((field, value)) => fields.with(field, value.as_str()),
            None => fields,
        }
    }
    fn story(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// What the verbs act on.
pub(crate) struct Stage<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) lab: Lab,
    pub(crate) network: Rc<dyn Network>,
    pub(crate) recorder: Recorder,
    engines: &'a dyn Engines,
    pub(crate) outbound: Option<Arc<dyn Outbound>>,
    pub(crate) inbound: Option<Arc<dyn Inbound>>,
    pub(crate) in_flight: InFlight,
    /// What has passed on the wire.
    pub(crate) traffic: Traffic,
    pub(crate) sent: Sent,
    /// The entry that acts, or acted last; none before the first.
    pub(crate) acting: Option<Span>,
    /// When the run began.
    pub(crate) start: Instant,
    /// Later steps that need no entry: the end of faults, the return of hosts.
    pub(super) due: Vec<(Instant, Due)>,
}

/// Something that the script does by itself at a later time.
pub(super) enum Due {
    EndFault(u64),
    Return(String),
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        engines: &'a dyn Engines,
        lab: Lab,
        network: Rc<dyn Network>,
        recorder: Recorder,
        traffic: Traffic,
    ) -> Stage<'a> {
        Stage {
            scenario,
            lab,
            network,
            recorder,
            engines,
            outbound: None,
            inbound: None,
            in_flight: InFlight::default(),
            traffic,
            sent: Sent::default(),
            acting: None,
            start: Instant::now(),
            due: Vec::new(),
        }
    }

    pub(super) fn tell(&self, verb: &'static str, lines: Vec<String>) -> EntryId {
        self.recorder.tell(&Step { verb, lines, what: None })
    }

    pub(super) fn tell_what(&self, verb: &'static str, line: String, field: &'static str, value: String) -> EntryId {
        self.recorder.tell(&Step { verb, lines: vec![line], what: Some((field, value)) })
    }

    /// The instant of a time in the file. Times before the epoch become now.
    pub(super) fn instant(&self, time: Time) -> Instant {
        let since = self.scenario.instant(time).duration_since(self.scenario.epoch);
        self.start + Duration::try_from(since).unwrap_or_default()
    }

    /// The address of a host that the file names. Without it, what is limited to that host would apply to all.
    pub(super) fn address(&self, short: &str) -> Result<IpAddr, LabError> {
        let host = self.scenario.addressed.get(short).ok_or_else(|| LabError::NoAddress(short.to_owned()))?;
        Ok(IpAddr::V4(host.ipv4))
    }

    /// When something falls due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.iter().map(|(at, _)| *at).min()
    }

    /// Starts the outbound engine on its host, if the scenario has one.
    pub(crate) async fn start_outbound(&mut self) -> Result<(), LabError> {
        let (Some(settings), Some(host)) = (lab::outbound_settings(self.scenario), self.lab.hosts.get("sender")) else {
            return Ok(());
        };
        let (env, recorder, resolver) = self.lab.engine_ports(self.scenario, &**host, "sender");
        let starting = self.engines.outbound(env, recorder, resolver, settings);
        self.outbound = Some(starting.await.map_err(|error| LabError::Engine("sender", error))?);
        Ok(())
    }

    /// Starts the inbound engine on its host, if the scenario has one.
    pub(crate) async fn start_inbound(&mut self) -> Result<(), LabError> {
        let settings = lab::inbound_settings(self.scenario, &self.lab.made.certificates)?;
        let (Some(settings), Some(host)) = (settings, self.lab.hosts.get("receiver")) else { return Ok(()) };
        let (env, recorder, resolver) = self.lab.engine_ports(self.scenario, &**host, "receiver");
        let starting = self.engines.inbound(env, recorder, resolver, settings);
        self.inbound = Some(starting.await.map_err(|error| LabError::Engine("receiver", error))?);
        Ok(())
    }
}
