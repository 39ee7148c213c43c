//! hickory: its validating handle over an in-memory one.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::xfer::DnsHandle;
use hickory_net::{DnsError, NetError};
use hickory_proto::dnssec::{Algorithm, DnssecSummary, Proof, PublicKeyBuf, TrustAnchors};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_proto::rr::{Name as HickoryName, RecordType as HickoryType};
use hickory_proto::serialize::binary::BinDecodable as _;
use mxlab_dns::{Name, RecordType};

use super::{Status, Verdict};
use crate::internet::Internet;
use crate::upstream::Upstream;

/// The upstream as hickory requires it.
#[derive(Clone)]
struct Handle(Arc<Upstream>);

type Responses = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;

impl DnsHandle for Handle {
    type Response = Responses;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Responses {
        let upstream = self.0.clone();
        Box::pin(stream::once(async move {
            let query = request.to_vec()?;
            let octets = upstream.ask(&query).ok_or(NetError::Timeout)?;
            // What hickory's own streams do with an answer: an error code is an error, a denial is one with its proofs.
            DnsError::from_response(DnsResponse::from_buffer(octets)?).map_err(NetError::from)
        }))
    }
}

/// How deep its key lookups may nest. If a zone below an unsigned one does not answer for its keys, it asks again at
/// every level, so that its default of 26 takes minutes; the internets here are four zones deep.
const DEPTH: usize = 12;

pub struct Judge(DnssecDnsHandle<Handle>);

impl Judge {
    pub fn new(internet: &Internet, upstream: &Arc<Upstream>) -> Judge {
        let mut anchors = TrustAnchors::empty();
        for key in &internet.anchor {
            anchors.insert(&PublicKeyBuf::new(key.public_key.clone(), Algorithm::from_u8(key.algorithm)));
        }
        Judge(DnssecDnsHandle::with_trust_anchor(Handle(upstream.clone()), Arc::new(anchors)))
    }

    pub async fn judge(&self, owner: &Name, rtype: RecordType) -> Verdict {
        let owner = HickoryName::from_bytes(owner.wire()).expect("a name is a name");
        let asked = HickoryType::from(rtype.0);
        let query = Query::query(owner, asked);
        let mut options = DnsRequestOptions::default();
        options.max_request_depth = DEPTH;
        match self.0.lookup(query, options).next().await {
            None => Verdict::new(Status::Servfail, "no answer"),
            Some(Ok(response)) => match response.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => summary(&response, asked),
                code => Verdict::new(Status::Servfail, code.to_string()),
            },
            Some(Err(NetError::Dns(DnsError::Nsec { proof, .. }))) => match proof {
                Proof::Secure => Verdict::new(Status::Secure, "denied"),
                Proof::Insecure | Proof::Indeterminate => Verdict::new(Status::Insecure, "denied insecurely"),
                Proof::Bogus => Verdict::new(Status::Servfail, "no proof of denial"),
            },
            Some(Err(error)) => Verdict::new(Status::Servfail, error.to_string()),
        }
    }
}

/// As secure as the worst record of the answer; if the type asked for is not among them, also as the worst proof.
fn summary(response: &DnsResponse, asked: HickoryType) -> Verdict {
    let positive = response.answers.iter().any(|record| record.record_type() == asked);
    let denial = response.authorities.iter().filter(|_| !positive);
    let status = match DnssecSummary::from_records(response.answers.iter().chain(denial)) {
        DnssecSummary::Secure => Status::Secure,
        DnssecSummary::Insecure => Status::Insecure,
        DnssecSummary::Bogus => Status::Servfail,
    };
    Verdict::new(status, response.response_code.to_string())
}
