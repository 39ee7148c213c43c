//! The message as mail-auth authenticates it, with hickory's resolver.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Instant;

use mail_auth::common::cache::NoCache;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimResult, DmarcResult, MX, MessageAuthenticator, Parameters, RecordSet, ResolverCache,
    SpfResult, Txt,
};

use super::{Verdict, world};

/// Parsed records, cached as its users do. Nothing expires within a run.
struct Kept(Option<Mutex<HashMap<Box<str>, Txt>>>);

impl ResolverCache<Box<str>, Txt> for Kept {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.as_ref()?.lock().ok()?.get(name).cloned()
    }

    fn remove<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.as_ref()?.lock().ok()?.remove(name)
    }

    fn insert(&self, name: Box<str>, record: Txt, _: Instant) {
        if let Some(Ok(mut kept)) = self.0.as_ref().map(Mutex::lock) {
            kept.insert(name, record);
        }
    }
}

/// The parameters of a lookup; only the cache of texts is used.
type With<'a, P> = Parameters<
    'a,
    P,
    Kept,
    NoCache<Box<str>, RecordSet<MX>>,
    NoCache<Box<str>, RecordSet<std::net::Ipv4Addr>>,
    NoCache<Box<str>, RecordSet<std::net::Ipv6Addr>>,
    NoCache<IpAddr, RecordSet<Box<str>>>,
>;

/// The authenticator.
pub struct MailAuth {
    authenticator: MessageAuthenticator,
    kept: Kept,
    client: IpAddr,
}

impl MailAuth {
    /// Without `cache` hickory's resolver caches nothing either.
    ///
    /// # Errors
    /// The resolver cannot be made.
    pub fn new(server: SocketAddr, cache: bool) -> Result<MailAuth, String> {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let mut options = ResolverOpts::default();
        if !cache {
            options.cache_size = 0;
        }
        let config = ResolverConfig::from_name_servers(vec![server]);
        Ok(MailAuth {
            authenticator: MessageAuthenticator::new(config, options).map_err(|error| error.to_string())?,
            kept: Kept(cache.then(Mutex::default)),
            client: world::CLIENT.parse().expect("it is an address"),
        })
    }

    fn with<P>(&self, asked: P) -> With<'_, P> {
        Parameters::new(asked).with_txt_cache(&self.kept)
    }

    /// Authenticates a message, given its octets.
    pub async fn authenticate(&self, octets: &[u8]) -> Option<Verdict> {
        let message = AuthenticatedMessage::parse(octets)?;
        let session = SpfParameters::verify_mail_from(self.client, world::HELO, world::RECEIVER, world::SENDER);
        let spf = self.authenticator.verify_spf(self.with(session)).await;
        let dkim = self.authenticator.verify_dkim(self.with(&message)).await;
        let dmarc = DmarcParameters::new(&message, &dkim, world::DOMAIN, &spf);
        let dmarc = self.authenticator.verify_dmarc(self.with(dmarc)).await;
        let arc = self.authenticator.verify_arc(self.with(&message)).await;
        Some(Verdict {
            spf: spf.result() == SpfResult::Pass,
            dkim: matches!(dkim.as_slice(), [only] if *only.result() == DkimResult::Pass),
            dmarc: *dmarc.spf_result() == DmarcResult::Pass && *dmarc.dkim_result() == DmarcResult::Pass,
            arc: *arc.result() == DkimResult::Pass,
        })
    }
}
