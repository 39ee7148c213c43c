//! Proofs of non-existence by NSEC (RFC 4035 §5.4, RFC 6840 §4).
//!
//! An NSEC record says two things: these types, and no others, are at its owner; and no name lies between its owner and its
//! next name. NSEC3 has its place in [`Proofs`] and comes with hashed denial.

use jiff::Timestamp;

use crate::name::Name;
use crate::rdata::{self, Nsec};
use crate::record::RecordType;
use crate::security::{Reason, RrsetId};
use crate::validator::{Budget, SignedRrset, Verified, ZoneKeys, verify};

/// The validated proofs of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs {
    nsecs: Vec<(Name, Nsec)>,
    /// When the first of them runs out.
    pub expires: Timestamp,
    /// Why a proof that came could not be used.
    refused: Option<Reason>,
    text: String,
}

/// What is known of the DS records of a name that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDs {
    /// There is a delegation without DS: what lies below is insecure.
    Delegation,
    /// There is no delegation at this name: it belongs to the zone that gave the proof, or does not exist.
    NotACut,
}

impl Proofs {
    /// Validates the NSEC RRsets of an authority section with the keys of the zone that made them.
    pub fn new(authority: &[SignedRrset], keys: &ZoneKeys, now: Timestamp, budget: &mut Budget) -> Proofs {
        let mut proofs = Proofs { nsecs: Vec::new(), expires: Timestamp::MAX, refused: None, text: String::new() };
        for set in authority.iter().filter(|set| set.rrset.rtype == RecordType::NSEC) {
            match verify(set, keys, now, budget) {
                // An NSEC that is itself expanded from a wildcard says nothing about the name it is presented at.
                Ok(verified) if verified.expanded_below.is_none() => {
                    let Some((Ok(nsec), rdata)) = set.rrset.rdatas.first().map(|rdata| (Nsec::parse(rdata), rdata))
                    else {
                        continue;
                    };
                    // Only an apex has a SOA, and of the zones that these keys sign for there is one.
                    if nsec.types.contains(RecordType::SOA) && set.rrset.name != keys.zone {
                        continue;
                    }
                    proofs.expires = proofs.expires.min(verified.expires);
                    if proofs.text.is_empty() {
                        let data = rdata::to_text(RecordType::NSEC, rdata);
                        proofs.text = format!("{} NSEC {data}", set.rrset.name);
                    }
                    proofs.nsecs.push((set.rrset.name.clone(), nsec));
                }
                Ok(_) => {}
                Err(reason) => {
                    proofs.refused.get_or_insert(reason);
                }
            }
        }
        proofs
    }

    fn failure(&self, rrset: RrsetId) -> Reason {
        match &self.refused {
            Some(reason) => reason.clone(),
            None if self.nsecs.is_empty() => Reason::DenialMissing { rrset },
            None => Reason::DenialWrong { rrset, proof: self.text.clone() },
        }
    }

    /// The NSEC at a name.
    fn at(&self, name: &Name) -> Option<&Nsec> {
        self.nsecs.iter().find(|(owner, _)| owner == name).map(|(_, nsec)| nsec)
    }

    /// The NSEC that proves that a name does not exist.
    fn covering(&self, name: &Name) -> Option<&(Name, Nsec)> {
        self.nsecs.iter().find(|(owner, nsec)| covers(owner, nsec, name) && !nsec.next.is_subdomain_of(name))
    }

    /// Proves that the name exists without records of this type.
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn no_data(&self, name: &Name, rtype: RecordType) -> Result<(), Reason> {
        let failure = || self.failure(RrsetId { name: name.clone(), rtype });
        if let Some(nsec) = self.at(name) {
            return if lacks(name, nsec, rtype) { Ok(()) } else { Err(failure()) };
        }
        if self.is_empty_non_terminal(name) {
            return Ok(());
        }
        // RFC 4035 §5.4: the name does not exist, and the wildcard that stands in for it lacks the type.
        let wildcard =
            self.wildcard(name).and_then(|wildcard| self.at(&wildcard).map(|nsec| lacks(&wildcard, nsec, rtype)));
        if wildcard == Some(true) { Ok(()) } else { Err(failure()) }
    }

    /// Proves that the name does not exist and that no wildcard stands in for it.
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn no_name(&self, name: &Name, rtype: RecordType) -> Result<(), Reason> {
        let no_wildcard = self.wildcard(name).is_some_and(|wildcard| self.covering(&wildcard).is_some());
        if no_wildcard { Ok(()) } else { Err(self.failure(RrsetId { name: name.clone(), rtype })) }
    }

    /// Proves that the owner of an answer that was expanded from a wildcard does not exist itself, nor any name between it
    /// and the wildcard (RFC 4035 §5.3.4).
    ///
    /// # Errors
    /// Nothing here proves it.
    pub fn expanded(&self, name: &Name, rtype: RecordType, below: &Name) -> Result<(), Reason> {
        let next_closer = name.suffix(below.label_count() + 1);
        let proved = self.covering(&next_closer).is_some();
        if proved { Ok(()) } else { Err(self.failure(RrsetId { name: name.clone(), rtype })) }
    }

