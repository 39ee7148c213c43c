//! Values that must be the same in every run of a scenario, whatever the seed: keys, serial numbers, Message-IDs.
//!
//! They derive from the scenario's id and the object's name. The seed drives only latency, loss and draws of ports and
//! ids; another seed must not change a certificate's digest, or a story would change with it.

use ring::digest::{SHA256, digest};

/// What a scenario's names are derived from: its id.
#[derive(Clone, Debug)]
pub struct Identity(String);

impl Identity {
    /// The identity of the scenario with this id.
    pub fn new(scenario_id: &str) -> Identity {
        Identity(scenario_id.to_owned())
    }

    /// 32 bytes for the object `name` of kind `kind`.
    pub fn bytes(&self, kind: &str, name: &str) -> [u8; 32] {
        // Length prefixes keep ("ab", "c") and ("a", "bc") apart.
        let mut input = Vec::new();
        for part in ["mxlab", &self.0, kind, name] {
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
    fn names_kinds_and_scenarios_all_matter() {
        let one = Identity::new("dane/mismatch").bytes("zone", "example");
        assert_eq!(one, Identity::new("dane/mismatch").bytes("zone", "example"));
        assert_ne!(one, Identity::new("dane/match").bytes("zone", "example"));
        assert_ne!(one, Identity::new("dane/mismatch").bytes("cert", "example"));
        assert_ne!(one, Identity::new("dane/mismatch").bytes("zonee", "xample"));
    }
}
