//! `ARC-Authentication-Results` as Exchange Online writes it.
//!
//! ```text
//! i=2; mx.microsoft.com 1; spf=pass (sender ip is 192.0.2.1) smtp.rcpttodomain=fabrikam.example smtp.mailfrom=contoso.example; dmarc=pass (p=none sp=none pct=100) action=none header.from=contoso.example; dkim=pass (signature was verified) header.d=contoso.example; arc=pass (0 oda=0 ltdi=1)
//! ```
//!
//! It has an authserv-id with a version, as RFC 8617 requires, but `action=` is not a property of RFC 8601. The order
//! is SPF, DMARC, DKIM, ARC, all with `; ` between them, and words differ from those of `Authentication-Results`:
//! `sender ip` is in lower case, `header.d` is left out where there is no signature. Mail that the service itself sends
//! or that is submitted in a tenant has short clauses without comments.
//!
//! The `arc=` clause describes the sets that were there before. Codes and numbers whose meaning is not known are kept
//! as numbers.

use std::fmt;
use std::str::FromStr;

use super::clause::{self, Parts};
use super::{AuthResError, DkimClause, DmarcClause, SpfClause};
use crate::authres::rfc8601::Instance;
use crate::authres::words::words;
use crate::authres::{DkimResult, MAX_CLAUSES, MAX_LENGTH};

/// The authserv-id and its version.
const AUTHSERV_ID: [&str; 2] = ["mx.microsoft.com", "1"];

words! {
    /// A DMARC policy (RFC 7489 §6.3).
    DmarcPolicy {
        /// Only observe.
        None = "none",
        /// Treat failures with suspicion.
        Quarantine = "quarantine",
        /// Refuse failures.
        Reject = "reject",
    }
}

/// The SPF clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArcSpf {
    /// SPF was evaluated.
    Checked {
        /// The result.
        clause: SpfClause,
        /// The recipient's domain, on messages from outside; one, if there are several recipients.
        rcpt_to_domain: Option<String>,
    },
    /// `spf=pass smtp.mailfrom=contoso.example`: submitted in a tenant, a pass without a check.
    Submitted {
        /// The domain of MAIL FROM.
        mail_from: String,
    },
    /// `spf=none`: mail of the service itself.
    System,
}

/// The policy in a DMARC clause: `(p=none sp=none pct=100)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// The policy of the domain.
    pub p: DmarcPolicy,
    /// The policy of its subdomains.
    pub sp: DmarcPolicy,
    /// The percentage of failing messages to which it applies.
    pub pct: u8,
}

/// The DMARC clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcDmarc {
    /// The clause.
    pub clause: DmarcClause,
    /// What the record says, if there is one.
    pub policy: Option<PublishedPolicy>,
}

/// A DKIM clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArcDkim {
    /// A signature was checked, or there was none to check.
    Checked(DkimClause),
    /// `dkim=pass header.d=contoso.example`: submitted in a tenant, a pass without a check.
    Submitted {
        /// The domain of the signature that the message will get.
        domain: String,
    },
}

/// What the previous set says about a method: `spf=[1,1,smtp.mailfrom=contoso.example]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Two numbers; only `1,1` has been seen.
    pub numbers: [u16; 2],
    /// The domain that the result is about.
    pub domain: String,
}

/// The results of the previous set, written when its sealer is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviousResults {
    /// SPF.
    pub spf: Option<Previous>,
    /// DKIM.
    pub dkim: Option<Previous>,
    /// DMARC.
    pub dmarc: Option<Previous>,
}

impl PreviousResults {
    /// Method, property and result, in the order in which they are written.
    fn each(&self) -> [(&'static str, &'static str, &Option<Previous>); 3] {
        [("spf", "smtp.mailfrom", &self.spf), ("dkim", "header.d", &self.dkim), ("dmarc", "header.from", &self.dmarc)]
    }

    fn each_mut(&mut self) -> [(&'static str, &'static str, &mut Option<Previous>); 3] {
        [
            ("spf", "smtp.mailfrom", &mut self.spf),
            ("dkim", "header.d", &mut self.dkim),
            ("dmarc", "header.from", &mut self.dmarc),
        ]
    }
}

/// The ARC clause: the result for the sets that came with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArcClause {
    /// `arc=none`, from some servers `arc=none (0)`: the message had no sets.
    None {
        /// The number, if there is one.
        code: Option<u16>,
    },
    /// `arc=fail (47)`: the chain does not hold. 47 stands for a body changed after the newest seal, 35 for a previous
    /// set whose results cannot be read, 48 perhaps for a signature that does not verify.
    Fail {
        /// Why.
        code: u16,
    },
    /// `arc=pass (0 oda=1 ltdi=1 …)`: the chain holds.
    Pass {
        /// The first number; only 0 has been seen.
        code: u16,
        /// Whether the previous sealer is trusted, so that its results may override a DMARC failure here.
        oda: bool,
        /// Not documented.
        ltdi: bool,
        /// What it says.
        previous: PreviousResults,
        /// The last number, if there is one; 93 has been seen.
        remark: Option<u16>,
    },
}

