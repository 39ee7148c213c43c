//! Reading the document. Anybody may send it, so its size, its depth and the number of its elements are bounded; a
//! document type, which could define entities that expand without bound, is refused. Unknown elements are skipped, as
//! is required for extensions (RFC 9990 §5).

use std::io::Read as _;
use std::str::FromStr;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{
    AggregateReport, DiscoveryMethod, Disposition, DkimAuth, DkimWord, Form, Metadata, NAMESPACE, Period,
    PolicyPublished, Reason, ReasonKind, Row, Scope, SpfAuth, SpfWord,
};
use crate::alignment::Mode;
use crate::dmarc::Policy;

/// The longest document, in octets, after decompression.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// The most elements.
pub const MAX_ELEMENTS: usize = 500_000;
/// The deepest nesting of elements.
pub const MAX_DEPTH: usize = 32;

/// Why a document is not a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not gzip, or is damaged.
    #[error("not gzip: {reason}")]
    Gzip {
        /// What is wrong.
        reason: String,
    },
    /// Longer than [`MAX_DOCUMENT`], or of more than [`MAX_ELEMENTS`] elements, or deeper than [`MAX_DEPTH`].
    #[error("the document is too large")]
    TooLarge,
    /// It is not XML, or uses parts of XML that are not read here.
    #[error("not XML: {reason}")]
    Xml {
        /// What is wrong.
        reason: String,
    },
    /// An element is missing.
    #[error("no {element}")]
    Missing {
        /// Its name.
        element: &'static str,
    },
    /// An element has a value that is not allowed.
    #[error("{element} is \"{value}\"")]
    Invalid {
        /// Its name.
        element: &'static str,
        /// What it holds, cut after 80 characters.
        value: String,
    },
}

impl ReadError {
    fn xml(reason: impl ToString) -> ReadError {
        ReadError::Xml { reason: reason.to_string() }
    }

    fn invalid(element: &'static str, value: &str) -> ReadError {
        ReadError::Invalid { element, value: value.chars().take(80).collect() }
    }
}

impl AggregateReport {
    /// Reads a document compressed with gzip.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn from_gzip(octets: &[u8]) -> Result<AggregateReport, ReadError> {
        let mut document = Vec::new();
        // One octet more distinguishes a document that is too long from one that just fits.
        let mut unpacked = flate2::read::MultiGzDecoder::new(octets).take(MAX_DOCUMENT as u64 + 1);
        unpacked.read_to_end(&mut document).map_err(|error| ReadError::Gzip { reason: error.to_string() })?;
        AggregateReport::from_xml(&document)
    }

    /// Reads a document in UTF-8.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn from_xml(document: &[u8]) -> Result<AggregateReport, ReadError> {
        if document.len() > MAX_DOCUMENT {
            return Err(ReadError::TooLarge);
        }
        let text = std::str::from_utf8(document).map_err(ReadError::xml)?;
        let (root, form) = tree(text)?;
        report(&root, form)
    }
}

/// An element with what it holds.
#[derive(Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// The root element, and the format that its namespace gives.
fn tree(text: &str) -> Result<(Element, Form), ReadError> {
    let mut reader = Reader::from_str(text);
    let mut form = Form::Rfc7489;
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0_usize;
    loop {
        let event = reader.read_event().map_err(ReadError::xml)?;
        let closed = match event {
            Event::Start(start) | Event::Empty(start) if elements == MAX_ELEMENTS || open.len() == MAX_DEPTH => {
                drop(start);
                return Err(ReadError::TooLarge);
            }
            Event::Start(start) => {
                elements += 1;
                if open.is_empty() {
                    form = form_of(&start)?;
                }
                open.push(Element { name: local_name(&start)?, ..Element::default() });
                None
            }
            Event::Empty(start) => {
                elements += 1;
                Some(Element { name: local_name(&start)?, ..Element::default() })
            }
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                push(&mut open, &text.decode().map_err(ReadError::xml)?);
                None
            }
            Event::CData(text) => {
                push(&mut open, &text.decode().map_err(ReadError::xml)?);
                None
            }
            Event::GeneralRef(reference) => {
                push(&mut open, &resolved(&reference)?);
                None
            }
            Event::DocType(_) => return Err(ReadError::xml("a document type")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => None,
            Event::Eof => return Err(ReadError::xml("it ends too early")),
        };
        match (closed, open.last_mut()) {
            (Some(element), Some(parent)) => parent.children.push(element),
            (Some(element), None) => return Ok((element, form)),
            (None, _) => {}
        }
    }
}

fn push(open: &mut [Element], text: &str) {
    // Outside the root element there are only blanks, or nothing that matters.
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn local_name(start: &BytesStart<'_>) -> Result<String, ReadError> {
    std::str::from_utf8(start.local_name().as_ref()).map(str::to_owned).map_err(ReadError::xml)
}

fn form_of(root: &BytesStart<'_>) -> Result<Form, ReadError> {
    for attribute in root.attributes() {
        if attribute.map_err(ReadError::xml)?.value.as_ref() == NAMESPACE.as_bytes() {
            return Ok(Form::Rfc9990);
        }
    }
    Ok(Form::Rfc7489)
}

/// `&amp;` and its four companions, and characters by their number.
fn resolved(reference: &BytesRef<'_>) -> Result<String, ReadError> {
    if let Some(character) = reference.resolve_char_ref().map_err(ReadError::xml)? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(ReadError::xml)?;
    let text = resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| ReadError::xml(format!("the entity {name} is not known")))
}

