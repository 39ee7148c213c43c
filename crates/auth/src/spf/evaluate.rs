//! The evaluation of records: `check_host` of RFC 7208 §4, with what it costs.
//!
//! One [`Evaluator`] serves a whole check. It evaluates includes itself, one level deeper, with the same counters: ten
//! terms ask DNS in all, so includes are at most ten deep. A redirect is a loop at its own level. Depth and loop have bounds
//! of their own besides: records that point at themselves must end a check even if somebody miscounts.

use std::net::IpAddr;
use std::sync::Arc;

use mxlab_mail::authres::SpfResult;

use super::macros::{DomainSpec, ExplainString, Facts};
use super::names::{Target, is_multi_label_domain, is_within, query_form, reverse_name};
use super::record::{self, Directive, DualCidr, Mechanism, Record};
use super::trace::{Outcome, Step};
use super::{MAX_LOOKUPS, MAX_MX_HOSTS, MAX_PTR_NAMES, MAX_VOID_TERMS};
use crate::dns::{self, BoxFuture, Data, Dns, DnsError, Lookup, RecordKind};

/// What is known of the session; domains are in A-labels.
pub(super) struct Session<'a> {
    pub(super) ip: IpAddr,
    pub(super) local_part: &'a str,
    pub(super) sender_domain: &'a str,
    pub(super) helo: &'a str,
    pub(super) receiver: &'a str,
    pub(super) now: jiff::Timestamp,
}

/// The outcome of the check of one domain.
pub(super) struct Verdict {
    pub(super) result: SpfResult,
    /// The directive that matched.
    pub(super) matched: Option<String>,
    /// Why there is no better result.
    pub(super) problem: Option<String>,
    /// Where failures are explained, and the domain whose record says so.
    pub(super) explanation: Option<(DomainSpec, Arc<str>)>,
}

impl Verdict {
    fn of(result: SpfResult) -> Verdict {
        Verdict { result, matched: None, problem: None, explanation: None }
    }
}

/// The reasons for which a check ends without a match.
struct Problem {
    result: SpfResult,
    why: String,
}

fn permanent(why: String) -> Problem {
    Problem { result: SpfResult::PermError, why }
}

/// The outcome of matching a mechanism.
enum Matching {
    Yes,
    No,
    /// The target is not a name, and why.
    Unusable(&'static str),
    /// An include, and the result at the other domain.
    Inner(SpfResult),
}

/// A check in progress.
pub(super) struct Evaluator<'a> {
    dns: &'a dyn Dns,
    session: &'a Session<'a>,
    pub(super) steps: Vec<Step>,
    /// The lookups of the last step.
    pending: Vec<Lookup>,
    terms: usize,
    void_terms: usize,
    void_lookups: usize,
    /// Whether a lookup of the term that is evaluated was void.
    is_void: bool,
    /// The names of the client, once they were looked up.
    names: Option<ClientNames>,
}

/// The names of the client's address.
#[derive(Clone, Default)]
struct ClientNames {
    /// DNS says that there are none.
    none: bool,
    /// Those that lead back to the address, as DNS gives them.
    validated: Vec<String>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(dns: &'a dyn Dns, session: &'a Session<'a>) -> Evaluator<'a> {
        Evaluator {
            dns,
            session,
            steps: Vec::new(),
            pending: Vec::new(),
            terms: 0,
            void_terms: 0,
            void_lookups: 0,
            is_void: false,
            names: None,
        }
    }

    /// Checks the record of the domain with which a check begins, `received` as it was received.
    pub(super) async fn check_first(&mut self, received: &str, domain: &str) -> Verdict {
        let domain: Arc<str> = domain.into();
        // RFC 7208 §4.3.
        if !is_multi_label_domain(&domain) {
            let why = format!("{received} is not a domain name with several labels");
            let at = self.begin(0, &domain, None);
            self.end(at, Outcome::Problem(why.clone()));
            return Verdict { problem: Some(why), ..Verdict::of(SpfResult::None) };
        }
        self.check(domain, 0).await
    }

    /// Checks the record of `domain`, which is a name, `depth` includes deep.
    pub(super) fn check(&mut self, domain: Arc<str>, depth: usize) -> BoxFuture<'_, Verdict> {
        Box::pin(async move {
            if depth > MAX_LOOKUPS {
                return Verdict { problem: Some(too_many_terms()), ..Verdict::of(SpfResult::PermError) };
            }
            match self.records(domain, depth).await {
                Ok(verdict) => verdict,
                Err(problem) => Verdict { problem: Some(problem.why), ..Verdict::of(problem.result) },
            }
        })
    }

