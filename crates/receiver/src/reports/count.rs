//! From a judged message to what a report counts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use mxlab_auth::dkim::{Failure, ResultWord, Verification};
use mxlab_auth::dmarc::report::{DkimAuth, DkimWord, Observation, Scope, SpfAuth, SpfWord};
use mxlab_auth::dmarc::{self, Policy};
use mxlab_auth::spf;
use mxlab_mail::address::same_domain;
use mxlab_mail::authres::{DmarcResult, SpfResult};
use mxlab_mail::{Address, ReversePath};

use crate::assess::Assessed;
use crate::disposition::{Disposition, Folder};
use crate::evidence::Authenticated;

/// What to count for a message, for each domain among its recipients and for each disposition. Mail from inside the
/// organization is not authenticated, and not counted; nor are reports that `own` wrote.
///
/// If `From` names several domains, the evaluation is that of the domain whose policy is applied, and only its owner is
/// told.
pub(super) fn observations<'a>(
    own: &Address,
    client: IpAddr,
    from: &ReversePath,
    assessed: &'a [Assessed],
) -> Vec<(&'a dmarc::Evaluation, Observation)> {
    let mut seen = BTreeSet::new();
    let mut observations = Vec::new();
    for it in assessed {
        let Some(Authenticated { spf, dkim, dmarc, .. }) = &it.verdict.authenticated else { continue };
        if from.address() == Some(own) && same_domain(&dmarc.author, own.domain()) {
            continue;
        }
        let disposition = done(dmarc, &it.verdict.disposition);
        let domain = it.to.normalized_domain();
        if !seen.insert((domain.clone(), disposition)) {
            continue;
        }
        let observation = Observation {
            source_ip: client,
            disposition,
            reasons: Vec::new(),
            envelope_from: from.address().map(|from| from.domain().to_owned()).unwrap_or_default(),
            envelope_to: Some(domain),
            dkim: dkim.iter().filter_map(dkim_auth).collect(),
            spf: spf_auth(spf),
        };
        observations.push((dmarc, observation));
    }
    observations
}

/// What was done with a message because of DMARC. If no policy applies, other reasons are not reported.
fn done(dmarc: &dmarc::Evaluation, disposition: &Disposition) -> Policy {
    let asked = dmarc.request.filter(|_| dmarc.result == DmarcResult::Fail).map(|request| request.applied);
    match (asked.unwrap_or(Policy::None), disposition) {
        (Policy::None, _) | (_, Disposition::Deliver(Folder::Inbox)) => Policy::None,
        (_, Disposition::Deliver(Folder::Junk | Folder::Quarantine)) => Policy::Quarantine,
        (_, Disposition::Reject(_)) => Policy::Reject,
    }
}

/// A signature that was checked (RFC 9990 §3.1.3 allows only those). Malformed or excess signatures were not.
fn dkim_auth(verification: &Verification) -> Option<DkimAuth> {
    let checked = verification.signature.is_some() && !matches!(verification.outcome, Err(Failure::NotChecked { .. }));
    let result = match verification.result() {
        ResultWord::Pass => DkimWord::Pass,
        ResultWord::Fail => DkimWord::Fail,
        ResultWord::Policy => DkimWord::Policy,
        ResultWord::Neutral => DkimWord::Neutral,
        ResultWord::TempError => DkimWord::TempError,
        ResultWord::PermError => DkimWord::PermError,
    };
    let domain = verification.domain.clone().filter(|_| checked)?;
    Some(DkimAuth { domain, selector: verification.selector.clone(), result, human_result: None })
}

fn spf_auth(spf: &spf::Evaluation) -> SpfAuth {
    let result = match spf.result {
        SpfResult::None => SpfWord::None,
        SpfResult::Neutral => SpfWord::Neutral,
        SpfResult::Pass => SpfWord::Pass,
        SpfResult::Fail => SpfWord::Fail,
        SpfResult::SoftFail => SpfWord::SoftFail,
        SpfResult::TempError => SpfWord::TempError,
        SpfResult::PermError => SpfWord::PermError,
    };
    let scope = match spf.identity {
        spf::Identity::MailFrom(_) => Scope::MailFrom,
        spf::Identity::Helo(_) => Scope::Helo,
    };
    SpfAuth { domain: spf.identity.domain().to_owned(), scope: Some(scope), result, human_result: None }
}