impl Element {
    fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn child(&self, name: &'static str) -> Result<&Element, ReadError> {
        self.children(name).next().ok_or(ReadError::Missing { element: name })
    }

    /// The text of a child, without blanks around it.
    fn text_if_there(&self, name: &'static str) -> Option<String> {
        self.children(name).next().map(|child| child.text.trim().to_owned())
    }

    fn text(&self, name: &'static str) -> Result<String, ReadError> {
        self.text_if_there(name).ok_or(ReadError::Missing { element: name })
    }

    /// A child whose value is one of several words, or a number.
    fn value<T>(&self, name: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ReadError> {
        let text = self.text(name)?;
        read(&text).ok_or_else(|| ReadError::invalid(name, &text))
    }

    /// As [`Element::value`]. An empty element counts as none.
    fn value_if_there<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        match self.text_if_there(name) {
            Some(text) if !text.is_empty() => read(&text).map(Some).ok_or_else(|| ReadError::invalid(name, &text)),
            _ => Ok(None),
        }
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn mode(text: &str) -> Option<Mode> {
    match text {
        "r" => Some(Mode::Relaxed),
        "s" => Some(Mode::Strict),
        _ => None,
    }
}

fn passes(text: &str) -> Option<bool> {
    match text {
        "pass" => Some(true),
        "fail" => Some(false),
        _ => None,
    }
}

fn yes(text: &str) -> Option<bool> {
    match text {
        "y" => Some(true),
        "n" => Some(false),
        _ => None,
    }
}

fn report(root: &Element, form: Form) -> Result<AggregateReport, ReadError> {
    if root.name != "feedback" {
        return Err(ReadError::Missing { element: "feedback" });
    }
    Ok(AggregateReport {
        form,
        metadata: metadata(root.child("report_metadata")?)?,
        policy: policy(root.child("policy_published")?)?,
        rows: root.children("record").map(row).collect::<Result<_, _>>()?,
    })
}

fn metadata(element: &Element) -> Result<Metadata, ReadError> {
    let range = element.child("date_range")?;
    Ok(Metadata {
        org_name: element.text("org_name")?,
        email: element.text("email")?,
        extra_contact_info: element.text_if_there("extra_contact_info"),
        report_id: element.text("report_id")?,
        period: Period { begin: range.value("begin", parsed)?, end: range.value("end", parsed)? },
        errors: element.children("error").map(|error| error.text.trim().to_owned()).collect(),
        generator: element.text_if_there("generator"),
    })
}

fn policy(element: &Element) -> Result<PolicyPublished, ReadError> {
    Ok(PolicyPublished {
        domain: element.text("domain")?,
        discovery_method: element.value_if_there("discovery_method", DiscoveryMethod::from_word)?,
        adkim: element.value_if_there("adkim", mode)?,
        aspf: element.value_if_there("aspf", mode)?,
        policy: element.value("p", Policy::from_word)?,
        subdomain: element.value_if_there("sp", Policy::from_word)?,
        nonexistent: element.value_if_there("np", Policy::from_word)?,
        percent: element.value_if_there("pct", |text| parsed(text).filter(|percent| *percent <= 100))?,
        testing: element.value_if_there("testing", yes)?,
        failure_options: element.text_if_there("fo"),
    })
}

fn row(record: &Element) -> Result<Row, ReadError> {
    let row = record.child("row")?;
    let evaluated = row.child("policy_evaluated")?;
    let identifiers = record.child("identifiers")?;
    let results = record.child("auth_results")?;
    let reason = |reason: &Element| {
        let kind = reason.value("type", ReasonKind::from_word)?;
        Ok(Reason { kind, comment: reason.text_if_there("comment") })
    };
    Ok(Row {
        source_ip: row.value("source_ip", parsed)?,
        count: row.value("count", parsed)?,
        disposition: evaluated.value("disposition", Disposition::from_word)?,
        dkim: evaluated.value("dkim", passes)?,
        spf: evaluated.value("spf", passes)?,
        reasons: evaluated.children("reason").map(reason).collect::<Result<_, ReadError>>()?,
        header_from: identifiers.text("header_from")?,
        envelope_from: identifiers.text_if_there("envelope_from"),
        envelope_to: identifiers.text_if_there("envelope_to"),
        dkim_results: results.children("dkim").map(dkim).collect::<Result<_, _>>()?,
        spf_results: results.children("spf").map(spf).collect::<Result<_, _>>()?,
    })
}

fn dkim(element: &Element) -> Result<DkimAuth, ReadError> {
    Ok(DkimAuth {
        domain: element.text("domain")?,
        selector: element.text_if_there("selector"),
        result: element.value("result", DkimWord::from_word)?,
        human_result: element.text_if_there("human_result"),
    })
}

fn spf(element: &Element) -> Result<SpfAuth, ReadError> {
    Ok(SpfAuth {
        domain: element.text("domain")?,
        scope: element.value_if_there("scope", Scope::from_word)?,
        result: element.value("result", SpfWord::from_word)?,
        human_result: element.text_if_there("human_result"),
    })
}
