//! The script: what `[[at]]` entries do, each as the administrator, user or misfortune that it speaks of.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mxlab_dns::fault::{Fault as DnsFault, FaultId, FaultKind as DnsFaultKind, FaultScope};
use mxlab_dns::rdata::{A, Mx};
use mxlab_dns::{Name, RecordType};
use mxlab_env::{Env, Timestamp};
use mxlab_mail::address::{Address, ReversePath};
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Event, Fields, Recorder};
use mxlab_sim::Control;
use mxlab_world::client::{self, Handover};
use mxlab_world::internet::Change;
use mxlab_world::server::{ActiveFault, ServerControl, ServerFault};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::lab::{self, Lab, LabError, References, in_one_line};
use super::messages::{self, FillIns};
use crate::engine::Outbound;
use crate::expect::Sent;
use crate::file::declarations::items;
use crate::file::faults::FaultKind;
use crate::file::script::{Action, Configure, Fault, Publish, Restart, Send};
use crate::file::words::{self, RestartHow};
use crate::file::{Scenario, references, zone_text};

/// A step of the script, for the story.
pub(crate) struct Step {
    pub(crate) verb: &'static str,
    pub(crate) lines: Vec<String>,
}

impl Event for Step {
    fn kind(&self) -> &'static str {
        "step"
    }
    fn fields(&self) -> Fields {
        Fields::new().with("verb", self.verb).with("told", self.lines.clone())
    }
    fn story(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// Counts messages that are on their way from a client to a server.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    count: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl InFlight {
    fn begin(&self, messages: usize) {
        self.count.fetch_add(messages, Ordering::Relaxed);
    }
    fn end(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Ends what a fault began.
type Undo = Box<dyn FnOnce(&Lab, &Control)>;

/// A fault that has begun.
struct Begun {
    name: Option<String>,
    /// `refused at mx1`, for the story.
    told: String,
    /// How it ends; none if it is over.
    undo: Option<Undo>,
}

/// The script as it runs.
pub(crate) struct Script<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) lab: Lab,
    pub(crate) control: Control,
    pub(crate) recorder: Recorder,
    pub(crate) outbound: Option<Arc<dyn Outbound>>,
    pub(crate) in_flight: InFlight,
    pub(crate) sent: Sent,
    /// When the run began.
    pub(crate) start: Instant,
    /// All faults that have begun, in order. One that is over stays, without its end.
    faults: Vec<Begun>,
    /// What happens by itself later: the end of faults, the return of hosts.
    due: Vec<(Instant, Due)>,
    began: u64,
}

/// Something that the script does by itself at a later time.
enum Due {
    EndFault(u64),
    Return(String),
}

impl<'a> Script<'a> {
    pub(crate) fn new(scenario: &'a Scenario, lab: Lab, control: Control, recorder: Recorder) -> Script<'a> {
        Script {
            scenario,
            lab,
            control,
            recorder,
            outbound: None,
            in_flight: InFlight::default(),
            sent: Sent::default(),
            start: Instant::now(),
            faults: Vec::new(),
            due: Vec::new(),
            began: 0,
        }
    }

    fn tell(&self, verb: &'static str, lines: Vec<String>) {
        self.recorder.tell(&Step { verb, lines });
    }

    /// The instant of a time in the file. What lies before the epoch is now.
    fn instant(&self, time: crate::file::values::Time) -> Instant {
        let since = self.scenario.instant(time).duration_since(self.scenario.epoch);
        self.start + Duration::try_from(since).unwrap_or_default()
    }

    /// Runs all entries.
    pub(crate) async fn run(&mut self) -> Result<(), LabError> {
        for at in &self.scenario.at {
            let time = self.instant(at.time);
            self.pass_time(time).await;
            self.act(&at.action)?;
        }
        Ok(())
    }

    /// Waits until `time`, doing what falls due before.
    pub(crate) async fn pass_time(&mut self, time: Instant) {
        while let Some(due) = self.next_due().filter(|due| *due <= time) {
            tokio::time::sleep_until(due).await;
            self.do_due(due);
        }
        tokio::time::sleep_until(time).await;
    }

    /// When something falls due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.iter().map(|(at, _)| *at).min()
    }

