use proptest::prelude::*;

use super::*;
use crate::authres::{MAX_CLAUSES, MAX_LENGTH};

/// Reads a value, writes it as `written`, and checks that the two mean the same.
#[track_caller]
fn check(value: &str, canonical: &str) -> Payload {
    let payload: Payload = value.parse().unwrap_or_else(|error| panic!("{value}: {error}"));
    assert_eq!(payload.to_string(), canonical);
    assert_eq!(canonical.parse().as_ref(), Ok(&payload), "{canonical}");
    payload
}

#[track_caller]
fn exact(value: &str) -> Payload {
    check(value, value)
}

#[track_caller]
fn refused(value: &str, expected: &str) {
    assert_eq!(value.parse::<Payload>().map_err(|error| error.to_string()), Err(expected.to_owned()), "{value:?}");
}

fn value(text: &str) -> PropertyValue {
    PropertyValue::Value(Value::new(text).expect("a value"))
}

fn mailbox(local: Option<&str>, domain: &str) -> PropertyValue {
    PropertyValue::Mailbox(Mailbox::new(local.map(str::to_owned), domain).expect("a mailbox"))
}

/// The first property of the first result of a value with one property of this text.
#[track_caller]
fn property(text: &str, expected: &PropertyValue, canonical: &str) {
    let payload = check(&format!("x; a=b c.d={text}"), &format!("x; a=b c.d={canonical}"));
    assert_eq!(payload.results[0].property("C", "D"), Some(expected), "{text}");
}

/// The examples of RFC 8601 Appendix B, unfolded.
#[test]
fn examples_of_the_standard() {
    exact("example.org 1; none");
    exact("example.com; spf=pass smtp.mailfrom=example.net");
    exact("example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net");
    check(
        "example.com;\tsender-id=fail header.from=example.com;\tdkim=pass (good signature) header.d=example.com",
        "example.com; sender-id=fail header.from=example.com; dkim=pass (good signature) header.d=example.com",
    );
    exact(
        "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net; dkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
    );
    // Comments in every place where they are allowed.
    check(
        "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462",
        "foo.example.net 1 (foobar) (baz); dkim/1=fail (Because I like it) (One yay) (wait for it) policy.expired=1362471462 (A dot can go here) (like that) (this surprised me) (as I wasn't expecting it)",
    );
}

