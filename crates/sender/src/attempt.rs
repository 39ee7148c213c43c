//! One attempt to deliver a message to the recipients of one domain: everything from DNS on, every host in order of
//! preference, until each recipient is taken or finally refused.

use std::collections::BTreeMap;

use mxlab_mail::{Address, ReversePath};
use mxlab_record::EntryId;
use tokio::time::Instant;

use crate::dane::Classified;
use crate::engine::Shared;
use crate::event::{Attempt, NotSupportedYet, Relayed, Tlsa, Tried};
use crate::outcome::{Cause, Failure};
use crate::queue::Active;
use crate::routing::{self, DeadEnd, Dns, HostPolicy, Mx, Route, TlsaDecision};
use crate::smtp::{self, Outgoing, Report, Security, Target};

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

/// What the story has said about a domain's hosts in earlier attempts, so that it need not say it again.
#[derive(Debug, Default)]
pub(crate) struct Told {
    tlsa: BTreeMap<String, (String, TlsaDecision, Vec<String>)>,
    tried: BTreeMap<String, String>,
}

/// A recipient that was not taken: the failures at the hosts, in order.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) to: Address,
    pub(crate) failures: Vec<Failure>,
}

/// The recipients that an attempt did not deliver.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    pub(crate) refused: Vec<Refused>,
    /// Whether the story has a line about this attempt already.
    pub(crate) told: bool,
    /// What stopped the attempt before any host, for the story.
    pub(crate) dead_end: Option<DeadEnd>,
}

/// The part of an attempt at one host.
struct Visit {
    report: Report,
    reasons: Vec<String>,
    summary: String,
    /// How many TLSA records the host has, if they were looked up.
    records: usize,
}

impl<D: Dns + Send + Sync + 'static> Shared<D> {
    /// Makes an attempt for the domain number `index` of `active`. What a host has taken is forgotten at once.
    pub(crate) async fn attempt(&self, active: &Active, index: usize, job: &Job, told: &mut Told) -> Leftover {
        let mut cause = job.cause;
        for to in &job.to {
            let event = Attempt { message: job.message_id.clone(), to: to.clone(), attempt: job.attempt };
            cause = self.recorder.tell_after(&event, Some(job.cause));
        }
        let mut route = match routing::route(&self.dns, &job.domain, self.config.routing).await {
            Ok(route) => route,
            Err(dead_end) => return dead_domain(job, dead_end),
        };
        route.spread(&self.env);
        let mut pending: Vec<_> = job.to.iter().map(|to| Refused { to: to.clone(), failures: Vec::new() }).collect();
        let mut leftover = Leftover::default();
        let deadline = Instant::now() + self.config.timeouts.attempt;
        let mut visited = false;
        for mx in &route.hosts {
            let (done, ask): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|refused| refused.failures.last().is_some_and(Failure::is_last_word));
            leftover.refused.extend(done);
            pending = ask;
            // The first host is always tried, so that every recipient has a failure to report.
            if pending.is_empty() || (visited && Instant::now() >= deadline) {
                break;
            }
            let to: Vec<_> = pending.iter().map(|refused| refused.to.clone()).collect();
            let mut visit = self.visit((job, deadline), &route, mx, &to, told, cause).await;
            visited = true;
            let (received, failed): (Vec<_>, Vec<_>) =
                pending.into_iter().zip(&visit.report.results).partition(|(_, result)| result.is_ok());
            pending = failed.into_iter().filter_map(|(refused, result)| add(refused, result)).collect();
            let received: Vec<_> = received.into_iter().map(|(refused, _)| refused.to).collect();
            leftover.told |= self.tell_visit(job, &route, mx, &to, &visit, told, cause);
            if !received.is_empty() {
                self.tell_relayed(job, mx, &received, &visit, cause);
                self.forget(active, index, &received).await;
            }
            if let Some(open) = visit.report.open.take() {
                open.quit().await;
            }
        }
        leftover.refused.extend(pending);
        leftover
    }

    /// Looks up a host in DNS and, if the result allows it, connects to it.
    async fn visit(
        &self,
        (job, deadline): (&Job, Instant),
        route: &Route,
        mx: &Mx,
        to: &[Address],
        told: &mut Told,
        cause: EntryId,
    ) -> Visit {
        let host = &mx.exchange;
        let addresses = match routing::addresses(&self.dns, host, self.config.routing).await {
            Ok(addresses) => addresses,
            Err(dead_end) => return dead_host(host, to.len(), dead_end),
        };
        let demands = routing::host_policy(&self.dns, route, host, &addresses, self.config.routing).await;
        self.tell_tlsa(host, &demands, told, cause);
        let records = demands.records.len();
        let policy = match demands.policy {
            Ok(policy) => policy,
            Err(dead_end) => return Visit { records, ..dead_host(host, to.len(), dead_end) },
        };
        let demanded_nothing = !policy.demands_tls();
        let authenticates = demands.decision == TlsaDecision::Dane;
        let target = Target { host: host.clone(), addresses: addresses.addresses, policy, server_name: demands.base };
        let outgoing = Outgoing { from: job.from.clone(), to: to.to_vec(), message: job.message.clone() };
        let report = self.client.deliver(&target, &outgoing, deadline).await;
        if report.not_supported_yet {
            self.recorder.tell_after(&NotSupportedYet { feature: "TLSA usage 2", host: host.clone() }, Some(cause));
        }
        let decision = report.decision.as_ref();
        // That DANE does not apply has been told already; ordinary TLS needs no reasons.
        let ordinary = demanded_nothing && report.security == Some(Security::Tls);
        let reasons = decision.filter(|_| !ordinary).map(|decision| decision.reasons.clone());
        let mut reasons = reasons.unwrap_or_default();
        if authenticates && decision.is_some() {
            reasons.push(format!("the TLSA records of {} are secure", target.server_name));
        }
        let refused = report.results.iter().find_map(|result| result.as_ref().err());
        let summary = match (&report.problem, refused) {
            (Some(problem), _) => problem.clone(),
            (None, Some(failure)) => refusal(failure),
            (None, None) => String::new(),
        };
        Visit { report, reasons, summary, records }
    }

    fn tell_tlsa(&self, host: &str, demands: &HostPolicy, told: &mut Told, cause: EntryId) {
        let records: Vec<_> = demands.records.iter().map(shown).collect();
        let news = (demands.base.clone(), demands.decision, records.clone());
        let known = told.tlsa.get(host) == Some(&news);
        told.tlsa.insert(host.to_owned(), news);
        let event = Tlsa {
            host: host.to_owned(),
            base: demands.base.clone(),
            decision: demands.decision,
            usable: demands.records.iter().filter(|record| matches!(record, Classified::Usable(_))).count(),
            records,
            reasons: demands.reasons.clone(),
            known,
        };
        self.recorder.tell_after(&event, Some(cause));
    }

    /// Tells what came of a host; whether the story hears of it.
    #[allow(clippy::too_many_arguments, reason = "an event needs all of its circumstances")]
    fn tell_visit(
        &self,
        job: &Job,
        route: &Route,
        mx: &Mx,
        to: &[Address],
        visit: &Visit,
        told: &mut Told,
        cause: EntryId,
    ) -> bool {
        let report = &visit.report;
        let failure = match report.results.iter().any(Result::is_ok) {
            true => None,
            false => report.results.iter().find_map(|result| result.as_ref().err()).cloned(),
        };
        // A success is told by the recipients that were taken.
        let known = failure.is_none() || told.tried.get(&mx.exchange) == Some(&visit.summary);
        match &failure {
            Some(_) => told.tried.insert(mx.exchange.clone(), visit.summary.clone()),
            None => told.tried.remove(&mx.exchange),
        };
        let event = Tried {
            message: job.message_id.clone(),
            domain: job.domain.clone(),
            to: to.to_vec(),
            host: mx.exchange.clone(),
            preference: (!route.implicit).then_some(mx.preference),
            attempt: job.attempt,
            ip: report.ip.map(|ip| ip.to_string()),
            failure,
            security: report.security,
            summary: visit.summary.clone(),
            reasons: visit.reasons.clone(),
            known,
            matched: visit.matched(),
            records: visit.records,
        };
        self.recorder.tell_after(&event, Some(cause));
        !known
    }

    fn tell_relayed(&self, job: &Job, mx: &Mx, received: &[Address], visit: &Visit, cause: EntryId) {
        for to in received {
            let event = Relayed {
                message: job.message_id.clone(),
                to: to.clone(),
                host: mx.exchange.clone(),
                security: visit.report.security.unwrap_or(Security::None),
                attempts: job.attempt,
                reasons: visit.reasons.clone(),
                ip: visit.report.ip,
                matched: visit.matched(),
                records: visit.records,
            };
            self.recorder.tell_after(&event, Some(cause));
        }
    }
}

