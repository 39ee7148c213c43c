//! Writing the document. Elements that a format does not have are left out.

use quick_xml::escape::escape;

use super::{AggregateReport, DkimAuth, Form, Metadata, NAMESPACE, PolicyPublished, Row, SpfAuth};
use crate::alignment::Mode;

/// Elements on lines, two blanks for each level.
struct Document {
    text: String,
    open: Vec<&'static str>,
}

impl Document {
    fn line(&mut self, line: &str) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn within(&mut self, name: &'static str, content: impl FnOnce(&mut Document)) {
        self.within_with(name, "", content);
    }

    fn within_with(&mut self, name: &'static str, attributes: &str, content: impl FnOnce(&mut Document)) {
        self.line(&format!("<{name}{attributes}>"));
        self.open.push(name);
        content(self);
        self.open.pop();
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, text: impl ToString) {
        let text: String = text.to_string().chars().map(|it| if is_xml(it) { it } else { '\u{fffd}' }).collect();
        self.line(&format!("<{name}>{}</{name}>", escape(text.as_str())));
    }

    fn maybe(&mut self, name: &str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }
}

/// The characters that a document of XML 1.0 may hold (§2.2); line ends are left out, since readers change them.
fn is_xml(character: char) -> bool {
    !character.is_control() && !('\u{fffe}'..='\u{ffff}').contains(&character)
}

impl AggregateReport {
    /// The document, in UTF-8.
    pub fn to_xml(&self) -> String {
        let mut document = Document { text: String::new(), open: Vec::new() };
        document.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        let attributes = match self.form {
            Form::Rfc7489 => String::new(),
            Form::Rfc9990 => format!(" xmlns=\"{NAMESPACE}\""),
        };
        document.within_with("feedback", &attributes, |it| {
            it.leaf("version", "1.0");
            metadata(it, &self.metadata, self.form);
            match self.form {
                Form::Rfc7489 => policy_of_rfc7489(it, &self.policy),
                Form::Rfc9990 => policy_of_rfc9990(it, &self.policy),
            }
            for row in &self.rows {
                record(it, row);
            }
        });
        document.text
    }
}

fn metadata(document: &mut Document, metadata: &Metadata, form: Form) {
    document.within("report_metadata", |it| {
        it.leaf("org_name", &metadata.org_name);
        it.leaf("email", &metadata.email);
        it.maybe("extra_contact_info", metadata.extra_contact_info.as_deref());
        it.leaf("report_id", &metadata.report_id);
        it.within("date_range", |it| {
            it.leaf("begin", metadata.period.begin);
            it.leaf("end", metadata.period.end);
        });
        for error in &metadata.errors {
            it.leaf("error", error);
        }
        if form == Form::Rfc9990 {
            it.maybe("generator", metadata.generator.as_deref());
        }
    });
}

fn letter(mode: Mode) -> &'static str {
    match mode {
        Mode::Relaxed => "r",
        Mode::Strict => "s",
    }
}

fn policy_of_rfc7489(document: &mut Document, policy: &PolicyPublished) {
    document.within("policy_published", |it| {
        it.leaf("domain", &policy.domain);
        it.maybe("adkim", policy.adkim.map(letter));
        it.maybe("aspf", policy.aspf.map(letter));
        it.leaf("p", policy.policy.word());
        it.maybe("sp", policy.subdomain.map(|policy| policy.word()));
        it.maybe("np", policy.nonexistent.map(|policy| policy.word()));
        it.maybe("pct", policy.percent);
        it.maybe("fo", policy.failure_options.as_deref());
    });
}

fn policy_of_rfc9990(document: &mut Document, policy: &PolicyPublished) {
    document.within("policy_published", |it| {
        it.leaf("domain", &policy.domain);
        it.maybe("discovery_method", policy.discovery_method.map(|method| method.word()));
        it.leaf("p", policy.policy.word());
        it.maybe("sp", policy.subdomain.map(|policy| policy.word()));
        it.maybe("np", policy.nonexistent.map(|policy| policy.word()));
        it.maybe("fo", policy.failure_options.as_deref());
        it.maybe("adkim", policy.adkim.map(letter));
        it.maybe("aspf", policy.aspf.map(letter));
        it.maybe("testing", policy.testing.map(|testing| if testing { "y" } else { "n" }));
    });
}

fn record(document: &mut Document, row: &Row) {
    let word = |passes| if passes { "pass" } else { "fail" };
    document.within("record", |it| {
        it.within("row", |it| {
            it.leaf("source_ip", row.source_ip);
            it.leaf("count", row.count);
            it.within("policy_evaluated", |it| {
                it.leaf("disposition", row.disposition.word());
                it.leaf("dkim", word(row.dkim));
                it.leaf("spf", word(row.spf));
                for reason in &row.reasons {
                    it.within("reason", |it| {
                        it.leaf("type", reason.kind.word());
                        it.maybe("comment", reason.comment.as_deref());
                    });
                }
            });
        });
        it.within("identifiers", |it| {
            it.maybe("envelope_to", row.envelope_to.as_deref());
            it.maybe("envelope_from", row.envelope_from.as_deref());
            it.leaf("header_from", &row.header_from);
        });
        it.within("auth_results", |it| {
            row.dkim_results.iter().for_each(|result| dkim(it, result));
            row.spf_results.iter().for_each(|result| spf(it, result));
        });
    });
}

fn dkim(document: &mut Document, auth: &DkimAuth) {
    document.within("dkim", |it| {
        it.leaf("domain", &auth.domain);
        it.maybe("selector", auth.selector.as_deref());
        it.leaf("result", auth.result.word());
        it.maybe("human_result", auth.human_result.as_deref());
    });
}

fn spf(document: &mut Document, auth: &SpfAuth) {
    document.within("spf", |it| {
        it.leaf("domain", &auth.domain);
        it.maybe("scope", auth.scope.map(|scope| scope.word()));
        it.leaf("result", auth.result.word());
        it.maybe("human_result", auth.human_result.as_deref());
    });
}
