//! One attempt to deliver a message to the recipients of one domain: everything from DNS on, every host in order of
//! preference, until each recipient is taken or finally refused.
//!
//! An attempt knows neither queue nor spool. The caller asks for one visit after another ([`Attempt::visit_next`]), so that
//! what a host has taken can be forgotten before the next host is called, and in the end for what came of it
//! ([`Attempt::into_outcome`]).

use std::net::IpAddr;

use mxlab_mail::{Address, ReversePath};
use mxlab_record::{EntryId, Recorder, following};
use tokio::time::Instant;

use crate::dane::Classified;
use crate::demand::{Decision, Demand, TlsVerdict};
use crate::event::{self, NotSupportedYet, Relayed, Tlsa, Tried};
use crate::outcome::{Cause, DeliveryFailure};
use crate::routing::{self, DeadEnd, Dns, HostPolicy, Mx, Route};
use crate::smtp::{self, Connection, Outgoing, Security, SessionOutcome, Target};

/// What attempts are made with.
pub(crate) struct Courier<D> {
    pub(crate) dns: D,
    pub(crate) client: smtp::Client,
    pub(crate) recorder: Recorder,
    pub(crate) routing: routing::Settings,
}

/// The message and recipients to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) message_id: String,
    pub(crate) from: ReversePath,
    pub(crate) to: Vec<Address>,
    pub(crate) domain: String,
    pub(crate) message: Vec<u8>,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
    pub(crate) cause: EntryId,
}

/// A recipient that was not taken: the failures at the hosts, in order.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) to: Address,
    pub(crate) failures: Vec<DeliveryFailure>,
}

/// What an attempt came to.
#[derive(Debug, Default)]
pub(crate) struct AttemptOutcome {
    /// The recipients that no host has taken.
    pub(crate) refused: Vec<Refused>,
    /// The hosts, in the order in which they were tried.
    pub(crate) visits: Vec<Visit>,
    /// What stopped the attempt before any host.
    pub(crate) dead_end: Option<DeadEnd>,
}

/// One host's part in an attempt: what was asked of it, what it showed, what was decided, and why.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) host: String,
    /// What DNS says about TLS at the host; none if its addresses were not found.
    policy: Option<HostPolicy>,
    /// What TLS was worth; none if the session did not get that far.
    decision: Option<Decision>,
    /// How the message went; none if it did not.
    security: Option<Security>,
    /// The address that was called.
    ip: Option<IpAddr>,
    /// The recipients that it took.
    pub(crate) taken: Vec<Address>,
    /// Why it took none.
    failure: Option<DeliveryFailure>,
    /// In one line, what went wrong; empty if nothing did.
    summary: String,
    /// Why.
    reasons: Vec<String>,
}

/// A call at one host, with its circumstances.
#[derive(Clone, Copy)]
struct Call<'a> {
    job: &'a Job,
    route: &'a Route,
    mx: &'a Mx,
    /// The recipients that are left for this host.
    to: &'a [Address],
    deadline: Instant,
    cause: EntryId,
}

/// An attempt under way.
pub(crate) struct Attempt<'a, D> {
    courier: &'a Courier<D>,
    job: &'a Job,
    /// None if there is no way to the domain.
    route: Option<Route>,
    /// The recipients that another host may still take.
    pending: Vec<Refused>,
    outcome: AttemptOutcome,
    /// The session with the last host, until what it took is safe.
    open: Option<Connection>,
    deadline: Instant,
    cause: EntryId,
}

