//! Lists of tags: `v=1; a=rsa-sha256; d=contoso.example` (RFC 6376 §3.2).
//!
//! `DKIM-Signature`, `ARC-Message-Signature` and `ARC-Seal` have this form. [`TagList`] is the grammar and no more: names
//! with values, in the order in which they stand. What the tags mean is the matter of whoever verifies.
//!
//! Blanks around names and values mean nothing. Writing sets one behind each semicolon and keeps those inside values,
//! which a signer's `b=` may have after folding.

use std::fmt;
use std::str::FromStr;

/// The longest list that is read, in octets.
pub const MAX_LENGTH: usize = 64 * 1024;
/// The most tags that are read.
pub const MAX_TAGS: usize = 256;

/// Why a text is no list of tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagListError {
    /// Longer than [`MAX_LENGTH`], or more than [`MAX_TAGS`] tags.
    #[error("tag list too long")]
    TooLong,
    /// A tag is no name, `=` and value: the list is empty, a tag between two semicolons is, or a name is not a letter with
    /// letters, digits and underscores behind it.
    #[error("bad tag {0:?}")]
    Tag(String),
    /// A value holds a semicolon, a control character or other than ASCII, or begins or ends with a blank.
    #[error("bad value of tag {0}")]
    Value(String),
    /// A name stands twice; case matters.
    #[error("tag {0} twice")]
    Twice(String),
}

/// A list of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagList {
    tags: Vec<(String, String)>,
    closed: bool,
}

impl TagList {
    /// A list of these names and values, with a semicolon at the end if `closed`.
    ///
    /// # Errors
    /// When the list does not fit the grammar.
    pub fn new(tags: Vec<(String, String)>, closed: bool) -> Result<TagList, TagListError> {
        if tags.len() > MAX_TAGS {
            return Err(TagListError::TooLong);
        }
        if tags.is_empty() {
            return Err(TagListError::Tag(String::new()));
        }
        for (index, (name, value)) in tags.iter().enumerate() {
            let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !letter || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(TagListError::Tag(name.clone()));
            }
            let fits = |c: char| c != ';' && (c.is_ascii_graphic() || matches!(c, ' ' | '\t'));
            if !value.chars().all(fits) || value.trim_matches([' ', '\t']) != value {
                return Err(TagListError::Value(name.clone()));
            }
            if tags.iter().take(index).any(|(before, _)| before == name) {
                return Err(TagListError::Twice(name.clone()));
            }
        }
        Ok(TagList { tags, closed })
    }

    /// Names and values in order.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The value of the tag `name`; case matters.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str())
    }

    /// Whether a semicolon ends the list.
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

impl fmt::Display for TagList {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.tags.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { "" } else { "; " })?;
        }
        f.write_str(if self.closed { ";" } else { "" })
    }
}

impl FromStr for TagList {
    type Err = TagListError;

    /// Reads an unfolded list.
    fn from_str(text: &str) -> Result<TagList, TagListError> {
        if text.len() > MAX_LENGTH {
            return Err(TagListError::TooLong);
        }
        let blank_free = |text: &str| text.trim_matches([' ', '\t']).to_owned();
        let mut specs: Vec<&str> = text.split(';').take(MAX_TAGS + 2).collect();
        let closed = specs.len() > 1 && specs.last().is_some_and(|last| blank_free(last).is_empty());
        if closed {
            specs.pop();
        }
        let mut tags = Vec::new();
        for spec in specs {
            let (name, value) = spec.split_once('=').ok_or_else(|| TagListError::Tag(blank_free(spec)))?;
            tags.push((blank_free(name), blank_free(value)));
        }
        TagList::new(tags, closed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let outcome = text.parse::<TagList>().map(|list| list.to_string()).map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn reading_and_writing() {
        check("v=1; a=rsa-sha256", Ok("v=1; a=rsa-sha256"));
        check("v=1;a=rsa-sha256;", Ok("v=1; a=rsa-sha256;"));
        check(" v = 1 ;\ta\t=b c= ; ", Ok("v=1; a=b c=;"));
        check("b=", Ok("b="));
        check("b=a\tb  c", Ok("b=a\tb  c"));
        check("a_1=x; A_1=y", Ok("a_1=x; A_1=y"));
        check("", Err("bad tag \"\""));
        check(";", Err("bad tag \"\""));
        check("v=1;;a=b", Err("bad tag \"\""));
        check("v=1;a", Err("bad tag \"a\""));
        check("1v=1", Err("bad tag \"1v\""));
        check("_v=1", Err("bad tag \"_v\""));
        check("a-b=1", Err("bad tag \"a-b\""));
        check("a b=1", Err("bad tag \"a b\""));
        check("=1", Err("bad tag \"\""));
        check("v=ż", Err("bad value of tag v"));
        check("v=\u{7f}", Err("bad value of tag v"));
        check("v=1; a=x; v=1", Err("tag v twice"));
    }

    #[test]
    fn access() {
        let list: TagList = "i=1; B=x;".parse().expect("a list");
        assert_eq!((list.get("i"), list.get("B"), list.get("b"), list.is_closed()), (Some("1"), Some("x"), None, true));
        assert_eq!(list.tags().len(), 2);
        let one = |name: &str, value: &str| TagList::new(vec![(name.into(), value.into())], false);
        assert_eq!(one("a", "b;c"), Err(TagListError::Value("a".into())));
        assert_eq!(one("a", " b"), Err(TagListError::Value("a".into())));
        assert_eq!(TagList::new(Vec::new(), false), Err(TagListError::Tag(String::new())));
    }

    #[test]
    fn limits() {
        let tags = |count: usize| (0..count).map(|index| format!("t{index}=")).collect::<Vec<_>>().join(";");
        check(&tags(MAX_TAGS + 1), Err("tag list too long"));
        assert_eq!(tags(MAX_TAGS).parse::<TagList>().map(|list| list.tags().len()), Ok(MAX_TAGS));
        check(&format!("b={}", "x".repeat(MAX_LENGTH)), Err("tag list too long"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(text in "[a-z=; \t]{0,40}") {
            if let Ok(list) = text.parse::<TagList>() {
                prop_assert_eq!(list.to_string().parse(), Ok(list));
            }
        }
    }
}
