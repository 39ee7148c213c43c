//! The engines on real sockets: the same sender delivers to the same receiver over loopback, with the real adapter.
//!
//! This test does not use the simulation. A name server holds signed zones, the sender asks it through its validating
//! resolver, finds MX, address and TLSA records, authenticates the receiver by DANE over real TLS, and sends the
//! message over. This test reads the real clock, as only tests of the real adapter may.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use mxlab_dns::authority::Authority;
use mxlab_dns::resolver::{Resolver, ResolverConfig, TrustAnchor};
use mxlab_dns::serve::serve;
use mxlab_dns::signed_zone::Signing;
use mxlab_env::Env;
use mxlab_env::real::RealNetwork;
use mxlab_env::wire::Network;
use mxlab_mail::address::{Address, ReversePath};
use mxlab_receiver::{Receiver, ReceiverConfig, RecipientTenant};
use mxlab_record::{Entry, Journal};
use mxlab_sender::{Sender, SenderConfig, Submission};
use mxlab_world::derive::Identity;
use mxlab_world::internet::{Internet, NameServer, ZoneSpec};
use mxlab_world::pki::{CertificateSpec, IssuerName, MadeCertificate, Sends, make_certificate};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// A free UDP port of this machine.
async fn free_port(env: &Env) -> u16 {
    env.bind(SocketAddr::new(LOOPBACK, 0)).await.unwrap().local_addr().port()
}

fn certificate(env: &Env) -> MadeCertificate {
    let now = env.now();
    let spec = CertificateSpec {
        name: "mx".into(),
        names: vec!["mx.fabrikam.example".into()],
        issuer: IssuerName::Own,
        from: now - jiff::SignedDuration::from_hours(24),
        until: now + jiff::SignedDuration::from_hours(24),
        key: "mx".into(),
        sends: Sends::Chain,
    };
    make_certificate(&Identity::of_world(None), &spec, None).unwrap()
}

/// Zones on one server, which the resolver asks as its upstream.
fn zones(env: &Env, smtp_port: u16, tlsa: &str) -> (Arc<Authority>, TrustAnchor) {
    let signing = Signing::rolling(env.now() - jiff::SignedDuration::from_hours(24));
    let server = |zone: &str| NameServer { name: format!("ns.{zone}").parse().unwrap(), address: LOOPBACK };
    let zone = |apex: &str, records: &str| ZoneSpec {
        records: records.to_owned(),
        servers: vec![server(apex)],
        ..ZoneSpec::parent(apex.parse().unwrap(), signing)
    };
    let root = ZoneSpec { servers: vec![server("root")], ..ZoneSpec::parent(".".parse().unwrap(), signing) };
    let specs = vec![
        root,
        zone("example", ""),
        zone("fabrikam.example", &format!("@ MX 10 mx\nmx A 127.0.0.1\n_{smtp_port}._tcp.mx TLSA 3 1 1 {tlsa}\n")),
        zone("contoso.example", "@ TXT \"v=spf1 ip4:127.0.0.1 -all\"\n"),
    ];
    let internet = Internet::build(&Identity::of_world(None), specs, Vec::new(), &[], signing).unwrap();
    let authority = internet.authorities().find(|(address, _)| *address == LOOPBACK).unwrap().1.clone();
    (authority, TrustAnchor::root(internet.root_anchor()))
}

