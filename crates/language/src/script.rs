//! The script: entries of `[[at]]` with their verbs, and faults (reference sections 5 and 6).

use schemars::JsonSchema;
use serde::Deserialize;

use super::declarations::{Host, Map, Receiver, Sender, Tenant};
use super::spanned::{Span, Spanned};
use super::values::*;
use super::words::*;

pub use super::faults::FaultKind;

verbs! {
    /// An `[[at]]` entry as it is written.
    entry AtEntry {
        /// When (`+0s`).
        time: Time,
    }
    /// What an entry of the script does. Each holds the place of its table.
    enum Action by into_action {
        /// A message is submitted.
        send = "send": Send(Send),
        /// A zone changes, and is signed again.
        publish = "publish": Publish(Publish),
        /// Settings change.
        configure = "configure": Configure(Configure),
        /// DKIM key rotation is called.
        rotate = "rotate": Rotate(Rotate),
        /// Something breaks.
        fault = "fault": Fault(Fault),
        /// A named fault ends.
        heal = "heal": Heal(FaultRef),
        /// An engine or host goes down and comes back.
        restart = "restart": Restart(Restart),
        /// The resolver is asked.
        lookup = "lookup": Lookup(Lookup),
        /// A raw SMTP session.
        dialogue = "dialogue": Dialogue(Dialogue),
    }
}

/// How long a step goes on after its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// For so long; zero if it is done at once.
    For(std::time::Duration),
    /// Until this time.
    Until(Time),
}

impl Action {
    /// How long it goes on. A run is at least so long.
    pub fn goes_on(&self) -> GoesOn {
        match self {
            Self::Send(send) => {
                let every = send.every.as_ref().map_or(std::time::Duration::ZERO, |every| every.get().get());
                GoesOn::For(every.saturating_mul(send.count()))
            }
            Self::Fault(fault) => match &fault.until {
                Some(until) => GoesOn::Until(*until.get()),
                None => GoesOn::For(std::time::Duration::ZERO),
            },
            Self::Restart(restart) => GoesOn::For(restart.down().get()),
            Self::Publish(_)
            | Self::Configure(_)
            | Self::Rotate(_)
            | Self::Heal(_)
            | Self::Lookup(_)
            | Self::Dialogue(_) => GoesOn::For(std::time::Duration::ZERO),
        }
    }
}

/// An entry of the script: something that is done at a time.
#[derive(Clone, Debug)]
pub struct At {
    /// The entry: its `[[at]]` header.
    pub span: Span,
    /// When, `+0s` if it does not say.
    pub time: Time,
    /// What is done.
    pub action: Action,
}

/// `send`: a message is submitted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Send {
    /// The author; also the envelope sender unless `mail-from` is given.
    pub from: Spanned<Address>,
    /// The recipients.
    pub to: Spanned<Vec<Spanned<Address>>>,
    /// The envelope sender; nothing is the null reverse-path.
    pub mail_from: Option<Spanned<ReversePath>>,
    /// The message text (`plain`).
    pub message: Option<Spanned<MessageRef>>,
    /// Its subject.
    pub subject: Option<Spanned<MessageText>>,
    /// A name for expectations.
    pub id: Option<Spanned<Name>>,
    /// The host that sends (the outbound engine, else the only host with `client`).
    pub via: Option<Spanned<HostRef>>,
    /// The relays on the way.
    pub through: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// DKIM signatures, instead of `client.sign`.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// So many messages (1).
    pub count: Option<Spanned<u32>>,
    /// So far apart.
    pub every: Option<Spanned<Duration>>,
    /// NOTIFY (RFC 3461).
    pub notify: Option<Spanned<Vec<Spanned<NotifyWord>>>>,
    /// RET (RFC 3461).
    pub ret: Option<Spanned<ReturnContent>>,
    /// ENVID (RFC 3461).
    pub envid: Option<Spanned<Text>>,
    /// ORCPT (RFC 3461).
    pub orcpt: Option<Spanned<Text>>,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: Option<Spanned<bool>>,
}

impl Send {
    /// The envelope sender: `mail-from`, else the author. Empty is the null reverse-path.
    pub fn envelope_sender(&self) -> &str {
        self.mail_from.as_ref().map_or(self.from.as_str(), |path| path.as_str())
    }

    /// How many messages are sent.
    pub fn count(&self) -> u32 {
        self.count.as_ref().map_or(1, |count| *count.get())
    }
}

/// `publish`: a zone changes, and is signed again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Publish {
    /// The zone.
    pub zone: Spanned<ZoneRef>,
    /// Each RRset in it takes the place of the old one.
    pub replace: Option<Spanned<ZoneText>>,
    /// Records that join their RRset.
    pub add: Option<Spanned<ZoneText>>,
    /// Records to remove: `mx2`, or one type: `mx2 A`.
    pub remove: Option<Spanned<Vec<Spanned<Without>>>>,
    /// Whether it is signed.
    pub signed: Option<Spanned<bool>>,
    /// Inception of its signatures.
    pub signed_from: Option<Spanned<Time>>,
    /// Expiry of its signatures.
    pub signed_until: Option<Spanned<Time>>,
    /// A step of a key change (RFC 6781 §4.1). `add-key`: the new key is published beside the old one. `add-ds`: so is its
    /// DS at the parent. `switch-signing`: the new key signs the records in the old one's place; a key-signing key and a
    /// key of another algorithm sign as soon as they are published. `drop-old`: the old key, its signatures and its DS go,
    /// and the DS of the new key is there. Which steps are taken, in which order and how far apart, is the file's.
    pub roll: Option<Spanned<RollStep>>,
    /// With the step that makes the new key: its algorithm (that of the old one). With split keys both change.
    pub algorithm: Option<Spanned<ZoneAlgorithm>>,
    /// With split keys: which of them changes (`zsk`).
    pub role: Option<Spanned<KeyRole>>,
    /// Only at this server.
    pub server: Option<Spanned<HostRef>>,
}

