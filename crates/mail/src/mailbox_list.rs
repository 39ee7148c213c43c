//! Lists of mailboxes, as in `From` (RFC 5322 §3.4, §3.6.2), read to the last octet.
//!
//! ```text
//! mailbox-list = mailbox *("," mailbox)
//! mailbox      = [display-name] "<" addr-spec ">" / addr-spec
//! ```
//!
//! Whoever authenticates the author of a message must see the same authors as the program that shows it. Readers that skip
//! what they do not understand each skip something else: of `<a@x.example> <b@y.example>` one sees the first address,
//! another the second. So nothing is skipped here: a text is a list of mailboxes as a whole, or it is none, and says where it
//! stops being one. Only what the grammar itself gives no meaning is left out: blanks, comments, the display name.
//!
//! The obsolete forms that are harmless are read (§4.4): blanks and comments around the dots of an address, dots in a
//! display name, empty places between commas. Others are refused: source routes, control characters. So are groups, which
//! `From` has only since RFC 6854, and which can hide their members from whoever reads the message.

use crate::address::{Address, AddressError, is_atext, quoted_end};

/// The most mailboxes of one list.
pub const MAX_MAILBOXES: usize = 1_000;

/// Why a text is not a list of mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxListError {
    /// It names nobody.
    #[error("no address")]
    Empty,
    /// A comment has no end.
    #[error("a comment without end")]
    OpenComment,
    /// A quoted string has no end, or holds a control character.
    #[error("a quoted string without end")]
    OpenQuote,
    /// There is a name, and no address follows it.
    #[error("a name without an address")]
    NoAddress,
    /// `<` does not have an address and `>` after it.
    #[error("angle brackets without an address")]
    Angle,
    /// Behind a mailbox there is something else than a comma.
    #[error("something behind an address, where only a comma may be")]
    Behind,
    /// A character that has no meaning where it is; control characters and U+FFFD have none anywhere.
    #[error("a character that must not be there")]
    Character,
    /// A group.
    #[error("a group of addresses")]
    Group,
    /// More than [`MAX_MAILBOXES`].
    #[error("more than {MAX_MAILBOXES} addresses")]
    TooMany,
    /// An address that mail cannot be sent to.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Reads an unfolded list of mailboxes.
///
/// # Errors
/// The first thing because of which it is none.
pub fn parse(text: &str) -> Result<Vec<Address>, MailboxListError> {
    let mut reader = Reader { rest: text };
    let mut mailboxes = Vec::new();
    // Each turn but the last takes a comma.
    loop {
        reader.skip_cfws()?;
        if !reader.rest.is_empty() && !reader.rest.starts_with(',') {
            if mailboxes.len() == MAX_MAILBOXES {
                return Err(MailboxListError::TooMany);
            }
            mailboxes.push(reader.mailbox()?);
        }
        match reader.take() {
            Some(',') => {}
            None if mailboxes.is_empty() => return Err(MailboxListError::Empty),
            None => return Ok(mailboxes),
            Some(_) => return Err(MailboxListError::Behind),
        }
    }
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a str,
}

/// A word of a display name or of a local part, or a dot between words.
struct Piece<'a> {
    text: &'a str,
}

