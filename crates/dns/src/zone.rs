//! A zone: the records of one part of the tree, cut off where other zones begin (RFC 1034 §4.2).
//!
//! Names of a zone are kept in canonical order, so everything below a name follows it directly. That answers the three
//! questions of §4.3.2: is there a cut above the name, does the name exist (a name exists if it has records or anything
//! below it does, RFC 4592 §2.2.2), and which is its closest encloser.
//!
//! A name that does not exist matches the wildcard right below its closest encloser, `*.encloser` (RFC 4592 §3.3.1).
//! Names that exist, empty ones too, block the wildcard for themselves and everything below. A DNAME redirects
//! everything below its owner, so nothing else may be there (RFC 6672 §2.4).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::name::Name;
use crate::rdata::{Ns, Rdata as _, Soa};
use crate::record::{Class, Record, RecordType, Rrset};
use crate::zonefile::{self, ZoneTextError};

/// Why a record cannot be in a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// Its owner is not at or below the apex; for an SOA, not the apex.
    #[error("{owner} is outside the zone {origin}")]
    OutOfZone {
        /// The owner.
        owner: Name,
        /// The apex.
        origin: Name,
    },
    /// An alias has other data beside it (RFC 2181 §10.1).
    #[error("{owner} has a CNAME record and other data")]
    AliasAndData {
        /// The owner.
        owner: Name,
    },
    /// A second CNAME, DNAME or SOA.
    #[error("{owner} has two {rtype} records")]
    Two {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// Signatures and proofs are made from the zone, not given in it.
    #[error("{rtype} records are made when the zone is signed")]
    Made {
        /// The type.
        rtype: RecordType,
    },
    /// The record is of another class.
    #[error("records of class IN only")]
    Class,
    /// A type that has no meaning at a wildcard: NS, DS or DNAME (RFC 4592 §4.2, §4.4, §4.6).
    #[error("{owner} is a wildcard and cannot have {rtype} records")]
    AtWildcard {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// A record below a DNAME, or a DNAME above a record (RFC 6672 §2.4).
    #[error("{below} is below the DNAME record of {dname}")]
    BelowDname {
        /// The owner of the DNAME.
        dname: Name,
        /// The name below it.
        below: Name,
    },
    /// DNAME at a cut: names below are either redirected or delegated (RFC 6672 §2.3).
    #[error("{owner} has both DNAME and NS records")]
    DnameAtCut {
        /// The owner.
        owner: Name,
    },
}

/// The records of one zone, without signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    origin: Name,
    nodes: BTreeMap<Name, BTreeMap<RecordType, Rrset>>,
}

