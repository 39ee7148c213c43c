//! dkimpy in a separate process, which reads messages and answers with its results, a line each.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::plan::Signing;
use super::{DOMAIN, NOW, SELECTOR, Verdict};

/// The other end of the conversation.
const SCRIPT: &str = include_str!("../../python/dkim_judge.py");

/// A running judge. It ends at the end of its input.
pub struct Dkimpy {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Dkimpy {
    /// # Errors
    /// There is no such Python, or it does not have dkimpy with Ed25519.
    pub fn start(python: &Path) -> Result<Dkimpy, String> {
        let has = Command::new(python).args(["-c", "import dkim, nacl, dns"]).stderr(Stdio::null()).status();
        match has {
            Err(error) => return Err(format!("{} cannot be run: {error}", python.display())),
            Ok(status) if !status.success() => return Err(format!("{} has no dkimpy[ed25519]", python.display())),
            Ok(_) => {}
        }
        let child = Command::new(python).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("dkimpy cannot be talked to".to_owned());
        };
        Ok(Dkimpy { child, input: Some(input), output: BufReader::new(output) })
    }

    /// Its result for the first signature of a message, whose key record is `record`.
    pub fn verify(&mut self, message: &[u8], record: &str) -> io::Result<Verdict> {
        let name = format!("{SELECTOR}._domainkey.{DOMAIN}");
        let said = self.ask(&json!({ "message": latin1(message), "now": NOW, "records": { name: record } }))?;
        let text = |member: &str| said.get(member).and_then(Value::as_str).map(str::to_owned);
        Ok(match text("error") {
            Some(error) => Verdict { passed: false, why: format!("crash: {error}") },
            None => Verdict {
                passed: said.get("passed").and_then(Value::as_bool).unwrap_or_default(),
                why: text("why").unwrap_or_default(),
            },
        })
    }

    /// The field with which it signs a message; none if it cannot.
    pub fn sign(&mut self, message: &[u8], signing: &Signing, key: &str) -> io::Result<Option<Vec<u8>>> {
        let (header, body) = signing.forms;
        let request = json!({ "message": latin1(message), "now": NOW, "sign": {
            "selector": SELECTOR, "domain": DOMAIN, "key": key, "algorithm": signing.key.algorithm(),
            "forms": [header.word(), body.word()], "fields": signing.fields, "length": signing.length,
        }});
        let said = self.ask(&request)?;
        let field = said.get("field").and_then(Value::as_str);
        Ok(field.map(|field| field.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()))
    }

    fn ask(&mut self, request: &Value) -> io::Result<Value> {
        let Some(input) = &mut self.input else { return Err(io::ErrorKind::BrokenPipe.into()) };
        writeln!(input, "{request}")?;
        input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Dkimpy {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Octets as characters.
fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}
