//! The reader of `From` beside the grammar of RFC 5322, written down apart from it: whatever the reader accepts, the grammar
//! accepts too, with the same addresses. So no octets around an address are ever left out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use mxlab_mail::headers::Message;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The grammar, rule by rule (RFC 5322 §3.2, §3.4 and §4.4, with the UTF-8 of RFC 6532). A rule that begins at a place of the
/// text gives every place where it can end, with the addresses that it has read by then.
struct Grammar {
    text: Vec<char>,
}

type Places = BTreeSet<(usize, String)>;
type Rule = fn(&Grammar, usize) -> Places;

fn at(place: usize) -> Places {
    BTreeSet::from([(place, String::new())])
}

impl Grammar {
    fn one(&self, place: usize, is: impl Fn(char) -> bool) -> Places {
        self.text
            .get(place)
            .filter(|character| is(**character))
            .map(|it| (place + 1, it.to_string()))
            .into_iter()
            .collect()
    }

    fn then(&self, from: Places, rule: impl Fn(&Grammar, usize) -> Places) -> Places {
        let follow = |(place, read): (usize, String)| {
            let next = rule(self, place).into_iter();
            next.map(move |(end, more)| (end, format!("{read}{more}"))).collect::<Vec<_>>()
        };
        from.into_iter().flat_map(follow).collect()
    }

    /// The same, and what the rule reads is not part of an address.
    fn past(&self, from: Places, rule: Rule) -> Places {
        self.then(from, |grammar, place| {
            rule(grammar, place).into_iter().map(|(end, _)| (end, String::new())).collect()
        })
    }

    fn option(&self, from: Places, rule: Rule) -> Places {
        let mut places = from.clone();
        places.extend(self.past(from, rule));
        places
    }

    /// `*rule`.
    fn many(&self, from: Places, rule: impl Fn(&Grammar, usize) -> Places) -> Places {
        let (mut all, mut new) = (from.clone(), from);
        while !new.is_empty() {
            new = self.then(new, &rule).difference(&all).cloned().collect();
            all.extend(new.iter().cloned());
        }
        all
    }

    fn literal(&self, from: Places, literal: char) -> Places {
        self.then(from, |grammar, place| grammar.one(place, |it| it == literal))
    }

    fn fws(&self, place: usize) -> Places {
        let blank = |grammar: &Grammar, place| grammar.one(place, |it| matches!(it, ' ' | '\t'));
        self.many(blank(self, place), blank)
    }

    fn quoted_pair(&self, place: usize) -> Places {
        let backslash = self.one(place, |it| it == '\\');
        self.then(backslash, |grammar, place| grammar.one(place, |it| it == '\t' || !it.is_control()))
    }

    fn ccontent(&self, place: usize) -> Places {
        let mut places = self.one(place, |it| !"()\\".contains(it) && visible(it));
        places.extend(self.quoted_pair(place));
        places.extend(self.comment(place));
        places
    }

    fn comment(&self, place: usize) -> Places {
        let open = self.literal(at(place), '(');
        let content =
            self.many(open, |grammar, place| grammar.then(grammar.option(at(place), Grammar::fws), Grammar::ccontent));
        self.literal(self.option(content, Grammar::fws), ')')
    }

    fn cfws(&self, place: usize) -> Places {
        let one = |grammar: &Grammar, place| grammar.then(grammar.option(at(place), Grammar::fws), Grammar::comment);
        let mut places = self.option(self.many(one(self, place), one), Grammar::fws);
        places.extend(self.fws(place));
        places
    }

    fn atext(&self, place: usize) -> Places {
        self.one(place, |it| visible(it) && !"()<>[]:;@\\,.\"".contains(it))
    }

    fn atom(&self, place: usize) -> Places {
        let begin = self.option(at(place), Grammar::cfws);
        let text = self.many(self.then(begin, Grammar::atext), Grammar::atext);
        self.option(text, Grammar::cfws)
    }

    fn qcontent(&self, place: usize) -> Places {
        let mut places = self.one(place, |it| !"\"\\".contains(it) && visible(it));
        places.extend(self.quoted_pair(place));
        places
    }

    fn quoted_string(&self, place: usize) -> Places {
        let open = self.literal(self.option(at(place), Grammar::cfws), '"');
        let content = self.many(open, |grammar, place| {
            let blanks = || grammar.fws(place).into_iter().chain(at(place)).collect();
            grammar.then(blanks(), Grammar::qcontent)
        });
        let blanks = self.then(content.clone(), Grammar::fws).into_iter().chain(content).collect();
        self.option(self.literal(blanks, '"'), Grammar::cfws)
    }

