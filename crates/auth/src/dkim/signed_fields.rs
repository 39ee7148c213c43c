//! Which header fields a signature covers (RFC 6376 §5.4.2), and the octets that are signed (§3.7).
//!
//! `h=` lists names. Each name stands for one field: the last field of that name in the message that no earlier name in
//! the list has taken. When none is left, the name says that there is no further field: adding one breaks the signature
//! (*oversigning*). The field of the signature itself is always signed, last, with an empty `b=`, and is never one of
//! the listed ones.

use std::collections::BTreeMap;
use std::ops::Range;

use mxlab_mail::{HeaderField, Message};

use super::canonical::{self, Form};

/// The fields of a message, found by name.
pub struct FieldIndex<'m> {
    fields: Vec<HeaderField<'m>>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// The field that holds the signature.
#[derive(Clone, Debug)]
pub struct OwnField<'m> {
    /// The field.
    pub field: HeaderField<'m>,
    /// Its number among the message's fields; none if the message does not have it yet.
    pub number: Option<usize>,
    /// The range of the value of `b=` in its value, blanks around it included
    /// ([`mxlab_mail::tag_list::Tag::value_span`]).
    pub signature: Range<usize>,
}

impl<'m> FieldIndex<'m> {
    /// The fields of `message`.
    pub fn new(message: &Message<'m>) -> FieldIndex<'m> {
        let fields: Vec<HeaderField<'m>> = message.fields().collect();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, field) in fields.iter().enumerate() {
            by_name.entry(field.name().to_ascii_lowercase()).or_default().push(number);
        }
        FieldIndex { fields, by_name }
    }

    /// All fields in order.
    pub fn fields(&self) -> &[HeaderField<'m>] {
        &self.fields
    }

    /// The numbers of the fields called `name` (in lower case), from the top.
    pub fn numbers(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The numbers of the fields that a list of names (in lower case) selects, in the list's order. `own` is the field of the
    /// signature itself, which is passed over.
    pub fn select(&self, names: &[String], own: Option<usize>) -> Vec<usize> {
        let mut left: BTreeMap<&str, &[usize]> = BTreeMap::new();
        let mut selected = Vec::new();
        for name in names {
            let left = left.entry(name).or_insert_with(|| self.numbers(name));
            while let Some((&number, above)) = left.split_last() {
                *left = above;
                if Some(number) != own {
                    selected.push(number);
                    break;
                }
            }
        }
        selected
    }

    /// The octets that a signature over `names` covers: the selected fields in canonical form, and its own field.
    pub fn signed_data(&self, form: Form, names: &[String], own: &OwnField<'_>) -> Vec<u8> {
        let mut data = Vec::with_capacity(2048);
        for number in self.select(names, own.number) {
            if let Some(field) = self.fields.get(number) {
                canonical::push_field(form, *field, &mut data);
            }
        }
        canonical::push_own_field(form, own.field, own.signature.clone(), &mut data);
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], own: Option<usize>, expected: &[usize]) {
        let message = Message::parse(b"A: 0\r\nB: 1\r\na: 2\r\nC: 3\r\nA: 4\r\n\r\n").expect("a message");
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        assert_eq!(FieldIndex::new(&message).select(&names, own), expected, "{names:?}");
    }

    #[test]
    fn selection() {
        check(&["b", "c"], None, &[1, 3]);
        check(&["a"], None, &[4]);
        check(&["a", "b", "a", "a", "a"], None, &[4, 1, 2, 0]);
        check(&["d", "b", "b"], None, &[1]);
        check(&["a", "a"], Some(4), &[2, 0]);
        check(&["a", "a", "a"], Some(2), &[4, 0]);
        check(&[], None, &[]);
    }

    #[test]
    fn data() {
        let message =
            Message::parse(b"Sig: a=1; b= xyz\r\n zz ; c=2\r\nFrom:  A <a@b>\t \r\nX: no\r\n\r\n").expect("a message");
        let index = FieldIndex::new(&message);
        let own = OwnField { field: index.fields()[0], number: Some(0), signature: 8..18 };
        let names = ["from".to_owned(), "sig".to_owned()];
        let data = |form| String::from_utf8(index.signed_data(form, &names, &own)).expect("text");
        assert_eq!(data(Form::Simple), "From:  A <a@b>\t \r\nSig: a=1; b=; c=2");
        assert_eq!(data(Form::Relaxed), "from:A <a@b>\r\nsig:a=1; b=; c=2");
    }
}
