//! Wrong files, each kind of mistake by its place and message.
//!
//! Every file is read over a world; `outbound` and `inbound` are those of the repository. A row says of each mistake its code,
//! line and column, the text at its place, and the message, in the order of the file. A mistake that is a consequence of
//! another one is not told, and none hides another.

mod common;

use common::{BEHAVIOURS, worlds};
use mxlab_language::{Diagnostic, Scenario, read_for};

/// What a runner may refuse: here greylisting, to see that it is told beside other mistakes.
fn refusals(scenario: &Scenario) -> Vec<Diagnostic> {
    let servers = scenario.hosts.values().filter_map(|host| host.smtp.as_ref()?.greylist.as_ref());
    servers.map(|greylist| Diagnostic::not_supported("greylisting", greylist.span())).collect()
}

/// The mistakes of a file over `world`: `code line:column \`text\` message`.
fn told(world: &str, body: &str) -> Vec<String> {
    let text = format!("title = \"A mistake\"\nworld = \"{world}\"\n{body}");
    let mistakes = match read_for("example.toml", &text, &worlds(), BEHAVIOURS, &refusals) {
        Ok(loaded) => loaded.warnings,
        Err(mistakes) => mistakes,
    };
    mistakes.render(true);
    let items = mistakes.items().iter();
    items
        .map(|item| {
            let place = mistakes.sources().position(item.primary.span);
            let text = mistakes.sources().slice(item.primary.span).lines().next().unwrap_or_default();
            let text: String = text.chars().take(40).collect();
            format!("{} {}:{} `{text}` {}", item.code, place.line, place.column, item.message)
        })
        .collect()
}

/// A row: what is wrong, the world, the file below its head, and what is told of it.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

fn check(rows: &[Row]) {
    for (what, world, body, expected) in rows {
        assert_eq!(told(world, body), *expected, "{what}");
    }
}

#[test]
fn places_and_types() {
    check(&[
        (
            "a key of the whole file below a table",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\nworld = \"outbound\"\nuntil = \"+1h\"\n[[expect]]\ndelivered = {}\n",
            &["misplaced-key 5:1 `world` `world` is inside `at`", "misplaced-key 6:1 `until` `until` is inside `at`"],
        ),
        (
            "an entry with single brackets",
            "outbound",
            "[at]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[expect]\ndelivered = {}\n",
            &["wrong-type 3:1 `[at]` `at` takes an array", "wrong-type 5:1 `[expect]` `expect` takes an array"],
        ),
        (
            "the value of an axis without quotes",
            "outbound",
            "[zone.\"fabrikam.example\"]\nsigned = \"{s}\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\ns = [true, false]\n[[expect]]\nwhen = { s = true }\ndelivered = {}\n",
            &["wrong-type 10:14 `true` `when.s` takes a string or an array of strings"],
        ),
        (
            "text without quotes",
            "outbound",
            "story = why\nseed-sensitive = Bo's\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "toml 3:9 `why` `why` is not a value: text needs quotes",
                "toml 4:18 `Bo's` not TOML: string values must be quoted, expected literal string",
            ],
        ),
        (
            "a date that is no epoch",
            "outbound",
            "epoch = 2026-03-02\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 3:9 `2026-03-02` `2026-03-02` is not a date-time in UTC"],
        ),
        (
            "a time of day that is no time",
            "outbound",
            "until = 08:00:00\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 3:9 `08:00:00` `08:00:00` is not a time"],
        ),
        (
            "a local time",
            "outbound",
            "until = 2026-03-03T08:00:00\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 3:9 `2026-03-03T08:00:00` `2026-03-03T08:00:00` is not a time"],
        ),
        (
            "negative numbers",
            "outbound",
            "seed = -1\n[sender]\nretry = [\"-15m\"]\nexpiration = \"-24h\"\n[host.mx1.smtp]\nsize = -5\n[[at]]\ntime = \"-5m\"\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = -3, every = \"-1m\" }\n[[expect]]\ndelivered = { to = \"bo@fabrikam.example\", attempts = -1, copies = \"-1..2\" }\n",
            &[
                "bad-value 3:8 `-1` `seed` cannot be -1",
                "bad-value 5:11 `-` `-15m` is not a duration",
                "bad-value 6:15 `-` `-24h` is not a duration",
                "bad-value 8:8 `-5` `size` cannot be -5",
                "bad-value 10:8 `\"-5m\"` nothing happens before the epoch",
                "bad-value 11:78 `-3` `count` cannot be -3",
                "bad-value 11:91 `-` `-1m` is not a duration",
                "bad-value 13:54 `-1` `attempts` cannot be -1",
                "bad-value 13:68 `-1` `-1..2` is not a count",
            ],
        ),
        (
            "numbers out of their one range",
            "outbound",
            "[[at]]\nfault = { kind = \"loss\", host = \"mx1\", percent = 1000 }\n[[at]]\nfault = { kind = \"http-status\", host = \"mx1\", status = 999 }\n[[at]]\nfault = { kind = \"many-keys\", zone = \"fabrikam.example\", count = 99999999 }\n[[at]]\nfault = { kind = \"many-keys\", zone = \"fabrikam.example\", count = 201 }\n[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", times = 0 }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "bad-value 4:50 `1000` `percent` cannot be 1000",
                "wrong-role 6:40 `\"mx1\"` host `mx1` has no `https`",
                "bad-value 6:56 `999` `status` cannot be 999",
                "bad-value 8:66 `99999999` `count` cannot be 99999999",
                "bad-value 10:66 `201` `count` of a `many-keys` fault cannot be 201",
                "bad-value 12:65 `0` `times` cannot be 0",
            ],
        ),
        (
            "names that are none",
            "outbound",
            "[host.sender]\nsmtp = {}\n[host.from]\nsmtp = {}\n[host.\"my host\"]\nsmtp = {}\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "reserved-name 3:7 `sender` no host can be called `sender`",
                "reserved-name 5:7 `from` no host can be called `from`",
                "bad-value 7:7 `\"my host\"` `my host` is not a name",
            ],
        ),
        (
            "control characters",
            "outbound",
            "story = \"a\\u0007b\"\nseed-sensitive = \"\\u001b[0m\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "bad-value 3:9 `\"a\\u0007b\"` `story` is plain text",
                "bad-value 4:18 `\"\\u001b[0m\"` `seed-sensitive` is one line of plain text",
            ],
        ),
    ]);
}