/// `configure`: settings change; the tree of declarations, only what changes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Configure {
    /// The outbound engine.
    pub sender: Option<Spanned<Sender>>,
    /// The inbound engine.
    pub receiver: Option<Spanned<Receiver>>,
    /// Tenants.
    pub tenant: Option<Map<TenantRef, Spanned<Tenant>>>,
    /// Hosts.
    pub host: Option<Map<HostRef, Spanned<Host>>>,
}

/// `rotate`: DKIM key rotation is called.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rotate {
    /// The domain.
    pub domain: Spanned<DomainName>,
    /// The size of the new key.
    pub key_size: Option<Spanned<u16>>,
}

/// `restart`: an engine or host goes down and comes back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restart {
    /// The host.
    pub host: Spanned<HostRef>,
    /// How it goes down (`kill`).
    pub how: Option<Spanned<RestartHow>>,
    /// At the next such moment (`now`).
    pub when: Option<Spanned<RestartWhen>>,
    /// How long it is down (`1m`).
    pub down: Option<Spanned<Duration>>,
}

impl Restart {
    /// What holds for `how`, written or not.
    pub fn how(&self) -> RestartHow {
        self.how.as_ref().map_or(RestartHow::Kill, |how| *how.get())
    }
    /// What holds for `when`, written or not.
    pub fn when(&self) -> RestartWhen {
        self.when.as_ref().map_or(RestartWhen::Now, |when| *when.get())
    }
    /// What holds for `down`, written or not.
    pub fn down(&self) -> Duration {
        self.down.as_ref().map_or(Duration::from_secs(60), |down| *down.get())
    }
}

/// `lookup`: the resolver is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lookup {
    /// The name.
    pub name: Spanned<DomainName>,
    /// The record type.
    #[serde(rename = "type")]
    pub rtype: Spanned<RecordTypeName>,
}

/// `dialogue`: a raw SMTP session. What the client says is sent as it is; a reply that does not begin like its line fails
/// the run. The client closes the connection after the last line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dialogue {
    /// The server.
    pub host: Spanned<HostRef>,
    /// The client.
    pub via: Spanned<HostRef>,
    /// Lines that begin with `C: ` or `S: `; one `S: ` for each reply.
    pub lines: Spanned<DialogueLines>,
}

impl Dialogue {
    /// The addresses in angle brackets that the client says, in lower case.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let said = self.lines.get().0.iter().filter_map(|line| match line {
            DialogueLine::Client(said) => Some(said),
            DialogueLine::Server(_) => None,
        });
        let bracketed = said.filter_map(|said| Some(said.split_once('<')?.1.split_once('>')?.0.to_ascii_lowercase()));
        bracketed.filter(|address| address.contains('@'))
    }
}

/// `fault`: something breaks. Which of the fields a kind takes and needs is told by [`FaultKind`].
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// What breaks.
    pub kind: Spanned<FaultKind>,
    /// A name for `heal`.
    pub name: Option<Spanned<Name>>,
    /// When it ends.
    pub until: Option<Spanned<Time>>,
    /// It ends after it has acted so many times.
    pub times: Option<Spanned<u32>>,
    /// Whether the run may end without its having acted (`false`: then it fails, as nothing showed what the fault does).
    pub may_not_act: Option<Spanned<bool>>,
    /// The server at which it happens.
    pub host: Option<Spanned<HostRef>>,
    /// Only for connections from this host.
    pub from: Option<Spanned<HostRef>>,
    /// Done by this host on the path.
    pub by: Option<Spanned<HostRef>>,
    /// Answers about this zone.
    pub zone: Option<Spanned<ZoneRef>>,
    /// Answers about this owner.
    pub owner: Option<Spanned<Text>>,
    /// Answers about this type.
    #[serde(rename = "type")]
    pub rtype: Option<Spanned<RecordTypeName>>,
    /// Only at this name server.
    pub server: Option<Spanned<HostRef>>,
    /// The moment of the session.
    pub stage: Option<Spanned<Stage>>,
    /// The reply (`smtp-reply`).
    pub reply: Option<Spanned<ReplyText>>,
    /// How many: iterations (`nsec3-iterations`), keys (`many-keys`), octets (`dns-large-lost`).
    pub count: Option<Spanned<u32>>,
    /// The forged records (`answer-forged`).
    pub records: Option<Spanned<ZoneText>>,
    /// The injected text (`starttls-injected`).
    pub text: Option<Spanned<MessageText>>,
    /// The certificate (`cert-substituted`).
    pub cert: Option<Spanned<CertRef>>,
    /// The version (`tls-downgraded`).
    pub version: Option<Spanned<TlsVersion>>,
    /// How long (`slow`, `dns-slow`).
    pub delay: Option<Spanned<Duration>>,
    /// How much, 0 to 100 (`loss`).
    pub percent: Option<Spanned<u8>>,
    /// The HTTP status (`http-status`).
    pub status: Option<Spanned<u16>>,
    /// By how much, and in which direction (`clock-shift`).
    pub shift: Option<Spanned<Time>>,
}