    fn word(&self, place: usize) -> Places {
        self.atom(place).into_iter().chain(self.quoted_string(place)).collect()
    }

    /// `1*word / obs-phrase`.
    fn phrase(&self, place: usize) -> Places {
        self.many(self.word(place), |grammar, place| {
            let dot = grammar.one(place, |it| it == '.');
            grammar.word(place).into_iter().chain(dot).chain(grammar.cfws(place)).collect()
        })
    }

    /// `rule *("." rule)`, of which dot-atom and quoted-string are cases.
    fn dotted(&self, place: usize, rule: Rule) -> Places {
        self.many(rule(self, place), |grammar, place| grammar.then(grammar.literal(at(place), '.'), rule))
    }

    fn domain_literal(&self, place: usize) -> Places {
        let open = self.literal(self.option(at(place), Grammar::cfws), '[');
        let content = self.many(open, |grammar, place| {
            let dtext = |grammar: &Grammar, place| grammar.one(place, |it| visible(it) && !"[]\\".contains(it));
            grammar.then(grammar.option(at(place), Grammar::fws), dtext)
        });
        self.option(self.literal(self.option(content, Grammar::fws), ']'), Grammar::cfws)
    }

    fn addr_spec(&self, place: usize) -> Places {
        let at_sign = self.literal(self.dotted(place, Grammar::word), '@');
        self.then(at_sign, |grammar, place| {
            grammar.dotted(place, Grammar::atom).into_iter().chain(grammar.domain_literal(place)).collect()
        })
    }

    fn mailbox(&self, place: usize) -> Places {
        let name = self.option(at(place), Grammar::phrase);
        let open = self.past(self.option(name, Grammar::cfws), |grammar, place| grammar.literal(at(place), '<'));
        let address = self.then(open, Grammar::addr_spec);
        let close = self.past(address, |grammar, place| grammar.literal(at(place), '>'));
        let mut places = self.option(close, Grammar::cfws);
        places.extend(self.addr_spec(place));
        places.into_iter().map(|(end, read)| (end, format!("{read}\n"))).collect()
    }

    /// `mailbox-list / obs-mbox-list`: the addresses of every way to read the whole text as one.
    fn mailbox_list(&self) -> BTreeSet<String> {
        let comma = |grammar: &Grammar, place| {
            let comma = grammar.option(at(place), Grammar::cfws);
            grammar.past(comma, |grammar, place| grammar.literal(at(place), ','))
        };
        let first = self.then(self.many(at(0), comma), Grammar::mailbox);
        let list = self.many(first, |grammar, place| {
            let comma = grammar.past(at(place), |grammar, place| grammar.literal(at(place), ','));
            let mut places = grammar.option(comma.clone(), Grammar::cfws);
            places.extend(grammar.then(comma, Grammar::mailbox));
            places
        });
        list.into_iter().filter(|(end, _)| *end == self.text.len()).map(|(_, read)| read).collect()
    }
}

fn visible(character: char) -> bool {
    !character.is_control() && character != ' '
}

/// The addresses that the grammar reads, one to a line; several ways to read a text differ only in blanks.
fn by_grammar(text: &str) -> Option<String> {
    let ways = Grammar { text: text.chars().collect() }.mailbox_list();
    assert!(ways.len() <= 1, "{text:?} has several meanings: {ways:?}");
    ways.into_iter().next()
}

