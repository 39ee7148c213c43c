//! The script: entries of `[[at]]` with their verbs, and faults (reference sections 5 and 6).

use schemars::JsonSchema;
use serde::Deserialize;

use super::declarations::{Host, Map, Receiver, Sender, Tenant};
use super::spanned::{Span, Spanned};
use super::values::*;
use super::word::verbs;
use super::words::*;

pub use super::faults::FaultKind;

verbs! {
    /// An `[[at]]` entry as it is written.
    entry AtEntry {
        /// When the entry acts.
        ///
        /// Default: `+0s`.
        time: Time,
    }
    /// What an entry of the script does. Each holds the place of its table.
    enum Action by into_action {
        /// A message is submitted.
        send = "send": Send(Send),
        /// A zone changes, and is signed again.
        publish = "publish": Publish(Publish),
        /// Settings of hosts change while they run. The table is the tree of declarations with only what changes.
        configure = "configure": Configure(Configure),
        /// Rotation of the DKIM keys of a domain is called.
        ///
        /// Not supported yet.
        rotate = "rotate": Rotate(Rotate),
        /// Something breaks.
        fault = "fault": Fault(Fault),
        /// A named fault ends. The value is the name of the fault.
        heal = "heal": Heal(FaultRef),
        /// An engine or host goes down and comes back.
        restart = "restart": Restart(Restart),
        /// The resolver is asked, as an engine would ask it.
        lookup = "lookup": Lookup(Lookup),
        /// A host opens a raw SMTP session. What the client says is sent as it is; a reply that does not begin like
        /// its line fails the run. The client closes the connection after the last line.
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
    /// The author. It is also the envelope sender, unless `mail-from` is given.
    pub from: Spanned<Address>,
    /// The recipients.
    pub to: Spanned<Vec<Spanned<Address>>>,
    /// The envelope sender; an empty text means the null reverse-path.
    ///
    /// Default: the author.
    pub mail_from: Option<Spanned<ReversePath>>,
    /// The name of the message text: one of `[message.NAME]`, or a ready-made one.
    ///
    /// Default: `plain`.
    ///
    /// Not supported yet: `attachment`, `eight-bit`, `utf8`, `long-lines`, `large`.
    pub message: Option<Spanned<MessageRef>>,
    /// The subject, which takes the place of `{subject}` in the message text.
    ///
    /// Default: `Hello`.
    pub subject: Option<Spanned<MessageText>>,
    /// A name by which expectations refer to the message.
    pub id: Option<Spanned<Name>>,
    /// The host that sends.
    ///
    /// Default: the outbound engine, else the only host with `client`.
    pub via: Option<Spanned<HostRef>>,
    /// The relays on the way, in order.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub through: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// The keys of the DKIM signatures that the sending host puts on. The outbound engine puts on none yet.
    ///
    /// Default: its `client.sign`.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// How many messages are sent, one like the other.
    ///
    /// Default: `1`.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: Option<Spanned<u32>>,
    /// The time between two messages of a `count`.
    ///
    /// Default: `0s`.
    pub every: Option<Spanned<Duration>>,
    /// The NOTIFY parameter (RFC 3461).
    ///
    /// Not supported yet.
    pub notify: Option<Spanned<Vec<Spanned<NotifyWord>>>>,
    /// The RET parameter (RFC 3461).
    ///
    /// Not supported yet.
    pub ret: Option<Spanned<ReturnContent>>,
    /// The ENVID parameter (RFC 3461).
    ///
    /// Not supported yet.
    pub envid: Option<Spanned<Text>>,
    /// The ORCPT parameter (RFC 3461).
    ///
    /// Not supported yet.
    pub orcpt: Option<Spanned<Text>>,
    /// The REQUIRETLS parameter (RFC 8689).
    ///
    /// Default: `false`.
    ///
    /// Not supported yet.
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
    /// The zone that changes.
    pub zone: Spanned<ZoneRef>,
    /// Records as zone text. Each RRset in it takes the place of the old one.
    pub replace: Option<Spanned<ZoneText>>,
    /// Records as zone text, which join their RRset.
    pub add: Option<Spanned<ZoneText>>,
    /// Records that go: an owner, or an owner and a type.
    ///
    /// Default: `[]`.
    pub remove: Option<Spanned<Vec<Spanned<Without>>>>,
    /// Whether the zone is signed from now on.
    ///
    /// Default: as before.
    pub signed: Option<Spanned<bool>>,
    /// When its signatures begin to be valid.
    ///
    /// Default: as in the zone.
    pub signed_from: Option<Spanned<Time>>,
    /// When its signatures end.
    ///
    /// Default: `never`.
    pub signed_until: Option<Spanned<Time>>,
    /// A step of a key change (RFC 6781 section 4.1). `add-key`: the new key is published beside the old one. `add-
    /// ds`: so is its DS at the parent. `switch-signing`: the new key signs the records in the old one's place; a
    /// key-signing key and a key of another algorithm sign as soon as they are published. `drop-old`: the old key,
    /// its signatures and its DS go, and the DS of the new key is there. The file says which steps are taken, in
    /// which order and how far apart.
    pub roll: Option<Spanned<RollStep>>,
    /// The algorithm of the new key, with the step that makes it. With split keys both change.
    ///
    /// Default: that of the old key.
    pub algorithm: Option<Spanned<ZoneAlgorithm>>,
    /// The key that changes, if the zone has split keys.
    ///
    /// Default: `zsk`.
    pub role: Option<Spanned<KeyRole>>,
    /// The only name server at which the change is seen.
    ///
    /// Default: all servers of the zone.
    pub server: Option<Spanned<HostRef>>,
}

/// `configure`: settings change; the tree of declarations, only what changes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Configure {
    /// Settings of the outbound engine.
    ///
    /// Not supported yet.
    pub sender: Option<Spanned<Sender>>,
    /// Settings of the inbound engine.
    ///
    /// Not supported yet.
    pub receiver: Option<Spanned<Receiver>>,
    /// Settings of tenants, by name.
    ///
    /// Not supported yet.
    pub tenant: Option<Map<TenantRef, Spanned<Tenant>>>,
    /// Settings of hosts, by name. Only those of `smtp` can change.
    pub host: Option<Map<HostRef, Spanned<Host>>>,
}

