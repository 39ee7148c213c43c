use std::collections::BTreeMap;

use super::*;

/// A resolver with the test's records, which denies everything else securely.
#[derive(Default)]
struct Fake {
    mx: BTreeMap<&'static str, Lookup<Mx>>,
    a: BTreeMap<&'static str, Lookup<IpAddr>>,
    aaaa: BTreeMap<&'static str, Lookup<IpAddr>>,
    tlsa: BTreeMap<&'static str, Lookup<Vec<u8>>>,
}

fn lookup<T>(name: &str, trust: Trust, records: Vec<T>) -> Lookup<T> {
    Lookup { trust, no_such_name: false, aliases: vec![], canonical_name: name.to_owned(), records }
}

fn known<T: Clone>(table: &BTreeMap<&'static str, Lookup<T>>, name: &str) -> Lookup<T> {
    table.get(name).cloned().unwrap_or_else(|| lookup(name, Trust::Secure, vec![]))
}

impl Dns for Fake {
    async fn mx(&self, domain: &str) -> Lookup<Mx> {
        known(&self.mx, domain)
    }
    async fn a(&self, host: &str) -> Lookup<IpAddr> {
        known(&self.a, host)
    }
    async fn aaaa(&self, host: &str) -> Lookup<IpAddr> {
        known(&self.aaaa, host)
    }
    async fn tlsa(&self, owner: &str) -> Lookup<Vec<u8>> {
        known(&self.tlsa, owner)
    }
}

const DOMAIN: &str = "fabrikam.example";
const HOST: &str = "mx1.fabrikam.example";

fn insecure() -> Trust {
    Trust::Insecure("insecure-delegation".to_owned())
}
fn bogus() -> Trust {
    Trust::Bogus("rrsig-expired".to_owned())
}
fn unavailable() -> Trust {
    Trust::Unavailable("servfail".to_owned())
}

