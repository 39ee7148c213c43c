//! The same servers and resolvers on real sockets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mxlab_dns::*;
use mxlab_env::{Env, Timestamp, real};
use mxlab_record::Recorder;

use crate::net::{Spec, ip, name, zones};

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