#[test]
fn addresses_and_replies() {
    check(&[
        (
            "two at signs",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@@fabrikam.example\"] }\n[[expect]]\nbounced = { to = \"bo@@fabrikam.example\" }\n",
            &["bad-value 4:49 `@@fabrikam.example` `bo@@fabrikam.example` is not an e-mail address"],
        ),
        (
            "a local part with a blank at its end",
            "outbound",
            "[[at]]\nsend = { from = \"ann.@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 4:18 `ann.` `ann.@contoso.example` is not an e-mail address"],
        ),
        (
            "a domain with an underscore at the end of nothing",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso..example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 4:22 `contoso..example` `ann@contoso..example` is not an e-mail address"],
        ),
        (
            "a reply of two lines with different codes",
            "outbound",
            "[host.mx1.smtp.recipients]\n\"bo@fabrikam.example\" = \"250 ok\\r\\n550 no\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 4:25 `\"250 ok\\r\\n550 no\"` `250 ok…` is not an SMTP reply"],
        ),
        (
            "a reply that does not end",
            "outbound",
            "[host.mx1.smtp.recipients]\n\"bo@fabrikam.example\" = \"550-no\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 4:26 `550-no` `550-no` is not an SMTP reply"],
        ),
        (
            "a reply for nobody",
            "outbound",
            "[host.mx1.smtp.recipients]\n\"bob@fabrikam.example\" = \"550 no\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["unknown-address 4:1 `\"bob@fabrikam.example\"` no message in this file goes to `bob@fabrikam.example`"],
        ),
        (
            "a recipient twice",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\", \"Bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["duplicate-name 4:69 `\"Bo@fabrikam.example\"` Bo@fabrikam.example is a recipient twice"],
        ),
    ]);
}

