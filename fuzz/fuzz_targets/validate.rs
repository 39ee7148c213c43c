//! Arbitrary packets as answers to the queries of the validating resolver.
//!
//! The first octet picks the question. Packets follow, each after its length in two octets; each query of the resolver
//! gets the next one, with the query's id and question in place of its own, so that it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_fuzz::{QUESTIONS, lookup};

fuzz_target!(|input: &[u8]| {
    let Some((first, mut rest)) = input.split_first() else { return };
    let mut packets: Vec<Vec<u8>> = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (packet, after) = after.split_at(length);
        packets.push(packet.to_vec());
        rest = after;
    }
    let question = &QUESTIONS[usize::from(*first) % QUESTIONS.len()];
    lookup(question, move |query, number| {
        let packet = packets.get(number as usize)?;
        let (header, records) = packet.split_first_chunk::<12>()?;
        let mut answer = header.to_vec();
        answer[..2].copy_from_slice(&query[..2]);
        answer[2] |= 0x80;
        answer[4..6].copy_from_slice(&[0, 1]);
        answer.extend_from_slice(question_of(query));
        answer.extend_from_slice(records);
        Some(answer)
    });
});

/// The octets of the question: a name, a type, a class. An OPT record may follow.
fn question_of(query: &[u8]) -> &[u8] {
    let mut end = 12;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    &query[12..end + 5]
}
