//! pyspf in a separate process, which reads cases and answers with verdicts, a line each.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Verdict;
use super::world::Case;

/// The other end of the conversation.
const SCRIPT: &str = include_str!("../../python/spf_judge.py");

/// A running judge. It ends at the end of its input.
pub struct Pyspf {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Pyspf {
    /// # Errors
    /// There is no such Python, or it does not have pyspf.
    pub fn start(python: &Path) -> Result<Pyspf, String> {
        let has = Command::new(python).args(["-c", "import spf"]).stderr(Stdio::null()).status();
        match has {
            Err(error) => return Err(format!("{} cannot be run: {error}", python.display())),
            Ok(status) if !status.success() => return Err(format!("{} has no pyspf", python.display())),
            Ok(_) => {}
        }
        let child = Command::new(python).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("pyspf cannot be talked to".to_owned());
        };
        Ok(Pyspf { child, input: Some(input), output: BufReader::new(output) })
    }

    /// Its result for a case.
    pub fn judge(&mut self, case: &Case) -> io::Result<Verdict> {
        let Some(input) = &mut self.input else { return Err(io::ErrorKind::BrokenPipe.into()) };
        writeln!(input, "{}", case.to_json())?;
        input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let said: Value = serde_json::from_str(&line)?;
        let text = |member: &str| said.get(member).and_then(Value::as_str).map(str::to_owned);
        let (result, detail) = match text("error") {
            Some(error) => ("crash".to_owned(), error),
            None => (text("result").unwrap_or_default(), text("detail").unwrap_or_default()),
        };
        Ok(Verdict { result, explanation: text("explanation"), detail })
    }
}

impl Drop for Pyspf {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
