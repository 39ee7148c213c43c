//! The script: what `[[at]]` entries do, each in the role of an administrator, a user or an accident.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::resolver::Resolver;
use mxlab_dns::signing_key::KeyRole;
use mxlab_dns::{Name, RecordType};
use mxlab_env::wire::Network;
use mxlab_record::{Event, Fields, Recorder};
use mxlab_world::internet::{Roll, RollStep, ZoneChange};
use tokio::time::Instant;

use super::error::{self, LabError};
use super::fault::Begun;
use super::lab::{self, Lab, in_one_line};
use super::references::References;
use super::send::InFlight;
use crate::engine::{Engines, Inbound, Outbound};
use crate::expect::Sent;
use mxlab_language::declarations::items;
use mxlab_language::script::{Action, Configure, Publish, Restart};
use mxlab_language::values::Time;
use mxlab_language::words::{self, RestartHow};
use mxlab_language::{Scenario, Span, zone_text};

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

/// The running script.
pub(crate) struct Script<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) lab: Lab,
    pub(crate) network: Rc<dyn Network>,
    pub(crate) recorder: Recorder,
    engines: &'a dyn Engines,
    pub(crate) outbound: Option<Arc<dyn Outbound>>,
    pub(crate) inbound: Option<Arc<dyn Inbound>>,
    pub(crate) in_flight: InFlight,
    pub(crate) sent: Sent,
    /// The entry that acts, or acted last; none before the first.
    pub(crate) acting: Option<Span>,
    /// When the run began.
    pub(crate) start: Instant,
    /// All faults that have begun, in order. One that is over stays, without its end.
    pub(super) faults: Vec<Begun>,
    /// Later steps that need no entry: the end of faults, the return of hosts.
    pub(super) due: Vec<(Instant, Due)>,
    pub(super) began: u64,
    /// The resolver that `lookup` asks; it keeps its cache from one to the next.
    resolver: Option<Resolver>,
    /// Inception and expiry of the signatures of zones that were published anew.
    signed: BTreeMap<String, (Time, Option<Time>)>,
    /// What the key changes that are under way renew, by zone.
    rolling: BTreeMap<String, Renewed>,
}

/// Which keys a key change renews.
#[derive(Clone, Copy)]
enum Renewed {
    /// The zone's only one.
    Key,
    ZoneSigning,
    KeySigning,
    Both,
}

impl Renewed {
    /// `split`: the zone has two keys.
    fn by(publish: &Publish, split: bool) -> Renewed {
        let ksk = publish.role.as_ref().is_some_and(|role| *role.get() == words::KeyRole::Ksk);
        match publish.algorithm {
            _ if !split => Renewed::Key,
            Some(_) => Renewed::Both,
            None if ksk => Renewed::KeySigning,
            None => Renewed::ZoneSigning,
        }
    }

    /// With the article: `a new key`.
    fn new_key(self) -> &'static str {
        match self {
            Renewed::Key => "a new key",
            Renewed::ZoneSigning => "a new zone-signing key",
            Renewed::KeySigning => "a new key-signing key",
            Renewed::Both => "new keys",
        }
    }

    /// The action of a zone that drops the old key.
    fn gives_up(self) -> &'static str {
        match self {
            Renewed::Key => "gives up its old key; the parent has the DS of the new one alone",
            Renewed::ZoneSigning => "gives up its old zone-signing key",
            Renewed::KeySigning => "gives up its old key-signing key; the parent has the DS of the new one alone",
            Renewed::Both => "gives up its old keys; the parent has the DS of the new ones alone",
        }
    }
}

/// Something that the script does by itself at a later time.
pub(super) enum Due {
    EndFault(u64),
    Return(String),
}

