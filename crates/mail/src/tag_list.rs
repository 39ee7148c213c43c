//! Tag lists (RFC 6376 §3.2): `name=value` pairs with semicolons between them.
//!
//! DKIM uses them in the signature field and in the key record, ARC in its message signatures and seals. A DMARC record
//! looks like one and follows the same rule (RFC 7489 §6.3), but is read differently: there a broken tag is ignored,
//! while here it makes the list invalid, and there names are compared without regard to case. So
//! `mxlab_auth::dmarc::record` has a reader of its own.
//!
//! ```text
//! tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
//! tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//! ```
//!
//! A name is a letter, then letters, digits and underscores. Names are case-sensitive, and so are values unless their
//! tag says otherwise. A name that occurs twice makes the whole list invalid. Tags that the caller does not know are
//! for the caller to ignore.
//!
//! Beyond the grammar, this reader does the following: blanks after the last semicolon are allowed, since a field that
//! is folded there has them; a bare LF folds like CRLF, as in [`crate::Message`]; several folds in a row count as one;
//! values may hold UTF-8 beyond US-ASCII (RFC 8616). Other control characters are an error.

use std::ops::Range;

/// The longest list that is read, in octets.
pub const MAX_LENGTH: usize = 16 * 1024;
/// The most tags that are read.
pub const MAX_TAGS: usize = 64;

/// Why a tag list is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagListError {
    /// Longer than [`MAX_LENGTH`].
    #[error("the tag list is longer than {MAX_LENGTH} octets")]
    TooLong,
    /// More tags than [`MAX_TAGS`].
    #[error("the tag list has more than {MAX_TAGS} tags")]
    TooManyTags,
    /// An octet that is neither text nor part of a fold.
    #[error("octet {octet:#04x} at offset {offset} of the tag list")]
    Octet {
        /// The octet.
        octet: u8,
        /// Where it stands.
        offset: usize,
    },
    /// There is nothing between two semicolons, or nothing at all.
    #[error("the tag list has an empty tag")]
    EmptyTag,
    /// A tag without an equals sign.
    #[error("{tag:?} has no =")]
    NoEquals {
        /// The tag, cut short if it is long.
        tag: String,
    },
    /// The name is not one.
    #[error("{name:?} is not a tag name")]
    Name {
        /// The text before the equals sign, cut short if it is long.
        name: String,
    },
    /// A name occurs twice.
    #[error("{name}= twice")]
    Twice {
        /// The name.
        name: String,
    },
}

/// A tag, as views into the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    name: &'a str,
    value: &'a str,
    span: Range<usize>,
}

impl<'a> Tag<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value without blanks at its ends; those inside are kept as written, folds included.
    pub fn value(&self) -> &'a str {
        self.value
    }

    /// The range of the value in the octets that were read: all between the equals sign and the next semicolon or the
    /// end of the octets, blanks included. A signature is made over the list without this range (RFC 6376 §3.7).
    pub fn value_span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// A valid tag list, in the order in which it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagList<'a>(Vec<Tag<'a>>);

impl<'a> TagList<'a> {
    /// Reads a list: the value of a field with its folds and its final line end, or the text of a record.
    ///
    /// # Errors
    /// When it is not one, or a limit of this module is exceeded.
    pub fn parse(octets: &'a [u8]) -> Result<TagList<'a>, TagListError> {
        if octets.len() > MAX_LENGTH {
            return Err(TagListError::TooLong);
        }
        let text = text(octets)?;
        // Most lists have no more tags than this.
        let mut tags: Vec<Tag<'a>> = Vec::with_capacity(12);
        let mut start = 0;
        let mut specs = text.split(';').peekable();
        while let Some(spec) = specs.next() {
            let end = start + spec.len();
            if trimmed(spec).is_empty() {
                // The semicolon at the end of the list.
                if start > 0 && specs.peek().is_none() {
                    break;
                }
                return Err(TagListError::EmptyTag);
            }
            if tags.len() == MAX_TAGS {
                return Err(TagListError::TooManyTags);
            }
            let tag = tag(spec, start..end)?;
            if tags.iter().any(|other| other.name == tag.name) {
                return Err(TagListError::Twice { name: tag.name.to_owned() });
            }
            tags.push(tag);
            start = end + 1;
        }
        Ok(TagList(tags))
    }

    /// The tags in order.
    pub fn tags(&self) -> &[Tag<'a>] {
        &self.0
    }

    /// The tag called `name`.
    pub fn tag(&self, name: &str) -> Option<&Tag<'a>> {
        self.0.iter().find(|tag| tag.name == name)
    }

    /// The value of the tag called `name`, without blanks at its ends.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.tag(name).map(Tag::value)
    }
}

/// A part of a list between semicolons; `span` says where it is.
fn tag(spec: &str, span: Range<usize>) -> Result<Tag<'_>, TagListError> {
    let Some((name, value)) = spec.split_once('=') else {
        return Err(TagListError::NoEquals { tag: shortened(trimmed(spec)) });
    };
    let behind_equals = span.start + name.len() + 1;
    let name = trimmed(name);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_') {
        return Err(TagListError::Name { name: shortened(name) });
    }
    Ok(Tag { name, value: trimmed(value), span: behind_equals..span.end })
}