impl Piece<'_> {
    fn is_dot(&self) -> bool {
        self.text == "."
    }
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
        Some(character)
    }

    /// Takes this many octets.
    fn take_text(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// CFWS: blanks and comments, which may hold comments.
    fn skip_cfws(&mut self) -> Result<(), MailboxListError> {
        let mut depth = 0_u32;
        while let Some(character) = self.rest.chars().next() {
            match (character, depth) {
                (' ' | '\t', _) => {}
                ('(', _) => depth = depth.saturating_add(1),
                (_, 0) => return Ok(()),
                (')', _) => depth -= 1,
                ('\\', _) => {
                    self.take();
                    // The second half of a quoted pair.
                    if self.rest.chars().next().is_some_and(|escaped| !is_text(escaped)) {
                        return Err(MailboxListError::Character);
                    }
                }
                (other, _) if !is_text(other) => return Err(MailboxListError::Character),
                _ => {}
            }
            self.take();
        }
        if depth == 0 { Ok(()) } else { Err(MailboxListError::OpenComment) }
    }

    /// A quoted string with its quotes.
    fn quoted_string(&mut self) -> Result<&'a str, MailboxListError> {
        let end = quoted_end(self.rest).ok_or(MailboxListError::OpenQuote)?;
        let quoted = self.take_text(end);
        if quoted.chars().all(is_text) { Ok(quoted) } else { Err(MailboxListError::Character) }
    }

    fn atom(&mut self) -> Option<&'a str> {
        let of_atom = |character: char| is_atext(character) && is_text(character);
        let end = self.rest.find(|character| !of_atom(character)).unwrap_or(self.rest.len());
        (end > 0).then(|| self.take_text(end))
    }

    /// Words and dots, with blanks and comments around them: a display name or a local part, as what follows will show.
    fn pieces(&mut self) -> Result<Vec<Piece<'a>>, MailboxListError> {
        let mut pieces = Vec::new();
        loop {
            self.skip_cfws()?;
            let text = match self.rest.chars().next() {
                Some('"') => self.quoted_string()?,
                Some('.') => self.take_text(1),
                _ => match self.atom() {
                    Some(atom) => atom,
                    None => return Ok(pieces),
                },
            };
            pieces.push(Piece { text });
        }
    }

    /// A mailbox, and the blanks and comments after it.
    fn mailbox(&mut self) -> Result<Address, MailboxListError> {
        let pieces = self.pieces()?;
        match self.rest.chars().next() {
            // obs-phrase: it begins with a word; after that dots may be anywhere.
            Some('<') if !pieces.first().is_some_and(Piece::is_dot) => {
                self.take();
                let pieces = self.pieces()?;
                if !self.rest.starts_with('@') || pieces.is_empty() {
                    return Err(MailboxListError::Angle);
                }
                let address = self.addr_spec(&pieces)?;
                if self.take() != Some('>') {
                    return Err(MailboxListError::Angle);
                }
                self.skip_cfws()?;
                Ok(address)
            }
            Some('@') => self.addr_spec(&pieces),
            Some(':') => Err(MailboxListError::Group),
            Some(',') | None => Err(MailboxListError::NoAddress),
            Some(_) => Err(MailboxListError::Character),
        }
    }

    /// The address whose local part has these pieces; the `@` is next.
    fn addr_spec(&mut self, local: &[Piece<'a>]) -> Result<Address, MailboxListError> {
        // obs-local-part: words, with a dot between any two.
        let alternate = local.len() % 2 == 1 && local.iter().enumerate().all(|(at, it)| it.is_dot() == (at % 2 == 1));
        if !alternate {
            return Err(AddressError::LocalPart.into());
        }
        let local: String = local.iter().map(|piece| piece.text).collect();
        self.take();
        self.skip_cfws()?;
        let domain = match self.rest.starts_with('[') {
            true => {
                let end = self.rest.find(']').ok_or(AddressError::Domain)?;
                self.take_text(end + 1).to_owned()
            }
            false => self.domain()?,
        };
        self.skip_cfws()?;
        Ok(Address::new(local, domain)?)
    }

    /// obs-domain: atoms, with a dot between any two.
    fn domain(&mut self) -> Result<String, MailboxListError> {
        let mut domain = String::new();
        loop {
            domain.push_str(self.atom().ok_or(AddressError::Domain)?);
            self.skip_cfws()?;
            if !self.rest.starts_with('.') {
                return Ok(domain);
            }
            domain.push('.');
            self.take();
            self.skip_cfws()?;
        }
    }
}

