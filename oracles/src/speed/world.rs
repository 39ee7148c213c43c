//! The message that all authenticate, and its DNS records.

use data_encoding::BASE64;
use jiff::Timestamp;
use mxlab_auth::arc::{ChainStatus, Sealer};
use mxlab_auth::dkim::{Signer, SigningKey};
use mxlab_dns::Authority;
use mxlab_mail::Message;

use crate::internet::{Internet, Plan, ZoneSpec};

/// When the message was signed and sealed: in the past for every clock that runs this; nothing expires.
const SIGNED: i64 = 1_735_689_600;

/// The domain of MAIL FROM, of `From`, and of the DKIM signature.
pub const DOMAIN: &str = "contoso.example";
pub const SENDER: &str = "ann@contoso.example";
pub const HELO: &str = "mx1.contoso.example";
pub const RECEIVER: &str = "mx.litware.example";
/// An address in a network of the second include.
pub const CLIENT: &str = "203.0.113.25";

/// The signers: domain, selector and key (RSA, 2,048 bits, exponent 65,537). The first one signs with DKIM, the others
/// seal, in this order.
const SIGNERS: [(&str, &str, &str); 4] = [
    (DOMAIN, "s2025", include_str!("keys/contoso.pem")),
    ("woodgrove.example", "arc", include_str!("keys/woodgrove.pem")),
    ("tailspin.example", "arc", include_str!("keys/tailspin.pem")),
    ("wingtip.example", "arc", include_str!("keys/wingtip.pem")),
];

const RECORDS: &str = r#"
contoso       TXT "v=spf1 include:_spf.contoso.example include:_spf.fabrikam.example -all"
_spf.contoso  TXT "v=spf1 ip4:192.0.2.0/28 ip4:192.0.2.64/27 ip6:2001:db8:1::/48 ~all"
_spf.fabrikam TXT "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip6:2001:db8:2::/48 ~all"
_dmarc.contoso TXT "v=DMARC1; p=reject; rua=mailto:dmarc@contoso.example"
"#;

/// Typical fields, the first hop's at the bottom.
const HEADER: &str = "Received: from app.contoso.example (app.contoso.example [192.0.2.3])\r\n\
    \tby mx1.contoso.example with ESMTPS id 4XyZ01abcd\r\n\
    \t(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n\
    \tWed, 1 Jan 2025 00:00:00 +0000\r\n\
    MIME-Version: 1.0\r\n\
    Date: Wed, 1 Jan 2025 00:00:00 +0000\r\n\
    From: Ann Author <ann@contoso.example>\r\n\
    To: Bob Reader <bob@litware.example>, Carol Reader <carol@litware.example>\r\n\
    Cc: The whole team <team@woodgrove.example>\r\n\
    Subject: Minutes of the meeting of December, and what is to be done until the\r\n\
    \u{20}next one\r\n\
    Message-ID: <20250101000000.4XyZ01abcd@contoso.example>\r\n\
    In-Reply-To: <20241231120000.0011223344@litware.example>\r\n\
    References: <20241230120000.5566778899@litware.example>\r\n\
    \t<20241231120000.0011223344@litware.example>\r\n\
    User-Agent: Contoso Mail 7.1\r\n\
    X-Priority: 3\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n";

/// About 4 kB of text.
fn body() -> String {
    let line = |number: usize| match number % 8 {
        7 => "\r\n".to_owned(),
        _ => format!("{number:>3}. What was said about this point is kept in the minutes that follow.\r\n"),
    };
    (1..=64).map(line).collect()
}

fn key(pem: &str) -> SigningKey {
    SigningKey::from_pem(pem).expect("the keys are keys")
}

/// The text of the key record of a signer.
pub fn key_record(domain: &str) -> Option<String> {
    SIGNERS.iter().find(|(signer, ..)| *signer == domain).map(|(.., pem)| key(pem).record())
}

fn parsed(octets: &str) -> Message<'_> {
    Message::parse(octets.as_bytes()).expect("it is short")
}

/// A message with one DKIM signature and three ARC sets, each below its sealer's `Received`. Everything is valid.
pub fn message() -> Vec<u8> {
    let at = Timestamp::from_second(SIGNED).expect("the time is in range");
    let [(domain, selector, pem), sealers @ ..] = SIGNERS;
    let mut message = format!("{HEADER}\r\n{}", body());
    let signer = Signer::new(key(pem), domain, selector).expect("a signer");
    message = format!("{}{message}", signer.sign(&parsed(&message), at).expect("it signs"));
    let mut status = ChainStatus::None;
    let mut from = HELO.to_owned();
    for (domain, selector, pem) in sealers {
        let by = format!("mx.{domain}");
        message = format!(
            "Received: from {from} ({from} [203.0.113.25])\r\n\tby {by} with ESMTPS id 7F3C2A9915;\r\n\
             \tWed, 1 Jan 2025 00:00:01 +0000\r\n{message}"
        );
        let results = format!(
            "{by}; spf=pass smtp.mailfrom={DOMAIN}; dkim=pass header.d={DOMAIN}; dmarc=pass header.from={DOMAIN}; \
             arc={status}"
        );
        let sealer = Sealer::new(key(pem), domain, selector).expect("a sealer");
        let set = sealer.seal(&parsed(&message), &results, status, at).expect("it seals");
        message = format!("{}{message}", set.header());
        (status, from) = (ChainStatus::Pass, by);
    }
    message.into_bytes()
}

/// The server of all names; its zones are not signed.
pub fn authority() -> std::sync::Arc<Authority> {
    let mut text = RECORDS.to_owned();
    for (domain, selector, pem) in SIGNERS {
        let record = key(pem).record();
        // RFC 1035 section 3.3: a string has at most 255 octets.
        let strings = record.as_bytes().chunks(255).map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
        let strings: Vec<String> = strings.collect();
        text += &format!("{selector}._domainkey.{domain}. TXT {}\n", strings.join(" "));
    }
    let zone = |origin, text| ZoneSpec { signed: None, ..ZoneSpec::new(origin, text) };
    let plan = Plan { zones: vec![zone(".", ""), zone("example", &text)], faults: Vec::new() };
    Internet::new(&plan, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(SIGNED)).everything
}

/// The octets of a key record's `p=`.
pub fn public_key(domain: &str) -> Option<Vec<u8>> {
    let record = key_record(domain)?;
    let (_, base64) = record.split_once("p=")?;
    BASE64.decode(base64.as_bytes()).ok()
}