impl Visit {
    /// The kind of the TLSA record that matched.
    fn matched(&self) -> Option<String> {
        self.report.decision.as_ref()?.matched.clone()
    }
}

fn add(mut refused: Refused, result: &Result<(), Failure>) -> Option<Refused> {
    refused.failures.push(result.as_ref().err()?.clone());
    Some(refused)
}

/// A record as in the zone, and why it is unusable, if it is.
fn shown(record: &Classified) -> String {
    match record {
        Classified::Usable(tlsa) => tlsa.to_string(),
        Classified::Unusable { record, reason } => format!("{record} ({reason})"),
    }
}

/// A negative reply in a line.
fn refusal(failure: &Failure) -> String {
    match failure.stage {
        Some(stage) => format!("answers {} with {}", smtp::step(stage), failure.line()),
        None => failure.line(),
    }
}

fn dead_domain(job: &Job, dead_end: DeadEnd) -> Leftover {
    let failure = Failure::of_domain(dead_end.condition, dead_end.problem, &job.domain);
    let refused = job.to.iter();
    let refused = refused.map(|to| Refused { to: to.clone(), failures: vec![failure.clone()] });
    Leftover { refused: refused.collect(), told: false, dead_end: Some(dead_end) }
}

fn dead_host(host: &str, recipients: usize, dead_end: DeadEnd) -> Visit {
    let (cause, host) = (Cause::Condition(dead_end.condition), Some(host.to_owned()));
    let failure = Failure { cause, host, stage: None, ip: None, problem: dead_end.problem, domain: None };
    let report = Report {
        results: vec![Err(failure); recipients],
        ip: None,
        security: None,
        decision: None,
        not_supported_yet: false,
        problem: Some(dead_end.summary.clone()),
        open: None,
    };
    Visit { report, reasons: dead_end.reasons, summary: dead_end.summary, records: 0 }
}
