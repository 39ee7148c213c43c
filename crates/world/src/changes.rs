//! What hosts on the way do to a message: tags, footers, damage.
//!
//! Each change is a function from octets to octets. It touches what it is named after and nothing else, so that a scenario
//! shows which change breaks which signature. Line ends are CRLF, as SMTP has them.

use mxlab_mail::Message;
use mxlab_mail::headers::Line;

/// A change to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `[list] ` is put before the subject.
    SubjectTag,
    /// A text is put below the body.
    Footer(String),
    /// A word of the body changes: its first letter does.
    BodyChanged,
    /// The header fields change their order: the last one goes first.
    HeadersReordered,
    /// A character of the `b=` of the topmost DKIM signature changes.
    SignatureBroken,
    /// The DKIM signatures are taken off.
    SignaturesRemoved,
}

/// What a footer says if nobody says otherwise.
pub const FOOTER: &str = "-- \nSent through a list";

impl Change {
    /// The message after the change. A message whose header section cannot be split stays as it is, and so does one that
    /// has nothing of what would change.
    pub fn apply(&self, message: &[u8]) -> Vec<u8> {
        let Ok(parsed) = Message::parse(message) else { return message.to_vec() };
        let mut lines: Vec<Vec<u8>> = parsed.lines().iter().map(|line| line.raw().to_vec()).collect();
        let mut body = parsed.body().to_vec();
        let is = |line: &Line<'_>, name: &str| matches!(line, Line::Field(field) if field.is(name));
        let first = |name: &str| parsed.lines().iter().position(|line| is(line, name));
        match self {
            Change::SubjectTag => {
                if let Some(line) = first("Subject").and_then(|place| lines.get_mut(place)) {
                    let colon = line.iter().position(|octet| *octet == b':').map_or(line.len(), |colon| colon + 1);
                    line.splice(colon..colon, *b" [list]");
                }
            }
            Change::Footer(text) => {
                if !body.is_empty() && !body.ends_with(b"\r\n") {
                    body.extend(b"\r\n");
                }
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
DKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\nFrom: a@b.example\r\nSubject: Hello\r\n\r\nHi.\r\n";

    #[track_caller]
    fn check(change: &Change, from: &str, to: &str) {
        let expected = MESSAGE.replace(from, to);
        assert_ne!(expected, MESSAGE, "{from}");
        assert_eq!(String::from_utf8_lossy(&change.apply(MESSAGE.as_bytes())), expected);
    }

    #[test]
    fn each_changes_what_it_is_named_after() {
        check(&Change::SubjectTag, "Subject: Hello", "Subject: [list] Hello");
        check(&Change::Footer(FOOTER.into()), "Hi.\r\n", "Hi.\r\n-- \r\nSent through a list\r\n");
        check(&Change::BodyChanged, "Hi.", "Ii.");
        check(&Change::SignatureBroken, "b=zAbC=", "b=aAbC=");
        check(&Change::SignaturesRemoved, "DKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\n", "");
        let reordered =
            "Subject: Hello\r\nDKIM-Signature: v=1; bh=AAAA;\r\n b=zAbC=\r\nFrom: a@b.example\r\n\r\nHi.\r\n";
        assert_eq!(Change::HeadersReordered.apply(MESSAGE.as_bytes()), reordered.as_bytes());
    }

    #[test]
    fn what_is_not_there_does_not_change() {
        let changes = [
            Change::SubjectTag,
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
