//! Places within the text of a string: a mistake in a zone text or an address is shown at its own line and column, not at
//! the string's.

use super::diagnostics::Sources;
use super::spanned::Span;
use super::work;

/// Where the text of a string is in the file.
#[derive(Clone, Copy)]
pub(crate) struct Content {
    /// The string with its quotes.
    span: Span,
    /// Where its text begins, if it is written as it is: without escapes and substitutions.
    start: Option<usize>,
}

impl Content {
    /// The place of the string at `span`, which says `text`.
    pub(crate) fn of(sources: &Sources, span: Span, text: &str) -> Content {
        let written = sources.slice(span);
        let quotes = match written.as_bytes() {
            [a, b, c, ..] if matches!(a, b'"' | b'\'') && a == b && b == c && written.len() >= 6 => 3,
            [b'"' | b'\'', ..] if written.len() >= 2 => 1,
            _ => return Content { span, start: None },
        };
        // A string that does not end has no quotes there.
        let inner = written.get(quotes..written.len() - quotes).unwrap_or_default();
        // A line end directly after the opening quotes is not part of the text.
        let skipped = match quotes {
            3 if inner.starts_with("\r\n") => 2,
            3 if inner.starts_with('\n') => 1,
            _ => 0,
        };
        work::done(text.len());
        let start = (inner.get(skipped..) == Some(text)).then_some(span.start + quotes + skipped);
        Content { span, start }
    }

    /// The place of a part of the text. A string with escapes or substitutions is marked as a whole.
    pub(crate) fn at(&self, part: std::ops::Range<usize>) -> Span {
        self.start.map_or(self.span, |start| Span::new(start + part.start..start + part.end))
    }
}

/// The place of one part of a string's text.
pub(crate) fn content(sources: &Sources, span: Span, text: &str, part: std::ops::Range<usize>) -> Span {
    Content::of(sources, span, text).at(part)
}
