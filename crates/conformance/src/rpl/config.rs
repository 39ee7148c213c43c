//! The configuration of a replay file: what the resolver is given of it, and which files are not for it.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::entry::Entry;
use super::options::{ConfigOption, Options};
use super::records;
use super::script::{Action, Script};
use mxlab_dns::name::Name;
use mxlab_dns::rdata::{Dnskey, Ds, Rrsig};
use mxlab_dns::record::{Record, RecordType};
use mxlab_dns::resolver::TrustAnchor;

/// Which way of taking a file is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A validator between a client and one upstream resolver.
    Transport,
    /// A resolver that asks name servers itself, from those of the root on.
    Iterate,
    /// A resolver that asks other resolvers.
    Forward,
}

/// Why a file is not replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// An option changes what a validator answers, in a way that is not a validator's.
    #[error("{option}: not a validator's")]
    Option {
        /// The option, with its clause if it is not `server`.
        option: String,
    },
    /// An option has a value that cannot be had here.
    #[error("{option}: {value}: cannot be had here")]
    Value {
        /// The option.
        option: String,
        /// Its value.
        value: String,
    },
    /// A step, adjustment or file of the language that only Unbound can follow.
    #[error("{keyword}: only Unbound can follow it")]
    Keyword {
        /// The keyword.
        keyword: &'static str,
    },
    /// A zone other than the root has servers of its own.
    #[error("{clause} for {zone}: servers can only be given for the root")]
    Zone {
        /// `stub-zone` or `forward-zone`.
        clause: &'static str,
        /// The zone.
        zone: String,
    },
    /// Nothing says whom to ask.
    #[error("no stub-zone or forward-zone for the root: there is nobody to ask")]
    NoServers,
    /// The file is signed with DSA (RFC 8624 §3.1: must not be implemented).
    #[error("signed with DSA (algorithm {algorithm}), which is not validated")]
    Dsa {
        /// 3 or 6.
        algorithm: u8,
    },
}

/// What the resolver of a replay is given.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How the file is taken.
    pub mode: Mode,
    /// Where trust begins; nowhere if there are none.
    pub anchors: Vec<TrustAnchor>,
    /// Zones below which nothing is validated (RFC 7646).
    pub insecure: Vec<Name>,
    /// The servers of the root, or the resolvers to ask.
    pub servers: Vec<SocketAddr>,
    /// The time at the first step.
    pub start: Timestamp,
    /// Whether sections that a client can do without are left out of positive answers.
    pub minimal_responses: bool,
    /// Whether servers can be reached over IPv6.
    pub ipv6: bool,
}

/// Which parts Unbound is made of.
const MODULES: &str = "module-config";

/// Options that may have any value: they say how Unbound works, not what comes out, or are taken up elsewhere.
const FREE_OPTIONS: &[&str] = &[
    "access-control",
    "chroot",
    "directory",
    "do-ip4",
    "do-ip6",
    "do-not-query-localhost",
    "do-udp",
    "do-tcp",
    "domain-insecure",
    "ede",
    "edns-buffer-size",
    "fake-sha1",
    "fake-dsa",
    "harden-glue",
    "harden-referral-path",
    "harden-large-queries",
    "harden-short-bufsize",
    "harden-below-nxdomain",
    "infra-cache-numhosts",
    "iter-scrub-promiscuous",
    "key-cache-size",
    "log-queries",
    "log-replies",
    "log-servfail",
    "log-time-ascii",
    "minimal-responses",
    "msg-cache-size",
    "name",
    "num-threads",
    "outgoing-range",
    "outbound-msg-retry",
    "prefetch",
    "prefetch-key",
    "qname-minimisation",
    "query-minimization",
    "rrset-cache-size",
    "rrset-roundrobin",
    "stub-addr",
    "stub-name",
    "stub-prime",
    "forward-addr",
    "target-fetch-policy",
    "trust-anchor",
    "trust-anchor-signaling",
    "use-caps-for-id",
    "username",
    "val-log-level",
    "val-override-date",
    "val-override-timestamp",
    "verbosity",
];

/// Options that must have a certain value, if they are there.
const FIXED_OPTIONS: &[(&str, &str)] = &[
    ("harden-dnssec-stripped", "yes"),
    ("harden-algo-downgrade", "no"),
    ("serve-expired", "no"),
    ("val-permissive-mode", "no"),
    ("val-clean-additional", "yes"),
    ("ignore-cd-flag", "no"),
    ("aggressive-nsec", "no"),
    ("root-key-sentinel", "no"),
    ("forward-first", "no"),
    ("stub-first", "no"),
];

