//! Where ours and dkimpy may differ, and who is right.
//!
//! Every entry is as narrow as it can be made: what both say, and what the message looks like. A difference that no entry
//! explains fails the test.

use mxlab_auth::dkim::Verification;
use mxlab_auth::dkim::canonical::Form;
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;

use super::Verdict;
use super::plan::Case;

/// What is known of a message on which both disagree.
pub struct Observed<'a> {
    pub case: &'a Case,
    /// The message as it was verified.
    pub message: &'a [u8],
    /// Our result for its first signature.
    pub ours: Option<&'a Verification>,
    /// The same in a word.
    pub word: &'a str,
    pub theirs: &'a Verdict,
}

impl Observed<'_> {
    /// The value of the first signature field, with its folds.
    fn own_field(&self) -> Option<&str> {
        let message = Message::parse(self.message).ok()?;
        let field = message.field("DKIM-Signature")?;
        std::str::from_utf8(field.raw_value()).ok()
    }

    fn relaxed_body(&self) -> bool {
        let signature = self.ours.and_then(|ours| ours.signature.as_ref());
        signature.is_some_and(|signature| signature.message.canonicalization.body == Form::Relaxed)
    }

    fn ends_with_blank(&self) -> bool {
        matches!(self.message.last(), Some(b' ' | b'\t'))
    }

    /// Whether a line begins like those that separate messages in a mailbox file.
    fn has_mailbox_line(&self) -> bool {
        self.message.split(|octet| *octet == b'\n').any(|line| line.starts_with(b"From "))
    }

    /// Why we say so.
    fn reason(&self) -> String {
        self.ours.map(Verification::because).unwrap_or_default().join("; ")
    }

    /// Whether a name in `h=` is empty.
    fn has_empty_name(&self) -> bool {
        let tags = self.own_field().and_then(|value| TagList::parse(value.as_bytes()).ok());
        let names = tags.and_then(|tags| tags.value("h").map(str::to_owned)).unwrap_or_default();
        names.split(':').any(|name| name.trim().is_empty())
    }

    /// Whether an octet is there that is white space for Python alone.
    fn has_odd_blank(&self) -> bool {
        let message = self.message;
        let bare = |at: usize| message.get(at) == Some(&b'\r') && message.get(at + 1) != Some(&b'\n');
        (0..message.len()).any(|at| bare(at) || matches!(message.get(at), Some(0x0b | 0x0c)))
    }
}

