//! The engine as seen by a client on the network: sessions in a simulated world, whose root zone has all records.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::keys::Algorithm;
use mxlab_dns::signed_zone::{SignedZone, Signing};
use mxlab_dns::signing_key::SigningKey;
use mxlab_dns::{Authority, Name, Resolver, ResolverConfig, TrustAnchor, Zone, serve};
use mxlab_env::{BoxStream, Env, tls};
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::{Reply, ReplyReader};
use mxlab_receiver::{Delivered, Profile, Receiver, ReceiverConfig, RecipientTenant};
use mxlab_record::{Entry, Journal};
use mxlab_sim::{Config, End, Sim};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const MX: &str = "192.0.2.20:25";
const DNS: &str = "192.0.2.53:53";
const CLIENT: &str = "192.0.2.10";

const RECORDS: &str = r#"
spf.example.         TXT "v=spf1 mx -all"
spf.example.         MX 10 mail.spf.example.
mail.spf.example.    A 192.0.2.10
full.example.        TXT "v=spf1 a:mail.spf.example -all"
_dmarc.full.example. TXT "v=DMARC1; p=reject"
"#;

/// The result of a run.
struct Ran {
    replies: Vec<Reply>,
    delivered: Vec<Delivered>,
    entries: Vec<Entry>,
}

impl Ran {
    fn codes(&self) -> Vec<u16> {
        self.replies.iter().map(|reply| reply.code).collect()
    }

    /// The events of a kind, each with some of its fields.
    fn events(&self, kind: &str, fields: &[&str]) -> Vec<Vec<String>> {
        let texts = |entry: &Entry| {
            let text = |name: &&str| entry.fields.text(name).unwrap_or("-").to_owned();
            fields.iter().map(text).collect()
        };
        self.entries.iter().filter(|entry| entry.kind == kind).map(texts).collect()
    }
}

