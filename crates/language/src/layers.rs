//! Laying a file over its world (reference section 8).

use indexmap::IndexMap;
use toml::de::DeValue;

use super::diagnostics::Diagnostic;
use super::tree::{self, Node, Table};

/// A file and its world as one tree.
pub(crate) struct Layers<'t> {
    /// Everything except the zone texts of the world.
    pub(crate) tree: Table<'t>,
    /// The zone texts of the world, by zone. They are kept separately, because they are merged by RRset when the text
    /// is read.
    pub(crate) world_records: IndexMap<String, Node<'t>>,
}

/// What a world holds.
const DECLARATIONS: [&str; 14] = [
    "title", "story", "epoch", "sender", "receiver", "resolver", "tenant", "zone", "host", "cert", "ca", "key", "link",
    "message",
];

/// Merges by key; the file's value wins.
pub(crate) fn lay<'t>(file: Table<'t>, world: Option<Table<'t>>, mistakes: &mut Vec<Diagnostic>) -> Layers<'t> {
    let Some(world) = world else {
        return Layers { tree: file, world_records: IndexMap::new() };
    };
    for (key, _) in &world {
        if !DECLARATIONS.contains(&key.get_ref().as_ref()) {
            let message = format!("a world cannot have `{}`", key.get_ref());
            let label = "a world holds declarations only";
            mistakes.push(Diagnostic::error("world", message, tree::key_span(key), label));
        }
    }
    let kept = |key: &str| DECLARATIONS.contains(&key) && !matches!(key, "title" | "story");
    let mut world: Table<'t> = world.into_iter().filter(|(key, _)| kept(key.get_ref())).collect();
    let mut world_records = IndexMap::new();
    if let Some(DeValue::Table(zones)) = world.get_mut("zone").map(|zones| zones.get_mut()) {
        for (name, zone) in zones.iter_mut() {
            if let DeValue::Table(zone) = zone.get_mut()
                && let Some(records) = zone.remove("records")
            {
                world_records.insert(name.get_ref().to_lowercase(), records);
            }
        }
    }
    Layers { tree: merge(world, file), world_records }
}

fn merge<'t>(mut below: Table<'t>, above: Table<'t>) -> Table<'t> {
    for (key, value) in above {
        match below.get_mut(key.get_ref().as_ref()) {
            None => {
                below.insert(key, value);
            }
            Some(old) => {
                let range = value.span();
                let merged = match (std::mem::replace(old.get_mut(), DeValue::Boolean(false)), value.into_inner()) {
                    (DeValue::Table(old), DeValue::Table(new)) => DeValue::Table(merge(old, new)),
                    (_, new) => new,
                };
                *old = toml::Spanned::new(range, merged);
            }
        }
    }
    below
}
