//! Faults of name servers: which servers a fault affects, and for which zones.
//!
//! The servers know what goes wrong ([`mxlab_dns::fault`]). A fault at several of them is still one: they count
//! together how often it acts, so it does not matter which of them a resolver asks.

use std::net::IpAddr;

use mxlab_dns::fault::{Fault, FaultId, FaultKind, FaultScope, Uses};
use mxlab_dns::{Name, RecordType};

use super::Internet;

/// A fault and its place. With a zone it is at all servers of that zone, with a server for all zones that it serves,
/// with both at that server for that zone. A fault of the parent's records ([`FaultKind::is_at_parent`]) is at the
/// parent's servers, but its zone is the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServerFault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For answers from this zone.
    pub zone: Option<Name>,
    /// At the server with this address.
    pub server: Option<IpAddr>,
    /// Only for this owner.
    pub owner: Option<Name>,
    /// Only for this type.
    pub rtype: Option<RecordType>,
    /// How often it acts before it ends, at all its servers together.
    pub times: Option<u32>,
}

impl NameServerFault {
    /// A fault that always acts, once its place is given.
    pub fn new(kind: impl Into<FaultKind>) -> NameServerFault {
        NameServerFault { kind: kind.into(), zone: None, server: None, owner: None, rtype: None, times: None }
    }

    fn of_zone(&self, zone: &Name) -> Fault {
        let scope = FaultScope { zone: zone.clone(), owner: self.owner.clone(), rtype: self.rtype };
        Fault { times: self.times, ..Fault::new(self.kind, scope) }
    }
}

/// Why a fault cannot begin. Then nothing has begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Neither a zone nor a server.
    #[error("a fault of name servers needs a zone or a server")]
    Nowhere,
    /// A fault in a parent needs a child.
    #[error("a fault of the records in the parent needs a zone")]
    NoChild,
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// The root has no parent.
    #[error("zone {0} has no parent")]
    NoParent(Name),
    /// The server does not serve the zone.
    #[error("the name server at {server} does not serve zone {zone}")]
    NotServed {
        /// The zone whose servers were meant.
        zone: Name,
        /// The server's address.
        server: IpAddr,
    },
    /// The address does not belong to a name server.
    #[error("{0} is no name server")]
    NoServer(IpAddr),
}

/// A fault that has begun.
#[derive(Clone, Debug)]
pub struct BegunFault {
    at: Vec<(IpAddr, FaultId)>,
    uses: Uses,
    times: Option<u32>,
}

impl BegunFault {
    /// The servers at which it is, in the order of their zones.
    pub fn servers(&self) -> Vec<IpAddr> {
        let mut servers: Vec<IpAddr> = Vec::new();
        for (server, _) in &self.at {
            if !servers.contains(server) {
                servers.push(*server);
            }
        }
        servers
    }

    /// Whether it has acted.
    pub fn has_acted(&self) -> bool {
        self.uses.count() > 0
    }

    /// Whether it has acted as often as it may.
    pub fn used_up(&self) -> bool {
        self.uses.are_up(self.times)
    }
}

impl Internet {
    /// Lets a fault begin.
    ///
    /// # Errors
    /// If it could act nowhere: it names neither zone nor server, or these do not belong together.
    pub fn begin(&self, fault: &NameServerFault) -> Result<BegunFault, FaultError> {
        let places = self.places(fault)?;
        let uses = Uses::default();
        let begin = |(zone, server): (Name, IpAddr)| {
            let authority = self.authorities.get(&server)?;
            Some((server, authority.begin_fault_counted(fault.of_zone(&zone), &uses)))
        };
        let at = places.into_iter().filter_map(begin).collect();
        Ok(BegunFault { at, uses, times: fault.times })
    }

    /// Ends a fault. Ending it twice does nothing.
    pub fn end(&self, begun: &BegunFault) {
        for (address, id) in &begun.at {
            if let Some(authority) = self.authorities.get(address) {
                authority.end_fault(*id);
            }
        }
    }

    /// Each zone whose answers go wrong, with a server that gives them.
    fn places(&self, fault: &NameServerFault) -> Result<Vec<(Name, IpAddr)>, FaultError> {
        match (&fault.zone, fault.server) {
            (None, None) => Err(FaultError::Nowhere),
            (None, Some(_)) if fault.kind.is_at_parent() => Err(FaultError::NoChild),
            (None, Some(server)) => {
                let serves = |apex: &Name| self.zones.get(apex).is_some_and(|held| held.is_at(server));
                let zones: Vec<_> = self.zones.keys().filter(|apex| serves(apex)).cloned().collect();
                if zones.is_empty() { Err(FaultError::NoServer(server)) } else { Ok(at(zones, server)) }
            }
            (Some(zone), server) => self.places_of_zone(zone, fault.kind.is_at_parent(), server),
        }
    }

    fn places_of_zone(
        &self,
        zone: &Name,
        at_parent: bool,
        server: Option<IpAddr>,
    ) -> Result<Vec<(Name, IpAddr)>, FaultError> {
        if !self.zones.contains_key(zone) {
            return Err(FaultError::NoZone(zone.clone()));
        }
        let serving = if at_parent { self.parent_of(zone) } else { Some(zone.clone()) };
        let serving = serving.ok_or_else(|| FaultError::NoParent(zone.clone()))?;
        let held = self.zones.get(&serving).ok_or_else(|| FaultError::NoZone(serving.clone()))?;
        match server {
            Some(server) if held.is_at(server) => Ok(at(vec![zone.clone()], server)),
            Some(server) => Err(FaultError::NotServed { zone: serving, server }),
            None => Ok(held.servers.iter().map(|server| (zone.clone(), server.address)).collect()),
        }
    }
}

fn at(zones: Vec<Name>, server: IpAddr) -> Vec<(Name, IpAddr)> {
    zones.into_iter().map(|zone| (zone, server)).collect()
}