/// A whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcAuthenticationResults {
    /// The place in the chain.
    pub instance: Instance,
    /// SPF.
    pub spf: ArcSpf,
    /// DMARC.
    pub dmarc: ArcDmarc,
    /// One for each signature; one that says so when there is none.
    pub dkim: Vec<ArcDkim>,
    /// The chain before.
    pub arc: ArcClause,
}

impl ArcAuthenticationResults {
    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("ARC-Authentication-Results", &self.to_string())
    }
}

impl fmt::Display for ArcSpf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArcSpf::Checked { clause, rcpt_to_domain } => {
                write!(f, "spf={} (sender ip is {}) ", clause.result, clause::address(clause.ip))?;
                if let Some(domain) = rcpt_to_domain {
                    write!(f, "smtp.rcpttodomain={} ", clause::name(domain))?;
                }
                clause.identity.fmt(f)
            }
            ArcSpf::Submitted { mail_from } => write!(f, "spf=pass smtp.mailfrom={}", clause::name(mail_from)),
            ArcSpf::System => f.write_str("spf=none"),
        }
    }
}

impl fmt::Display for PublishedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p={} sp={} pct={}", self.p, self.sp, self.pct)
    }
}

impl fmt::Display for ArcDmarc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArcDmarc { clause: DmarcClause { result, action, header_from }, policy } = self;
        write!(f, "dmarc={result}")?;
        if let Some(policy) = policy {
            write!(f, " ({policy})")?;
        }
        write!(f, " action={action} header.from={}", clause::name(header_from))
    }
}

impl fmt::Display for ArcDkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArcDkim::Checked(clause) => {
                clause.write_result(f)?;
                match &clause.domain {
                    Some(domain) => write!(f, " header.d={}", clause::name(domain)),
                    None => Ok(()),
                }
            }
            ArcDkim::Submitted { domain } => write!(f, "dkim=pass header.d={}", clause::name(domain)),
        }
    }
}

impl fmt::Display for ArcClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArcClause::None { code: None } => f.write_str("arc=none"),
            ArcClause::None { code: Some(code) } => write!(f, "arc=none ({code})"),
            ArcClause::Fail { code } => write!(f, "arc=fail ({code})"),
            ArcClause::Pass { code, oda, ltdi, previous, remark } => {
                write!(f, "arc=pass ({code} oda={} ltdi={}", u8::from(*oda), u8::from(*ltdi))?;
                for (method, property, previous) in previous.each() {
                    if let Some(Previous { numbers: [first, second], domain }) = previous {
                        let domain = clause::name(domain).replace([',', ']'], "?");
                        write!(f, " {method}=[{first},{second},{property}={domain}]")?;
                    }
                }
                if let Some(remark) = remark {
                    write!(f, " {remark}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for ArcAuthenticationResults {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [id, version] = AUTHSERV_ID;
        write!(f, "i={}; {id} {version}; {}; {}", self.instance, self.spf, self.dmarc)?;
        self.dkim.iter().try_for_each(|dkim| write!(f, "; {dkim}"))?;
        write!(f, "; {}", self.arc)
    }
}

impl FromStr for ArcSpf {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<ArcSpf, AuthResError> {
        let parts = Parts::cut(clause, "spf")?;
        if parts.comment.is_none() {
            return match (parts.result, parts.properties.as_slice()) {
                ("none", []) => Ok(ArcSpf::System),
                ("pass", [("smtp.mailfrom", domain)]) => Ok(ArcSpf::Submitted { mail_from: parts.name(domain)? }),
                _ => Err(parts.wrong("no comment")),
            };
        }
        let (result, ip) = (parts.spf_result()?, parts.sender("sender ip is")?);
        let (rcpt_to_domain, (property, value)) = match parts.properties.as_slice() {
            [("smtp.rcpttodomain", domain), identity] => (Some(parts.name(domain)?), identity),
            [identity] => (None, identity),
            _ => return Err(parts.wrong("unexpected properties")),
        };
        let identity = parts.identity(property, value)?;
        Ok(ArcSpf::Checked { clause: SpfClause { result, ip, identity }, rcpt_to_domain })
    }
}

impl FromStr for ArcDmarc {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<ArcDmarc, AuthResError> {
        let parts = Parts::cut(clause, "dmarc")?;
        let policy = match parts.comment {
            None => None,
            Some(comment) => Some(published_policy(comment).ok_or_else(|| parts.wrong("unknown policy"))?),
        };
        Ok(ArcDmarc { clause: parts.dmarc()?, policy })
    }
}

fn published_policy(comment: &str) -> Option<PublishedPolicy> {
    let mut words = words_of(comment);
    let p = DmarcPolicy::from_word(words.next()?.strip_prefix("p=")?)?;
    let sp = DmarcPolicy::from_word(words.next()?.strip_prefix("sp=")?)?;
    let pct = clause::number(words.next()?.strip_prefix("pct=")?).filter(|pct| *pct <= 100)?;
    words.next().is_none().then_some(PublishedPolicy { p, sp, pct: u8::try_from(pct).ok()? })
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty())
}

