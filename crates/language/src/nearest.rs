//! The nearest known name to one that is not known.

/// The known name that was most probably meant: the one with the smallest edit distance, case ignored, if that is at
/// most a third of the length, or one that contains what was written. If several are equally near, the first.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded: Vec<char> = written.to_lowercase().chars().take(LONGEST).collect();
    let mut best: Option<(usize, &str)> = None;
    let mut containing: Option<&str> = None;
    for name in known {
        let lower = name.to_lowercase();
        let distance = distance(&folded, &lower.chars().take(LONGEST).collect::<Vec<_>>());
        if distance * 3 <= folded.len() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
        if containing.is_none() && folded.len() >= 2 && lower.contains(&written.to_lowercase()) {
            containing = Some(name);
        }
    }
    best.map(|(_, name)| name).or(containing)
}

/// Names longer than this are compared by their first characters only.
const LONGEST: usize = 100;

/// Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, replacements and exchanges of
/// neighbours each count one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The help line for an unknown name: the nearest known name, or the known names.
pub(crate) fn help<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    if let Some(nearest) = nearest(written, known.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    known.sort_unstable();
    known.dedup();
    known_names(&known)
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
