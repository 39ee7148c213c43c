//! The changes that a file can request, as the world makes them.

use mxlab_world::changes::{Change, FOOTER};

use mxlab_language::words;

/// The change; none if the lab cannot make it yet.
pub(super) fn change(word: words::Change) -> Option<Change> {
    Some(match word {
        words::Change::SubjectTag => Change::SubjectTag,
        words::Change::SubjectFolded => Change::SubjectFolded,
        words::Change::SpacesDoubled => Change::SpacesDoubled,
        words::Change::SpacesAtLineEnds => Change::SpacesAtLineEnds,
        words::Change::EmptyLinesAdded => Change::EmptyLinesAdded,
        words::Change::Footer => Change::Footer(FOOTER.to_owned()),
        words::Change::BodyChanged => Change::BodyChanged,
        words::Change::HeadersReordered => Change::HeadersReordered,
        words::Change::SignatureBroken => Change::SignatureBroken,
        words::Change::SignaturesRemoved => Change::SignaturesRemoved,
        words::Change::Disclaimer
        | words::Change::AttachmentRemoved
        | words::Change::FromRewritten
        | words::Change::Reencoded
        | words::Change::Exchange2016 => return None,
    })
}
