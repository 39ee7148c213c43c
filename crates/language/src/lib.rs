//! The scenario file: from its text to typed cells, or to all its mistakes.
//!
//! A file is TOML 1.0. [`read`] parses it with recovery, lays it over its world, puts the values of the axes in place
//! for each cell, compares the tree with the schema that is generated from the types, decodes it, and resolves its
//! names. All mistakes are reported at once, each with its place, what was expected there, and the nearest known name.
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | [`File`], the root of the schema, and [`Scenario`], what the runner takes |
//! | [`declarations`] | engines, tenants, zones, hosts, certificates, keys, links, messages |
//! | [`script`], [`faults`] | `[[at]]` entries and their verbs; kinds of faults and the fields they take |
//! | [`expectations`] | `[[expect]]` and `[[never]]` |
//! | [`values`], [`words`] | scalars with a syntax of their own; fields that take one of a few words |
//! | [`zone_text`] | zone text with references: syntax, merging, substitution |
//! | [`diagnostics`] | mistakes as data, and their rendering |
//! | [`mod@reference`] | what each word of the language is: `docs/language.md` |
//!
//! Nothing here runs anything, and nothing here reads a file except [`WorldDirectory`].

mod assemble;
mod axes;
mod check;
mod content;
pub mod declarations;
pub mod diagnostics;
pub mod expectations;
pub mod faults;
mod layers;
mod names;
mod nearest;
pub mod reference;
pub mod references;
mod rules;
pub mod scenario;
pub mod schema;
pub mod script;
mod spanned;
mod tree;
mod unused;
pub mod values;
mod word;
pub mod words;
mod work;
pub mod zone_text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::de::{DeValue, ValueDeserializer};

use axes::{Axis, Substitution};
use check::Check;
pub use diagnostics::{Cells, Diagnostic, Diagnostics, Position, Severity, Source, Sources};
use names::Names;
pub use scenario::{Addressed, File, Scenario};
pub use schema::schema;
pub use spanned::{Span, Spanned};
use tree::{Node, Table};
use values::TextKind;

/// The source of worlds.
pub trait WorldSource {
    /// The text of the world called `name`, with the path under which it is shown.
    fn world(&self, name: &str) -> Option<Source>;
    /// The names of all worlds.
    fn names(&self) -> Vec<String>;
}

/// A file that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Warnings, which do not stop a run.
    pub warnings: Diagnostics,
    /// The cells, in the order of the axes' values; a file without axes has one.
    pub cells: Vec<Cell>,
    /// The texts that all spans point into.
    pub sources: Arc<Sources>,
}

/// One combination of the values of a file's axes.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What is appended to the file's id: `[stage=mail,how=kill]`, or nothing.
    pub suffix: String,
    /// The scenario.
    pub scenario: Scenario,
}

/// The most text of a file or a world: 1 MiB.
const MOST_TEXT: usize = 1 << 20;

/// Finds more mistakes in a cell: what a runner cannot do of it.
pub type More<'a> = &'a dyn Fn(&Scenario) -> Vec<Diagnostic>;

/// Reads the file `text`, which is shown as `path`, over the worlds of `worlds`. `behaviours` are the ids that `covers`
/// may name.
///
/// # Errors
/// All mistakes of the file, including warnings.
pub fn read(path: &str, text: &str, worlds: &dyn WorldSource, behaviours: &[&str]) -> Result<Loaded, Diagnostics> {
    read_for(path, text, worlds, behaviours, &|_| Vec::new())
}

/// Reads a file like [`read`], for somebody who finds `more` in each cell. What that finds is told beside the mistakes of
/// the file.
///
/// # Errors
/// All mistakes of the file, including warnings.
pub fn read_for(
    path: &str,
    text: &str,
    worlds: &dyn WorldSource,
    behaviours: &[&str],
    more: More<'_>,
) -> Result<Loaded, Diagnostics> {
    let mut sources = Sources::new(path, text);
    let mut mistakes = Vec::new();
    let Some(file) = parse(text, 0, &mut mistakes) else {
        let mut found = values_beside(text, &sources, &mistakes);
        mistakes.append(&mut found);
        return Err(Diagnostics::new(Arc::new(sources), mistakes));
    };
    let found = world(&file, worlds, &mut mistakes);
    let mut lost_world = found.is_none();
    let world_text = found.clone().flatten().map(|world| world.text);
    if let Some(world) = found.flatten() {
        sources.set_world(world);
    }
    let sources = Arc::new(sources);
    let world_tree = world_text.as_ref().and_then(|text| {
        let tree = parse(text, sources.world_offset(), &mut mistakes);
        lost_world |= tree.is_none();
        tree
    });
    let layers = layers::lay(file, world_tree, &mut mistakes);
    let mut reader = Reader { sources: &sources, behaviours, more, lost_world, mistakes };
    let cells = reader.cells(layers);
    let diagnostics = Diagnostics::new(sources.clone(), reader.mistakes);
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(Loaded { warnings: diagnostics, cells, sources }) }
}

