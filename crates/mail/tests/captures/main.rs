//! Every documented example and every captured header field is read into its type and written back unchanged, from the
//! value alone; also folded and unfolded.

mod table;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use mxlab_mail::authres::microsoft::arc::{ArcClause, ArcDkim, ArcDmarc};
use mxlab_mail::authres::microsoft::organization::{
    AuthAs, ExpirationInterval, MessageDirectionality, PhishingConfidenceLevel, SpamConfidenceLevel,
};
use mxlab_mail::authres::microsoft::{AntispamReport, LaidOut};
use mxlab_mail::authres::{ArcField, AuthenticationResults, Field, ReceivedSpf};
use mxlab_mail::headers::{Message, folded};
use mxlab_mail::tag_list::TagList;
use table::{CAPTURED, CAPTURED_ARC_CLAUSES, DOCUMENTED, Row};

/// The value, read as `T` and written.
fn again<T: FromStr<Err: Display> + Display>(value: &str) -> Result<String, String> {
    value.parse::<T>().map(|read| read.to_string()).map_err(|error| error.to_string())
}

/// The same for a list of tags, which may end with a semicolon.
fn tags_again(value: &str) -> Result<String, String> {
    let list = TagList::parse(value.as_bytes()).map_err(|error| error.to_string())?;
    let tags: Vec<String> = list.tags().iter().map(|tag| format!("{}={}", tag.name(), tag.value())).collect();
    Ok(tags.join("; ") + if value.ends_with(';') { ";" } else { "" })
}

/// The value of the field `name`, read as its type and written.
fn field_again(name: &str, value: &str) -> Result<String, String> {
    match name {
        "Authentication-Results" | "Authentication-Results-Original" => again::<Field>(value),
        "X-MS-Exchange-Authentication-Results" => again::<LaidOut>(value),
        "ARC-Authentication-Results" => again::<ArcField>(value),
        "ARC-Seal" | "ARC-Message-Signature" | "DKIM-Signature" => tags_again(value),
        "Received-SPF" => again::<ReceivedSpf>(value),
        "X-Forefront-Antispam-Report"
        | "X-Forefront-Antispam-Report-Untrusted"
        | "X-Microsoft-Antispam"
        | "X-Microsoft-Antispam-Mailbox-Delivery" => again::<AntispamReport>(value),
        "X-MS-Exchange-Organization-ExpirationInterval" => again::<ExpirationInterval>(value),
        "X-MS-Exchange-Organization-MessageDirectionality" => again::<MessageDirectionality>(value),
        "X-MS-Exchange-Organization-AuthAs" => again::<AuthAs>(value),
        "X-MS-Exchange-Organization-SCL" => again::<SpamConfidenceLevel>(value),
        "X-MS-Exchange-Organization-PCL" => again::<PhishingConfidenceLevel>(value),
        _ => Err("no type for this field".to_owned()),
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    DOCUMENTED.iter().chain(CAPTURED)
}

#[test]
fn read_and_written_back() {
    for (sample, name, value) in rows() {
        assert_eq!(field_again(name, value).as_deref(), Ok(*value), "{sample} {name}: {value}");
    }
}

#[test]
fn folded_and_unfolded() {
    for (sample, name, value) in rows() {
        let field = folded(name, value);
        for line in field.split_terminator("\r\n") {
            let one_word = !line.trim_start().trim_start_matches(&format!("{name}: ")).contains(' ');
            assert!(line.len() <= 78 || one_word, "{sample}: {line}");
        }
        let message = Message::parse(field.as_bytes()).expect("a field");
        let unfolded = message.field(name).expect("the field").value();
        // A blank at the end is not part of a value (RFC 5322 §2.2).
        assert_eq!(unfolded, value.trim_end_matches(' '), "{sample}");
        assert_eq!(field_again(name, &unfolded).as_ref(), Ok(&unfolded), "{sample}");
    }
}

#[test]
fn clauses_among_what_was_left_out() {
    for (method, clause) in CAPTURED_ARC_CLAUSES {
        let written = match *method {
            "dkim" => again::<ArcDkim>(clause),
            "dmarc" => again::<ArcDmarc>(clause),
            _ => again::<ArcClause>(clause),
        };
        assert_eq!(written.as_deref(), Ok(*clause));
    }
}

/// The tables are complete.
#[test]
fn all_samples() {
    let documented: BTreeSet<_> = DOCUMENTED.iter().map(|(sample, _, _)| (*sample).to_owned()).collect();
    assert_eq!(documented, (1..=17).map(|number| format!("E{number}")).collect());
    let captured: BTreeSet<_> = CAPTURED.iter().map(|(sample, _, _)| sample.trim_end_matches('b').to_owned()).collect();
    let numbers = [
        1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 18, 23, 24, 26, 27, 28, 29, 30, 31, 32, 34, 35, 36, 38, 39, 40, 41,
        42, 44, 48,
    ];
    assert_eq!(captured, numbers.into_iter().map(|number| format!("S-{number:02}")).collect());
    assert_eq!((DOCUMENTED.len(), CAPTURED.len()), (19, 94));
}

/// The layouts of today and of before 2021 are made from the results alone.
#[test]
fn layouts_are_made_from_results() {
    let (mut current, mut before) = (0, 0);
    for (sample, name, value) in rows().filter(|(_, name, _)| name.ends_with("Authentication-Results")) {
        let Ok(laid_out) = value.parse::<LaidOut>() else { continue };
        let Ok(results) = laid_out.results() else { continue };
        let made = match laid_out.recipient() {
            None => LaidOut::current(&results),
            Some(recipient) => LaidOut::before_2021(&results, recipient),
        };
        match (laid_out == made, laid_out.recipient()) {
            (true, None) => current += 1,
            (true, Some(_)) => before += 1,
            // Typed by hand (S-06), changed by hand (S-11), or printed with other blanks.
            (false, _) => assert!(["E9", "E13", "E14", "S-06", "S-11"].contains(sample), "{sample} {name}: {value}"),
        }
        assert_eq!(value.parse::<AuthenticationResults>(), Ok(results), "{sample}");
    }
    assert_eq!((current, before), (22, 11));
}
