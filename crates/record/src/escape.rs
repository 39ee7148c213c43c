//! What came from outside, made fit to be shown.
//!
//! A message, a name or a DNS record can hold anything: line ends that would begin a line of their own in a story, escape
//! sequences that a terminal obeys, controls that reverse the direction of writing, text without end. [`shown`] is the one
//! place where such text is made harmless. A [`Recorder`](crate::Recorder) sends every text of every event through it, so
//! whatever is made of a record (stories, reasons, failures, JSON) holds visible text only; other programs that print text
//! from outside call it themselves.
//!
//! | what | becomes |
//! |---|---|
//! | line feed, carriage return, tab | `\n`, `\r`, `\t` |
//! | other controls of ASCII, DEL, and the controls U+0080 to U+009F | `\x1b`, `\u{9b}` |
//! | what changes the direction of writing, line and paragraph separators, and characters without width | `\u{202e}` |
//! | more than [`MOST_SHOWN`] characters | the first of them, then `… (17 more characters)` |
//!
//! A backslash stays as it is: names of DNS are full of them. So the form is for reading, and cannot be turned back.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The most characters of one text that are shown.
pub const MOST_SHOWN: usize = 4_000;
/// The most lines of one artefact that are shown.
pub const MOST_LINES: usize = 4_000;

/// Whether a character is not shown as it is.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Spaces and joiners without width, marks of direction.
            | '\u{200b}'..='\u{200f}'
            // Separators of lines and paragraphs; embedding and override of direction.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators; isolation of direction; deprecated controls of format.
            | '\u{2060}'..='\u{206f}'
            // The byte order mark; interlinear annotation.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags, which no font shows.
            | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text in one line of visible characters; borrowed if it is one.
pub fn shown(text: &str) -> Cow<'_, str> {
    // No character is shorter than an octet.
    let is_short = text.len() <= MOST_SHOWN || text.chars().nth(MOST_SHOWN).is_none();
    if is_short && !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().min(2 * MOST_SHOWN));
    for character in text.chars().take(MOST_SHOWN) {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            hidden if hidden.is_ascii() && is_hidden(hidden) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\x{:02x}", u32::from(hidden));
            }
            hidden if is_hidden(hidden) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
            }
            visible => shown.push(visible),
        }
    }
    let more = text.chars().skip(MOST_SHOWN).count();
    if more > 0 {
        let _ = write!(shown, "… ({more} more characters)");
    }
    Cow::Owned(shown)
}

/// The same for a text of several lines, whose LFs are its own.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    let is_plain = |line: &str| matches!(shown(line), Cow::Borrowed(_));
    let count = text.split('\n').count();
    if count <= MOST_LINES && text.split('\n').all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut lines: Vec<Cow<'_, str>> = text.split('\n').take(MOST_LINES).map(shown).collect();
    if count > MOST_LINES {
        lines.push(format!("… ({} more lines)", count - MOST_LINES).into());
    }
    Cow::Owned(lines.join("\n"))
}

/// An owned text, made fit to be shown in place.
pub(crate) fn show(text: &mut String) {
    if let Cow::Owned(escaped) = shown(text) {
        *text = escaped;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected, "{text:?}");
    }

    #[test]
    fn what_is_shown() {
        check("", "");
        check("Zażółć gęślą jaźń: 10 € \"x\" \\010", "Zażółć gęślą jaźń: 10 € \"x\" \\010");
        check("a\r\n\tb", "a\\r\\n\\tb");
        check("\u{0}\u{1b}[2J\u{7f}", "\\x00\\x1b[2J\\x7f");
        check("\u{85}\u{9b}31m", "\\u{85}\\u{9b}31m");
        check("\u{202e}txet\u{2066}\u{2069}\u{200f}", "\\u{202e}txet\\u{2066}\\u{2069}\\u{200f}");
        check("a\u{2028}b\u{feff}c\u{200b}d\u{ad}", "a\\u{2028}b\\u{feff}c\\u{200b}d\\u{ad}");
        check("\u{e0041}", "\\u{e0041}");
        assert!(matches!(shown("as it is"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_texts_are_cut() {
        let fits = "€".repeat(MOST_SHOWN);
        check(&fits, &fits);
        check(&format!("{fits}ab"), &format!("{fits}… (2 more characters)"));
        let lines = "a\n".repeat(MOST_LINES + 1);
        let cut = shown_lines(&lines);
        assert!(cut.ends_with("a\n… (2 more lines)"), "{}", &cut[cut.len() - 40..]);
    }

    #[test]
    fn a_text_of_several_lines_keeps_them() {
        assert_eq!(shown_lines("A: b\n c\r\n\u{1b}x\n"), "A: b\n c\\r\n\\x1bx\n");
        assert!(matches!(shown_lines("A: b\n\nc\n"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!shown(&text).contains(is_hidden));
            prop_assert!(!shown_lines(&text).contains(|c| c != '\n' && is_hidden(c)));
            let once = shown(&text).into_owned();
            prop_assert_eq!(shown(&once), once.as_str());
        }
    }
}
