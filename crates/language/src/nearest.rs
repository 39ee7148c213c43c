//! The nearest known name to one that is not known.

use super::work;

/// The known name that was most probably meant: the one with the smallest edit distance, case ignored, if that is at
/// most a third of the length, or one that contains what was written. If several are equally near, the first.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let (begin, length) = beginning(&written);
    let mut best: Option<(usize, &str)> = None;
    let mut containing: Option<&str> = None;
    for name in known {
        let lower = name.to_lowercase();
        work::done(begin.len() * beginning(&lower).0.len());
        // Exchanged neighbours count one, as insertions, deletions and replacements do.
        let distance = strsim::osa_distance(begin, beginning(&lower).0);
        if distance * 3 <= length && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
        if containing.is_none() && length >= 2 && lower.contains(&written) {
            containing = Some(name);
        }
    }
    best.map(|(_, name)| name).or(containing)
}

/// Names longer than this are compared by their first characters only.
const LONGEST: usize = 100;

/// The part of a name that is compared, and its length in characters.
fn beginning(name: &str) -> (&str, usize) {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => (name.get(..end).unwrap_or(name), LONGEST),
        None => (name, name.chars().count()),
    }
}

/// The help line for an unknown name: the nearest known name, or the known names.
pub(crate) fn help<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(nearest) = nearest(written, known.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    self::known(known)
}

/// The known names in their order, each once.
pub(crate) fn known(mut names: Vec<&str>) -> Option<String> {
    names.sort_unstable();
    names.dedup();
    known_names(&names)
}

/// `known: a, b`, cut when there are many.
pub(crate) fn known_names(known: &[&str]) -> Option<String> {
    const SHOWN: usize = 40;
    match known.len() {
        0 => None,
        count if count <= SHOWN => Some(format!("known: {}", known.join(", "))),
        count => Some(format!("known: {}, and {} more", known[..SHOWN].join(", "), count - SHOWN)),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_names() {
        let check = |written: &str, known: &[&str], expected: Option<&str>| {
            assert_eq!(nearest(written, known.iter().copied()), expected, "{written}");
        };
        check("withn", &["when", "within"], Some("within"));
        check("hwo", &["how", "stale"], Some("how"));
        check("ho", &["how"], Some("how"));
        check("mx1-2052", &["mx1-2025", "mx1-2026"], Some("mx1-2025"));
        check("TXX", &["A", "TXT", "TLSA"], Some("TXT"));
        check("txt", &["A", "TXT"], Some("TXT"));
        check("startls-stripped", &["starttls-missing", "starttls-stripped"], Some("starttls-stripped"));
        check("stripped", &["starttls-missing", "starttls-stripped"], Some("starttls-stripped"));
        check("tls", &["dane", "plain"], None);
        check("abc", &["xyz"], None);
        check("a", &["b"], None);
        check("", &["b"], None);
        check("ab", &["ba"], None);
        check("bo", &[], None);
        check("gruß", &["gruss", "gruße"], Some("gruße"));
    }
}
