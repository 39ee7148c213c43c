//! The message as we authenticate it, with our own resolver.

use std::net::SocketAddr;

use jiff::Timestamp;
use mxlab_auth::arc::{self, ChainStatus};
use mxlab_auth::dkim::{self, ResultWord, SignedMessage};
use mxlab_auth::dmarc::{self, Identifier, Outcome, Rules, Settings};
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::spf::{self, Identity};
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_dns::rdata::Txt;
use mxlab_dns::{Name, RecordType, Resolver, ResolverConfig, TrustAnchor};
use mxlab_env::Env;
use mxlab_mail::Message;
use mxlab_mail::authres::{DmarcResult, SpfResult};
use mxlab_record::Recorder;

use super::{Verdict, world};

/// Our resolver, which forwards and has no trust anchor, like the resolvers of the others.
struct Answers(Resolver);

impl Dns for Answers {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        Box::pin(async move {
            // The message causes no other questions.
            if kind != RecordKind::Txt {
                return Err(DnsError::Temporary { reason: format!("{kind} is asked for") });
            }
            let name: Name = name.parse().map_err(|_| DnsError::NxDomain)?;
            let answer = self.0.lookup(&name, RecordType::TXT).await;
            if !answer.security.is_usable() {
                return Err(DnsError::Timeout);
            }
            if answer.is_nx_domain() {
                return Err(DnsError::NxDomain);
            }
            Ok(answer.data().map(|txt: Txt| Data::Txt(txt.joined())).collect())
        })
    }
}

/// The authenticator.
pub struct Ours {
    dns: Answers,
    client: spf::Client,
    arc: arc::Policy,
}

impl Ours {
    pub fn new(env: &Env, server: SocketAddr, cache: bool, oldest_pass: bool) -> Ours {
        let config = ResolverConfig { cache, ..ResolverConfig::new(vec![server], TrustAnchor::nowhere()) };
        let dns = Answers(Resolver::new(env, &Recorder::nowhere(env), config));
        let client = spf::Client {
            ip: world::CLIENT.parse().expect("it is an address"),
            identity: Identity::MailFrom(world::SENDER.parse().expect("every text is a sender")),
            helo: world::HELO.to_owned(),
            receiver: world::RECEIVER.to_owned(),
            now: env.now(),
        };
        Ours { dns, client, arc: arc::Policy { oldest_pass, ..arc::Policy::default() } }
    }

    /// Authenticates a message, given its octets.
    pub async fn authenticate(&self, octets: &[u8], now: Timestamp) -> Option<Verdict> {
        let message = Message::parse(octets).ok()?;
        let spf = spf::check_host(&self.dns, &self.client).await;
        let mut signed = SignedMessage::new(&message);
        let dkim = dkim::verify_signed(&self.dns, &mut signed, now, &dkim::Policy::default()).await;
        let outcome = |passed| if passed { Outcome::Pass } else { Outcome::Fail };
        let facts = dmarc::Facts {
            spf: Some(Identifier {
                domain: spf.identity.domain().to_owned(),
                outcome: outcome(spf.result == SpfResult::Pass),
            }),
            dkim: dkim
                .iter()
                .filter_map(|it| {
                    let outcome = outcome(it.result() == ResultWord::Pass);
                    Some(Identifier { domain: it.domain.clone()?, outcome })
                })
                .collect(),
            draw: 0,
        };
        let author = message.author().ok()?;
        // mail-auth follows this one too.
        let settings = Settings::standard(Rules::Rfc9989);
        let dmarc = dmarc::evaluate(&self.dns, settings, author.domain(), &facts).await;
        let arc = arc::validate_signed(&self.dns, &mut signed, now, &self.arc).await;
        Some(Verdict {
            spf: spf.result == SpfResult::Pass,
            dkim: matches!(dkim.as_slice(), [only] if only.result() == ResultWord::Pass),
            dmarc: dmarc.result == DmarcResult::Pass && dmarc.aligned_spf().is_some() && dmarc.aligned_dkim().is_some(),
            arc: arc.status == ChainStatus::Pass && arc.oldest_pass == self.arc.oldest_pass.then_some(0),
        })
    }
}
