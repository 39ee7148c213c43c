//! What hosts on the path do to a message: tags, footers, changed white space, damage.
//!
//! Each change is a function from octets to octets. It changes only what its name says, so that a scenario shows which
//! change breaks which signature. Line ends are CRLF, as SMTP has them.

use mxlab_mail::Message;
use mxlab_mail::headers::Line;

/// A change to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `[list] ` is added before the subject.
    SubjectTag,
    /// A text is added below the body.
    Footer(String),
    /// A word of the body changes: its first letter is replaced.
    BodyChanged,
    /// The subject is folded: its text moves to a line of its own.
    SubjectFolded,
    /// Each space of the body becomes two.
    SpacesDoubled,
    /// A space is added at the end of each line of the body.
    SpacesAtLineEnds,
    /// Two empty lines are added below the body.
    EmptyLinesAdded,
    /// The header fields change their order: the last one becomes the first.
    HeadersReordered,
    /// A character of the `b=` of the topmost DKIM signature changes.
    SignatureBroken,
    /// The DKIM signatures are removed.
    SignaturesRemoved,
}

/// The default text of a footer.
pub const FOOTER: &str = "-- \nSent through a list";

impl Change {
    /// The message after the change. A message whose header section cannot be split is not changed, nor is one that
    /// does not have the part to be changed.
    pub fn apply(&self, message: &[u8]) -> Vec<u8> {
        let Ok(parsed) = Message::parse(message) else { return message.to_vec() };
        let mut lines: Vec<Vec<u8>> = parsed.lines().iter().map(|line| line.raw().to_vec()).collect();
        let mut body = parsed.body().to_vec();
        let is = |line: &Line<'_>, name: &str| matches!(line, Line::Field(field) if field.is(name));
        let first = |name: &str| parsed.lines().iter().position(|line| is(line, name));
        match self {
            Change::SubjectTag => {
                if let Some(line) = first("Subject").and_then(|place| lines.get_mut(place)) {
                    let colon = behind_colon(line);
                    line.splice(colon..colon, *b" [list]");
                }
            }
            Change::SubjectFolded => {
                if let Some(line) = first("Subject").and_then(|place| lines.get_mut(place)) {
                    fold_behind_colon(line);
                }
            }
            Change::SpacesDoubled => body = with_each(&body, b" ", b"  "),
            Change::SpacesAtLineEnds => body = with_each(&body, b"\r\n", b" \r\n"),
            Change::EmptyLinesAdded => {
                end_line(&mut body);
                body.extend(b"\r\n\r\n");
            }
            Change::Footer(text) => {
                end_line(&mut body);
                for line in text.lines() {
                    body.extend(line.as_bytes());
                    body.extend(b"\r\n");
                }
            }
            Change::BodyChanged => {
                if let Some(letter) = body.iter_mut().find(|octet| octet.is_ascii_alphabetic()) {
                    *letter = other_letter(*letter);
                }
            }
            Change::HeadersReordered => {
                if let Some(last) = lines.pop() {
                    lines.insert(0, last);
                }
            }
            Change::SignatureBroken => {
                if let Some(line) = first("DKIM-Signature").and_then(|place| lines.get_mut(place)) {
                    break_signature(line);
                }
            }
            Change::SignaturesRemoved => {
                let kept = parsed.lines().iter().filter(|line| !is(line, "DKIM-Signature"));
                lines = kept.map(|line| line.raw().to_vec()).collect();
            }
        }
        let mut changed = lines.concat();
        changed.extend(parsed.separator());
        changed.extend(body);
        changed
    }
}

/// Where a field's value begins.
fn behind_colon(field: &[u8]) -> usize {
    field.iter().position(|octet| *octet == b':').map_or(field.len(), |colon| colon + 1)
}

/// Folds a field before its value, if it has one: a line of a fold must not be empty.
fn fold_behind_colon(field: &mut Vec<u8>) {
    let colon = behind_colon(field);
    match field.get(colon..) {
        Some(value) if value.trim_ascii().is_empty() => {}
        Some([b' ' | b'\t', ..]) => drop(field.splice(colon..colon, *b"\r\n")),
        _ => drop(field.splice(colon..colon, *b"\r\n ")),
    }
}

