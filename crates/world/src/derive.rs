//! Values that must be the same in every run of a scenario, whatever the seed: keys, serial numbers, Message-IDs.
//!
//! The seed drives only latency, loss and draws of ports and ids; another seed must not change a certificate's digest, or a
//! story would change with it.
//!
//! # Two scopes
//! - *Objects* (keys of zones, certificates and mail, serial numbers of certificates) derive from their own name and the
//!   name of their *world*: the prepared internet that a file builds on (`world = "outbound"`). All files without one share
//!   one more. So the zone of `fabrikam.example` has the same keys in all files of a world, and where it holds the same, the
//!   same signatures; what a file changes of an object changes what is signed, not the key.
//! - *Messages* (their Message-IDs) derive from the scenario's id and their name, so that no two scenarios send the same.

use ring::digest::{SHA256, digest};

/// A scope of names, from which values are derived.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What comes before the kind and name of an object. Scopes of a world have one part more than those of a scenario, so
    /// that no two are alike.
    scope: Vec<String>,
}

impl Identity {
    /// The scope of the objects of a world; of the files without a world if none is given.
    pub fn of_world(name: Option<&str>) -> Identity {
        // No world has an empty name.
        Identity { scope: ["mxlab", "world", name.unwrap_or_default()].map(str::to_owned).to_vec() }
    }

    /// The scope of the messages of the scenario with this id.
    pub fn of_scenario(id: &str) -> Identity {
        Identity { scope: ["mxlab", id].map(str::to_owned).to_vec() }
    }

    /// 32 bytes for the object `name` of kind `kind`.
    pub fn bytes(&self, kind: &str, name: &str) -> [u8; 32] {
        // Length prefixes keep ("ab", "c") and ("a", "bc") apart.
        let mut input = Vec::new();
        for part in self.scope.iter().map(String::as_str).chain([kind, name]) {
            input.extend_from_slice(&(part.len() as u64).to_be_bytes());
            input.extend_from_slice(part.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &input).as_ref());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_kinds_and_scopes_all_matter() {
        let outbound = || Identity::of_world(Some("outbound"));
        let one = outbound().bytes("zone", "example");
        assert_eq!(one, outbound().bytes("zone", "example"));
        assert_ne!(one, Identity::of_world(Some("inbound")).bytes("zone", "example"));
        assert_ne!(one, Identity::of_world(None).bytes("zone", "example"));
        assert_ne!(one, Identity::of_scenario("outbound").bytes("zone", "example"));
        assert_ne!(one, outbound().bytes("cert", "example"));
        assert_ne!(one, outbound().bytes("zonee", "xample"));
    }
}
