//! Standard output, and whether a terminal wants colours.

use std::io::{self, IsTerminal as _, Write as _};

use mxlab_report::style::Style;
use mxlab_scenario::exit_code::ExitCode;

/// Says a line on standard error. If nobody can hear it, there is nobody to tell: the command goes on to its exit code.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}
/// Says something on standard error that has its own line ends.
macro_rules! say_part {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stderr(), $($words)*);
    }};
}
pub(crate) use {say, say_part};

/// What a command prints on standard output. If that fails, the command fails: its output has not arrived.
#[derive(Default)]
pub(crate) struct Output {
    failed: Option<io::Error>,
}

impl Output {
    /// Writes all of it, now.
    pub(crate) fn write(&mut self, text: &str) {
        if self.failed.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.failed = written.err();
    }

    /// The code with which the command ends, which would be `code` if all went well. A reader that has closed the pipe
    /// (`| head`) has had enough: that is no failure.
    pub(crate) fn end(self, code: ExitCode) -> ExitCode {
        match self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                say!("error: standard output: {error}");
                code.or_worse(ExitCode::Internal)
            }
            _ => code,
        }
    }
}

/// How text for standard error is marked: in colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>) or
/// the terminal is `dumb`.
pub(crate) fn style() -> Style {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    style_of(io::stderr().is_terminal(), &set("NO_COLOR"), &set("TERM"))
}

fn style_of(terminal: bool, no_color: &str, term: &str) -> Style {
    if terminal && no_color.is_empty() && term != "dumb" { Style::COLOURED } else { Style::PLAIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        for (terminal, no_color, term, expected) in [
            (true, "", "xterm-256color", Style::COLOURED),
            (true, "", "", Style::COLOURED),
            (false, "", "xterm-256color", Style::PLAIN),
            (true, "1", "xterm-256color", Style::PLAIN),
            (true, "", "dumb", Style::PLAIN),
        ] {
            assert_eq!(style_of(terminal, no_color, term), expected, "{terminal} {no_color} {term}");
        }
    }
}
