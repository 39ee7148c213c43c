//! What the engine would have to know, and does not know yet.

/// What a verdict would need that this engine does not have. Whoever gets it must say so loudly.
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
