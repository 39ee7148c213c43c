//! Every message for a mistake, as it is shown. The inputs are the files of the reference with one thing wrong.

mod common;

use common::{Worlds, edited, rendered, worlds};
use mxlab_scenario::file::{WorldSource, read};

/// Reads the file `name` of the reference with some of its text replaced, and compares what is said about it.
macro_rules! check {
    ($snapshot:literal, $name:literal, $($from:literal => $to:literal),+ $(,)?) => {
        insta::assert_snapshot!($snapshot, rendered(&edited($name, &[$(($from, $to)),+]), &worlds()));
    };
}

#[test]
fn keys_and_types() {
    check!("misspelt-key", "01", "within   = \"+1m\"" => "withn    = \"+1m\"");
    check!("wrong-type", "11", "\"{honor}\"" => "\"yes\"", "[\"policy.matrix\", \"policy.reject-text\", \"policy.quarantine\", \"policy.junk\"]" => "\"policy.matrix\"");
    check!("two-verbs", "01", "example\"] }\n" => "example\"] }\nheal = \"x\"\n");
    check!("no-verb", "13", "\nbounced = { to = \"bo@fabrikam.example\" }" => "");
    check!("missing", "01", "to = [\"bo@fabrikam.example\"] }\n" => "message = \"plain\" }\n");
}

#[test]
fn scalars_and_words() {
    check!("bad-duration-bad-time", "02", "\"5m\"" => "\"5min\"", "+3h\" }" => "+3 h\" }");
    check!("unknown-fault", "04", "\"starttls-stripped\"" => "\"startls-stripped\"");
    check!("malformed-code", "04", "4.7.321" => "4.7.321 starttls");
}

#[test]
fn names() {
    check!("unknown-reference", "01", "spki-sha256:mx1-2025" => "spki-sha256:mx1-2052");
    check!("unknown-address", "13", "bounced = { to = \"bo@" => "bounced = { to = \"bob@");
    check!("same-full-name", "14", "mallory.hostile" => "hop6 = { name = \"hop2.example\" }\nmallory.hostile");
    check!("ambiguous", "12", "message = \"by-24\", " => "");
    check!("unknown-axis", "13", "{how}" => "{hwo}");
    check!("unknown-axis-value", "04", "\"dane\" }\nwithin" => "\"tls\" }\nwithin");
}

#[test]
fn zone_text() {
    check!("zone-syntax", "06", "mta-sts   A    {policy}\n" => "@         MX   mx1\nmta-sts   A    192.0.2.300\n", "_mta-sts  TXT  \"v" => "_mta-sts  TXX  \"v");
    check!("zone-syntax-in-axis", "11", "'_dmarc TXT \"v=DMARC1; p=none\"'" => "'_dmarc TXY \"v=DMARC1; p=none\"'");
}

#[test]
fn faults_and_axes() {
    check!("not-for-this", "03", "server = \"{stale}\"" => "stage = \"rcpt\"");
    check!("unused-axis", "13", "{how}" => "kill");
    let bare = edited(
        "04",
        &[
            (
                "[[expect]]                               # without DNSSEC the attack succeeds: that is what DANE is for\n",
                "",
            ),
            (
                "when     = { signed = \"plain\" }\nin-clear = { to = \"bo@fabrikam.example\", seen-by = \"mallory\" }\n",
                "",
            ),
        ],
    );
    let loaded = read("example.toml", &bare, &worlds(), common::BEHAVIOURS).expect("a warning stops nothing");
    insta::assert_snapshot!("bare-cell", loaded.warnings.to_string());
}

#[test]
fn toml() {
    check!("declared-twice", "12", "next-24 = { ip = \"198.51.101.77\", ptr = \"none\" }\n" => "next-24 = { ip = \"198.51.101.77\", ptr = \"none\" }\nno-ptr  = { ip = \"203.0.113.9\" }\n");
    check!("not-toml", "01", "[[expect]]\nwithin   = \"+1m\"" => "[[expect]\nwithin   = \"+1m\"");
    let braces = "title = \"A table over several lines\"\n\n[[at]]\nsend = {\n  from = \"ann@contoso.example\",\n  to = [\"bo@fabrikam.example\"]\n}\n";
    insta::assert_snapshot!("braces-over-several-lines", rendered(braces, &worlds()));
}

#[test]
fn world() {
    let mut source = worlds().world("outbound").expect("it is there");
    source.text = source.text.replace("spki-sha256", "spki-sha255");
    let broken = Worlds(vec![("outbound".to_owned(), source)]);
    insta::assert_snapshot!("mistake-in-world", rendered(&edited("13", &[]), &broken));
}