    /// What the proofs say of the DS records of a name.
    ///
    /// # Errors
    /// They do not prove that there are none.
    pub fn no_ds(&self, name: &Name) -> Result<NoDs, Reason> {
        if let Some(nsec) = self.at(name) {
            let has = |rtype| nsec.types.contains(rtype);
            // With SOA it is the child's own NSEC, which cannot speak for the parent (RFC 6840 §4.1).
            if has(RecordType::DS) || has(RecordType::SOA) {
                return Err(self.failure(RrsetId { name: name.clone(), rtype: RecordType::DS }));
            }
            return Ok(if has(RecordType::NS) { NoDs::Delegation } else { NoDs::NotACut });
        }
        if self.is_empty_non_terminal(name) || self.covering(name).is_some() {
            return Ok(NoDs::NotACut);
        }
        Err(self.failure(RrsetId { name: name.clone(), rtype: RecordType::DS }))
    }

    /// Whether the name has no records, but names below it do: an NSEC spans it, and its next name lies below.
    fn is_empty_non_terminal(&self, name: &Name) -> bool {
        self.nsecs.iter().any(|(owner, nsec)| covers(owner, nsec, name) && nsec.next.is_strictly_below(name))
    }

    /// The wildcard at the closest encloser of a name that is proved not to exist.
    fn wildcard(&self, name: &Name) -> Option<Name> {
        let (owner, nsec) = self.covering(name)?;
        // Both ends of the span exist, so the longest name that one of them shares with the name exists.
        let (left, right) = (name.common_ancestor(owner), name.common_ancestor(&nsec.next));
        let encloser = if left.label_count() >= right.label_count() { left } else { right };
        encloser.prepend_label("*").ok()
    }
}

/// Checks that a key of the zone signed an RRset of an answer, and if that is expanded from a wildcard, that the authority
/// section proves that it may be (RFC 4035 §5.3.4). It runs out with its proof.
///
/// Such a proof also says that no cut lies at or above the owner in this zone.
pub(crate) fn verify_answer(
    set: &SignedRrset,
    authority: &[SignedRrset],
    keys: &ZoneKeys,
    now: Timestamp,
    budget: &mut Budget,
) -> Result<Verified, Reason> {
    let mut verified = verify(set, keys, now, budget)?;
    if let Some(below) = &verified.expanded_below {
        let proofs = Proofs::new(authority, keys, now, budget);
        proofs.expanded(&set.rrset.name, set.rrset.rtype, below)?;
        verified.expires = verified.expires.min(proofs.expires);
    }
    Ok(verified)
}

/// Whether the NSEC at a name denies the type there.
fn lacks(owner: &Name, nsec: &Nsec, rtype: RecordType) -> bool {
    let has = |rtype| nsec.types.contains(rtype);
    // RFC 6840 §4.1: a cut's NSEC denies nothing but DS; the child's own NSEC does not deny DS, unless it is the root.
    let right_side = match rtype {
        RecordType::DS => !has(RecordType::SOA) || owner.is_root(),
        _ => !has(RecordType::NS) || has(RecordType::SOA),
    };
    // §4.3: an alias is an answer.
    right_side && !has(rtype) && !has(RecordType::CNAME)
}

