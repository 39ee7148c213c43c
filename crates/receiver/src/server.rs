//! The SMTP server: how the engine presents itself, and whom it asks for each reply.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mxlab_mail::ReversePath;
use mxlab_mail::smtp::server::{Question, Session, Settings};
use mxlab_smtp::server::{Handshake, Limits, Responder, Response, Server, Service};
use mxlab_smtp::tls::server_config;
use rustls::DEFAULT_VERSIONS;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::intake::Intake;

/// Binds, then accepts connections in a task of its own.
pub(crate) async fn serve(intake: Arc<Intake>, at: SocketAddr) -> io::Result<SocketAddr> {
    let env = intake.shared.env.clone();
    let listener = env.listen(at).await?;
    let address = listener.local_addr();
    let server = Server::new(&env, "inbound SMTP session", Limits::default(), Door(intake));
    env.spawn("inbound SMTP server", async move { match server.accept_from(&*listener).await {} });
    Ok(address)
}

/// Where clients come in.
struct Door(Arc<Intake>);

impl Service for Door {
    type Responder = Visit;

    fn connected(&self, client: IpAddr) -> (Settings, Visit) {
        let config = self.0.shared.config();
        let mut settings = Settings::new(&config.name);
        settings.size = Some(settings.max_message as u64);
        (settings, Visit { intake: self.0.clone(), client, certificate: config.certificate.clone() })
    }
}

/// One session with one client.
struct Visit {
    intake: Arc<Intake>,
    client: IpAddr,
    certificate: Arc<CertifiedKey>,
}

impl Responder for Visit {
    async fn respond(&mut self, question: Question, session: &Session) -> Response {
        let answer = match question {
            Question::Rcpt { to, .. } => {
                self.intake.recipient(session.reverse_path().unwrap_or(&ReversePath::Null), &to)
            }
            Question::Message(delivery) => self.intake.message(self.client, &delivery).await,
            Question::Banner
            | Question::Hello(_)
            | Question::StartTls
            | Question::Mail { .. }
            | Question::Data
            | Question::Quit => Ok(()),
        };
        match answer {
            Ok(()) => Response::Usual,
            Err(reply) => Response::Reply(reply),
        }
    }

    fn handshake(&mut self) -> Handshake {
        let certificate = SingleCertAndKey::from(self.certificate.clone());
        match server_config(&self.intake.shared.env, DEFAULT_VERSIONS, Arc::new(certificate)) {
            Ok(config) => Handshake::Tls(config),
            // Not reached: the provider has algorithms for both versions.
            Err(_) => Handshake::Close,
        }
    }
}