#[test]
fn messages() {
    check(&[
        (
            "a distance of one message",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], every = \"1h\" }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 4:78 `\"1h\"` `every` needs a `count`: one message has no distance from the next"],
        ),
        (
            "messages beyond forty days",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = 100, every = \"1d\" }\n[[expect]]\ndelivered = { to = \"bo@fabrikam.example\" }\n",
            &["beyond-end 4:91 `\"1d\"` 59 of these 100 messages come after the end of the run"],
        ),
        (
            "messages beyond the end",
            "outbound",
            "until = \"+5h\"\n[[at]]\ntime = \"+1h\"\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = 10, every = \"1h\" }\n[[expect]]\ndelivered = { to = \"bo@fabrikam.example\" }\n",
            &["beyond-end 6:90 `\"1h\"` 5 of these 10 messages come after the end of the run"],
        ),
        (
            "a subject without a place",
            "outbound",
            "[message.m]\ntext = \"From: {from}\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], message = \"m\", subject = \"x\" }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 6:95 `\"x\"` message `m` has no `{subject}`"],
        ),
        (
            "references of a message that nearly fit",
            "outbound",
            "[message.m]\ntext = \"From: {form}\\nTo: { to }\\nSubject: {subject}\\n\\n{dat} { color: red }\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], message = \"m\", subject = \"x\" }\n[[expect]]\ndelivered = {}\n",
            &[
                "near-reference 4:8 `\"From: {form}\\nTo: { to }\\nSubject: {sub` `{form}` stays as it is: it refers to nothing",
                "near-reference 4:8 `\"From: {form}\\nTo: { to }\\nSubject: {sub` `{ to }` stays as it is: it refers to nothing",
                "near-reference 4:8 `\"From: {form}\\nTo: { to }\\nSubject: {sub` `{dat}` stays as it is: it refers to nothing",
            ],
        ),
    ]);
}

