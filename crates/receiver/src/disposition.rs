//! From the verdict and a tenant's settings to a folder.

use std::fmt;

use mxlab_mail::authres::{CompAuth, CompAuthResult};

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

/// The folder for a message with this verdict. A message that was not judged goes to the inbox; so does an implicit failure
/// with spoof intelligence off, as that setting is what uses it.
pub fn folder(tenant: &Tenant, compauth: Option<CompAuth>) -> Folder {
    match compauth.map(|compauth| compauth.result) {
        Some(CompAuthResult::Fail) if tenant.spoof_intelligence => match tenant.auth_fail_action {
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
        let verdict = |result| Some(CompAuth { result, reason: Reason::new(1) });
        let fail = verdict(CompAuthResult::Fail);
        assert_eq!(folder(&tenant, None), Folder::Inbox);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::Pass)), Folder::Inbox);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::SoftPass)), Folder::Inbox);
        assert_eq!(folder(&tenant, verdict(CompAuthResult::None)), Folder::Inbox);
        assert_eq!(folder(&tenant, fail), Folder::Junk);
        tenant.auth_fail_action = AuthFailAction::Quarantine;
        assert_eq!(folder(&tenant, fail), Folder::Quarantine);
        tenant.spoof_intelligence = false;
        assert_eq!(folder(&tenant, fail), Folder::Inbox);
    }
}
