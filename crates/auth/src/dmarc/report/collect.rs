//! A day's messages, and the reports at its end.
//!
//! Days are those of UTC. For each domain that publishes a record with `rua=`, and for each state in which its record
//! was seen that day, there is a report. Rows are ordered by their content, so the same messages give the same report,
//! in whatever order they came.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use mxlab_mail::Address;
use mxlab_mail::authres::DmarcResult;
use ring::digest;

use super::deliver::MAX_DESTINATIONS;
use super::{
    AggregateReport, DiscoveryMethod, Disposition, DkimAuth, DkimWord, Form, Metadata, Period, PolicyPublished, Reason,
    ReasonKind, Row, Scope, SpfAuth,
};
use crate::dmarc::record::FailureOption;
use crate::dmarc::{Discovery, Evaluation, Method, Policy, ReportUri, Rules};
use crate::idn::a_labels_or_same;

/// The most reports that are kept at a time. A message that would need another report is in none.
pub const MAX_REPORTS: usize = 10_000;
/// The most rows of all reports that are kept at a time. A message that would need another row is counted as left out.
pub const MAX_ROWS: usize = 100_000;
/// The most rows of a report, so that the messages of one domain do not take the room of all others.
pub const MAX_ROWS_OF_A_REPORT: usize = 10_000;
/// The most errors of a report: if the record is wrong in a different way each time, the owner learns only of some.
pub const MAX_ERRORS: usize = 10;
/// The most URIs that are kept of a record: one more than are used, so that the result can say that there are more.
const MAX_URIS: usize = MAX_DESTINATIONS + 1;
/// The most signatures of a row (RFC 9990 §3.1.3).
pub const MAX_SIGNATURES: usize = 100;
/// The seconds of a day.
const DAY: i64 = 86_400;

/// A day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Its first second, counted since 1970.
    begin: i64,
}

impl Day {
    /// The day that holds a moment.
    pub fn of(at: Timestamp) -> Day {
        let second = at.as_second();
        Day { begin: second - second.rem_euclid(DAY) }
    }

    /// Its first and last second.
    pub fn period(self) -> Period {
        Period { begin: self.begin, end: self.begin.saturating_add(DAY - 1) }
    }

    /// Whether it is over at this moment.
    pub fn is_over(self, now: Timestamp) -> bool {
        now.as_second() >= self.begin.saturating_add(DAY)
    }
}

/// Who reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// The receiver's domain, which is part of the names of reports.
    pub domain: String,
    /// The organization's name.
    pub org_name: String,
    /// The address from which reports are sent, and for questions about them.
    pub email: Address,
    /// Another way to reach the organization.
    pub extra_contact_info: Option<String>,
    /// The program, with its version.
    pub generator: Option<String>,
    /// The format of its reports.
    pub form: Form,
}

/// What a report says about a message besides its evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Whence it came.
    pub source_ip: IpAddr,
    /// What was done with it because of DMARC.
    pub disposition: Policy,
    /// Why that is not what the owner asks for. `pct=` and `t=` need not be given; a difference without another reason
    /// is reported as the receiver's own policy.
    pub reasons: Vec<Reason>,
    /// The domain of MAIL FROM; empty for the null reverse-path.
    pub envelope_from: String,
    /// The recipient's domain.
    pub envelope_to: Option<String>,
    /// Its signatures.
    pub dkim: Vec<DkimAuth>,
    /// SPF.
    pub spf: SpfAuth,
}

/// A report whose day is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The report.
    pub report: AggregateReport,
    /// The owner's addresses: `rua=` as last seen.
    pub uris: Vec<ReportUri>,
}

/// The messages of one domain, one state of its record, and one day.
#[derive(Clone, Debug, Default)]
struct Group {
    uris: Vec<ReportUri>,
    errors: BTreeSet<String>,
    /// Rows with a count of zero, and their counts.
    rows: BTreeMap<Row, u64>,
    left_out: u64,
}

/// Counts messages until their day is over.
#[derive(Clone, Debug)]
pub struct Collector {
    reporter: Reporter,
    groups: BTreeMap<Day, BTreeMap<PolicyPublished, Group>>,
    reports: usize,
    rows: usize,
    left_out: u64,
}

impl Collector {
    /// A collector that has counted nothing.
    pub fn new(reporter: Reporter) -> Collector {
        Collector { reporter, groups: BTreeMap::new(), reports: 0, rows: 0, left_out: 0 }
    }

