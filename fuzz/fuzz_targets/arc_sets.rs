//! A message and a key record: its chain is validated, a set is added, and the chain validated again.
//!
//! The input: an octet that picks the status to seal with and the layout, a key record up to a zero octet, then the
//! message. Nothing panics; lookups stay within their bound; a chain fails if, and only if, there is a reason; and a set
//! that is added to a chain that passes, or to none, makes one that passes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_auth::arc::{
    Cause, Chain, ChainStatus, Failure, Layout, MAX_INSTANCE, Policy, SealError, Sealer, local_results, validate,
};
use mxlab_fuzz::mail::{Records, at_once, key, now, record_and_message};
use mxlab_mail::Message;

fn validated(record: &[u8], message: &Message<'_>) -> Chain {
    let records = Records::new(record);
    let chain = at_once(validate(&records, message, now(), &Policy::default()));
    assert!(records.asked() <= 2 * usize::from(MAX_INSTANCE));
    assert_eq!(chain.failure.is_some(), chain.status == ChainStatus::Fail);
    assert!(chain.sets.len() <= usize::from(MAX_INSTANCE));
    assert!(!chain.because().is_empty());
    if chain.status == ChainStatus::Pass {
        assert!(chain.sets.iter().all(|set| set.seal_check.holds()));
        assert!(chain.newest().is_some_and(|set| set.message_signature_check.holds()));
    }
    chain
}

fn newest_message_fails(chain: &Chain) -> bool {
    matches!(chain.failure, Some(Failure { cause: Cause::MessageSignature(_), .. }))
}

fuzz_target!(|input: &[u8]| {
    let Some((&flags, rest)) = input.split_first() else { return };
    let (record, text) = record_and_message(rest);
    let Ok(message) = Message::parse(text) else { return };
    let before = validated(record, &message);
    let status = match flags % 4 {
        3 => before.status,
        picked => ChainStatus::ALL[usize::from(picked)],
    };
    let layout = if flags & 4 == 0 { Layout::Folded } else { Layout::Plain };
    let sealer = Sealer::new(key(), "hop.example", "sel").expect("the names are names").with_layout(layout);
    let results = local_results(&message, "hop.example");
    let set = match sealer.seal(&message, &results, status, now()) {
        Ok(set) => set,
        Err(error) => {
            assert!(
                status != before.status
                    || matches!(error, SealError::AlreadyFailed { .. } | SealError::Full | SealError::TooLong)
            );
            return;
        }
    };
    let sealed = [set.header().as_bytes(), text].concat();
    // A message that begins with a continuation changes the field before it.
    if matches!(text.first(), Some(b' ' | b'\t')) {
        return;
    }
    let Ok(message) = Message::parse(&sealed) else { return };
    let after = validated(record, &message);
    if status == before.status && status != ChainStatus::Fail {
        assert_eq!(after.status, ChainStatus::Pass, "{:?}", after.because());
        assert_eq!(after.sets.len(), before.sets.len() + 1);
    } else if status == ChainStatus::Pass && newest_message_fails(&before) {
        // Only the newest message signature counts (RFC 8617 §5.2 step 4): a sealer with cv=pass vouches for the older
        // ones.
    } else {
        assert_eq!(after.status, ChainStatus::Fail);
    }
    if status == ChainStatus::Fail {
        match sealer.seal(&message, &results, status, now()) {
            Err(SealError::AlreadyFailed { instance }) => assert_eq!(instance, set.instance),
            again => assert_eq!(again, Err(SealError::Full)),
        }
    }
});