fn mx(preference: u16, exchange: &str) -> Mx {
    Mx { preference, exchange: exchange.to_owned() }
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const LIMITED: Settings = Settings {
    dane: DaneMode::Opportunistic,
    limitations: Limitations { dnssec_as_dns_query_failed: true },
    dane_for_insecure_mx: false,
};

fn fake_mx(answer: Lookup<Mx>) -> Fake {
    Fake { mx: BTreeMap::from([(DOMAIN, answer)]), ..Fake::default() }
}

#[track_caller]
fn hosts(result: &Result<Route, DeadEnd>) -> Vec<(u16, &str)> {
    match result {
        Ok(route) => route.hosts.iter().map(|mx| (mx.preference, mx.exchange.as_str())).collect(),
        Err(end) => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn hosts_go_by_preference_then_name() {
    let answer = vec![mx(20, "a.example"), mx(10, "c.example"), mx(10, "b.example"), mx(30, "c.example")];
    let route = route(&fake_mx(lookup(DOMAIN, Trust::Secure, answer)), DOMAIN, Settings::default()).await;
    // A host with several preferences counts once, at the lowest.
    assert_eq!(hosts(&route), [(10, "b.example"), (10, "c.example"), (20, "a.example")]);
    let route = route.unwrap();
    assert!(!route.implicit);
    assert_eq!(route.insecure, None);
}

#[tokio::test]
async fn the_number_of_hosts_is_bounded() {
    let many = (0..30).map(|n| mx(n, &format!("mx{n}.example"))).collect();
    let route = route(&fake_mx(lookup(DOMAIN, insecure(), many)), DOMAIN, Settings::default()).await.unwrap();
    assert_eq!(route.hosts.len(), MOST_HOSTS);
    assert_eq!(route.insecure.unwrap(), "the MX records of fabrikam.example are insecure: insecure-delegation");
}

#[tokio::test]
async fn a_domain_without_mx_is_its_own_host() {
    let route = route(&Fake::default(), DOMAIN, Settings::default()).await;
    assert_eq!(hosts(&route), [(0, DOMAIN)]);
    assert!(route.unwrap().implicit);
}

#[tokio::test]
async fn dead_ends_of_a_domain() {
    let secure = |records| lookup(DOMAIN, Trust::Secure, records);
    let rows = [
        (secure(vec![mx(0, "")]), Condition::NullMx, "fabrikam.example takes no mail"),
        (
            Lookup { no_such_name: true, ..secure(vec![]) },
            Condition::DomainDoesNotExist,
            "fabrikam.example does not exist",
        ),
        (
            lookup(DOMAIN, bogus(), vec![mx(10, HOST)]),
            Condition::DnssecInvalid,
            "the MX records of fabrikam.example do not validate",
        ),
        (
            lookup(DOMAIN, unavailable(), vec![]),
            Condition::DnsQueryFailed,
            "the MX records of fabrikam.example cannot be looked up",
        ),
    ];
    for (answer, condition, summary) in rows {
        let end = route(&fake_mx(answer.clone()), DOMAIN, Settings::default()).await.unwrap_err();
        assert_eq!((end.condition, end.summary.as_str()), (condition, summary));
        assert_eq!(end.reasons.len(), 1);
        let limited = if condition == Condition::DnssecInvalid { Condition::DnsQueryFailed } else { condition };
        assert_eq!(route(&fake_mx(answer), DOMAIN, LIMITED).await.unwrap_err().condition, limited);
    }
}

#[tokio::test]
async fn a_null_mx_beside_a_host_is_ignored() {
    let answer = lookup(DOMAIN, Trust::Secure, vec![mx(0, ""), mx(10, HOST)]);
    assert_eq!(hosts(&route(&fake_mx(answer), DOMAIN, Settings::default()).await), [(10, HOST)]);
}

fn fake_addresses(a: Lookup<IpAddr>, aaaa: Lookup<IpAddr>) -> Fake {
    Fake { a: BTreeMap::from([(HOST, a)]), aaaa: BTreeMap::from([(HOST, aaaa)]), ..Fake::default() }
}

#[tokio::test]
async fn addresses_come_in_a_fixed_order() {
    let dns = fake_addresses(
        lookup(HOST, Trust::Secure, ips(&["192.0.2.9", "192.0.2.1", "192.0.2.9"])),
        lookup(HOST, Trust::Secure, ips(&["2001:db8::2", "2001:db8::1"])),
    );
    let found = addresses(&dns, HOST, Settings::default()).await.unwrap();
    assert_eq!(found.addresses, ips(&["192.0.2.1", "192.0.2.9", "2001:db8::1", "2001:db8::2"]));
    assert_eq!(found.base_candidates, [HOST]);
}

#[tokio::test]
async fn one_family_is_enough() {
    let none = |trust| lookup(HOST, trust, vec![]);
    let v4 = lookup(HOST, Trust::Secure, ips(&["192.0.2.1"]));
    let found = addresses(&fake_addresses(v4, none(unavailable())), HOST, Settings::default()).await.unwrap();
    assert_eq!((found.addresses, found.base_candidates.len()), (ips(&["192.0.2.1"]), 1));
    let v6 = lookup(HOST, insecure(), ips(&["2001:db8::1"]));
    let found = addresses(&fake_addresses(none(insecure()), v6), HOST, Settings::default()).await.unwrap();
    assert_eq!((found.addresses, found.base_candidates.len()), (ips(&["2001:db8::1"]), 0));
    assert_eq!(found.insecure.unwrap(), "the addresses of mx1.fabrikam.example are insecure: insecure-delegation");
}

#[tokio::test]
async fn dead_ends_of_a_host() {
    let good = || lookup(HOST, Trust::Secure, ips(&["192.0.2.1"]));
    let none = |trust| lookup(HOST, trust, vec![]);
    let rows = [
        (none(Trust::Secure), none(Trust::Secure), Condition::DnsQueryFailed, "has no address"),
        (none(unavailable()), none(Trust::Secure), Condition::DnsQueryFailed, "cannot be looked up"),
        (none(bogus()), none(Trust::Secure), Condition::DnssecInvalid, "do not validate"),
        (good(), none(bogus()), Condition::DnssecInvalid, "do not validate"),
        (lookup(HOST, bogus(), ips(&["192.0.2.1"])), good(), Condition::DnssecInvalid, "do not validate"),
    ];
    for (a, aaaa, condition, summary) in rows {
        let dns = fake_addresses(a, aaaa);
        let end = addresses(&dns, HOST, Settings::default()).await.unwrap_err();
        assert_eq!(end.condition, condition);
        assert!(end.summary.ends_with(summary), "{end:?}");
        assert_eq!(addresses(&dns, HOST, LIMITED).await.unwrap_err().condition, Condition::DnsQueryFailed);
    }
}

const TARGET: &str = "mx.hosting.example";

#[tokio::test]
async fn base_domains_of_aliases() {
    let alias = |secure| vec![Alias { owner: HOST.to_owned(), secure }];
    let rows = [
        (Trust::Secure, vec![], vec![HOST]),
        (Trust::Secure, alias(true), vec![TARGET, HOST]),
        (insecure(), alias(true), vec![HOST]),
        (insecure(), alias(false), vec![]),
        (insecure(), vec![], vec![]),
    ];
    for (trust, aliases, expected) in rows {
        let canonical = if aliases.is_empty() { HOST } else { TARGET };
        let answer = Lookup { aliases, ..lookup(canonical, trust, ips(&["192.0.2.1"])) };
        let dns = fake_addresses(answer, lookup(canonical, Trust::Secure, vec![]));
        let found = addresses(&dns, HOST, Settings::default()).await.unwrap();
        assert_eq!(found.base_candidates, expected);
        assert_eq!(found.insecure.is_some(), expected.is_empty());
    }
}

fn usable() -> Vec<u8> {
    [&[3, 1, 1][..], &[7; 32]].concat()
}

fn secure_route() -> Route {
    Route { hosts: vec![mx(10, HOST)], implicit: false, insecure: None }
}

fn with_candidates(names: &[&str]) -> Addresses {
    Addresses {
        addresses: ips(&["192.0.2.1"]),
        base_candidates: names.iter().map(|name| (*name).to_owned()).collect(),
        insecure: names.is_empty().then(|| "the addresses are insecure".to_owned()),
    }
}

struct Expected {
    decision: TlsaDecision,
    base: &'static str,
    demand: Result<Demand, Condition>,
}

fn expected(decision: TlsaDecision, base: &'static str, demand: Result<Demand, Condition>) -> Expected {
    Expected { decision, base, demand }
}

#[track_caller]
fn check(found: &HostPolicy, expected: &Expected) {
    assert_eq!(found.decision(), expected.decision);
    assert_eq!(found.base, expected.base);
    assert!(!found.reasons.is_empty());
    match (&found.demand(), &expected.demand) {
        (Ok(Demand::Dane { records, .. }), Ok(Demand::Dane { .. })) => assert_eq!(records.len(), 1),
        (found, expected) => assert_eq!(&found.clone().map_err(|end| end.condition), expected),
    }
}

const AT_HOST: &str = "_25._tcp.mx1.fabrikam.example";
const AT_TARGET: &str = "_25._tcp.mx.hosting.example";

async fn policy_with(
    tlsa: &[(&'static str, Lookup<Vec<u8>>)],
    route: &Route,
    candidates: &[&str],
    settings: Settings,
) -> HostPolicy {
    let dns = Fake { tlsa: tlsa.iter().cloned().collect(), ..Fake::default() };
    host_policy(&dns, route, HOST, &with_candidates(candidates), settings, 25).await
}

fn authenticated() -> Result<Demand, Condition> {
    Ok(Demand::Dane { records: vec![], names: vec![] })
}

#[tokio::test]
async fn tlsa_answers() {
    let at = |trust, records| vec![(AT_HOST, lookup(AT_HOST, trust, records))];
    let nxdomain = Lookup { no_such_name: true, ..lookup(AT_HOST, Trust::Secure, vec![]) };
    let invalid = || Err(Condition::DnssecInvalid);
    let rows = [
        (at(Trust::Secure, vec![usable()]), expected(TlsaDecision::Dane, HOST, authenticated())),
        (at(Trust::Secure, vec![usable(), vec![1, 1, 1]]), expected(TlsaDecision::Dane, HOST, authenticated())),
        (at(Trust::Secure, vec![vec![]]), expected(TlsaDecision::Unusable, HOST, Ok(Demand::Encrypted))),
        (at(Trust::Secure, vec![]), expected(TlsaDecision::None, HOST, Ok(Demand::Opportunistic))),
        (vec![(AT_HOST, nxdomain)], expected(TlsaDecision::None, HOST, Ok(Demand::Opportunistic))),
        (at(insecure(), vec![usable()]), expected(TlsaDecision::Insecure, HOST, Ok(Demand::Opportunistic))),
        (at(bogus(), vec![usable()]), expected(TlsaDecision::Failed, HOST, invalid())),
        (at(unavailable(), vec![]), expected(TlsaDecision::Failed, HOST, invalid())),
    ];
    for (tlsa, expected) in rows {
        check(&policy_with(&tlsa, &secure_route(), &[HOST], Settings::default()).await, &expected);
        // The limitation is about MX and address records: a TLSA failure keeps its code.
        check(&policy_with(&tlsa, &secure_route(), &[HOST], LIMITED).await, &expected);
    }
}

#[tokio::test]
async fn the_expanded_name_goes_before_the_original() {
    let (target, host) =
        (lookup(AT_TARGET, Trust::Secure, vec![usable()]), lookup(AT_HOST, Trust::Secure, vec![vec![]]));
    let both = [(AT_TARGET, target), (AT_HOST, host.clone())];
    let found = policy_with(&both, &secure_route(), &[TARGET, HOST], Settings::default()).await;
    check(&found, &expected(TlsaDecision::Dane, TARGET, authenticated()));
    let found = policy_with(&[(AT_HOST, host)], &secure_route(), &[TARGET, HOST], Settings::default()).await;
    check(&found, &expected(TlsaDecision::Unusable, HOST, Ok(Demand::Encrypted)));
    let broken = [(AT_TARGET, lookup(AT_TARGET, bogus(), vec![]))];
    let found = policy_with(&broken, &secure_route(), &[TARGET, HOST], Settings::default()).await;
    check(&found, &expected(TlsaDecision::Failed, TARGET, Err(Condition::DnssecInvalid)));
    let found = policy_with(&[], &secure_route(), &[TARGET, HOST], Settings::default()).await;
    check(&found, &expected(TlsaDecision::None, HOST, Ok(Demand::Opportunistic)));
    assert_eq!(found.reasons.len(), 2);
}

#[tokio::test]
async fn no_dane_over_an_insecure_way() {
    let records = [(AT_HOST, lookup(AT_HOST, Trust::Secure, vec![usable()]))];
    let insecure_route = Route { insecure: Some("the MX records are insecure".to_owned()), ..secure_route() };
    let opportunistic = expected(TlsaDecision::Insecure, HOST, Ok(Demand::Opportunistic));
    check(&policy_with(&records, &insecure_route, &[HOST], Settings::default()).await, &opportunistic);
    check(&policy_with(&records, &secure_route(), &[], Settings::default()).await, &opportunistic);
    let settings = Settings { dane_for_insecure_mx: true, ..Settings::default() };
    let found = policy_with(&records, &insecure_route, &[HOST], settings).await;
    check(&found, &expected(TlsaDecision::Dane, HOST, authenticated()));
    check(&policy_with(&records, &insecure_route, &[], settings).await, &opportunistic);
}

#[tokio::test]
async fn modes() {
    let records = [(AT_HOST, lookup(AT_HOST, bogus(), vec![usable()]))];
    let off = Settings { dane: DaneMode::None, ..Settings::default() };
    let found = policy_with(&records, &secure_route(), &[HOST], off).await;
    check(&found, &expected(TlsaDecision::Off, HOST, Ok(Demand::Opportunistic)));
    let mandatory = Settings { dane: DaneMode::Mandatory, ..Settings::default() };
    let found = policy_with(&[], &secure_route(), &[HOST], mandatory).await;
    check(&found, &expected(TlsaDecision::None, HOST, Err(Condition::TlsaInvalid)));
    let found = policy_with(&[], &secure_route(), &[], mandatory).await;
    check(&found, &expected(TlsaDecision::Insecure, HOST, Err(Condition::TlsaInvalid)));
    let records = [(AT_HOST, lookup(AT_HOST, Trust::Secure, vec![usable()]))];
    let found = policy_with(&records, &secure_route(), &[HOST], mandatory).await;
    check(&found, &expected(TlsaDecision::Dane, HOST, authenticated()));
}

#[test]
fn decisions_have_their_words() {
    use TlsaDecision::*;
    let words: Vec<_> = [Dane, None, Unusable, Insecure, Failed, Off].iter().map(|decision| decision.word()).collect();
    assert_eq!(words, ["dane", "none", "unusable", "insecure", "failed", "off"]);
}

#[test]
fn only_hosts_of_equal_preference_change_places() {
    let env = mxlab_env::real::env("unused");
    let hosts = vec![mx(5, "a"), mx(10, "b"), mx(10, "c"), mx(10, "d"), mx(20, "e")];
    let mut middles = std::collections::BTreeSet::new();
    for _ in 0..1_000 {
        let mut route = Route { hosts: hosts.clone(), implicit: false, insecure: None };
        route.spread(&env);
        assert!(route.hosts.is_sorted_by_key(|mx| mx.preference));
        assert_eq!((&route.hosts[0], &route.hosts[4]), (&hosts[0], &hosts[4]));
        middles.insert(route.hosts[1..4].to_vec());
    }
    assert_eq!(middles.len(), 6, "each order is possible");
}
