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

/// A host's name as the part after the `@` of the identifiers that it makes.
///
/// Whether the name can be that is checked once, so that making an identifier cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageIdHost(String);

/// The longest left part that [`MessageIdHost::identifier`] writes: 128 bits in hexadecimal.
const LEFT_LENGTH: usize = 32;

impl MessageIdHost {
    /// The host called `name`.
    ///
    /// # Errors
    /// When an identifier cannot end in this name.
    pub fn new(name: impl Into<String>) -> Result<MessageIdHost, MessageIdError> {
        let name = name.into();
        if name.is_empty() {
            return Err(MessageIdError::Content);
        }
        MessageId::new(format!("{}@{name}", "0".repeat(LEFT_LENGTH)))?;
        Ok(MessageIdHost(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier with this number before the `@`, in hexadecimal.
    pub fn identifier(&self, number: u128) -> MessageId {
        MessageId(format!("{number:0LEFT_LENGTH$x}@{}", self.0))
    }
}

impl fmt::Display for MessageIdHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

    /// Whatever the number is, the identifier of a host that was accepted is one.
    #[test]
    fn identifiers_of_a_host() {
        let longest = "a".repeat(MAX_LENGTH - LEFT_LENGTH - 1);
        for name in ["mx.fabrikam.example", longest.as_str()] {
            let host = MessageIdHost::new(name).expect("a name");
            for number in [0, 1, u128::MAX] {
                let id = host.identifier(number);
                assert_eq!(MessageId::new(id.as_str()), Ok(id.clone()));
                assert!(id.as_str().ends_with(&format!("@{name}")));
            }
        }
        let refused =
            [("", MessageIdError::Content), ("a b", MessageIdError::Content), ("a>", MessageIdError::Content)];
        for (name, error) in refused {
            assert_eq!(MessageIdHost::new(name), Err(error), "{name:?}");
        }
        assert_eq!(MessageIdHost::new(format!("{longest}a")), Err(MessageIdError::TooLong));
    }

    #[test]
    fn lists() {
        let ids = MessageId::parse_list("<a@b>\r\n <c@d> junk <> <e");
        assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["a@b", "c@d"]);
    }
}