/// Whether a name lies strictly within the span of an NSEC. The last one of a zone leads back to the apex.
fn covers(owner: &Name, nsec: &Nsec, name: &Name) -> bool {
    let within = if *owner < nsec.next { owner < name && *name < nsec.next } else { owner < name };
    // RFC 6840 §4.1: what lies below a cut or a DNAME is not the zone's to deny.
    let delegated = nsec.types.contains(RecordType::NS) && !nsec.types.contains(RecordType::SOA);
    let redirected = delegated || nsec.types.contains(RecordType::DNAME);
    within && !(redirected && name.is_strictly_below(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// Proofs of the zone `z`, each `owner next types…`.
    fn proofs(nsecs: &[&str]) -> Proofs {
        let nsec = |text: &&str| {
            let mut words = text.split(' ');
            let (owner, next) = (name(words.next().unwrap()), name(words.next().unwrap()));
            (owner, Nsec { next, types: words.map(|word| word.parse().unwrap()).collect() })
        };
        let nsecs = nsecs.iter().map(nsec).collect();
        Proofs { nsecs, expires: Timestamp::MAX, refused: None, text: String::new() }
    }

    fn word<T>(proved: Result<T, Reason>) -> &'static str {
        proved.map_or_else(|reason| reason.word(), |_| "proved")
    }

    #[test]
    fn no_data() {
        for (nsecs, owner, rtype, expected) in [
            (&["m.z n.z A"][..], "m.z", "MX", "proved"),
            (&["m.z n.z A"], "M.z", "A", "denial-wrong"),
            (&["m.z n.z CNAME"], "m.z", "MX", "denial-wrong"),
            (&["m.z n.z A"], "n.z", "MX", "denial-wrong"),
            (&[], "m.z", "MX", "denial-missing"),
            // A cut's NSEC denies DS alone, an apex' everything else.
            (&["m.z n.z NS"], "m.z", "MX", "denial-wrong"),
            (&["m.z n.z NS"], "m.z", "DS", "proved"),
            (&["m.z n.z NS SOA"], "m.z", "MX", "proved"),
            (&["m.z n.z NS SOA"], "m.z", "DS", "denial-wrong"),
            // Empty non-terminals.
            (&["c.z x.m.z A"], "m.z", "A", "proved"),
            (&["c.z m.z A"], "m.z", "A", "denial-wrong"),
            (&["c.z x.y.m.z A"], "y.m.z", "A", "proved"),
            (&["m.z x.m.z A"], "m.z", "A", "denial-wrong"),
            // Below a cut or a DNAME nothing is denied.
            (&["m.z x.y.m.z NS"], "y.m.z", "A", "denial-wrong"),
            (&["m.z x.y.m.z DNAME"], "y.m.z", "A", "denial-wrong"),
            // The wildcard that stands in lacks the type, or does not.
            (&["c.z n.z A", "*.z c.z TXT"], "m.z", "A", "proved"),
            (&["c.z n.z A", "*.z c.z A"], "m.z", "A", "denial-wrong"),
            (&["*.z c.z TXT"], "m.z", "A", "denial-wrong"),
            (&["b.c.z n.z A", "*.z c.z TXT"], "m.c.z", "A", "denial-wrong"),
        ] {
            assert_eq!(
                word(proofs(nsecs).no_data(&name(owner), rtype.parse().unwrap())),
                expected,
                "{nsecs:?} {owner}"
            );
        }
    }

    #[test]
    fn no_name() {
        for (nsecs, owner, expected) in [
            (&["c.z n.z A", "z c.z SOA"][..], "m.z", "proved"),
            // One NSEC for both; the only one of its zone; the last one.
            (&["z c.z SOA NS"], "a.z", "proved"),
            (&["z z SOA NS"], "m.z", "proved"),
            (&["n.z z A", "z c.z SOA NS"], "p.z", "proved"),
            (&["n.z z A", "z c.z SOA NS"], "m.z", "denial-wrong"),
            (&["c.z n.z A"], "m.z", "denial-wrong"),
            (&["z c.z SOA"], "m.z", "denial-wrong"),
            (&[], "m.z", "denial-missing"),
            // Both ends of a span exist.
            (&["c.z n.z A", "z c.z SOA"], "c.z", "denial-wrong"),
            (&["c.z n.z A", "z c.z SOA"], "n.z", "denial-wrong"),
            // So does what the next name lies below.
            (&["c.z x.m.z A", "z c.z SOA"], "m.z", "denial-wrong"),
            // The wildcard is that of the closest encloser: here c.z, not z.
            (&["a.c.z n.z A", "z c.z SOA"], "m.c.z", "denial-wrong"),
            (&["a.c.z n.z A", "c.z a.c.z A"], "m.c.z", "proved"),
            // The next name shares more with the name than the owner does: *.m.z lies in the same span.
            (&["a.b.z c.m.z A"], "a.m.z", "proved"),
            (&["m.z c.m.z A"], "a.m.z", "proved"),
            // The parent's NSEC at a cut says nothing about names in the child.
            (&["c.z n.z NS", "z c.z SOA"], "m.c.z", "denial-wrong"),
            (&["c.z n.z NS", "z c.z SOA"], "d.z", "proved"),
        ] {
            assert_eq!(word(proofs(nsecs).no_name(&name(owner), RecordType::A)), expected, "{nsecs:?} {owner}");
        }
    }

    #[test]
    fn no_ds() {
        for (nsecs, expected) in [
            (&["m.z n.z NS"][..], Ok(NoDs::Delegation)),
            (&["m.z n.z A"], Ok(NoDs::NotACut)),
            (&["m.z n.z NS DS"], Err("denial-wrong")),
            (&["m.z n.z NS SOA"], Err("denial-wrong")),
            (&["c.z n.z A"], Ok(NoDs::NotACut)),
            (&["c.z x.m.z A"], Ok(NoDs::NotACut)),
            (&["c.z d.z A"], Err("denial-wrong")),
            (&[], Err("denial-missing")),
        ] {
            let proved = proofs(nsecs).no_ds(&name("m.z")).map_err(|reason| reason.word());
            assert_eq!(proved, expected, "{nsecs:?}");
        }
    }

    #[test]
    fn expanded_from_a_wildcard() {
        for (nsecs, expected) in [
            (&["c.z n.z A"][..], "proved"),
            (&["c.z x.m.z A"], "denial-wrong"),
            (&["a.m.z c.m.z A"], "denial-wrong"),
            (&[], "denial-missing"),
        ] {
            let proved = proofs(nsecs).expanded(&name("b.m.z"), RecordType::A, &name("z"));
            assert_eq!(word(proved), expected, "{nsecs:?}");
        }
    }
}