#[test]
fn expectations() {
    check(&[
        (
            "codes of another class",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[never]]\nbounced = { code = \"4.7.323\" }\n[[never]]\ndeferred = { code = \"5.7.323\" }\n[[never]]\nrejected = { code = \"2.0.0\" }\n",
            &[
                "never-holds 6:20 `\"4.7.323\"` nothing is ever `bounced` with the code 4.7.323",
                "never-holds 8:21 `\"5.7.323\"` nothing is ever `deferred` with the code 5.7.323",
                "never-holds 10:21 `\"2.0.0\"` nothing is ever `rejected` with the code 2.0.0",
            ],
        ),
        (
            "an engine that does not run",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nverdict = { spf = \"fail\" }\n[[never]]\nstamped = { header = \"X\" }\n[[expect]]\ndelivered = { folder = \"junk\" }\n",
            &[
                "no-engine 6:11 `{ spf = \"fail\" }` `verdict` tells of the inbound engine, and none runs",
                "no-engine 8:11 `{ header = \"X\" }` `stamped` tells of the inbound engine, and none runs",
                "no-engine 10:13 `{ folder = \"junk\" }` `delivered` tells of the inbound engine, and none runs",
            ],
        ),
        (
            "an engine that does not run, inbound",
            "inbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nbounced = {}\n[[never]]\nattempted = { hosts = [\"mail\"] }\n[[expect]]\ndelivered = { attempts = 1 }\n",
            &[
                "no-engine 6:11 `{}` `bounced` tells of the outbound engine, and none runs",
                "no-engine 8:13 `{ hosts = [\"mail\"] }` `attempted` tells of the outbound engine, and none runs",
                "no-engine 10:13 `{ attempts = 1 }` `delivered` tells of the outbound engine, and none runs",
            ],
        ),
        (
            "conditions that name nothing",
            "outbound",
            "[zone.\"fabrikam.example\"]\nsigned = \"{s}\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\ns = [true, false]\n[[expect]]\nwhen = {}\ndelivered = {}\n[[expect]]\nwhen = { s = [] }\ndelivered = {}\n",
            &["no-effect 10:8 `{}` this `when` names no axis", "never-holds 13:14 `[]` no value of axis `s` is named"],
        ),
        (
            "an expectation twice",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nwithin = \"+1h\"\ndelivered = { to = \"bo@fabrikam.example\" }\n[[expect]]\ndelivered = { to = \"bo@fabrikam.example\" }\nwithin = \"+1h\"\n",
            &["said-twice 8:1 `[[expect]]` this expectation is there already"],
        ),
        (
            "a list of attempts without a list",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nattempted = { to = \"bo@fabrikam.example\" }\n",
            &["missing 6:13 `{ to = \"bo@fabrikam.example\" }` this `attempted` lists nothing"],
        ),
        (
            "a behaviour twice",
            "outbound",
            "covers = [\"dane.mismatch\", \"dane.mismatch\"]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["duplicate-name 3:28 `\"dane.mismatch\"` behaviour `dane.mismatch` is named twice"],
        ),
    ]);
}

#[test]
fn declarations() {
    check(&[
        (
            "unused declarations",
            "outbound",
            "[message.m1]\ntext = \"x\"\n[key.spare]\ndomain = \"contoso.example\"\n[ca.spare]\n[tenant.spare]\ndomains = [\"adatum.example\"]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "unused 3:10 `m1` message `m1` is used nowhere",
                "unused 5:6 `spare` key `spare` is used nowhere",
                "unused 7:5 `spare` certificate authority `spare` is used nowhere",
                "unused 8:9 `spare` tenant `spare` is used nowhere",
            ],
        ),
        (
            "an unused name of a fault",
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", name = \"outage\", until = \"+1h\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["unused 4:50 `\"outage\"` the name of the fault `outage` is used nowhere"],
        ),
        (
            "empty lists",
            "outbound",
            "[zone.\"fabrikam.example\"]\nservers = []\nwithout = []\n[[at]]\ntime = \"+1h\"\npublish = { zone = \"fabrikam.example\", remove = [] }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 4:11 `[]` `servers` is empty",
                "no-effect 5:11 `[]` `without` is empty",
                "no-effect 8:49 `[]` `remove` is empty",
                "out-of-order 9:1 `[[at]]` this entry is earlier than the one before it",
            ],
        ),
        (
            "texts without a record",
            "outbound",
            "[zone.\"fabrikam.example\"]\nrecords = \"; nothing\"\n[[at]]\ntime = \"+1h\"\npublish = { zone = \"fabrikam.example\", add = \"\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 4:11 `\"; nothing\"` `records` has no record",
                "no-effect 7:46 `\"\"` `add` has no record",
                "out-of-order 8:1 `[[at]]` this entry is earlier than the one before it",
            ],
        ),
        (
            "a name server of no zone",
            "outbound",
            "[host.ns.dns]\n[[at]]\nrestart = { host = \"ns\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 3:1 `[host.ns.dns]` name server `ns` serves no zone"],
        ),
        (
            "a certificate that nobody presents",
            "outbound",
            "[host.plain]\nclient = {}\n[cert.plain]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"plain\" }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 5:7 `plain` host `plain` presents no certificate"],
        ),
        (
            "a certificate without TLS",
            "outbound",
            "[cert.c]\n[host.mx1.smtp]\ntls = \"none\"\ncert = \"c\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 6:8 `\"c\"` `cert` does nothing without TLS"],
        ),
        (
            "extensions that are made",
            "outbound",
            "[host.mx1.smtp]\nextensions = [\"STARTTLS\", \"SIZE 100\", \"DSN\", \"dsn\"]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "not-for-this 4:15 `\"STARTTLS\"` `STARTTLS` does not belong into `extensions`: the server announces it by itself",
                "not-for-this 4:27 `\"SIZE 100\"` `SIZE` does not belong into `extensions`: the server announces it by itself",
                "duplicate-name 4:46 `\"dsn\"` keyword `dsn` is named twice",
            ],
        ),
        (
            "links that say nothing",
            "outbound",
            "[link.a]\nbetween = [\"sender\", \"mx1\"]\n[link.b]\nbetween = [\"mx1\", \"sender\"]\nlatency = \"1s\"\n[link.c]\nbetween = [\"mx1\", \"mx1\"]\nlatency = \"1s\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 3:1 `[link.a]` link `a` changes nothing between its hosts",
                "duplicate-name 5:7 `b` two links are between `mx1` and `sender`",
                "bad-value 8:1 `[link.c]` link `c` leads from `mx1` to itself",
            ],
        ),
        (
            "two keys of one name",
            "inbound",
            "[key.other]\ndomain = \"contoso.example\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], sign = [\"other\"] }\n[[expect]]\ndelivered = {}\n",
            &[],
        ),
        (
            "a tenant without domains, and a domain of two",
            "outbound",
            "[tenant.none]\ndomains = []\n[tenant.other]\ndomains = [\"Contoso.example\"]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "missing 4:11 `[]` tenant `none` has no domain",
                "duplicate-name 6:12 `\"Contoso.example\"` Contoso.example is a domain of two tenants, or of one twice",
            ],
        ),
        (
            "settings of an engine that does not run",
            "outbound",
            "[tenant.contoso]\nspoof-intelligence = false\nmessage-expiration = \"12h\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 4:22 `false` `spoof-intelligence` of tenant `contoso` is for the inbound engine, and none runs",
            ],
        ),
        (
            "signature times of an unsigned zone",
            "outbound",
            "[zone.\"fabrikam.example\"]\nsigned = false\nsigned-from = \"-2d\"\nsigned-until = \"+2d\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 5:15 `\"-2d\"` `signed-from` of fabrikam.example does nothing: the zone is not signed",
                "no-effect 6:16 `\"+2d\"` `signed-until` of fabrikam.example does nothing: the zone is not signed",
            ],
        ),
        (
            "axes that are none",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\n[[expect]]\ndelivered = {}\n",
            &["no-effect 5:1 `[variants]` `variants` has no axis"],
        ),
        (
            "an axis in the title",
            "outbound",
            "covers = [\"dane.{s}\"]\n[zone.\"fabrikam.example\"]\nsigned = \"{s}\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\ns = [true, false]\n[[expect]]\ndelivered = {}\n",
            &[
                "not-here 3:11 `\"dane.{s}\"` `{s}` stays as it is in `covers`",
                "unknown-name 3:11 `\"dane.{s}\"` there is no behaviour `dane.{s}`",
            ],
        ),
    ]);
}

