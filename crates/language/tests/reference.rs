//! `docs/language.md` is the reference that is made from the types.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::path::Path;

use mxlab_language::reference::{entries, page};

#[test]
fn the_docs_hold_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("docs/language.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/language.md is out of date; UPDATE_DOCS=1 writes it");
}

/// Every entry and field is described in a sentence.
#[test]
fn descriptions_are_sentences() {
    let check = |what: &str, meaning: &str| {
        assert!(meaning.ends_with('.'), "{what}: {meaning}");
        assert!(meaning.starts_with(|c: char| c.is_uppercase() || c == '`'), "{what}: {meaning}");
        assert!(!meaning.contains("  ") && !meaning.contains('\n'), "{what}: {meaning}");
    };
    for entry in entries() {
        check(&entry.name, &entry.meaning);
        for field in &entry.fields {
            check(&format!("{}.{}", entry.name, field.name), &field.meaning);
            field.words.iter().for_each(|(word, meaning)| check(word, meaning));
        }
    }
}
