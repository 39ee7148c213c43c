//! The front door: an SMTP server that takes messages from the tenants' users (RFC 6409, as plain as can be).
//!
//! It takes no authentication and offers no TLS: in a lab the network between a user and the engine is not the point. It
//! does what RFC 6409 §8 lets a submission server do: a message without Date or Message-ID gets them. Both derive from the
//! message and the time. A Message-ID that cannot be read is replaced: a message has at most one (RFC 5322 §3.6).
//!
//! What it does not take: mail of domains that are no tenant's, judged by the reverse-path, or by the author where that is
//! null; and a message with a CR or LF that stands alone. RFC 5321 §2.3.8 forbids to send one, and a server that took it for
//! a line end could be made to see another message in this one ("SMTP smuggling").

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::{BoxStream, Listener};
use mxlab_mail::headers::{Line, folded};
use mxlab_mail::smtp::server::{Action, Delivery, Question, Session, Settings};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply, Stage};
use mxlab_mail::{Message, ReversePath, date};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::engine::{Shared, Submission};
use crate::event::Rejected;
use crate::ndr::identity;
use crate::routing::Dns;

/// How long a client may say nothing (RFC 5321 §4.5.3.2.7).
const PATIENCE: Duration = Duration::from_secs(300);
/// How long to rest when the machine cannot accept a connection.
const REST: Duration = Duration::from_secs(1);
/// The most sessions at a time; others are answered with 421.
pub(crate) const MOST_SESSIONS: usize = 1_000;

/// Takes connections for as long as the process lives.
pub(crate) async fn serve<D: Dns + Send + Sync + 'static>(shared: Arc<Shared<D>>, listener: Box<dyn Listener>) {
    loop {
        match listener.accept().await {
            Ok(stream) => {
                let session = talk(shared.clone(), stream);
                shared.env.spawn("submission session", async {
                    // A client that goes away in the middle has lost nothing but its own message.
                    let _ = session.await;
                });
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

async fn talk<D: Dns + Send + Sync + 'static>(shared: Arc<Shared<D>>, mut stream: BoxStream) -> io::Result<()> {
    let Ok(_permit) = shared.sessions.try_acquire() else {
        let reply = Reply::enhanced(421, EnhancedCode::new(Class::Transient, 3, 2), "Too many sessions");
        timeout(PATIENCE, stream.write_all(&reply.to_wire())).await.map_err(|_| io::ErrorKind::TimedOut)??;
        return stream.shutdown().await;
    };
    let settings = Settings {
        extensions: ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"].map(str::to_owned).into(),
        starttls: false,
        size: Some(0),
        ..Settings::new(shared.config.name.clone())
    };
    let client = stream.peer_addr().ip();
    let mut session = Session::new(settings);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match session.next_action() {
            Action::Read => {
                let read = timeout(PATIENCE, stream.read(&mut buffer)).await.map_err(|_| io::ErrorKind::TimedOut)??;
                match buffer.get(..read) {
                    Some(bytes) if !bytes.is_empty() => session.receive(bytes),
                    _ => session.end_of_input(),
                }
            }
            Action::Write(bytes) => {
                timeout(PATIENCE, stream.write_all(&bytes)).await.map_err(|_| io::ErrorKind::TimedOut)??;
                stream.flush().await?;
            }
            Action::Ask(question) => answer(&shared, &mut session, question, client).await,
            // Not offered, so not asked for.
            Action::StartTls => return Ok(()),
            Action::Close(_) => {
                let _ = stream.shutdown().await;
                return Ok(());
            }
        }
    }
}

async fn answer<D: Dns + Send + Sync + 'static>(
    shared: &Arc<Shared<D>>,
    session: &mut Session,
    question: Question,
    client: IpAddr,
) {
    match question {
        Question::Mail { from, .. } if !may_send(shared, &from) => {
            let code = EnhancedCode::new(Class::Permanent, 7, 1);
            refuse(shared, session, from, Stage::Mail, Reply::enhanced(550, code, "Unable to relay"));
        }
        Question::Mail { from, .. } if shared.is_full() => {
            let code = EnhancedCode::new(Class::Transient, 3, 1);
            refuse(shared, session, from, Stage::Mail, Reply::enhanced(452, code, "Insufficient system resources"));
        }
        Question::Message(delivery) if delivery.bare_lf || delivery.bare_cr => {
            let code = EnhancedCode::new(Class::Permanent, 6, 11);
            let reply = Reply::enhanced(550, code, "Message contains bare line feeds");
            refuse(shared, session, delivery.envelope.from, Stage::Dot, reply);
        }
        Question::Message(delivery) if !author_may_send(shared, &delivery) => {
            let code = EnhancedCode::new(Class::Permanent, 7, 1);
            refuse(shared, session, delivery.envelope.from, Stage::Dot, Reply::enhanced(550, code, "Unable to relay"));
        }
        Question::Message(delivery) => {
            let from = delivery.envelope.from.clone();
            match shared.submit(completed(delivery, client, &shared.config.name, shared.env.now())).await {
                Ok(()) => session.accept(),
                Err(error) => {
                    let code = EnhancedCode::new(Class::Transient, 3, 1);
                    let reply = Reply::enhanced(452, code, format!("Cannot store the message: {error}"));
                    refuse(shared, session, from, Stage::Dot, reply);
                }
            }
        }
        _ => session.accept(),
    }
}

