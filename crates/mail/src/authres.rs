//! What servers write into a message about its authentication.
//!
//! The standard field is `Authentication-Results` (RFC 8601). Microsoft writes fields of that name, and others, in
//! layouts of its own: they begin with a result where the standard has the name of the server.
//!
//! | module | holds |
//! |---|---|
//! | [`rfc8601`] | the standard's value, and the one of ARC (RFC 8617) around it |
//! | [`microsoft`] | the same fields as Exchange Online writes them, and the fields beside them |
//!
//! [`Field`] and [`ArcField`] read either. Every type here reads (`FromStr`) and writes (`Display`) the unfolded value
//! of a field. None keeps a copy of the text: where blanks, separators and final semicolons differ, the type says how.

use std::fmt;
use std::str::FromStr;

pub mod microsoft;
pub mod rfc8601;
mod words;

pub use microsoft::{
    AuthResError, AuthenticationResults, CompAuth, DkimClause, DmarcClause, LaidOut, Reason, ReceivedSpf, SpfClause,
    SpfIdentity,
};
pub use words::{CompAuthResult, DkimResult, DmarcAction, DmarcResult, SpfResult};

/// The longest value that is read, in octets.
pub const MAX_LENGTH: usize = 16 * 1024;
/// The most clauses that are read.
pub const MAX_CLAUSES: usize = 64;

/// The value of `Authentication-Results` or `Authentication-Results-Original`, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// In the standard's form.
    Standard(rfc8601::Payload),
    /// In Microsoft's form.
    Microsoft(LaidOut),
}

/// Why a value cannot be read either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is not a value of the standard.
    #[error(transparent)]
    Standard(#[from] rfc8601::ParseError),
    /// It begins like a value of Microsoft's, but is not one.
    #[error(transparent)]
    Microsoft(#[from] AuthResError),
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(value: &str) -> Result<Field, FieldError> {
        // A quoted authserv-id can hold anything, a bare one cannot hold `=`: so a method before `=` is not an
        // authserv-id.
        if microsoft::begins_with_method(value) {
            return Ok(Field::Microsoft(value.parse()?));
        }
        Ok(Field::Standard(value.parse()?))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Standard(payload) => payload.fmt(f),
            Field::Microsoft(laid_out) => laid_out.fmt(f),
        }
    }
}

/// The value of `ARC-Authentication-Results`, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArcField {
    /// In the standard's form.
    Standard(rfc8601::ArcInfo),
    /// In Microsoft's form.
    Microsoft(microsoft::ArcAuthenticationResults),
}

impl FromStr for ArcField {
    type Err = FieldError;

    fn from_str(value: &str) -> Result<ArcField, FieldError> {
        // No value of Microsoft's is valid by the standard: each has `action=`, which is not a property there.
        match value.parse() {
            Ok(info) => Ok(ArcField::Standard(info)),
            Err(_) if microsoft::arc::is_from_microsoft(value) => Ok(ArcField::Microsoft(value.parse()?)),
            Err(error) => Err(FieldError::Standard(error)),
        }
    }
}

impl fmt::Display for ArcField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArcField::Standard(info) => info.fmt(f),
            ArcField::Microsoft(results) => results.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose form a value has, or why it has neither.
    #[track_caller]
    fn check(value: &str, expected: &str) {
        let whose = match value.parse() {
            Ok(Field::Standard(_)) => "standard".to_owned(),
            Ok(Field::Microsoft(_)) => "Microsoft".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(whose, expected, "{value}");
    }

    #[test]
    fn whose_a_value_is() {
        check("mx.contoso.example; spf=pass smtp.mailfrom=a.example", "standard");
        check("\"spf=pass\"; none", "standard");
        check("spf=none (sender IP is ) smtp.mailfrom=<>; ", "Microsoft");
        check(" dkim=temperror header.d=a.example", "Microsoft");
        check("spf=none; none", "no comment in clause \"spf=none\"");
        check("arc=none; none", "expected a version or ; at octet 3");
    }

    #[track_caller]
    fn check_arc(value: &str, expected: &str) {
        let whose = match value.parse() {
            Ok(ArcField::Standard(_)) => "standard".to_owned(),
            Ok(ArcField::Microsoft(_)) => "Microsoft".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(whose, expected, "{value}");
    }

    #[test]
    fn whose_a_value_of_a_chain_is() {
        check_arc("i=1; mx.contoso.example; none", "standard");
        check_arc("i=1; mx.microsoft.com 1; arc=none (0)", "standard");
        check_arc("i=1; \"mx.microsoft.com\" 1; spf=fail x.y=z", "standard");
        let rest = "spf=none; dmarc=none action=none header.from=a; dkim=none (message not signed); arc=none";
        check_arc(&format!("i=1; mx.microsoft.com 1; {rest}"), "Microsoft");
        check_arc(&format!("i=1; mx.microsoft.com \t1;{rest}"), "Microsoft");
        check_arc(&format!("i=1; mx.contoso.example; {rest}"), "expected . at octet 52");
        check_arc("i=1; mx.microsoft.com 1; spf=fail; x y", "no comment in clause \"spf=fail\"");
        check_arc("", "expected i= at octet 0");
    }
}