/// Malformed values of a text that is not TOML, on lines that are. What else is wrong may follow from what is lost: a table
/// whose header is broken, for instance, leaves its keys to the one before it.
fn values_beside(text: &str, sources: &Sources, syntax: &[Diagnostic]) -> Vec<Diagnostic> {
    if text.len() > MOST_TEXT {
        return Vec::new();
    }
    let (mut tree, _) = tree::parse(text, 0);
    let mut check = Check::new(sources, &[]);
    check.file(&mut tree, schema::shape());
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |span: Span| starts.partition_point(|start| *start <= span.start);
    let broken: BTreeSet<usize> = syntax.iter().map(|mistake| line(mistake.primary.span)).collect();
    let mut found = check.mistakes;
    found.retain(|mistake| matches!(mistake.code, "bad-value" | "unknown-value"));
    found.retain(|mistake| !broken.contains(&line(mistake.primary.span)));
    found
}

/// Parses one text; nothing if it is not TOML.
fn parse<'t>(text: &'t str, offset: usize, mistakes: &mut Vec<Diagnostic>) -> Option<Table<'t>> {
    if text.len() > MOST_TEXT {
        let span = Span { start: offset, end: offset };
        let message = format!("{} bytes are more than the limit of {MOST_TEXT}", text.len());
        mistakes.push(Diagnostic::error("limit", message, span, "this text"));
        return None;
    }
    let (tree, errors) = tree::parse(text, offset);
    let whole = errors.is_empty();
    mistakes.extend(errors);
    whole.then_some(tree)
}

/// The world that the file names: `Some(None)` if it names none, `None` if there is no such world.
fn world(file: &Table<'_>, worlds: &dyn WorldSource, mistakes: &mut Vec<Diagnostic>) -> Option<Option<Source>> {
    let Some((node, name)) = file.get("world").and_then(|node| Some((node, tree::string(node)?))) else {
        return Some(None);
    };
    if let Some(world) = worlds.world(name) {
        return Some(Some(world));
    }
    let known = worlds.names();
    let found =
        Diagnostic::error("unknown-name", format!("there is no world `{name}`"), tree::span(node), "no such world");
    mistakes.push(found.maybe_help(nearest::help(name, known.iter().map(String::as_str))));
    None
}