impl<'a, D: Dns> Attempt<'a, D> {
    /// Begins an attempt: records it, and looks up the hosts of the domain.
    pub(crate) async fn begin(courier: &'a Courier<D>, job: &'a Job) -> Attempt<'a, D> {
        let mut cause = job.cause;
        for to in &job.to {
            let event = event::Attempt { message: job.message_id.clone(), to: to.clone(), attempt: job.attempt };
            cause = courier.recorder.tell_after(&event, Some(job.cause));
        }
        let routing = routing::route(&courier.dns, &job.domain, courier.routing);
        let (route, outcome, pending) = match following(cause, routing).await {
            Ok(mut route) => {
                route.spread(&courier.client.env);
                let pending = job.to.iter().map(|to| Refused { to: to.clone(), failures: Vec::new() }).collect();
                (Some(route), AttemptOutcome::default(), pending)
            }
            Err(dead_end) => (None, dead_domain(job, dead_end), Vec::new()),
        };
        let deadline = Instant::now() + courier.client.timeouts.attempt;
        Attempt { courier, job, route, pending, outcome, open: None, deadline, cause }
    }

    /// Tries the next host. Returns the recipients that it has taken, or none when the attempt is over.
    pub(crate) async fn visit_next(&mut self) -> Option<Vec<Address>> {
        if let Some(open) = self.open.take() {
            open.quit().await;
        }
        let (done, ask): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|refused| refused.failures.last().is_some_and(DeliveryFailure::is_last_word));
        self.outcome.refused.extend(done);
        self.pending = ask;
        let visits = self.outcome.visits.len();
        // The first host is always tried, so that every recipient has a failure to report.
        if self.pending.is_empty() || (visits > 0 && Instant::now() >= self.deadline) {
            return None;
        }
        let to: Vec<_> = self.pending.iter().map(|refused| refused.to.clone()).collect();
        let route = self.route.as_ref()?;
        let mx = route.hosts.get(visits)?;
        let call = Call { job: self.job, route, mx, to: &to, deadline: self.deadline, cause: self.cause };
        let (visit, session) = following(self.cause, self.courier.visit(call)).await;
        self.courier.tell(call, &visit);
        for (refused, result) in self.pending.iter_mut().zip(session.results) {
            refused.failures.extend(result.err());
        }
        let taken = visit.taken.clone();
        self.pending.retain(|refused| !taken.contains(&refused.to));
        self.outcome.visits.push(visit);
        self.open = session.open;
        Some(taken)
    }

    /// What came of it. Recipients that no further host was asked about are refused.
    pub(crate) fn into_outcome(self) -> AttemptOutcome {
        let mut outcome = self.outcome;
        outcome.refused.extend(self.pending);
        outcome
    }
}

impl<D: Dns> Courier<D> {
    /// Looks up a host in DNS and, if the result allows it, connects to it.
    async fn visit(&self, call: Call<'_>) -> (Visit, SessionOutcome) {
        let Call { job, route, mx, to, deadline, cause } = call;
        let host = &mx.exchange;
        let addresses = match routing::addresses(&self.dns, host, self.routing).await {
            Ok(addresses) => addresses,
            Err(dead_end) => return dead_host(call, None, dead_end),
        };
        let policy = routing::host_policy(&self.dns, route, host, &addresses, self.routing, self.client.port).await;
        self.recorder.tell_after(&tlsa(&policy), Some(cause));
        let demand = match policy.demand() {
            Ok(demand) => demand,
            Err(dead_end) => return dead_host(call, Some(policy), dead_end),
        };
        let target = Target { host: host.clone(), addresses: addresses.addresses, demand };
        let outgoing = Outgoing { from: job.from.clone(), to: to.to_vec(), message: job.message.clone() };
        let session = self.client.deliver(&target, &outgoing, deadline).await;
        if session.decision.as_ref().is_some_and(|decision| decision.verdict == TlsVerdict::NotSupportedYet) {
            self.recorder.tell_after(&NotSupportedYet { feature: "TLSA usage 2", host: host.clone() }, Some(cause));
        }
        let reasons = reasons(&target.demand, &policy, &session);
        let refused = session.results.iter().find_map(|result| result.as_ref().err());
        let summary = match (&session.problem, refused) {
            (Some(problem), _) => problem.clone(),
            (None, Some(failure)) => refusal(failure),
            (None, None) => String::new(),
        };
        (Visit::of(call, Some(policy), &session, summary, reasons), session)
    }

    /// Records what came of a host.
    fn tell(&self, call: Call<'_>, visit: &Visit) {
        let Call { job, route, mx, to, cause, .. } = call;
        let event = Tried {
            message: job.message_id.clone(),
            domain: job.domain.clone(),
            to: to.to_vec(),
            host: visit.host.clone(),
            preference: (!route.implicit).then_some(mx.preference),
            attempt: job.attempt,
            ip: visit.ip.map(|ip| ip.to_string()),
            failure: visit.failure.clone(),
            security: visit.security,
            summary: visit.summary.clone(),
            reasons: visit.reasons.clone(),
            matched: visit.matched(),
            records: visit.records(),
        };
        self.recorder.tell_after(&event, Some(cause));
        for to in &visit.taken {
            let event = Relayed {
                message: job.message_id.clone(),
                to: to.clone(),
                host: visit.host.clone(),
                security: visit.security.unwrap_or(Security::None),
                attempts: job.attempt,
                reasons: visit.reasons.clone(),
                ip: visit.ip,
                matched: visit.matched(),
                records: visit.records(),
            };
            self.recorder.tell_after(&event, Some(cause));
        }
    }
}