/// `rotate`: DKIM key rotation is called.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rotate {
    /// The domain whose keys rotate.
    ///
    /// Not supported yet.
    pub domain: Spanned<DomainName>,
    /// The size of the new key in bits.
    ///
    /// Default: as before.
    ///
    /// Not supported yet.
    pub key_size: Option<Spanned<u16>>,
}

/// `restart`: an engine or host goes down and comes back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restart {
    /// The host that goes down: `sender`, `receiver` or a declared host.
    pub host: Spanned<HostRef>,
    /// How it goes down.
    ///
    /// Default: `kill`.
    ///
    /// Not supported yet: `stop`.
    pub how: Option<Spanned<RestartHow>>,
    /// The moment at which it goes down: at once, or at the next such moment.
    ///
    /// Default: `now`.
    ///
    /// Not supported yet: `queued`, `connected`, `final-dot-sent`, `reply-read`, `stored`.
    pub when: Option<Spanned<RestartWhen>>,
    /// How long it is down.
    ///
    /// Default: `1m`.
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
    /// The name that is asked for.
    pub name: Spanned<DomainName>,
    /// The record type that is asked for.
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
    /// The lines of the session. `C: ` begins what the client says, `S: ` begins how the next reply of the server
    /// begins, code included; there is one `S: ` for each reply.
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
    /// A name by which `heal` ends it.
    pub name: Option<Spanned<Name>>,
    /// When it ends.
    ///
    /// Default: the end of the run.
    pub until: Option<Spanned<Time>>,
    /// How many times it acts before it ends.
    ///
    /// Default: without limit.
    #[schemars(range(min = 1))]
    pub times: Option<Spanned<u32>>,
    /// Whether the run may end without its having acted. Otherwise the run then fails, as nothing showed what it does.
    ///
    /// Default: `false`.
    pub may_not_act: Option<Spanned<bool>>,
    /// The host at which it happens.
    pub host: Option<Spanned<HostRef>>,
    /// The only client for whose connections it happens.
    ///
    /// Default: every client.
    pub from: Option<Spanned<HostRef>>,
    /// The host on the path that does it.
    ///
    /// Not supported yet.
    pub by: Option<Spanned<HostRef>>,
    /// The zone whose answers are wrong.
    pub zone: Option<Spanned<ZoneRef>>,
    /// The only owner whose answers are wrong: a name as in zone text.
    ///
    /// Default: every name of the zone.
    pub owner: Option<Spanned<Text>>,
    /// The only record type whose answers are wrong.
    ///
    /// Default: every type.
    #[serde(rename = "type")]
    pub rtype: Option<Spanned<RecordTypeName>>,
    /// The only name server at which it happens.
    ///
    /// Default: every server of the zone.
    pub server: Option<Spanned<HostRef>>,
    /// The moment of the session at which it happens.
    pub stage: Option<Spanned<Stage>>,
    /// The reply that the server gives instead of its own.
    pub reply: Option<Spanned<ReplyText>>,
    /// How many: iterations of `nsec3-iterations`, keys of `many-keys`, octets of `dns-large-lost`.
    #[schemars(range(min = 1, max = 65_535))]
    pub count: Option<Spanned<u32>>,
    /// The forged records of `answer-forged`, as zone text.
    pub records: Option<Spanned<ZoneText>>,
    /// The text that `starttls-injected` puts in.
    pub text: Option<Spanned<MessageText>>,
    /// The certificate that `cert-substituted` presents.
    pub cert: Option<Spanned<CertRef>>,
    /// The version of TLS to which `tls-downgraded` goes down.
    pub version: Option<Spanned<TlsVersion>>,
    /// How long packets or answers are late.
    pub delay: Option<Spanned<Duration>>,
    /// How many of a hundred packets are lost.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<Spanned<u8>>,
    /// The HTTP status of `http-status`.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<Spanned<u16>>,
    /// By how much the clock is wrong: `+20d` means that it is fast, `-2h` that it is slow.
    pub shift: Option<Spanned<Time>>,
}