    /// The record of a domain, and those to which it redirects.
    async fn records(&mut self, mut domain: Arc<str>, depth: usize) -> Result<Verdict, Problem> {
        // The step that redirected here.
        let mut redirected: Option<(usize, String)> = None;
        for _ in 0..=MAX_LOOKUPS {
            let Some(record) = self.record(&domain, depth, redirected.is_some()).await? else {
                let Some((at, term)) = redirected else { return Ok(Verdict::of(SpfResult::None)) };
                // RFC 7208 §6.1.
                let why = format!("{term} leads to no SPF record");
                self.end(at, Outcome::Problem(why.clone()));
                return Err(permanent(why));
            };
            for directive in &record.directives {
                if self.directive(&domain, depth, directive).await? {
                    let explanation = record.explanation.map(|explanation| (explanation, domain));
                    let matched = Some(directive.text.clone());
                    return Ok(Verdict { result: directive.result, matched, problem: None, explanation });
                }
            }
            // RFC 7208 §4.7.
            let Some(redirect) = &record.redirect else { return Ok(Verdict::of(SpfResult::Neutral)) };
            let term = format!("redirect={redirect}");
            let at = self.begin(depth, &domain, Some(&term));
            let target = self.redirect(at, &domain, &term, redirect).await;
            let target = self.noted(at, target)?;
            self.end(at, Outcome::Redirected);
            redirected = Some((at, term));
            domain = target.into();
        }
        Err(permanent(too_many_terms()))
    }

    /// The domain at which the evaluation goes on.
    async fn redirect(
        &mut self,
        at: usize,
        domain: &str,
        term: &str,
        redirect: &DomainSpec,
    ) -> Result<String, Problem> {
        self.count_term()?;
        match self.target(at, domain, redirect).await {
            // RFC 7208 §6.1: a malformed target is a permerror.
            Target::Unusable { why, .. } => Err(permanent(format!("the target of {term} {why}"))),
            Target::Name(target) => Ok(target),
        }
    }

    /// The only record of a domain, if it publishes one.
    async fn record(&mut self, domain: &Arc<str>, depth: usize, redirected: bool) -> Result<Option<Record>, Problem> {
        let at = self.begin(depth, domain, None);
        // RFC 7208 §4.3: a name of one label has no record.
        let text = if domain.contains('.') { self.record_text(domain).await } else { Ok(None) };
        let Some(text) = self.noted(at, text)? else {
            self.end(at, Outcome::NoRecord);
            return Ok(None);
        };
        let parsed = Record::parse(&text);
        self.end(at, Outcome::Record(String::from_utf8_lossy(&text).into_owned()));
        parsed.map(Some).map_err(|error| {
            let whose = if depth > 0 || redirected { format!(" of {domain}") } else { String::new() };
            let why = format!("the record{whose} is malformed: {error}");
            let spoiled = self.begin(depth, domain, None);
            self.end(spoiled, Outcome::Problem(why.clone()));
            permanent(why)
        })
    }

    async fn record_text(&mut self, domain: &str) -> Result<Option<Vec<u8>>, Problem> {
        let texts = match self.ask(&query_form(domain), RecordKind::Txt).await {
            Ok(texts) => texts,
            Err(DnsError::NxDomain) => return Ok(None),
            Err(error) => return Err(temporary(domain, RecordKind::Txt, &error.to_string())),
        };
        let mut records = texts.into_iter().filter_map(|data| match data {
            Data::Txt(text) if record::is_spf(&text) => Some(text),
            _ => None,
        });
        let Some(text) = records.next() else { return Ok(None) };
        match records.count() {
            0 => Ok(Some(text)),
            // RFC 7208 §4.5.
            more => Err(permanent(format!("{domain} publishes {} SPF records", more + 1))),
        }
    }

