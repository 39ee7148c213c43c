//! The names of a client: a signal of the composite verdict where nothing else speaks for the author.
//!
//! The PTR records of an address name it. Whoever has the address can write anything into them, so a name counts only if it
//! leads back to the address (as in RFC 7208 §5.5). `exchange.md` §2.2 has several reasons about such names and tells little
//! about how they differ; ours are a choice: a client that is called like the author's domain or below it is a pass (103),
//! one elsewhere in the author's organization a soft pass (202).

use std::net::IpAddr;

use mxlab_auth::alignment::organizational_domain;
use mxlab_auth::{Data, Dns, DnsError, RecordKind, reverse_name};

/// The most names that are checked, in the order of the answer.
pub const MAX_NAMES: usize = 10;

/// The names of a client, looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientNames {
    /// The client.
    pub ip: IpAddr,
    /// The names that lead back to it.
    pub confirmed: Vec<String>,
    /// Why its names are not known, if DNS did not say.
    pub problem: Option<String>,
}

/// How close a client's name is to an author's domain; a closer one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// No name has to do with it.
    Foreign,
    /// A name is in the same organization.
    Organization,
    /// A name is the domain, or below it.
    Domain,
}

impl ClientNames {
    /// Looks up the names of a client.
    pub(crate) async fn look_up(dns: &dyn Dns, ip: IpAddr) -> ClientNames {
        let ip = ip.to_canonical();
        let mut names = ClientNames { ip, confirmed: Vec::new(), problem: None };
        let found = match dns.lookup(&reverse_name(ip), RecordKind::Ptr).await {
            Ok(found) => found,
            Err(DnsError::NxDomain) => Vec::new(),
            Err(error) => {
                names.problem = Some(error.to_string());
                Vec::new()
            }
        };
        let kind = if ip.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        for data in found.into_iter().take(MAX_NAMES) {
            let Data::Ptr(name) = data else { continue };
            let addresses = match dns.lookup(&name, kind).await {
                Ok(addresses) => addresses,
                Err(DnsError::NxDomain) => Vec::new(),
                // Whether this name leads back is not known; another one may.
                Err(error) => {
                    names.problem = Some(error.to_string());
                    Vec::new()
                }
            };
            let own = |data: &Data| match data {
                Data::A(address) => IpAddr::V4(*address) == ip,
                Data::Aaaa(address) => IpAddr::V6(*address) == ip,
                Data::Mx { .. } | Data::Ptr(_) | Data::Txt(_) => false,
            };
            if !name.is_empty() && addresses.iter().any(own) {
                names.confirmed.push(name);
            }
        }
        names.problem = names.problem.filter(|_| names.confirmed.is_empty());
        names
    }

    /// How close the closest name is to the domain of an author.
    pub fn nearness(&self, author: &str) -> Nearness {
        let organization = organizational_domain(author);
        let author = author.to_ascii_lowercase();
        let one = |name: &String| {
            let name = name.to_ascii_lowercase();
            let within = name == author || name.strip_suffix(&author).is_some_and(|rest| rest.ends_with('.'));
            match (within, organizational_domain(&name) == organization) {
                (true, _) => Nearness::Domain,
                (false, true) => Nearness::Organization,
                (false, false) => Nearness::Foreign,
            }
        };
        self.confirmed.iter().map(one).max().unwrap_or(Nearness::Foreign)
    }

    /// What was found, a clause that can follow "because".
    pub(crate) fn because(&self) -> String {
        match (&self.problem, self.confirmed.as_slice()) {
            (Some(problem), _) => format!("the name of {} could not be looked up: {problem}", self.ip),
            (None, []) => format!("{} has no name that leads back to it", self.ip),
            (None, names) => format!("{} is {}, which leads back to it", self.ip, names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_close_a_name_is() {
        let check = |names: &[&str], author: &str, expected| {
            let confirmed = names.iter().map(|name| (*name).to_owned()).collect();
            let names = ClientNames { ip: IpAddr::from([192, 0, 2, 1]), confirmed, problem: None };
            assert_eq!(names.nearness(author), expected, "{names:?} and {author}");
        };
        check(&["contoso.example"], "contoso.example", Nearness::Domain);
        check(&["mail.Contoso.example"], "CONTOSO.example", Nearness::Domain);
        check(&["mail.contoso.example"], "news.contoso.example", Nearness::Organization);
        check(&["contoso.example"], "news.contoso.example", Nearness::Organization);
        check(&["out.mailer.example", "mail.contoso.example"], "contoso.example", Nearness::Domain);
        check(&["notcontoso.example"], "contoso.example", Nearness::Foreign);
        check(&["contoso.example.mailer.example"], "contoso.example", Nearness::Foreign);
        // Names below a public suffix have nothing in common.
        check(&["contoso.co.uk"], "fabrikam.co.uk", Nearness::Foreign);
        check(&[], "contoso.example", Nearness::Foreign);
    }
}
