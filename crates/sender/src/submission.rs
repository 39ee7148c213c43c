//! An SMTP server that accepts messages from the tenants' users (RFC 6409, in its simplest form).
//!
//! It has neither authentication nor TLS: in a lab the network between a user and the engine does not matter. It does
//! what RFC 6409 §8 allows: a message without Date or Message-ID gets them. Both derive from the message and the time.
//! A Message-ID that cannot be read is replaced: a message has at most one (RFC 5322 §3.6).
//!
//! It does not accept mail from domains of no tenant, judged by the reverse-path, or by the author if that is null; nor
//! a message with a bare CR or LF. RFC 5321 §2.3.8 forbids sending one, and a server that took it for a line end could
//! be made to see another message in this one ("SMTP smuggling").

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use mxlab_env::Listener;
use mxlab_mail::headers::{Line, folded};
use mxlab_mail::smtp::server::{Delivery, EXTENSIONS_OF_SUBMISSION, Question, Session, Settings};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply, Stage};
use mxlab_mail::trace::{Entrance, client_name, received};
use mxlab_mail::{Message, MessageIdHost, ReversePath, date};
use mxlab_smtp::server::{Handshake, Limits, Responder, Response, Server, Service};

use crate::config::Submission;
use crate::event::Rejected;
use crate::ndr::identity;
use crate::queue::{Queue, message_id};
use crate::routing::Dns;

/// Accepts connections for as long as the process lives.
pub(crate) async fn serve<D: Dns + Send + Sync + 'static>(queue: Arc<Queue<D>>, listener: Box<dyn Listener>) {
    let server = Server::new(&queue.env, "submission session", Limits::default(), Door(queue.clone()));
    match server.accept_from(&*listener).await {}
}

/// Where users' clients come in.
struct Door<D>(Arc<Queue<D>>);

impl<D: Dns + Send + Sync + 'static> Service for Door<D> {
    type Responder = Visit<D>;

    fn connected(&self, client: IpAddr) -> (Settings, Visit<D>) {
        let name = self.0.config.name.as_str();
        let settings =
            Settings { starttls: false, size: Some(0), ..Settings::offering(name, &EXTENSIONS_OF_SUBMISSION) };
        (settings, Visit { queue: self.0.clone(), client })
    }
}

/// One session with one client.
struct Visit<D> {
    queue: Arc<Queue<D>>,
    client: IpAddr,
}

impl<D: Dns + Send + Sync + 'static> Responder for Visit<D> {
    async fn respond(&mut self, question: Question, _session: &Session) -> Response {
        let stage = question.stage();
        let (from, answer) = match question {
            Question::Mail { from, .. } => {
                let answer = may_begin(&self.queue, &from);
                (from, answer)
            }
            Question::Message(delivery) => {
                let from = delivery.envelope.from.clone();
                (from, take(&self.queue, delivery, self.client).await)
            }
            Question::Banner
            | Question::Hello(_)
            | Question::StartTls
            | Question::Rcpt { .. }
            | Question::Data
            | Question::Quit => return Response::Usual,
        };
        match answer {
            Ok(()) => Response::Usual,
            Err(reply) => {
                tell_refusal(&self.queue, from, stage, &reply);
                Response::Reply(reply)
            }
        }
    }

    fn handshake(&mut self) -> Handshake {
        // STARTTLS is not offered, so nobody comes here.
        Handshake::Close
    }
}

/// Whether a message with this reverse-path may come.
fn may_begin<D: Dns + Send + Sync + 'static>(queue: &Queue<D>, from: &ReversePath) -> Result<(), Reply> {
    if !may_send(queue, from) {
        return Err(unable_to_relay());
    }
    if queue.is_full() {
        let code = EnhancedCode::new(Class::Transient, 3, 1);
        return Err(Reply::enhanced(452, code, "Insufficient system resources"));
    }
    Ok(())
}

/// Takes a message into the queue, or says why not.
async fn take<D: Dns + Send + Sync + 'static>(
    queue: &Arc<Queue<D>>,
    delivery: Delivery,
    client: IpAddr,
) -> Result<(), Reply> {
    if delivery.bare_lf || delivery.bare_cr {
        let code = EnhancedCode::new(Class::Permanent, 6, 11);
        return Err(Reply::enhanced(550, code, "Message contains bare line feeds"));
    }
    if !author_may_send(queue, &delivery) {
        return Err(unable_to_relay());
    }
    let submission = completed(delivery, client, &queue.id_host, queue.env.now());
    queue.submit(submission, false).await.map_err(|error| {
        let code = EnhancedCode::new(Class::Transient, 3, 1);
        Reply::enhanced(452, code, format!("Cannot store the message: {error}"))
    })
}

fn unable_to_relay() -> Reply {
    Reply::enhanced(550, EnhancedCode::new(Class::Permanent, 7, 1), "Unable to relay")
}

/// The engine relays only for its tenants. A null reverse-path does not name the sender, so the message has to.
fn may_send<D>(queue: &Queue<D>, from: &ReversePath) -> bool {
    queue.config.domains.is_empty() || from.address().is_none() || queue.config.domain_of(from).is_some()
}

/// Whether the author of a message with a null reverse-path is a tenant's.
fn author_may_send<D>(queue: &Queue<D>, delivery: &Delivery) -> bool {
    if queue.config.domains.is_empty() || delivery.envelope.from.address().is_some() {
        return true;
    }
    let author = Message::parse(&delivery.message).ok().and_then(|message| message.author().ok());
    author.is_some_and(|author| queue.config.domain_of(&author.into()).is_some())
}

fn tell_refusal<D>(queue: &Queue<D>, from: ReversePath, stage: Stage, reply: &Reply) {
    queue.recorder.tell(&Rejected {
        from,
        to: None,
        code: reply.enhanced.map(|code| code.to_string()),
        text: reply.to_string(),
        by: queue.config.name.clone(),
        stage: stage.word(),
    });
}

/// The message with its trace field (RFC 5321 §4.4) and the fields that it lacks.
fn completed(delivery: Delivery, client: IpAddr, name: &MessageIdHost, now: Timestamp) -> Submission {
    let Delivery { envelope, mut message, .. } = delivery;
    let mut added = folded("Received", &received(Entrance { server: name.as_str(), client, at: now }, &envelope));
    if !has_field(&message, "Date") {
        added.push_str(&folded("Date", &date::rfc5322(now)));
    }
    if message_id(&message).is_none() {
        let text = String::from_utf8_lossy(&message);
        let id = name.identifier(identity(&[&text, &now.to_string()]));
        added.push_str(&folded("Message-ID", &id.to_string()));
        drop(text);
        message = without(&message, "Message-ID");
    }
    let mut complete = added.into_bytes();
    complete.extend_from_slice(&message);
    let received_from = client_name(&envelope.hello);
    Submission {
        from: envelope.from,
        to: envelope.recipients.into_iter().map(|(address, _)| address).collect(),
        message: complete,
        received_from,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_out_whole() {
        let message = b"Subject: x\r\nMessage-ID: a\r\n b\r\nTo: y\r\nMESSAGE-id: <>\r\n\r\nMessage-ID: body\r\n";
        assert_eq!(without(message, "Message-ID"), b"Subject: x\r\nTo: y\r\n\r\nMessage-ID: body\r\n");
    }
}
