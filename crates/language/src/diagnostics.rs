//! Mistakes as data, and their rendering.
//!
//! A [`Diagnostic`] says what is wrong, where, and how to correct it; [`Diagnostics`] holds all of a file with the
//! texts that they point into, and renders them like rustc.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level as Tone, Renderer, Snippet};

use super::nearest;
use super::spanned::Span;
use super::work;

/// A text that was read, with the path under which it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown.
    pub path: String,
    /// The text.
    pub text: String,
}

/// The texts that one range of offsets covers: the scenario file, followed by its world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    file: Source,
    world: Option<Source>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The path as it is shown.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Sources {
    /// A file without a world.
    pub fn new(path: &str, text: &str) -> Self {
        Self { file: Source { path: path.to_owned(), text: text.to_owned() }, world: None }
    }

    pub(crate) fn set_world(&mut self, world: Source) {
        self.world = Some(world);
    }

    /// Where the offsets of the world begin.
    pub(crate) fn world_offset(&self) -> usize {
        self.file.text.len() + 1
    }

    /// Whether `span` is in the world and not in the file itself.
    pub fn is_in_world(&self, span: Span) -> bool {
        self.world.is_some() && span.start >= self.world_offset()
    }

    /// The text that contains `span`, and the span within it, cut to whole characters.
    fn locate(&self, span: Span) -> (&Source, Span) {
        let (source, offset) = match &self.world {
            Some(world) if span.start >= self.world_offset() => (world, self.world_offset()),
            _ => (&self.file, 0),
        };
        let within = |at: usize| source.text.floor_char_boundary(at.saturating_sub(offset).min(source.text.len()));
        (source, Span { start: within(span.start), end: within(span.end).max(within(span.start)) })
    }

    /// The text at `span`.
    pub fn slice(&self, span: Span) -> &str {
        let (source, span) = self.locate(span);
        &source.text[span.range()]
    }

    /// The place where `span` begins.
    pub fn position(&self, span: Span) -> Position {
        let (source, span) = self.locate(span);
        work::done(span.start);
        let before = &source.text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            path: source.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Whether a message stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// A place with a few words about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words.
    pub text: String,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The kind of mistake: `unknown-key`, `wrong-type`, …
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, and what was expected there.
    pub primary: Label,
    /// Another place that matters.
    pub secondary: Option<Label>,
    /// The nearest name, the known names, or how to write it.
    pub help: Option<String>,
    /// The known name that was probably meant.
    pub(crate) meant: Option<String>,
    /// In which of a file's cells it was found, if the file has several.
    pub cells: Option<Cells>,
}

/// The cells of a file in which a mistake was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// How many.
    pub count: usize,
    /// Of how many that were read.
    pub of: usize,
    /// The first of them: `[stage=mail,how=kill]`.
    pub first: String,
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            count if count == self.of => write!(f, "in each of the {count} cells"),
            1 => write!(f, "in the cell {}", self.first),
            count => write!(f, "in {count} of {} cells, the first is {}", self.of, self.first),
        }
    }
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: Label { span, text: label.into() },
            secondary: None,
            help: None,
            meant: None,
            cells: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, span, label) }
    }

    /// The refusal of something that the language has but the runner cannot do yet.
    pub fn not_supported(what: &str, span: Span) -> Self {
        Self::error("not-supported", format!("{what} is not supported yet"), span, "this cannot be run yet")
    }

    /// With another place that matters.
    #[must_use]
    pub fn and(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary = Some(Label { span, text: label.into() });
        self
    }

    /// With a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the known name nearest to what was written, or else the known names.
    #[must_use]
    pub(crate) fn nearest<'n>(mut self, written: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        self.meant = nearest::nearest(written, known.iter().copied()).map(str::to_owned);
        self.help = match &self.meant {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => nearest::known(known),
        };
        self
    }

    /// With a help line, if there is one.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// How it looks.
    pub fn render(&self, sources: &Sources, renderer: &Renderer) -> String {
        let tone = match self.severity {
            Severity::Error => Tone::ERROR,
            Severity::Warning => Tone::WARNING,
        };
        let (source, primary) = sources.locate(self.primary.span);
        work::done(source.text.len());
        let annotation = AnnotationKind::Primary.span(primary.range()).label(self.primary.text.as_str());
        let mut snippet = Snippet::source(source.text.as_str()).path(source.path.as_str()).annotation(annotation);
        let mut elsewhere = None;
        if let Some(secondary) = &self.secondary {
            let (other, span) = sources.locate(secondary.span);
            let annotation = AnnotationKind::Context.span(span.range()).label(secondary.text.as_str());
            if std::ptr::eq(other, source) {
                snippet = snippet.annotation(annotation);
            } else {
                let other = Snippet::source(other.text.as_str()).path(other.path.as_str());
                elsewhere = Some(other.annotation(annotation));
            }
        }
        let mut group: Group<'_> =
            tone.primary_title(self.message.as_str()).id(self.code).element(snippet).elements(elsewhere);
        if let Some(help) = &self.help {
            group = group.element(Tone::HELP.message(help.as_str()));
        }
        if let Some(cells) = &self.cells {
            group = group.element(Tone::NOTE.message(cells.to_string()));
        }
        renderer.render(&[group])
    }
}

/// The most errors, and the most warnings, that are told of one file. What is beyond them is counted.
pub const MOST_TOLD: usize = 100;

/// All mistakes of a file, in the order of the file, with the texts that they point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Arc<Sources>,
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// `items` in the order of the file, the same mistake at the same place once; the first [`MOST_TOLD`] of them, and
    /// how many more there are.
    pub fn new(sources: Arc<Sources>, mut items: Vec<Diagnostic>) -> Self {
        items.sort_by_key(|item| (item.primary.span, item.severity));
        items.dedup();
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(items.len().min(2 * MOST_TOLD));
        let mut told = BTreeMap::from([(Severity::Error, 0), (Severity::Warning, 0)]);
        let mut untold: BTreeMap<Severity, (usize, Span)> = BTreeMap::new();
        for item in items {
            let place = item.primary.span;
            let same = |other: &&Diagnostic| other.primary.span == place;
            if kept.iter().rev().take_while(same).any(|other| *other == item) {
                continue;
            }
            match told.get_mut(&item.severity) {
                Some(count) if *count < MOST_TOLD => {
                    *count += 1;
                    kept.push(item);
                }
                _ => untold.entry(item.severity).or_insert((0, place)).0 += 1,
            }
        }
        for (severity, (count, place)) in untold {
            let what = if severity == Severity::Error { "mistakes" } else { "warnings" };
            let message = format!("{count} more {what} are not shown");
            let more = Diagnostic::error("more", message, place, "the first of them is here");
            kept.push(Diagnostic { severity, ..more.help("mend those above first; then the others are shown") });
        }
        kept.sort_by_key(|item| (item.primary.span, item.severity));
        Self { sources, items: kept }
    }

    /// The mistakes.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether one of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// The texts that they point into.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// All of them for a reader, with an empty line between two; in colour if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let rendered: Vec<String> = self.items.iter().map(|item| item.render(&self.sources, &renderer)).collect();
        let mut text = rendered.join("\n\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
