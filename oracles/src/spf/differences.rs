//! Where ours and pyspf may differ, and who is right by which section of RFC 7208.
//!
//! Every entry is as narrow as the texts allow. A difference that no entry explains fails the test.

use mxlab_auth::spf::{Evaluation, MAX_VOID_TERMS, Outcome};

use super::Verdict;
use super::world::Case;

/// What is known of a case in which they differ.
pub struct Observed<'a> {
    pub case: &'a Case,
    pub ours: &'a Verdict,
    pub theirs: &'a Verdict,
    pub trace: &'a Option<Evaluation>,
}

/// An accepted difference.
pub struct Difference {
    pub name: &'static str,
    /// Who is right, by which section of RFC 7208.
    pub explanation: &'static str,
    pub applies: fn(&Observed) -> bool,
}

/// All of them; the first that applies explains a case.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "a check begins at a name of one label",
        explanation: "Section 4.3: a domain that is not a multi-label name gives none. pyspf looks for a record at localhost \
             and at address literals. Ours is right.",
        applies: |observed| observed.ours.detail.ends_with("is not a domain name with several labels"),
    },
    Difference {
        name: "malformed macros",
        explanation: "Section 7.1: a number, r and delimiters come in this order, the number is not zero (section 7.3), and \
             a brace follows. pyspf skips the rest of %{d-r}, accepts %{d0}, and takes %{d for text. Ours is right.",
        applies: |observed| {
            let wrong = ["a macro that keeps no part", "a macro that is not closed"];
            wrong.iter().any(|wrong| observed.ours.detail.contains(wrong) || observed.not_explained(wrong))
        },
    },
    Difference {
        name: "explanations with control characters",
        explanation: "Section 6.2: an explanation has only visible characters and blanks. pyspf rejects only octets beyond \
             ASCII. Ours is right.",
        applies: |observed| observed.not_explained("not printable US-ASCII"),
    },
    Difference {
        name: "an empty explanation",
        explanation: "The grammar of section 12 allows it. pyspf treats it as none; for a reader it is the same.",
        applies: |observed| observed.ours.explanation.as_deref() == Some("") && observed.theirs.explanation.is_none(),
    },
    Difference {
        name: "a sender without local part",
        explanation: "Section 4.3: postmaster replaces it, so in %{s} as well. pyspf puts it only into %{l}. Ours is right.",
        applies: |observed| observed.case.sender.starts_with('@') && observed.same_but_for(&[("postmaster", "")]),
    },
    Difference {
        name: "delimiters stay",
        explanation: "Section 7.3: the parts are joined with dots and not with the delimiters. pyspf does so for %{s} and \
             %{l}, and keeps the hyphen of %{v-}. Ours is right.",
        applies: |observed| observed.same_but_for(&[("-", "."), ("postmaster", "")]),
    },
    Difference {
        name: "void lookups in an explanation",
        explanation: "Section 4.6.4 limits the terms of a record; lookups for exp are not counted. pyspf counts the names of \
             the client for %{p} in its text, and drops the explanation. Ours is right.",
        applies: |observed| {
            let asked = |(_, text): (&str, String)| text.contains("%{p");
            let gone = observed.ours.explanation.is_some() && observed.theirs.explanation.is_none();
            observed.ours.result == "fail" && gone && observed.case.texts().any(asked)
        },
    },
    Difference {
        name: "exists with a qualifier and without a domain",
        explanation: "Section 5.7: exists has a domain. pyspf asks for it only where no qualifier goes before. Ours is right.",
        applies: |observed| {
            observed.ours.detail.contains("a bad domain in ") && observed.ours.detail.ends_with("exists")
        },
    },
    Difference {
        name: "unknown modifiers that stand twice",
        explanation: "Section 6: unknown modifiers are ignored, however often they appear. pyspf makes it a permerror. Ours \
             is right.",
        applies: |observed| observed.theirs.detail.contains("x-y.z= MUST appear at most once"),
    },
    Difference {
        name: "an include of the own domain that is not reached",
        explanation: "pyspf calls it a syntax error. No grammar forbids it (section 12); when it is reached, it exceeds the \
             limit of section 4.6.4. Ours is right.",
        applies: |observed| observed.theirs.detail.contains("include has trivial recursion"),
    },
    Difference {
        name: "a redirect that is not reached counts",
        explanation: "Section 4.6.4 limits what asks DNS in a check. pyspf counts redirect= when it reads the record, ours when \
             no directive matched and it is followed. Ours is right.",
        applies: |observed| {
            let redirects = |(_, text): (&str, String)| text.to_ascii_lowercase().contains("redirect=");
            observed.theirs.detail.contains("Too many DNS lookups") && observed.case.texts().any(redirects)
        },
    },
    Difference {
        name: "DNS fails for a name of the client",
        explanation: "Section 5.5: a name whose addresses cannot be had is skipped, and without PTR records ptr does not \
             match; %{p} is then unknown (section 7.3). pyspf makes it a temperror, for a macro also when its term is never \
             reached. Ours is right.",
        applies: |observed| observed.theirs.result == "temperror" && observed.asks_for_names_of_client(),
    },
    Difference {
        name: "void lookups of one term",
        explanation: "Section 4.6.4 limits the number of terms whose lookups return nothing, and calls these void lookups. \
             pyspf counts the lookups, so that one mx with three hosts without an address is a permerror. A choice: ours \
             counts terms, as the section says, and shows both counts.",
        applies: |observed| {
            let voids = observed.trace.as_ref().map(Evaluation::voids);
            observed.theirs.detail.contains("Void lookup limit")
                && voids.is_some_and(|(terms, lookups)| lookups > terms && lookups > MAX_VOID_TERMS)
        },
    },
    Difference {
        name: "void lookups for the names of the client",
        explanation: "Section 4.6.4 limits the terms of a record that find nothing. pyspf counts each name of the client \
             without an address as well, also when %{p} stands in a term that is never reached: whoever runs the client \
             could turn any result into a permerror. Ours counts the PTR lookup of a ptr mechanism alone.",
        applies: |observed| observed.theirs.detail.contains("Void lookup limit") && observed.asks_for_names_of_client(),
    },
];

impl Observed<'_> {
    /// Whether ours has no explanation, for this reason.
    fn not_explained(&self, reason: &str) -> bool {
        let mut steps = self.trace.iter().flat_map(|evaluation| &evaluation.steps);
        steps.any(|step| matches!(&step.outcome, Outcome::NotExplained(why) if why == reason))
    }

    /// Whether results are equal, and explanations once these texts are replaced.
    fn same_but_for(&self, replaced: &[(&str, &str)]) -> bool {
        let explanation = |verdict: &Verdict| {
            let text = verdict.explanation.clone()?;
            Some(replaced.iter().fold(text, |text, (from, to)| text.replace(from, to)))
        };
        let [ours, theirs] = [self.ours, self.theirs].map(explanation);
        self.ours.result == self.theirs.result && ours.is_some() && ours == theirs
    }

    /// Whether a record or an explanation asks for names of the client.
    fn asks_for_names_of_client(&self) -> bool {
        self.case.texts().any(|(_, text)| {
            let text = text.to_ascii_lowercase();
            text.contains("ptr") || text.contains("%{p")
        })
    }
}

/// The entry that explains a difference.
pub fn explain(observed: &Observed) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| (difference.applies)(observed))
}
