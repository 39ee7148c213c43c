//! The world of one run, built from a scenario's declarations: certificates, zones, hosts, and the actors on them.
//!
//! Hosts have one order everywhere: the script first, then the engines, then the declared hosts as declared, then the
//! wire. Within a moment, stories use that order.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use indexmap::IndexMap;
use jiff::Timestamp;
use mxlab_dns::Name;
use mxlab_dns::rdata::abbreviated;
use mxlab_dns::recursor::{Passes, Recursor, RecursorConfig};
use mxlab_dns::resolver::{Resolver, ResolverConfig, TrustAnchor};
use mxlab_dns::signed_zone::{self, Signing};
use mxlab_dns::signing_key::KeyKind;
use mxlab_env::Env;
use mxlab_env::wire::{Link, Machine, Network};
use mxlab_mail::smtp::Reply;
use mxlab_record::{Journal, Recorder};
use mxlab_world::derive::Identity;
use mxlab_world::internet::{self, Internet, KeyLayout, MadeTtls, NameServer, ZoneSpec};
use mxlab_world::server::{Everything, ServerControl, ServerSettings, TlsLevel};

use super::certificates::{Certificates, make_certificates};
use super::error::{LabError, name};
use super::mail_keys::MailKeys;
use super::references::{Made, References};
use crate::engine::{InboundSettings, OutboundSettings, TenantSettings};
use mxlab_language::declarations::{Smtp, Zone, items};
use mxlab_language::references::Resolve;
use mxlab_language::values::{Duration, HostRef};
use mxlab_language::words::{Denial, ForwarderKind, TlsVersion, ZoneAlgorithm, ZoneKeys};
use mxlab_language::{Scenario, Spanned, zone_text};

/// The most entries that a record may have; a run that records more is stopped.
pub(crate) const MAX_ENTRIES: usize = 200_000;

/// The forwarder that all hosts use, if there is one.
const FORWARDER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 19, 255, 53));
/// The host of the users of the outbound engine's tenants.
const USERS: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 19, 255, 10));

/// The order numbers of actors that are not declared hosts.
const SCRIPT_ORDER: u32 = 0;
const SENDER_ORDER: u32 = 1;
const RECEIVER_ORDER: u32 = 2;
const FIRST_HOST_ORDER: u32 = 10;
const WIRE_ORDER: u32 = 1_000;

/// The world of one run.
pub(crate) struct Lab {
    pub(crate) journal: Journal,
    /// The scope from which its Message-IDs derive.
    pub(crate) identity: Identity,
    pub(crate) hosts: IndexMap<String, Arc<dyn Machine>>,
    pub(crate) servers: IndexMap<String, ServerControl>,
    pub(crate) made: Made,
    pub(crate) internet: Internet,
    pub(crate) users: Arc<dyn Machine>,
    forwarder: Option<Arc<dyn Machine>>,
    name_servers: Arc<dyn Machine>,
}

/// The signing of a zone as a file declares it.
pub(crate) fn signing(from: Timestamp, until: Option<Timestamp>) -> Signing {
    until.map_or_else(|| Signing::rolling(from), |until| Signing::fixed(from, until))
}

/// How a key of this algorithm is made.
pub(crate) fn key_kind(algorithm: ZoneAlgorithm) -> KeyKind {
    match algorithm {
        ZoneAlgorithm::Ed25519 => KeyKind::Ed25519,
        ZoneAlgorithm::EcdsaP256 => KeyKind::EcdsaP256,
        ZoneAlgorithm::Rsa2048 => KeyKind::Rsa2048,
        ZoneAlgorithm::Rsa1024 => KeyKind::Rsa1024,
        ZoneAlgorithm::Unsupported => KeyKind::Unsupported,
    }
}

/// NSEC3 as RFC 9276 §3.1 requires: without additional iterations or salt.
fn denial(denial: Denial) -> signed_zone::Denial {
    match denial {
        Denial::Nsec => signed_zone::Denial::Nsec,
        Denial::Compact => signed_zone::Denial::Compact,
        Denial::Nsec3 | Denial::Nsec3Optout => {
            let opt_out = denial == Denial::Nsec3Optout;
            signed_zone::Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out }
        }
    }
}