#[test]
fn script() {
    check(&[
        (
            "a server that is none",
            "outbound",
            "[[at]]\nfault = { kind = \"servfail\", server = \"mx1\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["wrong-role 4:39 `\"mx1\"` host `mx1` has no `dns`"],
        ),
        (
            "a server that is none, beside one",
            "outbound",
            "[zone.\"fabrikam.example\"]\nservers = [\"ns\"]\n[host.ns.dns]\n[[at]]\nfault = { kind = \"servfail\", server = \"mx1\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["wrong-role 7:39 `\"mx1\"` host `mx1` has no `dns`"],
        ),
        (
            "a fault that is over",
            "outbound",
            "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", name = \"a\", until = \"+1h\" }\n[[at]]\ntime = \"+2h\"\nheal = \"a\"\n[[at]]\ntime = \"+2h\"\nfault = { kind = \"unreachable\", host = \"mx1\", name = \"b\" }\n[[at]]\ntime = \"+3h\"\nheal = \"b\"\n[[at]]\ntime = \"+4h\"\nheal = \"b\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "heals-nothing 7:8 `\"a\"` the fault `a` is over already",
                "heals-nothing 16:8 `\"b\"` the fault `b` is over already",
                "out-of-order 17:1 `[[at]]` this entry is earlier than the one before it",
            ],
        ),
        (
            "changes of nothing",
            "outbound",
            "[[at]]\nconfigure = {}\n[[at]]\nconfigure.host.mx1 = {}\n[[at]]\nconfigure.host.mx1.smtp = {}\n[[at]]\npublish = { zone = \"fabrikam.example\", signed = true }\n[[at]]\npublish = { zone = \"fabrikam.example\", signed = false }\n[[at]]\npublish = { zone = \"fabrikam.example\", signed = false }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "no-effect 4:13 `{}` this `configure` changes nothing",
                "no-effect 6:22 `{}` no setting of this host changes",
                "no-effect 8:27 `{}` no setting of this server changes",
                "no-effect 10:49 `true` fabrikam.example is signed already",
                "no-effect 14:49 `false` fabrikam.example is unsigned already",
            ],
        ),
    ]);
}

