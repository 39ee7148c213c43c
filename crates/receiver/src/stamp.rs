//! The header fields that a message gets on its way in.
//!
//! From the top: `Return-Path` and `Received` (RFC 5321 §4.4), `Authentication-Results`, in Exchange's profile
//! `Received-SPF`, then the message as it came, byte for byte, with two exceptions. An `Authentication-Results` that it
//! brought is not trusted: Exchange renames it to `Authentication-Results-Original`; by RFC 8601 §5 it is removed if it
//! pretends to be this server's, and otherwise stays. A `Return-Path` that it brought is removed, since only final
//! delivery may set one (RFC 5321 §4.4). A `Received-SPF` of an earlier server stays below the one of this server, as
//! Exchange shows several.

use mxlab_mail::authres::ReceivedSpf;
use mxlab_mail::authres::rfc8601::Payload;
use mxlab_mail::headers::{Line, Message, folded};
use mxlab_mail::smtp::server::Envelope;
pub use mxlab_mail::trace::Entrance;
use mxlab_mail::trace::received;

use crate::missing::NotSupportedYet;
use crate::verdict::Results;

/// A field to be stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its name.
    pub name: &'static str,
    /// Its unfolded value.
    pub value: String,
    /// Whether the message brought it under this name, and it stays as it came.
    pub brought: bool,
}

/// The fields by which readers of a message are told what servers found out about it.
const TRUSTED: [&str; 4] = ["Return-Path", "Authentication-Results", "Authentication-Results-Original", "Received-SPF"];

impl Stamp {
    /// A field that this server writes.
    fn new(name: &'static str, value: String) -> Stamp {
        Stamp { name, value, brought: false }
    }

    /// The field as written, folded.
    pub fn to_field(&self) -> String {
        folded(self.name, &self.value)
    }
}

/// All fields for a message with these results, from the top.
///
/// # Errors
/// When the form of a field is not known for a result.
pub fn stamps(entrance: Entrance<'_>, envelope: &Envelope, results: &Results) -> Result<Vec<Stamp>, NotSupportedYet> {
    let mut stamps = vec![
        Stamp::new("Return-Path", envelope.from.to_string()),
        Stamp::new("Received", received(entrance, envelope)),
        Stamp::new("Authentication-Results", results.to_string()),
    ];
    if let Results::Exchange { results, .. } = results
        && let Some(spf) = &results.spf
    {
        let received =
            ReceivedSpf::new(spf, &envelope.hello.name).map_err(|unknown| NotSupportedYet::new(unknown.to_string()))?;
        stamps.push(Stamp::new("Received-SPF", received.to_string()));
    }
    Ok(stamps)
}

/// The message with `stamps` on top, and foreign fields treated by the profile. Also those fields below them by which readers
/// might be deceived: renamed, or as the message brought them.
pub fn stamped(message: &Message<'_>, stamps: &[Stamp], results: &Results) -> (Vec<u8>, Vec<Stamp>) {
    const FOREIGN: &str = "Authentication-Results";
    const RENAMED: &str = "Authentication-Results-Original";
    let mut bytes: Vec<u8> = stamps.iter().flat_map(|stamp| stamp.to_field().into_bytes()).collect();
    let mut below = Vec::new();
    for line in message.lines() {
        match (line, results) {
            (Line::Field(field), Results::Exchange { .. }) if field.is(FOREIGN) => {
                let rest = field.raw().get(field.name().len()..).unwrap_or_default();
                bytes.extend(RENAMED.as_bytes());
                bytes.extend(rest);
                below.push(Stamp::new(RENAMED, field.value()));
            }
            (Line::Field(field), Results::Standard(own)) if field.is(FOREIGN) && pretends(&field.value(), own) => {}
            (Line::Field(field), _) if field.is("Return-Path") => {}
            (line, _) => {
                if let Line::Field(field) = line
                    && let Some(name) = TRUSTED.into_iter().find(|name| field.is(name))
                {
                    below.push(Stamp { name, value: field.value(), brought: true });
                }
                bytes.extend(line.raw());
            }
        }
    }
    bytes.extend(message.separator());
    bytes.extend(message.body());
    (bytes, below)
}

/// Whether a value that a message brought claims to be from the server of `own`. An unreadable value might be accepted
/// by a less strict reader.
fn pretends(value: &str, own: &Payload) -> bool {
    value
        .parse::<Payload>()
        .map_or(true, |payload| payload.authserv_id.as_str().eq_ignore_ascii_case(own.authserv_id.as_str()))
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Arc;

    use rustls::sign::CertifiedKey;

    use crate::config::ReceiverConfig;

    /// An engine with a certificate that nobody checks.
    pub(crate) fn config() -> ReceiverConfig {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["mx.fabrikam.example".into()])
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate");
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let signing = rustls::crypto::ring::sign::any_eddsa_type(&private).expect("a signing key");
        let certified = CertifiedKey::new(vec![certificate.der().clone()], signing);
        ReceiverConfig::new("mx.fabrikam.example", Arc::new(certified))
    }
}