/// The engine relays for its tenants alone. A null reverse-path says nothing about the sender; the message has to.
fn may_send<D>(shared: &Shared<D>, from: &ReversePath) -> bool {
    shared.config.tenants.is_empty() || from.address().is_none() || shared.config.tenant(from).is_some()
}

/// Whether the author of a message with a null reverse-path is a tenant's.
fn author_may_send<D>(shared: &Shared<D>, delivery: &Delivery) -> bool {
    if shared.config.tenants.is_empty() || delivery.envelope.from.address().is_some() {
        return true;
    }
    let author = Message::parse(&delivery.message).ok().and_then(|message| message.author().ok());
    author.is_some_and(|author| shared.config.tenant(&author.into()).is_some())
}

fn refuse<D>(shared: &Shared<D>, session: &mut Session, from: ReversePath, stage: Stage, reply: Reply) {
    shared.recorder.tell(&Rejected {
        from,
        to: None,
        code: reply.enhanced.map(|code| code.to_string()).unwrap_or_default(),
        text: reply.to_string(),
        by: shared.config.name.clone(),
        stage: stage.word(),
    });
    session.answer(reply);
}

/// The message with its trace field (RFC 5321 §4.4) and the fields that it lacks.
fn completed(delivery: Delivery, client: IpAddr, name: &str, now: Timestamp) -> Submission {
    let Delivery { envelope, mut message, .. } = delivery;
    let hello = word(&envelope.hello.name);
    let protocol = if envelope.hello.extended { "ESMTP" } else { "SMTP" };
    let received = format!("from {hello} ({client}) by {name} with {protocol}; {}", date::rfc5322(now));
    let mut added = folded("Received", &received);
    if !has_field(&message, "Date") {
        added.push_str(&folded("Date", &date::rfc5322(now)));
    }
    if message_id(&message).is_none() {
        let text = String::from_utf8_lossy(&message);
        added.push_str(&folded("Message-ID", &format!("<{}@{name}>", identity(&[&text, &now.to_string()]))));
        drop(text);
        message = without(&message, "Message-ID");
    }
    let mut complete = added.into_bytes();
    complete.extend_from_slice(&message);
    Submission {
        from: envelope.from,
        to: envelope.recipients.into_iter().map(|(address, _)| address).collect(),
        message: complete,
        received_from: hello,
    }
}

/// A HELO name in one word that can stand in a header field, whatever the client said.
fn word(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_graphic() && !"();\"\\<>".contains(c) { c } else { '?' };
    text.chars().take(255).map(clean).collect()
}

/// The message without the fields of this name.
fn without(message: &[u8], name: &str) -> Vec<u8> {
    let Ok(parsed) = Message::parse(message) else { return message.to_vec() };
    let kept = parsed.lines().iter().filter(|line| !matches!(line, Line::Field(field) if field.is(name)));
    let mut bytes: Vec<u8> = kept.flat_map(|line| line.raw().iter().copied()).collect();
    bytes.extend(parsed.separator());
    bytes.extend(parsed.body());
    bytes
}

fn has_field(message: &[u8], name: &str) -> bool {
    Message::parse(message).is_ok_and(|message| message.field(name).is_some())
}

/// The Message-ID without angle brackets, if there is a readable one.
pub(crate) fn message_id(message: &[u8]) -> Option<String> {
    Message::parse(message).ok()?.message_id().ok().map(|id| id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clients_in_one_word() {
        assert_eq!(word("desk.contoso.example"), "desk.contoso.example");
        assert_eq!(word("a b\r\n(c);\u{1b}\u{e9}"), "a?b???c????");
        assert_eq!(word(&"a".repeat(300)).len(), 255);
    }

    #[test]
    fn fields_are_taken_out_whole() {
        let message = b"Subject: x\r\nMessage-ID: a\r\n b\r\nTo: y\r\nMESSAGE-id: <>\r\n\r\nMessage-ID: body\r\n";
        assert_eq!(without(message, "Message-ID"), b"Subject: x\r\nTo: y\r\n\r\nMessage-ID: body\r\n");
    }
}
