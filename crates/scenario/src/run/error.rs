//! Why a run cannot continue.

use mxlab_auth::dkim::SignError;
use mxlab_dns::Name;
use mxlab_language::faults::FaultKind;
use mxlab_world::internet::{FaultError, InternetError};
use mxlab_world::pki::PkiError;

/// Why a world could not be built although its file is valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Internet(#[from] InternetError),
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error("the network: {0}")]
    Network(#[from] std::io::Error),
    #[error("`{0}` is not a domain name")]
    Name(String),
    #[error("`{0}` is not an SMTP reply")]
    Reply(String),
    #[error("the key `{0}` cannot be made")]
    Key(String),
    #[error("the key `{0}` does not sign: {1}")]
    Signer(String, SignError),
    #[error("there is no certificate `{0}`")]
    NoCertificate(String),
    #[error("there is no certification authority `{0}`")]
    NoAuthority(String),
    #[error("the {0} does not start: {1}")]
    Engine(&'static str, std::io::Error),
    #[error("{0} cannot be done yet")]
    NotYet(String),
    #[error("the fault `{0}` lacks a field")]
    Incomplete(FaultKind),
    #[error("host `{0}` has no address")]
    NoAddress(String),
}

/// A name in the file as a DNS name.
pub(crate) fn name(text: &str) -> Result<Name, LabError> {
    text.parse().map_err(|_| LabError::Name(text.to_owned()))
}
