//! An example for each entry: a file, of which the page shows what matters. All of them are run by a test.

use super::{Entry, Group, Support};

/// A file that shows one thing.
#[derive(Clone, Debug)]
pub struct Example {
    world: &'static str,
    text: String,
}

/// The message that an example needs if it sends none.
const SEND: &str = "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n";
/// What an example expects that states nothing else. No server here has such a code.
const NEVER: &str = "[[never]]\nrejected = { code = \"5.9.999\" }\n";

impl Example {
    /// The lines that the page shows.
    pub fn shown(&self) -> String {
        format!("world = \"{}\"\n{}", self.world, self.text)
    }

    /// The whole file.
    pub fn file(&self) -> String {
        let acts = ["send = ", "[at.send]", "dialogue", "lookup = "].iter().any(|verb| self.text.contains(verb));
        let expects = self.text.contains("[[expect]]") || self.text.contains("[[never]]");
        let send = if acts { "" } else { SEND };
        let never = if expects { "" } else { NEVER };
        format!("title = \"An example\"\n{}{send}{never}", self.shown())
    }
}

/// The example of an entry.
pub(super) fn of(entry: &Entry) -> Option<Example> {
    let (world, text) = match entry.group {
        Group::File => return file(),
        Group::Engines | Group::Declarations => declaration(entry)?,
        Group::Script => script(entry)?,
        Group::Faults => return fault(entry),
        Group::Expectations => expectation(entry)?,
        Group::References => reference(entry)?,
        Group::Messages => return message(entry),
        Group::Values => return None,
    };
    Some(Example { world, text: text.to_owned() })
}

