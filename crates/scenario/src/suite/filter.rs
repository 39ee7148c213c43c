//! Filters: parts of ids, or paths of files, as users type them.

use std::path::{Path, PathBuf};

use super::error::SuiteError;
use super::found::Found;
use mxlab_language::Cell;

/// What one argument selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// The scenario with this id: a file with all its cells, or one cell.
    Exactly(String),
    /// The ids that contain this text, or begin with it.
    Part {
        /// The text, without a leading `scenarios/`.
        text: String,
        /// Whether it was below `scenarios/`, so that it is the beginning of an id.
        from_start: bool,
    },
    /// The cells of one file.
    File {
        /// Where it really is.
        location: PathBuf,
        /// Its path as it was typed, without a cell.
        typed: String,
        /// `[axis=value]`, if only some cells are meant.
        cell: Option<String>,
    },
}

impl Filter {
    /// The meaning of `typed`: if it ends in `.toml`, the path of a file, perhaps followed by a cell; else a part of
    /// ids.
    pub(super) fn parse(root: &Path, typed: &str) -> Result<Filter, SuiteError> {
        let mut text = typed;
        while let Some(rest) = text.strip_prefix("./") {
            text = rest;
        }
        let Some((path, cell)) = split_path(text) else {
            let below = if text == "scenarios" { Some("") } else { text.strip_prefix("scenarios/") };
            return Ok(Filter::Part { text: below.unwrap_or(text).to_owned(), from_start: below.is_some() });
        };
        let location = locate(root, path).ok_or_else(|| SuiteError::NoSuchFile(path.to_owned()))?;
        Ok(Filter::File { location, typed: path.to_owned(), cell: cell.map(str::to_owned) })
    }

    /// The same filter, knowing what there is: a whole id selects that scenario alone, although others contain it, and so
    /// does the whole name of a cell. The cells of a file that has mistakes are unknown.
    pub(super) fn among<'f>(self, files: impl Iterator<Item = (&'f Found, Option<&'f [Cell]>)>) -> Filter {
        let mut files = files;
        match self {
            Filter::Part { text, from_start } => {
                let is_id = |(file, cells): (&Found, Option<&[Cell]>)| match text.strip_prefix(file.id.as_str()) {
                    Some("") => true,
                    Some(rest) => match cells {
                        Some(cells) => cells.iter().any(|cell| cell.suffix == rest),
                        None => rest.starts_with('[') && rest.ends_with(']'),
                    },
                    None => false,
                };
                if files.any(is_id) { Filter::Exactly(text) } else { Filter::Part { text, from_start } }
            }
            Filter::File { location, typed, cell: Some(cell) } => {
                let mut found = files.filter(|(file, _)| file.location == location);
                let whole = found.find_map(|(file, cells)| cells?.iter().any(|it| it.suffix == cell).then_some(file));
                match whole {
                    Some(file) => Filter::Exactly(format!("{}{cell}", file.id)),
                    None => Filter::File { location, typed, cell: Some(cell) },
                }
            }
            other @ (Filter::Exactly(_) | Filter::File { .. }) => other,
        }
    }

    /// Whether it selects the cell of `file` with this suffix.
    pub(super) fn matches(&self, file: &Found, suffix: &str) -> bool {
        match self {
            Filter::Exactly(id) => {
                id.strip_prefix(file.id.as_str()).is_some_and(|rest| rest.is_empty() || rest == suffix)
            }
            // `dane/` is a folder, and so might be `dane/mismatch/`.
            Filter::Part { text, from_start: true } => {
                format!("{}{suffix}", file.id).starts_with(text) || format!("{}/", file.id) == *text
            }
            Filter::Part { text, from_start: false } => {
                format!("{}{suffix}", file.id).contains(text) || format!("{}/", file.id).ends_with(text)
            }
            Filter::File { location, cell, .. } => {
                *location == file.location && cell.as_ref().is_none_or(|cell| is_part_of(cell, suffix))
            }
        }
    }

    /// Whether it may select cells of `file`, whose cells are unknown because it has mistakes.
    pub(super) fn may_match(&self, file: &Found) -> bool {
        match self {
            Filter::Exactly(id) => id.split('[').next() == Some(file.id.as_str()),
            Filter::Part { text, from_start } => {
                let text = text.split('[').next().unwrap_or_default().to_owned();
                Filter::Part { text, from_start: *from_start }.matches(file, "")
            }
            Filter::File { location, .. } => *location == file.location,
        }
    }
}

/// The filter with its path made absolute, for a process that runs in another folder.
pub fn absolute_filter(root: &Path, typed: &str) -> String {
    match Filter::parse(root, typed) {
        Ok(Filter::File { location, cell, .. }) => format!("{}{}", location.display(), cell.unwrap_or_default()),
        _ => typed.to_owned(),
    }
}

