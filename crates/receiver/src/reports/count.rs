//! From a judged message to what a report counts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use mxlab_auth::dkim::{ResultWord, Verification};
use mxlab_auth::dmarc::report::{DkimAuth, DkimWord, Observation, Scope, SpfAuth, SpfWord};
use mxlab_auth::dmarc::{self, Policy};
use mxlab_auth::spf;
use mxlab_mail::ReversePath;
use mxlab_mail::authres::{DmarcResult, SpfResult};

use crate::assess::Assessed;
use crate::authenticate::Authenticated;
use crate::disposition::{Disposition, Folder};

/// What a message gives to count, for each domain among its recipients and for each thing that was done with it. Mail from
/// inside the organization is not authenticated, and not counted.
pub(super) fn observations<'a>(
    client: IpAddr,
    from: &ReversePath,
    assessed: &'a [Assessed],
) -> Vec<(&'a dmarc::Evaluation, Observation)> {
    let mut seen = BTreeSet::new();
    let mut observations = Vec::new();
    for it in assessed {
        let Some(Authenticated { spf, dkim, dmarc }) = &it.verdict.authenticated else { continue };
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

/// What was done with a message on account of DMARC. Where no policy applies, whatever else put it aside is not told.
fn done(dmarc: &dmarc::Evaluation, disposition: &Disposition) -> Policy {
    let asked = dmarc.request.filter(|_| dmarc.result == DmarcResult::Fail).map(|request| request.applied);
    match (asked.unwrap_or(Policy::None), disposition) {
        (Policy::None, _) | (_, Disposition::Deliver(Folder::Inbox)) => Policy::None,
        (_, Disposition::Deliver(Folder::Junk | Folder::Quarantine)) => Policy::Quarantine,
        (_, Disposition::Reject(_)) => Policy::Reject,
    }
}

/// A signature whose domain could be read.
fn dkim_auth(verification: &Verification) -> Option<DkimAuth> {
    let result = match verification.result() {
        ResultWord::Pass => DkimWord::Pass,
        ResultWord::Fail => DkimWord::Fail,
        ResultWord::Policy => DkimWord::Policy,
        ResultWord::Neutral => DkimWord::Neutral,
        ResultWord::TempError => DkimWord::TempError,
        ResultWord::PermError => DkimWord::PermError,
    };
    let domain = verification.domain.clone()?;
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