impl Setup {
    /// What this file gives to its resolver.
    ///
    /// # Errors
    /// The file needs what a validator does not have.
    pub fn of(script: &Script) -> Result<Setup, Unsupported> {
        let options = &script.options;
        let mode = mode(options);
        check_options(options, mode)?;
        check_keywords(script)?;
        let validates = options.values(MODULES).last().is_none_or(|modules| modules.contains("validator"));
        let anchors = if validates { anchors(options)? } else { Vec::new() };
        if mode != Mode::Transport {
            check_algorithms(script, &anchors)?;
        }
        let insecure =
            options.values("domain-insecure").map(|name| parsed("domain-insecure", name, |name| name.parse().ok()));
        Ok(Setup {
            mode,
            anchors,
            // Files for transports name such zones for other validators.
            insecure: if mode == Mode::Transport { Vec::new() } else { insecure.collect::<Result<_, _>>()? },
            servers: servers(options, mode)?,
            start: start(options)?,
            minimal_responses: options.values("minimal-responses").last() != Some("no"),
            ipv6: options.values("do-ip6").last() != Some("no"),
        })
    }
}

/// An upstream outside of its clause is that of a transport; so is the only one of a file that names none.
fn mode(options: &Options) -> Mode {
    let upstream = |clause: &str, address: &str| {
        options.list().iter().any(|option| option.clause == clause && option.name == address)
    };
    let roots = |clause, address| options.zones(clause, address).any(|(zone, _)| zone == ".");
    let clauses = options.list().iter().any(|option| matches!(option.clause.as_str(), "stub-zone" | "forward-zone"));
    let stray = ["", "server"].iter().any(|clause| upstream(clause, "stub-addr") || upstream(clause, "forward-addr"));
    match () {
        () if stray || !clauses => Mode::Transport,
        () if roots("forward-zone", "forward-addr") => Mode::Forward,
        () => Mode::Iterate,
    }
}

/// Why the configuration of this file, if it can be read, is not for a validator.
pub(crate) fn skip_reason(text: &str) -> Option<Unsupported> {
    let options = Options::parse(text).ok()?;
    check_options(&options, mode(&options)).err()
}

fn check_options(options: &Options, mode: Mode) -> Result<(), Unsupported> {
    for ConfigOption { clause, name, value, .. } in options.list() {
        // Transports are given a few options of other resolvers too; nothing of them matters to a validator.
        let known = FREE_OPTIONS.contains(&name.as_str());
        let own_clause = matches!(clause.as_str(), "" | "server" | "stub-zone" | "forward-zone" | "remote-control");
        let option = || if own_clause { name.clone() } else { format!("{clause} {name}") };
        if !own_clause {
            return Err(Unsupported::Option { option: option() });
        }
        if name == MODULES {
            let ours = matches!(value.as_str(), "validator iterator" | "iterator");
            if !ours {
                return Err(Unsupported::Value { option: option(), value: value.clone() });
            }
            continue;
        }
        match FIXED_OPTIONS.iter().find(|(fixed, _)| fixed == name) {
            Some((_, fixed)) if fixed == value => {}
            Some(_) => return Err(Unsupported::Value { option: option(), value: value.clone() }),
            None if known || mode == Mode::Transport || clause == "remote-control" => {}
            None => return Err(Unsupported::Option { option: option() }),
        }
    }
    options.foreign().map_or(Ok(()), |keyword| Err(Unsupported::Keyword { keyword }))
}

fn check_keywords(script: &Script) -> Result<(), Unsupported> {
    let foreign = script.steps.iter().find_map(|step| match step.action {
        Action::Foreign(keyword) => Some(keyword),
        _ => None,
    });
    let subnet = script.entries().find_map(|entry| entry.adjusting.client_subnet);
    let cookie = script.entries().find_map(|entry| entry.matching.cookie);
    foreign.or(subnet).or(cookie).map_or(Ok(()), |keyword| Err(Unsupported::Keyword { keyword }))
}

/// DSA has not been allowed in validators since RFC 8624.
fn check_algorithms(script: &Script, anchors: &[TrustAnchor]) -> Result<(), Unsupported> {
    let of_anchors = anchors.iter().flat_map(|anchor| {
        let (digests, keys) = (anchor.ds.iter(), anchor.keys.iter());
        digests.map(|ds| ds.algorithm).chain(keys.map(|key| key.algorithm))
    });
    let records = script
        .replies()
        .filter_map(Entry::message)
        .flat_map(|message| [&message.answer, &message.authority, &message.additional].into_iter().flatten());
    let mut used = of_anchors.chain(records.filter_map(algorithm));
    used.find(|algorithm| matches!(algorithm, 3 | 6)).map_or(Ok(()), |algorithm| Err(Unsupported::Dsa { algorithm }))
}

