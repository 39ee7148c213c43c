//! The examples of the standards.

use data_encoding::BASE64;
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;

use super::crypto::SigningKey;
use super::signature::Signature;
use super::signed_fields::{FieldIndex, OwnField};
use super::testing::verified_with;
use super::verification::Failure;
use super::verify::Policy;
use crate::testing::Zone;

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// RFC 6376 appendix A.2, with errata 3192 (one blank in "game. Are") and 4926 (how the folds are indented).
const RFC_6376: &str = "\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
";

/// RFC 6376 appendix C.
const RFC_6376_ZONE: &str = "brisbane._domainkey.example.com TXT v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3\
    SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0\
    fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

#[test]
fn rfc_6376() {
    let zone = Zone::new(RFC_6376_ZONE);
    let results = |message: &str| -> Vec<Result<(), Failure>> {
        let verifications = verified_with(&zone, crlf(message).as_bytes(), 2_000_000_000, &Policy::default());
        verifications.into_iter().map(|verification| verification.outcome).collect()
    };
    assert_eq!(results(RFC_6376), [Ok(())]);
    assert_eq!(results(&RFC_6376.replace("ready?", "ready!")), [Err(Failure::Signature)]);
    let changed = results(&RFC_6376.replace("Joe.", "Jim."));
    assert!(matches!(changed[..], [Err(Failure::BodyHash { signature_holds: true, .. })]), "{changed:?}");
}

/// RFC 8463 appendix A.3.
const RFC_8463: &str = "\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
";

/// RFC 8463 appendix A.2.
const RFC_8463_ZONE: &str = "
    brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    test._domainkey.football.example.com TXT v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

#[test]
fn rfc_8463() {
    let verifications =
        verified_with(&Zone::new(RFC_8463_ZONE), crlf(RFC_8463).as_bytes(), 1_528_637_909, &Policy::default());
    let results: Vec<_> =
        verifications.iter().map(|verification| (verification.number, &verification.outcome)).collect();
    assert_eq!(results, [(0, &Ok(())), (1, &Ok(()))]);
}

/// The keys of RFC 8463 appendix A.1 make exactly the signatures of appendix A.3.
#[test]
fn rfc_8463_signed() {
    let seed = BASE64.decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("base64");
    let keys = [
        SigningKey::from_ed25519_seed(&seed.try_into().expect("32 octets")).expect("a key"),
        SigningKey::from_pem(include_str!("testkeys/rfc8463-rsa.pem")).expect("a key"),
    ];
    let text = crlf(RFC_8463);
    let message = Message::parse(text.as_bytes()).expect("a message");
    let index = FieldIndex::new(&message);
    for (number, key) in keys.iter().enumerate() {
        let field = index.fields()[number];
        let tags = TagList::parse(field.raw_value()).expect("a tag list");
        let signature = Signature::parse(&tags).expect("a signature").message;
        let own = OwnField { field, number: Some(number), signature: tags.tag("b").expect("a signature").value_span() };
        let data = index.signed_data(signature.canonicalization.header, &signature.signed_fields, &own);
        assert_eq!(key.algorithm(), signature.algorithm);
        assert_eq!(key.sign(&data).expect("a signature"), signature.signature, "{key:?}");
    }
}
