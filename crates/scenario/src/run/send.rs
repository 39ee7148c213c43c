//! `send`: a message is composed and submitted to the outbound engine, or sent by a plain client to the recipients'
//! server.

use std::net::SocketAddr;
use std::time::Duration;

use data_encoding::HEXLOWER;
use indexmap::IndexMap;
use mxlab_dns::resolver::Resolver;
use mxlab_env::{Env, Timestamp};
use mxlab_mail::address::{Address, ReversePath};
use mxlab_mail::headers::Message;
use mxlab_record::{EntryId, Recorder, following};
use mxlab_world::client::{self, Handover};
use mxlab_world::mail_key::Signed;
use tokio::time::Instant;

use super::changes;
use super::error::LabError;
use super::in_flight::OnItsWay;
use super::messages::{self, FillIns};
use super::references::References;
use super::stage::Stage;
use mxlab_language::declarations::items;
use mxlab_language::references;
use mxlab_language::script::Send;

/// A message that is ready to go.
struct Ready {
    message: Vec<u8>,
    /// The signatures that its client has put on.
    signed: Vec<Signed>,
}

/// Who hands messages over, and to whom.
struct Sending {
    ehlo: String,
    from: ReversePath,
    to: Vec<Address>,
    /// Where the outbound engine takes submissions; none for a plain client.
    submission: Option<SocketAddr>,
    /// What a plain client asks for the servers of the recipients.
    resolver: Option<Resolver>,
}

pub(super) fn send(stage: &mut Stage<'_>, send: &Send) -> Result<(), LabError> {
    let count = send.count();
    let every = send.every.as_ref().map_or(Duration::ZERO, |every| every.get().get());
    let via = send.via.as_ref().map(|via| via.as_str().to_owned());
    let engine = stage.outbound.clone().filter(|_| via.as_deref().is_none_or(|via| via == "sender"));
    let client = via.or_else(|| super::only_client(stage.scenario));
    let (host, short) = match (&engine, client) {
        (Some(_), _) => (stage.lab.users.clone(), "users".to_owned()),
        (None, Some(client)) => {
            let host = stage.lab.hosts.get(&client).cloned().ok_or_else(|| LabError::NoAddress(client.clone()))?;
            (host, client)
        }
        (None, None) => return Err(LabError::NoAddress("client".to_owned())),
    };
    let to: Vec<Address> =
        send.to.get().iter().map(|to| to.as_str().parse()).collect::<Result<_, _>>().map_err(|_| name_error(send))?;
    let from = match send.envelope_sender() {
        "" => ReversePath::Null,
        address => ReversePath::Address(address.parse().map_err(|_| name_error(send))?),
    };
    let signer = engine.is_none().then_some(short.as_str());
    let ready: Vec<Ready> =
        (0..count).map(|number| ready(stage, send, signer, number, every * number)).collect::<Result<_, _>>()?;
    let told = tell_send(stage, send, count, every);
    if !host.is_up() {
        stage.tell("send", vec![format!("it cannot be sent: {short} is down")]);
        return Ok(());
    }
    let env = host.env();
    let recorder = stage.lab.recorder(stage.scenario, &env, &short);
    let (submission, resolver) = match engine {
        Some(engine) => (Some(engine.submission()), None),
        None => (None, Some(stage.lab.resolver(stage.scenario, &env, &Recorder::nowhere(&env)))),
    };
    let sending = Sending { ehlo: ehlo(stage, &short), from, to, submission, resolver };
    let on_their_way: Vec<OnItsWay> = ready.iter().map(|_| stage.in_flight.begin()).collect();
    let task_env = env.clone();
    let handing_over = async move {
        let begun = Instant::now();
        for ((number, ready), _on_its_way) in (0_u32..).zip(ready).zip(on_their_way) {
            tokio::time::sleep_until(begun + every * number).await;
            sending.hand_over(&task_env, &recorder, ready).await;
        }
    };
    env.spawn("send", following(told, handing_over));
    Ok(())
}

/// Writes message number `number`, which goes `after` from now; a plain client, `signer`, signs it.
fn ready(
    stage: &mut Stage<'_>,
    send: &Send,
    signer: Option<&str>,
    number: u32,
    after: Duration,
) -> Result<Ready, LabError> {
    let message_id = message_id(stage, send, number);
    let date = stage.scenario.instant(mxlab_language::values::Time::Relative(jiff::SignedDuration::ZERO));
    let offset = Instant::now().duration_since(stage.start) + after;
    let date = date.checked_add(offset).unwrap_or(date);
    let mut message = compose(stage, send, &message_id, date);
    let mut signers = Vec::new();
    if let Some(client) = signer {
        (message, signers) = signed(stage, send, client, message, date)?;
    }
    // A message declared in the file may have its own Message-ID.
    let own = Message::parse(&message).ok().and_then(|message| message.message_id().ok());
    let message_id = own.map_or(message_id, |own| own.as_str().to_owned());
    let signed = |(domain, selector): Signer<'_>| Signed {
        message: message_id.clone(),
        domain: domain.to_owned(),
        selector: selector.to_owned(),
    };
    let signed = signers.into_iter().map(signed).collect();
    stage.sent.messages.push((send.id.as_ref().map(|id| id.get().to_string()), message_id));
    Ok(Ready { message, signed })
}