/// The algorithm that a record is about.
fn algorithm(record: &Record) -> Option<u8> {
    match record.rtype {
        RecordType::DNSKEY => Dnskey::parse(&record.rdata).ok().map(|key| key.algorithm),
        RecordType::DS => Ds::parse(&record.rdata).ok().map(|ds| ds.algorithm),
        RecordType::RRSIG => Rrsig::parse(&record.rdata).ok().map(|rrsig| rrsig.algorithm),
        _ => None,
    }
}

/// The value of an option, read by `read`.
fn parsed<T>(option: &str, value: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Unsupported> {
    read(value).ok_or_else(|| Unsupported::Value { option: option.to_owned(), value: value.to_owned() })
}

/// The anchors, those of one zone together.
fn anchors(options: &Options) -> Result<Vec<TrustAnchor>, Unsupported> {
    let mut anchors: Vec<TrustAnchor> = Vec::new();
    for text in options.values("trust-anchor") {
        let record = parsed("trust-anchor", text, |text| records::record(text, &Name::root()).ok())?;
        let zone = record.name.clone();
        let at = anchors.iter().position(|anchor| anchor.zone == zone).unwrap_or_else(|| {
            anchors.push(TrustAnchor { zone, ds: Vec::new(), keys: Vec::new() });
            anchors.len() - 1
        });
        let Some(anchor) = anchors.get_mut(at) else { continue };
        match record.rtype {
            RecordType::DS => anchor.ds.extend(Ds::parse(&record.rdata).ok()),
            RecordType::DNSKEY => anchor.keys.extend(Dnskey::parse(&record.rdata).ok()),
            _ => return Err(Unsupported::Value { option: "trust-anchor".to_owned(), value: text.to_owned() }),
        }
    }
    Ok(anchors)
}

fn servers(options: &Options, mode: Mode) -> Result<Vec<SocketAddr>, Unsupported> {
    let (clause, address) = match mode {
        // Any address will do: all of them are answered alike.
        Mode::Transport => return Ok(vec![SocketAddr::from(([192, 0, 2, 1], 53))]),
        Mode::Iterate => ("stub-zone", "stub-addr"),
        Mode::Forward => ("forward-zone", "forward-addr"),
    };
    for (clause, address) in [("stub-zone", "stub-addr"), ("forward-zone", "forward-addr")] {
        if let Some((zone, _)) = options.zones(clause, address).find(|(zone, _)| *zone != ".") {
            return Err(Unsupported::Zone { clause, zone: zone.to_owned() });
        }
    }
    let own = options.zones(clause, address).flat_map(|(_, addresses)| addresses);
    let read = |text: &str| {
        // A port may follow: 192.0.2.1@5300. Replays know no ports.
        let host = text.split('@').next().unwrap_or_default();
        host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53))
    };
    let servers = own.map(|text| parsed(address, text, read)).collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() { Err(Unsupported::NoServers) } else { Ok(servers) }
}

/// The time that the file wants; 1970 without one, as in Unbound's driver.
fn start(options: &Options) -> Result<Timestamp, Unsupported> {
    let date = |text: &str| match text.len() {
        14 => {
            let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
            Offset::UTC.to_timestamp(time).ok()
        }
        // 0 is the machine's time, -1 none at all: neither is a time.
        _ => seconds(text),
    };
    let mut start = Timestamp::UNIX_EPOCH;
    for text in options.values("val-override-date") {
        start = parsed("val-override-date", text, date)?;
    }
    for text in options.values("val-override-timestamp") {
        start = parsed("val-override-timestamp", text, seconds)?;
    }
    Ok(start)
}