struct Reader<'a> {
    sources: &'a Sources,
    behaviours: &'a [&'a str],
    more: More<'a>,
    /// Whether the world that the file names does not exist or cannot be read.
    lost_world: bool,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn has_errors(&self) -> bool {
        self.mistakes.iter().any(|mistake| mistake.severity == Severity::Error)
    }

    /// Reads all cells.
    fn cells<'t>(&mut self, layers: layers::Layers<'t>) -> Vec<Cell> {
        let mut tree = layers.tree;
        let axes = axes::take(&mut tree, &mut self.mistakes);
        let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
        axes::check_when(&tree, &axes, &mut self.mistakes);
        let mut used = BTreeSet::new();
        let mut cells = Vec::new();
        let mut found = InCells::default();
        for combination in axes::combinations(&axes) {
            let mut substitution = Substitution::new(&axes, &combination);
            let cell_tree = substitution.apply(&tree);
            used.append(&mut substitution.used);
            let mut mistakes = std::mem::take(&mut substitution.mistakes);
            let values = axes::names(&axes, &combination);
            let suffix = axes::suffix(&values);
            let scenario = self.cell(cell_tree, &layers.world_records, &axes, &names, values, &mut mistakes);
            mistakes.extend(scenario.iter().flat_map(|scenario| (self.more)(scenario)));
            found.add(&suffix, mistakes);
            cells.extend(scenario.map(|scenario| Cell { suffix, scenario }));
            // Nobody reads so many. The other cells have most of them again.
            if found.items.len() > MOST_FOUND {
                break;
            }
        }
        let all_read = found.cells == axes::combinations(&axes).len();
        self.mistakes.append(&mut found.into_mistakes());
        if all_read {
            axes::check_use(&axes, &used, &mut self.mistakes);
        }
        // A mistake elsewhere may be the reason why a cell has no expectation.
        if !self.has_errors() {
            self.bare_cells(&axes, &cells);
        }
        cells
    }

    /// Warns of cells to which no expectation applies.
    fn bare_cells(&mut self, axes: &[Axis<'_>], cells: &[Cell]) {
        let Some(first) = axes.first() else { return };
        let bare = |cell: &&Cell| cell.scenario.expects.is_empty() && cell.scenario.nevers.is_empty();
        // If all are, the file expects nothing at all, which is told once.
        let some = cells.iter().any(|cell| !bare(&cell));
        for cell in cells.iter().filter(bare).filter(|_| some) {
            let message = format!("no expectation applies to the cell {}", cell.suffix);
            let found = Diagnostic::warning("bare-cell", message, first.span, "this matrix");
            self.mistakes.push(found.help("its story is still compared with its snapshot"));
        }
    }

    /// Reads one cell; none if it cannot be decoded.
    fn cell<'t>(
        &self,
        mut tree: Table<'t>,
        world_records: &IndexMap<String, Node<'t>>,
        axes: &[Axis<'t>],
        axis_names: &[String],
        values: IndexMap<String, String>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Scenario> {
        let mut check = Check::new(self.sources, axis_names);
        let decodable = check.file(&mut tree, schema::shape());
        for (zone, records) in world_records {
            check.lone_text(records, TextKind::ZoneText, ("zone".into(), zone.clone()), "records");
        }
        mistakes.append(&mut check.mistakes);
        if !decodable {
            return None;
        }
        let root: Node<'t> = toml::Spanned::new(0..0, DeValue::Table(tree));
        let file = match File::deserialize(ValueDeserializer::from(root)) {
            Ok(file) => file,
            Err(error) => {
                let span = error.span().map(Span::new).unwrap_or_default();
                let message = format!("internal error: what passed its check was not decoded: {}", error.message());
                mistakes.push(Diagnostic::error("internal", message, span, "here"));
                return None;
            }
        };
        let cell = rules::Cell { file: &file, values: &values, sources: self.sources, left_out: check.left_out() };
        let axis_spans: Vec<(String, Span)> = axes.iter().map(|axis| (axis.name.clone(), axis.span)).collect();
        // A file beyond the limits is not looked at more closely: that would take as long as it is large.
        if rules::limits(&file, mistakes) {
            return None;
        }
        rules::alone(&cell, mistakes);
        // Without its world or a whole table of declarations, names cannot be resolved.
        if check.declarations_lost || self.lost_world {
            return None;
        }
        let text = |(zone, node): (&String, &Node<'t>)| Some((zone.clone(), tree::string(node)?.to_owned()));
        let world_records: IndexMap<String, String> = world_records.iter().filter_map(text).collect();
        let lost = &cell.left_out;
        let names = Names::new(&file, &world_records, self.sources, axis_names, self.behaviours, &check.mentions, lost);
        names.resolve(&check.mentions, mistakes);
        for entry in &file.at {
            names.configured(entry, mistakes);
        }
        rules::together(&cell, &axis_spans, mistakes);
        rules::expectations(&cell, &names, mistakes);
        let scenario = assemble::assemble(file.clone(), &world_records, values.clone(), self.sources, mistakes);
        rules::assembled(&cell, &world_records, &scenario, &names, mistakes);
        let unused = unused::check(&file, &scenario, &check.mentions, mistakes, self.sources);
        mistakes.extend(unused);
        Some(scenario)
    }
}

/// How many mistakes are looked for: with more of them, the other cells are not read.
const MOST_FOUND: usize = 10_000;

/// Mistakes only if every cell has them: what one cell does not use, another one may.
const OF_THE_WHOLE_FILE: [&str; 2] = ["unused", "said-twice"];

/// The mistakes of the cells of a file. Those of one kind at one place are told once, as the first cell has them.
#[derive(Default)]
struct InCells {
    cells: usize,
    items: Vec<Diagnostic>,
    /// By place and kind: the first cell and how many cells have it, and the last of them.
    places: BTreeMap<(Span, &'static str), InCell>,
}

struct InCell {
    first: usize,
    first_suffix: String,
    last: usize,
    count: usize,
}

impl InCells {
    fn add(&mut self, suffix: &str, found: Vec<Diagnostic>) {
        self.cells += 1;
        let cell = self.cells;
        for mistake in found {
            let place = self.places.entry((mistake.primary.span, mistake.code)).or_insert_with(|| InCell {
                first: cell,
                first_suffix: suffix.to_owned(),
                last: 0,
                count: 0,
            });
            if place.last < cell {
                place.last = cell;
                place.count += 1;
            }
            if place.first == cell {
                self.items.push(mistake);
            }
        }
    }

    fn into_mistakes(self) -> Vec<Diagnostic> {
        let Self { cells: of, mut items, places } = self;
        let count = |item: &Diagnostic| places.get(&(item.primary.span, item.code)).map_or(0, |place| place.count);
        items.retain(|item| !OF_THE_WHOLE_FILE.contains(&item.code) || count(item) == of);
        for item in items.iter_mut().filter(|_| of > 1) {
            let place = places.get(&(item.primary.span, item.code));
            item.cells = place.map(|place| Cells { count: place.count, of, first: place.first_suffix.clone() });
        }
        items
    }
}

/// Worlds in the files of a directory, `NAME.toml`.
#[derive(Clone, Debug)]
pub struct WorldDirectory {
    /// The directory.
    pub directory: PathBuf,
    /// The directory as it is shown: `scenarios/worlds`.
    pub shown: String,
}

impl WorldSource for WorldDirectory {
    fn world(&self, name: &str) -> Option<Source> {
        // The file may come from anybody, so the name must not lead out of the directory.
        let plain = !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let file = format!("{name}.toml");
        let text = plain.then(|| std::fs::read_to_string(self.directory.join(&file)).ok())??;
        Some(Source { path: format!("{}/{file}", self.shown), text })
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().filter_map(Result::ok);
        let stem = |entry: std::fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
        let mut names: Vec<String> = entries.filter_map(stem).collect();
        names.sort();
        names
    }
}