/// Everything that a delivery needs, on real sockets; returns the record once `done` accepts it.
fn deliver(tlsa_of: impl Fn(&MadeCertificate) -> String, done: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder =
        std::env::temp_dir().join(format!("mxlab-loopback-{}-{:?}", std::process::id(), std::thread::current().id()));
    let entries = runtime.block_on(async {
        let network = RealNetwork::new(&folder);
        let machine = |name: &str| network.add_machine(name, &[LOOPBACK]).unwrap();
        let [names, mx, out] = ["names", "mx", "out"].map(machine);
        let env = names.env();
        let journal = Journal::new(1_000);
        let certificate = certificate(&env);
        let smtp_port = free_port(&env).await;
        let (authority, anchor) = zones(&env, smtp_port, &tlsa_of(&certificate));
        let dns = SocketAddr::new(LOOPBACK, free_port(&env).await);
        let dns_env = env.clone();
        env.spawn("name server", async move { serve(&dns_env, dns, authority).await.unwrap() });

        let env = mx.env();
        let recorder = journal.recorder(&env, "receiver", 2);
        let resolver = Resolver::new(&env, &recorder, ResolverConfig::new(vec![dns], anchor.clone()));
        let mut config = ReceiverConfig::new("mx.fabrikam.example", certificate.certified_key.clone());
        config.tenants = vec![RecipientTenant::new("fabrikam", vec!["fabrikam.example".into()])];
        let receiver = Receiver::new(&env, &recorder, resolver, config);
        let smtp = receiver.serve(SocketAddr::new(LOOPBACK, smtp_port)).await.unwrap();

        let env = out.env();
        let recorder = journal.recorder(&env, "sender", 1);
        let resolver = Resolver::new(&env, &recorder, ResolverConfig::new(vec![dns], anchor));
        let postmaster = Address::new("postmaster", "contoso.example").unwrap();
        let mut config = SenderConfig::new("out.contoso.example", SocketAddr::new(LOOPBACK, 0), postmaster);
        config.smtp_port = smtp.port();
        let sender = Sender::new(&env, &recorder, resolver, config).unwrap();
        sender.start().await.unwrap();
        let message = "From: ann@contoso.example\r\nTo: bo@fabrikam.example\r\nSubject: Hello\r\n\
                       Message-ID: <loopback@contoso.example>\r\n\r\nHello\r\n";
        let submission = Submission {
            from: ReversePath::Address("ann@contoso.example".parse().unwrap()),
            to: vec!["bo@fabrikam.example".parse().unwrap()],
            message: message.as_bytes().to_vec(),
            received_from: "[127.0.0.1]".into(),
        };
        sender.submit(submission).await.unwrap();

        let waiting = async {
            while !done(&journal.entries()) {
                let grown = journal.grown();
                let _ = tokio::time::timeout(Duration::from_millis(50), grown).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        // A process that is ended takes its tasks and sockets along, and nobody else's.
        mx.kill();
        assert!(env.connect(smtp).await.is_err());
        mx.restart().listen(smtp).await.unwrap();
        assert!(mx.power_loss().is_err() && out.is_up() && names.is_up());
        assert!(network.panics().is_empty(), "{:?}", network.panics());
        journal.entries()
    });
    let _ = std::fs::remove_dir_all(folder);
    entries
}

fn find<'a>(entries: &'a [Entry], kind: &str) -> &'a Entry {
    let told: Vec<_> = entries.iter().map(|entry| (entry.kind, &entry.fields)).collect();
    entries.iter().find(|entry| entry.kind == kind).unwrap_or_else(|| panic!("no `{kind}` in {told:#?}"))
}

#[test]
fn a_message_is_delivered_and_authenticated_by_dane() {
    let matching = |certificate: &MadeCertificate| HEXLOWER.encode(&sha256(&certificate.public_key_info));
    let both = |entries: &[Entry]| ["relayed", "accepted"].iter().all(|kind| entries.iter().any(|e| e.kind == *kind));
    let entries = deliver(matching, both);
    assert_eq!(find(&entries, "relayed").fields.text("security"), Some("dane"));
    let verdict = find(&entries, "verdict");
    assert_eq!(verdict.fields.text("spf"), Some("pass"));
    assert_eq!((verdict.fields.text("compauth"), verdict.fields.text("reason")), (Some("pass"), Some("109")));
    let accepted = find(&entries, "accepted");
    assert_eq!(accepted.fields.text("message"), Some("loopback@contoso.example"));
    assert_eq!(accepted.fields.text("folder"), Some("inbox"));
}

#[test]
fn a_receiver_that_is_not_the_one_of_the_tlsa_record_gets_nothing() {
    let entries =
        deliver(|_| HEXLOWER.encode(&[0; 32]), |entries| entries.iter().any(|entry| entry.kind == "deferred"));
    assert_eq!(find(&entries, "deferred").fields.text("code"), Some("4.7.323"));
    assert!(!entries.iter().any(|entry| entry.kind == "accepted"));
}
