//! The script: it walks the `[[at]]` entries, each at its time, and calls their verbs. A verb acts on the [`Stage`] in the
//! role of an administrator, a user or an accident.

use tokio::time::Instant;

use super::error::LabError;
use super::fault::{Faults, Idle};
use super::lookup::Lookups;
use super::publish::Zones;
use super::stage::{Due, Stage};
use super::{configure, dialogue, restart, send};
use mxlab_language::script::Action;

/// The running script.
pub(crate) struct Script<'a> {
    pub(crate) stage: Stage<'a>,
    faults: Faults,
    zones: Zones,
    lookups: Lookups,
}

impl<'a> Script<'a> {
    pub(crate) fn new(stage: Stage<'a>) -> Script<'a> {
        Script { stage, faults: Faults::default(), zones: Zones::default(), lookups: Lookups::default() }
    }

    /// The faults that have begun and never acted.
    pub(crate) fn idle_faults(&self) -> Vec<Idle> {
        self.faults.idle(&self.stage.traffic)
    }

    /// Runs all entries.
    pub(crate) async fn run(&mut self) -> Result<(), LabError> {
        let scenario = self.stage.scenario;
        for at in &scenario.at {
            let time = self.stage.instant(at.time);
            self.pass_time(time).await?;
            self.stage.acting = Some(at.span);
            self.act(&at.action)?;
        }
        Ok(())
    }

    /// Waits until `time`, doing what falls due before.
    async fn pass_time(&mut self, time: Instant) -> Result<(), LabError> {
        while let Some(due) = self.stage.next_due().filter(|due| *due <= time) {
            tokio::time::sleep_until(due).await;
            self.do_due(due).await?;
        }
        tokio::time::sleep_until(time).await;
        Ok(())
    }

    /// Does what is due at `now`.
    pub(crate) async fn do_due(&mut self, now: Instant) -> Result<(), LabError> {
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.stage.due).into_iter().partition(|(at, _)| *at <= now);
        self.stage.due = later;
        let stage = &mut self.stage;
        for (_, due) in ready {
            match due {
                Due::EndFault(number) => self.faults.end_numbered(stage, number)?,
                Due::Return(host) => restart::bring_back(stage, &host).await?,
            }
        }
        Ok(())
    }

    fn act(&mut self, action: &Action) -> Result<(), LabError> {
        let stage = &mut self.stage;
        match action {
            Action::Send(send) => send::send(stage, send),
            Action::Publish(publish) => self.zones.publish(stage, publish),
            Action::Configure(configure) => configure::configure(stage, configure),
            Action::Fault(fault) => self.faults.begin(stage, fault),
            Action::Heal(name) => self.faults.heal(stage, name.as_str()),
            Action::Restart(restart) => restart::restart(stage, restart),
            Action::Lookup(lookup) => self.lookups.lookup(stage, lookup.name.as_str(), lookup.rtype.as_str()),
            Action::Dialogue(dialogue) => dialogue::dialogue(stage, dialogue),
            // Refused before the run.
            Action::Rotate(_) => Err(LabError::NotYet("`rotate`".to_owned())),
        }
    }
}
