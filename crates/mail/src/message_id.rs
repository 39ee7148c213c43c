//! Message identifiers (RFC 5322 §3.6.4).
//!
//! A [`MessageId`] is kept without its angle brackets, the form in which the record names messages.

use std::fmt;
use std::str::FromStr;

/// The longest identifier that is read: what fits into a line of a message with its brackets (RFC 5322 §2.1.1).
pub const MAX_LENGTH: usize = 996;

/// Why a text is not a message identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageIdError {
    /// There is no `<` with a `>` after it.
    #[error("message id not in angle brackets")]
    Brackets,
    /// The brackets are empty, or contain a blank, a bracket or a control character.
    #[error("message id empty or with blanks")]
    Content,
    /// Longer than [`MAX_LENGTH`].
    #[error("message id too long")]
    TooLong,
}

/// An identifier without its angle brackets: `x@contoso.example`.
///
/// An `@` is not required: identifiers without one are common, and replies must be able to name them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

impl MessageId {
    /// An identifier from the text between the brackets.
    ///
    /// # Errors
    /// When it is empty or holds blanks, brackets or control characters.
    pub fn new(content: impl Into<String>) -> Result<MessageId, MessageIdError> {
        let content = content.into();
        if content.len() > MAX_LENGTH {
            return Err(MessageIdError::TooLong);
        }
        let forbidden =
            |character: char| character.is_whitespace() || character.is_control() || "<>".contains(character);
        if content.is_empty() || content.contains(forbidden) {
            return Err(MessageIdError::Content);
        }
        Ok(MessageId(content))
    }

    /// The identifier without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All identifiers of a `References` or `In-Reply-To` field; other text is skipped.
    pub fn parse_list(value: &str) -> Vec<MessageId> {
        value.split('<').skip(1).filter_map(|part| MessageId::new(part.split_once('>')?.0).ok()).take(1_000).collect()
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    /// Reads the first `<…>` of a field's value.
    fn from_str(value: &str) -> Result<MessageId, MessageIdError> {
        let (_, rest) = value.split_once('<').ok_or(MessageIdError::Brackets)?;
        let (content, _) = rest.split_once('>').ok_or(MessageIdError::Brackets)?;
        MessageId::new(content)
    }
}

impl fmt::Display for MessageId {
    /// With angle brackets, as in a header field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Result<&str, MessageIdError>) {
        let parsed = value.parse::<MessageId>();
        assert_eq!(parsed.as_ref().map(MessageId::as_str).map_err(|error| *error), expected, "{value:?}");
    }

    #[test]
    fn identifiers() {
        check("<x@contoso.example>", Ok("x@contoso.example"));
        check("  <x> (a comment)", Ok("x"));
        check("x@contoso.example", Err(MessageIdError::Brackets));
        check("<>", Err(MessageIdError::Content));
        check("<a b@c>", Err(MessageIdError::Content));
        check(&format!("<{}>", "a".repeat(1000)), Err(MessageIdError::TooLong));
    }

    #[test]
    fn lists() {
        let ids = MessageId::parse_list("<a@b>\r\n <c@d> junk <> <e");
        assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["a@b", "c@d"]);
    }
}