    /// Who reports.
    pub fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Counts a message that was evaluated at `at`. Returns whether a report is wanted: there is a record, and it has a
    /// `rua=`.
    pub fn add(&mut self, at: Timestamp, evaluation: &Evaluation, observation: &Observation) -> bool {
        let Discovery::Found { record, .. } = &evaluation.discovery else { return false };
        let Some(policy) = published(evaluation, self.reporter.form) else { return false };
        if record.aggregate.is_empty() {
            return false;
        }
        let day = Day::of(at);
        if !self.groups.get(&day).is_some_and(|groups| groups.contains_key(&policy)) {
            if self.reports == MAX_REPORTS || self.rows == MAX_ROWS {
                self.left_out = self.left_out.saturating_add(1);
                return true;
            }
            self.reports += 1;
        }
        let row = row(evaluation, observation, self.reporter.form);
        let group = self.groups.entry(day).or_default().entry(policy).or_default();
        group.uris = record.aggregate.iter().take(MAX_URIS).cloned().collect();
        let room = MAX_ERRORS.saturating_sub(group.errors.len());
        group.errors.extend(record.defects.iter().take(room).map(ToString::to_string));
        let full = self.rows == MAX_ROWS || group.rows.len() == MAX_ROWS_OF_A_REPORT;
        match group.rows.get_mut(&row) {
            Some(count) => *count = count.saturating_add(1),
            None if full => group.left_out = group.left_out.saturating_add(1),
            None => {
                self.rows += 1;
                group.rows.insert(row, 1);
            }
        }
        true
    }

    /// The end of the first day with counted messages; none if there are none.
    pub fn next_end(&self) -> Option<Timestamp> {
        let (day, _) = self.groups.first_key_value()?;
        Timestamp::from_second(day.begin.saturating_add(DAY)).ok()
    }

    /// The reports of all days that are over, ordered by day, domain and state of the record. They are removed.
    pub fn finish(&mut self, now: Timestamp) -> Vec<Finished> {
        let mut finished = Vec::new();
        while let Some(entry) = self.groups.first_entry().filter(|entry| entry.key().is_over(now)) {
            let (day, groups) = entry.remove_entry();
            for (policy, group) in groups {
                self.reports = self.reports.saturating_sub(1);
                self.rows = self.rows.saturating_sub(group.rows.len());
                finished.push(self.finished(day, policy, group));
            }
        }
        finished
    }

    /// How many messages are in no report because there was no room; those returned by earlier calls are not among
    /// them.
    pub fn take_left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }

    fn finished(&self, day: Day, policy: PolicyPublished, group: Group) -> Finished {
        let Reporter { domain: receiver, org_name, email, extra_contact_info, generator, form } = self.reporter.clone();
        let mut errors: Vec<String> = group.errors.into_iter().collect();
        if group.left_out > 0 {
            errors.push(format!("{} messages are not in this report", group.left_out));
        }
        if form == Form::Rfc9990 && !errors.is_empty() {
            errors = vec![errors.join("; ")];
        }
        let metadata = Metadata {
            org_name,
            email: email.to_string(),
            extra_contact_info,
            report_id: String::new(),
            period: day.period(),
            errors,
            generator: generator.filter(|_| form == Form::Rfc9990),
        };
        let rows = group.rows.into_iter().map(|(row, count)| Row { count, ..row }).collect();
        let mut report = AggregateReport { form, metadata, policy, rows };
        report.metadata.report_id = report_id(&receiver, &report);
        Finished { report, uris: group.uris }
    }
}