    /// Whether the directive decides.
    async fn directive(&mut self, domain: &Arc<str>, depth: usize, directive: &Directive) -> Result<bool, Problem> {
        let at = self.begin(depth, domain, Some(&directive.text));
        let matching = match &directive.mechanism {
            Mechanism::Include(other) => self.include(at, domain, depth, &directive.text, other).await,
            mechanism => {
                let matching = self.matches(at, domain, mechanism).await;
                self.noted(at, matching)
            }
        }?;
        let (matched, outcome) = match matching {
            Matching::Yes | Matching::Inner(SpfResult::Pass) => (true, Outcome::Matched),
            Matching::No => (false, Outcome::NotMatched { inner: None, why: None }),
            Matching::Unusable(why) => (false, Outcome::NotMatched { inner: None, why: Some(why) }),
            Matching::Inner(result) => (false, Outcome::NotMatched { inner: Some(result), why: None }),
        };
        self.end(at, outcome);
        Ok(matched)
    }

    /// RFC 7208 §5.2: the other domain's pass matches; its fail, softfail and neutral do not; its errors are errors
    /// here, and so is a missing record.
    async fn include(
        &mut self,
        at: usize,
        domain: &str,
        depth: usize,
        term: &str,
        other: &DomainSpec,
    ) -> Result<Matching, Problem> {
        let counted = self.count_term();
        self.noted(at, counted)?;
        let target = match self.target(at, domain, other).await {
            Target::Name(target) => target,
            // RFC 8616 §4.
            Target::Unusable { text, why } if !text.is_ascii() => return Ok(Matching::Unusable(why)),
            // RFC 7208 §4.3: none for a malformed domain.
            Target::Unusable { why, .. } => {
                return self.noted(at, Err(permanent(format!("the target of {term} {why}"))));
            }
        };
        let inner = self.check(target.into(), depth + 1).await;
        match inner.result {
            SpfResult::None => self.noted(at, Err(permanent(format!("{term} leads to no SPF record")))),
            result @ (SpfResult::PermError | SpfResult::TempError) => {
                self.end(at, Outcome::InnerProblem);
                Err(Problem { result, why: inner.problem.unwrap_or_default() })
            }
            result => Ok(Matching::Inner(result)),
        }
    }

    async fn matches(&mut self, at: usize, domain: &str, mechanism: &Mechanism) -> Result<Matching, Problem> {
        if mechanism.asks_dns() {
            self.count_term()?;
        }
        let target = match mechanism.domain() {
            Some(spec) => self.target(at, domain, spec).await,
            None => Target::Name(domain.to_owned()),
        };
        let name = match target {
            Target::Name(name) => name,
            // RFC 7208 §4.8 leaves it open; there can be no records at such a target, so nothing matches.
            Target::Unusable { why, .. } => return Ok(Matching::Unusable(why)),
        };
        let ip = self.session.ip;
        let matched = match mechanism {
            Mechanism::All => true,
            Mechanism::Ip4 { network, prefix } => within(ip, IpAddr::V4(*network), *prefix),
            Mechanism::Ip6 { network, prefix } => within(ip, IpAddr::V6(*network), *prefix),
            Mechanism::A { cidr, .. } => self.has_address(&query_form(&name), cidr.prefix(ip)).await?,
            Mechanism::Mx { cidr, .. } => self.has_mail_host(&name, *cidr).await?,
            Mechanism::Ptr(_) => self.has_name(&name).await?,
            // RFC 7208 §5.7: the address is IPv4, whatever the client's.
            Mechanism::Exists(_) => !self.ask_term(&query_form(&name), RecordKind::A).await?.is_empty(),
            // The caller handles it, because it knows the depth.
            Mechanism::Include(_) => false,
        };
        Ok(if matched { Matching::Yes } else { Matching::No })
    }