impl<'a> Script<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        engines: &'a dyn Engines,
        lab: Lab,
        network: Rc<dyn Network>,
        recorder: Recorder,
    ) -> Script<'a> {
        Script {
            scenario,
            lab,
            network,
            recorder,
            engines,
            outbound: None,
            inbound: None,
            in_flight: InFlight::default(),
            sent: Sent::default(),
            acting: None,
            start: Instant::now(),
            faults: Vec::new(),
            due: Vec::new(),
            began: 0,
            resolver: None,
            signed: BTreeMap::new(),
            rolling: BTreeMap::new(),
        }
    }

    pub(super) fn tell(&self, verb: &'static str, lines: Vec<String>) {
        self.recorder.tell(&Step { verb, lines, what: None });
    }

    pub(super) fn tell_what(&self, verb: &'static str, line: String, field: &'static str, value: String) {
        self.recorder.tell(&Step { verb, lines: vec![line], what: Some((field, value)) });
    }

    /// The instant of a time in the file. Times before the epoch become now.
    pub(super) fn instant(&self, time: Time) -> Instant {
        let since = self.scenario.instant(time).duration_since(self.scenario.epoch);
        self.start + Duration::try_from(since).unwrap_or_default()
    }

    /// Runs all entries.
    pub(crate) async fn run(&mut self) -> Result<(), LabError> {
        for at in &self.scenario.at {
            let time = self.instant(at.time);
            self.pass_time(time).await?;
            self.acting = Some(at.span);
            self.act(&at.action)?;
        }
        Ok(())
    }

    /// Waits until `time`, doing what falls due before.
    async fn pass_time(&mut self, time: Instant) -> Result<(), LabError> {
        while let Some(due) = self.next_due().filter(|due| *due <= time) {
            tokio::time::sleep_until(due).await;
            self.do_due(due).await?;
        }
        tokio::time::sleep_until(time).await;
        Ok(())
    }

    /// When something falls due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.iter().map(|(at, _)| *at).min()
    }

    /// Does what is due at `now`.
    pub(crate) async fn do_due(&mut self, now: Instant) -> Result<(), LabError> {
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.due).into_iter().partition(|(at, _)| *at <= now);
        self.due = later;
        for (_, due) in ready {
            match due {
                Due::EndFault(number) => self.end_fault_numbered(number)?,
                Due::Return(host) => self.bring_back(&host).await?,
            }
        }
        Ok(())
    }

    fn act(&mut self, action: &Action) -> Result<(), LabError> {
        match action {
            Action::Send(send) => self.send(send),
            Action::Publish(publish) => self.publish(publish),
            Action::Configure(configure) => self.configure(configure),
            Action::Fault(fault) => self.fault(fault),
            Action::Heal(name) => self.heal(name.as_str()),
            Action::Restart(restart) => self.restart(restart),
            Action::Lookup(lookup) => self.lookup(lookup.name.as_str(), lookup.rtype.as_str()),
            Action::Dialogue(dialogue) => self.dialogue(dialogue),
            // Refused before the run.
            Action::Rotate(_) => Err(LabError::NotYet("`rotate`".to_owned())),
        }
    }

    // ── publish, configure, lookup ──

    fn publish(&mut self, publish: &Publish) -> Result<(), LabError> {
        let apex = error::name(publish.zone.as_str())?;
        let signing = self.new_signing(publish);
        let resolve = References::new(self.scenario, &self.lab.made, Some(&self.lab.internet));
        let text = |text: &str| zone_text::substitute(text, &resolve);
        let change = ZoneChange {
            replace: publish.replace.as_ref().map(|records| text(records.as_str())),
            add: publish.add.as_ref().map(|records| text(records.as_str())),
            remove: self.removals(publish, &apex)?,
            signed: publish.signed.as_ref().map(|signed| *signed.get()),
            signing,
            roll: publish.roll.as_ref().map(|step| roll(publish, *step.get())),
            only_at: publish.server.as_ref().and_then(|server| self.address(server.as_str())),
        };
        let declared = self.scenario.zones.iter().find(|(name, _)| name.eq_ignore_ascii_case(publish.zone.as_str()));
        let split = declared.is_some_and(|(_, zone)| zone.keys() == words::ZoneKeys::Split);
        let renewed = publish.roll.as_ref().map(|step| self.renewed(publish, *step.get(), split));
        let told = describe_publish(publish, &change, renewed);
        match &publish.roll {
            Some(step) => self.tell_what("publish", told, "roll", step.get().to_string()),
            None => self.tell("publish", vec![told]),
        }
        Ok(self.lab.internet.publish(&apex, &change)?)
    }

    /// Which keys a step of a key change is about: the first step of the change says so.
    fn renewed(&mut self, publish: &Publish, step: words::RollStep, split: bool) -> Renewed {
        let zone = publish.zone.as_str().to_ascii_lowercase();
        let renewed = *self.rolling.entry(zone.clone()).or_insert_with(|| Renewed::by(publish, split));
        if step == words::RollStep::DropOld {
            self.rolling.remove(&zone);
        }
        renewed
    }

    /// The signing of the zone from now on, if it changes: what is not given stays as it was.
    fn new_signing(&mut self, publish: &Publish) -> Option<mxlab_dns::signed_zone::Signing> {
        if publish.signed_from.is_none() && publish.signed_until.is_none() {
            return None;
        }
        let zone = publish.zone.get().to_string();
        let (from, until) = self.signed.get(&zone).copied().unwrap_or_else(|| {
            let declared = self.scenario.zones.get(zone.as_str()).map(|zone| zone.get().clone()).unwrap_or_default();
            (declared.signed_from(), declared.signed_until.as_ref().map(|until| *until.get()))
        });
        let from = publish.signed_from.as_ref().map_or(from, |from| *from.get());
        let until = publish.signed_until.as_ref().map(|until| *until.get()).or(until);
        self.signed.insert(zone, (from, until));
        Some(lab::signing(self.scenario.instant(from), until.map(|until| self.scenario.instant(until))))
    }

    fn removals(&self, publish: &Publish, apex: &Name) -> Result<Vec<(Name, Option<RecordType>)>, LabError> {
        let removal = |without: &mxlab_language::values::Without| {
            let owner =
                Name::parse_relative(&without.owner, apex).map_err(|_| LabError::Name(without.owner.clone()))?;
            let rtype = without.rtype.as_deref().map(str::parse).transpose();
            Ok((owner, rtype.map_err(|_| LabError::Name(without.owner.clone()))?))
        };
        items(&publish.remove).map(|without| removal(without.get())).collect()
    }

    pub(super) fn address(&self, short: &str) -> Option<IpAddr> {
        self.scenario.addressed.get(short).map(|host| IpAddr::V4(host.ipv4))
    }

    fn configure(&mut self, configure: &Configure) -> Result<(), LabError> {
        for (short, host) in configure.host.iter().flatten() {
            let (Some(control), Some(smtp)) = (self.lab.servers.get(short.as_str()), &host.smtp) else { continue };
            let mut result = Ok(());
            control.change(|settings| result = lab::apply_smtp(settings, &self.lab.made.certificates, smtp));
            result?;
            let mut what = Vec::new();
            if let Some(cert) = &smtp.cert {
                what.push(format!("presents the certificate {}", cert.get()));
            }
            if let Some(tls) = &smtp.tls {
                what.push(format!("speaks TLS {} at most", tls.get()));
            }
            let what = if what.is_empty() { "has new settings".to_owned() } else { what.join(" and ") };
            self.tell("configure", vec![format!("{short} {what} from now on")]);
        }
        Ok(())
    }

    fn lookup(&mut self, name: &str, rtype: &str) -> Result<(), LabError> {
        let name: Name = error::name(name)?;
        let rtype: RecordType = rtype.parse().map_err(|_| LabError::Name(rtype.to_owned()))?;
        let env = self.lab.users.env();
        let made = || self.lab.resolver(self.scenario, &env, &self.lab.recorder(self.scenario, "script"));
        let resolver = self.resolver.get_or_insert_with(made).clone();
        self.tell("lookup", vec![format!("the resolver is asked for {name} {rtype}")]);
        let on_its_way = self.in_flight.begin();
        env.spawn("lookup", async move {
            resolver.lookup(&name, rtype).await;
            drop(on_its_way);
        });
        Ok(())
    }

    // ── restart ──

    fn restart(&mut self, restart: &Restart) -> Result<(), LabError> {
        let short = restart.host.as_str().to_owned();
        let Some(host) = self.lab.hosts.get(&short) else { return Ok(()) };
        let how = match restart.how() {
            RestartHow::PowerLoss => {
                host.power_loss()?;
                "loses power"
            }
            RestartHow::Kill => {
                host.kill();
                "is killed"
            }
            RestartHow::Stop => {
                host.kill();
                "is stopped"
            }
        };
        self.tell("restart", vec![format!("{short} {how}")]);
        // Down again before it came back: the later return counts.
        self.due.retain(|(_, due)| !matches!(due, Due::Return(host) if *host == short));
        self.due.push((Instant::now() + restart.down().get(), Due::Return(short)));
        Ok(())
    }

    async fn bring_back(&mut self, short: &str) -> Result<(), LabError> {
        let Some(host) = self.lab.hosts.get(short) else { return Ok(()) };
        host.restart();
        self.tell("restart", vec![format!("{short} is up again")]);
        match short {
            "sender" => self.start_outbound().await,
            "receiver" => self.start_inbound().await,
            _ => {
                self.lab.start_host(self.scenario, short);
                Ok(())
            }
        }
    }

    // ── engines ──

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

