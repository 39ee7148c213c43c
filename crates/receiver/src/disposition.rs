//! The disposition of a message: from the verdict and a tenant's settings to a folder or a refusal.

use std::fmt;

use mxlab_auth::dmarc::{self, Policy};
use mxlab_mail::authres::{CompAuth, CompAuthResult, DmarcResult};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};

use crate::config::{AuthFailAction, RecipientTenant};

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

/// The disposition of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is delivered.
    Deliver(Folder),
    /// It is refused with this reply.
    Reject(Reply),
}

/// How a message fails authentication: the columns of the table of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    /// Composite authentication fails, and the owner of the domain asks for nothing.
    Implicitly,
    /// DMARC fails, and the owner asks for quarantine.
    ForQuarantine,
    /// DMARC fails, and the owner asks for rejection.
    ForReject,
}

/// What a tenant's settings have done with a message that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Nothing uses the failure: the message goes to the inbox.
    None,
    /// What `AuthenticationFailAction` says.
    AsSet,
    /// The default of `DmarcQuarantineAction`, which a tenant cannot change yet.
    Quarantine,
    /// The default of `DmarcRejectAction`, which a tenant cannot change yet.
    Reject,
}

/// One row of the table of actions.
struct Row {
    implicitly: Action,
    for_quarantine: Action,
    for_reject: Action,
}

/// What becomes of a message that fails authentication. These are the rows of `exchange.md` §2.5 for tenants that honour the
/// policy of a DMARC record; others are not supported yet. A record with `p=none` asks for nothing, so its messages fail
/// implicitly or not at all.
const fn row(spoof_intelligence: bool) -> Row {
    use Action::{AsSet, None, Quarantine, Reject};
    match spoof_intelligence {
        true => Row { implicitly: AsSet, for_quarantine: Quarantine, for_reject: Reject },
        false => Row { implicitly: None, for_quarantine: Quarantine, for_reject: Reject },
    }
}

/// What Exchange Online does with a message that DMARC and the composite verdict say this of.
pub fn exchange(tenant: &RecipientTenant, dmarc: &dmarc::Evaluation, compauth: CompAuth) -> Disposition {
    let Some(failing) = failing(dmarc, compauth) else { return Disposition::Deliver(Folder::Inbox) };
    let row = row(tenant.spoof_intelligence);
    let action = match failing {
        Failing::Implicitly => row.implicitly,
        Failing::ForQuarantine => row.for_quarantine,
        Failing::ForReject => row.for_reject,
    };
    match action {
        Action::None => Disposition::Deliver(Folder::Inbox),
        Action::AsSet => Disposition::Deliver(match tenant.auth_fail_action {
            AuthFailAction::MoveToJmf => Folder::Junk,
            AuthFailAction::Quarantine => Folder::Quarantine,
        }),
        Action::Quarantine => Disposition::Deliver(Folder::Quarantine),
        Action::Reject => Disposition::Reject(rejection(&dmarc.author)),
    }
}

/// How the message fails; none if it does not. What counts is the policy that is applied, after `pct=` and `t=`.
fn failing(dmarc: &dmarc::Evaluation, compauth: CompAuth) -> Option<Failing> {
    let asked = dmarc.request.filter(|_| dmarc.result == DmarcResult::Fail).map(|request| request.applied);
    match compauth.result {
        CompAuthResult::Pass | CompAuthResult::SoftPass | CompAuthResult::None => None,
        CompAuthResult::Fail => Some(match asked {
            Some(Policy::Reject) => Failing::ForReject,
            Some(Policy::Quarantine) => Failing::ForQuarantine,
            Some(Policy::None) | None => Failing::Implicitly,
        }),
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

#[cfg(test)]
mod tests {
    use mxlab_auth::dmarc::{Discovery, Evaluation, Existence, Request, Rules, Tag};
    use mxlab_mail::authres::{DmarcAction, Reason};

    use super::*;

    /// What becomes of a message with this result of composite authentication, when the owner of the domain asks for this
    /// policy (or has no record), for a tenant with these settings.
    #[track_caller]
    fn check(compauth: CompAuthResult, asked: Option<Policy>, (spoof, action): (bool, AuthFailAction), expected: &str) {
        let mut tenant = RecipientTenant::new("fabrikam", vec!["fabrikam.example".into()]);
        (tenant.spoof_intelligence, tenant.auth_fail_action) = (spoof, action);
        let request =
            |policy| Request { tag: Tag::Domain, requested: policy, applied: policy, sample: None, testing: false };
        let dmarc = Evaluation {
            rules: Rules::Rfc7489,
            result: if asked.is_some() { DmarcResult::Fail } else { DmarcResult::None },
            action: DmarcAction::None,
            author: "contoso.example".to_owned(),
            discovery: Discovery::Nothing,
            steps: Vec::new(),
            existence: Existence::NotAsked,
            alignments: Vec::new(),
            request: asked.map(request),
            authors: Vec::new(),
            lookups: Vec::new(),
        };
        let compauth = CompAuth { result: compauth, reason: Reason::new(1) };
        let disposition = match exchange(&tenant, &dmarc, compauth) {
            Disposition::Deliver(folder) => folder.word(),
            Disposition::Reject(_) => "refused",
        };
        assert_eq!(disposition, expected);
    }

    #[test]
    fn what_becomes_of_a_message() {
        use AuthFailAction::{MoveToJmf, Quarantine};
        use CompAuthResult::Fail;
        for asked in [None, Some(Policy::None)] {
            check(Fail, asked, (true, MoveToJmf), "junk");
            check(Fail, asked, (true, Quarantine), "quarantine");
            check(Fail, asked, (false, Quarantine), "inbox");
        }
        for settings in [(true, MoveToJmf), (true, Quarantine), (false, MoveToJmf)] {
            check(Fail, Some(Policy::Quarantine), settings, "quarantine");
            check(Fail, Some(Policy::Reject), settings, "refused");
            for result in [CompAuthResult::Pass, CompAuthResult::SoftPass, CompAuthResult::None] {
                check(result, Some(Policy::Reject), settings, "inbox");
                check(result, None, settings, "inbox");
            }
        }
    }

    #[test]
    fn the_refusal_names_the_domain_in_capitals() {
        assert_eq!(
            rejection("contoso.example").to_string(),
            "550 5.7.509 Access denied, sending domain [CONTOSO.EXAMPLE] does not pass DMARC verification and has a DMARC policy of reject."
        );
    }
}