#[test]
fn parts() {
    let payload = exact(
        "mx.contoso.example 2 (a (b \\) c) d); spf/1=pass (e) reason=\"it may\" (f) smtp.mailfrom=ann@contoso.example (g) policy.x=y; dkim=none",
    );
    assert_eq!((payload.authserv_id.as_str(), payload.version), ("mx.contoso.example", Some(2)));
    let nested = Comment::of("b ) c").expect("a comment");
    let parts = [CommentPart::Text("a ".into()), CommentPart::Comment(nested), CommentPart::Text(" d".into())];
    assert_eq!(payload.comments, [Comment::new(parts).expect("a comment")]);
    let [spf, dkim] = payload.results.as_slice() else { panic!("{payload:?}") };
    assert!(spf.method.is("SPF") && spf.result.is("Pass"));
    assert_eq!((spf.version, spf.comments.as_slice()), (Some(1), [Comment::of("e").expect("a comment")].as_slice()));
    let reason = spf.reason.as_ref().expect("a reason");
    assert_eq!((reason.value.as_str(), reason.comments.len()), ("it may", 1));
    assert_eq!(spf.property("smtp", "MailFrom"), Some(&mailbox(Some("ann"), "contoso.example")));
    assert_eq!(spf.property("policy", "x"), Some(&value("y")));
    assert_eq!((spf.property("policy", "mailfrom"), spf.property("smtp", "x")), (None, None));
    assert_eq!(spf.properties.iter().map(|it| it.comments.len()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!((dkim.version, &dkim.reason, dkim.properties.len()), (None, &None, 0));
    assert_eq!(payload.results_of("DKIM").count(), 1);
    assert_eq!(payload.results_of("dmarc").count(), 0);
}

#[test]
fn canonical_writing() {
    check("  x  ;  a  =  b  ", "x; a=b");
    check("(1)x(2);(3)a(4)=(5)b(6)", "x (1) (2); a=b (3) (4) (5) (6)");
    check("x;a/ 01=b", "x; a/1=b");
    check("x 007 ;a=b", "x 7; a=b");
    check("\"x\"; a=b", "x; a=b");
    check("\"x y\" 1; a=b", "\"x y\" 1; a=b");
    check("\"\"; a=b", "\"\"; a=b");
    check("x; (1) NONE (2)", "x (1) (2); none");
    check("x; none=none", "x; none=none");
    check("x; a=b; none=c", "x; a=b; none=c");
    check("x; a=b reason=\"c\"", "x; a=b reason=c");
    check("x; a=b REASON = (r) \"c d\" e.f=g", "x; a=b reason=\"c d\" (r) e.f=g");
    // The name alone decides whether it is a property or a reason.
    check("x; a=b reason.c=d", "x; a=b reason.c=d");
    check("x; a=b reason=reason", "x; a=b reason=reason");
    // After a pvalue no blank is needed.
    check("x; a=b c.d=\"e\"f.g=h", "x; a=b c.d=e f.g=h");
    check("x; a=b c.d=e(1)f.g=h", "x; a=b c.d=e (1) f.g=h");
    check("x (\\a\\(\\\\); a=b", "x (a\\(\\\\); a=b");
    check("x ( a\tb ); a=b", "x ( a\tb ); a=b");
    check("x (); a=b", "x (); a=b");
    // Names keep their case.
    check("x; SPF=Pass Smtp.MailFrom=A", "x; SPF=Pass Smtp.MailFrom=A");
}

#[test]
fn values_of_properties() {
    property("contoso.example", &value("contoso.example"), "contoso.example");
    property("1362471462", &value("1362471462"), "1362471462");
    property("\"a b\"", &value("a b"), "\"a b\"");
    property("\"a\\\"\\\\b\"", &value("a\"\\b"), "\"a\\\"\\\\b\"");
    property("\"2001:db8::1\"", &value("2001:db8::1"), "\"2001:db8::1\"");
    property("\"\"", &value(""), "\"\"");
    property("ann@contoso.example", &mailbox(Some("ann"), "contoso.example"), "ann@contoso.example");
    property("a=b/c?d@x.example", &mailbox(Some("a=b/c?d"), "x.example"), "a=b/c?d@x.example");
    property("@contoso.example", &mailbox(None, "contoso.example"), "@contoso.example");
    property("\"a b\"@x.example", &mailbox(Some("a b"), "x.example"), "\"a b\"@x.example");
    property("\"a.b\"@x.example", &mailbox(Some("a.b"), "x.example"), "a.b@x.example");
    property("\"a..b\"@x.example", &mailbox(Some("a..b"), "x.example"), "\"a..b\"@x.example");
    property("\"\"@x.example", &mailbox(Some(""), "x.example"), "\"\"@x.example");
    // The same text in quotes is not an address.
    property("\"a=b@x.example\"", &value("a=b@x.example"), "\"a=b@x.example\"");
}

#[test]
fn beyond_ascii() {
    property("żółw.example", &value("żółw.example"), "żółw.example");
    property("ann@żółw.example", &mailbox(Some("ann"), "żółw.example"), "ann@żółw.example");
    property("użytkownik@x.example", &mailbox(Some("użytkownik"), "x.example"), "użytkownik@x.example");
    property("\"ż ó\"", &value("ż ó"), "\"ż ó\"");
    exact("żółw.example; none");
    exact("x (ż\u{2028}ó); a=b reason=\"ł ł\"");
    refused("x; ż=b", "expected a method at octet 3");
    refused("x; a=ż", "expected a result at octet 5");
}

#[test]
fn what_is_not_read() {
    refused("", "expected an authserv-id at octet 0");
    refused("x", "expected a version or ; at octet 1");
    refused("x 1", "expected ; at octet 3");
    refused("x;", "expected a method at octet 2");
    refused("x y; a=b", "expected a version or ; at octet 2");
    refused("\"x\"1; a=b", "expected a blank before the version at octet 3");
    refused("x 99999999999; a=b", "number too large at octet 2");
    refused("x@y.example; a=b", "expected a version or ; at octet 1");
    // After a semicolon at the end there would have to be a result.
    refused("x; a=b;", "expected a method at octet 7");
    refused("x; a=b; ; c=d", "expected a method at octet 8");
    refused("x; none; a=b", "expected = at octet 7");
    refused("x; a=b; none", "expected = at octet 12");
    refused("x; a", "expected = at octet 4");
    refused("x; a=", "expected a result at octet 5");
    refused("x; a-=b", "expected a method at octet 3");
    refused("x; a=b_c", "expected a property or ; at octet 6");
    refused("x; a=\"b\"", "expected a result at octet 5");
    refused("x; a/=b", "expected a version at octet 5");
    refused("x; a/b=c", "expected a version at octet 5");
    // Microsoft's clauses have properties without a type.
    refused("x; dmarc=pass action=none", "expected . at octet 20");
    refused("spf=pass smtp.mailfrom=a.example", "expected a version or ; at octet 3");
    refused("x; a=b reason", "expected . at octet 13");
    refused("x; a=b reason=", "expected a reason at octet 14");
    refused("x; a=b reason=@", "expected a reason at octet 14");
    refused("x; a=b reason=c reason=d", "expected . at octet 22");
    refused("x; a=b c.d=e reason=f", "expected . at octet 19");
    refused("x; a=b reason=\"c\"d.e=f", "expected a blank after the reason at octet 17");
    refused("x; a=b c.=d", "expected the name of a property at octet 9");
    refused("x; a=b c.d", "expected = at octet 10");
    refused("x; a=b c.d=", "expected a value at octet 11");
    refused("x; a=b c.d=;", "expected a value at octet 11");
    refused("x; a=b c.d=e f", "expected . at octet 14");
    refused("x; a=b c.d=e, f", "expected a property or ; at octet 12");
    refused("x; a=b c.d=2001:db8::1", "expected a property or ; at octet 15");
    refused("x; a=b c.d=YQ==", "'=' outside quotes at octet 13");
    refused("x; a=b c.d=a/b", "'/' outside quotes at octet 12");
    refused("x; a=b c.d=<>", "expected a value at octet 11");
    refused("x; a=b c.d=.a@x.example", "bad local part at octet 11");
    refused("x; a=b c.d=a.@x.example", "bad local part at octet 11");
    refused("x; a=b c.d=\"a\tb\"@x.example", "bad local part at octet 11");
    refused("x; a=b c.d=a@", "bad domain name at octet 13");
    refused("x; a=b c.d=a@localhost", "bad domain name at octet 13");
    refused("x; a=b c.d=a@x..example", "bad domain name at octet 13");
    refused("x; a=b c.d=a@x.example.", "bad domain name at octet 13");
    refused("x; a=b c.d=a@-x.example", "bad domain name at octet 13");
    refused("x; a=b c.d=a@x-.example", "bad domain name at octet 13");
    refused("x; a=b c.d=a@[192.0.2.1]", "bad domain name at octet 13");
    refused("x; a=b c.d=a@x_y.example", "bad domain name at octet 13");
}

#[test]
fn quotes_and_comments() {
    refused("\"x; a=b", "quoted string without end at octet 0");
    refused("\"x\\\"; a=b", "quoted string without end at octet 0");
    refused("\"x\\", "quoted string without end at octet 0");
    refused("x (; a=b", "comment without end at octet 2");
    refused("x (a (b); c=d", "comment without end at octet 2");
    refused("x (a\\); b=c", "comment without end at octet 2");
    refused("x ); a=b", "expected a version or ; at octet 2");
    refused("\"a\nb\"; none", "control character '\\n' at octet 2");
    refused("x (a\\\rb); none", "control character '\\r' at octet 5");
    refused("x (\u{7f}); none", "control character '\\u{7f}' at octet 3");
    // Folds are undone before a value is read.
    refused("x;\r\n a=b", "expected a method at octet 2");
}

#[test]
fn limits() {
    let nested = |depth: usize| format!("x {}{}; none", "(".repeat(depth), ")".repeat(depth));
    exact(&nested(MAX_COMMENT_DEPTH));
    let position = 2 + MAX_COMMENT_DEPTH;
    refused(&nested(MAX_COMMENT_DEPTH + 1), &format!("comments nested deeper than 16 at octet {position}"));
    let results = |count: usize| format!("x{}", "; a=b".repeat(count));
    exact(&results(MAX_CLAUSES));
    refused(&results(MAX_CLAUSES + 1), "more than 64 results at octet 324");
    let properties = |count: usize| format!("x; a=b{}", " c.d=e".repeat(count));
    exact(&properties(MAX_PROPERTIES));
    refused(&properties(MAX_PROPERTIES + 1), "more than 64 properties at octet 391");
    let long = |length: usize| format!("{}; none", "x".repeat(length - 6));
    exact(&long(MAX_LENGTH));
    refused(&long(MAX_LENGTH + 1), "more than 16384 octets at octet 16384");
}

#[test]
fn parts_that_cannot_be() {
    for word in ["", "-", "a-", "a_b", "a b", "ż", "a="] {
        assert_eq!(Keyword::new(word), Err(PartError::Keyword), "{word:?}");
    }
    assert_eq!(Keyword::new("-a-1").map(|word| word.as_str().to_owned()), Ok("-a-1".to_owned()));
    assert_eq!(Value::new("a\r\nb"), Err(PartError::Control('\r')));
    assert_eq!(Comment::of("a\0"), Err(PartError::Control('\0')));
    assert_eq!(Mailbox::new(Some("a\tb".into()), "x.example"), Err(PartError::Control('\t')));
    assert_eq!(Mailbox::new(None, "example"), Err(PartError::Domain));
    assert_eq!(Instance::new(0), Err(PartError::Instance));
    assert_eq!(Instance::new(51), Err(PartError::Instance));
    let deep = (0..MAX_COMMENT_DEPTH).try_fold(Comment::default(), |it, _| Comment::new([CommentPart::Comment(it)]));
    assert_eq!(deep, Err(PartError::TooDeep));
    let texts = ["a", "", "b"].map(|text| CommentPart::Text(text.into()));
    assert_eq!(Comment::new(texts).map(|it| it.parts().to_vec()), Ok(vec![CommentPart::Text("ab".into())]));
}

#[track_caller]
fn arc(value: &str, expected: Result<&str, &str>) {
    let outcome = value.parse::<ArcInfo>().map(|info| info.to_string()).map_err(|error| error.to_string());
    assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned), "{value:?}");
}

