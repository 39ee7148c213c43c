//! Text as the value of each field of authentication: what is read is written and read again as the same, folded too, and
//! the positions of mistakes are within the text.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use mxlab_mail::authres::microsoft::organization::{
    AuthAs, ExpirationInterval, MessageDirectionality, PhishingConfidenceLevel, SpamConfidenceLevel,
};
use mxlab_mail::authres::microsoft::{AntispamReport, ArcAuthenticationResults, LaidOut};
use mxlab_mail::authres::rfc8601::{ArcInfo, ParseError, Payload};
use mxlab_mail::authres::{ArcField, AuthenticationResults, Field, MAX_LENGTH, ReceivedSpf};
use mxlab_mail::headers::{Message, folded};

fuzz_target!(|value: &str| {
    standard::<Payload>(value);
    standard::<ArcInfo>(value);
    again::<Field>(value);
    again::<ArcField>(value);
    again::<LaidOut>(value);
    again::<AuthenticationResults>(value);
    again::<ArcAuthenticationResults>(value);
    again::<ReceivedSpf>(value);
    again::<AntispamReport>(value);
    again::<ExpirationInterval>(value);
    again::<MessageDirectionality>(value);
    again::<AuthAs>(value);
    again::<SpamConfidenceLevel>(value);
    again::<PhishingConfidenceLevel>(value);
});

fn standard<T: FromStr<Err = ParseError> + Display + Debug + PartialEq>(value: &str) {
    match value.parse::<T>() {
        Ok(_) => again::<T>(value),
        Err(error) => assert!(value.is_char_boundary(error.position), "{error}"),
    }
}

fn again<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(value: &str) {
    let Ok(read) = value.parse::<T>() else { return };
    let written = read.to_string();
    // The canonical form may have more blanks than what was read.
    if written.len() > MAX_LENGTH {
        return;
    }
    assert_eq!(written.parse::<T>().expect("it was written"), read, "{written}");
    let field = folded("X", &written);
    let message = Message::parse(field.as_bytes()).expect("one field is within the limits");
    // A field's value has no blanks at its ends; a value of Microsoft's may end with one.
    let unfolded = message.field("X").expect("the field is there").value();
    assert_eq!(unfolded, written.trim_matches([' ', '\t']));
    unfolded.parse::<T>().expect("folding changes nothing");
}