fn file() -> Option<Example> {
    let text = "\
story = \"NDR 5.7.323 for all mail to fabrikam.example since Monday\"
covers = [\"dane.mismatch\"]
epoch = 2026-03-02T08:00:00Z
[cert.mx1-2025]
[zone.\"fabrikam.example\"]
records = '_25._tcp.mx1 TLSA 3 1 1 {spki-sha256:mx1-2025}'
[[at]]
send = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }
[[expect]]
after = \"+24h\"
bounced = { code = \"5.7.323\", attempts = 26 }
";
    Some(Example { world: "outbound", text: text.to_owned() })
}

fn declaration(entry: &Entry) -> Option<(&'static str, &'static str)> {
    Some(match entry.name.as_str() {
        "sender" => (
            "outbound",
            "[sender]\nretry = [\"5m\", \"30m\"]\nexpiration = \"2h\"\n[[at]]\nfault = { kind = \"refused\", host = \"mx1\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nbounced = { code = \"5.4.316\", attempts = 5 }\n",
        ),
        "connector" => ("outbound", "[sender.connector.\"fabrikam.example\"]\ntls = true\n"),
        "receiver" => ("inbound", "[receiver]\nprofile = \"rfc\"\n"),
        "resolver" => ("outbound", "[resolver]\ncache = false\ntimeout = \"2s\"\n"),
        "tenant" => (
            "inbound",
            "[tenant.fabrikam]\nspoof-intelligence = false\n[zone.\"contoso.example\"]\nwithout = [\"@ TXT\", \"_dmarc TXT\"]\n\
             [host.mail]\nclient.sign = []\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndelivered = { folder = \"inbox\" }\n",
        ),
        "dkim" => ("outbound", "[tenant.contoso.dkim.\"contoso.example\"]\nenabled = true\n"),
        "zone" => (
            "outbound",
            "[zone.\"fabrikam.example\"]\ndenial = \"nsec3\"\nsigned-until = \"+2h\"\nrecords = '''\n@    MX  20 mx2\n@    MX  10 mx1\n\
             mx2  A   {mx2}\n'''\n[host.mx2.smtp]\n",
        ),
        "host" => (
            "inbound",
            "[host.bulk]\nname = \"smtp.mailer.example\"\nip = \"198.51.100.77\"\nptr = \"none\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"bulk\" }\n",
        ),
        "smtp" => (
            "outbound",
            "[host.mx1.smtp]\ntls = \"1.2\"\nsize = 10000000\nrecipients = { \"bo@fabrikam.example\" = \"550 5.1.1 User unknown\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nbounced = { code = \"5.1.1\", by = \"mx1\" }\n",
        ),
        "https" => ("outbound", "[host.mx1.https]\ninbox = [\"/reports\"]\n"),
        "dns" => (
            "outbound",
            "[zone.\"fabrikam.example\"]\nservers = [\"ns1\", \"ns2\"]      # ns2 is asked only after ns1 failed\n\
             [host]\nns1.dns = {}\nns2.dns = { tcp = false }\n",
        ),
        "relay" => (
            "inbound",
            "[host.list.relay]\nchanges = [\"subject-tag\", \"footer\"]\nenvelope = \"list\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], through = [\"list\"] }\n",
        ),
        "client" => (
            "inbound",
            "[host.mail.client]\nehlo = \"mail.contoso.example\"\nafter-sign = [\"body-changed\"]      # so the signature breaks\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nverdict = { dkim = \"fail\" }\n",
        ),
        "cert" => (
            "outbound",
            "[cert.mx1]                    # the certificate that host mx1 has by itself\nuntil = \"-1d\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n",
        ),
        "ca" => (
            "outbound",
            "[ca.own]\n[cert.mx1]\nissuer = \"own\"             # DANE with usage 3 does not ask who issued it\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndelivered = { security = \"dane\" }\n",
        ),
        "key" => (
            "inbound",
            "[key.news]\ndomain = \"news.contoso.example\"\nalgorithm = \"ed25519\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], sign = [\"news\"] }\n\
             [[expect]]\nsigned = { domain = \"news.contoso.example\", selector = \"s1\" }\n",
        ),
        "link" => ("outbound", "[link.slow]\nbetween = [\"sender\", \"mx1\"]\nlatency = \"300ms\"\n"),
        "message" => (
            "inbound",
            "[message.folded]\ntext = '''\nFrom: {from}\nTo: {to}\nSubject: {subject}\nDate: {date}\nMessage-ID: {message-id}\n\nHello\n'''\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], message = \"folded\" }\n\
             [[expect]]\ndelivered = { folder = \"inbox\" }\n",
        ),
        _ => return None,
    })
}

fn script(entry: &Entry) -> Option<(&'static str, &'static str)> {
    Some(match entry.name.as_str() {
        "at" => (
            "outbound",
            "[[at]]\ntime = \"+1h\"\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nafter = \"+1h\"\ndelivered = {}\n",
        ),
        "send" => (
            "outbound",
            "[[at]]\nsend = { id = \"daily\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = 3, every = \"1d\" }\n\
             [[expect]]\nafter = \"+2d\"\ndelivered = { message = \"daily\" }\n",
        ),
        "publish" => (
            "outbound",
            "[[at]]\ntime = \"+1h\"\npublish = { zone = \"fabrikam.example\", replace = '@ MX 10 mx2', add = 'mx2 A {mx2}' }\n\
             [host.mx2.smtp]\n[[at]]\ntime = \"+2h\"\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndelivered = { host = \"mx2\" }\n",
        ),
        "configure" => (
            "outbound",
            "[[at]]\nconfigure.host.mx1.smtp.recipients.\"bo@fabrikam.example\" = \"452 4.2.2 Mailbox full\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[at]]\ntime = \"+20m\"\nconfigure.host.mx1.smtp.recipients.\"bo@fabrikam.example\" = \"250 2.1.5 OK\"\n\
             [[expect]]\ndelivered = { attempts = 3 }\n",
        ),
        "rotate" => ("outbound", "[[at]]\nrotate = { domain = \"contoso.example\", key-size = 2048 }\n"),
        "fault" => (
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+20m\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndelivered = { attempts = 3 }\n",
        ),
        "heal" => (
            "outbound",
            "[[at]]\nfault = { kind = \"unreachable\", host = \"mx1\", name = \"outage\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[at]]\ntime = \"+5m\"\nheal = \"outage\"\n[[expect]]\ndelivered = { attempts = 2 }\n",
        ),
        "restart" => (
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+20m\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[at]]\ntime = \"+5m\"\nrestart = { host = \"sender\", how = \"power-loss\", down = \"2m\" }\n\
             [[expect]]\ndelivered = { copies = 1 }\n",
        ),
        "lookup" => (
            "outbound",
            "[[at]]\nlookup = { name = \"_25._tcp.mx1.fabrikam.example\", type = \"TLSA\" }\n\
             [[expect]]\nresolved = { type = \"TLSA\", status = \"secure\" }\n",
        ),
        "dialogue" => (
            "inbound",
            "[[at]]\n[at.dialogue]\nhost = \"receiver\"\nvia = \"mail\"\nlines = '''\nS: 220\nC: EHLO mail.contoso.example\nS: 250\nC: QUIT\nS: 221\n'''\n",
        ),
        _ => return None,
    })
}

/// A fault of each kind, from the fields that it needs.
fn fault(entry: &Entry) -> Option<Example> {
    let kind = entry.name.as_str();
    // Kinds that need a certain zone; all others act on the world as it is.
    let zone = match kind {
        "ds-without-key" => "[zone.\"fabrikam.example\"]\nsigned = false\n",
        http if http.starts_with("http-") => "[host.web.https]\n",
        "nsec3-iterations" | "denial-no-encloser" => "[zone.\"fabrikam.example\"]\ndenial = \"nsec3\"\n",
        "keys-signed-by-zsk" | "zsk-revoked" | "zsk-no-zone-key" | "zsk-other-protocol" => {
            "[zone.\"fabrikam.example\"]\nkeys = \"split\"\n"
        }
        _ => "",
    };
    let value = |field: &str| match (field, kind) {
        ("host", "clock-shift" | "disk-full") => "\"sender\"",
        ("host", http) if http.starts_with("http-") => "\"web\"",
        ("host", _) => "\"mx1\"",
        ("zone", _) => "\"fabrikam.example\"",
        ("stage", _) => "\"rcpt\"",
        ("reply", _) => "\"450 4.2.1 Try later\"",
        ("delay", _) => "\"2s\"",
        ("count", "many-keys") => "100",
        ("count", _) => "150",
        ("shift", _) => "\"-2h\"",
        ("percent", _) => "20",
        ("status", _) => "503",
        ("cert", _) => "\"mx1\"",
        ("version", _) => "\"1.2\"",
        ("records", _) => "'mx1 A 192.0.2.66'",
        ("text", _) => "\"250 mx1.fabrikam.example\"",
        _ => "\"x\"",
    };
    let mut fields: Vec<&str> =
        entry.fields.iter().filter(|field| field.needed).map(|field| field.name.as_str()).collect();
    if fields.is_empty() || fields == ["delay"] || fields == ["count"] {
        fields.insert(0, "zone");
    }
    let fields: String = fields.iter().map(|field| format!(", {field} = {}", value(field))).collect();
    let text = format!("{zone}[[at]]\nfault = {{ kind = \"{kind}\"{fields}, until = \"+1h\" }}\n");
    Some(Example { world: "outbound", text })
}

fn expectation(entry: &Entry) -> Option<(&'static str, &'static str)> {
    Some(match entry.name.as_str() {
        "expect" => (
            "outbound",
            "[zone.\"fabrikam.example\"]\nsigned = \"{signed}\"\n[variants]\nsigned = { dane = true, plain = false }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nwithin = \"+1m\"\nwhen = { signed = \"dane\" }\ndelivered = { security = \"dane\" }\n\
             [[never]]\nwhen = { signed = \"plain\" }\ndelivered = { security = \"dane\" }\n",
        ),
        "delivered" => (
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndelivered = { to = \"bo@fabrikam.example\", host = \"mx1\", security = \"dane\", copies = 1 }\n",
        ),
        "deferred" => (
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+20m\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\ndeferred = { code = \"4.4.316\", attempts = 2 }\n",
        ),
        "bounced" => (
            "outbound",
            "[host.mx1.smtp.recipients]\n\"bo@fabrikam.example\" = \"550 5.1.1 User unknown\"\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nbounced = { code = \"5.1.1\", text = \"User unknown\", stage = \"rcpt\" }\n\
             [[expect]]\ndelivered = { to = \"ann@contoso.example\", message = \"ndr\" }\n",
        ),
        "rejected" => (
            "inbound",
            "[host.mallory.client]\n[[at]]\n\
             send = { from = \"ann@contoso.example\", mail-from = \"x@mallory.example\", to = [\"bo@fabrikam.example\"], via = \"mallory\" }\n\
             [[expect]]\nrejected = { code = \"5.7.509\", by = \"receiver\" }\n",
        ),
        "notified" => (
            "outbound",
            "[[at]]\nfault = { kind = \"unreachable\", host = \"mx1\", until = \"+5h\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nafter = \"+4h\"\nnotified = { action = \"delayed\" }\n",
        ),
        "attempted" => (
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+20m\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nattempted = { times = [\"+0s\", \"+15m\", \"+30m\"] }\n",
        ),
        "verdict" => (
            "inbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nverdict = { spf = \"pass\", dkim = \"pass\", dmarc = \"pass\", compauth = \"pass\", reason = \"100\" }\n",
        ),
        "stamped" => (
            "inbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nstamped = { header = \"Authentication-Results\" }\n",
        ),
        "signed" => (
            "inbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nsigned = { domain = \"contoso.example\", selector = \"s1\" }\n",
        ),
        "reported" => (
            "inbound",
            "[zone.\"contoso.example\"]\nrecords = '''\n_dmarc   TXT  \"v=DMARC1; p=reject; rua=mailto:reports@contoso.example\"\n\
             @        MX   10 in\nin       A    {in}\n'''\n[host.in.smtp]\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nwithin = \"+17h\"                # a report is sent after the end of its day\nreported = { domain = \"contoso.example\", kind = \"dmarc\", day = 2026-03-02, successful = 1 }\n",
        ),
        "resolved" => (
            "outbound",
            "[[at]]\nfault = { kind = \"rrsig-expired\", zone = \"fabrikam.example\", until = \"+1h\" }\n\
             [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[expect]]\nresolved = { name = \"fabrikam.example\", type = \"MX\", status = \"bogus\", reason = \"rrsig-expired\" }\n",
        ),
        "status" => ("outbound", "[[expect]]\nstatus = { domain = \"contoso.example\", dkim = \"CnameMissing\" }\n"),
        "refused" => ("outbound", "[[expect]]\nrefused = { domain = \"contoso.example\" }\n"),
        "in-clear" => (
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
             [[never]]\nin-clear = { to = \"bo@fabrikam.example\" }\n",
        ),
        "cost" => (
            "outbound",
            "[[at]]\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n\
             [[expect]]\ncost = { dns-queries = \"..20\", signature-checks = \"..20\" }\n",
        ),
        _ => return None,
    })
}

fn reference(entry: &Entry) -> Option<(&'static str, &'static str)> {
    Some(match entry.name.as_str() {
        "{host}" => (
            "outbound",
            "[zone.\"fabrikam.example\"]\nrecords = '''\nmx1  A     {mx1}\nmx1  AAAA  {mx1}\n@    TXT   \"v=spf1 ip4:{mx1} -all\"\n'''\n",
        ),
        "{axis}" => (
            "outbound",
            "[[at]]\nrestart = { host = \"mx1\", how = \"{how}\" }\n[variants]\nhow = [\"kill\", \"power-loss\"]\n",
        ),
        "{name:mx1}" => ("outbound", "[zone.\"fabrikam.example\"]\nrecords = 'mail CNAME {name:mx1}'\n"),
        "{spki:c}" => ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 1 0 {spki:mx1}'\n"),
        "{spki-sha256:c}" => {
            ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 1 1 {spki-sha256:mx1}'\n")
        }
        "{spki-sha512:c}" => {
            ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 1 2 {spki-sha512:mx1}'\n")
        }
        "{cert:c}" => ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 0 0 {cert:mx1}'\n"),
        "{cert-sha256:c}" => {
            ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 0 1 {cert-sha256:mx1}'\n")
        }
        "{cert-sha512:c}" => {
            ("outbound", "[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 0 2 {cert-sha512:mx1}'\n")
        }
        "{dkim:k}" => (
            "inbound",
            "[zone.\"contoso.example\"]\nrecords = 'other._domainkey TXT {dkim:contoso}'\n[key.contoso]\nselector = \"other\"\n",
        ),
        "{dkim-target:D/S}" => (
            "outbound",
            "[zone.\"contoso.example\"]\nrecords = 'selector1._domainkey CNAME {dkim-target:contoso.example/selector1}'\n",
        ),
        "{ds:z}" => {
            ("outbound", "[[at]]\npublish = { zone = \"example\", replace = 'fabrikam DS {ds:contoso.example}' }\n")
        }
        _ => return None,
    })
}

fn message(entry: &Entry) -> Option<Example> {
    let fills = entry.name.starts_with('{');
    let text = match fills {
        true => "[message.m]\ntext = '''\nFrom: {from}\nTo: {to}\nSubject: {subject}\nDate: {date}\nMessage-ID: {message-id}\n\nHello\n'''\n".to_owned(),
        false => String::new(),
    };
    // One example is enough for what stands side by side in it.
    if fills && entry.name != "{date}" {
        return None;
    }
    let name = if fills { "m" } else { &entry.name };
    let send = format!(
        "[[at]]\nsend = {{ from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], message = \"{name}\" }}\n"
    );
    let expect = if entry.support == Support::NotYet { "" } else { "[[expect]]\ndelivered = { folder = \"inbox\" }\n" };
    Some(Example { world: "inbound", text: format!("{text}{send}{expect}") })
}
