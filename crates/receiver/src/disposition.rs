//! What becomes of a message: from the verdict and a tenant's settings to a folder, or to a refusal.

use std::fmt;

use mxlab_auth::dmarc::{self, Policy};
use mxlab_mail::authres::{CompAuth, CompAuthResult, DmarcResult};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};

use crate::config::{AuthFailAction, Tenant};

/// Where a message ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folder {
    /// The inbox.
    Inbox,
    /// The junk mail folder.
    Junk,
    /// Quarantine: the recipient does not see it.
    Quarantine,
}

impl Folder {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Folder::Inbox => "inbox",
            Folder::Junk => "junk",
            Folder::Quarantine => "quarantine",
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What becomes of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is delivered.
    Deliver(Folder),
    /// It is refused with this reply.
    Reject(Reply),
}

/// What Exchange Online does with a message that DMARC and the composite verdict say this of (`exchange.md` §2.6).
///
/// The policy of a DMARC record is honoured: `p=reject` refuses, `p=quarantine` quarantines. Without such a policy a failure
/// of composite authentication is the tenant's to act on; with spoof intelligence off nothing uses it.
pub fn exchange(tenant: &Tenant, dmarc: &dmarc::Evaluation, compauth: CompAuth) -> Disposition {
    let asked = dmarc.request.filter(|_| dmarc.result == DmarcResult::Fail).map(|request| request.applied);
    match asked {
        Some(Policy::Reject) if compauth.result == CompAuthResult::Fail => {
            Disposition::Reject(rejection(&dmarc.author))
        }
        Some(Policy::Quarantine) if compauth.result == CompAuthResult::Fail => Disposition::Deliver(Folder::Quarantine),
        _ => Disposition::Deliver(folder(tenant, compauth)),
    }
}

/// The refusal of a message that fails DMARC with `p=reject`. The domain is shown in capitals.
fn rejection(author: &str) -> Reply {
    let text = format!(
        "Access denied, sending domain [{}] does not pass DMARC verification and has a DMARC policy of reject.",
        author.to_uppercase()
    );
    Reply::enhanced(550, EnhancedCode::new(Class::Permanent, 7, 509), text)
}

/// The folder for a message with this verdict.
fn folder(tenant: &Tenant, compauth: CompAuth) -> Folder {
    match compauth.result {
        CompAuthResult::Fail if tenant.spoof_intelligence => match tenant.auth_fail_action {
            AuthFailAction::MoveToJmf => Folder::Junk,
            AuthFailAction::Quarantine => Folder::Quarantine,
        },
        _ => Folder::Inbox,
    }
}

#[cfg(test)]
mod tests {
    use mxlab_mail::authres::Reason;

    use super::*;

    #[test]
    fn folders() {
        let mut tenant = Tenant::new("fabrikam", vec!["fabrikam.example".into()]);
        let verdict = |result| CompAuth { result, reason: Reason::new(1) };
        let fail = verdict(CompAuthResult::Fail);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::Pass)), Folder::Inbox);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::SoftPass)), Folder::Inbox);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::None)), Folder::Inbox);
        assert_eq!(folder(&tenant, fail), Folder::Junk);
        tenant.auth_fail_action = AuthFailAction::Quarantine;
        assert_eq!(folder(&tenant, fail), Folder::Quarantine);
        tenant.spoof_intelligence = false;
        assert_eq!(folder(&tenant, fail), Folder::Inbox);
    }

    #[test]
    fn the_refusal_names_the_domain_in_capitals() {
        assert_eq!(
            rejection("contoso.example").to_string(),
            "550 5.7.509 Access denied, sending domain [CONTOSO.EXAMPLE] does not pass DMARC verification and has a DMARC policy of reject."
        );
    }
}