impl FromStr for ArcDkim {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<ArcDkim, AuthResError> {
        let parts = Parts::cut(clause, "dkim")?;
        let domain = match parts.properties.as_slice() {
            [] => None,
            [("header.d", domain)] => Some(parts.name(domain)?),
            _ => return Err(parts.wrong("unexpected properties")),
        };
        match (parts.result, parts.comment, domain) {
            ("pass", None, Some(domain)) => Ok(ArcDkim::Submitted { domain }),
            (_, _, domain) => {
                let result = parts.dkim_result()?;
                if domain.is_none() && result != DkimResult::None {
                    return Err(parts.wrong("no header.d"));
                }
                Ok(ArcDkim::Checked(DkimClause { result, domain }))
            }
        }
    }
}

impl FromStr for ArcClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<ArcClause, AuthResError> {
        let parts = Parts::cut(clause, "arc")?;
        let [] = parts.exactly([])?;
        let number = |text| clause::number(text).ok_or_else(|| parts.wrong("not a number"));
        match (parts.result, parts.comment) {
            ("none", comment) => Ok(ArcClause::None { code: comment.map(number).transpose()? }),
            ("fail", Some(code)) => Ok(ArcClause::Fail { code: number(code)? }),
            ("pass", Some(comment)) => passed(comment).ok_or_else(|| parts.wrong("unknown comment")),
            ("fail" | "pass", None) => Err(parts.wrong("no comment")),
            _ => Err(parts.wrong("unknown result")),
        }
    }
}

fn passed(comment: &str) -> Option<ArcClause> {
    let flag = |text: &str| match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    };
    let mut words = words_of(comment).peekable();
    let code = clause::number(words.next()?)?;
    let oda = flag(words.next()?.strip_prefix("oda=")?)?;
    let ltdi = flag(words.next()?.strip_prefix("ltdi=")?)?;
    let mut previous = PreviousResults::default();
    for (method, property, place) in previous.each_mut() {
        let list = words.peek().and_then(|word| word.strip_prefix(method)?.strip_prefix("=[")?.strip_suffix(']'));
        let Some(list) = list else { continue };
        words.next();
        let mut members = list.splitn(3, ',');
        let numbers = [clause::number(members.next()?)?, clause::number(members.next()?)?];
        let domain = members.next()?.strip_prefix(property)?.strip_prefix('=')?;
        if !clause::is_name(domain) || domain.contains([',', ']']) {
            return None;
        }
        *place = Some(Previous { numbers, domain: domain.to_owned() });
    }
    let remark = match words.next() {
        None => None,
        Some(word) => Some(clause::number(word)?),
    };
    words.next().is_none().then_some(ArcClause::Pass { code, oda, ltdi, previous, remark })
}

/// The instance, and what follows `i=N; mx.microsoft.com 1;`.
fn after_authserv_id(value: &str) -> Option<(&str, &str)> {
    let mut segments = value.splitn(3, ';').map(|segment| segment.trim_matches([' ', '\t']));
    let instance = segments.next()?.strip_prefix("i=")?;
    words_of(segments.next()?).eq(AUTHSERV_ID).then_some((instance, segments.next()?))
}

/// Whether a value has Microsoft's authserv-id. A value of the standard may have it too.
pub(in crate::authres) fn is_from_microsoft(value: &str) -> bool {
    after_authserv_id(value).is_some()
}

impl FromStr for ArcAuthenticationResults {
    type Err = AuthResError;

    /// Reads an unfolded value.
    fn from_str(value: &str) -> Result<ArcAuthenticationResults, AuthResError> {
        if value.len() > MAX_LENGTH {
            return Err(AuthResError::TooLong);
        }
        let (instance, rest) = after_authserv_id(value).ok_or(AuthResError::NotMicrosoft)?;
        let instance = clause::number(instance).and_then(|number| u8::try_from(number).ok());
        let instance = instance.and_then(|number| Instance::new(number).ok()).ok_or(AuthResError::Instance)?;
        let mut clauses = rest.split(';').take(MAX_CLAUSES + 1);
        let mut next = |method| clauses.next().ok_or(AuthResError::Missing { method });
        let (spf, dmarc) = (next("spf")?.parse()?, next("dmarc")?.parse()?);
        let mut rest: Vec<&str> = clauses.collect();
        if rest.len() + 2 > MAX_CLAUSES {
            return Err(AuthResError::TooLong);
        }
        let arc = rest.pop().ok_or(AuthResError::Missing { method: "arc" })?.parse()?;
        if rest.is_empty() {
            return Err(AuthResError::Missing { method: "dkim" });
        }
        let dkim = rest.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(ArcAuthenticationResults { instance, spf, dmarc, dkim, arc })
    }
}

#[cfg(test)]
mod tests;
