//! The message that carries a report (RFC 7489 §7.2.1.1, RFC 9990 §3.5.2).
//!
//! It has two parts: a few words for people, and the document, compressed with gzip, as an attachment whose name gives
//! receiver, domain and time. The subject gives the same. Nothing in it is random: the same report gives the same
//! octets.

use std::io::{self, Write as _};

use data_encoding::{BASE64_MIME, HEXLOWER};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use mxlab_mail::headers::folded;
use mxlab_mail::{Address, date};
use ring::digest;

use super::{AggregateReport, Form, Reporter};

/// A report, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The name of the file.
    pub file_name: String,
    /// The file: a gzip of the document.
    pub octets: Vec<u8>,
    /// The file as sent: base64 on lines.
    pub encoded: String,
}

impl Attachment {
    /// The encoded size of the report in octets, to which the limit of a URI applies (RFC 7489 §7.2.1).
    pub fn size(&self) -> u64 {
        self.encoded.len().try_into().unwrap_or(u64::MAX)
    }
}

impl AggregateReport {
    /// The name of the file: `mx.fabrikam.example!contoso.example!1772409600!1772495999!1f….xml.gz`.
    ///
    /// The identifier at its end keeps two reports of a day about one domain apart.
    pub fn file_name(&self, receiver: &str) -> String {
        let (begin, end) = (self.metadata.period.begin, self.metadata.period.end);
        format!("{receiver}!{}!{begin}!{end}!{}.xml.gz", self.policy.domain, self.metadata.report_id)
    }

    /// The report, compressed and encoded.
    ///
    /// # Errors
    /// Errors of the compressor, which writes to memory.
    pub fn attachment(&self, receiver: &str) -> io::Result<Attachment> {
        // The file contains neither time nor name nor system, so the same document gives the same octets.
        let mut packer = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
        packer.write_all(self.to_xml().as_bytes())?;
        let octets = packer.finish()?;
        let encoded = BASE64_MIME.encode(&octets);
        Ok(Attachment { file_name: self.file_name(receiver), octets, encoded })
    }

    /// The subject: `Report Domain: contoso.example Submitter: mx.fabrikam.example Report-ID: <1f…>`.
    pub fn subject(&self, receiver: &str) -> String {
        let id = &self.metadata.report_id;
        // RFC 7489 has a message identifier here. RFC 9990 requires the identifier of the file's name.
        let id = match self.form {
            Form::Rfc7489 => format!("<{id}@{receiver}>"),
            Form::Rfc9990 => format!("<{id}>"),
        };
        format!("Report Domain: {} Submitter: {receiver} Report-ID: {id}", self.policy.domain)
    }

    /// The whole message to one address, with CRLF line ends.
    pub fn to_message(&self, reporter: &Reporter, attachment: &Attachment, to: &Address, at: Timestamp) -> Vec<u8> {
        let receiver = &reporter.domain;
        let id = &self.metadata.report_id;
        let boundary = format!("report-{id}");
        let mut message = String::new();
        let mut field = |name: &str, value: &str| message.push_str(&folded(name, value));
        field("From", &format!("<{}>", reporter.email));
        field("To", &format!("<{to}>"));
        field("Subject", &self.subject(receiver));
        field("Date", &date::rfc5322(at));
        field("Message-ID", &format!("<{id}.{}@{receiver}>", short_hash(&to.to_string())));
        field("Auto-Submitted", "auto-generated");
        field("MIME-Version", "1.0");
        field("Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""));
        message.push_str(&format!("\r\n--{boundary}\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n\r\n"));
        message.push_str(&self.words());
        message.push_str(&format!("\r\n--{boundary}\r\n"));
        let mut field = |name: &str, value: &str| message.push_str(&folded(name, value));
        let name = &attachment.file_name;
        field("Content-Type", &format!("application/gzip; name=\"{name}\""));
        field("Content-Transfer-Encoding", "base64");
        field("Content-Disposition", &format!("attachment; filename=\"{name}\""));
        message.push_str(&format!("\r\n{}\r\n--{boundary}--\r\n", attachment.encoded));
        message.into_bytes()
    }

    /// The message as its reader sees it: what it says of itself, the words, and the attachment, unpacked. With LF line ends;
    /// it is the same for every address.
    pub fn as_read(&self, reporter: &Reporter, attachment: &Attachment) -> String {
        let (from, subject) = (&reporter.email, self.subject(&reporter.domain));
        let (words, name, document) = (self.words().replace("\r\n", "\n"), &attachment.file_name, self.to_xml());
        format!("From: <{from}>\nSubject: {subject}\n\n{words}\n[{name}, unpacked]\n{document}")
    }

    /// The part for people.
    fn words(&self) -> String {
        let moment = |second: i64| Timestamp::from_second(second).map(date::rfc5322).unwrap_or_default();
        let (begin, end) = (moment(self.metadata.period.begin), moment(self.metadata.period.end));
        let messages: u64 = self.rows.iter().fold(0, |sum, row| sum.saturating_add(row.count));
        format!(
            "This is an aggregate report of DMARC.\r\n\r\nDomain: {}\r\nPeriod: {begin} to {end}\r\nMessages: {messages}\r\n",
            self.policy.domain
        )
    }
}

/// A few letters that distinguish addresses.
fn short_hash(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    HEXLOWER.encode(hash.as_ref().get(..4).unwrap_or_default())
}
