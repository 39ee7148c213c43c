//! `cargo xtask coverage`.

use crate::output::say;
use std::path::Path;

use mxlab_report::style::shown;
use mxlab_scenario::coverage::{self, Row};
use mxlab_scenario::exit_code::ExitCode;
use mxlab_scenario::registry;

use crate::output::Output;

/// How many of a behaviour's scenarios are named in its row.
const NAMED: usize = 3;

#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Arguments {
    /// Only this group, with what each behaviour means and with all its scenarios.
    #[arg(long, value_name = "GROUP")]
    list: Option<String>,
}

fn after_help() -> String {
    let groups = registry::groups().iter().map(|(group, title)| format!("    {group:8}  {title}\n"));
    format!(
        "Each row is a behaviour, the scenarios whose `covers` claims it, and its source. `cargo xtask scenarios` checks \
         the claims.\n\nGroups:\n{}\nExit codes:\n     0  the table was printed, whatever is missing\n     1  internal \
         error\n     2  wrong usage; no such group; no scenario\n    10  a scenario file has mistakes, so its claims are \
         not counted",
        groups.collect::<String>()
    )
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> ExitCode {
    if let Some(group) = &arguments.list
        && !registry::groups().iter().any(|(known, _)| known == group)
    {
        let known: Vec<&str> = registry::groups().iter().map(|(group, _)| *group).collect();
        say!("error: there is no group `{}`; there is: {}", shown(group), known.join(", "));
        return ExitCode::Usage;
    }
    let matrix = match coverage::matrix(root) {
        Ok(matrix) => matrix,
        Err(error) => {
            say!("error: {}", shown(&error.to_string()));
            return error.exit_code();
        }
    };
    let rows: Vec<&Row> = matrix
        .rows
        .iter()
        .filter(|row| arguments.list.as_deref().is_none_or(|group| row.behaviour.group() == group))
        .collect();
    let mut out = Output::default();
    let width = rows.iter().map(|row| row.behaviour.id.len()).max().unwrap_or(0);
    let line = |row: &&Row| shown(&if arguments.list.is_some() { long(row) } else { short(row, width) });
    out.write(&rows.iter().map(line).collect::<String>());
    let covered = rows.iter().filter(|row| !row.scenarios.is_empty()).count();
    out.write(&format!("{covered} covered, {} missing\n", rows.len() - covered));
    for invalid in &matrix.invalid {
        say!("error: {} has mistakes: its claims are not counted", shown(invalid));
    }
    out.end(if matrix.invalid.is_empty() { ExitCode::AllHeld } else { ExitCode::Invalid })
}

/// One line: id, scenarios, source.
fn short(row: &Row, width: usize) -> String {
    let Row { behaviour, scenarios } = row;
    let named: Vec<&str> = scenarios.iter().take(NAMED).map(String::as_str).collect();
    let more = scenarios.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let by = match (scenarios.is_empty(), behaviour.can_be_shown()) {
        (false, _) => format!("{}{more}", named.join(", ")),
        (true, true) => "(missing)".to_owned(),
        (true, false) => "(missing; nothing shows this yet)".to_owned(),
    };
    format!("{:width$}  {by}  [{}]\n", behaviour.id, behaviour.source)
}

/// Everything there is to say of a behaviour.
fn long(row: &Row) -> String {
    let Row { behaviour, scenarios } = row;
    let by = match (scenarios.is_empty(), behaviour.can_be_shown()) {
        (false, _) => scenarios.iter().map(|scenario| format!("    {scenario}\n")).collect(),
        (true, true) => "    (missing)\n".to_owned(),
        (true, false) => "    (missing; nothing shows this yet)\n".to_owned(),
    };
    format!("{}: {} [{}]\n{by}", behaviour.id, behaviour.what, behaviour.source)
}
