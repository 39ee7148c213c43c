//! The fields of authentication as Exchange Online writes them.
//!
//! Microsoft's `Authentication-Results` has no authserv-id and begins with the first result. Its clauses come in a fixed
//! order with fixed separators:
//!
//! ```text
//! spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=bestguesspass action=none header.from=contoso.example;compauth=pass reason=109
//! ```
//!
//! `; ` follows the SPF clause and separates DKIM clauses; `;` without a blank follows the last DKIM clause and the
//! DMARC clause. Without a composite result the value ends with that `;`. Mail submitted inside an organization has no
//! SPF clause. [`AuthenticationResults`] is what a receiver found, and writes exactly this layout. Until 2021 the
//! recipient's domain was between the clauses, documents print other blanks, and the next server finds the value in a
//! renamed field, whole or in part: [`LaidOut`] is a value in any of these layouts.
//!
//! | field | type |
//! |---|---|
//! | `Authentication-Results`, `X-MS-Exchange-Authentication-Results`, `Authentication-Results-Original` | [`LaidOut`] |
//! | `ARC-Authentication-Results` | [`ArcAuthenticationResults`] |
//! | `Received-SPF` | [`ReceivedSpf`] |
//! | `X-Forefront-Antispam-Report`, `X-Microsoft-Antispam`, `X-Microsoft-Antispam-Mailbox-Delivery` | [`AntispamReport`] |
//! | `X-MS-Exchange-Organization-…` | [`organization`] |

use std::fmt;
use std::str::FromStr;

pub mod antispam;
pub mod arc;
mod clause;
mod layout;
pub mod organization;
pub mod received_spf;

pub use antispam::AntispamReport;
pub use arc::ArcAuthenticationResults;
pub use clause::{AuthResError, CompAuth, DkimClause, DmarcClause, Reason, SpfClause, SpfIdentity};
pub(super) use layout::begins_with_method;
pub use layout::{Behind, Clause, LaidOut};
pub use received_spf::ReceivedSpf;

/// What a receiver found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Missing for mail submitted inside the organization.
    pub spf: Option<SpfClause>,
    /// One for each signature; one that says so when there is none.
    pub dkim: Vec<DkimClause>,
    /// The DMARC clause.
    pub dmarc: DmarcClause,
    /// Missing when composite authentication was not run.
    pub compauth: Option<CompAuth>,
}

impl AuthenticationResults {
    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("Authentication-Results", &self.to_string())
    }
}

impl fmt::Display for AuthenticationResults {
    /// The unfolded value in the current layout.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LaidOut::current(self).fmt(f)
    }
}

impl FromStr for AuthenticationResults {
    type Err = AuthResError;

    /// Reads an unfolded value in any layout that has a DKIM and a DMARC clause.
    fn from_str(value: &str) -> Result<AuthenticationResults, AuthResError> {
        value.parse::<LaidOut>()?.results()
    }
}

#[cfg(test)]
mod tests;