fn certified_key() -> Arc<CertifiedKey> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(vec!["mx.fabrikam.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let signing = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(key.serialize_der())).unwrap();
    Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// Lets a client say `chunks` (each is written whole, then one reply is read for each line end that expects one); a chunk
/// `TLS` stands for the handshake. `internal` makes the client one of the tenant's own hosts.
fn run(chunks: &[&str], internal: bool) -> Ran {
    run_with(chunks, |config| {
        if internal {
            config.internal = vec![CLIENT.parse().unwrap()];
        }
    })
}

/// The same for an engine with this configuration.
fn run_with(chunks: &[&str], configure: impl FnOnce(&mut ReceiverConfig)) -> Ran {
    let mut sim = Sim::new(Config::default()).unwrap();
    let mut host = |name: &str, address: &str| sim.add_host(name, [address.parse().unwrap()]).unwrap();
    let (mx, dns, client) = (host("mx", "192.0.2.20"), host("dns", "192.0.2.53"), host("client", CLIENT));
    let journal = Journal::new(1_000);

    let root: Name = ".".parse().unwrap();
    let mut zone = Zone::new(root.clone(), &["ns.example".parse().unwrap()], 300);
    zone.add_text(RECORDS, 300).unwrap();
    let authority = Authority::new();
    let key = Arc::new(SigningKey::from_seed(Algorithm::ED25519, [7; 32]).unwrap());
    let anchor = TrustAnchor::root(vec![key.ds(&root)]);
    let signing = Signing::rolling(Config::default().epoch - jiff::SignedDuration::from_hours(24));
    authority.set_zone(SignedZone::new(zone, vec![key], signing));
    let env = dns.env();
    dns.env().spawn("dns", async move {
        let _ = serve(&env, DNS.parse().unwrap(), Arc::new(authority)).await;
    });

    let env = mx.env();
    let recorder = journal.recorder(&env, "receiver", 0);
    let resolver = Resolver::new(&env, &recorder, ResolverConfig::new(vec![DNS.parse().unwrap()], anchor));
    let mut config = ReceiverConfig::new("mx.fabrikam.example", certified_key());
    config.tenants = vec![RecipientTenant::new("fabrikam", vec!["fabrikam.example".to_owned()])];
    configure(&mut config);
    let receiver = Receiver::new(&env, &recorder, resolver, config);

    let (env, listening) = (client.env(), receiver.clone());
    let chunks: Vec<String> = chunks.iter().map(|chunk| (*chunk).to_owned()).collect();
    let outcome = sim.run(async move {
        listening.serve(MX.parse().unwrap()).await.unwrap();
        tokio::time::timeout(Duration::from_secs(3_600), dialogue(env, chunks)).await.unwrap().unwrap()
    });
    assert_eq!(outcome.end, End::Finished);
    Ran { replies: outcome.value.unwrap(), delivered: receiver.mailbox().messages(), entries: journal.entries() }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn dialogue(env: Env, chunks: Vec<String>) -> io::Result<Vec<Reply>> {
    let to: SocketAddr = MX.parse().unwrap();
    let plain: BoxStream = env.connect(to).await?;
    let mut stream: Box<dyn Duplex> = Box::new(plain);
    let mut reader = ReplyReader::new();
    let mut replies = vec![reply(&mut stream, &mut reader).await?];
    for chunk in chunks {
        if chunk == "TLS" {
            let connector = tokio_rustls::TlsConnector::from(client_config(&env));
            let name = ServerName::try_from("mx.fabrikam.example").unwrap();
            stream = Box::new(connector.connect(name, stream).await?);
            continue;
        }
        stream.write_all(chunk.as_bytes()).await?;
        stream.flush().await?;
        replies.push(reply(&mut stream, &mut reader).await?);
    }
    Ok(replies)
}

async fn reply(stream: &mut Box<dyn Duplex>, reader: &mut ReplyReader) -> io::Result<Reply> {
    let mut buffer = [0; 4_096];
    loop {
        if let Some(reply) = reader.next_reply().map_err(io::Error::other)? {
            return Ok(reply);
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => reader.push(&buffer[..count]),
        }
    }
}

/// A client that takes any certificate.
fn client_config(env: &Env) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_details(tls::crypto_provider(), tls::time_provider(env))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// A whole session over TLS with one message whose author is at `domain`.
fn session(domain: &str) -> Vec<String> {
    session_with(domain, &format!("From: ann@{domain}\r\nMessage-ID: <m1@{domain}>\r\n"))
}

/// The same for a message with this header, of which ann at `domain` is the sender.
fn session_with(domain: &str, header: &str) -> Vec<String> {
    let lines = [
        "EHLO client.example\r\n".to_owned(),
        "STARTTLS\r\n".to_owned(),
        "TLS".to_owned(),
        "EHLO client.example\r\n".to_owned(),
        format!("MAIL FROM:<ann@{domain}>\r\n"),
        "RCPT TO:<bo@fabrikam.example>\r\n".to_owned(),
        "DATA\r\n".to_owned(),
        format!("{header}\r\n..dot\r\n.\r\n"),
        "QUIT\r\n".to_owned(),
    ];
    lines.into()
}

#[track_caller]
fn check(domain: &str, internal: bool, verdict: [&str; 6], folder: &str) -> Ran {
    let lines = session(domain);
    let ran = run(&lines.iter().map(String::as_str).collect::<Vec<_>>(), internal);
    assert_eq!(ran.codes(), [220, 250, 220, 250, 250, 250, 354, 250, 221]);
    assert_eq!(ran.events("verdict", &["spf", "dkim", "dmarc", "action", "compauth", "reason"]), [verdict]);
    let accepted = ran.events("accepted", &["message", "from", "to", "host", "client", "folder"]);
    let (id, from) = (format!("m1@{domain}"), format!("<ann@{domain}>"));
    assert_eq!(accepted, [[id.as_str(), &from, "bo@fabrikam.example", "mx.fabrikam.example", CLIENT, folder]]);
    let message = Message::parse(&ran.delivered[0].message).unwrap();
    assert_eq!(message.body(), b".dot\r\n");
    assert!(message.field("Received").unwrap().value().contains(" with ESMTPS; "));
    let stamped = ran.events("stamped", &["header", "value"]);
    let stamped = stamped.iter().find(|fields| fields[0] == "Authentication-Results").unwrap();
    assert_eq!(message.field("Authentication-Results").unwrap().value(), stamped[1]);
    ran
}

#[test]
fn nothing_published() {
    let ran = check("none.example", false, ["none", "none", "none", "none", "fail", "001"], "junk");
    let because = &ran.entries.iter().find(|entry| entry.kind == "verdict").unwrap().because;
    let expected = [
        "none.example publishes no SPF record",
        "SPF says none for none.example",
        "the message is not signed",
        "none.example publishes no DMARC record",
        "neither SPF nor DKIM passes for a domain aligned with none.example",
        "192.0.2.10 has no name that leads back to it",
        "the sending domain publishes nothing to authenticate it: implicit failure, reason 001",
    ];
    assert_eq!(because, &expected);
}

#[test]
fn best_guess_and_explicit_pass() {
    check("spf.example", false, ["pass", "none", "bestguesspass", "none", "pass", "109"], "inbox");
    check("full.example", false, ["pass", "none", "pass", "none", "pass", "100"], "inbox");
}

#[test]
fn inside_the_organization() {
    let ran = check("fabrikam.example", true, ["-", "none", "none", "none", "-", "-"], "inbox");
    assert!(ran.events("resolved", &[]).is_empty());
    assert!(ran.events("stamped", &["header"]).iter().all(|fields| fields[0] != "Received-SPF"));
}

#[test]
fn what_cannot_be_judged_is_said_loudly_and_not_delivered() {
    let lines = session("fabrikam.example");
    let ran = run(&lines.iter().map(String::as_str).collect::<Vec<_>>(), false);
    assert_eq!(ran.codes(), [220, 250, 220, 250, 250, 250, 354, 451, 221]);
    let what = "the composite reason for spf=none, dmarc=none and an author of the tenant's own domain";
    assert_eq!(ran.events("not-supported", &["what", "to"]), [[what, "bo@fabrikam.example"]]);
    assert!(ran.delivered.is_empty());
}

#[test]
fn recipients_of_others_are_refused() {
    let lines = [
        "EHLO client.example\r\n",
        "MAIL FROM:<ann@spf.example>\r\n",
        "RCPT TO:<bo@contoso.example>\r\n",
        "RCPT TO:<bo@sub.fabrikam.example>\r\n",
        "DATA\r\n",
    ];
    let ran = run(&lines, false);
    assert_eq!(ran.codes(), [220, 250, 250, 550, 550, 554]);
    let text = "550 5.4.1 Recipient address rejected: Access denied";
    assert_eq!(
        ran.events("rejected", &["from", "to", "code", "text", "by", "stage"])[0],
        ["<ann@spf.example>", "bo@contoso.example", "5.4.1", text, "mx.fabrikam.example", "rcpt"]
    );
}

#[test]
fn plaintext_behind_starttls_ends_the_session() {
    let ran = run(&["EHLO client.example\r\n", "STARTTLS\r\nMAIL FROM:<x@y.example>\r\n"], false);
    assert_eq!(ran.codes(), [220, 250, 554]);
}

#[test]
fn a_silent_client_is_sent_away() {
    // The client's line is not a complete command, and nothing follows for ten minutes.
    let ran = run(&["EHLO client.example\r\n", "NOOP"], false);
    assert_eq!(ran.codes(), [220, 250, 421]);
}

/// Sends a message with this header to an engine of this profile.
fn sent(header: &str, profile: Profile) -> Ran {
    let lines = session_with("full.example", header);
    run_with(&lines.iter().map(String::as_str).collect::<Vec<_>>(), |config| config.profile = profile)
}

/// A message with this header is refused permanently, with these replies by exo and rfc: nothing is delivered and nothing is
/// looked up.
#[track_caller]
fn check_refused(header: &str, by_exo: &str, by_rfc: &str) {
    for (profile, expected) in [(Profile::Exo, by_exo), (Profile::Rfc, by_rfc)] {
        let ran = sent(header, profile);
        assert_eq!(ran.replies[7].to_string(), expected);
        let refused = ran.events("rejected", &["to", "by", "stage"]);
        assert_eq!(refused, [["bo@fabrikam.example", "mx.fabrikam.example", "dot"]]);
        assert!(ran.delivered.is_empty() && ran.events("resolved", &[]).is_empty());
        // The session goes on.
        assert_eq!(ran.codes()[8], 221);
    }
}

#[test]
fn a_message_without_an_author_or_with_too_many_is_refused() {
    let none = "550 5.6.0 Message has no author to authenticate: no From field";
    let invalid = "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant";
    check_refused("Sender: ann@full.example\r\n", invalid, none);
    let two = "550 5.6.0 Message has no author to authenticate: 2 From fields";
    check_refused("From: ann@full.example\r\nFrom: cy@none.example\r\n", invalid, two);
    let others: String = (0..10).map(|number| format!(",\r\n x@d{number}.example")).collect();
    let many = "550 5.6.0 Message has authors of 11 domains in From, more than the 10 authenticated";
    check_refused(&format!("From: ann@full.example{others}\r\n"), many, many);
}

/// Signatures that can be read, each with a key of its own.
fn signatures(count: usize) -> String {
    let signature = |number| {
        let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        format!("DKIM-Signature: v=1; a=rsa-sha256; d=full.example; s=s{number};\r\n h=From; bh={hash}; b=AAAA\r\n")
    };
    (0..count).map(signature).collect()
}

#[test]
fn a_header_beyond_bounds_is_refused() {
    let from = "From: ann@full.example\r\n";
    let corrupt = "554 5.6.0 Corrupt message content";
    check_refused(&format!("{}{from}", signatures(10_000)), corrupt, corrupt);
    // A field of a megabyte, in one line and folded.
    check_refused(&format!("X-Long: {}\r\n{from}", "x".repeat(1 << 20)), corrupt, corrupt);
    check_refused(
        &format!("X-Long:{}\r\n{from}", format!(" {}\r\n", "x".repeat(61)).repeat(1 << 14)),
        corrupt,
        corrupt,
    );
}

#[test]
fn many_signatures_cost_no_more_than_a_few() {
    for profile in [Profile::Exo, Profile::Rfc] {
        let ran = sent(&format!("{}From: ann@full.example\r\n", signatures(1_000)), profile);
        assert_eq!(ran.codes()[7..], [250, 221]);
        assert_eq!(ran.events("verdict", &["spf", "dmarc"]), [["pass", "pass"]]);
        // Only ten are checked; then SPF with the address of its a:, and DMARC.
        let mut expected: Vec<_> = (0..10).map(|number| format!("s{number}._domainkey.full.example")).collect();
        expected.extend(["full.example", "mail.spf.example", "_dmarc.full.example"].map(str::to_owned));
        assert_eq!(ran.events("resolved", &["name"]).concat(), expected);
        assert_eq!(ran.delivered.len(), 1);
    }
}

/// RFC 8601 §5: fields in our name are removed from the delivered message, and only those.
#[test]
fn forged_results_are_not_delivered_as_ours() {
    let forged = "\
Authentication-Results: mx.fabrikam.example; spf=pass smtp.mailfrom=forged@full.example; dmarc=pass header.from=full.example\r
authentication-results : (x) MX.Fabrikam.EXAMPLE 1;\r
 dkim=pass header.d=forged.example\r
Authentication-Results: mx.fabrikam.example (forged) none\r
Authentication-Results: relay.example; spf=fail smtp.mailfrom=ann@full.example\r
From: ann@full.example\r
";
    let results = |profile| {
        let ran = sent(forged, profile);
        let message = Message::parse(&ran.delivered[0].message).unwrap();
        let fields = |name| message.fields_named(name).map(|field| field.value()).collect::<Vec<_>>();
        (fields("Authentication-Results"), fields("Authentication-Results-Original").len())
    };
    let own = "mx.fabrikam.example; spf=pass smtp.mailfrom=ann@full.example; dkim=none; dmarc=pass header.from=full.example polrec.p=reject";
    let relay = "relay.example; spf=fail smtp.mailfrom=ann@full.example";
    assert_eq!(results(Profile::Rfc), (vec![own.to_owned(), relay.to_owned()], 0));
    // Exchange has no name in the field, and renames all that comes.
    let own = "spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=full.example; dkim=none (message not signed) header.d=none;dmarc=pass action=none header.from=full.example;compauth=pass reason=100";
    assert_eq!(results(Profile::Exo), (vec![own.to_owned()], 4));
}
