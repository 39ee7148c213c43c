//! The failure conditions that the service itself finds, in contrast to replies of other servers: codes and wording as
//! data.
//!
//! The enhanced status codes follow RFC 3463 in form; the subjects and details are Exchange Online's. A condition has one
//! detail (`7.323`) that is printed with class 4 while the message is queued and with class 5 in the NDR.

use serde::{Deserialize, Serialize};

/// What went wrong, in the service's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// STARTTLS is not offered, is refused, or its handshake fails, where DANE requires TLS.
    StarttlsNotSupported,
    /// The certificate's end date has passed, where DANE authenticates it.
    CertificateExpired,
    /// The records are authentic, but the certificate does not match them.
    TlsaInvalid,
    /// The domain uses DNSSEC, and a needed answer could not be validated.
    DnssecInvalid,
    /// The certificate names neither the domain nor the host, where DANE requires it.
    CertificateHostMismatch,
    /// DNS gave no usable answer.
    DnsQueryFailed,
    /// Nothing answered in time.
    ConnectionTimedOut,
    /// The host refused the connection.
    ConnectionRefused,
    /// A connection was made, but no SMTP session on it.
    CannotConnect,
    /// The host closed or reset the connection in the middle of the session.
    ConnectionClosed,
    /// RFC 7505: the domain says that it accepts no mail.
    NullMx,
    /// The domain does not exist.
    DomainDoesNotExist,
    /// RFC 6152 §3: the message has 8-bit content, but the host does not accept it.
    EightBitNotSupported,
}

/// The wording of a condition once it is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A verdict on security; the NDR repeats the text of the deferral.
    Security,
    /// A transport failure; the NDR says `Message expired, <reason>`.
    Transport,
    /// Final from the start: waiting would not help.
    Permanent,
}

/// One row of the table of conditions.
struct Row {
    detail: &'static str,
    family: Family,
    text: &'static str,
    /// What follows `Message expired, ` in the NDR.
    expired: &'static str,
}

const fn security(detail: &'static str, text: &'static str) -> Row {
    Row { detail, family: Family::Security, text, expired: "" }
}

const fn transport(detail: &'static str, text: &'static str, expired: &'static str) -> Row {
    Row { detail, family: Family::Transport, text, expired }
}

const fn permanent(detail: &'static str, text: &'static str) -> Row {
    Row { detail, family: Family::Permanent, text, expired: "" }
}

impl Condition {
    /// All conditions.
    pub const ALL: [Condition; 13] = [
        Condition::StarttlsNotSupported,
        Condition::CertificateExpired,
        Condition::TlsaInvalid,
        Condition::DnssecInvalid,
        Condition::CertificateHostMismatch,
        Condition::DnsQueryFailed,
        Condition::ConnectionTimedOut,
        Condition::ConnectionRefused,
        Condition::CannotConnect,
        Condition::ConnectionClosed,
        Condition::NullMx,
        Condition::DomainDoesNotExist,
        Condition::EightBitNotSupported,
    ];

    const fn row(self) -> Row {
        match self {
            Condition::StarttlsNotSupported => {
                security("7.321", "starttls-not-supported: Destination mail server must support TLS to receive mail.")
            }
            Condition::CertificateExpired => {
                security("7.322", "certificate-expired: Destination mail server's certificate is expired.")
            }
            Condition::TlsaInvalid => security("7.323", "tlsa-invalid: The domain failed DANE validation."),
            Condition::DnssecInvalid => {
                security("7.324", "dnssec-invalid: Destination domain returned invalid DNSSEC records.")
            }
            Condition::CertificateHostMismatch => security(
                "7.325",
                "certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative name \
                 matching the hostname (DANE)",
            ),
            Condition::DnsQueryFailed => transport("4.312", "DNS query failed", "DNS query failed"),
            Condition::ConnectionTimedOut => transport("4.315", "Connection timed out", "connection timed out"),
            Condition::ConnectionRefused => transport("4.316", "Connection refused", "connection refused"),
            Condition::CannotConnect => {
                transport("4.317", "Cannot connect to remote server", "cannot connect to remote server")
            }
            Condition::ConnectionClosed => transport("4.318", "Connection was closed abruptly", "connection reset"),
            Condition::NullMx => permanent("1.10", "Recipient address has null MX"),
            Condition::DomainDoesNotExist => permanent("4.310", "DNS domain does not exist"),
            // The text of RFC 3463 §3.7.
            Condition::EightBitNotSupported => permanent("6.3", "Conversion required but not supported"),
        }
    }

