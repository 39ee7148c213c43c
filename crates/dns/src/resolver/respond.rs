//! The validating resolver as a server for other resolvers (RFC 4035 §3.2, RFC 6840 §5.7 to §5.9): a client's query in,
//! a response out.
//!
//! | the client sets | and gets |
//! |---|---|
//! | nothing | records without signatures; SERVFAIL for what is bogus |
//! | AD | AD if the answer is secure |
//! | DO | the same, with signatures and proofs |
//! | CD | whatever the servers sent, not validated, never AD |
//! | CO | NXDOMAIN for a compact denial of the name, with DO too (RFC 9824 §5.1) |
//!
//! An answer that is not secure says why in an Extended DNS Error (RFC 8914), if the client uses EDNS.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mxlab_env::BoxFuture;

use crate::answer::Sections;
use crate::authority::MAX_UDP;
use crate::exchange::Transport;
use crate::name::Name;
use crate::rdata::{Cname, Dname};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::resolver::chain::Work;
use crate::resolver::clients;
use crate::resolver::iteration::proofs;
use crate::resolver::source::Fetched;
use crate::resolver::{MAX_ALIASES, Resolver};
use crate::security::{Reason, RrsetId};
use crate::sign;
use crate::validator::{Budget, group, verify};
use crate::wire::{Edns, Message, Question};