impl Sending {
    async fn hand_over(&self, env: &Env, recorder: &Recorder, ready: Ready) {
        for signed in &ready.signed {
            recorder.tell(signed);
        }
        let groups = match self.submission {
            Some(_) => vec![self.to.clone()],
            None => by_domain(&self.to),
        };
        for to in groups {
            let servers = match (self.submission, &self.resolver) {
                (Some(at), _) => vec![at],
                (None, Some(resolver)) => client::find_servers(resolver, &to).await,
                (None, None) => Vec::new(),
            };
            let handover = Handover {
                ehlo: self.ehlo.clone(),
                from: self.from.clone(),
                to,
                message: ready.message.clone(),
                servers,
                tls: self.submission.is_none(),
            };
            client::hand_over(env, recorder, &handover).await;
        }
    }
}

fn tell_send(stage: &Stage<'_>, send: &Send, count: u32, every: Duration) -> EntryId {
    let to: Vec<&str> = send.to.get().iter().map(|to| to.as_str()).collect();
    let mut line = format!("{} writes to {}", send.from.as_str(), to.join(", "));
    if send.mail_from.is_some() {
        line.push_str(&format!(", envelope sender <{}>", send.envelope_sender()));
    }
    if count > 1 {
        line.push_str(&format!(", {count} messages{}", pace(every)));
    }
    stage.tell("send", vec![line])
}

/// How far apart several messages are: `, one every hour`.
fn pace(every: Duration) -> String {
    match every.as_secs() {
        _ if every.is_zero() => " at once".to_owned(),
        60 => ", one every minute".to_owned(),
        3_600 => ", one every hour".to_owned(),
        86_400 => ", one every day".to_owned(),
        _ => format!(", one every {}", mxlab_language::values::Duration::of(every)),
    }
}

/// The same in every run: it derives from the send's name, or its place in the script.
fn message_id(stage: &Stage<'_>, send: &Send, number: u32) -> String {
    let name = match &send.id {
        Some(id) => id.get().to_string(),
        None => format!("message-{}", stage.sent.messages.len() + 1),
    };
    let unique = stage.lab.identity.bytes("message-id", &format!("{name}/{number}"));
    let short = HEXLOWER.encode(&unique[..6]);
    let domain = send.from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("{name}.{short}@{domain}")
}

fn compose(stage: &Stage<'_>, send: &Send, message_id: &str, date: Timestamp) -> Vec<u8> {
    let to: Vec<&str> = send.to.get().iter().map(|to| to.as_str()).collect();
    let name = send.message.as_ref().map_or("plain", |message| message.as_str());
    let subject = send.subject.as_ref().map_or("Hello", |subject| subject.as_str());
    let fill = FillIns { from: send.from.as_str(), to: to.join(", "), subject, message_id, date };
    let message = messages::compose(stage.scenario, name, &fill);
    let resolve = References::new(stage.scenario, &stage.lab.made, Some(&stage.lab.internet));
    match String::from_utf8(message) {
        Ok(text) => references::substitute(&text, &resolve).into_bytes(),
        Err(octets) => octets.into_bytes(),
    }
}

/// Who signed: the domain and the selector.
type Signer<'s> = (&'s str, &'s str);

/// The message as a client sends it: signed with its keys, the last signature on top, and then perhaps changed. With it
/// the domain and the selector of each signature.
fn signed<'s>(
    stage: &'s Stage<'_>,
    send: &Send,
    client: &str,
    mut message: Vec<u8>,
    now: Timestamp,
) -> Result<(Vec<u8>, Vec<Signer<'s>>), LabError> {
    let mut signers = Vec::new();
    let client = stage.scenario.hosts.get(client).and_then(|host| host.client.as_ref());
    let keys = send.sign.as_ref().or_else(|| client.and_then(|client| client.sign.as_ref()));
    for key in keys.iter().flat_map(|keys| keys.get().iter()) {
        let Some(identity) = stage.lab.made.mail_keys.get(key.as_str()) else { continue };
        let wrong = |error| LabError::Signer(key.to_string(), error);
        // A message that cannot be split cannot be signed either; it is sent as it is.
        let Ok(parsed) = Message::parse(&message) else { break };
        let mut signed = identity.signer.sign(&parsed, now).map_err(wrong)?.into_bytes();
        signed.extend(&message);
        message = signed;
        signers.push((identity.domain.as_str(), identity.selector.as_str()));
    }
    for change in client.iter().flat_map(|client| items(&client.after_sign)) {
        message = changes::change(*change.get()).map_or(message.clone(), |change| change.apply(&message));
    }
    Ok((message, signers))
}

fn ehlo(stage: &Stage<'_>, short: &str) -> String {
    let declared = stage.scenario.hosts.get(short).and_then(|host| host.client.as_ref()?.ehlo.as_ref());
    match (declared, stage.scenario.addressed.get(short)) {
        (Some(ehlo), _) => ehlo.get().to_string(),
        (None, Some(addressed)) => addressed.full_name.clone(),
        (None, None) => "[198.19.255.10]".to_owned(),
    }
}

fn name_error(send: &Send) -> LabError {
    LabError::Name(send.from.as_str().to_owned())
}

/// The recipients of each domain, in the order in which the domains first appear.
fn by_domain(recipients: &[Address]) -> Vec<Vec<Address>> {
    let mut groups: IndexMap<String, Vec<Address>> = IndexMap::new();
    for to in recipients {
        groups.entry(to.normalized_domain()).or_default().push(to.clone());
    }
    groups.into_values().collect()
}
