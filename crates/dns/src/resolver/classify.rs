//! What the response of a server means that was asked about a name at or below its zone: an answer, a denial, an alias, or a
//! referral to servers further down (RFC 1034 §5.3.3, RFC 2308 §2). Nothing in it is validated yet.

use std::net::IpAddr;

use crate::name::Name;
use crate::rdata::{A, Aaaa, Ns, Nsec};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::resolver::iteration::{Delegation, Found, proofs};
use crate::resolver::query::Server;
use crate::security::{Reason, RrsetId};
use crate::sign;
use crate::wire::Message;

/// What an answer of a zone's server means.
pub(super) enum Outcome {
    Found(Found),
    Referral(Referral),
    /// The server was asked for the DS of a zone, and answered from that zone, which does not have it (RFC 4035 §2.4).
    FromChild,
}

/// The servers of a zone further down.
pub(super) struct Referral {
    pub(super) to: Delegation,
    pub(super) ttl: u32,
    /// The DS of the zone, or the proof that it has none, if the referral had them (RFC 4035 §3.1.4): then they need
    /// not be asked for.
    pub(super) ds: Option<Found>,
}

pub(super) fn address(record: &Record) -> Option<IpAddr> {
    match record.rtype {
        RecordType::A => A::parse(&record.rdata).ok().map(|a| a.0.into()),
        RecordType::AAAA => Aaaa::parse(&record.rdata).ok().map(|aaaa| aaaa.0.into()),
        _ => None,
    }
}

/// Whether an alias answers for this type: not for types that may be beside it (RFC 4035 §2.5), nor for DS, which
/// another zone holds if the alias is at its own zone's apex. Some zones have an alias there, against RFC 2181 §10.1: it
/// must not hide their keys.
pub(super) fn hides(rtype: RecordType) -> bool {
    !matches!(rtype, RecordType::DS | RecordType::RRSIG | RecordType::NSEC | RecordType::DNSKEY)
}

/// The meaning of an answer that a server of a zone gave about a name at or below the zone.
///
/// Only records in the zone are believed (RFC 5452 §6), and in the answer section only those that belong to the name
/// that was asked for: the target of an alias gets a question of its own.
pub(super) fn classify(
    message: &Message,
    delegation: &Delegation,
    rrset: &RrsetId,
    server: Server<'_>,
) -> Result<Outcome, Reason> {
    let RrsetId { name, rtype } = rrset;
    let zone = &delegation.zone;
    let called = || server.called.to_owned();
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let dname = message
        .answer
        .iter()
        .filter(own)
        .find(|record| record.rtype == RecordType::DNAME && name.is_strictly_below(&record.name));
    match message.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        // RFC 6672 §2.2: the alias would be too long, as the DNAME shows.
        Rcode::YXDOMAIN if dname.is_some() => {}
        rcode => return Err(Reason::ErrorCode { rrset: rrset.clone(), rcode, server: called() }),
    }
    let take = |wanted: RecordType, owner: &Name| -> Vec<Record> {
        let of = |record: &&Record| {
            let covered = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(wanted);
            record.name == *owner && (record.rtype == wanted || covered)
        };
        message.answer.iter().filter(own).filter(of).cloned().collect()
    };
    let has = |wanted| message.answer.iter().filter(own).any(|record| record.name == *name && record.rtype == wanted);
    let own_data = match *rtype {
        RecordType::ANY => message.answer.iter().filter(own).filter(|r| r.name == *name).cloned().collect(),
        _ if has(*rtype) => take(*rtype, name),
        _ => take(RecordType::CNAME, name),
    };
    // RFC 6672 §3.1: the CNAME is made from the DNAME.
    let made = own_data.iter().all(|record| matches!(record.rtype, RecordType::CNAME | RecordType::RRSIG));
    let mut answer = dname.filter(|_| made).map(|dname| take(RecordType::DNAME, &dname.name)).unwrap_or_default();
    answer.extend(own_data);
    if answer.is_empty() {
        if *rtype == RecordType::DS && is_from_child(&message.authority, name) {
            return Ok(Outcome::FromChild);
        }
        // A denial has the SOA of its zone (RFC 2308 §2). AA alone is no proof: some servers forget it, some set it on
        // referrals.
        let soa = |record: &Record| record.rtype == RecordType::SOA && name.is_subdomain_of(&record.name);
        let (authoritative, denies) = (message.flags.authoritative, message.authority.iter().filter(own).any(soa));
        if !(authoritative && denies)
            && let Some(referral) = referral(message, zone, rrset, server)
        {
            return Ok(referral);
        }
        // Some servers forget the SOA as well; the code, or a proof, then says that it is a denial.
        let proved = message.rcode == Rcode::NXDOMAIN || proofs(&message.authority).any(|proof| own(&proof));
        if !authoritative && !denies && !proved {
            return Err(Reason::Lame { rrset: rrset.clone(), server: called() });
        }
    }
    let section = |records: &[Record]| -> Vec<Record> { records.iter().filter(own).cloned().collect() };
    let mut authority = section(&message.authority);
    if !answer.is_empty() {
        // The denial is about the target of an alias.
        authority.retain(|record| record.rtype != RecordType::SOA);
    }
    Ok(Outcome::Found(Found {
        rcode: if answer.is_empty() { message.rcode } else { Rcode::NOERROR },
        answer,
        authority,
        additional: section(&message.additional),
        zone: zone.clone(),
        server: server.address,
        called: called(),
        referred: false,
    }))
}

