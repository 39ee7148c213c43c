//! The data and owners of records, checked as far as possible while references have no values.

use mxlab_dns::zonefile::{self, Body, DataError, DataProblem, Field, FieldKind};
use mxlab_dns::{Name, NameError, RecordType};

use super::{Token, ZoneTextMistake};
use crate::check::shown;
use crate::references::{Reference, braces};

/// Checks the data of a record. What stands for a reference is checked by what the reference becomes.
pub(super) fn check(text: &str, rtype: RecordType, body: &Body, origin: &Name) -> Result<(), ZoneTextMistake> {
    let words: Vec<Token<'_>> = body.data.iter().map(|token| Token::at(text, &token.span)).collect();
    if let (RecordType::DS, [only]) = (rtype, words.as_slice())
        && matches!(only.reference(), Some(Reference::Ds(_)))
    {
        return Ok(());
    }
    let wrong = |error| mistake(text, rtype, error);
    let assigned = zonefile::assign(rtype, &body.rtype.span, &body.data).map_err(wrong)?;
    let mut known = true;
    let mut at = 0;
    for (field, own) in &assigned.fields {
        let own_words = &words[at..at + own.len()];
        at += own.len();
        if own_words.iter().any(Token::has_reference) {
            known = false;
            with_references(text, rtype, field, own, origin)?;
        } else {
            field.octets(own, origin).map_err(wrong)?;
        }
    }
    assigned.even().map_err(wrong)?;
    if known {
        // Once more as a whole: lengths must agree.
        zonefile::data(rtype, &body.rtype.span, &body.data, origin).map_err(wrong)?;
    }
    // Octets may be none where they are counted; a digest or a key is never empty.
    match assigned.fields.last() {
        Some((Field { kind: FieldKind::Hexadecimal | FieldKind::Base64, what }, []))
            if words.first().is_none_or(|word| word.text != "\\#") =>
        {
            let span = body.data.last().map_or(&body.rtype.span, |token| &token.span).clone();
            Err(wrong(DataError { span, problem: DataProblem::Missing(what) }))
        }
        _ => Ok(()),
    }
}

/// Checks a field some of whose words hold references.
fn with_references(
    text: &str,
    rtype: RecordType,
    field: &Field,
    own: &[zonefile::Token],
    origin: &Name,
) -> Result<(), ZoneTextMistake> {
    for written in own {
        let word = Token::at(text, &written.span);
        if word.has_reference() {
            reference(&word, rtype, field)?;
        } else if field.kind == FieldKind::Hexadecimal {
            // Whether the digits are pairs is seen only behind the last of them.
            if !written.text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(word.is_not(field.what));
            }
        } else {
            let one = std::slice::from_ref(written);
            field.octets(one, origin).map_err(|error| mistake(text, rtype, error))?;
        }
    }
    Ok(())
}

/// Whether what a reference becomes can be in this field. References to nothing are found elsewhere.
fn reference(word: &Token<'_>, rtype: RecordType, field: &Field) -> Result<(), ZoneTextMistake> {
    let inside = braces(word.text).into_iter().filter_map(|found| Reference::parse(found.inner));
    let fits = |reference: Reference<'_>| match (field.kind, reference) {
        (FieldKind::Strings | FieldKind::Value, Reference::Dkim(_)) => {
            word.text.ends_with('}') && word.text.starts_with('{')
        }
        (FieldKind::Strings | FieldKind::Value, _) => true,
        (FieldKind::Ipv4 | FieldKind::Ipv6, Reference::Address(_)) => word.reference().is_some(),
        (FieldKind::Hexadecimal, Reference::PublicKey(..) | Reference::Certificate(..)) => true,
        (FieldKind::Name, Reference::Name(_) | Reference::DkimTarget { .. }) => true,
        // An MX record with the address of a host means the host's name.
        (FieldKind::Name, Reference::Address(_)) => rtype == RecordType::MX && word.reference().is_some(),
        _ => false,
    };
    for reference in inside {
        if fits(reference) {
            continue;
        }
        let what = expected(rtype, field.what);
        return Err(match (field.kind, reference) {
            (FieldKind::Name, Reference::Address(_)) => address(word, &what),
            (FieldKind::Strings | FieldKind::Value, Reference::Dkim(_)) => {
                let mistake = word.wrong(format!("`{}` is a whole record, quotes and all", word.text), "quoted twice");
                ZoneTextMistake { help: Some("write {dkim:…} without quotes and alone".into()), ..mistake }
            }
            _ => word.is_not(&what),
        });
    }
    Ok(())
}

fn address(word: &Token<'_>, what: &str) -> ZoneTextMistake {
    let mistake = word.wrong(format!("`{}` is an address", word.text), format!("expected {what}"));
    ZoneTextMistake { help: Some("write {name:…} for the name of a host".into()), ..mistake }
}

/// Checks an owner: relative, `@`, or full with a final dot (RFC 1035 §2.3.4 for the lengths).
pub(super) fn owner(word: &Token<'_>, written: &zonefile::Token, origin: &Name) -> Result<(), ZoneTextMistake> {
    if word.has_reference() {
        return match word.reference() {
            Some(Reference::Address(_)) => Err(address(word, "an owner")),
            Some(Reference::Name(_) | Reference::DkimTarget { .. }) | None => Ok(()),
            Some(_) => Err(word.is_not("an owner")),
        };
    }
    if written.quoted {
        return Err(word.is_not("an owner"));
    }
    match Name::parse_relative(&written.text, origin) {
        Ok(_) => Ok(()),
        Err(error) => Err(not_a_name(word, error)),
    }
}

fn not_a_name(word: &Token<'_>, error: NameError) -> ZoneTextMistake {
    let mistake = word.wrong(format!("`{}` is not a name", shown(word.text)), format!("{error}"));
    let help = (error == NameError::NotAscii).then(|| "write names in their ASCII form, xn--…".to_owned());
    ZoneTextMistake { help, ..mistake }
}

/// What is expected in a field, with the reference that may stand there.
fn expected(rtype: RecordType, what: &str) -> String {
    match rtype {
        RecordType::A | RecordType::AAAA => format!("{what} or {{host}}"),
        _ => what.to_owned(),
    }
}

/// A word in backticks, cut if it is long.
fn cut(found: String) -> String {
    match found.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(word) => format!("`{}`", shown(word)),
        None => found,
    }
}

/// A mistake in data in the words of a diagnostic.
fn mistake(text: &str, rtype: RecordType, error: DataError) -> ZoneTextMistake {
    let word = Token::at(text, &error.span);
    match error.problem {
        DataProblem::Missing(what) => {
            let what = expected(rtype, what);
            word.wrong(format!("{what} is missing"), format!("expected {what} after this"))
        }
        DataProblem::Surplus(surplus) => {
            word.wrong(format!("`{}` is one too many", shown(&surplus)), "expected the end of the record")
        }
        DataProblem::Name(_, error) => not_a_name(&word, error),
        DataProblem::Not { found, expected: what } => {
            let what = expected(rtype, &what);
            let says = if found.starts_with('`') { "is not" } else { "is too long; expected" };
            word.wrong(format!("{} {says} {what}", cut(found)), format!("expected {what}"))
        }
    }
}
