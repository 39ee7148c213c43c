//! Quoted-printable (RFC 2045 §6.7), for the texts of reports.

/// Encodes a text with LF or CRLF line ends; the result has CRLF, and no line beyond 76 columns.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for line in text.lines() {
        let octets = line.as_bytes();
        let mut column = 0;
        for (index, octet) in octets.iter().enumerate() {
            let last = index + 1 == octets.len();
            let literal = match octet {
                b'=' => false,
                // A blank at the end of a line would be lost on the way.
                b' ' | b'\t' => !last,
                // A lone dot could be taken for the end of the message, "From " for a separator of mailbox files.
                b'.' if column == 0 => false,
                b'F' if column == 0 && octets[index..].starts_with(b"From ") => false,
                _ => octet.is_ascii_graphic(),
            };
            let width = if literal { 1 } else { 3 };
            // Column 76 is for the soft break, unless the line ends here.
            if column + width > if last { 76 } else { 75 } {
                encoded.push_str("=\r\n");
                column = 0;
            }
            if literal {
                encoded.push(char::from(*octet));
            } else {
                encoded.push_str(&format!("={octet:02X}"));
            }
            column += width;
        }
        encoded.push_str("\r\n");
    }
    encoded
}

/// Decodes; what is malformed stays as it is (RFC 2045 §6.7, note on robustness). Line ends become LF.
pub(super) fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    for line in encoded.split_inclusive(|octet| *octet == b'\n') {
        let ended = line.ends_with(b"\n");
        let mut rest = line.trim_ascii_end();
        let soft = rest.ends_with(b"=");
        if soft {
            rest = &rest[..rest.len() - 1];
        }
        while let Some((first, behind)) = rest.split_first() {
            let hex = |at: usize| behind.get(at).and_then(|octet| char::from(*octet).to_digit(16));
            match (first, hex(0), hex(1)) {
                (b'=', Some(high), Some(low)) => {
                    decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                    rest = &behind[2..];
                }
                _ => {
                    decoded.push(*first);
                    rest = behind;
                }
            }
        }
        if ended && !soft {
            decoded.push(b'\n');
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, encoded: &str) {
        assert_eq!(encode(text), encoded);
        assert_eq!(String::from_utf8(decode(encoded.as_bytes())).expect("text"), text);
    }

    #[test]
    fn encoding() {
        check("a = b\n", "a =3D b\r\n");
        check("ends \n", "ends=20\r\n");
        check(".\n", "=2E\r\n");
        check("From x\n", "=46rom x\r\n");
        check("Zażółć\n", "Za=C5=BC=C3=B3=C5=82=C4=87\r\n");
        check("\n\na\n", "\r\n\r\na\r\n");
        check(&format!("{}\n", "x".repeat(76)), &format!("{}\r\n", "x".repeat(76)));
        check(&format!("{}\n", "x".repeat(77)), &format!("{}=\r\nxx\r\n", "x".repeat(75)));
        assert_eq!(decode(b"a=ZZ=\r\nb=4"), b"a=ZZb=4");
    }

    proptest! {
        #[test]
        fn round_trip(lines in proptest::collection::vec("[ -~éF.=]{0,200}", 0..5)) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let encoded = encode(&text);
            prop_assert!(encoded.lines().all(|line| line.len() <= 76));
            prop_assert_eq!(String::from_utf8(decode(encoded.as_bytes())).expect("text"), text);
        }

        #[test]
        fn never_panics(encoded in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&encoded);
        }
    }
}
