//! `dialogue`: a session with a mail server, typed by hand.

use std::net::SocketAddr;

use mxlab_mail::smtp;
use mxlab_record::following;
use mxlab_world::dialogue::{self, Line};

use super::error::LabError;
use super::stage::Stage;
use mxlab_language::script::Dialogue;
use mxlab_language::values::DialogueLine;

pub(super) fn dialogue(stage: &mut Stage<'_>, dialogue: &Dialogue) -> Result<(), LabError> {
    let (server, client) = (dialogue.host.as_str(), dialogue.via.as_str());
    let missing = |short: &str| LabError::NoAddress(short.to_owned());
    let address = match (server, &stage.outbound) {
        ("sender", Some(engine)) => engine.submission(),
        (host, _) => SocketAddr::new(stage.address(host)?, smtp::PORT),
    };
    let host = stage.lab.hosts.get(client).ok_or_else(|| missing(client))?;
    let told = stage.tell("dialogue", vec![format!("{client} opens a session with {server}, typed by hand")]);
    let entry = stage.scenario.at.iter().position(|at| Some(at.span) == stage.acting).unwrap_or_default();
    if !host.is_up() {
        stage.tell("dialogue", vec![format!("it cannot be opened: {client} is down")]);
        return Ok(());
    }
    let lines = dialogue.lines.get().0.iter().map(|line| match line {
        DialogueLine::Client(said) => Line::Say(said.clone()),
        DialogueLine::Server(reply) => Line::Hear(reply.clone()),
    });
    let session = dialogue::Dialogue { entry, server: address, lines: lines.collect() };
    let env = host.env();
    let recorder = stage.lab.recorder(stage.scenario, &env, client);
    let (on_its_way, task_env) = (stage.in_flight.begin(), env.clone());
    let playing = async move {
        dialogue::play(&task_env, &recorder, &session).await;
        drop(on_its_way);
    };
    env.spawn("dialogue", following(told, playing));
    Ok(())
}
