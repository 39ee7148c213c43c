//! Writes the first inputs of the fuzz targets below `corpus/`: genuine answers, changes to them, zone text,
//! and fields of authentication.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mxlab_auth::arc::{ChainStatus, Sealer};
use mxlab_dns::wire::Message;
use mxlab_fuzz::{INTERNET, QUESTIONS, lookup, mail};

const ZONE_TEXTS: &[&str] = &[
    "@ MX 10 mx1\nmx1 300 IN A 198.51.100.1\n AAAA 2001:db8::1\n",
    "_25._tcp.mx1 1h30m TLSA 3 1 1 (\n 00112233445566778899aabbccddeeff ; the first half\n 00112233445566778899aabbccddeeff )\n",
    "* TXT \"v=spf1 -all\" \"\\200\\\"\"\nalias CNAME mx1.fabrikam.example.\nold DNAME .\n",
    "sub NS ns.sub\nsub DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nns.sub A 192.0.2.5\n",
    "x TYPE65280 \\# 4 01020304\n_sip._tcp SRV 0 5 5060 mx1\n@ CAA 0 issue \"ca.example\"\n",
    "@ SOA ns hostmaster 1 7200 900 1209600 300\n@ DNSKEY 257 3 15 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    "h NSEC mx1 A RRSIG NSEC\nh RRSIG A 15 3 300 20260316080000 20260302080000 1 fabrikam.example. AAAA\n",
];

/// Records, each with a few answers after a zero octet.
const SPF_RECORDS: &[&[u8]] = &[
    b"\0a mx/24//64 ptr:%{d2} exists:%{ir}.%{v}.%{l1r-}.h2.example -all\0\x12\x01\x12\x02\x03\x12\x03",
    b"\x01include:h1.example ?include:%{d} ip4:192.0.2.0/30 ip6:::/64 redirect=h3.example\0\x12\x04-all",
    b"\x06a:%{p}.%{h} x=%%%_%- -all exp=%{o}\0\x2a\x05\x06\x12\x03\x12\x02\x1a\x0c%{c} %{r} %{t}",
];

const FIELDS: &[&str] = &[
    "mx.contoso.example 1 (a (b \\) c)); spf/1=pass (d) reason=\"it may\" smtp.mailfrom=\"a b\"@contoso.example policy.x=y; dkim=none",
    "i=1; lists.example.org; dkim=pass (1024-bit key) header.i=@contoso.example header.b=AbCd; dmarc=pass",
    "x; none",
    "spf=fail (sender IP is 2001:db8::1) smtp.helo=a.example; b.example; dkim=fail (no key for signature) header.d=c.example;b.example; dmarc=fail action=oreject header.from=a.example;compauth=none reason=451",
    "dkim=none (message not signed) header.d=none; dkim=temperror header.d=a.example;dmarc=none action=pct.reject header.from=int; ",
    "i=2; mx.microsoft.com 1; spf=pass (sender ip is 192.0.2.1) smtp.rcpttodomain=b smtp.mailfrom=<>; dmarc=pass (p=none sp=reject pct=100) action=none header.from=a; dkim=timeout (key query timeout) header.d=c; arc=pass (0 oda=1 ltdi=1 spf=[1,1,smtp.mailfrom=a] dkim=[1,1,header.d=c] dmarc=[1,1,header.from=a] 93)",
    "i=1; mx.microsoft.com 1; spf=pass smtp.mailfrom=a; dmarc=pass action=none header.from=a; dkim=pass header.d=a; arc=none (0)",
    "Pass (protection.outlook.com: domain of a.example designates 192.0.2.1 as permitted sender) receiver=protection.outlook.com; client-ip=192.0.2.1; helo=b; pr=C",
    "Fail (protection.outlook.com: domain of a does not designate ::1 as permitted sender) receiver=protection.outlook.com; client-ip=::1; helo=b;",
    "SoftFail (protection.outlook.com: domain of transitioning a discourages use of 192.0.2.1 as permitted sender)",
    "None (protection.outlook.com:  does not designate permitted sender hosts)",
    "TempError (protection.outlook.com: error in processing during lookup of a: DNS Timeout)",
    "CIP:192.0.2.1;CTRY:;LANG:en;SCL:-1;SFS:(1)(2);DIR:INB;",
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=contoso.example; h=From:To; bh=YQ==; b=Y Q==;",
    "1:00:00:00.0000000",
];

