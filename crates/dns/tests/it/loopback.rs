//! The same servers and resolvers on real sockets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mxlab_dns::serve::{read_message, write_message};
use mxlab_dns::*;
use mxlab_env::{BoxStream, Env, Timestamp, real};
use mxlab_record::Recorder;

use crate::net::{Spec, ip, name, query, zones};
use crate::served::signed;

/// Always valid, whatever the real clock says.
fn signing() -> Signing {
    Signing::rolling(Timestamp::from_second(946_684_800).unwrap())
}

fn specs() -> Vec<Spec> {
    let contoso = "@ MX 10 mx1\nmx1 A 198.51.100.1\nwww CNAME mx1";
    let spec = |origin, servers, text| Spec { signing: signing(), ..Spec::new(origin, servers, text) };
    vec![
        spec(".", &[("a.root", "127.0.0.2")], ""),
        spec("example", &[("ns.example", "127.0.0.3")], ""),
        spec("contoso.example", &[("ns.contoso.example", "127.0.0.4")], contoso),
    ]
}

/// A port that is free at this address now.
async fn free_port(env: &Env, address: IpAddr) -> u16 {
    env.bind(SocketAddr::new(address, 0)).await.unwrap().local_addr().port()
}

#[test]
fn a_chain_of_trust_over_real_sockets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mx, missing) = runtime.block_on(async {
        let env = real::env(std::env::temp_dir());
        let specs = specs();
        let port = free_port(&env, ip("127.0.0.2")).await;
        for (spec, zone) in specs.iter().zip(zones(&specs)) {
            let authority = Arc::new(Authority::new());
            authority.set_zone(spec.serve(zone));
            let (own, at) = (env.clone(), SocketAddr::new(ip(spec.servers[0].1), port));
            env.spawn("dns", async move { serve(&own, at, authority).await.unwrap() });
        }
        let config = RecursorConfig { port, ..RecursorConfig::new(vec![(name("a.root"), vec![ip("127.0.0.2")])]) };
        let at = SocketAddr::new(ip("127.0.0.1"), free_port(&env, ip("127.0.0.1")).await);
        let recursor = Recursor::new(&env, &Recorder::nowhere(&env), config);
        env.spawn("recursor", async move { recursor.serve(at).await.unwrap() });
        let anchor = TrustAnchor::root(vec![specs[0].key().ds(&Name::root())]);
        let resolver = Resolver::new(&env, &Recorder::nowhere(&env), ResolverConfig::new(vec![at], anchor));
        let mx = resolver.lookup(&name("contoso.example"), RecordType::MX).await;
        (mx, resolver.lookup(&name("nothing.contoso.example"), RecordType::A).await)
    });
    assert_eq!((&mx.security, mx.records.len()), (&Security::Secure, 1));
    assert_eq!((&missing.security, missing.rcode), (&Security::Secure, Rcode::NXDOMAIN));
}

/// A server at an address of its own; its socket address.
async fn server(env: &Env, address: &str, zone: SignedZone) -> (SocketAddr, Arc<Authority>) {
    let authority = Arc::new(Authority::new());
    authority.set_zone(zone);
    let at = SocketAddr::new(ip(address), free_port(env, ip(address)).await);
    let (own, serving) = (env.clone(), authority.clone());
    env.spawn("dns", async move { serve(&own, at, serving).await.unwrap() });
    tokio::task::yield_now().await;
    (at, authority)
}

async fn over_udp(env: &Env, at: SocketAddr, query: &[u8]) -> Message {
    let socket = env.bind(SocketAddr::new(ip("127.0.0.1"), 0)).await.unwrap();
    socket.send_to(query, at).await.unwrap();
    let mut buffer = [0; 2_000];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    Message::decode(&buffer[..length]).unwrap()
}

async fn over_tcp(stream: &mut BoxStream, query: &[u8]) -> std::io::Result<Message> {
    write_message(stream, query).await?;
    Ok(Message::decode(&read_message(stream, 65_535).await?).unwrap())
}

#[test]
fn what_is_cut_over_udp_comes_whole_over_tcp() {
    let strings: String = (0..60).map(|n| format!("big TXT \"{n:0>60}\"\n")).collect();
    let zone = signed("z", &format!("{strings}a A 192.0.2.1"), Denial::Nsec);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let env = real::env(std::env::temp_dir());
        let (at, authority) = server(&env, "127.0.0.5", zone).await;
        let big = query("big.z", "TXT");
        let cut = over_udp(&env, at, &big).await;
        assert_eq!((cut.flags.truncated, cut.answer.len()), (true, 0));
        // Several queries on one connection.
        let mut stream = env.connect(at).await.unwrap();
        let whole = over_tcp(&mut stream, &big).await.unwrap();
        assert_eq!((whole.flags.truncated, whole.answer.len()), (false, 61));
        assert_eq!(over_tcp(&mut stream, &query("a.z", "A")).await.unwrap().answer.len(), 2);
        // A message that is longer than any query ends the connection, and so does the fault.
        assert!(over_tcp(&mut stream, &[0; 5_000]).await.is_err());
        authority.begin_fault(Fault::new(FaultKind::Answer(AnswerFault::Truncated), FaultScope::zone(name("z"))));
        let mut stream = env.connect(at).await.unwrap();
        assert!(over_tcp(&mut stream, &query("a.z", "A")).await.is_err());
    });
}
