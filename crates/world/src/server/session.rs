//! One session of the scripted server: its faults first, then its settings.

use std::net::IpAddr;
use std::sync::Arc;

use mxlab_env::Env;
use mxlab_mail::smtp::server::{Delivery, Question, Session, Settings};
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_mail::{Address, ReversePath};
use mxlab_record::Recorder;
use mxlab_smtp::server::{Handshake, Responder, Response, Service, Sink};
use mxlab_smtp::tls::server_config;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::events::{About, Accepted, Agreed, Asked, Rejected};
use super::faults::ServerFault;
use super::{ServerControl, ServerSettings, TlsLevel};

/// The server as its sessions share it.
pub(super) struct Host {
    pub(super) env: Env,
    pub(super) recorder: Recorder,
    pub(super) control: ServerControl,
    pub(super) sink: Arc<dyn Sink>,
}

impl Service for Host {
    type Responder = Conversation;

    fn connected(&self, client: IpAddr) -> (Settings, Conversation) {
        let settings = self.control.settings();
        let at_connect = self.control.acts(client, ServerFault::at_connect);
        let missing = || self.control.acts(client, |fault| (*fault == ServerFault::StartTlsMissing).then_some(()));
        let mut session = Settings::new(&settings.name);
        session.starttls = settings.tls != TlsLevel::None
            && settings.certificate.is_some()
            && (at_connect.is_some() || missing().is_none());
        session.extensions = settings.extensions;
        session.size = (settings.size > 0).then_some(settings.size);
        let Host { env, recorder, control, sink } = self;
        let conversation = Conversation {
            env: env.clone(),
            recorder: recorder.clone(),
            control: control.clone(),
            sink: sink.clone(),
            client,
            name: settings.name,
            at_connect,
        };
        (session, conversation)
    }
}

/// One session with one client.
pub(super) struct Conversation {
    env: Env,
    recorder: Recorder,
    control: ServerControl,
    sink: Arc<dyn Sink>,
    client: IpAddr,
    name: String,
    /// A fault of the connection, which acts before the greeting.
    at_connect: Option<Response>,
}

impl Responder for Conversation {
    async fn respond(&mut self, question: Question, session: &Session) -> Response {
        if let Some(response) = self.at_connect.take() {
            return response;
        }
        let stage = question.stage();
        let response = match self.control.acts(self.client, |fault| fault.at(stage)) {
            Some(scripted) => scripted,
            None => self.by_settings(&question),
        };
        match (question, response) {
            (Question::Message(delivery), response) => self.message(&delivery, response).await,
            (Question::Rcpt { to, .. }, response) => {
                let from = session.reverse_path().unwrap_or(&ReversePath::Null);
                match &response {
                    Response::Usual | Response::Interrupt(_) | Response::Followed(_) => {
                        self.tell_answer(None, from, &to, stage, None);
                    }
                    Response::Reply(reply) => self.tell_answer(None, from, &to, stage, Some(reply)),
                    Response::Octets(_) | Response::Close | Response::Silence => {}
                }
                response
            }
            (_, response) => response,
        }
    }

    fn handshake(&mut self) -> Handshake {
        if let Some(scripted) = self.control.acts(self.client, ServerFault::in_handshake) {
            return scripted;
        }
        tls_config(&self.env, &self.control.settings()).map_or(Handshake::Close, Handshake::Tls)
    }
}

impl Conversation {
    /// What the settings say.
    fn by_settings(&self, question: &Question) -> Response {
        let settings = self.control.settings();
        let reply = match question {
            Question::Banner => settings.banner.map(|banner| Reply::new(220, banner)),
            Question::Rcpt { to, .. } => {
                let to = to.to_string();
                let mut recipients = settings.recipients.into_iter();
                recipients.find(|(address, _)| address.eq_ignore_ascii_case(&to)).map(|(_, reply)| reply)
            }
            Question::Hello(_)
            | Question::StartTls
            | Question::Mail { .. }
            | Question::Data
            | Question::Message(_)
            | Question::Quit => None,
        };
        reply.map_or(Response::Usual, Response::Reply)
    }

    /// Hands a message on, unless it is refused here. A positive reply, whatever its words are, takes it (RFC 5321 §4.2.1).
    async fn message(&self, delivery: &Delivery, response: Response) -> Response {
        let reply = match response {
            Response::Usual => self.sink.take(self.client, delivery).await,
            // The server itself takes the message; what follows its answer is another matter.
            Response::Interrupt(_) | Response::Followed(_) => {
                self.tell_outcome(delivery, &self.sink.take(self.client, delivery).await);
                return response;
            }
            Response::Reply(reply) => {
                if reply.is_positive() {
                    // The script has the last word towards the client, also where the sink has another.
                    self.sink.take(self.client, delivery).await;
                }
                reply
            }
            Response::Octets(_) | Response::Close | Response::Silence => return response,
        };
        self.tell_outcome(delivery, &reply);
        Response::Reply(reply)
    }

    /// What became of a message, for each recipient.
    fn tell_outcome(&self, delivery: &Delivery, reply: &Reply) {
        let envelope = &delivery.envelope;
        let about = About::of(&delivery.message);
        for (to, _) in &envelope.recipients {
            self.tell_answer(about.message.as_deref(), &envelope.from, to, Stage::Dot, Some(reply));
            if reply.is_positive() {
                let (to, host) = (to.to_string(), self.name.as_str());
                self.recorder.tell(&Accepted { delivery, to, host, client: self.client, about: &about });
            }
        }
    }

    /// Tells what the server answers to RCPT, or to a message for this recipient; without a reply, that all is well.
    fn tell_answer(
        &self,
        message: Option<&str>,
        from: &ReversePath,
        to: &Address,
        stage: Stage,
        reply: Option<&Reply>,
    ) {
        let (from, to, by, client) = (&from.to_string(), &to.to_string(), self.name.as_str(), self.client);
        let about = &Asked { message, from, to, by, stage, client };
        match reply.filter(|reply| !reply.is_positive()) {
            Some(reply) => self.recorder.tell(&Rejected { about, reply }),
            None => self.recorder.tell(&Agreed { about }),
        };
    }
}

/// Chooses the certificate by the name that the client asks for.
#[derive(Debug)]
struct ByName {
    certificate: Arc<CertifiedKey>,
    by_name: Vec<(String, Arc<CertifiedKey>)>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().unwrap_or_default();
        let named = self.by_name.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
        Some(named.map_or(&self.certificate, |(_, certificate)| certificate).clone())
    }
}

fn tls_config(env: &Env, settings: &ServerSettings) -> Option<Arc<ServerConfig>> {
    let versions: &[&SupportedProtocolVersion] = match settings.tls {
        TlsLevel::None => return None,
        TlsLevel::Tls12 => &[&rustls::version::TLS12],
        TlsLevel::Tls13 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let certificate = settings.certificate.clone()?;
    let by_name = settings.by_name.clone();
    server_config(env, versions, Arc::new(ByName { certificate, by_name })).ok()
}