/// The octets as text in which each control character is part of a fold or of the final line end.
fn text(octets: &[u8]) -> Result<&str, TagListError> {
    let wrong = |offset: usize| TagListError::Octet { octet: octets.get(offset).copied().unwrap_or_default(), offset };
    let text = std::str::from_utf8(octets).map_err(|error| wrong(error.valid_up_to()))?;
    let body = text.trim_end_matches(BLANKS).len();
    let is_control = |(_, octet): &(usize, u8)| octet.is_ascii_control();
    for (offset, octet) in text.get(..body).unwrap_or_default().bytes().enumerate().filter(is_control) {
        let next = octets.get(offset + 1);
        let allowed = match octet {
            b'\t' => true,
            b'\r' => next == Some(&b'\n'),
            b'\n' => matches!(next, Some(b' ' | b'\t')),
            _ => false,
        };
        if !allowed {
            return Err(wrong(offset));
        }
    }
    Ok(text)
}

/// What folding white space is made of.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The text without folding white space at its ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

/// The octets of a text without any folding white space, as base64 values are read (RFC 6376 §2.10).
pub fn without_blanks(text: &str) -> Vec<u8> {
    let mut compact = Vec::with_capacity(text.len());
    let is_blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    text.as_bytes().split(is_blank).for_each(|part| compact.extend_from_slice(part));
    compact
}

/// A text for an error message, cut short if it is long.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &[(&str, &str)]) {
        let list = TagList::parse(list.as_bytes()).expect("a list");
        let found: Vec<_> = list.tags().iter().map(|tag| (tag.name(), tag.value())).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_error(list: &[u8], expected: &TagListError) {
        assert_eq!(TagList::parse(list).as_ref(), Err(expected), "{list:?}");
    }

    #[test]
    fn lists() {
        check("v=1", &[("v", "1")]);
        check("v=1;", &[("v", "1")]);
        check("v=1; \r\n", &[("v", "1")]);
        check(" v = 1 ; a\t=\r\n b c ;d=", &[("v", "1"), ("a", "b c"), ("d", "")]);
        check("z=x=y==", &[("z", "x=y==")]);
        check("b=a\r\n\tb\n c", &[("b", "a\r\n\tb\n c")]);
        check("V=1;v=2", &[("V", "1"), ("v", "2")]);
        check("long_name9=1", &[("long_name9", "1")]);
        check("d=straße.example", &[("d", "straße.example")]);
        check("b=a\r\n \r\n c", &[("b", "a\r\n \r\n c")]);
    }

    #[test]
    fn errors() {
        check_error(b"", &TagListError::EmptyTag);
        check_error(b" \r\n", &TagListError::EmptyTag);
        check_error(b";", &TagListError::EmptyTag);
        check_error(b"a=1;;b=2", &TagListError::EmptyTag);
        check_error(b"a=1;;", &TagListError::EmptyTag);
        check_error(b"a=1;b", &TagListError::NoEquals { tag: "b".to_owned() });
        check_error(b"=1", &TagListError::Name { name: String::new() });
        check_error(b"1a=1", &TagListError::Name { name: "1a".to_owned() });
        check_error(b"a b=1", &TagListError::Name { name: "a b".to_owned() });
        check_error(b"a-b=1", &TagListError::Name { name: "a-b".to_owned() });
        check_error(b"a=1;b=2;a=1", &TagListError::Twice { name: "a".to_owned() });
        check_error(b"a=\x00", &TagListError::Octet { octet: 0, offset: 2 });
        check_error(b"a=1\rb", &TagListError::Octet { octet: b'\r', offset: 3 });
        check_error(b"a=1\r\nb=2", &TagListError::Octet { octet: b'\n', offset: 4 });
        check_error(b"a=\xff", &TagListError::Octet { octet: 0xff, offset: 2 });
        check_error(&[b'a'; MAX_LENGTH + 1], &TagListError::TooLong);
        let name = "x".repeat(61);
        check_error(name.as_bytes(), &TagListError::NoEquals { tag: format!("{}…", &name[..60]) });
    }

    #[test]
    fn limits() {
        let list = |tags: usize| (0..tags).map(|number| format!("t{number}=")).collect::<Vec<_>>().join(";");
        assert_eq!(TagList::parse(list(MAX_TAGS).as_bytes()).expect("a list").tags().len(), MAX_TAGS);
        check_error(list(MAX_TAGS + 1).as_bytes(), &TagListError::TooManyTags);
        assert!(TagList::parse(format!("a={}", "x".repeat(MAX_LENGTH - 2)).as_bytes()).is_ok());
    }

    #[test]
    fn spans_hold_the_blanks() {
        let text = "a = 1 ;\r\n b=\t2\r\n ; c=3 \r\n";
        let list = TagList::parse(text.as_bytes()).expect("a list");
        let span = |name: &str| &text[list.tag(name).expect("it is there").value_span()];
        assert_eq!((span("a"), span("b"), span("c")), (" 1 ", "\t2\r\n ", "3 \r\n"));
    }

    proptest! {
        /// Everything read is within the input, and written out plainly it reads the same.
        #[test]
        fn read_again(octets in "[a-c_1=; \\t\\r\\nä\\x00]{0,40}") {
            if let Ok(list) = TagList::parse(octets.as_bytes()) {
                let plain: Vec<String> = list.tags().iter().map(|tag| format!("{}={}", tag.name(), tag.value())).collect();
                let plain = plain.join(";");
                let again = TagList::parse(plain.as_bytes()).expect("it was a list");
                let pairs = |list: &TagList<'_>| -> Vec<(String, String)> {
                    list.tags().iter().map(|tag| (tag.name().to_owned(), tag.value().to_owned())).collect()
                };
                prop_assert_eq!(pairs(&again), pairs(&list));
                for tag in list.tags() {
                    prop_assert_eq!(trimmed(octets.get(tag.value_span()).expect("within")), tag.value());
                }
            }
        }
    }
}