fn zone_spec(scenario: &Scenario, apex: &str, declared: &Zone, resolve: &dyn Resolve) -> Result<ZoneSpec, LabError> {
    let name_servers = |hosts: &Option<Spanned<Vec<Spanned<HostRef>>>>| {
        let server = |host: &Spanned<HostRef>| {
            let addressed =
                scenario.addressed.get(host.as_str()).ok_or_else(|| LabError::NoAddress(host.to_string()))?;
            Ok(NameServer { name: name(&addressed.full_name)?, address: IpAddr::V4(addressed.ipv4) })
        };
        items(hosts).map(server).collect::<Result<Vec<_>, LabError>>()
    };
    let seconds = |duration: &Spanned<Duration>| u32::try_from(duration.get().get().as_secs()).unwrap_or(u32::MAX);
    Ok(ZoneSpec {
        apex: name(apex)?,
        records: zone_text::substitute(&scenario.zone_text(&apex.to_ascii_lowercase()), resolve),
        ttl: u32::try_from(declared.ttl().get().as_secs()).unwrap_or(u32::MAX),
        made: MadeTtls {
            soa: declared.soa_ttl.as_ref().map(seconds),
            minimum: declared.soa_minimum.as_ref().map(seconds),
            ns: declared.ns_ttl.as_ref().map(seconds),
            ds: declared.ds_ttl.as_ref().map(seconds),
        },
        signed: declared.signed(),
        delegated: declared.delegated(),
        algorithm: key_kind(declared.algorithm()),
        keys: match declared.keys() {
            ZoneKeys::Single => KeyLayout::Single,
            ZoneKeys::Split => KeyLayout::Split,
        },
        denial: denial(declared.denial()),
        signing: signing(
            scenario.instant(declared.signed_from()),
            declared.signed_until.as_ref().map(|until| scenario.instant(*until.get())),
        ),
        servers: name_servers(&declared.servers)?,
        listed: declared.parent_servers.is_some().then(|| name_servers(&declared.parent_servers)).transpose()?,
    })
}

fn build_internet(scenario: &Scenario, identity: &Identity, made: &Made) -> Result<Internet, LabError> {
    let references = References::new(scenario, made, None);
    let mut specs = Vec::new();
    for (apex, zone) in &scenario.zones {
        specs.push(zone_spec(scenario, apex.as_str(), zone, &references)?);
    }
    let day_before = signing(scenario.instant(Zone::default().signed_from()), None);
    // RFC 1034: the initial domain of a tenant is a zone of the service; it exists by itself.
    for initial in scenario.tenants.values().filter_map(|tenant| tenant.initial.as_ref()) {
        let apex = name(initial.as_str())?;
        if !specs.iter().any(|spec| spec.apex == apex) {
            specs.push(ZoneSpec::parent(apex, day_before));
        }
    }
    let mut loose = made.mail_keys.records(scenario)?;
    let mut reverse = Vec::new();
    for addressed in scenario.addressed.values() {
        if !addressed.in_zone_text {
            loose.push(internet::address_record(&name(&addressed.full_name)?, IpAddr::V4(addressed.ipv4)));
        }
        if let Some(ptr) = &addressed.ptr {
            reverse.push((IpAddr::V4(addressed.ipv4), name(ptr)?));
        }
    }
    Ok(Internet::build(identity, specs, loose, &reverse, day_before)?)
}

/// The declared settings of a scripted server.
pub(crate) fn server_settings(
    scenario: &Scenario,
    certificates: &Certificates,
    host: &str,
    smtp: &Smtp,
) -> Result<ServerSettings, LabError> {
    let full_name = scenario.addressed.get(host).map_or(host, |addressed| &addressed.full_name);
    let certificate = smtp.cert.as_ref().map_or(host, |cert| cert.as_str());
    let mut settings = ServerSettings::new(full_name, certificates.get(certificate)?.certified_key.clone());
    apply_smtp(&mut settings, certificates, smtp)?;
    settings.extensions = smtp.extensions();
    Ok(settings)
}