#[test]
fn zone_text() {
    check(&[
        (
            "a TXT record without quotes",
            "inbound",
            "[zone.\"contoso.example\"]\nrecords = \"\"\"\n_dmarc TXT v=DMARC1; p=reject\n@ TXT v=spf1 ip4:192.0.2.1 -all\n\"\"\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "unquoted-text 5:20 `; p=reject` this part of the TXT record is a comment",
                "unquoted-text 6:7 `v=spf1 ip4:192.0.2.1 -all` this TXT record says `v=spf1ip4:192.0.2.1-all`",
            ],
        ),
        (
            "a comment behind quotes is one",
            "inbound",
            "[zone.\"contoso.example\"]\nrecords = \"\"\"\n_dmarc TXT \"v=DMARC1; p=none\" ; as before\n\"\"\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[],
        ),
        (
            "a name without its dot",
            "outbound",
            "[zone.\"fabrikam.example\"]\nrecords = \"\"\"\n@ MX 10 mx1.fabrikam.example\nmx1.fabrikam.example A {mx1}\n@ TXT \"mx1.fabrikam.example\"\n\"\"\"\n[[at]]\ntime = \"+1h\"\npublish = { zone = \"fabrikam.example\", add = \"x CNAME fabrikam.example\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "twice-the-zone 5:9 `mx1.fabrikam.example` `mx1.fabrikam.example` is mx1.fabrikam.example.fabrikam.example",
                "twice-the-zone 6:1 `mx1.fabrikam.example` `mx1.fabrikam.example` is mx1.fabrikam.example.fabrikam.example",
                "twice-the-zone 11:55 `fabrikam.example` `fabrikam.example` is fabrikam.example.fabrikam.example",
                "out-of-order 12:1 `[[at]]` this entry is earlier than the one before it",
            ],
        ),
        (
            "a key in quotes",
            "inbound",
            "[zone.\"contoso.example\"]\nrecords = \"\"\"\ns1._domainkey TXT \"{dkim:contoso}\"\n\"\"\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["zone-syntax 5:19 `\"{dkim:contoso}\"` `\"{dkim:contoso}\"` is a whole record, quotes and all"],
        ),
        (
            "a name too long in its zone",
            "outbound",
            "[[at]]\ntime = \"+1h\"\npublish = { zone = \"fabrikam.example\", add = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa A 192.0.2.1\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "zone-syntax 5:47 `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…` is not a name",
                "out-of-order 6:1 `[[at]]` this entry is earlier than the one before it",
            ],
        ),
    ]);
}