    async fn has_mail_host(&mut self, name: &str, cidr: DualCidr) -> Result<bool, Problem> {
        let mut hosts = Vec::new();
        for data in self.ask_term(&query_form(name), RecordKind::Mx).await? {
            if let Data::Mx { preference, exchange } = data {
                hosts.push((preference, exchange));
            }
        }
        if hosts.len() > MAX_MX_HOSTS {
            return Err(permanent(format!("{name} has more than {MAX_MX_HOSTS} MX hosts")));
        }
        hosts.sort();
        for (_, host) in hosts {
            // RFC 7505: the null MX names no host.
            if !host.is_empty() && self.has_address(&host, cidr.prefix(self.session.ip)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an address of `name`, in the form of queries, has the client's first `prefix` bits.
    async fn has_address(&mut self, name: &str, prefix: u8) -> Result<bool, Problem> {
        let found = self.ask_term(name, self.address_kind()).await?;
        Ok(self.is_among(&found, prefix))
    }

    fn address_kind(&self) -> RecordKind {
        if self.session.ip.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa }
    }

    fn is_among(&self, addresses: &[Data], prefix: u8) -> bool {
        addresses.iter().any(|data| match data {
            Data::A(ip) => within(self.session.ip, IpAddr::V4(*ip), prefix),
            Data::Aaaa(ip) => within(self.session.ip, IpAddr::V6(*ip), prefix),
            _ => false,
        })
    }

    /// The names of the client (RFC 7208 §5.5), looked up once in a check. Names for which DNS fails are left out.
    async fn client_names(&mut self) -> ClientNames {
        if let Some(names) = &self.names {
            return names.clone();
        }
        let mut names = ClientNames::default();
        match self.ask(&reverse_name(self.session.ip), RecordKind::Ptr).await {
            Ok(found) => {
                names.none = found.is_empty();
                let full = DualCidr { ip4: 32, ip6: 128 }.prefix(self.session.ip);
                // More names than these are ignored (RFC 7208 §4.6.4).
                for data in found.into_iter().take(MAX_PTR_NAMES) {
                    let Data::Ptr(name) = data else { continue };
                    if name.is_empty() {
                        continue;
                    }
                    let addresses = self.ask(&name, self.address_kind()).await.unwrap_or_default();
                    if self.is_among(&addresses, full) {
                        names.validated.push(name);
                    }
                }
            }
            Err(DnsError::NxDomain) => names.none = true,
            Err(_) => {}
        }
        self.names = Some(names.clone());
        names
    }

    async fn has_name(&mut self, domain: &str) -> Result<bool, Problem> {
        let names = self.client_names().await;
        if names.none {
            self.count_void()?;
        }
        Ok(names.validated.iter().any(|own| is_within(own, domain)))
    }

    /// What `%{p}` stands for in a record of `domain` (RFC 7208 §7.3): the domain if it is among the validated names,
    /// else one below it, else any, else `unknown`. A name that cannot be text is left out.
    async fn validated_name(&mut self, domain: &str) -> String {
        let mut names = self.client_names().await.validated;
        names.retain(|name| !name.contains('\\'));
        let own = names.iter().find(|name| name.eq_ignore_ascii_case(domain));
        let below = || names.iter().find(|name| is_within(name, domain));
        own.or_else(below).or(names.first()).cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    /// What the domain of a term expands to.
    async fn target(&mut self, at: usize, domain: &str, spec: &DomainSpec) -> Target {
        let name = if spec.needs_validated_name() { self.validated_name(domain).await } else { String::new() };
        let target = Target::of(spec.expand(&self.facts(domain, &name)));
        if let Some(step) = self.steps.get_mut(at) {
            step.target = Some(target.text().to_owned());
        }
        target
    }

    fn facts<'b>(&'b self, domain: &'b str, validated_name: &'b str) -> Facts<'b> {
        let Session { ip, local_part, sender_domain, helo, receiver, now } = *self.session;
        Facts { ip, local_part, sender_domain, helo, receiver, now, domain, validated_name }
    }

    /// What `domain` says about a failure (RFC 7208 §6.2). If anything goes wrong here, there is no explanation;
    /// nothing is counted.
    pub(super) async fn explain(&mut self, domain: &Arc<str>, spec: &DomainSpec) -> Option<String> {
        let at = self.begin(0, domain, Some(&format!("exp={spec}")));
        let explanation = self.explanation(at, domain, spec).await;
        let outcome = match &explanation {
            Ok(text) => Outcome::Explained(text.clone()),
            Err(why) => Outcome::NotExplained(why.clone()),
        };
        self.end(at, outcome);
        explanation.ok()
    }

    async fn explanation(&mut self, at: usize, domain: &str, spec: &DomainSpec) -> Result<String, String> {
        let target = match self.target(at, domain, spec).await {
            Target::Name(target) => target,
            Target::Unusable { why, .. } => return Err(format!("the target {why}")),
        };
        let found = self.ask(&query_form(&target), RecordKind::Txt).await.map_err(|error| error.to_string())?;
        let [Data::Txt(text)] = found.as_slice() else { return Err(format!("{} texts", found.len())) };
        let explanation = ExplainString::parse(text).map_err(|error| error.to_string())?;
        let needed = explanation.needs_validated_name();
        let name = if needed { self.validated_name(domain).await } else { String::new() };
        let expanded = explanation.expand(&self.facts(domain, &name));
        expanded.ok_or_else(|| "the text cannot stand in a reply".to_owned())
    }

    /// A term begins that asks DNS.
    fn count_term(&mut self) -> Result<(), Problem> {
        self.is_void = false;
        self.terms += 1;
        if self.terms > MAX_LOOKUPS {
            return Err(permanent(too_many_terms()));
        }
        Ok(())
    }

    /// A lookup for a term had no answer. The term is void, however many of its lookups are.
    fn count_void(&mut self) -> Result<(), Problem> {
        self.void_lookups += 1;
        if !self.is_void {
            self.is_void = true;
            self.void_terms += 1;
        }
        if self.void_terms > MAX_VOID_TERMS {
            return Err(permanent(format!("more than {MAX_VOID_TERMS} terms have lookups without an answer")));
        }
        Ok(())
    }

    /// A lookup on behalf of a term: failures of DNS end the evaluation, empty answers are counted.
    async fn ask_term(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Data>, Problem> {
        let data = match self.ask(name, kind).await {
            Ok(data) => data,
            Err(DnsError::NxDomain) => Vec::new(),
            Err(error) => return Err(temporary(name, kind, &error.to_string())),
        };
        if data.is_empty() {
            self.count_void()?;
        }
        Ok(data)
    }

    async fn ask(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        dns::ask(self.dns, &mut self.pending, name, kind).await
    }

    /// Begins a step and returns its place.
    fn begin(&mut self, depth: usize, domain: &Arc<str>, term: Option<&str>) -> usize {
        self.keep_lookups();
        self.steps.push(Step {
            depth,
            domain: domain.clone(),
            term: term.map(str::to_owned),
            target: None,
            lookups: Vec::new(),
            terms: self.terms,
            void_terms: self.void_terms,
            void_lookups: self.void_lookups,
            outcome: Outcome::NotMatched { inner: None, why: None },
        });
        self.steps.len() - 1
    }

    /// Ends the step at this place.
    fn end(&mut self, at: usize, outcome: Outcome) {
        self.keep_lookups();
        let counts = (self.terms, self.void_terms, self.void_lookups);
        if let Some(step) = self.steps.get_mut(at) {
            (step.terms, step.void_terms, step.void_lookups) = counts;
            step.outcome = outcome;
        }
    }

    /// Ends the step at this place if there is a problem.
    fn noted<T>(&mut self, at: usize, result: Result<T, Problem>) -> Result<T, Problem> {
        if let Err(problem) = &result {
            self.end(at, Outcome::Problem(problem.why.clone()));
        }
        result
    }

    /// All lookups since a step began belong to it: an include makes its own before it goes deeper.
    fn keep_lookups(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.lookups.append(&mut self.pending);
        }
    }
}

fn too_many_terms() -> String {
    format!("more than {MAX_LOOKUPS} terms ask DNS")
}

fn temporary(name: &str, kind: RecordKind, reason: &str) -> Problem {
    Problem { result: SpfResult::TempError, why: format!("{name} {kind} could not be looked up: {reason}") }
}

/// Whether both addresses are of one family and agree in the first `prefix` bits.
fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let differ = u32::from(ip) ^ u32::from(network);
            differ.leading_zeros() >= u32::from(prefix)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let differ = u128::from(ip) ^ u128::from(network);
            differ.leading_zeros() >= u32::from(prefix)
        }
        _ => false,
    }
}
