//! What the engine needs but does not have yet.

/// What a verdict would need that this engine does not have. The caller must report it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not supported yet: {what}")]
pub struct NotSupportedYet {
    /// What is missing: `the composite reason for spf=fail, dmarc=none`.
    pub what: String,
}

impl NotSupportedYet {
    /// `what` names the part and where it was met.
    pub fn new(what: impl Into<String>) -> NotSupportedYet {
        NotSupportedYet { what: what.into() }
    }
}