#[test]
fn instances_of_arc() {
    let example = "i=1; lists.example.org; spf=pass smtp.mfrom=jqd@d1.example; dkim=pass (1024-bit key) header.i=@d1.example; dmarc=pass";
    arc(example, Ok(example));
    arc("i=50;x;none", Ok("i=50; x; none"));
    arc(" (1) i (2) = (3) 07 (4) ; (5) x (6); a=b", Ok("i=7; x (1) (2) (3) (4) (5) (6); a=b"));
    arc("x; none", Err("expected i= at octet 0"));
    arc("I=1; x; none", Err("expected i= at octet 0"));
    arc("i 1; x; none", Err("expected = at octet 2"));
    arc("i=; x; none", Err("instance not from 1 to 50 at octet 2"));
    arc("i=0; x; none", Err("instance not from 1 to 50 at octet 2"));
    arc("i=51; x; none", Err("instance not from 1 to 50 at octet 2"));
    arc("i=001; x; none", Err("instance not from 1 to 50 at octet 2"));
    arc("i=-1; x; none", Err("instance not from 1 to 50 at octet 2"));
    arc("i=1 x; none", Err("expected ; at octet 4"));
    arc("i=1", Err("expected ; at octet 3"));
    arc("i=1; x", Err("expected a version or ; at octet 6"));
    let info: ArcInfo = example.parse().expect("an arc-info");
    assert_eq!((info.instance.number(), info.payload.results.len()), (1, 3));
    assert_eq!(
        info.to_field(),
        "ARC-Authentication-Results: i=1; lists.example.org; spf=pass\r\n smtp.mfrom=jqd@d1.example; dkim=pass (1024-bit key) header.i=@d1.example;\r\n dmarc=pass\r\n"
    );
}

