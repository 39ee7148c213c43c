//! A message split into fields: no octet is lost, and values are unfolded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_mail::Message;
use mxlab_mail::headers::{Line, MAX_HEADER, MAX_LINES};

fuzz_target!(|input: &[u8]| {
    let Ok(message) = Message::parse(input) else {
        let lines = input.iter().filter(|octet| **octet == b'\n').count();
        assert!(input.len() > MAX_HEADER || lines > MAX_LINES, "only what is too large is not split");
        return;
    };
    let lines = message.lines().iter().flat_map(Line::raw);
    let whole: Vec<u8> = lines.chain(message.separator()).chain(message.body()).copied().collect();
    assert_eq!(whole, input);
    for field in message.fields() {
        assert!(!field.name().is_empty() && field.name().bytes().all(|octet| octet.is_ascii_graphic()));
        assert!(field.raw().ends_with(field.raw_value()));
        assert!(!field.value().contains(['\r', '\n']));
    }
    let _ = message.author();
    let _ = message.message_id();
});
