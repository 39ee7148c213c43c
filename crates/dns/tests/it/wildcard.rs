//! Wildcards (RFC 4592) and DNAME (RFC 6672), and what proves them with NSEC (RFC 4035 Appendix B).

use mxlab_dns::*;

use crate::net::name;
use crate::served::{ask, brief, check, serving, signed};

/// The zone of RFC 4035 Appendix A, without its keys and signatures.
const RFC_4035: &str = "
@     SOA   ns1 bugs.x.w 1081539377 3600 300 3600000 3600
@     NS    ns1
@     NS    ns2
@     MX    1 xx
a     NS    ns1.a
a     NS    ns2.a
a     DS    57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
ns1.a A     192.0.2.5
ns2.a A     192.0.2.6
ai    A     192.0.2.9
b     NS    ns1.b
b     NS    ns2.b
ns1.b A     192.0.2.7
ns2.b A     192.0.2.8
ns1   A     192.0.2.1
ns2   A     192.0.2.2
*.w   MX    1 ai
x.w   MX    1 xx
x.y.w MX    1 xx
xx    A     192.0.2.10
xx    AAAA  2001:db8::f00:baaa
";

#[test]
fn rfc_4035_appendix_b() {
    check(
        &serving(signed("example", RFC_4035, Denial::Nsec)),
        &[
            ("x.w.example MX", "NOERROR aa\nn x.w.example MX 1 xx.example. +"),
            (
                "ml.example A",
                "
NXDOMAIN aa
u example SOA +
u b.example NSEC ns1.example. NS RRSIG NSEC +
u example NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY +",
            ),
            (
                "ns1.example MX",
                "
NOERROR aa
u example SOA +
u ns1.example NSEC ns2.example. A RRSIG NSEC +",
            ),
            (
                "mc.a.example MX",
                "
NOERROR
u a.example NS ns1.a.example. ns2.a.example.
u a.example DS 57855 5 1 b6dcd485719adca18e5f3d48a2331627fdd3636b +
d ns1.a.example A 192.0.2.5
d ns2.a.example A 192.0.2.6",
            ),
            (
                "mc.b.example MX",
                "
NOERROR
u b.example NS ns1.b.example. ns2.b.example.
u b.example NSEC ns1.example. NS RRSIG NSEC +
d ns1.b.example A 192.0.2.7
d ns2.b.example A 192.0.2.8",
            ),
            (
                "a.z.w.example MX",
                "
NOERROR aa
n a.z.w.example MX 1 ai.example. + 2
u x.y.w.example NSEC xx.example. MX RRSIG NSEC +",
            ),
            (
                "a.z.w.example AAAA",
                "
NOERROR aa
u example SOA +
u x.y.w.example NSEC xx.example. MX RRSIG NSEC +
u *.w.example NSEC x.w.example. MX RRSIG NSEC +",
            ),
            (
                "example DS",
                "
NOERROR aa
u example SOA +
u example NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY +",
            ),
        ],
    );
}

/// The zone of RFC 4592 §2.2.1, and more.
const RFC_4592: &str = "
@                    NS    ns.example.com.
@                    NS    ns.example.net.
*                    TXT   \"this is a wildcard\"
*                    MX    10 host1
sub.*                TXT   \"this is not a wildcard\"
host1                A     192.0.2.1
_ssh._tcp.host1      SRV   0 0 22 host1
_ssh._tcp.host2      SRV   0 0 22 host2
subdel               NS    ns.example.com.
*.subdel             A     192.0.2.9
*.alias              CNAME host1
*.away               CNAME elsewhere.test.
a.*.ent              A     192.0.2.2
";

