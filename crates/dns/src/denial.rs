//! Proofs of non-existence (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4, RFC 9824).
//!
//! An NSEC record says two things: these types, and no others, are at its owner; and no name lies between its owner and
//! its next name. An NSEC3 record says the same of hashes of names. Every denial is put together from these two
//! statements:
//!
//! | denied | NSEC | NSEC3 |
//! |---|---|---|
//! | a type at a name | the record at the name lacks it | the same |
//! | a type at an empty non-terminal | a span whose next name lies below the name | a record without types |
//! | a name | a span over it, and one over the wildcard of its closest encloser | the record of its closest encloser, a span over the next closer name, and one over the wildcard |
//! | a name itself, where a wildcard answers | a span over it | a span over the next closer name |
//! | a type at a wildcard | a span over the name, and the wildcard's record lacks it | the same, with the closest encloser |
//! | a DS | as a type; the record must be the parent's | the same; or a span with opt-out over the next closer name |
//!
//! Compact denial (RFC 9824) answers for a name that does not exist with an NSEC at that very name, or an NSEC3 at its
//! hash, whose types say so (`NXNAME`).
//!
//! Two kinds of proof are valid but make nothing secure: a span with opt-out leaves room for unsigned delegations
//! (RFC 5155 §9.2), and hashes with too many iterations are not computed (RFC 9276 §3.2). [`Denied::insecure`] says
//! which.

mod nsec;
mod nsec3;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::keys::Algorithm;
use crate::name::Name;
use crate::rdata::{self, Nsec};
use crate::record::RecordType;
use crate::security::{Reason, RrsetId};
use crate::validator::{Budget, Expiry, SignedRrset, Verified, ZoneKeys, verify};

use nsec::Spans;
use nsec3::Hashed;

/// Which kind of record proved a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// NSEC (RFC 4034 §4).
    Nsec,
    /// NSEC3 (RFC 5155).
    Nsec3,
    /// An NSEC or NSEC3 made for this one name (RFC 9824).
    Compact,
}

impl Mechanism {
    /// The word for it in records.
    pub fn word(self) -> &'static str {
        match self {
            Mechanism::Nsec => "nsec",
            Mechanism::Nsec3 => "nsec3",
            Mechanism::Compact => "compact",
        }
    }
}

/// A denial that is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What proved it.
    pub by: Mechanism,
    /// The wildcard that matches the name and lacks the type as well.
    pub wildcard: Option<Name>,
    /// The name exists only because names below it exist.
    pub empty_non_terminal: bool,
    /// The name does not exist, although the answer said only that the type does not (RFC 9824 §3.1).
    pub no_name: bool,
    /// Why the proof makes nothing secure.
    pub insecure: Option<Reason>,
}

impl Denied {
    fn by(by: Mechanism) -> Denied {
        Denied { by, wildcard: None, empty_non_terminal: false, no_name: false, insecure: None }
    }
}

/// What is known of the DS records of a name that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDs {
    /// There is a delegation without DS: everything below is insecure.
    Delegation,
    /// A span with opt-out leaves room for a delegation without DS: everything below is insecure.
    OptedOut,
    /// The zone's proofs are not followed, for this reason: everything below is insecure.
    NotFollowed(Reason),
    /// There is no delegation at this name: it belongs to the zone that gave the proof, or does not exist.
    NotACut,
}

/// The validated proofs of one answer.
#[derive(Debug)]
pub struct Proofs {
    spans: Spans,
    hashed: Hashed,
    /// When the first of them expires.
    pub expires: Expiry,
    /// The key that signed the first of them, with its algorithm.
    pub key: Option<(u16, Algorithm)>,
    /// Why a proof that was given could not be used.
    refused: Option<Reason>,
    /// The proofs that were given, for people.
    texts: Vec<String>,
}

