//! DKIM: random messages, signed by ours and by dkimpy, changed, and verified by both.

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use data_encoding::BASE64;
use jiff::Timestamp;
use mxlab_auth::dkim::canonical::Canonicalization;
use mxlab_auth::dkim::signed_fields::{FieldIndex, OwnField};
use mxlab_auth::dkim::verify::verify;
use mxlab_auth::dkim::{Policy, Signer, SigningKey, Verification};
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;

mod differences;
mod dkimpy;
mod plan;

use crate::pairs::{Counts, Run};
use differences::{DIFFERENCES, Observed, explain};
use dkimpy::Dkimpy;
use plan::{Author, Case, Change, Key};

/// When everything happens, in seconds since 1970.
pub const NOW: i64 = 1_790_000_000;
pub const DOMAIN: &str = "example.com";
pub const SELECTOR: &str = "sel";

/// RFC 8463 appendix A.1.
const RSA_KEY: &str = include_str!("../../crates/auth/src/dkim/testkeys/rfc8463-rsa.pem");
const SEED: [u8; 32] = [7; 32];

/// dkimpy's result for a signature.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub passed: bool,
    pub why: String,
}

/// What happened so far.
#[derive(Default)]
struct Tally {
    counts: Counts,
    unsigned: usize,
}

/// Runs the cases; says so and ends when dkimpy cannot be run.
///
/// # Errors
/// Both differ and no entry explains it, or dkimpy does not respond.
pub fn run(run: Run, python: &Path) -> Result<String, String> {
    let dkimpy = match Dkimpy::start(python) {
        Ok(dkimpy) => RefCell::new(dkimpy),
        Err(why) => return Ok(format!("skipped: {why}\n")),
    };
    let tally = RefCell::new(Tally::default());
    run.each(
        "dkim",
        &plan::cases(),
        |case| check(case, &mut dkimpy.borrow_mut(), run.survey, &mut tally.borrow_mut()),
        |case| format!("{case:?}"),
    )?;
    let Tally { counts, unsigned } = tally.into_inner();
    let known = counts.differences(DIFFERENCES.iter().map(|difference| (difference.name, difference.explanation)));
    let Run { cases, seed, .. } = run;
    let head = format!("{cases} cases from seed {seed}\n{unsigned:>8} that dkimpy does not sign\n");
    Ok(head + &counts.agreements() + &known)
}

fn check(case: &Case, dkimpy: &mut Dkimpy, survey: bool, tally: &mut Tally) -> Result<(), String> {
    let key = key(case.signing.key);
    let record = key.record();
    let record = format!("{} {}", case.record, record.trim_start_matches("v=DKIM1; "));
    let message = [case.header.concat().as_bytes(), b"\r\n", case.body.as_bytes()].concat();
    let field = match case.signing.author {
        Author::Dkimpy => {
            dkimpy.sign(&message, &case.signing, &key_text(case.signing.key)).map_err(|e| e.to_string())?
        }
        author => Some(our_field(case, key, &message, author)?),
    };
    let Some(field) = field else {
        tally.unsigned += 1;
        return Ok(());
    };
    let message = changed(&[field, message].concat(), &case.change);
    let ours = verified(&record, &message);
    let theirs = dkimpy.verify(&message, &record).map_err(|error| format!("dkimpy: {error}"))?;
    let word = match &ours {
        None => "no signature".to_owned(),
        Some(Verification { outcome: Ok(()), .. }) => "pass".to_owned(),
        Some(Verification { outcome: Err(failure), .. }) => failure.word().to_owned(),
    };
    let unchanged =
        matches!(case.change, Change::Nothing) && matches!(case.signing.author, Author::Ours | Author::Dkimpy);
    if (word == "pass") == theirs.passed {
        tally.counts.agreed(&word);
        let must_pass = unchanged && matches!(case.record, "" | "v=DKIM1;" | "h=sha256;" | "s=email;" | "t=y;");
        return if must_pass && word != "pass" { Err(format!("what is signed fails: {ours:?}")) } else { Ok(()) };
    }
    let observed = Observed { case, message: &message, ours: ours.as_ref(), word: &word, theirs: &theirs };
    if let Some(difference) = explain(&observed) {
        tally.counts.accepted(difference.name);
        return Ok(());
    }
    let reasons = ours.as_ref().map(Verification::because).unwrap_or_default().join("; ");
    let message: String = message.iter().copied().map(char::from).collect();
    let example = format!("ours: {word} ({reasons})\ndkimpy: {theirs:?}\nrecord {record:?}\n{message:?}");
    if !survey {
        return Err(example);
    }
    // The reason without the details of the case.
    let short = |why: &str| why.split(['(', ':']).next().unwrap_or_default().to_owned();
    let reason = reasons.rsplit("malformed: ").next().filter(|_| word == "malformed").unwrap_or_default();
    let kind = format!("ours {word} {reason}, dkimpy {} {}", theirs.passed, short(&theirs.why));
    tally.counts.unexplained(kind, example);
    Ok(())
}

