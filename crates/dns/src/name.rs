//! Domain names (RFC 1034 §3.1, RFC 1035 §3.1, RFC 4343).
//!
//! A name is a sequence of labels of 1 to 63 octets, and at most 255 octets on the wire with its length octets and the
//! final empty label, the root. It keeps the case in which it was written, and compares without regard to the case of
//! ASCII letters (RFC 4343 §3). The order of names is the canonical one of RFC 4034 §6.1: label by label from the root
//! down, so that all names of a zone are adjacent, and everything below a name follows it directly.
//!
//! Labels may hold any octet. In text, `.` and `\` inside a label are escaped with `\`, and octets that do not print as
//! `\DDD`, three decimal digits (RFC 1035 §5.1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// The most octets that a name has on the wire (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 255;
/// The most octets that a label has (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;
/// The most labels that fit into a name: 127 of one octet each.
const MAX_LABELS: usize = 127;

/// A fully qualified domain name in wire form.
///
/// Clones and [`parent`](Name::parent) share one allocation.
#[derive(Clone)]
pub struct Name {
    /// Uncompressed wire form, the root's empty label included.
    wire: Arc<[u8]>,
    /// Where this name begins in `wire`, at the length octet of a label.
    start: u8,
}

/// Why octets or text are not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Two dots in a row, a dot at the beginning, or no text at all.
    #[error("empty label")]
    EmptyLabel,
    /// A label has more than 63 octets.
    #[error("label of more than 63 octets")]
    LabelTooLong,
    /// The name has more than 255 octets.
    #[error("name of more than 255 octets")]
    NameTooLong,
    /// `\` at the end, or followed by digits that are not an octet.
    #[error("bad escape")]
    BadEscape,
    /// A character outside ASCII: internationalized names are written as A-labels (RFC 5890 §2.3.2.1).
    #[error("character outside ascii")]
    NotAscii,
    /// The wire form ends too early, goes on after the root, or holds a compression pointer.
    #[error("malformed wire form")]
    Malformed,
}

impl Name {
    /// The root.
    pub fn root() -> Name {
        Name { wire: Arc::from([0u8].as_slice()), start: 0 }
    }

    /// A name from its whole uncompressed wire form.
    ///
    /// # Errors
    /// The octets are not exactly one uncompressed name.
    pub fn from_wire(wire: &[u8]) -> Result<Name, NameError> {
        let (name, length) = Name::from_wire_prefix(wire)?;
        if length == wire.len() { Ok(name) } else { Err(NameError::Malformed) }
    }

    /// A name from the beginning of `octets`, and the number of octets that it takes.
    ///
    /// # Errors
    /// They do not begin with an uncompressed name.
    pub fn from_wire_prefix(octets: &[u8]) -> Result<(Name, usize), NameError> {
        let mut at = 0;
        loop {
            let length = usize::from(*octets.get(at).ok_or(NameError::Malformed)?);
            if length > MAX_LABEL {
                return Err(NameError::Malformed);
            }
            at += 1 + length;
            if at > MAX_NAME {
                return Err(NameError::NameTooLong);
            }
            if length == 0 {
                return Ok((Name { wire: Arc::from(octets.get(..at).ok_or(NameError::Malformed)?), start: 0 }, at));
            }
        }
    }

    /// A name from text relative to `origin`: `@` is the origin, a final dot makes the text absolute.
    ///
    /// # Errors
    /// The text is not a name, or the whole would be too long.
    pub fn parse_relative(text: &str, origin: &Name) -> Result<Name, NameError> {
        match text {
            "@" => Ok(origin.clone()),
            "." => Ok(Name::root()),
            _ => {
                let (mut wire, absolute) = labels_from_text(text)?;
                wire.extend_from_slice(if absolute { &[0] } else { origin.wire() });
                Name::from_wire(&wire)
            }
        }
    }

    /// The uncompressed wire form, in the case in which it was written.
    pub fn wire(&self) -> &[u8] {
        self.wire.get(usize::from(self.start)..).unwrap_or(&[0])
    }