impl Proofs {
    /// Validates the NSEC and NSEC3 RRsets of an authority section with the keys of the zone that made them.
    pub fn new(authority: &[SignedRrset], keys: &ZoneKeys, now: Timestamp, budget: &mut Budget) -> Proofs {
        let mut proofs = Proofs {
            spans: Spans::default(),
            hashed: Hashed::new(&keys.zone),
            expires: Expiry::never(),
            key: None,
            refused: None,
            texts: Vec::new(),
        };
        let denials = |set: &&SignedRrset| matches!(set.rrset.rtype, RecordType::NSEC | RecordType::NSEC3);
        // Proofs of another zone, or signed by zones further down, are about the aliases that led here.
        let below = |set: &SignedRrset| set.signers().all(|signer| signer.is_strictly_below(&keys.zone));
        let own = |set: &&SignedRrset| {
            set.rrset.name.is_subdomain_of(&keys.zone) && (set.signatures.is_empty() || !below(set))
        };
        for set in authority.iter().filter(denials).filter(own) {
            match verify(set, keys, now, budget) {
                // A proof that is itself expanded from a wildcard says nothing about the name it is presented at.
                Ok(verified) if verified.expanded_below.is_none() && proofs.take(set, &keys.zone, budget) => {
                    proofs.expires = proofs.expires.min(verified.expires);
                    proofs.key.get_or_insert((verified.key_tag, verified.algorithm));
                    proofs.texts.push(text(set));
                }
                Ok(_) => {}
                Err(reason) => {
                    proofs.refused.get_or_insert(reason);
                }
            }
        }
        proofs
    }

    /// Keeps what a valid RRset says; returns whether it says anything here.
    fn take(&mut self, set: &SignedRrset, zone: &Name, budget: &Budget) -> bool {
        match (set.rrset.rtype, set.rrset.rdatas.as_slice()) {
            // RFC 4034 §4: one NSEC for each name.
            (RecordType::NSEC, [rdata]) => {
                let Ok(nsec) = Nsec::parse(rdata) else { return false };
                self.spans.take(&set.rrset.name, nsec, zone)
            }
            (RecordType::NSEC3, rdatas) => self.hashed.take(&set.rrset.name, rdatas, budget.policy()),
            _ => false,
        }
    }

    fn failure(&self, rrset: RrsetId) -> Reason {
        match &self.refused {
            Some(reason) => reason.clone(),
            None if self.texts.is_empty() => Reason::DenialMissing { rrset },
            None => Reason::DenialWrong { rrset, proofs: self.texts.clone() },
        }
    }

    /// The result for proofs that are not followed, or else why nothing is proved.
    fn otherwise(&self, rrset: RrsetId) -> Result<Denied, Reason> {
        match self.hashed.excess() {
            Some(reason) => Ok(Denied { insecure: Some(reason.clone()), ..Denied::by(Mechanism::Nsec3) }),
            None => Err(self.failure(rrset)),
        }
    }

    /// Proves that the name exists without records of this type, or that it does not exist, in a form that looks the
    /// same.
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn no_data(&mut self, name: &Name, rtype: RecordType, budget: &mut Budget) -> Result<Denied, Reason> {
        let rrset = RrsetId { name: name.clone(), rtype };
        if let Some(denied) = self.spans.no_data(name, rtype) {
            return Ok(denied);
        }
        match self.hashed.no_data(&rrset, budget)? {
            Some(denied) => Ok(denied),
            None => self.otherwise(rrset),
        }
    }

    /// Proves that the name does not exist and that no wildcard matches it.
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn no_name(&mut self, name: &Name, rtype: RecordType, budget: &mut Budget) -> Result<Denied, Reason> {
        let rrset = RrsetId { name: name.clone(), rtype };
        if let Some(denied) = self.spans.no_name(name) {
            return Ok(denied);
        }
        match self.hashed.no_name(&rrset, budget)? {
            Some(denied) => Ok(denied),
            None => self.otherwise(rrset),
        }
    }

    /// Proves that the owner of an answer that was expanded from the wildcard below `encloser` does not exist itself,
    /// nor any name between the two (RFC 4035 §5.3.4, RFC 5155 §8.8).
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn expanded(&mut self, rrset: &RrsetId, encloser: &Name, budget: &mut Budget) -> Result<Denied, Reason> {
        let next_closer = rrset.name.suffix(encloser.label_count() + 1);
        let wildcard = encloser.prepend_label("*").ok();
        let with_wildcard = |denied: Denied| Denied { wildcard: wildcard.clone(), ..denied };
        if self.spans.covering(&next_closer).is_some() {
            return Ok(with_wildcard(Denied::by(Mechanism::Nsec)));
        }
        match self.hashed.no_next_closer(&next_closer, rrset, budget)? {
            Some(denied) => Ok(with_wildcard(denied)),
            None => self.otherwise(rrset.clone()).map(with_wildcard),
        }
    }

