//! The wire as everybody on the path sees it: what crosses it in clear.

use mxlab_record::{Event, Fields};

/// Who watches the wire for what should not cross it in clear: commands with addresses, outside TLS.
pub(crate) struct InClear {
    pub(crate) to: String,
    pub(crate) server: String,
}

impl Event for InClear {
    fn kind(&self) -> &'static str {
        "in-clear"
    }
    fn fields(&self) -> Fields {
        Fields::new().with("to", self.to.as_str()).with("server", self.server.as_str())
    }
    fn story(&self) -> Vec<String> {
        vec![format!("everybody on the path to {} can read `RCPT TO:<{}>`", self.server, self.to)]
    }
}

/// The recipient that a packet to a mail server names in clear.
pub(crate) fn recipient_in_clear(port: u16, payload: &[u8]) -> Option<String> {
    if port != 25 {
        return None;
    }
    // Inside TLS nothing looks like a command: a record begins with its type, 0x14 to 0x17.
    payload.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (command, path) = line.split_once(':')?;
        let inner = path.trim_start().strip_prefix('<')?.split_once('>')?.0;
        command.eq_ignore_ascii_case("RCPT TO").then(|| inner.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_seen_in_clear_commands_alone() {
        let check = |payload: &[u8], expected: Option<&str>| {
            assert_eq!(recipient_in_clear(25, payload).as_deref(), expected);
        };
        check(b"RCPT TO:<bo@fabrikam.example>\r\n", Some("bo@fabrikam.example"));
        check(
            b"MAIL FROM:<a@b.example>\r\nrcpt to:<bo@fabrikam.example> NOTIFY=NEVER\r\n",
            Some("bo@fabrikam.example"),
        );
        check(b"MAIL FROM:<a@b.example>\r\n", None);
        check(&[0x17, 0x03, 0x03, 0x00, 0x20, 0xff], None);
        assert_eq!(recipient_in_clear(587, b"RCPT TO:<bo@fabrikam.example>\r\n"), None);
    }
}
