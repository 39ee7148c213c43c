//! The reasons in sentences.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{EntryKind, RrsetId};
use crate::keys::{Algorithm, DigestType};
use crate::name::Name;

/// A name as people say it.
pub(super) fn lower(name: &Name) -> String {
    if name.is_root() { "the root".to_owned() } else { name.to_lowercase().to_string() }
}

/// The resolver's date, if it differs from the date in the signature, since the clock may be wrong. A difference of
/// less than a day can be seen from the times around it, and need not be repeated at each attempt.
pub(super) fn clock(end: Timestamp, now: Timestamp) -> String {
    let day = |time: Timestamp| Offset::UTC.to_datetime(time).date();
    if day(end) == day(now) { String::new() } else { format!("; the clock shows {}", day(now)) }
}

pub(super) fn pairs(algorithms: &[(Algorithm, DigestType)]) -> String {
    let pair = |(algorithm, digest): &(Algorithm, DigestType)| format!("algorithm {} digest {}", algorithm.0, digest.0);
    algorithms.iter().map(pair).collect::<Vec<_>>().join(", ")
}

pub(super) fn ds_unsupported(zone: &Name, algorithms: &[(Algorithm, DigestType)]) -> String {
    match algorithms {
        [] => format!("no DS of {} can be read", lower(zone)),
        algorithms => format!("the DS of {} has only unsupported algorithms ({})", lower(zone), pairs(algorithms)),
    }
}

pub(super) fn denial_wrong(rrset: &RrsetId, proofs: &[String]) -> String {
    match proofs {
        [proof] => format!("the proof given that there is no {rrset} proves something else: {proof}"),
        proofs => format!("the proofs given that there is no {rrset} do not prove it: {}", proofs.join("; ")),
    }
}

fn keys(tags: &[u16]) -> String {
    match tags {
        [] => "no key".to_owned(),
        [tag] => format!("key {tag}"),
        tags => format!("keys {}", tags.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn mismatch(zone: &Name, entry: EntryKind, named: &[u16], published: &[u16]) -> String {
    let (zone, has) = (lower(zone), keys(published));
    let alike: Vec<u16> = named.iter().copied().filter(|tag| published.contains(tag)).collect();
    match alike.as_slice() {
        [] => format!("the {entry} of {zone} names {}, but the zone has {has}", keys(named)),
        // The tag is a checksum (RFC 4034 Appendix B): digest and algorithm say more.
        alike if alike == named => {
            let have = if alike.len() == 1 { "has" } else { "have" };
            let alike = keys(alike);
            format!(
                "the {entry} of {zone} names {alike} with another digest or algorithm than the zone's {alike} {have}"
            )
        }
        alike => format!(
            "the {entry} of {zone} names {}, but the zone has {has}; for {} the digest or algorithm differs",
            keys(named),
            keys(alike)
        ),
    }
}

pub(super) fn no_delegation_signer(zone: &Name, parent: &Name, opt_out: bool) -> String {
    let (zone, parent) = (lower(zone), lower(parent));
    match opt_out {
        false => format!("{parent} proves that there is no DS for {zone}"),
        true => format!("the NSEC3 opt-out of {parent} leaves room for an unsigned {zone}"),
    }
}
