//! Trace fields (RFC 5321 §4.4): where a message came in.
//!
//! A server that takes a message writes one `Received` field on top of it:
//!
//! ```text
//! Received: from mail.contoso.example ([192.0.2.10]) by mx.fabrikam.example with
//!  ESMTPS; Mon, 02 Mar 2026 08:00:00 +0000
//! ```
//!
//! `from` has the name that the client said, which may be anything, then its address as the connection shows it.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::date;
use crate::smtp::server::{Envelope, Hello};

/// How many characters of a client's name are kept (RFC 5321 §4.5.3.1.2: a domain has at most 255 octets).
pub const MAX_NAME: usize = 255;

/// Where a message came in.
#[derive(Clone, Copy, Debug)]
pub struct Entrance<'a> {
    /// The server's full name.
    pub server: &'a str,
    /// The client's address.
    pub client: IpAddr,
    /// When.
    pub at: Timestamp,
}

/// The unfolded value of `Received` (RFC 5321 §4.4), with the protocol names of RFC 3848.
pub fn received(entrance: Entrance<'_>, envelope: &Envelope) -> String {
    let protocol = match (envelope.hello.extended, envelope.tls) {
        (false, _) => "SMTP",
        (true, false) => "ESMTP",
        (true, true) => "ESMTPS",
    };
    let (hello, client) = (client_name(&envelope.hello), address_literal(entrance.client));
    format!("from {hello} ({client}) by {} with {protocol}; {}", entrance.server, date::rfc5322(entrance.at))
}

/// An address as it stands in SMTP: `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
pub fn address_literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// The name that a client said, as one word that can stand in a header field, whatever the client said: each character
/// that is not visible ASCII, or that has a meaning in a field, becomes `?`. A name has no other characters: that of an
/// internationalized domain is said in A-labels (RFC 6531 §3.7.1). Nothing said is `?` too, so that the field keeps its form.
pub fn client_name(hello: &Hello) -> String {
    let clean = |c: char| if c.is_ascii_graphic() && !"();\"\\<>".contains(c) { c } else { '?' };
    let name: String = hello.name.chars().take(MAX_NAME).map(clean).collect();
    if name.is_empty() { "?".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Parameters;

    fn hello(name: &str, extended: bool) -> Hello {
        Hello { name: name.into(), extended }
    }

    #[test]
    fn where_a_message_came_in() {
        let check = |name: &str, extended, tls, client: &str, expected: &str| {
            let from = "<ann@contoso.example>".parse().expect("a path");
            let (parameters, recipients) = (Parameters::new(), Vec::new());
            let envelope = Envelope { hello: hello(name, extended), from, parameters, recipients, tls };
            let at = "2026-03-02T08:00:00.25Z".parse().expect("a timestamp");
            let client = client.parse().expect("an address");
            let entrance = Entrance { server: "mx.fabrikam.example", client, at };
            let rest = "Mon, 02 Mar 2026 08:00:00 +0000";
            assert_eq!(received(entrance, &envelope), format!("{expected}; {rest}"));
        };
        check("a", false, false, "192.0.2.1", "from a ([192.0.2.1]) by mx.fabrikam.example with SMTP");
        check("a", true, true, "192.0.2.1", "from a ([192.0.2.1]) by mx.fabrikam.example with ESMTPS");
        check("a", true, false, "::ffff:192.0.2.1", "from a ([192.0.2.1]) by mx.fabrikam.example with ESMTP");
        let expected = "from a?by?x ([IPv6:2001:db8::1]) by mx.fabrikam.example with ESMTP";
        check("a by;x", true, false, "2001:db8::1", expected);
        let expected = "from [192.0.2.9] ([192.0.2.1]) by mx.fabrikam.example with ESMTP";
        check("[192.0.2.9]", true, false, "192.0.2.1", expected);
    }

    #[test]
    fn names_of_clients_in_one_word() {
        let check = |name: &str, expected: &str| assert_eq!(client_name(&hello(name, true)), expected, "{name:?}");
        check("desk.contoso.example", "desk.contoso.example");
        check("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]");
        check("a b\r\n(c);\u{1b}\u{e9}", "a?b???c????");
        check("", "?");
        check(&"a".repeat(300), &"a".repeat(255));
        // One character, not one octet, becomes one mark.
        check(&"\u{20ac}".repeat(300), &"?".repeat(255));
    }
}