/// Copies the given fields of `smtp` into the settings, and leaves the rest.
pub(crate) fn apply_smtp(
    settings: &mut ServerSettings,
    certificates: &Certificates,
    smtp: &Smtp,
) -> Result<(), LabError> {
    if let Some(cert) = &smtp.cert {
        settings.certificate = Some(certificates.get(cert.as_str())?.certified_key.clone());
    }
    for (sni, cert) in smtp.sni.iter().flatten() {
        let key = certificates.get(cert.as_str())?.certified_key.clone();
        settings.by_name.retain(|(known, _)| !known.eq_ignore_ascii_case(sni.as_str()));
        settings.by_name.push((sni.to_string(), key));
    }
    if let Some(tls) = &smtp.tls {
        settings.tls = match tls.get() {
            TlsVersion::None => TlsLevel::None,
            TlsVersion::V1_2 => TlsLevel::Tls12,
            TlsVersion::V1_0 => return Err(LabError::NotYet("TLS 1.0".to_owned())),
            TlsVersion::V1_3 => TlsLevel::Tls13,
        };
    }
    if let Some(banner) = &smtp.banner {
        settings.banner = Some(banner.get().to_string());
    }
    if smtp.extensions.is_some() {
        settings.extensions = smtp.extensions();
    }
    if let Some(size) = &smtp.size {
        settings.size = *size.get();
    }
    for (address, reply) in smtp.recipients.iter().flatten() {
        let parsed: Reply = reply.as_str().parse().map_err(|_| LabError::Reply(reply.get().to_string()))?;
        settings.recipients.retain(|(known, _)| !known.eq_ignore_ascii_case(address.as_str()));
        settings.recipients.push((address.to_string(), parsed));
    }
    Ok(())
}

impl Lab {
    /// Builds the world on a network. Actors are spawned by [`Lab::start`].
    pub(crate) fn build(scenario: &Scenario, id: &str, network: &dyn Network) -> Result<Lab, LabError> {
        let world = Identity::of_world(scenario.world.as_deref());
        let certificates = make_certificates(scenario, &world)?;
        let made = Made { certificates, mail_keys: MailKeys::make(scenario, &world)? };
        let internet = build_internet(scenario, &world, &made)?;
        let name_servers = network.add_machine("name servers", &internet.automatic())?;
        let forwarder = match scenario.resolver.forwarder() {
            ForwarderKind::None => None,
            ForwarderKind::StripsDnssec | ForwarderKind::Validates | ForwarderKind::DropsUnknownTypes => {
                Some(network.add_machine("forwarder", &[FORWARDER])?)
            }
        };
        let users = network.add_machine("users", &[USERS])?;
        let mut hosts = IndexMap::new();
        for (short, addressed) in &scenario.addressed {
            let addresses = [IpAddr::V4(addressed.ipv4), IpAddr::V6(addressed.ipv6)];
            hosts.insert(short.clone(), network.add_machine(short, &addresses)?);
        }
        set_links(scenario, network)?;
        let mut servers = IndexMap::new();
        for (short, host) in &scenario.hosts {
            if let Some(smtp) = &host.smtp {
                let settings = server_settings(scenario, &made.certificates, short.as_str(), smtp)?;
                servers.insert(short.to_string(), ServerControl::new(settings));
            }
        }
        let journal = Journal::new(MAX_ENTRIES);
        let identity = Identity::of_scenario(id);
        Ok(Lab { journal, identity, hosts, servers, made, internet, users, forwarder, name_servers })
    }

    /// Spawns the actors: name servers, the forwarder, scripted mail servers.
    pub(crate) fn start(&self, scenario: &Scenario) {
        self.serve_names(&*self.name_servers, true);
        if let Some(forwarder) = &self.forwarder {
            self.forward(scenario, &forwarder.env());
        }
        for short in self.hosts.keys() {
            self.start_host(scenario, short);
        }
    }

