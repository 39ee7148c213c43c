//! One `ARC-Authentication-Results` from several `Authentication-Results` (RFC 8617 §4.1.1).
//!
//! The checks of one administration may be spread over several fields, each with the administration's name, the
//! *authserv-id*, at its beginning (RFC 8601 §2.2). A set has room for one field, which must hold all results:
//!
//! ```text
//! Authentication-Results: lists.example; spf=pass smtp.mailfrom=a.example    lists.example; spf=pass smtp.mailfrom=a.example;
//! Authentication-Results: lists.example; dkim=none                      →    dkim=none
//! Authentication-Results: elsewhere.example; dkim=pass
//! ```
//!
//! The results are copied as text, in the order of the fields: only their writer knows what they mean. A name in a
//! field is no proof of who wrote it: a border server removes fields with its own name from what comes in (RFC 8601
//! §5), and that must have happened before.

use mxlab_mail::Message;

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The value of an `ARC-Authentication-Results` after its instance: the name, and all results that fields with this
/// name hold, or `none` (RFC 8601 §2.2).
pub fn local_results(message: &Message<'_>, authserv_id: &str) -> String {
    let mut value = written(authserv_id);
    let before = value.len();
    for field in message.fields_named("Authentication-Results") {
        let text = field.value();
        let mut parts = split(&text).into_iter();
        if !parts.next().is_some_and(|head| is_from(head, authserv_id)) {
            continue;
        }
        for result in parts.map(single_blanks).filter(|result| !says_nothing(result)) {
            value.push_str("; ");
            value.push_str(&result);
        }
    }
    if value.len() == before {
        value.push_str("; none");
    }
    value
}

/// Whether the part before the first semicolon is this name, with the only defined version or none.
fn is_from(head: &str, authserv_id: &str) -> bool {
    let Some((name, rest)) = skip_cfws(head).and_then(name) else { return false };
    let version = skip_cfws(rest).map(|rest| rest.split(|c: char| c == '(' || BLANKS.contains(&c)).next());
    name.eq_ignore_ascii_case(authserv_id) && matches!(version, Some(Some("" | "1")))
}

/// A name at the beginning of a text, without its quotes, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| "(;".contains(c) || BLANKS.contains(&c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        return Some((name.to_owned(), rest));
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((name, quoted.get(index + 1..)?)),
            '\\' => name.push(characters.next()?.1),
            other => name.push(other),
        }
    }
    None
}

