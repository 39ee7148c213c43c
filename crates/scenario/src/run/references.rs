//! The values of references in braces in a run.

use data_encoding::HEXLOWER;
use mxlab_world::internet::Internet;
use ring::digest::{SHA256, SHA512, digest};

use super::certificates::Certificates;
use super::mail_keys::MailKeys;
use mxlab_language::Scenario;
use mxlab_language::references::{Form, Reference, Resolve};

/// The objects made from a scenario's declarations before its internet, because zone texts may refer to them.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) certificates: Certificates,
    pub(crate) mail_keys: MailKeys,
}

/// The values of references in braces in this run.
pub(crate) struct References<'a> {
    scenario: &'a Scenario,
    made: &'a Made,
    internet: Option<&'a Internet>,
}

impl<'a> References<'a> {
    pub(crate) fn new(scenario: &'a Scenario, made: &'a Made, internet: Option<&'a Internet>) -> References<'a> {
        References { scenario, made, internet }
    }
}

impl Resolve for References<'_> {
    fn resolve(&self, reference: Reference<'_>, ipv6: bool) -> Option<String> {
        let form = |form: Form, bytes: &[u8]| match form {
            Form::Whole => HEXLOWER.encode(bytes),
            Form::Sha256 => HEXLOWER.encode(digest(&SHA256, bytes).as_ref()),
            Form::Sha512 => HEXLOWER.encode(digest(&SHA512, bytes).as_ref()),
        };
        let (made, authorities) = (&self.made.certificates.made, &self.made.certificates.authorities);
        Some(match reference {
            Reference::Address(host) => {
                let host = self.scenario.addressed.get(host)?;
                if ipv6 { host.ipv6.to_string() } else { host.ipv4.to_string() }
            }
            Reference::Name(host) => self.scenario.addressed.get(host)?.full_name.clone(),
            Reference::PublicKey(which, name) => match (made.get(name), authorities.get(name)) {
                (Some(made), _) => form(which, &made.public_key_info),
                (None, Some(authority)) => form(which, &authority.public_key_info),
                (None, None) => return None,
            },
            Reference::Certificate(which, name) => match (made.get(name), authorities.get(name)) {
                (Some(made), _) => form(which, &made.certificate),
                (None, Some(authority)) => form(which, &authority.certificate),
                (None, None) => return None,
            },
            Reference::Ds(zone) => {
                let ds = self.internet?.ds(&zone.parse().ok()?)?;
                format!("{} {} {} {}", ds.key_tag, ds.algorithm, ds.digest_type, HEXLOWER.encode(&ds.digest))
            }
            Reference::Dkim(key) => self.made.mail_keys.get(key)?.quoted_record(),
            Reference::DkimTarget { .. } => return None,
        })
    }
}
