//! What the engine must not lose: messages with their envelopes and the state of each recipient.
//!
//! One file a message: a line of JSON, then the octets of the message. A file is replaced as a whole, so after a crash
//! either the old or the new state is there. The order of writing makes a loss impossible: a message is on disk before its
//! submission is answered with 250, a report before the recipient that it is about is forgotten.

use std::io;
use std::net::IpAddr;

use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_mail::smtp::{EnhancedCode, Reply, Stage};
use mxlab_mail::{Address, ReversePath};
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::outcome::{Cause, DeliveryFailure, Problem};

const FOLDER: &str = "spool";
const VERSION: u32 = 2;

/// A message in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number in this spool.
    pub id: u64,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The envelope sender.
    pub from: ReversePath,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// The name by which the submitting client introduced itself.
    pub received_from: String,
    /// Its recipients, by domain.
    pub groups: Vec<Group>,
    /// Its octets.
    pub message: Vec<u8>,
}

/// The recipients of one domain, which share their attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The domain, lower case.
    pub domain: String,
    /// Attempts made.
    pub attempts: u32,
    /// When the last of them started.
    pub started: Option<Timestamp>,
    /// Whether the author got a delay notice.
    pub notified: bool,
    /// The recipients that still wait.
    pub recipients: Vec<Recipient>,
}

/// A recipient that still waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its address.
    pub address: Address,
    /// How the last attempt failed.
    pub last: Option<LastFailure>,
}

/// How an attempt failed for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// What failed.
    pub failure: DeliveryFailure,
    /// When.
    pub at: Timestamp,
}

impl Item {
    /// Puts recipients into groups by domain, in the order in which the domains first occur.
    pub fn group(recipients: Vec<Address>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for address in recipients {
            let domain = address.normalized_domain();
            let recipient = Recipient { address, last: None };
            match groups.iter_mut().find(|group| group.domain == domain) {
                Some(group) if group.recipients.iter().any(|other| other.address == recipient.address) => {}
                Some(group) => group.recipients.push(recipient),
                None => groups.push(Group {
                    domain,
                    attempts: 0,
                    started: None,
                    notified: false,
                    recipients: vec![recipient],
                }),
            }
        }
        groups
    }

    /// All recipients that still wait.
    pub fn waiting(&self) -> Vec<Address> {
        self.groups.iter().flat_map(|group| &group.recipients).map(|recipient| recipient.address.clone()).collect()
    }
}