/// 32 hexadecimal digits, as at Microsoft: fit for a file's name (RFC 9990 §3.5.2). They are derived from the whole
/// report, so different reports have different identifiers, even for one day and domain, and the same report always has
/// the same.
fn report_id(receiver: &str, report: &AggregateReport) -> String {
    let whole = format!("{receiver}\n{}", report.to_xml());
    let hash = digest::digest(&digest::SHA256, whole.as_bytes());
    HEXLOWER.encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// The record as a report shows it.
fn published(evaluation: &Evaluation, form: Form) -> Option<PolicyPublished> {
    let Discovery::Found { domain, record, policies, .. } = &evaluation.discovery else { return None };
    let older = form == Form::Rfc7489;
    let letters: Vec<_> = record.failure_options.iter().copied().map(FailureOption::letter).collect();
    let discovery_method = match evaluation.rules {
        Rules::Rfc7489 => DiscoveryMethod::Psl,
        Rules::Rfc9989 => DiscoveryMethod::TreeWalk,
    };
    Some(PolicyPublished {
        domain: domain.clone(),
        discovery_method: Some(discovery_method).filter(|_| !older),
        adkim: Some(record.adkim),
        aspf: Some(record.aspf),
        policy: policies.policy,
        // RFC 7489 appendix C requires it; by RFC 9990 it shows the effective policy.
        subdomain: Some(policies.subdomain.unwrap_or(policies.policy)),
        nonexistent: policies.nonexistent,
        percent: Some(record.percent).filter(|_| older),
        testing: Some(record.testing).filter(|_| !older),
        failure_options: Some(letters.join(":")),
    })
}

fn row(evaluation: &Evaluation, observation: &Observation, form: Form) -> Row {
    let passes = evaluation.result == DmarcResult::Pass;
    let requested = evaluation.policy().unwrap_or(Policy::None);
    let disposition = match observation.disposition {
        Policy::None if passes && requested != Policy::None && form == Form::Rfc9990 => Disposition::Pass,
        Policy::None => Disposition::None,
        Policy::Quarantine => Disposition::Quarantine,
        Policy::Reject => Disposition::Reject,
    };
    let domain = |domain: &str| a_labels_or_same(domain).into_owned();
    Row {
        source_ip: observation.source_ip.to_canonical(),
        count: 0,
        disposition,
        dkim: evaluation.aligned_dkim().is_some(),
        spf: evaluation.aligned_spf().is_some(),
        reasons: reasons(evaluation, observation, form),
        header_from: domain(&evaluation.author),
        envelope_from: Some(domain(&observation.envelope_from)),
        envelope_to: observation.envelope_to.as_deref().map(domain),
        dkim_results: signatures(evaluation, &observation.dkim),
        spf_results: vec![spf(&observation.spf, form)],
    }
}

/// RFC 9990 §3.1.1.13 has only MAIL FROM: for the null reverse-path that is the postmaster at the name in HELO.
fn spf(auth: &SpfAuth, form: Form) -> SpfAuth {
    let scope = match form {
        Form::Rfc7489 => auth.scope.or(Some(Scope::MailFrom)),
        Form::Rfc9990 => Some(Scope::MailFrom),
    };
    SpfAuth { domain: a_labels_or_same(&auth.domain).into_owned(), scope, ..auth.clone() }
}

/// The reasons in the words of the format, those that follow from the record first.
fn reasons(evaluation: &Evaluation, observation: &Observation, form: Form) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let failed = evaluation.request.filter(|_| evaluation.result == DmarcResult::Fail);
    if let Some(request) = failed {
        if let Some(sample) = request.sample.filter(|sample| !sample.is_inside()) {
            let comment = Some(format!("pct={}", sample.percent));
            reasons.push(Reason { kind: ReasonKind::SampledOut, comment });
        }
        if request.testing {
            reasons.push(Reason { kind: ReasonKind::PolicyTestMode, comment: Some("t=y".to_owned()) });
        }
        if observation.reasons.is_empty() && observation.disposition != request.applied {
            reasons.push(Reason { kind: ReasonKind::LocalPolicy, comment: None });
        }
    }
    // No policy is applied then, whatever the record says (RFC 9989 §5.3.6).
    if evaluation.result == DmarcResult::TempError {
        reasons.push(Reason { kind: ReasonKind::Other, comment: Some("temperror".to_owned()) });
    }
    reasons.extend(observation.reasons.iter().cloned());
    reasons.into_iter().map(|reason| in_form(reason, form)).collect()
}

/// A kind that the format does not have becomes `other`, with its word in front of the comment.
fn in_form(reason: Reason, form: Form) -> Reason {
    let known = match reason.kind {
        ReasonKind::Forwarded | ReasonKind::SampledOut => form == Form::Rfc7489,
        ReasonKind::PolicyTestMode => form == Form::Rfc9990,
        _ => true,
    };
    if known {
        return reason;
    }
    let word = reason.kind.word();
    let comment = reason.comment.map_or_else(|| word.to_owned(), |comment| format!("{word}: {comment}"));
    Reason { kind: ReasonKind::Other, comment: Some(comment) }
}

/// The signatures that matter most: passes in strict alignment, in relaxed alignment, other passes, the rest (RFC 9990
/// §3.1.3).
fn signatures(evaluation: &Evaluation, signatures: &[DkimAuth]) -> Vec<DkimAuth> {
    let author = a_labels_or_same(&evaluation.author);
    let aligned: BTreeSet<_> = evaluation
        .alignments
        .iter()
        .filter(|it| it.method == Method::Dkim && it.is_aligned_pass())
        .map(|it| a_labels_or_same(&it.domain))
        .collect();
    let rank = |auth: &DkimAuth| match auth.result {
        DkimWord::Pass if auth.domain == author => 0,
        DkimWord::Pass if aligned.contains(auth.domain.as_str()) => 1,
        DkimWord::Pass => 2,
        _ => 3,
    };
    let in_a_labels =
        |auth: &DkimAuth| DkimAuth { domain: a_labels_or_same(&auth.domain).into_owned(), ..auth.clone() };
    let mut sorted: Vec<DkimAuth> = signatures.iter().map(in_a_labels).collect();
    sorted.sort_by_key(rank);
    sorted.truncate(MAX_SIGNATURES);
    sorted
}