    /// Subject and detail of the enhanced status code: `7.323`.
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The documented wording: `tlsa-invalid: The domain failed DANE validation.`
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// Its wording once it is final.
    pub const fn family(self) -> Family {
        self.row().family
    }

    /// The enhanced code while the message is queued: `4.7.323`. A permanent condition has class 5 at once.
    pub fn queued_code(self) -> String {
        let class = if self.family() == Family::Permanent { 5 } else { 4 };
        format!("{class}.{}", self.detail())
    }

    /// The reply line while the message is queued: `450 4.7.323 tlsa-invalid: …`.
    pub fn queued_line(self) -> String {
        match self.family() {
            Family::Permanent => self.final_line(),
            Family::Security | Family::Transport => format!("450 {} {}", self.queued_code(), self.text()),
        }
    }

    /// The enhanced code in the NDR: `5.7.323`.
    pub fn final_code(self) -> String {
        format!("5.{}", self.detail())
    }

    /// The reply line in the NDR: `550 5.7.323 tlsa-invalid: …`, `550 5.4.316 Message expired, connection refused`.
    pub fn final_line(self) -> String {
        let row = self.row();
        // RFC 7505 §4.2 requires 556 if the recipient's domain has a null MX.
        let reply = if self == Condition::NullMx { 556 } else { 550 };
        match row.family {
            Family::Transport => format!("{reply} {} Message expired, {}", self.final_code(), row.expired),
            Family::Security | Family::Permanent => format!("{reply} {} {}", self.final_code(), row.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(condition: Condition, queued: &str, last: &str) {
        assert_eq!(condition.queued_line(), queued);
        assert_eq!(condition.final_line(), last);
        let word = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
        assert_eq!(condition.queued_code(), word(queued));
        assert_eq!(condition.final_code(), word(last));
    }

    #[test]
    fn wording_is_the_documented_one() {
        use Condition::*;
        check(
            StarttlsNotSupported,
            "450 4.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.",
            "550 5.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.",
        );
        check(
            CertificateExpired,
            "450 4.7.322 certificate-expired: Destination mail server's certificate is expired.",
            "550 5.7.322 certificate-expired: Destination mail server's certificate is expired.",
        );
        check(
            TlsaInvalid,
            "450 4.7.323 tlsa-invalid: The domain failed DANE validation.",
            "550 5.7.323 tlsa-invalid: The domain failed DANE validation.",
        );
        check(
            DnssecInvalid,
            "450 4.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records.",
            "550 5.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records.",
        );
        let mismatch = "certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative \
                        name matching the hostname (DANE)";
        check(CertificateHostMismatch, &format!("450 4.7.325 {mismatch}"), &format!("550 5.7.325 {mismatch}"));
        check(DnsQueryFailed, "450 4.4.312 DNS query failed", "550 5.4.312 Message expired, DNS query failed");
        check(
            ConnectionTimedOut,
            "450 4.4.315 Connection timed out",
            "550 5.4.315 Message expired, connection timed out",
        );
        check(ConnectionRefused, "450 4.4.316 Connection refused", "550 5.4.316 Message expired, connection refused");
        check(
            CannotConnect,
            "450 4.4.317 Cannot connect to remote server",
            "550 5.4.317 Message expired, cannot connect to remote server",
        );
        check(
            ConnectionClosed,
            "450 4.4.318 Connection was closed abruptly",
            "550 5.4.318 Message expired, connection reset",
        );
        check(NullMx, "556 5.1.10 Recipient address has null MX", "556 5.1.10 Recipient address has null MX");
        let conversion = "550 5.6.3 Conversion required but not supported";
        check(EightBitNotSupported, conversion, conversion);
        check(DomainDoesNotExist, "550 5.4.310 DNS domain does not exist", "550 5.4.310 DNS domain does not exist");
    }

    #[test]
    fn details_are_distinct() {
        let mut details: Vec<_> = Condition::ALL.iter().map(|condition| condition.detail()).collect();
        details.sort_unstable();
        details.dedup();
        assert_eq!(details.len(), Condition::ALL.len());
    }
}