    /// What the proofs say of the DS records of a name.
    ///
    /// # Errors
    /// They do not prove that there are none.
    pub fn no_ds(&mut self, name: &Name, budget: &mut Budget) -> Result<NoDs, Reason> {
        let rrset = RrsetId { name: name.clone(), rtype: RecordType::DS };
        let failure = self.failure(rrset.clone());
        if let Some(proved) = self.spans.no_ds(name) {
            return proved.ok_or(failure);
        }
        match (self.hashed.no_ds(&rrset, budget)?, self.hashed.excess()) {
            (Some(proved), _) => proved.ok_or(failure),
            (None, Some(reason)) => Ok(NoDs::NotFollowed(reason.clone())),
            (None, None) => Err(failure),
        }
    }
}

/// A proof as a line: owner, type, and data, names without their final dot.
fn text(set: &SignedRrset) -> String {
    let data = set.rrset.rdatas.first().map(|rdata| rdata::to_text(set.rrset.rtype, rdata)).unwrap_or_default();
    let (next, types) = data.split_once(' ').unwrap_or((&data, ""));
    let next = next.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(next);
    format!("{} {} {next} {types}", set.rrset.name.to_lowercase(), set.rrset.rtype).trim_end().to_owned()
}

/// Whether a proof with these types at a name says that there is no such name (RFC 9824 §3.1).
fn denies_name(types: &rdata::TypeBitmap) -> bool {
    types.contains(RecordType::NXNAME)
}

/// Whether a proof with these types at the name denies the type there.
fn lacks(name: &Name, types: &rdata::TypeBitmap, rtype: RecordType) -> bool {
    let has = |rtype| types.contains(rtype);
    // RFC 6840 §4.1: a proof at a cut denies only DS; the child's own proof does not deny DS, unless the child is the
    // root.
    let right_side = match rtype {
        RecordType::DS => !has(RecordType::SOA) || name.is_root(),
        _ => !is_cut(types),
    };
    let lacking = match rtype {
        // Any type is an answer (RFC 8482), except those that only describe the proof itself.
        RecordType::ANY => types.iter().all(|rtype| rtype.is_dnssec() || rtype == RecordType::NXNAME),
        // §4.3: an alias is an answer.
        _ => !has(rtype) && !has(RecordType::CNAME),
    };
    right_side && lacking
}

/// What a proof with these types at the name itself says of its DS; none if the proof is not the parent's.
fn no_ds_at(types: &rdata::TypeBitmap) -> Option<NoDs> {
    let has = |rtype| types.contains(rtype);
    // With SOA it is the child's own proof, which says nothing about the parent (RFC 6840 §4.1).
    if has(RecordType::DS) || has(RecordType::SOA) {
        return None;
    }
    Some(if has(RecordType::NS) { NoDs::Delegation } else { NoDs::NotACut })
}

/// Whether these are the types at a cut, as the parent lists them.
fn is_cut(types: &rdata::TypeBitmap) -> bool {
    types.contains(RecordType::NS) && !types.contains(RecordType::SOA)
}

/// Whether the zone cannot deny names below an owner with these types (RFC 6840 §4.1): below a cut or a DNAME.
fn leads_elsewhere(types: &rdata::TypeBitmap) -> bool {
    is_cut(types) || types.contains(RecordType::DNAME)
}

/// Checks that a key of the zone signed an RRset of an answer; if it is expanded from a wildcard, also that the
/// authority section proves that it may be (RFC 4035 §5.3.4). It expires with its proof.
///
/// Such a proof also says that no cut is at or above the owner in this zone.
///
/// # Errors
/// The reason why it is bogus.
pub(crate) fn verify_answer(
    set: &SignedRrset,
    authority: &[SignedRrset],
    keys: &ZoneKeys,
    now: Timestamp,
    budget: &mut Budget,
) -> Result<(Verified, Option<Denied>), Reason> {
    let mut verified = verify(set, keys, now, budget)?;
    let Some(encloser) = verified.expanded_below.clone() else { return Ok((verified, None)) };
    let mut proofs = Proofs::new(authority, keys, now, budget);
    let denied = proofs.expanded(&set.id(), &encloser, budget)?;
    verified.expires = verified.expires.min(proofs.expires);
    Ok((verified, Some(denied)))
}