/// Why a file is not an item.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is no line end after the first line.
    #[error("no first line")]
    NoFirstLine,
    /// The first line is not the expected JSON.
    #[error("first line: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error("version {0}")]
    Version(u32),
    /// A value in it is not valid.
    #[error("{what}: {value:?}")]
    Value {
        /// Of which kind.
        what: &'static str,
        /// The value.
        value: String,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredItem {
    version: u32,
    message_id: String,
    from: String,
    accepted: Timestamp,
    received_from: String,
    groups: Vec<StoredGroup>,
}

#[derive(Serialize, Deserialize)]
struct StoredGroup {
    domain: String,
    attempts: u32,
    started: Option<Timestamp>,
    notified: bool,
    recipients: Vec<StoredRecipient>,
}

#[derive(Serialize, Deserialize)]
struct StoredRecipient {
    address: String,
    last: Option<StoredFailure>,
}

#[derive(Serialize, Deserialize)]
struct StoredFailure {
    cause: StoredCause,
    host: Option<String>,
    stage: Option<String>,
    at: Timestamp,
    ip: Option<IpAddr>,
    problem: Problem,
    domain: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredCause {
    Condition(Condition),
    Reply(StoredReply),
}

/// A reply as it was read, not as it is shown: another server's text must never make an item unreadable.
#[derive(Serialize, Deserialize)]
struct StoredReply {
    code: u16,
    enhanced: Option<String>,
    lines: Vec<String>,
}

/// The file for an item.
///
/// # Errors
/// Cannot fail for these types.
pub fn encode(item: &Item) -> Result<Vec<u8>, serde_json::Error> {
    let stored = StoredItem {
        version: VERSION,
        message_id: item.message_id.clone(),
        from: item.from.address().map(Address::to_string).unwrap_or_default(),
        accepted: item.accepted,
        received_from: item.received_from.clone(),
        groups: item.groups.iter().map(encode_group).collect(),
    };
    let mut file = serde_json::to_vec(&stored)?;
    file.push(b'\n');
    file.extend_from_slice(&item.message);
    Ok(file)
}

fn encode_group(group: &Group) -> StoredGroup {
    let recipients = group.recipients.iter().map(|recipient| StoredRecipient {
        address: recipient.address.to_string(),
        last: recipient.last.as_ref().map(encode_failure),
    });
    StoredGroup {
        domain: group.domain.clone(),
        attempts: group.attempts,
        started: group.started,
        notified: group.notified,
        recipients: recipients.collect(),
    }
}

fn encode_failure(last: &LastFailure) -> StoredFailure {
    let failure = &last.failure;
    let cause = match &failure.cause {
        Cause::Condition(condition) => StoredCause::Condition(*condition),
        Cause::Reply(reply) => StoredCause::Reply(StoredReply {
            code: reply.code,
            enhanced: reply.enhanced.map(|enhanced| enhanced.to_string()),
            lines: reply.lines.clone(),
        }),
    };
    let stage = failure.stage.map(|stage| stage.word().to_owned());
    StoredFailure {
        cause,
        host: failure.host.clone(),
        stage,
        at: last.at,
        ip: failure.ip,
        problem: failure.problem,
        domain: failure.domain.clone(),
    }
}

/// The item in a file.
///
/// # Errors
/// What is wrong with the file.
pub fn decode(id: u64, file: &[u8]) -> Result<Item, Damage> {
    let end = file.iter().position(|octet| *octet == b'\n').ok_or(Damage::NoFirstLine)?;
    let (line, message) = file.split_at(end);
    let stored: StoredItem = serde_json::from_slice(line)?;
    if stored.version != VERSION {
        return Err(Damage::Version(stored.version));
    }
    let from =
        if stored.from.is_empty() { ReversePath::Null } else { value::<Address>("address", &stored.from)?.into() };
    Ok(Item {
        id,
        message_id: stored.message_id,
        from,
        accepted: stored.accepted,
        received_from: stored.received_from,
        groups: stored.groups.into_iter().map(decode_group).collect::<Result<_, _>>()?,
        message: message.get(1..).unwrap_or_default().to_vec(),
    })
}

fn decode_group(stored: StoredGroup) -> Result<Group, Damage> {
    let recipients = stored.recipients.into_iter().map(|recipient| {
        let last = recipient.last.map(decode_failure).transpose()?;
        Ok(Recipient { address: value("address", &recipient.address)?, last })
    });
    let recipients = recipients.collect::<Result<_, Damage>>()?;
    let StoredGroup { domain, attempts, started, notified, .. } = stored;
    Ok(Group { domain, attempts, started, notified, recipients })
}

fn decode_failure(stored: StoredFailure) -> Result<LastFailure, Damage> {
    let cause = match stored.cause {
        StoredCause::Condition(condition) => Cause::Condition(condition),
        StoredCause::Reply(StoredReply { code, enhanced, lines }) => {
            let enhanced = enhanced.map(|text| value::<EnhancedCode>("enhanced code", &text)).transpose()?;
            Cause::Reply(Reply { code, enhanced, lines })
        }
    };
    let stage = stored.stage.map(|word| value::<Stage>("stage", &word)).transpose()?;
    let StoredFailure { host, at, ip, problem, domain, .. } = stored;
    Ok(LastFailure { failure: DeliveryFailure { cause, host, stage, ip, problem, domain }, at })
}

fn value<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, Damage> {
    text.parse().map_err(|_| Damage::Value { what, value: text.to_owned() })
}

/// The spool of a process.
#[derive(Clone, Debug)]
pub struct Spool {
    env: Env,
}

/// What a start finds.
#[derive(Debug)]
pub struct Found {
    /// Items in the order of their numbers.
    pub items: Vec<Item>,
    /// Files that are not items, with the reason. They are left as they are.
    pub damaged: Vec<(String, Damage)>,
    /// A number that no file has, damaged ones included: they must not be overwritten.
    pub next_id: u64,
}

impl Spool {
    /// The spool among the files of `env`.
    pub fn new(env: &Env) -> Spool {
        Spool { env: env.clone() }
    }

    /// Writes an item; on return it is safe.
    ///
    /// # Errors
    /// Those of the machine: the disk is full.
    pub async fn save(&self, item: &Item) -> io::Result<()> {
        let file = encode(item).map_err(io::Error::other)?;
        self.env.files().replace(&name(item.id), &file).await
    }

    /// Forgets an item.
    ///
    /// # Errors
    /// Those of the machine.
    pub async fn remove(&self, id: u64) -> io::Result<()> {
        self.env.files().remove(&name(id)).await
    }

    /// Reads everything.
    ///
    /// # Errors
    /// Those of the machine.
    pub async fn load(&self) -> io::Result<Found> {
        let mut found = Found { items: Vec::new(), damaged: Vec::new(), next_id: 1 };
        for name in self.env.files().list(FOLDER).await? {
            let Some(id) = id(&name) else {
                let value = name.clone();
                found.damaged.push((name, Damage::Value { what: "file name", value }));
                continue;
            };
            found.next_id = found.next_id.max(id.saturating_add(1));
            match decode(id, &self.env.files().read(&name).await?) {
                Ok(item) => found.items.push(item),
                Err(damage) => found.damaged.push((name, damage)),
            }
        }
        found.items.sort_by_key(|item| item.id);
        Ok(found)
    }
}

fn name(id: u64) -> String {
    format!("{FOLDER}/{id:08}")
}

fn id(path: &str) -> Option<u64> {
    // Accepts only the form that `name` writes; the last number is left free.
    let id = path.rsplit('/').next()?.parse().ok()?;
    (id < u64::MAX && name(id) == path).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn item() -> Item {
        let mut groups = Item::group(
            ["bo@fabrikam.example", "x@adatum.example", "Cy@Fabrikam.example", "bo@fabrikam.example"]
                .map(address)
                .to_vec(),
        );
        groups[0].attempts = 3;
        groups[0].started = Some("2026-03-02T08:30:00Z".parse().unwrap());
        groups[1].notified = true;
        groups[0].recipients[0].last = Some(LastFailure {
            failure: DeliveryFailure {
                cause: Cause::Condition(Condition::TlsaInvalid),
                host: Some("mx1.fabrikam.example".to_owned()),
                stage: Some(Stage::Handshake),
                ip: Some("192.0.2.10".parse().unwrap()),
                problem: Problem::TlsaMismatch,
                domain: Some("fabrikam.example".to_owned()),
            },
            at: "2026-03-02T08:30:01Z".parse().unwrap(),
        });
        groups[0].recipients[1].last = Some(LastFailure {
            failure: DeliveryFailure {
                cause: Cause::Reply("451 4.7.1 Greylisted, come back".parse().unwrap()),
                host: None,
                stage: None,
                ip: None,
                problem: Problem::Reply,
                domain: None,
            },
            at: "2026-03-02T08:30:02Z".parse().unwrap(),
        });
        Item {
            id: 7,
            message_id: "1@contoso.example".to_owned(),
            from: address("ann@contoso.example").into(),
            accepted: "2026-03-02T08:00:00.123Z".parse().unwrap(),
            received_from: "desk".to_owned(),
            groups,
            message: b"Subject: x\r\n\r\n\xff\r\n\n".to_vec(),
        }
    }

    #[test]
    fn recipients_are_grouped_by_domain() {
        let groups = item().groups;
        let domains: Vec<_> = groups.iter().map(|group| (group.domain.as_str(), group.recipients.len())).collect();
        assert_eq!(domains, [("fabrikam.example", 2), ("adatum.example", 1)]);
        assert_eq!(item().waiting().len(), 3);
    }

    #[test]
    fn an_item_survives_its_file() {
        let item = item();
        assert_eq!(decode(7, &encode(&item).unwrap()).unwrap(), item);
        let report = Item { from: ReversePath::Null, message: vec![], ..item };
        assert_eq!(decode(7, &encode(&report).unwrap()).unwrap(), report);
    }

    /// Every reply that the reader accepts is restored: it may be long, empty or unprintable.
    #[test]
    fn any_reply_survives() {
        let long = format!("451-{}\r\n451 {}\r\n", "a".repeat(3_000), "b".repeat(3_000));
        for wire in [long.as_str(), "451\r\n", "451 4.7.1\r\n", "451 \u{1b}[31m\r\n", "451-4.7.1 a\r\n451 b\rc\r\n"] {
            let mut reader = mxlab_mail::smtp::ReplyReader::new();
            reader.push(wire.as_bytes());
            let mut item = item();
            let last = item.groups[0].recipients[1].last.as_mut().unwrap();
            last.failure.cause = Cause::Reply(reader.next_reply().unwrap().unwrap());
            assert_eq!(decode(7, &encode(&item).unwrap()).unwrap(), item);
        }
    }

    #[track_caller]
    fn check_damage(file: &str, expected: &str) {
        let damage = decode(1, file.as_bytes()).unwrap_err().to_string();
        assert!(damage.starts_with(expected), "{damage}");
    }

    #[test]
    fn damaged_files_are_told_from_items() {
        let good = String::from_utf8_lossy(&encode(&item()).unwrap()).into_owned();
        check_damage("", "no first line");
        check_damage("{}", "no first line");
        check_damage("{}\n", "first line: missing field");
        check_damage(&good.replace("\"version\":2", "\"version\":1"), "version 1");
        check_damage(&good.replace("bo@fabrikam.example", "bo"), "address: \"bo\"");
        check_damage(&good.replace("\"handshake\"", "\"hand\""), "stage: \"hand\"");
        check_damage(&good.replace("4.7.1", "4.7"), "enhanced code: \"4.7\"");
    }

    #[test]
    fn file_names() {
        assert_eq!(name(7), "spool/00000007");
        assert_eq!(id(&name(123_456_789_012)), Some(123_456_789_012));
        for other in ["spool/x", "spool/7", "spool/+0000007", "spool/18446744073709551615"] {
            assert_eq!(id(other), None);
        }
    }
}
