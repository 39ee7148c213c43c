//! The profile `rfc`: results in the form of RFC 8601, and the policy of the author's domain (RFC 9989).

use mxlab_auth::dkim::Verification;
use mxlab_auth::dmarc::{self, Discovery};
use mxlab_auth::spf;
use mxlab_mail::authres::rfc8601::{Keyword, Mailbox, PartError, Payload, Property, PropertyValue, ResInfo, Value};

use crate::disposition::{Disposition, Folder};
use crate::evidence::Authenticated;

/// The value of `Authentication-Results` of the server called `server`.
///
/// # Errors
/// When a received name cannot be written in the field.
pub fn payload(server: &str, authenticated: &Authenticated) -> Result<Payload, PartError> {
    let Authenticated { spf, dkim, dmarc } = authenticated;
    let mut results = vec![spf_result(spf)?];
    for verification in dkim {
        results.push(dkim_result(verification)?);
    }
    if dkim.is_empty() {
        results.push(method("dkim", "none", Vec::new())?);
    }
    results.push(dmarc_result(dmarc)?);
    Ok(Payload { authserv_id: Value::new(server)?, version: None, comments: Vec::new(), results })
}

fn method(name: &str, result: &str, properties: Vec<Property>) -> Result<ResInfo, PartError> {
    Ok(ResInfo {
        method: Keyword::new(name)?,
        version: None,
        result: Keyword::new(result)?,
        comments: Vec::new(),
        reason: None,
        properties,
    })
}

fn property(ptype: &str, property: &str, value: PropertyValue) -> Result<Property, PartError> {
    Ok(Property { ptype: Keyword::new(ptype)?, property: Keyword::new(property)?, value, comments: Vec::new() })
}

fn text(value: &str) -> Result<PropertyValue, PartError> {
    Ok(PropertyValue::Value(Value::new(value)?))
}

/// RFC 8601 §2.7.2: the identity, the whole address of MAIL FROM where there is one.
fn spf_result(spf: &spf::Evaluation) -> Result<ResInfo, PartError> {
    let identity = match &spf.identity {
        spf::Identity::MailFrom(sender) => {
            let mailbox = Mailbox::new(Some(sender.local_part().to_owned()), sender.domain())?;
            property("smtp", "mailfrom", PropertyValue::Mailbox(mailbox))?
        }
        spf::Identity::Helo(name) => property("smtp", "helo", text(name)?)?,
    };
    method("spf", spf.result.word(), vec![identity])
}

/// RFC 8601 §2.7.1: domain, selector and algorithm, and as much of the signature as distinguishes it from others
/// (RFC 6008).
fn dkim_result(verification: &Verification) -> Result<ResInfo, PartError> {
    let mut properties = Vec::new();
    if let Some(domain) = &verification.domain {
        properties.push(property("header", "d", text(domain)?)?);
    }
    if let Some(selector) = &verification.selector {
        properties.push(property("header", "s", text(selector)?)?);
    }
    if let Some(signature) = &verification.signature {
        properties.push(property("header", "a", text(signature.message.algorithm.word())?)?);
    }
    method("dkim", verification.result().word(), properties)
}

/// RFC 9989 §10: the author's domain, the policy of the record, and where it is if that is elsewhere.
fn dmarc_result(dmarc: &dmarc::Evaluation) -> Result<ResInfo, PartError> {
    let mut properties = Vec::new();
    if !dmarc.author.is_empty() {
        properties.push(property("header", "from", text(&dmarc.author)?)?);
    }
    if let Discovery::Found { domain, policies, .. } = &dmarc.discovery {
        properties.push(property("polrec", "p", text(policies.policy.word())?)?);
        if !domain.eq_ignore_ascii_case(&dmarc.author) {
            properties.push(property("polrec", "domain", text(domain)?)?);
        }
    }
    method("dmarc", dmarc.result.word(), properties)
}

/// The disposition of the message by the policy of the author's domain (RFC 9989 §5.4).
///
/// Nothing is refused only for `p=reject`, because it may have come by a mailing list: a receiver that knows nothing
/// else about a message has to treat it as if the policy were `quarantine` (§7.4), and this profile knows nothing else.
pub fn disposition(dmarc: &dmarc::Evaluation) -> Disposition {
    let asked = dmarc.request.filter(|_| dmarc.result == mxlab_mail::authres::DmarcResult::Fail);
    match asked.map(|request| request.applied) {
        Some(dmarc::Policy::Reject | dmarc::Policy::Quarantine) => Disposition::Deliver(Folder::Quarantine),
        Some(dmarc::Policy::None) | None => Disposition::Deliver(Folder::Inbox),
    }
}

/// Why the policy is not followed exactly; none if it is.
pub fn because(dmarc: &dmarc::Evaluation) -> Option<&'static str> {
    let asked = dmarc.request.filter(|_| dmarc.result == mxlab_mail::authres::DmarcResult::Fail)?;
    let rejects = asked.applied == dmarc::Policy::Reject;
    rejects.then_some("nothing is refused for p=reject alone: it is treated as p=quarantine (RFC 9989 §7.4)")
}
