//! Random messages, ways to sign them, and what happens to them afterwards.

use mxlab_auth::dkim::canonical::Form;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Rsa,
    Ed25519,
}

impl Key {
    pub fn algorithm(self) -> &'static str {
        match self {
            Key::Rsa => "rsa-sha256",
            Key::Ed25519 => "ed25519-sha256",
        }
    }
}

/// Who writes the signature field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Our signer.
    Ours,
    /// dkimpy.
    Dkimpy,
    /// An unusual field: the tags of our signer in another layout, with one of them changed or another added, and then
    /// signed.
    Odd { change: (&'static str, &'static str), order: u8, blanks: (&'static str, &'static str), semicolon: bool },
}

#[derive(Clone, Debug)]
pub struct Signing {
    pub author: Author,
    pub key: Key,
    pub forms: (Form, Form),
    pub fields: Vec<&'static str>,
    pub length: bool,
}

/// What happens to the signed message.
#[derive(Clone, Debug)]
pub enum Change {
    Nothing,
    /// An octet is changed.
    Replace(Index, u8),
    /// Something is put in.
    Insert(Index, &'static str),
    /// An octet is lost.
    Delete(Index),
    /// The message is cut off.
    Cut(Index),
    /// Something is appended to the body.
    Append(&'static str),
    /// A field is added on top.
    OnTop(&'static str),
}

#[derive(Clone, Debug)]
pub struct Case {
    /// Fields with their folds and line ends.
    pub header: Vec<String>,
    pub body: String,
    pub signing: Signing,
    pub change: Change,
    /// What the key record holds besides `k` and `p`.
    pub record: &'static str,
}

const NAMES: [&str; 6] = ["From", "to", "Subject", "X-A", "SUBJECT", "Received"];

const TAGS: [(&str, &str); 36] = [
    ("", ""),
    ("new", "1"),
    ("z", "From:a|To:b"),
    ("n_1", "a b"),
    ("9", "1"),
    ("a-b", "1"),
    ("v", "2"),
    ("v", "01"),
    ("q", "dns/txt"),
    ("q", "x:dns/txt"),
    ("q", "dns/other"),
    ("c", "simple"),
    ("c", "relaxed"),
    ("c", "Relaxed/Simple"),
    ("d", "com"),
    ("d", "Example.COM"),
    ("i", "@example.com"),
    ("i", "@news.example.com"),
    ("i", "joe=20x@EXAMPLE.com"),
    ("i", "@badexample.com"),
    ("i", "example.com"),
    ("l", "0"),
    ("l", "3"),
    ("l", "1000000"),
    ("l", "+1"),
    ("t", "1789999999"),
    ("t", "1790000060"),
    ("t", "1790100000"),
    ("t", "x"),
    ("x", "1789999999"),
    ("x", "1789900000"),
    ("x", "1790000060"),
    ("h", "from::x"),
    ("h", "from : x-none"),
    ("h", "to"),
    ("s", "a b"),
];

const RECORDS: [&str; 14] = [
    "",
    "",
    "",
    "v=DKIM1;",
    "v=DKIM2;",
    "h=sha256;",
    "h=sha1;",
    "s=email;",
    "s=email:tlsrpt;",
    "s=other;",
    "t=y;",
    "t=s;",
    "g=; n=a note;",
    "t=y:s; s=*;",
];

fn value() -> impl Strategy<Value = String> {
    "[a-c:; ]{0,4}[ \t]{0,2}((\r\n|\n)[ \t]{1,2}[a-c]{0,4}){0,2}[ \t]{0,2}"
}

fn field() -> impl Strategy<Value = String> {
    (select(&NAMES[..]), "[ \t]{0,2}", value(), select(vec!["\r\n", "\r\n", "\r\n", "\n"]))
        .prop_map(|(name, blank, value, end)| format!("{name}:{blank}{value}{end}"))
}

fn header() -> impl Strategy<Value = Vec<String>> {
    let from = select(vec!["From: a@example.com\r\n", "from:\ta@example.com \r\n", "FROM: A\r\n <a@example.com>\r\n"]);
    (prop::collection::vec(field(), 0..4), from, prop::collection::vec(field(), 0..3)).prop_map(
        |(above, from, below)| {
            // One From among those that are signed at first.
            let rest = above.into_iter().chain([from.to_owned()]).chain(below);
            let mut seen = false;
            rest.filter(|field| !field.to_ascii_lowercase().starts_with("from") || !std::mem::replace(&mut seen, true))
                .collect()
        },
    )
}

fn body() -> impl Strategy<Value = String> {
    let line = ("[a-c \t]{0,5}", select(vec!["\r\n", "\r\n", "\r\n", "\n", "\r", ""]));
    prop::collection::vec(line.prop_map(|(text, end)| text + end), 0..6).prop_map(|lines| lines.concat())
}

fn author() -> impl Strategy<Value = Author> {
    let blank = || select(vec!["", " ", "\t", "\r\n ", " \r\n\t", "  "]);
    let odd = (select(&TAGS[..]), any::<u8>(), (blank(), blank()), any::<bool>())
        .prop_map(|(change, order, blanks, semicolon)| Author::Odd { change, order, blanks, semicolon });
    prop_oneof![2 => Just(Author::Ours), 2 => Just(Author::Dkimpy), 3 => odd]
}

fn signing() -> impl Strategy<Value = Signing> {
    let form = || select(vec![Form::Simple, Form::Relaxed]);
    let name = select(vec!["from", "to", "subject", "x-a", "received", "x-none"]);
    let fields = prop::collection::vec(name, 0..5);
    (author(), select(vec![Key::Rsa, Key::Ed25519]), (form(), form()), fields, any::<bool>()).prop_map(
        |(author, key, forms, fields, length)| {
            let fields = [vec!["from"], fields].concat();
            Signing { author, key, forms, fields, length }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let text = select(vec![" ", "\t", "\r\n", "\n", "\r", "x", ";", "\r\n ", "\x0b", "\x0c", "\u{7f}", "="]);
    let field = select(vec!["From: eve@example.org\r\n", "Subject: b\r\n", "X: y\r\n", "no field\r\n", "A : b\r\n"]);
    let more = select(vec!["x", "\r\n", "\r\n\r\n", " \t", " \t\r\n", "\n", "more\r\n", "\x0b\r\n"]);
    prop_oneof![
        3 => Just(Change::Nothing),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Replace(at, octet)),
        3 => (any::<Index>(), text).prop_map(|(at, text)| Change::Insert(at, text)),
        2 => any::<Index>().prop_map(Change::Delete),
        1 => any::<Index>().prop_map(Change::Cut),
        2 => more.prop_map(Change::Append),
        1 => field.prop_map(Change::OnTop),
    ]
}

/// A whole case.
pub fn cases() -> impl Strategy<Value = Case> {
    (header(), body(), signing(), change(), select(&RECORDS[..]))
        .prop_map(|(header, body, signing, change, record)| Case { header, body, signing, change, record })
}
