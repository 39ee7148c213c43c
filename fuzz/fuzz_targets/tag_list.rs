//! A tag list, read as that, as a signature and as a key record: values are parts of the input, and what is read can be
//! written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_auth::dkim::key::{KeyRecord, Material, PublicKey};
use mxlab_auth::dkim::signature::{Algorithm, MAX_SIGNED_FIELDS, Signature};
use mxlab_mail::tag_list::{MAX_TAGS, TagList};

fuzz_target!(|input: &[u8]| {
    if let Ok(record) = KeyRecord::parse(input)
        && let Material::Key(key) = record.material
    {
        if let PublicKey::Rsa(key) = &key {
            assert!(key.bits() > 0);
        }
        // No key makes a signature like this.
        assert!(!key.verifies(Algorithm::RsaSha256, input, input));
        assert!(!key.verifies(Algorithm::Ed25519Sha256, input, input));
    }
    let Ok(list) = TagList::parse(input) else { return };
    assert!((1..=MAX_TAGS).contains(&list.tags().len()));
    for tag in list.tags() {
        let span = std::str::from_utf8(&input[tag.value_span()]).expect("a list is text");
        assert_eq!(span.trim_matches([' ', '\t', '\r', '\n']), tag.value());
        assert_eq!(list.value(tag.name()), Some(tag.value()));
    }
    let pairs = |list: &TagList<'_>| -> Vec<(String, String)> {
        list.tags().iter().map(|tag| (tag.name().to_owned(), tag.value().to_owned())).collect()
    };
    let read = pairs(&list);
    let written: Vec<String> = read.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(TagList::parse(written.join(";").as_bytes()).map(|list| pairs(&list)), Ok(read));
    if let Ok(signature) = Signature::parse(&list) {
        assert!(signature.message.signed_fields.len() <= MAX_SIGNED_FIELDS);
        assert!(signature.identity.domain.is_within(&signature.message.domain));
    }
});