fn seconds(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|seconds| *seconds > 0).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(config: &str, steps: &str) -> Script {
        Script::parse(&format!("{config}\nCONFIG_END\nSCENARIO_BEGIN t\n{steps}SCENARIO_END\n")).unwrap()
    }

    const STUB: &str = "stub-zone:\n name: \".\"\n stub-addr: 192.0.2.1 # a comment\n stub-addr: 2001:db8::1@53\n";

    #[test]
    fn the_content_says_the_mode() {
        for (config, expected) in [
            ("server:\n stub-addr: 192.0.2.1\n", Mode::Transport),
            ("stub-addr: 192.0.2.1\n", Mode::Transport),
            ("server:\n forward-addr: 192.0.2.1\n", Mode::Transport),
            ("server:\n do-ip6: no\n", Mode::Transport),
            (";stub-zone:\n server: stub-addr: 192.0.2.1", Mode::Transport),
            (STUB, Mode::Iterate),
            ("forward-zone:\n name: .\n forward-addr: 192.0.2.9\n", Mode::Forward),
            ("server: do-ip6: no\nforward-zone: name: \".\"\n forward-addr: 192.0.2.9", Mode::Forward),
            ("forward-zone: name: \".\" forward-addr: 192.0.2.9", Mode::Forward),
            ("forward-zone: name: . forward-addr: 2001:db8::1 # a comment: none", Mode::Forward),
        ] {
            assert_eq!(Setup::of(&script(config, "")).unwrap().mode, expected, "{config}");
        }
    }

    #[test]
    fn what_the_resolver_is_given() {
        let config = "server:
            trust-anchor: \"a.z. 3600 IN DS 7 13 2 00ff\"
            trust-anchor: 'a.z. DS 8 13 2 ff00'
            trust-anchor: \"z. IN DNSKEY 257 3 15 AA==\"
            domain-insecure: \"b.z\"
            minimal-responses: no
            val-override-date: \"20260302080000\"\n";
        let setup = Setup::of(&script(&format!("{config}{STUB}"), "")).unwrap();
        let anchors: Vec<_> = setup.anchors.iter().map(|a| (a.zone.to_string(), a.ds.len(), a.keys.len())).collect();
        assert_eq!(anchors, [("a.z".to_owned(), 2, 0), ("z".to_owned(), 0, 1)]);
        assert_eq!(setup.insecure, ["b.z".parse().unwrap()]);
        assert_eq!(setup.servers, ["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap()]);
        assert_eq!((setup.start.as_second(), setup.minimal_responses, setup.ipv6), (1_772_438_400, false, true));
        let without = format!("server: do-ip6: no\n{STUB}");
        assert!(!Setup::of(&script(&without, "")).unwrap().ipv6);
        let seconds = format!("server: val-override-timestamp: 1772438400\n{STUB}");
        assert_eq!(Setup::of(&script(&seconds, "")).unwrap().start, setup.start);
    }

    #[test]
    fn what_is_not_a_validators() {
        let entry = "ENTRY_BEGIN\nSECTION QUESTION\nz. IN A\nENTRY_END\n";
        for (config, steps, expected) in [
            (format!("server: cache-min-ttl: 5\n{STUB}"), String::new(), "cache-min-ttl: not a validator's"),
            (format!("server: serve-expired: yes\n{STUB}"), String::new(), "serve-expired: yes: cannot be had here"),
            (format!("auth-zone: name: z\n{STUB}"), String::new(), "auth-zone name: not a validator's"),
            (
                STUB.to_owned(),
                format!("STEP 1 REPLY\n{}", entry.replace("SECTION", "MATCH server_cookie\nSECTION")),
                "MATCH server_cookie: only Unbound can follow it",
            ),
            (
                format!("server: val-override-date: -1\n{STUB}"),
                String::new(),
                "val-override-date: -1: cannot be had here",
            ),
            (
                "stub-zone: name: z.\n stub-addr: 192.0.2.1\n".to_owned(),
                String::new(),
                "stub-zone for z.: servers can only be given for the root",
            ),
            ("stub-zone: name: .\n stub-host: a.\n".to_owned(), String::new(), "stub-host: not a validator's"),
            (
                "stub-zone: name: .\n".to_owned(),
                String::new(),
                "no stub-zone or forward-zone for the root: there is nobody to ask",
            ),
            (
                format!("AUTOTRUST_FILE z\nz. DNSKEY\nAUTOTRUST_END\n{STUB}"),
                String::new(),
                "AUTOTRUST_FILE: only Unbound can follow it",
            ),
            (STUB.to_owned(), "STEP 1 INFRA_RTT 192.0.2.1 z. 3\n".to_owned(), "INFRA_RTT: only Unbound can follow it"),
            (
                STUB.to_owned(),
                format!("STEP 1 REPLY\n{}", entry.replace("SECTION", "ADJUST increment_ecs_scope\nSECTION")),
                "ADJUST increment_ecs_scope: only Unbound can follow it",
            ),
            (
                format!("server: trust-anchor: \"z. DS 7 3 1 00\"\n{STUB}"),
                String::new(),
                "signed with DSA (algorithm 3), which is not validated",
            ),
            (
                STUB.to_owned(),
                format!(
                    "STEP 1 REPLY\n{}",
                    entry.replace("ENTRY_END", "SECTION ANSWER\nz. DNSKEY 256 3 6 AA==\nENTRY_END")
                ),
                "signed with DSA (algorithm 6), which is not validated",
            ),
        ] {
            assert_eq!(Setup::of(&script(&config, &steps)).unwrap_err().to_string(), expected, "{config}{steps}");
        }
    }
}
