//! Records that mean something, but hardly what their author meant: warnings.

use mxlab_dns::Name;
use mxlab_dns::zonefile::{self, FieldKind, Line, Token};

use super::Cell;
use crate::content::Content;
use crate::diagnostics::Diagnostic;
use crate::spanned::Spanned;
use crate::values::ZoneText;

/// How the texts of mail policies begin.
const POLICIES: [&str; 5] = ["v=spf1", "v=dmarc1", "v=dkim1", "v=stsv1", "v=tlsrptv1"];

pub(super) fn check(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for (name, zone) in &cell.file.zone {
        zone.records.iter().for_each(|text| doubts(cell, name, text, mistakes));
    }
    for publish in cell.file.at.iter().filter_map(|entry| entry.publish.as_ref()) {
        for text in publish.replace.iter().chain(&publish.add) {
            doubts(cell, &publish.zone, text, mistakes);
        }
    }
}

fn doubts(cell: &Cell<'_>, zone: &str, text: &Spanned<ZoneText>, mistakes: &mut Vec<Diagnostic>) {
    let content = Content::of(cell.sources, text.span(), text);
    for line in zonefile::lines(text).0 {
        if let Some(found) = comment(text, &line, content) {
            mistakes.push(found);
        } else if let Some(found) = split(&line, content) {
            mistakes.push(found);
        }
        mistakes.extend(twice_the_zone(zone, &line, content));
    }
}

fn words_of_txt(line: &Line) -> Option<&[Token]> {
    let body = line.body.as_ref().ok()?;
    body.rtype.text.eq_ignore_ascii_case("TXT").then_some(body.data.as_slice())
}

/// A text without quotes ends at a semicolon: the rest of the line is a comment.
fn comment(text: &str, line: &Line, content: Content) -> Option<Diagnostic> {
    let last = words_of_txt(line)?.last().filter(|last| !last.quoted)?;
    let rest = text.get(last.span.end..)?.lines().next()?;
    let comment = rest.trim_end();
    if !comment.trim_start().starts_with(';') || comment.trim_start().len() < 2 {
        return None;
    }
    let at = last.span.end + (rest.len() - rest.trim_start().len());
    let place = content.at(at..last.span.end + comment.len());
    let message = "this part of the TXT record is a comment";
    let found = Diagnostic::warning("unquoted-text", message, place, "left out of the record");
    Some(found.help("put the text in quotes: \"v=DMARC1; p=reject\""))
}

/// Words without quotes are strings of their own, and are joined without a blank (RFC 7208 §3.3).
fn split(line: &Line, content: Content) -> Option<Diagnostic> {
    let words = words_of_txt(line)?;
    let [first, .., last] = words else { return None };
    let policy = POLICIES.iter().any(|policy| first.text.to_ascii_lowercase().starts_with(policy));
    if !policy || words.iter().any(|word| word.quoted) {
        return None;
    }
    let joined: String = words.iter().map(|word| word.text.as_str()).collect();
    let message = format!("this TXT record says `{}`", crate::check::shown(&joined));
    let place = content.at(first.span.start..last.span.end);
    let found = Diagnostic::warning("unquoted-text", message, place, "each word is a string of its own");
    Some(found.help("put the text in quotes: \"v=spf1 -all\""))
}

/// A name that ends with the name of its own zone, without the final dot that would make it full.
fn twice_the_zone(zone: &str, line: &Line, content: Content) -> Option<Diagnostic> {
    let origin: Name = zone.parse().ok().filter(|origin: &Name| !origin.is_root())?;
    let body = line.body.as_ref().ok()?;
    let rtype = body.rtype.text.parse().ok()?;
    let assigned = zonefile::assign(rtype, &body.rtype.span, &body.data).ok()?;
    let names = assigned.fields.iter().filter(|(field, _)| field.kind == FieldKind::Name).flat_map(|(_, own)| *own);
    let doubtful = |token: &&Token| {
        let full: Option<Name> = token.text.parse().ok();
        !token.text.ends_with('.') && full.is_some_and(|full| full.is_subdomain_of(&origin))
    };
    let token = line.owner.iter().chain(names).find(doubtful)?;
    let (written, zone) = (&token.text, zone.to_ascii_lowercase());
    let message = format!("`{written}` is {written}.{zone}");
    let found = Diagnostic::warning("twice-the-zone", message, content.at(token.span.clone()), "without a final dot");
    let short = written.len().checked_sub(zone.len() + 1).and_then(|length| written.get(..length));
    let short = short.filter(|short| !short.is_empty()).unwrap_or("@");
    Some(found.help(format!("write `{written}.` or `{short}`")))
}
