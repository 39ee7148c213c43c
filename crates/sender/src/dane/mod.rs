//! DANE for SMTP (RFC 6698, 7671, 7672): whether a TLS session proves that the host is the one that DNS promised.
//!
//! A domain that is signed with DNSSEC can say in TLSA records which certificate its mail host presents. The sender asks for
//! them only where DNSSEC vouches for the way to the host, and then sends nothing before the certificate has matched.
//!
//! The steps, each a pure function here:
//!
//! 1. [`classify`]: each record is usable, or unusable for a reason. Usages 0 and 1 are unusable by definition (RFC 7672
//!    §3.1.3), so is whatever is malformed or unknown.
//! 2. [`Demand::of_records`](crate::demand::Demand::of_records): no record: no DANE. All unusable: TLS is mandatory and not
//!    authenticated (RFC 7672 §2.2). Otherwise the usable ones authenticate, the others are ignored.
//! 3. [`decide`](crate::demand::decide): what the session is worth. One match suffices. Of several digests for one usage and
//!    selector the strongest counts alone ([`strongest`], RFC 7671 §9).
//!
//! RFC 7671 §5.1 ignores names and dates of a certificate that a usage-3 record names. Exchange Online documents an expired
//! certificate as a failure of its own, and a start date in the future as `tlsa-invalid`; [`Profile`](crate::Profile) chooses.
//!
//! Usage 2 is recognized and not evaluated yet: [`TlsVerdict::NotSupportedYet`](crate::demand::TlsVerdict::NotSupportedYet) says so instead of passing for a mismatch.

mod record;

pub use mxlab_smtp::tls::CertificateFacts;

pub use self::record::{Classified, Matching, Selector, Tlsa, Unusable, Usage, classify, strongest};

/// How many usable TLSA records of one RRset are compared; more are ignored. Unusable ones do not count: they must not push
/// aside a usable one, or somebody's heap of junk would turn authentication off. DNS bounds their number.
pub const MOST_RECORDS: usize = 64;

pub use mxlab_mail::settings::DaneMode;

#[cfg(test)]
mod tests;