#[test]
fn folding() {
    let long = "mx.contoso.example; dkim=fail (the body of the message is not the one that was signed) reason=\"body hash did not verify\" header.d=fabrikam.example";
    assert_eq!(
        exact(long).to_field(),
        "Authentication-Results: mx.contoso.example; dkim=fail (the body of the message\r\n is not the one that was signed) reason=\"body hash did not verify\"\r\n header.d=fabrikam.example\r\n"
    );
}

fn some_text() -> impl Strategy<Value = String> {
    "[a-z =@.()\"\\\\\tżł;-]{0,12}"
}

fn some_keyword() -> impl Strategy<Value = Keyword> {
    "(none|reason|spf|-{0,2}[a-zA-Z0-9]{1,3})".prop_map(|word| Keyword::new(word).expect("a keyword"))
}

fn some_comments() -> impl Strategy<Value = Vec<Comment>> {
    let text = some_text().prop_map(CommentPart::Text);
    let comment = proptest::collection::vec(text, 0..3).prop_map(|parts| Comment::new(parts).expect("text"));
    let nested = comment.prop_recursive(3, 8, 3, |inner| {
        let part = prop_oneof![some_text().prop_map(CommentPart::Text), inner.prop_map(CommentPart::Comment)];
        proptest::collection::vec(part, 0..4).prop_map(|parts| Comment::new(parts).expect("not too deep"))
    });
    proptest::collection::vec(nested, 0..3)
}