impl Visit {
    fn of(
        call: Call<'_>,
        policy: Option<HostPolicy>,
        session: &SessionOutcome,
        summary: String,
        reasons: Vec<String>,
    ) -> Visit {
        let results = call.to.iter().zip(&session.results);
        let taken: Vec<_> = results.filter(|(_, result)| result.is_ok()).map(|(to, _)| to.clone()).collect();
        let refused = session.results.iter().find_map(|result| result.as_ref().err());
        let failure = refused.filter(|_| taken.is_empty()).cloned();
        let (decision, security, ip) = (session.decision.clone(), session.security, session.ip);
        let host = call.mx.exchange.clone();
        Visit { host, policy, decision, security, ip, taken, failure, summary, reasons }
    }

    /// The kind of the TLSA record that matched.
    fn matched(&self) -> Option<String> {
        self.decision.as_ref()?.matched.clone()
    }

    /// How many TLSA records the host has, if they were looked up.
    fn records(&self) -> usize {
        self.policy.as_ref().map_or(0, |policy| policy.records().len())
    }

    /// What came of it, for comparing attempts.
    pub(crate) fn words(&self) -> String {
        let said = if self.taken.is_empty() { self.summary.as_str() } else { event::TOOK_THE_MESSAGE };
        format!("{}: {said}; {}", self.host, self.reasons.join("; "))
    }
}

/// Why the session was good enough, or was not.
fn reasons(demand: &Demand, policy: &HostPolicy, session: &SessionOutcome) -> Vec<String> {
    let Some(decision) = &session.decision else { return Vec::new() };
    // That DANE does not apply has been told already; ordinary TLS needs no reasons.
    if !demand.demands_tls() && session.security == Some(Security::Tls) {
        return Vec::new();
    }
    let mut reasons = decision.reasons.clone();
    if matches!(demand, Demand::Dane { .. }) {
        reasons.push(format!("the TLSA records of {} are secure", policy.base));
    }
    reasons
}

fn tlsa(policy: &HostPolicy) -> Tlsa {
    Tlsa {
        host: policy.host.clone(),
        base: policy.base.clone(),
        owner: policy.owner.clone(),
        decision: policy.decision(),
        usable: policy.usable(),
        records: policy.records().iter().map(shown).collect(),
        reasons: policy.reasons.clone(),
    }
}

/// A record as in the zone, and why it is unusable, if it is.
fn shown(record: &Classified) -> String {
    match record {
        Classified::Usable(tlsa) => tlsa.to_string(),
        Classified::Unusable { record, reason } => format!("{record} ({reason})"),
    }
}

/// A negative reply in a line.
fn refusal(failure: &DeliveryFailure) -> String {
    match failure.stage {
        Some(stage) => format!("answers {} with {}", smtp::step(stage), failure.line()),
        None => failure.line(),
    }
}

fn dead_domain(job: &Job, dead_end: DeadEnd) -> AttemptOutcome {
    let failure = DeliveryFailure::of_domain(dead_end.condition, dead_end.problem, &job.domain);
    let refused = job.to.iter().map(|to| Refused { to: to.clone(), failures: vec![failure.clone()] });
    AttemptOutcome { refused: refused.collect(), dead_end: Some(dead_end), ..AttemptOutcome::default() }
}

/// A host that is not called.
fn dead_host(call: Call<'_>, policy: Option<HostPolicy>, dead_end: DeadEnd) -> (Visit, SessionOutcome) {
    let (cause, host) = (Cause::Condition(dead_end.condition), Some(call.mx.exchange.clone()));
    let failure = DeliveryFailure { cause, host, stage: None, ip: None, problem: dead_end.problem, domain: None };
    let session = SessionOutcome {
        results: vec![Err(failure); call.to.len()],
        ip: None,
        security: None,
        decision: None,
        problem: Some(dead_end.summary.clone()),
        open: None,
    };
    (Visit::of(call, policy, &session, dead_end.summary, dead_end.reasons), session)
}