impl Resolver {
    /// Serves clients at `at` over UDP and TCP until the task that runs it ends.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn serve(&self, at: SocketAddr) -> io::Result<()> {
        let resolver = self.clone();
        let answer = move |query: Vec<u8>, transport| {
            let resolver = resolver.clone();
            Box::pin(async move {
                let query = Message::decode(&query).ok().filter(|query| !query.flags.response)?;
                let limit = match (transport, &query.edns) {
                    (Transport::Tcp, _) => usize::from(u16::MAX),
                    (Transport::Udp, Some(edns)) => usize::from(edns.udp_size).clamp(512, MAX_UDP),
                    (Transport::Udp, None) => 512,
                };
                Some(resolver.respond(&query).await.encode(limit))
            }) as BoxFuture<'static, _>
        };
        clients::serve(&self.inner.env, at, Arc::new(answer)).await
    }

    /// The response to a client's query.
    pub async fn respond(&self, query: &Message) -> Message {
        let mut response = query.response(Rcode::NOERROR);
        response.flags.recursion_available = true;
        let dnssec = query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
        let compact_ok = query.edns.as_ref().is_some_and(|edns| edns.compact_ok);
        response.edns = query.edns.as_ref().map(|_| Edns { compact_ok, ..Edns::new(MAX_UDP as u16, dnssec) });
        match &query.question {
            _ if query.edns.as_ref().is_some_and(|edns| edns.version != 0) => response.rcode = Rcode::BADVERS,
            _ if query.flags.opcode != 0 => response.rcode = Rcode::NOTIMP,
            None => response.rcode = Rcode::FORMERR,
            Some(question) if question.class != Class::IN => response.rcode = Rcode::REFUSED,
            // RFC 9824 §3.5.
            Some(Question { name, rtype: rtype @ RecordType::NXNAME, .. }) => {
                response.rcode = Rcode::FORMERR;
                let rrset = RrsetId { name: name.clone(), rtype: *rtype };
                explain(&mut response, Some(&Reason::InvalidType { rrset }));
            }
            Some(question) if query.flags.checking_disabled => self.pass_on(question, &mut response).await,
            Some(question) => {
                let wants_ad = dnssec || query.flags.authentic_data;
                self.judge_for(question, wants_ad, &mut response).await;
            }
        }
        if let (Some(question), false) = (&query.question, dnssec) {
            let asked = question.rtype;
            for section in [&mut response.answer, &mut response.authority, &mut response.additional] {
                // RFC 4035 §3.2.1.
                section.retain(|record| record.rtype == asked || !record.rtype.is_dnssec());
            }
        }
        response
    }

    async fn judge_for(&self, question: &Question, wants_ad: bool, response: &mut Message) {
        let answer = self.lookup(&question.name, question.rtype).await;
        // RFC 9824 §5: a client that validates the proof itself expects the code that goes with it, unless it sets CO.
        let compact = answer.evidence.denied.as_ref().is_some_and(|denied| denied.no_name);
        let as_proved = response.edns.as_ref().is_some_and(|edns| edns.dnssec_ok && !edns.compact_ok);
        response.rcode = if compact && as_proved { Rcode::NOERROR } else { answer.rcode };
        response.flags.authentic_data = wants_ad && answer.security.is_secure();
        explain(response, answer.security.reason());
        if answer.security.is_usable() {
            let left = answer.expires.at.as_second().saturating_sub(self.now().as_second());
            let left = u32::try_from(left.max(0)).unwrap_or(u32::MAX);
            // RFC 4035 §5.3.3: a client must not keep anything longer than this resolver may.
            let capped = |record: &Record| Record { ttl: record.ttl.min(left), ..record.clone() };
            response.answer = answer.sections.answer.iter().map(capped).collect();
            let authority = match answer.security.is_secure() {
                true => self.genuine(&answer.sections),
                false => answer.sections.authority.clone(),
            };
            response.authority = authority.iter().map(capped).collect();
            response.additional = answer.sections.additional.iter().map(capped).collect();
        }
    }

    /// The records of the authority section that the zones on the way signed. AD speaks for that section too (RFC 4035
    /// §3.2.3), so others must not be beside it.
    fn genuine(&self, sections: &Sections) -> Vec<Record> {
        let (sets, now) = (group(&sections.authority), self.now());
        let mut budget = Budget::new(&self.inner.config.policy);
        let mut genuine = BTreeSet::new();
        for set in &sets {
            let mut zones = sections.zones.iter().filter(|keys| set.signers().any(|signer| *signer == keys.zone));
            if zones.any(|keys| verify(set, keys, now, &mut budget).is_ok()) {
                genuine.insert((set.rrset.name.clone(), set.rrset.rtype));
            }
        }
        let kept = |record: &&Record| {
            let rtype = match record.rtype {
                RecordType::RRSIG => sign::covered(&record.rdata).unwrap_or(record.rtype),
                rtype => rtype,
            };
            genuine.contains(&(record.name.clone(), rtype))
        };
        sections.authority.iter().filter(kept).cloned().collect()
    }

    /// Passes on what the servers say.
    async fn pass_on(&self, question: &Question, response: &mut Message) {
        let mut work = Work::new(&self.inner.config.policy, self.inner.config.queries);
        let mut name = question.name.clone();
        // What the zones of earlier aliases proved: that those aliases may be expanded from wildcards.
        let mut proved = Vec::new();
        for _ in 0..=MAX_ALIASES {
            let rrset = RrsetId { name: name.clone(), rtype: question.rtype };
            let fetched = match self.inner.source.fetch(&rrset, &Default::default(), &mut work.effort).await {
                Ok(fetched) => fetched,
                Err(reason) => return self.fail(response, &reason),
            };
            response.rcode = fetched.rcode;
            response.answer.extend(fetched.answer.iter().cloned());
            response.authority = [proved.as_slice(), &fetched.authority].concat();
            response.additional.clone_from(&fetched.additional);
            match end_of_aliases(&fetched, name, question.rtype) {
                Some(target) => {
                    proved.extend(proofs(&fetched.authority).cloned());
                    name = target;
                }
                None => return,
            }
        }
        self.fail(response, &Reason::AliasLoop { name: question.name.clone() });
    }

    fn fail(&self, response: &mut Message, reason: &Reason) {
        response.rcode = Rcode::SERVFAIL;
        response.answer.clear();
        response.authority.clear();
        response.additional.clear();
        explain(response, Some(reason));
    }
}

fn explain(response: &mut Message, reason: Option<&Reason>) {
    if let Some(edns) = &mut response.edns {
        edns.extended_error = reason.and_then(Reason::extended_error);
    }
}

/// The name that aliases in a message lead to, if the message says nothing of it.
fn end_of_aliases(fetched: &Fetched, mut name: Name, rtype: RecordType) -> Option<Name> {
    for _ in 0..=MAX_ALIASES {
        let found = fetched.answer.iter().any(|r| r.name == name && (r.rtype == rtype || rtype == RecordType::ANY));
        if found {
            return None;
        }
        let cname = fetched.answer.iter().find(|record| record.rtype == RecordType::CNAME && record.name == name);
        let dname = || {
            fetched
                .answer
                .iter()
                .find(|record| record.rtype == RecordType::DNAME && name.is_strictly_below(&record.name))
        };
        let target = match cname {
            Some(cname) => Some(Cname::parse(&cname.rdata).ok()?.0),
            None => dname().and_then(|record| name.substitute(&record.name, &Dname::parse(&record.rdata).ok()?.0)),
        };
        name = target?;
        if !fetched.speaks_of(&name, rtype) {
            return Some(name);
        }
    }
    None
}
