//! The profile `rfc`: results in the form of RFC 8601, and the policy of the author's domain (RFC 9989).
//!
//! Anybody can put names into a message or a session that cannot be written in a header field: with control characters, or
//! as no mailbox. Such a name is left out, and its result is written without it; the message is judged all the same. A
//! malformed signature, for one, is to be ignored (RFC 6376 §6.1), so it must not keep the message from its recipient.

use mxlab_auth::dkim::Verification;
use mxlab_auth::dmarc::{self, Discovery};
use mxlab_auth::spf;
use mxlab_mail::authres::rfc8601::{Keyword, Mailbox, PartError, Payload, Property, PropertyValue, ResInfo, Value};

use crate::disposition::{Disposition, Folder};
use crate::evidence::Authenticated;

/// The value of `Authentication-Results` of the server called `server`.
///
/// # Errors
/// When the server's own name cannot be written in the field.
pub fn payload(server: &str, authenticated: &Authenticated) -> Result<Payload, PartError> {
    let Authenticated { spf, dkim, dmarc, .. } = authenticated;
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

/// A property with a value that was received; none if the value cannot be written.
fn received(ptype: &str, property: &str, value: Option<PropertyValue>) -> Result<Option<Property>, PartError> {
    let Some(value) = value else { return Ok(None) };
    let (ptype, property) = (Keyword::new(ptype)?, Keyword::new(property)?);
    Ok(Some(Property { ptype, property, value, comments: Vec::new() }))
}

fn text(value: &str) -> Option<PropertyValue> {
    Value::new(value).ok().map(PropertyValue::Value)
}

/// RFC 8601 §2.7.2: the identity, the whole address of MAIL FROM where there is one. An address at something else than a
/// domain name, an address literal for one, is written as a quoted text.
fn spf_result(spf: &spf::Evaluation) -> Result<ResInfo, PartError> {
    let identity = match &spf.identity {
        spf::Identity::MailFrom(sender) => {
            let mailbox = Mailbox::new(Some(sender.local_part().to_owned()), sender.domain());
            let value = mailbox.ok().map(PropertyValue::Mailbox).or_else(|| text(&sender.to_string()));
            received("smtp", "mailfrom", value)?
        }
        spf::Identity::Helo(name) => received("smtp", "helo", text(name))?,
    };
    method("spf", spf.result.word(), identity.into_iter().collect())
}

/// RFC 8601 §2.7.1: domain, selector and algorithm, and as much of the signature as distinguishes it from others
/// (RFC 6008).
fn dkim_result(verification: &Verification) -> Result<ResInfo, PartError> {
    let mut properties = Vec::new();
    if let Some(domain) = &verification.domain {
        properties.extend(received("header", "d", text(domain))?);
    }
    if let Some(selector) = &verification.selector {
        properties.extend(received("header", "s", text(selector))?);
    }
    if let Some(signature) = &verification.signature {
        properties.extend(received("header", "a", text(signature.message.algorithm.word()))?);
    }
    method("dkim", verification.result().word(), properties)
}

/// RFC 9989 §10: the author's domain, the policy of the record, and where it is if that is elsewhere.
fn dmarc_result(dmarc: &dmarc::Evaluation) -> Result<ResInfo, PartError> {
    let mut properties = Vec::new();
    if !dmarc.author.is_empty() {
        properties.extend(received("header", "from", text(&dmarc.author))?);
    }
    if let Discovery::Found { domain, policies, .. } = &dmarc.discovery {
        properties.extend(received("polrec", "p", text(policies.policy.word()))?);
        if !domain.eq_ignore_ascii_case(&dmarc.author) {
            properties.extend(received("polrec", "domain", text(domain))?);
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    /// The clause of SPF for an identity that somebody has sent.
    fn spf_clause(identity: spf::Identity) -> String {
        let client = spf::Client {
            ip: IpAddr::from([192, 0, 2, 1]),
            identity,
            helo: "mail.contoso.example".to_owned(),
            receiver: "mx.fabrikam.example".to_owned(),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let evaluation = spf::Evaluation::out_of_time(&client, std::time::Duration::from_secs(20));
        let results = vec![spf_result(&evaluation).expect("words of ours")];
        let authserv_id = Value::new("mx").expect("a name");
        Payload { authserv_id, version: None, comments: Vec::new(), results }.to_string()
    }

    /// Whatever a client says, the result can be written.
    #[test]
    fn names_that_were_received() {
        let sender = |text: &str| match text.parse() {
            Ok(sender) => spf::Identity::MailFrom(sender),
            Err(never) => match never {},
        };
        let check = |identity, expected: &str| assert_eq!(spf_clause(identity), format!("mx; spf=temperror{expected}"));
        check(sender("ann@contoso.example"), " smtp.mailfrom=ann@contoso.example");
        check(sender("ann@[192.0.2.1]"), " smtp.mailfrom=\"ann@[192.0.2.1]\"");
        check(sender("ann@localhost"), " smtp.mailfrom=\"ann@localhost\"");
        check(sender("ann@a_b.example"), " smtp.mailfrom=\"ann@a_b.example\"");
        check(sender("ann\u{7}@contoso.example"), "");
        let helo = |name: &str| spf::Identity::Helo(name.to_owned());
        check(helo("mail.contoso.example"), " smtp.helo=mail.contoso.example");
        check(helo("a b; dmarc=pass"), " smtp.helo=\"a b; dmarc=pass\"");
        check(helo("a\r\nb"), "");
    }
}