#[test]
fn rfc_4592_section_2() {
    let soa = "u example SOA +";
    let ns = "ns.example.com. ns.example.net.";
    let star = "u *.example NSEC sub.*.example. MX TXT RRSIG NSEC +";
    check(
        &serving(signed("example", RFC_4592, Denial::Nsec)),
        &[
            // Synthesized.
            (
                "host3.example MX",
                "NOERROR aa
n host3.example MX 10 host1.example. + 1
u _ssh._tcp.host2.example NSEC subdel.example. SRV RRSIG NSEC +",
            ),
            (
                "foo.bar.example TXT",
                "NOERROR aa
n foo.bar.example TXT \"this is a wildcard\" + 1
u *.away.example NSEC a.*.ent.example. CNAME RRSIG NSEC +",
            ),
            (
                "host3.example A",
                &format!("NOERROR aa\n{soa}\nu _ssh._tcp.host2.example NSEC subdel.example. SRV RRSIG NSEC +\n{star}"),
            ),
            // Not synthesized: the name exists, …
            (
                "host1.example MX",
                &format!("NOERROR aa\n{soa}\nu host1.example NSEC _ssh._tcp.host1.example. A RRSIG NSEC +"),
            ),
            ("sub.*.example MX", &format!("NOERROR aa\n{soa}\nu sub.*.example NSEC *.alias.example. TXT RRSIG NSEC +")),
            // … an empty name that exists blocks the wildcard, …
            (
                "_telnet._tcp.host1.example SRV",
                &format!(
                    "NXDOMAIN aa\n{soa}\nu _ssh._tcp.host1.example NSEC _ssh._tcp.host2.example. SRV RRSIG NSEC +\nu host1.example NSEC _ssh._tcp.host1.example. A RRSIG NSEC +"
                ),
            ),
            // … it lies below a cut, even where there is a wildcard, …
            (
                "host.subdel.example A",
                "NOERROR\nu subdel.example NS ns.example.com.\nu subdel.example NSEC example. NS RRSIG NSEC +",
            ),
            // … or the closest encloser is a wildcard itself.
            ("ghost.*.example MX", &format!("NXDOMAIN aa\n{soa}\n{star}")),
            // Asked for by its own name, a wildcard is a name like any other.
            ("*.example MX", "NOERROR aa\nn *.example MX 10 host1.example. +"),
            ("*.example A", &format!("NOERROR aa\n{soa}\n{star}")),
            // An alias at a wildcard.
            (
                "b.alias.example A",
                "NOERROR aa
n b.alias.example CNAME host1.example. + 2
n host1.example A 192.0.2.1 +
u *.alias.example NSEC *.away.example. CNAME RRSIG NSEC +",
            ),
            (
                "b.away.example A",
                "NOERROR aa
n b.away.example CNAME elsewhere.test. + 2
u *.away.example NSEC a.*.ent.example. CNAME RRSIG NSEC +",
            ),
            ("*.alias.example CNAME", "NOERROR aa\nn *.alias.example CNAME host1.example. +"),
            // A wildcard that is an empty non-terminal matches too, but has no records.
            (
                "b.ent.example A",
                &format!(
                    "NOERROR aa\n{soa}\nu a.*.ent.example NSEC host1.example. A RRSIG NSEC +\nu *.away.example NSEC a.*.ent.example. CNAME RRSIG NSEC +"
                ),
            ),
            ("example ANY", &format!("NOERROR aa\nn example NS {ns} +")),
            (
                "ghost.example ANY",
                "NOERROR aa\nn ghost.example MX 10 host1.example. + 1\nu a.*.ent.example NSEC host1.example. A RRSIG NSEC +",
            ),
        ],
    );
}

const REDIRECTED: &str = "
@     NS    ns
ns    A     192.0.2.1
d     DNAME target
d     TXT   \"beside\"
far   DNAME elsewhere.test.
www   CNAME x.d
loop  DNAME a.loop
a.target  A 192.0.2.2
*.w.target A 192.0.2.3
";