#[cfg(test)]
mod tests {
    use mxlab_mail::authres::{AuthenticationResults, LaidOut};
    use mxlab_mail::smtp::Parameters;
    use mxlab_mail::smtp::server::Hello;
    use proptest::prelude::*;

    use super::*;

    fn exchange(value: &str) -> Results {
        let results: AuthenticationResults = value.parse().expect("results");
        let laid_out = LaidOut::current(&results);
        Results::Exchange { results, laid_out }
    }

    fn envelope() -> Envelope {
        Envelope {
            hello: Hello { name: "mail.contoso.example".into(), extended: true },
            from: "<ann@contoso.example>".parse().expect("a path"),
            parameters: Parameters::new(),
            recipients: Vec::new(),
            tls: true,
        }
    }

    fn entrance() -> Entrance<'static> {
        let at = "2026-03-02T08:00:00.25Z".parse().expect("a timestamp");
        Entrance { server: "mx.fabrikam.example", client: [192, 0, 2, 10].into(), at }
    }

    #[test]
    fn a_message_in_full() {
        let results = "spf=none (sender IP is 192.0.2.10) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.example;compauth=fail reason=001";
        let results = exchange(results);
        let original = "A: 1\nreturn-path: <x@evil.example>\r\n\t\r\nauthentication-results : mx.evil.example;\r\n\tspf=pass\r\nno field\r\n\r\nAuthentication-Results: text\n";
        let message = Message::parse(original.as_bytes()).expect("a message");
        let stamps = stamps(entrance(), &envelope(), &results).expect("all known");
        let (bytes, renamed) = stamped(&message, &stamps, &results);
        let expected = "\
Return-Path: <ann@contoso.example>\r
Received: from mail.contoso.example ([192.0.2.10]) by mx.fabrikam.example with\r
 ESMTPS; Mon, 02 Mar 2026 08:00:00 +0000\r
Authentication-Results: spf=none (sender IP is 192.0.2.10)\r
 smtp.mailfrom=contoso.example; dkim=none (message not signed)\r
 header.d=none;dmarc=none action=none\r
 header.from=contoso.example;compauth=fail reason=001\r
Received-SPF: None (protection.outlook.com: contoso.example does not designate\r
 permitted sender hosts)\r
A: 1
Authentication-Results-Original : mx.evil.example;\r
\tspf=pass\r
no field\r
\r
Authentication-Results: text
";
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
        assert_eq!(renamed, [Stamp::new("Authentication-Results-Original", "mx.evil.example;\tspf=pass".into())]);
    }

    #[test]
    fn by_the_standard_others_keep_their_word() {
        let own: Payload = "mx.fabrikam.example; spf=none smtp.helo=h.example".parse().expect("results");
        let original = "Authentication-Results: MX.fabrikam.example; spf=pass smtp.helo=h.example\r\nAuthentication-Results: unreadable\r\nAuthentication-Results: relay.example; spf=pass smtp.helo=h.example\r\n\r\n";
        let message = Message::parse(original.as_bytes()).expect("a message");
        let (bytes, renamed) = stamped(&message, &[], &Results::Standard(own));
        let expected = "Authentication-Results: relay.example; spf=pass smtp.helo=h.example\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
        let value = "relay.example; spf=pass smtp.helo=h.example".into();
        assert_eq!(renamed, [Stamp { name: "Authentication-Results", value, brought: true }]);
    }

    proptest! {
        /// Stamping adds fields on top and renames some, and loses nothing else.
        #[test]
        fn the_rest_stays(lines in proptest::collection::vec("(A|Authentication-Results|x y): ?[a-z;= ]{0,20}", 0..6), body in "[a-z\r\n.]{0,30}") {
            let original = format!("{}\r\n{body}", lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
            let message = Message::parse(original.as_bytes()).expect("a message");
            let none = exchange("dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=a.example;");
            let (bytes, renamed) = stamped(&message, &[], &none);
            let again = String::from_utf8(bytes).expect("text");
            prop_assert_eq!(renamed.len(), message.fields_named("Authentication-Results").count());
            let parsed = Message::parse(again.as_bytes()).expect("a message");
            prop_assert_eq!(parsed.fields_named("Authentication-Results").count(), 0);
            prop_assert_eq!(parsed.body(), message.body());
            prop_assert_eq!(parsed.lines().len(), message.lines().len());
        }
    }
}