/// Adds a line end to the last line if it has none.
fn end_line(body: &mut Vec<u8>) {
    if !body.is_empty() && !body.ends_with(b"\r\n") {
        body.extend(b"\r\n");
    }
}

/// The octets with every `old` replaced by `new`.
fn with_each(octets: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(old) {
            changed.extend(new);
            rest = behind;
        } else {
            changed.push(*first);
            rest = tail;
        }
    }
    changed
}

/// Another letter of the same case.
fn other_letter(letter: u8) -> u8 {
    match letter {
        b'z' => b'a',
        b'Z' => b'A',
        letter => letter + 1,
    }
}

/// Changes the first letter of the value of `b=`.
fn break_signature(field: &mut [u8]) {
    let starts_tag = |window: &[u8]| matches!(window, [b';' | b' ' | b'\t' | b'\n', b'b', b'=']);
    let Some(start) = field.windows(3).position(starts_tag) else { return };
    if let Some(letter) = field.iter_mut().skip(start + 3).find(|octet| octet.is_ascii_alphabetic()) {
        *letter = other_letter(*letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "\
DKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\nFrom: a@b.example\r\nSubject: Hello\r\n\r\nHi all.\r\n";

    #[track_caller]
    fn check(change: &Change, from: &str, to: &str) {
        let expected = MESSAGE.replace(from, to);
        assert_ne!(expected, MESSAGE, "{from}");
        assert_eq!(String::from_utf8_lossy(&change.apply(MESSAGE.as_bytes())), expected);
    }

    #[test]
    fn each_changes_what_it_is_named_after() {
        check(&Change::SubjectTag, "Subject: Hello", "Subject: [list] Hello");
        check(&Change::SubjectFolded, "Subject: Hello", "Subject:\r\n Hello");
        check(&Change::SpacesDoubled, "Hi all.", "Hi  all.");
        check(&Change::SpacesAtLineEnds, "Hi all.\r\n", "Hi all. \r\n");
        check(&Change::EmptyLinesAdded, "Hi all.\r\n", "Hi all.\r\n\r\n\r\n");
        check(&Change::Footer(FOOTER.into()), "Hi all.\r\n", "Hi all.\r\n-- \r\nSent through a list\r\n");
        check(&Change::BodyChanged, "Hi all.", "Ii all.");
        check(&Change::SignatureBroken, "b=zAbC=", "b=aAbC=");
        check(&Change::SignaturesRemoved, "DKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\n", "");
        let reordered =
            "Subject: Hello\r\nDKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\nFrom: a@b.example\r\n\r\nHi all.\r\n";
        assert_eq!(Change::HeadersReordered.apply(MESSAGE.as_bytes()), reordered.as_bytes());
    }

    #[test]
    fn folds_have_text() {
        let folded = |message: &str| String::from_utf8(Change::SubjectFolded.apply(message.as_bytes())).expect("text");
        assert_eq!(folded("Subject:Hello\r\n\r\n"), "Subject:\r\n Hello\r\n\r\n");
        assert_eq!(folded("Subject: \r\n\r\n"), "Subject: \r\n\r\n");
    }

    #[test]
    fn what_is_not_there_does_not_change() {
        let changes = [
            Change::SubjectTag,
            Change::SubjectFolded,
            Change::SpacesDoubled,
            Change::SpacesAtLineEnds,
            Change::BodyChanged,
            Change::HeadersReordered,
            Change::SignatureBroken,
            Change::SignaturesRemoved,
        ];
        for change in changes {
            for message in ["", "\r\n", "X: y\r\n\r\n", "DKIM-Signature: v=1\r\n\r\n123"] {
                let kept = change.apply(message.as_bytes());
                let without = change == Change::SignaturesRemoved && message.starts_with("DKIM");
                assert!(without || kept == message.as_bytes(), "{change:?} {message:?}");
            }
        }
    }
}