fn some_value() -> impl Strategy<Value = Value> {
    some_text().prop_map(|text| Value::new(text).expect("no control characters"))
}

fn some_property() -> impl Strategy<Value = Property> {
    let domain = "[a-z0-9ż]{1,3}(-[a-z]{1,3})?\\.[a-z]{1,3}";
    let local = proptest::option::of(some_text().prop_map(|text| text.replace('\t', " ")));
    let mailbox = (local, domain).prop_map(|(local, domain)| Mailbox::new(local, domain).expect("a mailbox"));
    let value = prop_oneof![some_value().prop_map(PropertyValue::Value), mailbox.prop_map(PropertyValue::Mailbox)];
    (some_keyword(), some_keyword(), value, some_comments()).prop_map(|(ptype, property, value, comments)| Property {
        ptype,
        property,
        value,
        comments,
    })
}

prop_compose! {
    fn some_result()(
        (method, version, result, comments) in (some_keyword(), any::<Option<u32>>(), some_keyword(), some_comments()),
        reason in proptest::option::of((some_value(), some_comments())),
        properties in proptest::collection::vec(some_property(), 0..3),
    ) -> ResInfo {
        let reason = reason.map(|(value, comments)| Reason { value, comments });
        ResInfo { method, version, result, comments, reason, properties }
    }
}

prop_compose! {
    fn some_payload()(
        (authserv_id, version, comments) in (some_value(), any::<Option<u32>>(), some_comments()),
        results in proptest::collection::vec(some_result(), 0..3),
    ) -> Payload {
        Payload { authserv_id, version, comments, results }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(payload in some_payload()) {
        let text = payload.to_string();
        prop_assert_eq!(text.parse(), Ok(payload), "{}", text);
    }

    #[test]
    fn what_is_written_in_a_chain_is_read(payload in some_payload(), number in 1..=MAX_INSTANCE) {
        let info = ArcInfo { instance: Instance::new(number).expect("in range"), payload };
        let text = info.to_string();
        prop_assert_eq!(text.parse(), Ok(info), "{}", text);
    }

    /// The position of a mistake is within the value, and at a character boundary.
    #[test]
    fn any_text(value in "\\PC{0,60}") {
        if let Err(error) = value.parse::<Payload>() {
            prop_assert!(value.is_char_boundary(error.position), "{}", error);
        }
    }

    #[test]
    fn what_is_read_is_written_and_read_again(value in "x(\\(a?\\)| |1|\"){0,3};( ?[a=./;@\"()\\\\ -]|reason=|none|a=b|c\\.d=|@e\\.f){0,12}") {
        if let Ok(payload) = value.parse::<Payload>() {
            prop_assert_eq!(payload.to_string().parse(), Ok(payload));
        }
    }
}