    /// Spawns the forwarder.
    fn forward(&self, scenario: &Scenario, env: &Env) {
        let (at, nowhere) = (SocketAddr::new(FORWARDER, 53), Recorder::nowhere(env));
        let patience = scenario.resolver.timeout().get();
        let passes = match scenario.resolver.forwarder() {
            ForwarderKind::None => return,
            ForwarderKind::Validates => {
                let anchor = TrustAnchor::root(self.internet.root_anchor());
                let mut config = ResolverConfig::iterating(self.roots(), anchor);
                // It has to answer before its client stops waiting.
                config.timeout = patience * 9 / 10;
                config.cache = scenario.resolver.cache();
                let resolver = Resolver::new(env, &nowhere, config);
                env.spawn("forwarder", async move {
                    // The address is this host's alone.
                    let _ = resolver.serve(at).await;
                });
                return;
            }
            ForwarderKind::StripsDnssec => Passes::WithoutDnssec,
            ForwarderKind::DropsUnknownTypes => Passes::OldTypes,
        };
        let config = RecursorConfig {
            cache: scenario.resolver.cache(),
            passes,
            ..RecursorConfig::new(self.roots()).for_clients_that_wait(patience)
        };
        let recursor = Recursor::new(env, &nowhere, config);
        env.spawn("forwarder", async move {
            let _ = recursor.serve(at).await;
        });
    }

    fn roots(&self) -> Vec<(Name, Vec<IpAddr>)> {
        self.internet.root_servers().into_iter().map(|(name, address)| (name, vec![address])).collect()
    }

    /// Spawns what runs on a declared host: its name server, its scripted mail server, at both its addresses.
    pub(crate) fn start_host(&self, scenario: &Scenario, short: &str) {
        let Some(host) = self.hosts.get(short) else { return };
        let declared = scenario.hosts.get(short).and_then(|host| host.dns.as_ref());
        self.serve_names(&**host, declared.is_none_or(|dns| dns.tcp()));
        if let Some(control) = self.servers.get(short) {
            let env = host.env();
            let at = host.addresses().iter().map(|address| SocketAddr::new(*address, mxlab_mail::smtp::PORT)).collect();
            let sink = Arc::new(Everything);
            mxlab_world::server::serve(&env, &self.recorder(scenario, &env, short), control, sink, at);
        }
    }

    /// Spawns the name servers whose addresses are this host's. A declared host answers at its IPv6 address, too.
    fn serve_names(&self, host: &dyn Machine, tcp: bool) {
        for (address, authority) in self.internet.authorities() {
            if !host.addresses().contains(&address) {
                continue;
            }
            let ipv6 = host.addresses().iter().copied().filter(IpAddr::is_ipv6);
            for at in std::iter::once(address).chain(ipv6) {
                internet::serve_on(&host.env(), at, authority.clone(), tcp);
            }
        }
    }

    /// The interfaces that an engine on a host gets.
    pub(crate) fn engine_ports(
        &self,
        scenario: &Scenario,
        host: &dyn Machine,
        name: &str,
    ) -> (Env, Recorder, Resolver) {
        let env = host.env();
        let recorder = self.recorder(scenario, &env, name);
        let resolver = self.resolver(scenario, &env, &recorder);
        (env, recorder, resolver)
    }

    /// What records for a process. Even if its host's clock is wrong, the record has the right time: the users' clock is
    /// never wrong.
    pub(crate) fn recorder(&self, scenario: &Scenario, env: &Env, short: &str) -> Recorder {
        let order = match short {
            "script" => SCRIPT_ORDER,
            "sender" => SENDER_ORDER,
            "receiver" => RECEIVER_ORDER,
            "wire" => WIRE_ORDER,
            _ => {
                let position = scenario.addressed.get_index_of(short).unwrap_or(usize::MAX);
                FIRST_HOST_ORDER.saturating_add(u32::try_from(position).unwrap_or(u32::MAX))
            }
        };
        self.journal.recorder(env, short, order).with_clock_of(&self.users.env())
    }