    /// Does what is due at `now`.
    pub(crate) fn do_due(&mut self, now: Instant) {
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.due).into_iter().partition(|(at, _)| *at <= now);
        self.due = later;
        for (_, due) in ready {
            match due {
                Due::EndFault(number) => self.end_fault_numbered(number),
                Due::Return(host) => self.bring_back(&host),
            }
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), LabError> {
        match action {
            Action::Send(send) => self.send(send),
            Action::Publish(publish) => self.publish(publish),
            Action::Configure(configure) => self.configure(configure),
            Action::Fault(fault) => self.fault(fault),
            Action::Heal(name) => {
                self.heal(name.as_str());
                Ok(())
            }
            Action::Restart(restart) => {
                self.restart(restart);
                Ok(())
            }
            Action::Lookup(lookup) => self.lookup(lookup.name.as_str(), lookup.rtype.as_str()),
            // Refused before the run.
            Action::Rotate(_) | Action::Dialogue(_) => Ok(()),
        }
    }

    // ── send ──

    fn send(&mut self, send: &Send) -> Result<(), LabError> {
        let count = send.count();
        let every = send.every.as_ref().map_or(Duration::ZERO, |every| every.get().get());
        let via = send.via.as_ref().map(|via| via.as_str().to_owned());
        let engine = self.outbound.clone().filter(|_| via.as_deref().is_none_or(|via| via == "sender"));
        let client = via.or_else(|| super::only_client(self.scenario));
        let (host, short) = match (&engine, client) {
            (Some(_), _) => (self.lab.users.clone(), "users".to_owned()),
            (None, Some(client)) => {
                let host = self.lab.hosts.get(&client).cloned().ok_or_else(|| LabError::NoAddress(client.clone()))?;
                (host, client)
            }
            (None, None) => return Err(LabError::NoAddress("client".to_owned())),
        };
        let recipients: Vec<Address> = send
            .to
            .get()
            .iter()
            .map(|to| to.as_str().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| name_error(send))?;
        let from = match send.envelope_sender() {
            "" => ReversePath::Null,
            address => ReversePath::Address(address.parse().map_err(|_| name_error(send))?),
        };
        let mut texts = Vec::new();
        for number in 0..count {
            let message_id = self.message_id(send, number);
            self.sent.messages.push((send.id.as_ref().map(|id| id.get().to_string()), message_id.clone()));
            let date = self.scenario.instant(crate::file::values::Time::Relative(jiff::SignedDuration::ZERO));
            let offset = Instant::now().duration_since(self.start) + every * number;
            texts.push(self.compose(send, &message_id, date.checked_add(offset).unwrap_or(date)));
        }
        self.in_flight.begin(texts.len());
        self.tell_send(send, count, every);
        let env = host.env();
        let recorder = self.lab.recorder(self.scenario, &env, &short);
        let (submission, resolver) = match engine {
            Some(engine) => (Some(engine.submission()), None),
            None => (None, Some(self.lab.resolver(self.scenario, &env, &Recorder::nowhere(&env)))),
        };
        let ehlo = self.ehlo(&short);
        let in_flight = self.in_flight.clone();
        let task_env = env.clone();
        env.spawn("send", async move {
            let begun = Instant::now();
            for (number, message) in (0_u32..).zip(texts) {
                tokio::time::sleep_until(begun + every * number).await;
                let servers = match (submission, &resolver) {
                    (Some(at), _) => vec![at],
                    (None, Some(resolver)) => find_servers(resolver, &recipients).await,
                    (None, None) => Vec::new(),
                };
                let handover = Handover {
                    ehlo: ehlo.clone(),
                    from: from.clone(),
                    to: recipients.clone(),
                    message,
                    servers,
                    tls: submission.is_none(),
                };
                client::hand_over(&task_env, &recorder, &handover).await;
                in_flight.end();
            }
        });
        Ok(())
    }

    fn tell_send(&self, send: &Send, count: u32, every: Duration) {
        let to: Vec<&str> = send.to.get().iter().map(|to| to.as_str()).collect();
        let mut line = format!("{} writes to {}", send.from.as_str(), to.join(", "));
        if send.mail_from.is_some() {
            line.push_str(&format!(", envelope sender <{}>", send.envelope_sender()));
        }
        if count > 1 {
            line.push_str(&format!(", {count} messages, one every {} s", every.as_secs()));
        }
        self.tell("send", vec![line]);
    }

