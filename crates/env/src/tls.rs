//! A rustls crypto provider that draws every random byte from [`crate::entropy`], and the env clock in rustls' form.
//!
//! ring does all the arithmetic except key agreement: it generates ephemeral keys only from the system's randomness, so
//! `x25519-dalek` does X25519. Two processes that run the same scenario then exchange the same bytes, provided that
//! certificates are Ed25519 (deterministic by definition, RFC 8032), or that the server signs through a deterministic
//! [`rustls::sign::SigningKey`] of its own.

use std::sync::Arc;

use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup, ring,
};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::{Error, KeyLog, NamedGroup, PeerMisbehaved};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::{Env, entropy};

/// The provider: ring's cipher suites and signature algorithms, randomness and X25519 from the env of the running task.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![&EnvX25519], secure_random: &EnvRandom, ..ring::default_provider() })
}

/// The env clock, for certificate dates inside rustls.
pub fn time_provider(env: &Env) -> Arc<dyn TimeProvider> {
    Arc::new(EnvTime(env.clone()))
}

/// What a TLS configuration's `key_log` should be, at clients and servers: it hands the secrets of each session to the
/// machine of the running task, if that wants them.
pub fn key_log() -> Arc<dyn KeyLog> {
    Arc::new(EnvKeyLog)
}

#[derive(Debug)]
struct EnvKeyLog;

impl KeyLog for EnvKeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if let Some(env) = entropy::current().filter(|env| env.0.wants_tls_secrets()) {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            env.0.tls_secret(format!("{label} {} {}", hex(client_random), hex(secret)));
        }
    }

    fn will_log(&self, _label: &str) -> bool {
        entropy::current().is_some_and(|env| env.0.wants_tls_secrets())
    }
}

#[derive(Debug)]
struct EnvTime(Env);

impl TimeProvider for EnvTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

#[derive(Debug)]
struct EnvRandom;

impl SecureRandom for EnvRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        if entropy::fill(buffer) { Ok(()) } else { Err(GetRandomFailed) }
    }
}

#[derive(Debug)]
struct EnvX25519;

impl SupportedKxGroup for EnvX25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut bytes = [0; 32];
        if !entropy::fill(&mut bytes) {
            return Err(Error::FailedToGetRandomBytes);
        }
        crate::meter::count();
        let secret = StaticSecret::from(bytes);
        let public = PublicKey::from(&secret);
        Ok(Box::new(Exchange { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Exchange {
    secret: StaticSecret,
    public: PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        crate::meter::count();
        let peer: [u8; 32] = peer.try_into().map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(peer));
        // RFC 8446 §7.4.2: the all-zero secret of a small-order point ends the handshake.
        if !shared.was_contributory() {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        Ok(SharedSecret::from(shared.as_bytes().as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