/// Whether the denial of a DS is that of the zone itself, not of its parent: its SOA, or an NSEC with the type SOA, is at
/// the name.
fn is_from_child(authority: &[Record], name: &Name) -> bool {
    let of_child = |record: &Record| match record.rtype {
        RecordType::SOA => true,
        RecordType::NSEC => Nsec::parse(&record.rdata).is_ok_and(|nsec| nsec.types.contains(RecordType::SOA)),
        _ => false,
    };
    // The root has no parent, so it may deny its own DS.
    !name.is_root() && authority.iter().any(|record| record.name == *name && of_child(record))
}

/// The delegation in the authority section: strictly below the zone, at or above the name. If the DS of the delegated zone
/// itself was asked for, the referral is the answer: it has the DS, or the proof that there is none.
fn referral(message: &Message, zone: &Name, rrset: &RrsetId, server: Server<'_>) -> Option<Outcome> {
    let RrsetId { name, rtype } = rrset;
    let leads_on = |record: &&Record| {
        record.rtype == RecordType::NS
            && record.class == Class::IN
            && record.name.is_strictly_below(zone)
            && name.is_subdomain_of(&record.name)
    };
    let first = message.authority.iter().find(leads_on)?;
    let child = first.name.clone();
    let set: Vec<&Record> = message.authority.iter().filter(leads_on).filter(|record| record.name == child).collect();
    let ttl = set.iter().map(|record| record.ttl).min()?;
    let glue = |server: &Name| -> Vec<IpAddr> {
        let own = |record: &&Record| record.name == *server && server.is_subdomain_of(zone);
        let mut addresses: Vec<IpAddr> = message.additional.iter().filter(own).filter_map(address).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        // An IPv6 address is used only for a server that has no other.
        if addresses.first().is_some_and(IpAddr::is_ipv4) {
            addresses.retain(IpAddr::is_ipv4);
        }
        addresses
    };
    let servers = set.iter().filter_map(|record| Ns::parse(&record.rdata).ok());
    let servers = servers
        .map(|server| {
            let addresses = glue(&server.0);
            (server.0, addresses)
        })
        .collect();
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let of_ds = |record: &&Record| {
        let covers_ds = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(RecordType::DS);
        record.name == child && (record.rtype == RecordType::DS || covers_ds)
    };
    let answer: Vec<Record> = message.authority.iter().filter(own).filter(of_ds).cloned().collect();
    let authority: Vec<Record> = proofs(&message.authority).filter(own).cloned().collect();
    let has_ds = !answer.is_empty() || !authority.is_empty();
    let ds = Found {
        rcode: Rcode::NOERROR,
        answer,
        authority,
        additional: Vec::new(),
        zone: zone.clone(),
        server: server.address,
        called: server.called.to_owned(),
        referred: true,
    };
    if *rtype == RecordType::DS && child == *name {
        return Some(Outcome::Found(ds));
    }
    Some(Outcome::Referral(Referral { to: Delegation { zone: child, servers }, ttl, ds: has_ds.then_some(ds) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolver::iteration::NO_ADDRESS;
    use crate::zonefile;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn records(text: &str) -> Vec<Record> {
        zonefile::parse(text, &Name::root(), 300).unwrap().into_iter().map(|entry| entry.record).collect()
    }

    /// What a server of `example` says to a question, as a word and the details that matter.
    #[track_caller]
    fn check(question: &str, head: &str, authority: &str, additional: &str, expected: &str) {
        let (owner, rtype) = question.split_once(' ').unwrap();
        let rrset = RrsetId { name: name(owner), rtype: rtype.parse().unwrap() };
        let mut message = Message::query(7, rrset.name.clone(), rrset.rtype, None).response(Rcode::NOERROR);
        message.flags.authoritative = head.contains("aa");
        if head.contains("NXDOMAIN") {
            message.rcode = Rcode::NXDOMAIN;
        }
        (message.authority, message.additional) = (records(authority), records(additional));
        let zone = Delegation { zone: name("example"), servers: Vec::new() };
        let server = Server { address: NO_ADDRESS, called: "ns.example" };
        let found = match classify(&message, &zone, &rrset, server) {
            Ok(Outcome::Found(found)) if found.referred => "denied by a referral".to_owned(),
            Ok(Outcome::Found(found)) => format!("denied for {} s", found.ttl()),
            Ok(Outcome::FromChild) => "from the child".to_owned(),
            Ok(Outcome::Referral(Referral { to, .. })) => {
                let each = to.servers.iter().map(|(name, addresses)| format!(" {name} {addresses:?}"));
                format!("referral to {}:{}", to.zone, each.collect::<String>())
            }
            Err(reason) => reason.word().to_owned(),
        };
        assert_eq!(found, expected, "{question} {head} {authority}");
    }

    const NS: &str = "a.example. NS ns.a.example.\na.example. NS ns.other.test.";

    #[test]
    fn addresses_from_outside_of_the_zone_are_not_believed() {
        // RFC 5452 §6: a server of `example` can say nothing about `test`.
        let glue = "ns.a.example. A 192.0.2.1\nns.other.test. A 192.0.2.66\nns.other.test. AAAA 2001:db8::66";
        check("m.a.example A", "", NS, glue, "referral to a.example: ns.a.example [192.0.2.1] ns.other.test []");
        let ipv6 = "ns.a.example. AAAA 2001:db8::1";
        check("m.a.example A", "", NS, ipv6, "referral to a.example: ns.a.example [2001:db8::1] ns.other.test []");
    }

    #[test]
    fn a_denial_is_kept_for_the_lesser_of_two_times() {
        // RFC 2308 §5: the TTL of the SOA record, and its last field.
        for (ttl, minimum, expected) in [(60, 900, 60), (900, 60, 60), (900, 900, 900), (0, 900, 0)] {
            let soa = format!("example. {ttl} SOA ns.example. h.example. 1 2 3 4 {minimum}");
            check("m.example A", "aa", &soa, "", &format!("denied for {expected} s"));
        }
        check("m.example A", "NXDOMAIN", "", "", "denied for 0 s");
    }

    #[test]
    fn what_a_server_says_of_a_ds() {
        let (parent, child) = ("example. SOA n. h. 1 2 3 4 300", "a.example. SOA n. h. 1 2 3 4 300");
        check("a.example DS", "aa", parent, "", "denied for 300 s");
        // RFC 4035 §2.4: the child does not have its DS.
        check("a.example DS", "aa", child, "", "from the child");
        check("a.example DS", "aa", "a.example. NSEC b.example. NS SOA", "", "from the child");
        check("a.example DS", "", "a.example. NSEC b.example. NS", "", "denied for 0 s");
        check("a.example DS", "", NS, "", "denied by a referral");
        check("m.a.example DS", "", NS, "", "referral to a.example: ns.a.example [] ns.other.test []");
    }

    #[test]
    fn what_is_a_denial_without_soa() {
        check("m.example A", "aa", "", "", "denied for 0 s");
        check("m.example A", "NXDOMAIN", "", "", "denied for 0 s");
        check("m.example A", "", "l.example. NSEC n.example. A", "", "denied for 0 s");
        check("m.example A", "", "", "", "lame");
        // A proof from elsewhere, and a referral upwards, say nothing.
        check("m.example A", "", "l.test. NSEC n.test. A", "", "lame");
        check("m.example A", "", ". NS a.root.", "", "lame");
    }
}
