//! NLnet Labs' `domain`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use domain::base::Message;
use domain::base::opt::ExtendedError;
use domain::dnssec::validator::anchor::TrustAnchors;
use domain::dnssec::validator::context::{ValidationContext, ValidationState};
use domain::net::client::request::{ComposeRequest as _, Error, GetResponse, RequestMessage, SendRequest};
use mxlab_dns::wire::{Edns, Message as Query};
use mxlab_dns::{Name, RecordType};

use super::{Status, Verdict};
use crate::internet::Internet;
use crate::upstream::{Recorded, Upstream};

/// The source of answers, as `domain` requires it.
#[derive(Clone)]
enum Transport {
    Upstream(Arc<Upstream>),
    Recorded(Arc<Recorded>),
}

impl Transport {
    fn ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        match self {
            Transport::Upstream(upstream) => upstream.ask(query),
            Transport::Recorded(recorded) => recorded.ask(query),
        }
    }
}

struct Pending {
    transport: Transport,
    query: Result<Vec<u8>, Error>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending")
    }
}

impl SendRequest<RequestMessage<Vec<u8>>> for Transport {
    fn send_request(&self, request: RequestMessage<Vec<u8>>) -> Box<dyn GetResponse + Send + Sync> {
        Box::new(Pending { transport: self.clone(), query: request.to_vec() })
    }
}

impl GetResponse for Pending {
    fn get_response(&mut self) -> Pin<Box<dyn Future<Output = Result<Message<Bytes>, Error>> + Send + Sync + '_>> {
        let answer = self.query.clone().map(|query| self.transport.ask(&query));
        Box::pin(std::future::ready(match answer {
            Ok(Some(octets)) => Message::from_octets(Bytes::from(octets)).map_err(|_| Error::ShortMessage),
            Ok(None) => Err(Error::StreamReceiveError),
            Err(error) => Err(error),
        }))
    }
}

pub struct Judge {
    context: ValidationContext<Transport>,
    transport: Transport,
}

impl Judge {
    pub fn over_upstream(internet: &Internet, upstream: &Arc<Upstream>) -> Judge {
        Judge::new(internet, Transport::Upstream(upstream.clone()))
    }

    pub fn over_recorded(internet: &Internet, recorded: &Arc<Recorded>) -> Judge {
        Judge::new(internet, Transport::Recorded(recorded.clone()))
    }

    fn new(internet: &Internet, transport: Transport) -> Judge {
        let mut anchors = TrustAnchors::empty();
        for key in &internet.anchor {
            let public = BASE64.encode(&key.public_key);
            let line = format!(". 300 IN DNSKEY {} {} {} {public}\n", key.flags, key.protocol, key.algorithm);
            anchors.add_u8(line.as_bytes()).expect("the anchor is a record");
        }
        Judge { context: ValidationContext::new(anchors, transport.clone()), transport }
    }

    pub async fn judge(&self, owner: &Name, rtype: RecordType) -> Verdict {
        let query = Query::query(1, owner.clone(), rtype, Some(Edns::new(1_232, true))).encode(512);
        let Some(octets) = self.transport.ask(&query) else { return Verdict::new(Status::Servfail, "no answer") };
        let Ok(mut message) = Message::from_octets(octets) else { return Verdict::new(Status::Servfail, "no message") };
        let rcode = message.opt_rcode();
        if !matches!(rcode.to_int(), 0 | 3) {
            return Verdict::new(Status::Servfail, rcode.to_string());
        }
        match self.context.validate_msg::<_, Vec<u8>>(&mut message).await {
            Err(error) => Verdict::new(Status::Servfail, error.to_string()),
            Ok((state, error)) => {
                let status = match state {
                    ValidationState::Secure => Status::Secure,
                    ValidationState::Insecure | ValidationState::Indeterminate => Status::Insecure,
                    ValidationState::Bogus => Status::Servfail,
                };
                let text = |error: ExtendedError<Vec<u8>>| match error.text() {
                    Some(Ok(text)) => format!("{}: {text}", error.code()),
                    _ => error.code().to_string(),
                };
                let text = error.map(text);
                Verdict::new(status, text.unwrap_or_else(|| rcode.to_string()))
            }
        }
    }
}