#[test]
fn redirections() {
    check(
        &serving(signed("example", REDIRECTED, Denial::Nsec)),
        &[
            // The owner itself is not redirected.
            ("d.example TXT", "NOERROR aa\nn d.example TXT \"beside\" +"),
            ("d.example DNAME", "NOERROR aa\nn d.example DNAME target.example. +"),
            ("d.example A", "NOERROR aa\nu example SOA +\nu d.example NSEC far.example. TXT DNAME RRSIG NSEC +"),
            (
                "a.d.example A",
                "NOERROR aa
n d.example DNAME target.example. +
n a.d.example CNAME a.target.example.
n a.target.example A 192.0.2.2 +",
            ),
            (
                "b.d.example A",
                "NXDOMAIN aa
n d.example DNAME target.example. +
n b.d.example CNAME b.target.example.
u example SOA +
u a.target.example NSEC *.w.target.example. A RRSIG NSEC +
u ns.example NSEC a.target.example. A RRSIG NSEC +",
            ),
            (
                "x.w.d.example A",
                "NOERROR aa
n d.example DNAME target.example. +
n x.w.d.example CNAME x.w.target.example.
n x.w.target.example A 192.0.2.3 + 3
u *.w.target.example NSEC www.example. A RRSIG NSEC +",
            ),
            (
                "a.d.example CNAME",
                "NOERROR aa\nn d.example DNAME target.example. +\nn a.d.example CNAME a.target.example.",
            ),
            (
                "a.far.example A",
                "NOERROR aa\nn far.example DNAME elsewhere.test. +\nn a.far.example CNAME a.elsewhere.test.",
            ),
            (
                "www.example A",
                "NXDOMAIN aa
n www.example CNAME x.d.example. +
n d.example DNAME target.example. +
n x.d.example CNAME x.target.example.
u example SOA +
u *.w.target.example NSEC www.example. A RRSIG NSEC +
u ns.example NSEC a.target.example. A RRSIG NSEC +",
            ),
        ],
    );
}

/// RFC 6672 §2.3: an apex may have both; everything below it is redirected, but not the apex itself.
#[test]
fn an_apex_that_redirects() {
    for (denial, kind) in
        [(Denial::Nsec, "NSEC"), (Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out: false }, "NSEC3")]
    {
        let authority = serving(signed("z", "@ NS ns.test.\n@ DNAME other.test.", denial));
        check(
            &authority,
            &[
                ("a.b.z A", "NOERROR aa\nn z DNAME other.test. +\nn a.b.z CNAME a.b.other.test."),
                ("z NS", "NOERROR aa\nn z NS ns.test. +"),
            ],
        );
        let denied = brief(&ask(&authority, "z", "A"));
        assert!(denied.starts_with("NOERROR aa\nu z SOA +\nu ") && denied.contains(&format!(" {kind} ")), "{denied}");
        assert!(denied.contains(" DNAME "), "{denied}");
    }
}

#[test]
fn a_redirection_that_becomes_too_long() {
    let label = "l".repeat(60);
    let text = format!("@ NS ns\nns A 192.0.2.1\nd DNAME {label}.{label}.{label}.target");
    let authority = serving(signed("example", &text, Denial::Nsec));
    let answer = ask(&authority, &format!("{label}.d.example"), "A");
    assert_eq!((answer.rcode, answer.answer.len()), (Rcode::YXDOMAIN, 2));
    assert!(answer.answer.iter().all(|record| record.rtype != RecordType::CNAME));
    // One that just fits, and a chain of redirections that grows until it no longer does.
    assert_eq!(ask(&authority, "l.d.example", "A").rcode, Rcode::NXDOMAIN);
    let looping = serving(signed("example", REDIRECTED, Denial::Nsec));
    let answer = ask(&looping, "x.loop.example", "A");
    let aliases = answer.answer.iter().filter(|record| record.rtype == RecordType::CNAME).count();
    assert!(aliases > 3 && answer.answer.len() < 15, "{}", brief(&answer));
}

#[test]
fn substituted_names() {
    for (owner, old, new, expected) in [
        ("a.b.example", "example", "test", Some("a.b.test")),
        ("a.EXAMPLE", "example", "x.y", Some("a.x.y")),
        ("example", "example", "test", None),
        ("a.test", "example", "test", None),
        ("a.example", ".", "x", Some("a.example.x")),
        ("a.example", "example", ".", Some("a")),
    ] {
        let substituted = name(owner).substitute(&name(old), &name(new));
        assert_eq!(substituted, expected.map(name), "{owner}");
    }
}
