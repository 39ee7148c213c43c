//! Colours of a terminal, and what must never reach one.

/// How text is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Text without colours, for files and pipes.
    pub const PLAIN: Style = Style { colour: false };
    /// With the colours of a terminal (ECMA-48).
    pub const COLOURED: Style = Style { colour: true };

    /// What fails.
    pub(crate) fn bad(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    /// A line that only the snapshot has.
    pub(crate) fn removed(self, text: &str) -> String {
        self.sgr("31", text)
    }

    /// A line that only the story has.
    pub(crate) fn added(self, text: &str) -> String {
        self.sgr("32", text)
    }

    /// What matters less.
    pub(crate) fn faint(self, text: &str) -> String {
        self.sgr("2", text)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text of several lines as a terminal may show it: control characters are written out, since a title, a path or a
/// message could otherwise move the cursor, change colours, or write lines that look like ours. Line ends and tabs stay.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            // U+202A to U+202E and U+2066 to U+2069 turn the direction of text, U+2028 and U+2029 end a line.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}') =>
            {
                shown.extend(c.escape_unicode());
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        for (text, expected) in [
            ("a\tb\nc", "a\tb\nc"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("over\rwritten", "over\\u{d}written"),
            ("\u{9b}2J \u{202e}txt", "\\u{9b}2J \\u{202e}txt"),
            ("Grüße", "Grüße"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn colours_are_only_for_those_who_want_them() {
        assert_eq!(Style::PLAIN.removed("a"), "a");
        assert_eq!(Style::COLOURED.removed("a"), "\u{1b}[31ma\u{1b}[0m");
        assert_eq!(Style::COLOURED.removed(""), "");
    }
}