#[test]
fn impossible_values() {
    check(&[
        (
            "circles of relatives",
            "outbound",
            "[ca.a]\nparent = \"b\"\n[ca.b]\nparent = \"a\"\n[cert.mx1]\nissuer = \"a\"\nkey = \"mx1\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "circle 4:10 `\"b\"` the parents of certificate authority `a` lead back to it",
                "circle 6:10 `\"a\"` the parents of certificate authority `b` lead back to it",
                "circle 9:7 `\"mx1\"` the key of certificate `mx1` leads back to it",
            ],
        ),
        (
            "owners of faults",
            "outbound",
            "[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", owner = \"a b\" }\n[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", owner = \"mx1.adatum.example.\" }\n[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", owner = \"a..b\" }\n[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", owner = \"mx1\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "bad-value 4:65 `\"a b\"` `a b` is not a name",
                "bad-value 6:65 `\"mx1.adatum.example.\"` `mx1.adatum.example.` is not in fabrikam.example",
                "bad-value 8:65 `\"a..b\"` `a..b` is not a name",
            ],
        ),
        (
            "names of header fields",
            "inbound",
            "[key.contoso]\nheaders = \"From:Sub ject::To\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nstamped = { header = \"Authentication-Results:\" }\n",
            &[
                "bad-value 4:20 ` ` `Sub ject` is not the name of a header field",
                "bad-value 4:26 `` `` is not the name of a header field",
                "bad-value 8:45 `:` `Authentication-Results:` is not the name of a header field",
            ],
        ),
        (
            "times that leave nothing",
            "outbound",
            "until = \"+0s\"\n[sender]\ndelay-notice = \"30h\"\n[zone.\"fabrikam.example\"]\nttl = \"1ms\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "bad-value 3:9 `\"+0s\"` a run takes time",
                "no-effect 5:16 `\"30h\"` no delay notice goes out: the sender gives up after 1d",
                "bad-value 7:7 `\"1ms\"` a TTL is counted in seconds",
            ],
        ),
        (
            "counts that always or never hold",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = { copies = \"0..\", attempts = 0 }\n[[never]]\nbounced = { attempts = \"1..\", text = \"\" }\n[[expect]]\ncost = { hashes = \"0..\" }\n",
            &[
                "no-effect 6:24 `\"0..\"` `copies = 0..` always holds",
                "never-holds 6:42 `0` `attempts` is at least 1",
                "no-effect 8:24 `\"1..\"` `attempts = 1..` always holds",
                "no-effect 8:38 `\"\"` every reply has an empty `text` in it",
                "no-effect 10:19 `\"0..\"` `hashes = 0..` always holds",
            ],
        ),
        (
            "hosts that take no mail",
            "outbound",
            "[host.plain.client]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"plain\" }\n[[never]]\ndelivered = { host = \"sender\" }\n[[never]]\ndelivered = { host = \"plain\" }\n",
            &[
                "wrong-role 7:22 `\"sender\"` `sender` takes no mail",
                "wrong-role 9:22 `\"plain\"` `plain` takes no mail",
            ],
        ),
        (
            "days without a run",
            "inbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[never]]\nreported = { domain = \"contoso.example\", kind = \"dmarc\", day = 2020-01-01 }\n",
            &["never-holds 6:64 `2020-01-01` the run is not on 2020-01-01"],
        ),
        (
            "engines in other roles",
            "end-to-end",
            "[zone.\"fabrikam.example\"]\nservers = [\"receiver\"]\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"receiver\" }\n[[expect]]\ndelivered = {}\n",
            &[
                "wrong-role 4:12 `\"receiver\"` an engine is no name server: `receiver`",
                "wrong-role 6:76 `\"receiver\"` the inbound engine sends no message for others",
            ],
        ),
        (
            "a link without a way",
            "outbound",
            "[link.a]\nbetween = [\"sender\", \"mx1\"]\nlatency = \"0s\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 3:1 `[link.a]` link `a` changes nothing between its hosts"],
        ),
        (
            "a record that is there",
            "outbound",
            "[[at]]\npublish = { zone = \"fabrikam.example\", add = \"mx1 A {mx1}\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["no-effect 4:47 `mx1` mx1.fabrikam.example has this A record already"],
        ),
        (
            "a name that nobody asks for",
            "outbound",
            "[cert.c]\n[host.mx1.smtp.sni]\n\"mx2.fabrikam.example\" = \"c\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["unknown-name 5:1 `\"mx2.fabrikam.example\"` no host or record is called `mx2.fabrikam.example`"],
        ),
    ]);
}

#[test]
fn one_cause_one_message() {
    check(&[
        (
            "an unknown axis",
            "outbound",
            "[[at]]\nrestart = { host = \"sender\", how = \"{hwo}\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\nhow = [\"kill\", \"power-loss\"]\n[[expect]]\ndelivered = {}\n",
            &["unknown-name 4:36 `\"{hwo}\"` there is no axis `hwo`"],
        ),
        (
            "a mistake of every cell",
            "outbound",
            "[host.mx1.smtp]\nbanner = \"{a}{b}\"\ngreylist = \"20m\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\na = [\"a1\", \"a2\", \"a3\"]\nb = [\"b1\", \"b2\"]\n[[expect]]\ndelivered = {}\n",
            &["not-supported 5:12 `\"20m\"` greylisting is not supported yet"],
        ),
        (
            "a wrong value of one cell",
            "outbound",
            "[sender]\nexpiration = \"{x}\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[variants]\nx = { right = \"1h\", wrong = \"1hour\", other = \"1hr\" }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 8:31 `hour` `1hour` is not a duration", "bad-value 8:48 `hr` `1hr` is not a duration"],
        ),
        (
            "an unknown world",
            "outbond",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\nwithin = \"-1h\"\ndelivered = { to = \"bo@fabrikam.example\" }\n",
            &[
                "unknown-name 2:9 `\"outbond\"` there is no world `outbond`",
                "bad-value 6:10 `\"-1h\"` nothing happens before the epoch",
            ],
        ),
        (
            "a wrong item of a list",
            "outbound",
            "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\", 7] }\n[[expect]]\ndelivered = { to = \"di@fabrikam.example\" }\n",
            &["wrong-type 4:69 `7` `to` takes an e-mail address"],
        ),
    ]);
}