    /// A validating resolver on a host.
    pub(crate) fn resolver(&self, scenario: &Scenario, env: &Env, recorder: &Recorder) -> Resolver {
        let anchor = TrustAnchor::root(self.internet.root_anchor());
        let mut config = match self.forwarder {
            Some(_) => ResolverConfig::new(vec![SocketAddr::new(FORWARDER, 53)], anchor),
            None => ResolverConfig::iterating(self.roots(), anchor),
        };
        config.timeout = scenario.resolver.timeout().get();
        config.cache = scenario.resolver.cache();
        config.edns_size = scenario.resolver.edns_size();
        Resolver::new(env, recorder, config)
    }
}

/// Declared links. All others take no time.
fn set_links(scenario: &Scenario, network: &dyn Network) -> Result<(), LabError> {
    for link in scenario.links.values() {
        let between: Vec<&str> = items(&link.between).map(|host| host.as_str()).collect();
        if let [one, other] = between[..] {
            let mut settings = Link::default();
            if let Some(latency) = &link.latency {
                settings.latency = latency.get().get();
            }
            if let Some(jitter) = &link.jitter {
                settings.jitter = jitter.get().get();
            }
            network.set_link(one, other, settings)?;
        }
    }
    Ok(())
}

fn tenants(scenario: &Scenario) -> Vec<TenantSettings> {
    let settings = scenario.tenants.iter().map(|(name, tenant)| TenantSettings {
        name: name.to_string(),
        domains: items(&tenant.domains).map(|domain| domain.to_ascii_lowercase()).collect(),
        message_expiration: tenant.message_expiration.as_ref().map(|expiration| expiration.get().get()),
        spoof_intelligence: tenant.spoof_intelligence(),
        honor_dmarc: tenant.honor_dmarc(),
        auth_fail_action: tenant.auth_fail_action().0,
    });
    settings.collect()
}

/// The settings of the outbound engine.
pub(crate) fn outbound_settings(scenario: &Scenario) -> Option<OutboundSettings> {
    let sender = scenario.sender.as_ref()?;
    let addressed = scenario.addressed.get("sender")?;
    let notice = sender.delay_notice().get();
    Some(OutboundSettings {
        name: addressed.full_name.clone(),
        address: IpAddr::V4(addressed.ipv4),
        profile: sender.profile().0,
        retry: sender.retry(),
        expiration: sender.expiration().get(),
        delay_notice: (!notice.is_zero()).then_some(notice),
        dane: sender.dane().0,
        limitations: items(&sender.limitations).map(|limitation| *limitation.get()).collect(),
        tenants: tenants(scenario),
    })
}

/// The settings of the inbound engine.
pub(crate) fn inbound_settings(
    scenario: &Scenario,
    certificates: &Certificates,
) -> Result<Option<InboundSettings>, LabError> {
    let (Some(receiver), Some(addressed)) = (&scenario.receiver, scenario.addressed.get("receiver")) else {
        return Ok(None);
    };
    let certificate = receiver.cert.as_ref().map_or("receiver", |cert| cert.as_str());
    let internal = scenario.addressed.get("sender").filter(|_| scenario.sender.is_some());
    Ok(Some(InboundSettings {
        name: addressed.full_name.clone(),
        address: IpAddr::V4(addressed.ipv4),
        profile: receiver.profile().0,
        readings: items(&receiver.readings).map(|reading| *reading.get()).collect(),
        layout: receiver.layout().0,
        pct_draw: receiver.pct_draw(),
        certificate: certificates.get(certificate)?.certified_key.clone(),
        tenants: tenants(scenario),
        internal: internal.map(|sender| IpAddr::V4(sender.ipv4)).into_iter().collect(),
    }))
}

/// Records in one line, for stories; long digests cut.
pub(crate) fn in_one_line(records: &str) -> String {
    let word = |word: &str| {
        let digest = HEXLOWER_PERMISSIVE.decode(word.as_bytes()).ok().filter(|octets| octets.len() > 16);
        digest.map_or_else(|| word.to_owned(), |octets| abbreviated(&octets))
    };
    let record = |record: &str| record.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    records.lines().map(record).filter(|record| !record.is_empty()).collect::<Vec<_>>().join("; ")
}