/// The addresses that the reader of messages finds in a field, which is folded at some of its blanks.
fn by_reader(text: &str, folds: &[Index]) -> Option<String> {
    let mut field = text.to_owned();
    let blanks: Vec<usize> = text.match_indices([' ', '\t']).map(|(place, _)| place).collect();
    let mut chosen: Vec<usize> = folds.iter().filter(|_| !blanks.is_empty()).map(|fold| *fold.get(&blanks)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    for place in chosen.into_iter().rev() {
        field.insert_str(place, "\r\n");
    }
    let header = format!("From:{field}\r\nTo: bo@fabrikam.example\r\n\r\n");
    let message = Message::parse(header.as_bytes()).unwrap();
    let authors = message.authors().ok()?;
    Some(authors.iter().map(|author| format!("{author}\n")).collect())
}

/// Fields as they come, good and bad.
const FIELDS: [&str; 12] = [
    " ann@contoso.example",
    " Ann <ann@contoso.example>",
    " \"Ann, B.\" <ann@contoso.example>",
    " =?utf-8?q?Ann?= <ann@contoso.example> (Ann (the one))",
    " Ann B. Lee <a.b@c.d>, bo@e",
    " <a@x> <b@y>",
    " a@x <b@y>",
    " a@x (, <b@y>",
    " \"a b\"@x, , c . d @ y . z",
    " g: a@x, b@y;",
    " a@[192.0.2.1]",
    " (x) \"A\" (y) <(z)a(w)@(v)x(u)> (t),",
];

/// What is put into fields.
const PIECES: [&str; 26] = [
    "<", ">", "@", ".", ",", ";", ":", "(", ")", "\"", "\\", " ", "\t", "[", "]", "a", "b@y", "<b@y>", "(c)", "\"q\"",
    "\\\"", "é", "\u{fffd}", "\u{1}", "<@r:b@y>", "x, ",
];

#[derive(Clone, Debug)]
enum Mutation {
    Insert(Index, &'static str),
    Remove(Index),
    Swap(Index, Index),
    Append(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), select(&PIECES[..])).prop_map(|(place, piece)| Mutation::Insert(place, piece)),
        3 => place().prop_map(Mutation::Remove),
        1 => (place(), place()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => (0..FIELDS.len()).prop_map(Mutation::Append),
    ]
}

fn mutated(field: &str, mutations: &[Mutation]) -> String {
    let mut text: Vec<char> = field.chars().collect();
    for mutation in mutations {
        match mutation {
            Mutation::Insert(place, piece) => {
                let place = place.index(text.len() + 1);
                text.splice(place..place, piece.chars());
            }
            Mutation::Remove(place) if !text.is_empty() => {
                text.remove(place.index(text.len()));
            }
            Mutation::Swap(one, other) if !text.is_empty() => {
                let (one, other) = (one.index(text.len()), other.index(text.len()));
                text.swap(one, other);
            }
            Mutation::Append(field) => text.extend(FIELDS[*field].chars()),
            Mutation::Remove(_) | Mutation::Swap(..) => {}
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_the_reader_accepts_the_grammar_accepts(
        field in 0..FIELDS.len(),
        mutations in proptest::collection::vec(mutation(), 0..5),
        folds in proptest::collection::vec(any::<Index>(), 0..3),
    ) {
        let text = mutated(FIELDS[field], &mutations);
        if let Some(authors) = by_reader(&text, &folds) {
            prop_assert_eq!(by_grammar(&text), Some(authors), "{:?}", text);
        }
    }

    /// The reader is no stricter than it has to be: lists of everyday forms are read.
    #[test]
    fn lists_of_everyday_forms_are_read(
        mailboxes in proptest::collection::vec((
            select(&["", "Ann ", "Ann B. Lee ", "\"Lee, Ann <x@y>\" ", "(Ann) ", "=?utf-8?b?QQ==?= "][..]),
            "[a-z]{1,5}(\\.[a-z0-9+]{1,5})?",
            "[a-z]{1,5}(\\.[a-z-]{1,5}){0,2}",
            select(&["", " ", " (Ann)"][..]),
        ), 1..4),
    ) {
        let text: Vec<String> =
            mailboxes.iter().map(|(name, local, domain, end)| format!(" {name}<{local}@{domain}>{end}")).collect();
        let text = text.join(",");
        let expected: String = mailboxes.iter().map(|(_, local, domain, _)| format!("{local}@{domain}\n")).collect();
        prop_assert_eq!(by_reader(&text, &[]), Some(expected.clone()));
        prop_assert_eq!(by_grammar(&text), Some(expected));
    }
}

/// What a mailbox-list is not, by the grammar itself: the test above would show nothing with a grammar that takes everything.
#[test]
fn the_grammar_refuses_what_is_no_list() {
    for (place, field) in FIELDS.iter().enumerate() {
        let good = ![5, 6, 7, 9].contains(&place);
        assert_eq!(by_grammar(field).is_some(), good, "{field}");
        assert_eq!(by_reader(field, &[]).is_some(), good, "{field}");
    }
    for field in ["", "<a@x", "a@x;", "\"a@x", "a@x <b@y>", "a b@x", "a..b@x", "a@x.", ".a@x", "Ann"] {
        assert_eq!(by_grammar(field), None, "{field}");
    }
}
