//! The keys with which mail is signed (RFC 6376, RFC 8617), made from the world's name and the key's.

use mxlab_auth::dkim::crypto::{SigningKey, SigningKeyError};
use mxlab_dns::KeyError;
use mxlab_dns::authority::rsa_key::{Modulus, RsaKey};
use mxlab_env::memo::Memo;
use mxlab_record::{Event, Fields, Kind};

use crate::derive::Identity;

/// What kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKeyKind {
    /// RSA with 2,048 bits.
    Rsa2048,
    /// RSA with 1,024 bits.
    Rsa1024,
    /// RSA with 512 bits, too weak to count (RFC 8301 §3.2).
    Rsa512,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

/// Why a key cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MailKeyError {
    /// The stock of RSA keys cannot make it.
    #[error("no RSA key: {0}")]
    Rsa(#[from] KeyError),
    /// It does not sign.
    #[error(transparent)]
    Signing(#[from] SigningKeyError),
}

/// A message was signed with DKIM before it was sent: one for each signature.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The Message-ID.
    pub message: String,
    /// The domain that signed (`d=`).
    pub domain: String,
    /// The selector (`s=`).
    pub selector: String,
}

impl Signed {
    /// The kind.
    pub const KIND: Kind = Kind::new("signed", &["message", "domain", "selector"]);
}

impl Event for Signed {
    fn kind(&self) -> &'static str {
        Signed::KIND.name
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("message", self.message.as_str())
            .with("domain", self.domain.as_str())
            .with("selector", self.selector.as_str())
    }

    // The verifier records what the signature is worth.
    fn story(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Keys by kind and seed.
static MADE: Memo<SigningKey> = Memo::new(1_024);

/// The key called `name` in a world.
///
/// # Errors
/// None with the present stock of keys.
pub fn make(identity: &Identity, name: &str, kind: MailKeyKind) -> Result<SigningKey, MailKeyError> {
    let seed = identity.bytes("mail-key", name);
    MADE.try_recall(&[&[kind as u8], &seed], || make_anew(seed, kind))
}

fn make_anew(seed: [u8; 32], kind: MailKeyKind) -> Result<SigningKey, MailKeyError> {
    let modulus = match kind {
        MailKeyKind::Ed25519 => return Ok(SigningKey::from_ed25519_seed(&seed)?),
        MailKeyKind::Rsa2048 => Modulus::Bits2048,
        MailKeyKind::Rsa1024 => Modulus::Bits1024,
        MailKeyKind::Rsa512 => Modulus::Bits512,
    };
    Ok(SigningKey::from_pkcs1_der(&RsaKey::from_seed(modulus, seed)?.to_pkcs1_der()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_names_are_others() {
        let identity = Identity::of_world(Some("a"));
        for kind in [MailKeyKind::Rsa2048, MailKeyKind::Rsa1024, MailKeyKind::Rsa512, MailKeyKind::Ed25519] {
            let record = |name: &str| make(&identity, name, kind).unwrap().record();
            assert_eq!(record("one"), record("one"));
            assert_ne!(record("one"), record("two"), "{kind:?}");
        }
    }
}
