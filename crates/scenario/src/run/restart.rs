//! `restart`: a host goes down, and comes back.

use tokio::time::Instant;

use super::error::LabError;
use super::stage::{Due, Stage};
use mxlab_language::script::Restart;
use mxlab_language::words::RestartHow;

pub(super) fn restart(stage: &mut Stage<'_>, restart: &Restart) -> Result<(), LabError> {
    let short = restart.host.as_str().to_owned();
    let Some(host) = stage.lab.hosts.get(&short) else { return Ok(()) };
    let how = match restart.how() {
        RestartHow::PowerLoss => {
            host.power_loss()?;
            "loses power"
        }
        RestartHow::Kill => {
            host.kill();
            "is killed"
        }
        RestartHow::Stop => {
            host.kill();
            "is stopped"
        }
    };
    stage.tell("restart", vec![format!("{short} {how}")]);
    // Down again before it came back: the later return counts.
    stage.due.retain(|(_, due)| !matches!(due, Due::Return(host) if *host == short));
    stage.due.push((Instant::now() + restart.down().get(), Due::Return(short)));
    Ok(())
}

pub(super) async fn bring_back(stage: &mut Stage<'_>, short: &str) -> Result<(), LabError> {
    let Some(host) = stage.lab.hosts.get(short) else { return Ok(()) };
    host.restart();
    stage.tell("restart", vec![format!("{short} is up again")]);
    match short {
        "sender" => stage.start_outbound().await,
        "receiver" => stage.start_inbound().await,
        _ => {
            stage.lab.start_host(stage.scenario, short);
            Ok(())
        }
    }
}
