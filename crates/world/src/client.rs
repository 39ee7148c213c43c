//! A plain client: it hands one message to one server, and tries once.
//!
//! It finds the server as any sender does, by MX and address records asked of the world's recursive resolver, but without
//! validating anything; it takes TLS where it is offered and checks no certificate. What a scenario wants to know of such
//! mail is what the receiver makes of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{Env, tls};
use mxlab_mail::address::{Address, ReversePath};
use mxlab_mail::smtp::client::{Capabilities, Step, Transaction};
use mxlab_mail::smtp::{Command, Parameters, Reply, ReplyReader, Stage};
use mxlab_record::{Event, Fields, Recorder};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// How long the client waits for a connection, a reply or a handshake.
const PATIENCE: Duration = Duration::from_secs(120);

/// One message to hand over.
#[derive(Clone, Debug)]
pub struct Handover {
    /// The name that the client says in EHLO.
    pub ehlo: String,
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients, all at one server.
    pub to: Vec<Address>,
    /// The message, with CRLF line ends.
    pub message: Vec<u8>,
    /// Where to: addresses of the server, in the order in which they are tried.
    pub servers: Vec<SocketAddr>,
    /// Whether STARTTLS is used where it is offered.
    pub tls: bool,
}

/// Why a message was not taken at all.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// No server could be reached.
    #[error("no server could be reached: {0}")]
    Unreachable(io::Error),
    /// The session broke.
    #[error("the session broke at {stage}: {error}")]
    Broken {
        /// Where.
        stage: Stage,
        /// How.
        error: io::Error,
    },
    /// The server refused before the message.
    #[error("the server answered `{reply}` at {stage}")]
    Refused {
        /// Where.
        stage: Stage,
        /// What it said.
        reply: Reply,
    },
}

/// How it went for one recipient.
struct HandedOver<'a> {
    from: &'a ReversePath,
    to: &'a str,
    reply: String,
    taken: bool,
}

impl Event for HandedOver<'_> {
    fn kind(&self) -> &'static str {
        "handed-over"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("from", self.from.to_string())
            .with("to", self.to)
            .with("taken", self.taken)
            .with("reply", self.reply.as_str())
    }

    fn story(&self) -> Vec<String> {
        if self.taken {
            // The server that took it says so.
            return Vec::new();
        }
        let from = self.from.address().map_or_else(|| "<>".to_owned(), ToString::to_string);
        vec![format!("cannot hand over a message from {from} to {}: {}", self.to, self.reply)]
    }
}

/// Hands the message over and tells the record how it went.
pub async fn hand_over(env: &Env, recorder: &Recorder, handover: &Handover) {
    let tell = |to: &str, reply: String, taken| {
        recorder.tell(&HandedOver { from: &handover.from, to, reply, taken });
    };
    match try_hand_over(env, handover).await {
        Ok(outcome) => {
            for (to, _, reply) in outcome {
                tell(&to.to_string(), reply.to_string(), reply.is_positive());
            }
        }
        Err(error) => handover.to.iter().for_each(|to| tell(&to.to_string(), error.to_string(), false)),
    }
}

async fn try_hand_over(env: &Env, handover: &Handover) -> Result<Vec<(Address, Stage, Reply)>, HandoverError> {
    let broken = |stage| move |error| HandoverError::Broken { stage, error };
    let stream = connect(env, &handover.servers).await.map_err(HandoverError::Unreachable)?;
    let mut plain = Talk::new(stream);
    let offered = plain.greet(&handover.ehlo, true).await?;
    if !(handover.tls && offered.has("STARTTLS")) {
        return plain.transact(handover).await;
    }
    plain.command(Stage::StartTls, &Command::StartTls).await?;
    let connector =
        TlsConnector::from(tls_config(env).map_err(|error| broken(Stage::Handshake)(io::Error::other(error)))?);
    let name = ServerName::from(peer_name(&handover.servers));
    let secured = within(connector.connect(name, plain.stream)).await.map_err(broken(Stage::Handshake))?;
    let mut secured = Talk::new(secured);
    secured.greet(&handover.ehlo, false).await?;
    secured.transact(handover).await
}

/// Nothing is checked against it, so the address does for a name.
fn peer_name(servers: &[SocketAddr]) -> IpAddr {
    servers.first().map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip)
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn connect(env: &Env, servers: &[SocketAddr]) -> io::Result<mxlab_env::BoxStream> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for server in servers {
        match within(env.connect(*server)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Commands and replies over one stream.
struct Talk<S> {
    stream: S,
    replies: ReplyReader,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S) -> Talk<S> {
        Talk { stream, replies: ReplyReader::new() }
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        let mut buffer = [0; 4096];
        loop {
            match self.replies.next_reply() {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            match within(self.stream.read(&mut buffer)).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.replies.push(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    async fn exchange(&mut self, stage: Stage, bytes: &[u8]) -> Result<Reply, HandoverError> {
        let broken = |error| HandoverError::Broken { stage, error };
        within(self.stream.write_all(bytes)).await.map_err(broken)?;
        self.reply().await.map_err(broken)
    }

    async fn command(&mut self, stage: Stage, command: &Command) -> Result<Reply, HandoverError> {
        let reply = self.exchange(stage, &command.to_wire()).await?;
        if reply.is_positive() { Ok(reply) } else { Err(HandoverError::Refused { stage, reply }) }
    }

    async fn greet(&mut self, name: &str, banner: bool) -> Result<Capabilities, HandoverError> {
        if banner {
            let stage = Stage::Banner;
            let reply = self.reply().await.map_err(|error| HandoverError::Broken { stage, error })?;
            if !reply.is_positive() {
                return Err(HandoverError::Refused { stage, reply });
            }
        }
        let reply = self.command(Stage::Ehlo, &Command::Ehlo(name.to_owned())).await?;
        Ok(Capabilities::from_reply(&reply))
    }

    async fn transact(mut self, handover: &Handover) -> Result<Vec<(Address, Stage, Reply)>, HandoverError> {
        let recipients = handover.to.iter().map(|to| (to.clone(), Parameters::default())).collect();
        let mut transaction =
            Transaction::new(handover.from.clone(), Parameters::default(), recipients, handover.message.clone());
        loop {
            match transaction.next_step() {
                Step::Write { stage, bytes } => {
                    let reply = self.exchange(stage, &bytes).await?;
                    transaction.answered(reply);
                }
                Step::Done(outcome) => {
                    // The message is decided: what comes of QUIT does not matter.
                    let _ = self.command(Stage::Quit, &Command::Quit).await;
                    return Ok(outcome.recipients);
                }
            }
        }
    }
}

fn tls_config(env: &Env) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = tls::crypto_provider();
    let config = ClientConfig::builder_with_details(provider.clone(), tls::time_provider(env))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Takes any certificate, as opportunistic TLS does (RFC 7435): it keeps listeners out, not impostors.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