/// What may be in comments and quoted strings: no control characters, and not U+FFFD, which stands for octets that were no
/// UTF-8.
fn is_text(character: char) -> bool {
    character == '\t' || (!character.is_control() && character != '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[&str], MailboxListError>) {
        let found = parse(text);
        let found: Result<Vec<String>, _> = found.map(|list| list.iter().map(Address::to_string).collect());
        let expected = expected.map(|list| list.iter().map(|address| (*address).to_owned()).collect());
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lists() {
        check("ann@contoso.example", Ok(&["ann@contoso.example"]));
        check(" <ann@contoso.example>\t", Ok(&["ann@contoso.example"]));
        check("Ann <ann@contoso.example>", Ok(&["ann@contoso.example"]));
        check("Ann B. Lee <ann@contoso.example>", Ok(&["ann@contoso.example"]));
        check("\"Ann, B. <x@y>\" <ann@contoso.example>", Ok(&["ann@contoso.example"]));
        check("\"Ann\tLee\"Lee <ann@contoso.example>", Ok(&["ann@contoso.example"]));
        check("=?utf-8?q?=C5=BB?= <ann@contoso.example>", Ok(&["ann@contoso.example"]));
        check("Żółw <żółw@źródło.example>", Ok(&["żółw@źródło.example"]));
        check("ann@contoso.example (Ann (the one, with) commas)", Ok(&["ann@contoso.example"]));
        check("(a) Ann (\\)b) < (c) ann (d) @ (e) contoso (f) . example > (g)", Ok(&["ann@contoso.example"]));
        check("a . b @ c . example", Ok(&["a.b@c.example"]));
        check("\"a b\"@c.example", Ok(&["\"a b\"@c.example"]));
        check("\"a\".b@c.example", Err(AddressError::LocalPart.into()));
        check("ann@[192.0.2.1]", Ok(&["ann@[192.0.2.1]"]));
        check("a@b.example, C <c@d.example>", Ok(&["a@b.example", "c@d.example"]));
        check(",, a@b.example ,(x),", Ok(&["a@b.example"]));
    }

    #[test]
    fn what_is_no_list() {
        use MailboxListError::*;
        for empty in ["", " ", ",", "(ann@contoso.example)"] {
            check(empty, Err(Empty));
        }
        for behind in [
            "<a@x.example> <ann@contoso.example>",
            "Ann <a@x.example> <ann@contoso.example>",
            "<a@x.example> ann@contoso.example",
            "a@x.example ann@contoso.example",
            "a@x.example <ann@contoso.example>",
            "a@x.example; ann@contoso.example",
            "<a@x.example>>",
            "a@b@c.example",
        ] {
            check(behind, Err(Behind));
        }
        for angle in ["<>", "Ann <>", "Ann <ann>", "<@x.example:a@b.example>", "<a@b.example", "Ann <a@b.example c>"] {
            check(angle, Err(Angle));
        }
        check("a@x.example (, <ann@contoso.example>", Err(OpenComment));
        check("\"Ann <ann@contoso.example>", Err(OpenQuote));
        check("Ann Lee", Err(NoAddress));
        check("Ann Lee, a@b.example", Err(NoAddress));
        check("team: a@b.example, c@d.example;", Err(Group));
        check("undisclosed recipients:;", Err(Group));
        for character in ["Ann\u{0} <a@b.example>", "Ann\u{fffd} <a@b.example>", ")a@b.example", ". <a@b.example>"] {
            check(character, Err(Character));
        }
        check("(\u{1b}) a@b.example", Err(Character));
        check("(\\\u{1b}) a@b.example", Err(Character));
        check("\"\u{fffd}\" <a@b.example>", Err(Character));
        check("a..b@c.example", Err(AddressError::LocalPart.into()));
        check("a b@c.example", Err(AddressError::LocalPart.into()));
        check("a@", Err(AddressError::Domain.into()));
        check("a@b.", Err(AddressError::Domain.into()));
        check("a@b..c", Err(AddressError::Domain.into()));
        check("a@[192.0.2.1", Err(AddressError::Domain.into()));
        check(&format!("{}@b.example", "a".repeat(65)), Err(AddressError::TooLong.into()));
        check(&"a@b.example,".repeat(MAX_MAILBOXES + 1), Err(TooMany));
    }

    #[test]
    fn what_takes_long_is_read_in_one_pass() {
        for text in ["(".repeat(500_000), "(a)".repeat(200_000), "\"".repeat(500_000), ",".repeat(500_000)] {
            assert!(parse(&text).is_err());
        }
    }
}
