//! Instructions counted by callgrind. Times drift with the machine and its load; these do not.

use std::process::Command;

/// The part that callgrind counts: the work without its preparation.
#[inline(never)]
pub fn measured(work: &mut dyn FnMut()) {
    work();
}

/// Whether valgrind can be run.
pub fn is_there() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs this program under callgrind with these arguments. Returns the instructions inside [`measured`], and the output
/// of the run. The details are in a file for `callgrind_annotate`, named after `name`.
///
/// # Errors
/// Valgrind is missing, or the run fails.
pub fn count(name: &str, arguments: &[&str]) -> Result<(u64, String), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let file = std::env::temp_dir().join(format!("mxlab-{name}.callgrind"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*callgrind*measured*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{name} fails: {said}"));
    }
    let collected = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    let count = collected.and_then(|count| count.parse().ok()).ok_or(format!("callgrind counts nothing: {said}"))?;
    Ok((count, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The word of a value on the command line.
pub fn word(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