/// The step of a key change that a `publish` takes.
fn roll(publish: &Publish, step: words::RollStep) -> Roll {
    Roll {
        step: match step {
            words::RollStep::AddKey => RollStep::AddKey,
            words::RollStep::AddDs => RollStep::AddDs,
            words::RollStep::SwitchSigning => RollStep::SwitchSigning,
            words::RollStep::DropOld => RollStep::DropOld,
        },
        algorithm: publish.algorithm.as_ref().map(|algorithm| lab::key_kind(*algorithm.get())),
        role: publish.role.as_ref().map(|role| match role.get() {
            words::KeyRole::Zsk => KeyRole::ZoneSigning,
            words::KeyRole::Ksk => KeyRole::KeySigning,
        }),
    }
}

/// What a step of a key change does, for the story.
fn describe_roll(publish: &Publish, step: words::RollStep, renewed: Renewed) -> String {
    let algorithm = publish.algorithm.as_ref().map(|algorithm| format!(" of algorithm {algorithm}"));
    let key = format!("{}{}", renewed.new_key(), algorithm.unwrap_or_default());
    match step {
        words::RollStep::AddKey => format!("publishes {key} beside the old"),
        words::RollStep::AddDs => format!("has the DS of {key} at its parent, beside the old"),
        words::RollStep::SwitchSigning => "is signed with its new key".to_owned(),
        words::RollStep::DropOld => renewed.gives_up().to_owned(),
    }
}

fn describe_publish(publish: &Publish, change: &ZoneChange, renewed: Option<Renewed>) -> String {
    let mut what = Vec::new();
    if let Some(records) = &change.replace {
        what.push(format!("now has {}", in_one_line(records)));
    }
    if let Some(records) = &change.add {
        what.push(format!("also has {}", in_one_line(records)));
    }
    for without in items(&publish.remove) {
        let rtype = without.rtype.as_deref().map_or(String::new(), |rtype| format!(" {rtype}"));
        what.push(format!("no longer has {}{rtype}", without.owner));
    }
    match publish.signed.as_ref().map(|signed| *signed.get()) {
        Some(true) => what.push("is signed".to_owned()),
        Some(false) => what.push("is no longer signed".to_owned()),
        None => {}
    }
    if let (Some(step), Some(renewed)) = (&publish.roll, renewed) {
        what.push(describe_roll(publish, *step.get(), renewed));
    }
    if publish.signed_from.is_some() || publish.signed_until.is_some() {
        what.push("has new signatures".to_owned());
    }
    format!("zone {} {}", publish.zone.get(), what.join(" and "))
}