/// What a zone holds for a question (RFC 1034 §4.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The RRset asked for. If its owner is a wildcard and not the name asked for, the wildcard matches that name.
    Found(&'a Rrset),
    /// The name is an alias, or matches a wildcard that is one.
    Alias(&'a Rrset),
    /// The name is below the owner of this DNAME.
    Redirection(&'a Rrset),
    /// The name exists, but not the type.
    NoData,
    /// The name does not exist, and the wildcard that matches it does not have the type.
    NoDataAtWildcard {
        /// The longest existing name above it; the wildcard is right below.
        closest_encloser: Name,
    },
    /// The name is at or below this cut.
    Delegation(&'a Rrset),
    /// Neither the name nor a wildcard that would match it exists.
    NxDomain {
        /// The longest existing name above it.
        closest_encloser: Name,
    },
}

impl Zone {
    /// A zone with its SOA and NS records. `ttl` is the TTL of these records and of negative answers.
    pub fn new(origin: Name, servers: &[Name], ttl: u32) -> Zone {
        let soa = Soa {
            primary: servers.first().unwrap_or(&origin).clone(),
            responsible: origin.prepend_label("hostmaster").unwrap_or_else(|_| origin.clone()),
            serial: 1,
            refresh: 7_200,
            retry: 900,
            expire: 1_209_600,
            minimum: ttl,
        };
        let mut apex = BTreeMap::new();
        let rrset = |rtype, rdatas| Rrset { name: origin.clone(), rtype, ttl, rdatas };
        apex.insert(RecordType::SOA, rrset(RecordType::SOA, vec![soa.to_rdata()]));
        if !servers.is_empty() {
            let servers = servers.iter().map(|server| Ns(server.clone()).to_rdata()).collect();
            apex.insert(RecordType::NS, rrset(RecordType::NS, servers));
        }
        Zone { nodes: BTreeMap::from([(origin.clone(), apex)]), origin }
    }

    /// Adds the records of master-file text.
    ///
    /// # Errors
    /// All mistakes of the text, and all records that cannot be in the zone, in the order of the text.
    pub fn add_text(&mut self, text: &str, default_ttl: u32) -> Result<(), Vec<ZoneTextError>> {
        let mut errors = Vec::new();
        for entry in zonefile::parse(text, &self.origin, default_ttl)? {
            if let Err(error) = self.insert(entry.record) {
                let expected = format!("a record that the zone can hold: {error}");
                let found = format!("`{}`", text.get(entry.span.clone()).unwrap_or_default());
                errors.push(ZoneTextError { span: entry.span, found, expected });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The apex.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// Adds a record to its RRset. One that is there already is left as it is; if TTLs differ, the lowest counts
    /// (RFC 2181 §5.2). An SOA replaces the one that [`Zone::new`] made.
    ///
    /// # Errors
    /// The record cannot be in this zone.
    pub fn insert(&mut self, record: Record) -> Result<(), ZoneError> {
        let Record { name: owner, class, rtype, ttl, rdata } = record;
        if class != Class::IN {
            return Err(ZoneError::Class);
        }
        if !owner.is_subdomain_of(&self.origin) {
            return Err(ZoneError::OutOfZone { owner, origin: self.origin.clone() });
        }
        match rtype {
            RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::NSEC3PARAM => {
                return Err(ZoneError::Made { rtype });
            }
            RecordType::SOA if owner != self.origin => {
                return Err(ZoneError::OutOfZone { owner, origin: self.origin.clone() });
            }
            RecordType::NS | RecordType::DS | RecordType::DNAME if owner.is_wildcard() => {
                return Err(ZoneError::AtWildcard { owner, rtype });
            }
            _ => {}
        }
        self.check_dname(&owner, rtype)?;
        let node = self.nodes.entry(owner.clone()).or_default();
        let alias = node.contains_key(&RecordType::CNAME);
        if (alias && rtype != RecordType::CNAME) || (rtype == RecordType::CNAME && !alias && !node.is_empty()) {
            return Err(ZoneError::AliasAndData { owner });
        }
        if rtype == RecordType::SOA {
            node.remove(&RecordType::SOA);
        }
        let rrset = node.entry(rtype).or_insert_with(|| Rrset { name: owner.clone(), rtype, ttl, rdatas: Vec::new() });
        let single = matches!(rtype, RecordType::CNAME | RecordType::DNAME);
        if single && !rrset.rdatas.is_empty() && !rrset.rdatas.contains(&rdata) {
            return Err(ZoneError::Two { owner, rtype });
        }
        rrset.ttl = rrset.ttl.min(ttl);
        if !rrset.rdatas.contains(&rdata) {
            rrset.rdatas.push(rdata);
        }
        Ok(())
    }

    /// RFC 6672 §2.3 and §2.4: nothing is below a DNAME, and no DNAME is at a cut.
    fn check_dname(&self, owner: &Name, rtype: RecordType) -> Result<(), ZoneError> {
        if let Some(dname) = self.dname_above(owner) {
            return Err(ZoneError::BelowDname { dname: dname.name.clone(), below: owner.clone() });
        }
        let has = |rtype| self.rrset(owner, rtype).is_some();
        let beside = match rtype {
            RecordType::DNAME => has(RecordType::NS),
            RecordType::NS => has(RecordType::DNAME),
            _ => false,
        };
        if beside && *owner != self.origin {
            return Err(ZoneError::DnameAtCut { owner: owner.clone() });
        }
        let mut after = self.nodes.range((Bound::Excluded(owner), Bound::Unbounded));
        match after.next() {
            Some((below, _)) if rtype == RecordType::DNAME && below.is_subdomain_of(owner) => {
                Err(ZoneError::BelowDname { dname: owner.clone(), below: below.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Inserts an RRset unchecked: for records that signing adds.
    pub(crate) fn put(&mut self, rrset: Rrset) {
        self.nodes.entry(rrset.name.clone()).or_default().insert(rrset.rtype, rrset);
    }

    /// Removes an RRset, or all RRsets of a name; returns whether there was one. The apex keeps its SOA.
    pub fn remove(&mut self, owner: &Name, rtype: Option<RecordType>) -> bool {
        let Some(node) = self.nodes.get_mut(owner) else { return false };
        let before = node.len();
        node.retain(|&held, _| rtype.is_some_and(|rtype| rtype != held) || held == RecordType::SOA);
        let removed = node.len() < before;
        if node.is_empty() {
            self.nodes.remove(owner);
        }
        removed
    }

    /// The RRset of this owner and type, even below a cut, such as glue.
    pub fn rrset(&self, owner: &Name, rtype: RecordType) -> Option<&Rrset> {
        self.nodes.get(owner)?.get(&rtype)
    }

    /// The types at a name.
    pub(crate) fn types_at(&self, owner: &Name) -> impl Iterator<Item = RecordType> + '_ {
        self.nodes.get(owner).into_iter().flat_map(|node| node.keys().copied())
    }

    /// All RRsets in canonical order of their owners.
    pub fn rrsets(&self) -> impl Iterator<Item = &Rrset> {
        self.nodes.values().flat_map(BTreeMap::values)
    }

    /// The SOA record and the TTL of negative answers: the lesser of its own TTL and its last field (RFC 2308 §5).
    pub(crate) fn negative(&self) -> Option<(&Rrset, u32)> {
        let soa = self.rrset(&self.origin, RecordType::SOA)?;
        let minimum = soa.rdatas.first().and_then(|rdata| Soa::parse(rdata).ok()).map_or(0, |soa| soa.minimum);
        Some((soa, minimum.min(soa.ttl)))
    }

    /// What the zone holds for a question about a name at or below its apex.
    pub fn lookup(&self, name: &Name, rtype: RecordType) -> Lookup<'_> {
        if let Some(cut) = self.cut_above(name)
            // RFC 4035 §3.1.4.1: the parent answers for the DS RRset of a child.
            && !(rtype == RecordType::DS && cut.name == *name)
        {
            return Lookup::Delegation(cut);
        }
        if let Some(dname) = self.dname_above(name) {
            return Lookup::Redirection(dname);
        }
        if let Some(node) = self.nodes.get(name) {
            return at_node(node, rtype).unwrap_or(Lookup::NoData);
        }
        if self.exists(name) {
            return Lookup::NoData;
        }
        let closest_encloser = self.closest_encloser(name);
        // The source of synthesis (RFC 4592 §3.3.1). It may be an empty non-terminal itself (§2.2.2).
        let wildcard = closest_encloser.prepend_label("*").ok().filter(|wildcard| self.exists(wildcard));
        match wildcard.map(|wildcard| self.nodes.get(&wildcard).and_then(|node| at_node(node, rtype))) {
            Some(Some(stands_in)) => stands_in,
            Some(None) => Lookup::NoDataAtWildcard { closest_encloser },
            None => Lookup::NxDomain { closest_encloser },
        }
    }

    /// The DNAME RRset of the highest redirection above `name`.
    fn dname_above(&self, name: &Name) -> Option<&Rrset> {
        if *name == self.origin {
            return None;
        }
        let above = name.ancestors().skip(1).take_while(|ancestor| ancestor.is_subdomain_of(&self.origin));
        let found = above.filter_map(|ancestor| self.rrset(&ancestor, RecordType::DNAME));
        found.last()
    }

    /// The NS RRset of the highest cut at or above `name`.
    pub(crate) fn cut_above(&self, name: &Name) -> Option<&Rrset> {
        let above: Vec<Name> = name.ancestors().take_while(|ancestor| *ancestor != self.origin).collect();
        above.iter().rev().find_map(|ancestor| self.rrset(ancestor, RecordType::NS))
    }

    /// Whether the name or a name below it has records.
    pub(crate) fn exists(&self, name: &Name) -> bool {
        let mut from = self.nodes.range((Bound::Included(name), Bound::Unbounded));
        from.next().is_some_and(|(next, _)| next.is_subdomain_of(name))
    }

    /// The longest existing name above `name`.
    pub(crate) fn closest_encloser(&self, name: &Name) -> Name {
        let above = name.ancestors().skip(1).find(|ancestor| self.exists(ancestor));
        above.unwrap_or_else(|| self.origin.clone())
    }

    /// The names whose records this zone answers for or cuts at, with their types: what a proof of non-existence covers.
    pub(crate) fn authoritative_nodes(&self) -> impl Iterator<Item = (&Name, &BTreeMap<RecordType, Rrset>)> {
        self.nodes.iter().filter(|(name, _)| self.cut_above(name).is_none_or(|cut| cut.name == **name))
    }
}

/// What a node holds for a type; none if it has neither the type nor an alias.
fn at_node(node: &BTreeMap<RecordType, Rrset>, rtype: RecordType) -> Option<Lookup<'_>> {
    if rtype == RecordType::ANY {
        // RFC 8482 §4.1: one RRset is answer enough for ANY.
        return node.values().next().map(Lookup::Found);
    }
    match (node.get(&rtype), node.get(&RecordType::CNAME)) {
        (Some(rrset), _) => Some(Lookup::Found(rrset)),
        (None, alias) => alias.map(Lookup::Alias),
    }
}