    /// The same in every run: it derives from the send's name, or its place in the script.
    fn message_id(&self, send: &Send, number: u32) -> String {
        let name = match &send.id {
            Some(id) => id.get().to_string(),
            None => format!("message-{}", self.sent.messages.len() + 1),
        };
        let unique = self.lab.identity.bytes("message-id", &format!("{name}/{number}"));
        let short: String = unique.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let domain = send.from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        format!("{name}.{short}@{domain}")
    }

    fn compose(&self, send: &Send, message_id: &str, date: Timestamp) -> Vec<u8> {
        let to: Vec<&str> = send.to.get().iter().map(|to| to.as_str()).collect();
        let name = send.message.as_ref().map_or("plain", |message| message.as_str());
        let subject = send.subject.as_ref().map_or("Hello", |subject| subject.as_str());
        let fill = FillIns { from: send.from.as_str(), to: to.join(", "), subject, message_id, date };
        let message = messages::compose(self.scenario, name, &fill);
        let resolve = References::new(self.scenario, &self.lab.certificates, Some(&self.lab.internet));
        match String::from_utf8(message) {
            Ok(text) => references::substitute(&text, &resolve).into_bytes(),
            Err(octets) => octets.into_bytes(),
        }
    }

    fn ehlo(&self, short: &str) -> String {
        let declared = self.scenario.hosts.get(short).and_then(|host| host.client.as_ref()?.ehlo.as_ref());
        match (declared, self.scenario.addressed.get(short)) {
            (Some(ehlo), _) => ehlo.get().to_string(),
            (None, Some(addressed)) => addressed.full_name.clone(),
            (None, None) => "[198.19.255.10]".to_owned(),
        }
    }

    // ── publish, configure, lookup ──

    fn publish(&mut self, publish: &Publish) -> Result<(), LabError> {
        let apex = lab::name(publish.zone.as_str())?;
        let resolve = References::new(self.scenario, &self.lab.certificates, Some(&self.lab.internet));
        let text = |text: &str| zone_text::substitute(text, &resolve);
        let change = Change {
            replace: publish.replace.as_ref().map(|records| text(records.as_str())),
            add: publish.add.as_ref().map(|records| text(records.as_str())),
            remove: self.removals(publish, &apex)?,
            signed: publish.signed.as_ref().map(|signed| *signed.get()),
            signing: self.new_signing(publish),
            only_at: publish.server.as_ref().and_then(|server| self.address(server.as_str())),
        };
        self.tell("publish", vec![describe_publish(publish)]);
        Ok(self.lab.internet.publish(&apex, &change)?)
    }

    fn new_signing(&self, publish: &Publish) -> Option<mxlab_dns::signed_zone::Signing> {
        let zone = self.scenario.zones.get(publish.zone.as_str()).map(|zone| zone.get().clone()).unwrap_or_default();
        (publish.signed_from.is_some() || publish.signed_until.is_some()).then(|| {
            let from = publish.signed_from.as_ref().map_or_else(|| zone.signed_from(), |from| *from.get());
            let until = publish.signed_until.as_ref().map(|until| self.scenario.instant(*until.get()));
            lab::signing(self.scenario.instant(from), until)
        })
    }

    fn removals(&self, publish: &Publish, apex: &Name) -> Result<Vec<(Name, Option<RecordType>)>, LabError> {
        let removal = |without: &crate::file::values::Without| {
            let owner =
                Name::parse_relative(&without.owner, apex).map_err(|_| LabError::Name(without.owner.clone()))?;
            let rtype = without.rtype.as_deref().map(str::parse).transpose();
            Ok((owner, rtype.map_err(|_| LabError::Name(without.owner.clone()))?))
        };
        items(&publish.remove).map(|without| removal(without.get())).collect()
    }

    fn address(&self, short: &str) -> Option<IpAddr> {
        self.scenario.addressed.get(short).map(|host| IpAddr::V4(host.ipv4))
    }