    /// Appends the canonical wire form: letters in lower case (RFC 4034 §6.2).
    pub fn push_canonical(&self, to: &mut Vec<u8>) {
        // Length octets are below 64 and so never letters.
        to.extend(self.wire().iter().map(u8::to_ascii_lowercase));
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.wire().len() == 1
    }

    /// Whether the leftmost label is `*` (RFC 4592 §2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.wire().starts_with(b"\x01*")
    }

    /// The labels from left to right, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire();
        std::iter::from_fn(move || {
            let length = usize::from(*rest.first()?);
            let label = rest.get(1..1 + length)?;
            rest = rest.get(1 + length..)?;
            (length > 0).then_some(label)
        })
    }

    /// The number of labels, the root's not counted; a leading `*` is counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// The name without its leftmost label; none above the root.
    pub fn parent(&self) -> Option<Name> {
        let length = *self.wire().first()?;
        if length == 0 {
            return None;
        }
        Some(Name { wire: self.wire.clone(), start: self.start.checked_add(1)?.checked_add(length)? })
    }

    /// The name and all names above it, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = Name> {
        std::iter::successors(Some(self.clone()), Name::parent)
    }

    /// The ancestor (or the name itself) that has `count` labels; the name itself if it has no more than that.
    #[must_use]
    pub fn suffix(&self, count: usize) -> Name {
        let mut name = self.clone();
        for _ in count..self.label_count() {
            name = name.parent().unwrap_or(name);
        }
        name
    }

    /// Whether this name is `ancestor` or below it.
    pub fn is_subdomain_of(&self, ancestor: &Name) -> bool {
        let (own, above) = (self.wire(), ancestor.wire());
        let Some(difference) = own.len().checked_sub(above.len()) else { return false };
        if !own.get(difference..).is_some_and(|tail| tail.eq_ignore_ascii_case(above)) {
            return false;
        }
        // The tail must begin at a label, not in the middle of one.
        let mut at = 0;
        while at < difference {
            at += 1 + usize::from(own.get(at).copied().unwrap_or(0));
        }
        at == difference
    }

    /// Whether this name is below `ancestor`, and not `ancestor` itself.
    pub fn is_strictly_below(&self, ancestor: &Name) -> bool {
        self.wire().len() > ancestor.wire().len() && self.is_subdomain_of(ancestor)
    }

    /// The name one label below this one, such as `_25`.
    ///
    /// # Errors
    /// The label is empty or too long, or the name becomes too long.
    pub fn prepend_label(&self, label: impl AsRef<[u8]>) -> Result<Name, NameError> {
        let label = label.as_ref();
        let length = match u8::try_from(label.len()) {
            Ok(0) => return Err(NameError::EmptyLabel),
            Ok(length) if label.len() <= MAX_LABEL => length,
            _ => return Err(NameError::LabelTooLong),
        };
        if label.len() + 1 + self.wire().len() > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        let mut wire = Vec::with_capacity(label.len() + 1 + self.wire().len());
        wire.push(length);
        wire.extend_from_slice(label);
        wire.extend_from_slice(self.wire());
        Ok(Name { wire: wire.into(), start: 0 })
    }

    /// This name with `old` at its end replaced by `new` (RFC 6672 §2.2); none if it does not lie below `old`, or becomes too
    /// long.
    pub fn substitute(&self, old: &Name, new: &Name) -> Option<Name> {
        if !self.is_strictly_below(old) {
            return None;
        }
        let kept = self.wire().len() - old.wire().len();
        Name::from_wire(&[self.wire().get(..kept)?, new.wire()].concat()).ok()
    }

    /// The longest name that both names are or are below.
    #[must_use]
    pub fn common_ancestor(&self, other: &Name) -> Name {
        self.ancestors().find(|ancestor| other.is_subdomain_of(ancestor)).unwrap_or_else(Name::root)
    }

    /// The same name with all letters in lower case.
    #[must_use]
    pub fn to_lowercase(&self) -> Name {
        if !self.wire().iter().any(u8::is_ascii_uppercase) {
            return self.clone();
        }
        Name { wire: self.wire().to_ascii_lowercase().into(), start: 0 }
    }

    /// The beginnings of the labels within [`wire`](Name::wire), and how many there are.
    fn label_starts(&self) -> ([u8; MAX_LABELS], usize) {
        let (mut starts, mut count, mut at) = ([0u8; MAX_LABELS], 0, 0usize);
        let wire = self.wire();
        while let Some(&length) = wire.get(at) {
            match (length, starts.get_mut(count), u8::try_from(at)) {
                (1.., Some(slot), Ok(start)) => *slot = start,
                _ => break,
            }
            count += 1;
            at += 1 + usize::from(length);
        }
        (starts, count)
    }

    fn label_at(&self, start: u8) -> &[u8] {
        let start = usize::from(start);
        let length = usize::from(self.wire().get(start).copied().unwrap_or(0));
        self.wire().get(start + 1..start + 1 + length).unwrap_or_default()
    }
}