const MESSAGES: &[&str] = &[
    "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: a\r\n\tb\r\n\r\nHello  Bob \r\n\r\n",
    "Received: x\r\nfrom : \"a\\\"b\" <@c.example:a@b.example>, =?utf-8?q?x?= <c@d>\r\nMessage-ID: <a@b>\r\n\r\n",
    "From: a@b.example\nDKIM-Signature: v=1; a=ed25519-sha256; c=relaxed; d=b.example; s=s; h=from; bh=AAAA; b=AAAA\n\nx\n",
];

const TAG_LISTS: &[&str] = &[
    " v=1; a=rsa-sha256; c=simple/relaxed; d=a.example; s=s; h=from : to;\r\n i=x=3Dy@b.a.example; l=3; q=dns/txt; t=1; x=2; \
     bh=QUJD; b=QU\r\n JD;",
    "v=DKIM1; h=sha256; k=rsa; n=x; s=email:*; t=y:s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08\
     a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3\
     Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
];

/// Chains of one to three sets, and changes that break them.
fn arc() -> std::io::Result<()> {
    let record = mail::key().record();
    let mut text = "From: Ann <ann@a.example>\r\nSubject: a\r\n\r\nHello\r\n".to_owned();
    for hop in 0..3 {
        let sealer = Sealer::new(mail::key(), "hop.example", "sel").expect("the names are names");
        let status = if hop == 0 { ChainStatus::None } else { ChainStatus::Pass };
        let message = mxlab_mail::Message::parse(text.as_bytes()).expect("a message");
        let set = sealer.seal(&message, "hop.example; spf=pass", status, jiff::Timestamp::UNIX_EPOCH).expect("a set");
        text = set.header() + &text;
        for (number, change) in
            [("Hello", "Hello"), ("i=1", "i=2"), ("cv=none", "cv=fail"), ("Hello", "Help")].iter().enumerate()
        {
            let changed = text.replace(change.0, change.1);
            for flags in 0..8 {
                let input = [&[flags][..], record.as_bytes(), b"\0", changed.as_bytes()].concat();
                write("arc_sets", 32 * hop + 8 * number + usize::from(flags), &input)?;
            }
        }
    }
    Ok(())
}

fn write(target: &str, seed: usize, octets: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("seed-{seed}")), octets)
}

fn main() -> std::io::Result<()> {
    for (number, text) in ZONE_TEXTS.iter().enumerate() {
        write("zone_file", number, text.as_bytes())?;
    }
    for (number, input) in SPF_RECORDS.iter().enumerate() {
        write("spf_record", number, input)?;
    }
    for (number, value) in FIELDS.iter().enumerate() {
        write("authres", number, value.as_bytes())?;
    }
    for (number, message) in MESSAGES.iter().enumerate() {
        write("message_headers", number, message.as_bytes())?;
        for flags in 0..16 {
            let input = [&[flags, 1, 20, b'x'], TAG_LISTS[2].as_bytes(), b"\0", message.as_bytes()].concat();
            write("dkim_message", 16 * number + usize::from(flags), &input)?;
        }
    }
    for (number, list) in TAG_LISTS.iter().enumerate() {
        write("tag_list", number, list.as_bytes())?;
    }
    for (number, question) in QUESTIONS.iter().enumerate() {
        // The answers in the order in which a validating resolver asks for them.
        let told: Arc<Mutex<Vec<u8>>> = Arc::new(Mutex::new(vec![number as u8]));
        let kept = told.clone();
        lookup(question, move |query, _| {
            let query = Message::decode(query).ok()?;
            let asked = query.question.as_ref()?;
            let mut message = INTERNET.answer(&asked.name, asked.rtype);
            message.id = query.id;
            let octets = message.encode(usize::from(u16::MAX));
            let records = asked.name.wire().len() + 4 + 12;
            let mut told = kept.lock().expect("nobody panics with it");
            told.extend((octets.len() as u16 - records as u16 + 12).to_be_bytes());
            told.extend(&octets[..12]);
            told.extend(&octets[records..]);
            Some(octets)
        });
        write("validate", number, &told.lock().expect("nobody panics with it"))?;
        let changes = RefCell::new(vec![number as u8]);
        for what in 0..12 {
            changes.borrow_mut().extend([what % 4, what, 0, what, 3, 1, 0, 60]);
        }
        write("tampered", number, &changes.borrow())?;
    }
    arc()
}