/// The path and the cell of `path.toml[axis=value]`; none if it is not a path.
fn split_path(text: &str) -> Option<(&str, Option<&str>)> {
    if text.ends_with(".toml") {
        return Some((text, None));
    }
    let at = text.find(".toml[").filter(|_| text.ends_with(']'))? + ".toml".len();
    Some((&text[..at], Some(&text[at..])))
}

/// Where the file is: from here, from the repository, or from `scenarios/`.
fn locate(root: &Path, path: &str) -> Option<PathBuf> {
    let candidates = [PathBuf::from(path), root.join(path), root.join("scenarios").join(path)];
    let found = candidates.into_iter().find(|candidate| candidate.is_file())?;
    Some(found.canonicalize().unwrap_or(found))
}

/// Whether each `axis=value` of `cell` is one of `suffix`.
fn is_part_of(cell: &str, suffix: &str) -> bool {
    fn pairs(text: &str) -> impl Iterator<Item = &str> {
        text.trim_start_matches('[').trim_end_matches(']').split(',').map(str::trim)
    }
    pairs(cell).all(|wanted| pairs(suffix).any(|pair| pair == wanted))
}

/// How many ids are offered when nothing matches.
const OFFERED: usize = 5;
/// Fewer common characters are a coincidence.
const LEAST_IN_COMMON: usize = 3;

/// The ids most similar to the argument: those with the longest common beginning or the longest common words.
pub(super) fn nearest<'a>(typed: &str, ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let typed = typed.trim_start_matches("./").trim_start_matches("scenarios/").to_lowercase();
    let mut scored: Vec<(usize, &str)> = ids
        .into_iter()
        .map(|id| (in_common(&typed, &id.to_lowercase()), id))
        .filter(|(score, _)| *score >= LEAST_IN_COMMON)
        .collect();
    scored.sort_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
    scored.dedup();
    scored.into_iter().take(OFFERED).map(|(_, id)| id.to_owned()).collect()
}

fn in_common(typed: &str, id: &str) -> usize {
    let beginning = |text: &str| typed.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
    let last = id.rsplit('/').next().unwrap_or(id);
    let words = typed.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() >= LEAST_IN_COMMON);
    let contained: usize = words.filter(|word| id.contains(word)).map(str::len).sum();
    beginning(id).max(beginning(last)).max(contained)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str) -> Found {
        let path = format!("scenarios/{id}.toml");
        Found { id: id.to_owned(), location: PathBuf::from(&path), path, text: Ok(String::new()) }
    }

    #[test]
    fn filters_as_they_are_typed() {
        let check = |typed: &str, id: &str, suffix: &str, expected: bool| {
            let filter = Filter::parse(Path::new("/nowhere"), typed).unwrap();
            assert_eq!(filter.matches(&found(id), suffix), expected, "{typed} {id}{suffix}");
        };
        check("dane/", "dane/match", "", true);
        check("dane/", "retry/dane", "", true);
        check("scenarios/dane/", "retry/dane", "", false);
        check("scenarios/dane/", "dane/match", "[how=kill]", true);
        check("./scenarios/dane/match", "dane/match", "", true);
        check("scenarios/dane/match/", "dane/match", "[how=kill]", true);
        check("dane/match/", "dane/match", "", true);
        check("scenarios/", "dane/match", "", true);
        check("scenarios", "dane/match", "", true);
        check("match", "dane/mismatch", "", true);
        check("match[how=kill]", "dane/match", "[how=kill]", true);
        check("match[how=kill]", "dane/match", "[how=power-loss]", false);
        check("ane/m", "dane/match", "", true);
        check("scenarios/ane/m", "dane/match", "", false);
    }

    #[test]
    fn paths_may_name_a_cell() {
        assert_eq!(split_path("a/b.toml"), Some(("a/b.toml", None)));
        assert_eq!(split_path("a/b.toml[x=1,y=2]"), Some(("a/b.toml", Some("[x=1,y=2]"))));
        assert_eq!(split_path("a/b[x=1]"), None);
        assert_eq!(split_path("a/b.toml[x=1"), None);
        assert!(is_part_of("[x=1]", "[x=1,y=2]") && is_part_of("[y=2, x=1]", "[x=1,y=2]"));
        assert!(!is_part_of("[x=2]", "[x=1,y=2]") && !is_part_of("[x=1]", ""));
        let missing = Filter::parse(Path::new("/nowhere"), "scenarios/gone.toml").unwrap_err();
        assert_eq!(missing.to_string(), "there is no file `scenarios/gone.toml`");
    }

    #[test]
    fn the_nearest_ids_are_offered() {
        let ids = ["dane/match", "dane/mismatch", "compauth/e10", "retry/restart", "dane/expired", "dane/a", "dane/b"];
        assert_eq!(nearest("mismach", ids), ["dane/mismatch"]);
        assert_eq!(nearest("restart-crash", ids), ["retry/restart"]);
        assert_eq!(nearest("dane/match-all", ids).first().map(String::as_str), Some("dane/match"));
        assert_eq!(nearest("dane-x", ids).len(), OFFERED);
        assert_eq!(nearest("xyz", ids), Vec::<String>::new());
    }
}