/// The name as it is written: in quotes if it is not a token (RFC 2045 §5.1).
fn written(authserv_id: &str) -> String {
    let token = |c: char| !c.is_ascii() || c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    if !authserv_id.is_empty() && authserv_id.chars().all(token) {
        return authserv_id.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in authserv_id.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Whether the text is empty, or says that there are no results.
fn says_nothing(result: &str) -> bool {
    let Some(rest) = skip_cfws(result) else { return false };
    let word = rest.split(|c: char| c == '(' || BLANKS.contains(&c)).next().unwrap_or_default();
    let behind = rest.strip_prefix(word).and_then(skip_cfws);
    (word.is_empty() || word.eq_ignore_ascii_case("none")) && behind == Some("")
}

/// The text without blanks at its ends, and with one blank for each run of them outside of quotes.
pub(super) fn single_blanks(text: &str) -> String {
    let mut scanner = Scanner::default();
    let mut out = String::with_capacity(text.len());
    for character in text.trim_matches(BLANKS).chars() {
        let quoted = scanner.quoted;
        scanner.advance(character);
        match BLANKS.contains(&character) && !quoted {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(character),
        }
    }
    out
}

/// The parts between semicolons, except semicolons in quotes or comments.
fn split(text: &str) -> Vec<&str> {
    let mut scanner = Scanner::default();
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, character) in text.char_indices() {
        if scanner.advance(character) && character == ';' {
            parts.extend(text.get(start..index));
            start = index + 1;
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// The text after comments and folding white space (CFWS, RFC 5322 §3.2.2); none if a comment does not end.
pub(super) fn skip_cfws(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(BLANKS);
    if !text.starts_with('(') {
        return Some(text);
    }
    let mut scanner = Scanner::default();
    for (index, character) in text.char_indices() {
        if scanner.advance(character) && !BLANKS.contains(&character) {
            return text.get(index..);
        }
    }
    scanner.is_outside().then_some("")
}

/// The position of the reader in a structured header field (RFC 5322 §3.2).
#[derive(Default)]
struct Scanner {
    quoted: bool,
    /// How many comments are open.
    comments: usize,
    /// The character before was a backslash.
    escaped: bool,
}

impl Scanner {
    /// Passes a character. Returns whether it is outside of quotes and comments, and not a bracket of a comment.
    fn advance(&mut self, character: char) -> bool {
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        let outside = self.is_outside();
        match character {
            '\\' if !outside => self.escaped = true,
            '"' if self.comments == 0 => self.quoted = !self.quoted,
            '(' if !self.quoted => self.comments += 1,
            ')' if self.comments > 0 => self.comments -= 1,
            _ => return outside,
        }
        outside && character == '"'
    }

    fn is_outside(&self) -> bool {
        !self.quoted && self.comments == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[&str], authserv_id: &str, expected: &str) {
        let text: String = fields.iter().map(|value| format!("Authentication-Results:{value}\r\n")).collect();
        let message = Message::parse(text.as_bytes()).expect("a message");
        assert_eq!(local_results(&message, authserv_id), expected, "{fields:?}");
    }

    #[test]
    fn joining() {
        check(&[], "a.example", "a.example; none");
        check(&[" a.example; spf=pass"], "a.example", "a.example; spf=pass");
        check(&["a.example;spf=pass;dkim=none;"], "a.example", "a.example; spf=pass; dkim=none");
        check(&[" a.example; spf=pass", " a.example;\r\n\tdkim=none"], "a.example", "a.example; spf=pass; dkim=none");
        check(&[" b.example; spf=pass", " A.Example; dkim=none"], "a.example", "a.example; dkim=none");
        check(&[" a.example; none", " a.example;"], "a.example", "a.example; none");
        check(&[" a.example; none", " a.example; arc=pass"], "a.example", "a.example; arc=pass");
        check(&[" a.example; NONE (nothing) "], "a.example", "a.example; none");
        check(&[" a.example; none=pass"], "a.example", "a.example; none=pass");
        check(&[" a.example"], "a.example", "a.example; none");
    }

    #[test]
    fn names() {
        check(&[" (us; them) a.example (we) 1 (one); spf=pass"], "a.example", "a.example; spf=pass");
        check(&[" a.example 2; spf=pass", " a.example 1x; spf=fail"], "a.example", "a.example; none");
        check(&[" a.example.org; spf=pass", " example; spf=fail"], "a.example", "a.example; none");
        check(&[" \"a.example\"; spf=pass"], "a.example", "a.example; spf=pass");
        check(&[" \"a \\\"b;\\\"\"; spf=pass"], "a \"b;\"", "\"a \\\"b;\\\"\"; spf=pass");
        check(&[" \"a.example; spf=pass", " (a.example; spf=pass"], "a.example", "a.example; none");
        check(&[" a.example(; spf=pass"], "a.example", "a.example; none");
        check(&[" spf=pass smtp.mailfrom=b.example; dkim=none"], "a.example", "a.example; none");
    }

    #[test]
    fn results_stay_whole() {
        check(
            &[" a.example; dkim=fail  (no; not (really)\\;)\t reason=\"a;  b\\\";\" header.d=c.example ; spf=pass"],
            "a.example",
            "a.example; dkim=fail (no; not (really)\\;) reason=\"a;  b\\\";\" header.d=c.example; spf=pass",
        );
        // An unclosed quote or comment extends to the end.
        check(&[" a.example; x=y (a; b"], "a.example", "a.example; x=y (a; b");
        check(&[" a.example; x=\"a; b"], "a.example", "a.example; x=\"a; b");
    }

    #[test]
    fn comments_and_blanks() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(skip_cfws(text), expected, "{text:?}");
        check("a", Some("a"));
        check(" \r\n\t a ", Some("a "));
        check("(x) ( (y)z )\t\"a", Some("\"a"));
        check("(\\)) a", Some("a"));
        check("(a\\(b) c", Some("c"));
        check("(a)", Some(""));
        check("", Some(""));
        check("(a", None);
        check("(a\\)", None);
        check(")", Some(")"));
    }
}