pub struct Difference {
    pub name: &'static str,
    pub explanation: &'static str,
    applies: fn(&Observed<'_>) -> bool,
}

/// All that is known.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "a signature field in which dkimpy does not find all of b=",
        explanation: "ours: by RFC 6376 §3.7 the value of b= is deleted with all blanks around it, wherever the tag is. \
                      dkimpy leaves it in place when b= directly follows the colon, keeps blanks before the \
                      semicolon, and removes blanks at the end of the field that do not belong to b=.",
        applies: |o| passes(o, "pass", "") && o.own_field().is_some_and(odd_signature),
    },
    Difference {
        name: "a line of the header that dkimpy does not take for a field",
        explanation: "ours: what is not a field cannot be signed, and breaks no signature; blanks before the colon are old \
                      syntax (RFC 5322 §4.5.8), which RFC 6376 §3.4.2 provides for. dkimpy refuses the message; it skips a line \
                      that begins with \"From \".",
        applies: |o| {
            let skipped = o.theirs.why.is_empty() && o.has_mailbox_line();
            o.word == "pass"
                && (skipped || passes(o, "pass", "MessageFormatError: Unexpected characters in RFC822 header"))
        },
    },
    Difference {
        name: "blanks at the end of a body that does not end with a line end",
        explanation: "ours: RFC 6376 §3.4.4 ignores blanks at the end of lines, and then gives the body a CRLF if it has \
                      none. dkimpy ignores them only before an existing CRLF.",
        applies: |o| o.relaxed_body() && o.ends_with_blank() && (o.word == "pass" || o.word.starts_with("body-")),
    },
    Difference {
        name: "a key that is for several services",
        explanation: "ours: s= is a list (RFC 6376 §3.6.1). dkimpy compares it as a whole.",
        applies: |o| passes(o, "pass", "UnknownKeyTypeError") && o.case.record.contains("s=email:"),
    },
    Difference {
        name: "a key that is not for this signature",
        explanation: "ours: h= limits the hash algorithms, and t=s the domain of i= (RFC 6376 §3.6.1). dkimpy reads neither.",
        applies: |o| {
            let limits =
                o.case.record.contains("h=sha1") || o.case.record.contains("t=s") || o.case.record.contains(":s;");
            o.word == "key-unsuitable" && o.theirs.passed && limits
        },
    },
    Difference {
        name: "several query methods",
        explanation: "ours: q= is a list, and unknown methods in it are ignored (RFC 6376 §3.5). dkimpy compares it as a \
                      whole.",
        applies: |o| passes(o, "pass", "ValidationError: q= value is not dns/txt"),
    },
    Difference {
        name: "a signature that is dated in the future",
        explanation: "a choice: a verifier may ignore it (RFC 6376 §3.5). Ours tells it beside the result and refuses it if \
                      the policy says so; dkimpy refuses it from ten hours on.",
        applies: |o| passes(o, "pass", "ValidationError: t= value is in the future"),
    },
    Difference {
        name: "base64 without padding",
        explanation: "ours: in the grammar of base64string the padding is optional (RFC 6376 §2.10). dkimpy requires it.",
        applies: |o| passes(o, "pass", "ValidationError: b") && o.theirs.why.contains("= value is not valid base64"),
    },
    Difference {
        name: "more of the body signed than there is",
        explanation: "ours: l= must not be larger than the body (RFC 6376 §3.5). For dkimpy it is then the whole body.",
        applies: |o| o.word == "body-too-short" && o.theirs.passed,
    },
    Difference {
        name: "From is not signed",
        explanation: "ours: h= must list From (RFC 6376 §3.5, §6.1.1). dkimpy requires that only of signers.",
        applies: |o| o.word == "from-not-signed" && o.theirs.passed && o.reason().ends_with("h= does not list From"),
    },
    Difference {
        name: "an empty name among the signed fields",
        explanation: "ours: a field name has one character at least (RFC 6376 §3.5, h=). For dkimpy it is a field that is not \
                      there.",
        applies: |o| o.word == "malformed" && o.theirs.passed && o.reason().contains(": h=") && o.has_empty_name(),
    },
    Difference {
        name: "control characters in the signature",
        explanation: "ours: RFC 6376 §3.2 allows printable characters and folds. For dkimpy VT, FF and CR are blanks like \
                      others, and other control characters pass in tags that it ignores.",
        applies: |o| o.word == "malformed" && o.theirs.passed && o.reason().contains(" of the tag list"),
    },
    Difference {
        name: "VT, FF or a bare CR at the end of a field",
        explanation: "ours: RFC 6376 §2.8 has two blanks, space and tab. dkimpy removes everything that Python calls white \
                      space, and the signature survives.",
        applies: |o| o.word == "signature" && o.theirs.passed && o.has_odd_blank(),
    },
];

/// Whether we say `word`, and dkimpy the opposite of it for a reason that begins so.
fn passes(o: &Observed<'_>, word: &str, why: &str) -> bool {
    let reason = if why.is_empty() { o.theirs.why.is_empty() } else { o.theirs.why.starts_with(why) };
    o.word == word && reason
}

/// Whether `b=` is where dkimpy does not see it, or has blanks after it, or another tag has blanks at the end.
fn odd_signature(value: &str) -> bool {
    let first = value.starts_with('b');
    let value = value.strip_suffix("\r\n").unwrap_or(value);
    let blank = |text: &str| text.ends_with([' ', '\t', '\r', '\n']);
    let behind = value
        .split(';')
        .any(|tag| tag.trim_start().starts_with('b') && !tag.trim_start().starts_with("bh") && blank(tag));
    first || behind || blank(value)
}

/// The entry that explains a difference.
pub fn explain(observed: &Observed<'_>) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| (difference.applies)(observed))
}
