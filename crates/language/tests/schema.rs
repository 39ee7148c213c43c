//! The schema for editors matches the types.

use mxlab_language::schema;

#[test]
fn committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/scenario.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == schema::text(), "run `cargo xtask schema`");
}
