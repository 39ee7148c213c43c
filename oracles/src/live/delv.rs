//! BIND's delv: it validates what it gets from the server that serves all zones.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use data_encoding::BASE64;
use tokio::process::Command;
use tokio::time::timeout;

use super::Question;
use crate::internet::{EVERYTHING, Internet};
use crate::judges::{Status, Verdict};

const PATIENCE: Duration = Duration::from_secs(60);

/// Its version, if it is installed.
pub async fn version() -> Option<String> {
    let output = Command::new("delv").arg("-v").output().await.ok()?;
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().next().map(str::to_owned)
}

/// Its result for a question.
///
/// # Errors
/// It cannot be run, does not end, or has unknown output.
pub async fn judge(internet: &Internet, port: u16, question: &Question, folder: &Path) -> io::Result<Verdict> {
    let file = folder.join("anchor.conf");
    let mut anchor = "trust-anchors {\n".to_owned();
    for key in &internet.anchor {
        let public = BASE64.encode(&key.public_key);
        let _ = writeln!(anchor, ". static-key {} {} {} \"{public}\";", key.flags, key.protocol, key.algorithm);
    }
    std::fs::write(&file, anchor + "};\n")?;
    let mut command = Command::new("delv");
    command.arg(format!("@{EVERYTHING}")).args(["-p", &port.to_string(), "-a"]).arg(&file).arg("+root=.");
    command.arg("-q").arg(format!("{}.", question.owner)).args(["-t", &question.rtype.to_string()]).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.map_err(|_| io::Error::other("delv does not end"))??;
    let said = [output.stdout, output.stderr].concat();
    read(&String::from_utf8_lossy(&said))
}

/// The lines that matter: for every RRset whether it is validated, for a failure why.
fn read(said: &str) -> io::Result<Verdict> {
    let line = |start: &str| said.lines().find(|line| line.starts_with(start));
    if let Some(failed) = line(";; resolution failed") {
        let why = failed.trim_start_matches(";; resolution failed: ");
        // A denial is a failure with a proof.
        if !matches!(why, "ncache nxdomain" | "ncache nxrrset") {
            return Ok(Verdict::new(Status::Servfail, why));
        }
    }
    let told = |word: &str| said.lines().any(|line| line.starts_with("; ") && line.contains(word));
    match (told("unsigned answer"), told("fully validated")) {
        (true, _) => Ok(Verdict::new(Status::Insecure, "unsigned answer")),
        (false, true) => Ok(Verdict::new(Status::Secure, "fully validated")),
        (false, false) => Err(io::Error::other(format!("delv says nothing that is known here: {said}"))),
    }
}