/// The labels of `text` in wire form without the root's, and whether the text ends with a dot.
fn labels_from_text(text: &str) -> Result<(Vec<u8>, bool), NameError> {
    let mut wire = Vec::with_capacity(text.len() + 2);
    let mut bytes = text.bytes();
    let mut label_at = 0;
    wire.push(0);
    let mut absolute = false;
    let mut close = |wire: &mut Vec<u8>| {
        let length = wire.len() - label_at - 1;
        if length == 0 {
            return Err(NameError::EmptyLabel);
        }
        match (u8::try_from(length), wire.get_mut(label_at)) {
            (Ok(length @ 1..=63), Some(slot)) => *slot = length,
            _ => return Err(NameError::LabelTooLong),
        }
        label_at = wire.len();
        Ok(())
    };
    while let Some(byte) = bytes.next() {
        if wire.len() > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        absolute = false;
        match byte {
            b'.' => {
                close(&mut wire)?;
                wire.push(0);
                absolute = true;
            }
            b'\\' => wire.push(escaped(&mut bytes)?),
            0x80.. => return Err(NameError::NotAscii),
            _ => wire.push(byte),
        }
    }
    if absolute {
        wire.pop();
    } else {
        close(&mut wire)?;
    }
    Ok((wire, absolute))
}

/// The octet after a backslash: `\DDD`, or the character itself (RFC 1035 §5.1).
pub(crate) fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, NameError> {
    let first = bytes.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return if first.is_ascii() { Ok(first) } else { Err(NameError::NotAscii) };
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        match bytes.next() {
            Some(digit) if digit.is_ascii_digit() => value = value * 10 + u32::from(digit - b'0'),
            _ => return Err(NameError::BadEscape),
        }
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

impl FromStr for Name {
    type Err = NameError;

    /// The text is taken as fully qualified, with or without its final dot.
    fn from_str(text: &str) -> Result<Name, NameError> {
        if text == "." {
            return Ok(Name::root());
        }
        let (mut wire, _) = labels_from_text(text)?;
        wire.push(0);
        Name::from_wire(&wire)
    }
}

impl fmt::Display for Name {
    /// Without the final dot; the root is `.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(byte))?,
                    // Braces are references in zone text.
                    b'{' | b'}' => write!(f, "\\{byte:03}")?,
                    0x21..=0x7e => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.wire().eq_ignore_ascii_case(other.wire())
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.wire() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl Ord for Name {
    /// RFC 4034 §6.1.
    fn cmp(&self, other: &Name) -> Ordering {
        let ((own, own_count), (others, other_count)) = (self.label_starts(), other.label_starts());
        let own = own.iter().take(own_count).rev();
        let others = others.iter().take(other_count).rev();
        for (&left, &right) in own.zip(others) {
            let left = self.label_at(left).iter().map(u8::to_ascii_lowercase);
            let right = other.label_at(right).iter().map(u8::to_ascii_lowercase);
            match left.cmp(right) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        own_count.cmp(&other_count)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