    fn configure(&mut self, configure: &Configure) -> Result<(), LabError> {
        for (short, host) in configure.host.iter().flatten() {
            let (Some(control), Some(smtp)) = (self.lab.servers.get(short.as_str()), &host.smtp) else { continue };
            let mut result = Ok(());
            control.change(|settings| result = lab::apply_smtp(settings, &self.lab.certificates, smtp));
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
        let name: Name = lab::name(name)?;
        let rtype: RecordType = rtype.parse().map_err(|_| LabError::Name(rtype.to_owned()))?;
        let env = self.lab.users.env();
        let recorder = self.lab.recorder(self.scenario, &env, "script");
        let resolver = self.lab.resolver(self.scenario, &env, &recorder);
        self.tell("lookup", vec![format!("the resolver is asked for {name} {rtype}")]);
        self.in_flight.begin(1);
        let in_flight = self.in_flight.clone();
        env.spawn("lookup", async move {
            resolver.lookup(&name, rtype).await;
            in_flight.end();
        });
        Ok(())
    }

    // ── faults ──

    fn fault(&mut self, fault: &Fault) -> Result<(), LabError> {
        self.began += 1;
        let number = self.began;
        let undo = self.begin_fault(fault, number)?;
        let told = describe_fault(fault);
        self.tell("fault", vec![format!("fault {told} begins")]);
        let name = fault.name.as_ref().map(|name| name.get().to_string());
        // The index of a fault is its number less one.
        self.faults.push(Begun { name, told, undo: Some(undo) });
        if let Some(until) = &fault.until {
            self.due.push((self.instant(*until.get()), Due::EndFault(number)));
        }
        Ok(())
    }

    fn begin_fault(&self, fault: &Fault, number: u64) -> Result<Undo, LabError> {
        if let Some(kind) = dns_fault(*fault.kind.get()) {
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
        Ok(Box::new(move |_, _| end_server_fault(&server, number)))
    }

    fn begin_dns_fault(&self, fault: &Fault, kind: DnsFaultKind) -> Result<Undo, LabError> {
        let zone = lab::name(fault.zone.as_ref().map_or(".", |zone| zone.as_str()))?;
        let owner = fault.owner.as_ref().map(|owner| {
            Name::parse_relative(owner.as_str(), &zone).map_err(|_| LabError::Name(owner.get().to_string()))
        });
        let rtype = fault
            .rtype
            .as_ref()
            .map(|rtype| rtype.as_str().parse().map_err(|_| LabError::Name(rtype.get().to_string())));
        let scope = FaultScope { zone: zone.clone(), owner: owner.transpose()?, rtype: rtype.transpose()? };
        let dns_fault =
            DnsFault { times: fault.times.as_ref().map(|times| *times.get()), ..DnsFault::new(kind, scope) };
        let at_parent = kind == DnsFaultKind::DsMismatch;
        let only_at = fault.server.as_ref().and_then(|server| self.address(server.as_str()));
        let began: Vec<(IpAddr, FaultId)> = self.lab.internet.begin_fault(&zone, at_parent, only_at, &dns_fault);
        Ok(Box::new(move |lab, _| lab.internet.end_fault(&began)))
    }

    fn heal(&mut self, name: &str) {
        let named = |fault: &Begun| fault.name.as_deref() == Some(name) && fault.undo.is_some();
        if let Some(index) = self.faults.iter().rposition(named) {
            self.end_fault_at(index);
        }
    }

    fn end_fault_numbered(&mut self, number: u64) {
        self.end_fault_at(usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1));
    }

    fn end_fault_at(&mut self, index: usize) {
        let Some(fault) = self.faults.get_mut(index) else { return };
        let Some(undo) = fault.undo.take() else { return };
        let line = format!("fault {} is over", fault.told);
        undo(&self.lab, &self.control);
        self.tell("heal", vec![line]);
    }

    // ── restart ──

    fn restart(&mut self, restart: &Restart) {
        let short = restart.host.as_str().to_owned();
        let Some(host) = self.lab.hosts.get(&short) else { return };
        let how = match restart.how() {
            RestartHow::PowerLoss => {
                host.power_loss();
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
        self.due.push((Instant::now() + restart.down().get(), Due::Return(short)));
    }

    fn bring_back(&mut self, short: &str) {
        let Some(host) = self.lab.hosts.get(short) else { return };
        host.restart();
        self.lab.start_server(self.scenario, short);
        self.tell("restart", vec![format!("{short} is up again")]);
    }
}

fn end_server_fault(server: &ServerControl, number: u64) {
    server.end_fault(number);
}

fn name_error(send: &Send) -> LabError {
    LabError::Name(send.from.as_str().to_owned())
}

/// The servers of the recipients' domain, as a plain sender finds them (RFC 5321 §5.1).
async fn find_servers(resolver: &mxlab_dns::resolver::Resolver, recipients: &[Address]) -> Vec<SocketAddr> {
    let Some(domain) = recipients.first().and_then(|to| to.domain().parse::<Name>().ok()) else { return Vec::new() };
    let answer = resolver.lookup(&domain, RecordType::MX).await;
    let mut hosts: Vec<(u16, Name)> = answer.data::<Mx>().map(|mx| (mx.preference, mx.exchange)).collect();
    hosts.sort();
    if hosts.is_empty() {
        hosts.push((0, domain));
    }
    let mut servers = Vec::new();
    for (_, host) in hosts {
        let answer = resolver.lookup(&host, RecordType::A).await;
        servers.extend(answer.data::<A>().map(|address| SocketAddr::new(IpAddr::V4(address.0), 25)));
    }
    servers
}

fn dns_fault(kind: FaultKind) -> Option<DnsFaultKind> {
    Some(match kind {
        FaultKind::Servfail => DnsFaultKind::Servfail,
        FaultKind::DnsRefused => DnsFaultKind::Refused,
        FaultKind::DnsTimeout => DnsFaultKind::Timeout,
        FaultKind::RrsigMissing => DnsFaultKind::RrsigMissing,
        FaultKind::DsMismatch => DnsFaultKind::DsMismatch,
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

fn describe_publish(publish: &Publish) -> String {
    let mut what = Vec::new();
    if let Some(records) = &publish.replace {
        what.push(format!("now has {}", in_one_line(records.as_str())));
    }
    if let Some(records) = &publish.add {
        what.push(format!("also has {}", in_one_line(records.as_str())));
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
    if publish.signed_from.is_some() || publish.signed_until.is_some() {
        what.push("has new signatures".to_owned());
    }
    format!("zone {} {}", publish.zone.get(), what.join(" and "))
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
    if let Some(stage) = &fault.stage {
        line.push_str(&format!(", at {}", stage.get()));
    }
    if let Some(reply) = &fault.reply {
        line.push_str(&format!(", `{}`", reply.get()));
    }
    line
}

/// Who watches the wire for what should not cross it in clear: commands with addresses, outside TLS.
pub(crate) struct InClear {
    pub(crate) to: String,
    pub(crate) server: String,
}

impl Event for InClear {
    fn kind(&self) -> &'static str {
        "in-clear"
    }
    fn fields(&self) -> Fields {
        Fields::new().with("to", self.to.as_str()).with("server", self.server.as_str())
    }
    fn story(&self) -> Vec<String> {
        vec![format!("everybody on the path to {} can read `RCPT TO:<{}>`", self.server, self.to)]
    }
}

/// The recipient that a packet to a mail server names in clear.
pub(crate) fn recipient_in_clear(port: u16, payload: &[u8]) -> Option<String> {
    if port != 25 {
        return None;
    }
    // Inside TLS nothing looks like a command: a record begins with its type, 0x14 to 0x17.
    payload.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (command, path) = line.split_once(':')?;
        let inner = path.trim_start().strip_prefix('<')?.split_once('>')?.0;
        command.eq_ignore_ascii_case("RCPT TO").then(|| inner.to_owned())
    })
}

/// The env of the script's own tasks.
pub(crate) fn script_env(lab: &Lab) -> Env {
    lab.users.env()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_seen_in_clear_commands_alone() {
        let check = |payload: &[u8], expected: Option<&str>| {
            assert_eq!(recipient_in_clear(25, payload).as_deref(), expected);
        };
        check(b"RCPT TO:<bo@fabrikam.example>\r\n", Some("bo@fabrikam.example"));
        check(
            b"MAIL FROM:<a@b.example>\r\nrcpt to:<bo@fabrikam.example> NOTIFY=NEVER\r\n",
            Some("bo@fabrikam.example"),
        );
        check(b"MAIL FROM:<a@b.example>\r\n", None);
        check(&[0x17, 0x03, 0x03, 0x00, 0x20, 0xff], None);
        assert_eq!(recipient_in_clear(587, b"RCPT TO:<bo@fabrikam.example>\r\n"), None);
    }
}