fn key(key: Key) -> SigningKey {
    match key {
        Key::Rsa => SigningKey::from_pem(RSA_KEY),
        Key::Ed25519 => SigningKey::from_ed25519_seed(&SEED),
    }
    .expect("the keys are keys")
}

/// A key as dkimpy takes it.
fn key_text(key: Key) -> String {
    match key {
        Key::Rsa => RSA_KEY.to_owned(),
        Key::Ed25519 => BASE64.encode(&SEED),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("the time is in range")
}

/// A field of our signer, or one in an odd layout.
fn our_field(case: &Case, key: SigningKey, message: &[u8], author: Author) -> Result<Vec<u8>, String> {
    let parsed = Message::parse(message).map_err(|error| error.to_string())?;
    let (header, body) = case.signing.forms;
    let signer = Signer::new(key, DOMAIN, SELECTOR).map_err(|error| error.to_string())?;
    let signer = signer.with_canonicalization(Canonicalization { header, body });
    let signer = signer.with_fields(&case.signing.fields).map_err(|error| error.to_string())?;
    let signer = if case.signing.length { signer.with_body_length() } else { signer };
    let field = signer.sign(&parsed, now()).map_err(|error| error.to_string())?;
    let Author::Odd { change, order, blanks, semicolon } = author else { return Ok(field.into_bytes()) };
    odd_field(case, &field, &parsed, change, order, blanks, semicolon).map(String::into_bytes)
}

/// The tags of `field` in another layout, with one of them changed or one added, and signed again.
fn odd_field(
    case: &Case,
    field: &str,
    message: &Message<'_>,
    (name, value): (&'static str, &'static str),
    order: u8,
    (before, behind): (&str, &str),
    semicolon: bool,
) -> Result<String, String> {
    let (_, list) = field.split_once(':').ok_or("a field has a colon")?;
    let list = TagList::parse(list.as_bytes()).map_err(|error| error.to_string())?;
    let mut tags: Vec<(&str, &str)> = list.tags().iter().map(|tag| (tag.name(), tag.value())).collect();
    tags.retain(|(tag, _)| *tag != name && *tag != "b");
    if !name.is_empty() {
        tags.push((name, value));
    }
    let turn = usize::from(order) % tags.len();
    tags.rotate_left(turn);
    tags.insert(usize::from(order / 16) % (tags.len() + 1), ("b", ""));
    let written: Vec<String> =
        tags.iter().map(|(name, value)| format!("{before}{name}{behind}={behind}{value}{before}")).collect();
    let end = if semicolon { ";" } else { "" };
    let unsigned = format!("DKIM-Signature:{}{end}\r\n", written.join(";"));
    let Ok(parsed) = Message::parse(unsigned.as_bytes()) else { return Ok(unsigned) };
    let Some(own) = parsed.fields().next() else { return Ok(unsigned) };
    // A field that is not a signature needs none.
    let Ok(list) = TagList::parse(own.raw_value()) else { return Ok(unsigned) };
    let Some(span) = list.tag("b").map(|tag| tag.value_span()) else { return Ok(unsigned) };
    let names = list.value("h").unwrap_or_default().split(':').map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<String> = names.collect();
    let forms = list.value("c").and_then(Canonicalization::parse).unwrap_or(Canonicalization::DEFAULT);
    let own = OwnField { field: own, number: None, signature: span.clone() };
    let data = FieldIndex::new(message).signed_data(forms.header, &names, &own);
    let signature = BASE64.encode(&key(case.signing.key).sign(&data).map_err(|error| error.to_string())?);
    let at = "DKIM-Signature:".len() + span.start + behind.len();
    let (first, second) = unsigned.split_at_checked(at).ok_or("the span lies within")?;
    Ok(format!("{first}{signature}{second}"))
}

fn changed(message: &[u8], change: &Change) -> Vec<u8> {
    let mut octets = message.to_vec();
    let length = octets.len();
    match change {
        Change::Nothing => {}
        Change::Replace(at, octet) => octets[at.index(length)] = *octet,
        Change::Insert(at, text) => {
            let at = at.index(length);
            octets.splice(at..at, text.bytes());
        }
        Change::Delete(at) => {
            octets.remove(at.index(length));
        }
        Change::Cut(at) => octets.truncate(at.index(length)),
        Change::Append(text) => octets.extend(text.bytes()),
        Change::OnTop(field) => {
            octets.splice(0..0, field.bytes());
        }
    }
    octets
}

/// The key record.
struct Record<'a>(&'a str);

impl Dns for Record<'_> {
    fn lookup<'a>(&'a self, name: &'a str, _: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let found = name == format!("{SELECTOR}._domainkey.{DOMAIN}");
        let answer = if found { Ok(vec![Data::Txt(self.0.as_bytes().to_vec())]) } else { Err(DnsError::NxDomain) };
        Box::pin(std::future::ready(answer))
    }
}

/// Our result for the first signature; none if there is none.
fn verified(record: &str, message: &[u8]) -> Option<Verification> {
    let message = Message::parse(message).ok()?;
    let record = Record(record);
    let policy = Policy::default();
    let future = pin!(verify(&record, &message, now(), &policy));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(verifications) => verifications.into_iter().next(),
        Poll::Pending => None,
    }
}