#[test]
fn one_mistake_hides_no_other() {
    check(&[
        (
            "a line that is not TOML",
            "outbound",
            "story = why\n[sender]\nretry = [\"15min\"]\ndane = \"always\"\n[[expect]\nwithin = \"1h\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "toml 3:9 `why` `why` is not a value: text needs quotes",
                "bad-value 5:13 `min` `15min` is not a duration",
                "unknown-value 6:8 `\"always\"` unknown dane `always`",
                "toml 7:10 `` not TOML: unclosed array table, expected `]`",
            ],
        ),
        (
            "a misspelt key of an expectation",
            "outbound",
            "[host.spare]\nsmtp = {}\n[zone.\"fabrikam.example\"]\nrecords = \"mx1 CNAME mail\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], every = \"1h\" }\n[[expect]]\nwithn = \"+1m\"\ndelivered = { to = \"bob@fabrikam.example\" }\n",
            &[
                "unused 3:7 `spare` host `spare` is used nowhere",
                "zone-content 6:16 `CNAME` mx1.fabrikam.example has a CNAME record and other data",
                "no-effect 8:78 `\"1h\"` `every` needs a `count`: one message has no distance from the next",
                "unknown-key 10:1 `withn` unknown key `withn` in `expect`",
                "unknown-address 11:20 `\"bob@fabrikam.example\"` no message in this file goes to or comes from `bob@fabrikam.example`",
            ],
        ),
        (
            "a misspelt key of a send",
            "outbound",
            "[message.m]\ntext = \"x\"\n[[at]]\nsend = { id = \"a\", form = \"ann@contoso.example\", to = [\"cy@fabrikam.example\"], message = \"m\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"mx9\" }\n[[expect]]\ndelivered = { message = \"a\", to = \"cy@fabrikam.example\" }\n[[never]]\nbounced = { to = \"di@fabrikam.example\", code = \"4.0.0\" }\n",
            &[
                "unknown-key 6:20 `form` unknown key `form` in `send`",
                "unknown-name 8:76 `\"mx9\"` there is no host `mx9`",
                "never-holds 12:48 `\"4.0.0\"` nothing is ever `bounced` with the code 4.0.0",
            ],
        ),
        (
            "a misspelt table",
            "outbound",
            "[hots.mx9]\nsmtp = {}\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"mx9\", every = \"1h\" }\n[[expect]]\nafter = \"+2h\"\nwithin = \"+1h\"\ndelivered = {}\n",
            &[
                "unknown-key 3:2 `hots` unknown key `hots` at the top of the file",
                "no-effect 6:91 `\"1h\"` `every` needs a `count`: one message has no distance from the next",
                "empty-window 9:10 `\"+1h\"` this window ends before it begins",
            ],
        ),
        (
            "a host called like the root",
            "outbound",
            "[host.mx9]\nname = \".\"\nsmtp = {}\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"mx9\" }\n[[expect]]\ndelivered = {}\n",
            &["bad-value 4:8 `\".\"` a host cannot have the name of the root"],
        ),
        (
            "a record that signing makes",
            "outbound",
            "[zone.\"fabrikam.example\"]\nrecords = 'a NSEC b A'\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &["zone-syntax 4:14 `NSEC` NSEC records are made when the zone is signed"],
        ),
        (
            "a host that is probably meant",
            "outbound",
            "[host.mailer]\nclient = {}\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"maler\" }\n[[expect]]\ndelivered = {}\n",
            &["unknown-name 6:76 `\"maler\"` there is no host `maler`"],
        ),
        (
            "a wrong value beside what is not supported yet",
            "outbound",
            "[host.mx1.smtp]\ngreylist = \"10m\"\nbanner = \"a\\nb\"\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n[[expect]]\ndelivered = {}\n",
            &[
                "not-supported 4:12 `\"10m\"` greylisting is not supported yet",
                "bad-value 5:10 `\"a\\nb\"` `banner` is one line",
            ],
        ),
    ]);
}
