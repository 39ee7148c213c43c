//! The whole engine on a simulated network, with a table in place of DNS.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its world has failed")]

mod power_cuts;
mod world;

use std::net::SocketAddr;
use std::time::Duration;

use mxlab_mail::dsn;
use mxlab_mail::smtp::Stage;
use mxlab_sender::outcome::NdrForm;
use mxlab_sender::retry::Timetable;
use mxlab_sender::routing::Trust;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use world::{Habit, config, minutes, of, sha256, story, submission, texts, tlsa, world};

const BO: &str = "bo@fabrikam.example";
const ANN: &str = "ann@contoso.example";

#[test]
fn delivered_by_dane() {
    let world = world();
    world.table.tlsa(
        "mx1.fabrikam.example",
        Trust::Secure,
        vec![tlsa([3, 1, 1], &sha256(&world.certificate.public_key))],
    );
    let mailbox = world.mx1.mailbox.clone();
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "relayed", "security"), ["dane"]);
    assert_eq!(of(&entries, "relayed")[0].fields.number("attempts"), Some(1));
    assert_eq!(texts(&entries, "tlsa", "decision"), ["dane"]);
    assert_eq!(texts(&entries, "tried", "outcome"), ["delivered"]);
    let mailbox = mailbox.lock().unwrap();
    assert_eq!(mailbox.len(), 1);
    assert_eq!((mailbox[0].0.as_str(), mailbox[0].2.as_str()), ("<ann@contoso.example>", world::MESSAGE));
}

#[test]
fn mismatch_for_a_day_becomes_an_ndr() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32])]);
    let (home, mx1) = (world.home.mailbox.clone(), world.mx1.mailbox.clone());
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    let to_bo: Vec<_> =
        of(&entries, "attempt").into_iter().filter(|entry| entry.fields.text("to") == Some(BO)).collect();
    assert_eq!(to_bo.len(), 26);
    assert_eq!(&minutes(&entries, "deferred")[..5], [0, 15, 30, 90, 150]);
    assert_eq!(minutes(&entries, "deferred").last(), Some(&1410));
    assert_eq!(minutes(&entries, "bounced"), [1440]);
    assert_eq!(texts(&entries, "bounced", "code"), ["5.7.323"]);
    assert_eq!(minutes(&entries, "notified"), [240]);
    assert!(mx1.lock().unwrap().is_empty());

    // Both reports were delivered, from the tenant's postmaster, with the null reverse-path.
    let home = home.lock().unwrap();
    assert_eq!(
        home.iter().map(|(from, to, _)| (from.as_str(), to.as_slice())).collect::<Vec<_>>(),
        [("<>", &[ANN.to_owned()][..]), ("<>", &[ANN.to_owned()][..]),]
    );
    let delay = dsn::parse(home[0].2.as_bytes()).unwrap();
    assert_eq!(delay.status.recipients[0].action, dsn::DsnAction::Delayed);
    let ndr = dsn::parse(home[1].2.as_bytes()).unwrap();
    let recipient = &ndr.status.recipients[0];
    assert_eq!(recipient.status.to_string(), "5.7.323");
    assert!(home[1].2.contains("From: <postmaster@contoso.onmicrosoft.example>"));
    assert!(
        home[1].2.contains("Diagnostic-Code: smtp;550 5.7.323 tlsa-invalid: The domain failed DANE validation.\r\n")
    );
    assert!(!home[1].2.contains("Remote-MTA"));

    // Every attempt tells the same state, so that a story can tell it once; what the others add is short.
    let deferred = of(&entries, "deferred");
    assert!(deferred.iter().all(|entry| entry.state.is_some() && entry.state == deferred[0].state));
    let tried: Vec<_> =
        of(&entries, "tried").into_iter().filter(|entry| entry.fields.text("outcome") == Some("failed")).collect();
    assert!(tried.iter().all(|entry| entry.state.is_some() && entry.state == tried[0].state && entry.again.is_none()));
    let again: Vec<_> = deferred.iter().filter_map(|entry| entry.again.as_ref()).collect();
    assert_eq!(again.iter().map(|again| again.number).collect::<Vec<_>>(), (1..=26).collect::<Vec<_>>());
    assert!(again.iter().all(|again| (again.counted, again.says.as_str()) == ("attempt", "same as before (4.7.323)")));
    assert_eq!(again[0].about, "for bo@fabrikam.example");
    let then = |text: &str| again.iter().filter(|again| again.then == text).count();
    assert_eq!(then("next attempt 15 min after this one"), 2);
    assert_eq!(then("next attempt 1 h after this one"), 23);
    assert_eq!(then("expires 30 min after this one"), 1);
    let story = story(&entries);
    assert_eq!(
        &story[..3],
        [
            "takes a message from ann@contoso.example to bo@fabrikam.example",
            "DANE applies to mx1.fabrikam.example: TLSA records at _25._tcp.mx1.fabrikam.example",
            "  because TLSA 3 1 1 0707…0707 is usable",
        ]
    );
    assert_eq!(
        story[3],
        "attempt 1 for bo@fabrikam.example: mx1.fabrikam.example (preference 10): TLSA 3 1 1 does not match the \
         certificate's key"
    );
}

#[test]
fn the_wrapped_form_and_a_tenants_expiration() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32])]);
    let mut config = config();
    config.ndr = NdrForm::Wrapped;
    config.delay_notice = None;
    config.domains.values_mut().for_each(|domain| domain.expiration = Some(Duration::from_secs(12 * 3600)));
    let entries = world.run(config, vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "bounced", "code"), ["5.4.300"]);
    assert_eq!(minutes(&entries, "bounced"), [720]);
    assert_eq!(of(&entries, "deferred").len(), 14);
    assert!(of(&entries, "notified").is_empty());
}

/// With a usable record that would match: every way in which TLS can fail.
#[test]
fn nothing_goes_in_clear_where_dane_applies() {
    let rows = [
        (Habit::Plain, "starttls", "STARTTLS is not offered"),
        (Habit::Says(Stage::StartTls, "454 4.7.0 TLS not available", 9), "starttls", "STARTTLS is refused"),
        (Habit::Silent(Stage::StartTls), "starttls", "STARTTLS is not answered"),
        (Habit::Garbage, "handshake", "the TLS handshake fails"),
        (Habit::Closes, "handshake", "the TLS handshake fails"),
        (Habit::Stalls, "handshake", "the TLS handshake fails"),
    ];
    for (habit, stage, summary) in rows {
        let world = world();
        world.table.tlsa(
            "mx1.fabrikam.example",
            Trust::Secure,
            vec![tlsa([3, 1, 1], &sha256(&world.certificate.public_key))],
        );
        *world.mx1.habit.lock().unwrap() = habit;
        let mailbox = world.mx1.mailbox.clone();
        let mut config = config();
        config.timetable = Timetable::new(vec![], Duration::from_secs(1800));
        let entries = world.run(config, vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "deferred", "code"), ["4.7.321"]);
        assert_eq!(texts(&entries, "deferred", "stage"), [stage]);
        assert_eq!(texts(&entries, "bounced", "code"), ["5.7.321"]);
        assert!(story(&entries).iter().any(|line| line.ends_with(summary)), "{:#?}", story(&entries));
        assert!(mailbox.lock().unwrap().is_empty());
    }
}

/// Without TLSA records TLS is optional: the message goes in clear when TLS fails.
#[test]
fn tls_is_opportunistic_without_dane() {
    for (habit, security) in [
        (Habit::Good, "tls"),
        (Habit::Plain, "none"),
        (Habit::Garbage, "none"),
        (Habit::Closes, "none"),
        (Habit::Stalls, "none"),
        (Habit::Says(Stage::StartTls, "454 4.7.0 TLS not available", 9), "none"),
    ] {
        let world = world();
        *world.mx1.habit.lock().unwrap() = habit;
        let entries = world.run(config(), vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "relayed", "security"), [security]);
        assert_eq!(of(&entries, "attempt").len(), 1);
    }
}

#[test]
fn unusable_records_make_tls_mandatory() {
    for (habit, delivered) in [(Habit::Good, true), (Habit::Plain, false)] {
        let world = world();
        world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([1, 1, 1], &[7; 32]), vec![3]]);
        *world.mx1.habit.lock().unwrap() = habit;
        let mut config = config();
        config.timetable = Timetable::new(vec![], Duration::from_secs(600));
        let entries = world.run(config, vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "relayed", "to").contains(&BO), delivered);
        assert_eq!(texts(&entries, "bounced", "code"), if delivered { vec![] } else { vec!["5.7.321"] });
        assert_eq!(texts(&entries, "tlsa", "decision")[0], "unusable");
    }
}

#[test]
fn usage_2_is_loud() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([2, 0, 1], &[7; 32])]);
    let mut config = config();
    config.timetable = Timetable::new(vec![], Duration::from_secs(600));
    let entries = world.run(config, vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "not-supported", "what"), ["TLSA usage 2"]);
    assert!(!texts(&entries, "relayed", "to").contains(&BO));
}

#[test]
fn the_second_host_takes_what_the_first_cannot() {
    let world = world();
    let mxs = [(20, "mx2.fabrikam.example"), (10, "mx1.fabrikam.example")];
    world.table.mx("fabrikam.example", Trust::Secure, &mxs);
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32])]);
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "tried", "host"), ["mx1.fabrikam.example", "mx2.fabrikam.example"]);
    assert_eq!(texts(&entries, "relayed", "host"), ["mx2.fabrikam.example"]);
    assert!(of(&entries, "deferred").is_empty());
}

#[test]
fn a_repaired_domain_gets_its_mail_at_the_next_attempt() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32])]);
    let (sender, table) = (world.sender(config()), world.table.clone());
    let right = tlsa([3, 1, 1], &sha256(&world.certificate.public_key));
    let outcome = world.sim.run(async move {
        sender.start().await.unwrap();
        sender.submit(submission(ANN, &[BO])).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
        table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![right]);
        sender.watch().wait_for(|waiting| *waiting == 0).await.unwrap();
    });
    assert!(outcome.value.is_some());
    let entries = world.journal.entries();
    assert_eq!(minutes(&entries, "relayed"), [210]);
    assert_eq!(of(&entries, "relayed")[0].fields.number("attempts"), Some(6));
    assert!(of(&entries, "bounced").is_empty());
}

#[test]
fn every_stage_can_defer_and_refuse() {
    use Stage::{Banner, Data, Dot, Ehlo, Mail, Rcpt};
    for stage in [Banner, Ehlo, Mail, Rcpt, Data, Dot] {
        let world_with = |reply| {
            let world = world();
            *world.mx1.habit.lock().unwrap() = Habit::Says(stage, reply, 1);
            world.run(config(), vec![submission(ANN, &[BO])])
        };
        let entries = world_with("451 4.3.2 come back");
        assert_eq!(texts(&entries, "deferred", "code"), ["4.3.2"]);
        assert_eq!(texts(&entries, "deferred", "by"), ["mx1.fabrikam.example"]);
        assert_eq!(texts(&entries, "deferred", "stage"), [stage.word()]);
        assert_eq!(minutes(&entries, "relayed"), [15]);
        let entries = world_with("554 5.3.2 go away");
        assert_eq!(texts(&entries, "bounced", "code"), ["5.3.2"]);
        assert_eq!(texts(&entries, "bounced", "by"), ["mx1.fabrikam.example"]);
        assert_eq!(minutes(&entries, "bounced"), [0]);
    }
}

#[test]
fn stalls_are_time_outs_of_their_stage() {
    use Stage::{Banner, Data, Dot, Ehlo, Mail, Rcpt};
    for (stage, minutes_expected) in [(Banner, 5), (Ehlo, 5), (Mail, 5), (Rcpt, 5), (Data, 2), (Dot, 10)] {
        let world = world();
        *world.mx1.habit.lock().unwrap() = Habit::Silent(stage);
        let mut config = config();
        config.timetable = Timetable::new(vec![], Duration::from_secs(3600));
        let entries = world.run(config, vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "deferred", "code"), ["4.4.315"]);
        assert_eq!(minutes(&entries, "deferred"), [minutes_expected], "{stage}");
        assert_eq!(texts(&entries, "bounced", "text"), ["550 5.4.315 Message expired, connection timed out"]);
    }
    // A host that does not answer QUIT has still taken the message.
    let world = world();
    *world.mx1.habit.lock().unwrap() = Habit::Silent(Stage::Quit);
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "relayed", "to"), [BO]);
}

#[test]
fn refused_and_unreachable_hosts() {
    for (address, code) in [("192.0.2.20", "4.4.316"), ("192.0.2.99", "4.4.315")] {
        let world = world();
        world.table.a("mx1.fabrikam.example", &[address]);
        let mut config = config();
        config.timetable = Timetable::new(vec![], Duration::from_secs(3600));
        let entries = world.run(config, vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "deferred", "code"), [code]);
        assert_eq!(texts(&entries, "deferred", "stage"), ["connect"]);
    }
    // Another address of the same host suffices.
    let world = world();
    world.table.a("mx1.fabrikam.example", &["192.0.2.9", "192.0.2.10"]);
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "tried", "ip"), ["192.0.2.10"]);
}

#[test]
fn each_recipient_has_its_own_outcome() {
    let world = world();
    *world.mx1.habit.lock().unwrap() = Habit::Says(Stage::Rcpt, "550 5.1.1 User unknown", 1);
    let home = world.home.mailbox.clone();
    let to = ["bo@fabrikam.example", "any@fabrikam.example", "x@nowhere.example"];
    let mut config = config();
    config.timetable = Timetable::new(vec![], Duration::from_secs(600));
    let entries = world.run(config, vec![submission(ANN, &to)]);
    assert_eq!(texts(&entries, "relayed", "to"), ["any@fabrikam.example", ANN, ANN]);
    assert_eq!(texts(&entries, "bounced", "to"), ["bo@fabrikam.example", "x@nowhere.example"]);
    assert_eq!(texts(&entries, "bounced", "code"), ["5.1.1", "5.4.312"]);
    let home = home.lock().unwrap();
    assert!(home[0].2.contains("Remote-MTA: dns;mx1.fabrikam.example\r\n"));
    assert!(home[0].2.replace("=\r\n", "").contains("returned '550 5.1.1 User unknown'"));
}

#[test]
fn no_report_is_sent_about_a_report() {
    let world = world();
    *world.mx1.habit.lock().unwrap() = Habit::Says(Stage::Mail, "550 5.7.1 no", 1);
    let home = world.home.mailbox.clone();
    let entries = world.run(config(), vec![submission("", &[BO])]);
    assert_eq!(of(&entries, "bounced").len(), 1);
    assert_eq!(of(&entries, "bounced")[0].fields.get("ndr"), None);
    assert!(home.lock().unwrap().is_empty());
}

#[test]
fn a_killed_engine_goes_on_where_it_was() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32])]);
    let (sender, table, journal, out) = (world.sender(config()), world.table.clone(), world.journal.clone(), world.out);
    let right = tlsa([3, 1, 1], &sha256(&world.certificate.public_key));
    let mailbox = world.mx1.mailbox.clone();
    let outcome = world.sim.run(async move {
        sender.start().await.unwrap();
        sender.submit(submission(ANN, &[BO])).await.unwrap();
        tokio::time::sleep(Duration::from_secs(40 * 60)).await;
        out.kill();
        drop(sender);
        tokio::time::sleep(Duration::from_secs(10 * 60)).await;
        let env = out.restart();
        let recorder = journal.recorder(&env, "sender", 0);
        let sender = mxlab_sender::Sender::with_dns(&env, &recorder, table.clone(), config()).unwrap();
        sender.start().await.unwrap();
        assert_eq!(sender.queued_messages(), 1);
        table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![right]);
        sender.watch().wait_for(|waiting| *waiting == 0).await.unwrap();
        assert!(env.files().list("spool").await.unwrap().is_empty());
    });
    assert!(outcome.value.is_some(), "{:?}", outcome.end);
    let entries = world.journal.entries();
    assert_eq!(texts(&entries, "resumed", "message"), ["1@contoso.example"]);
    assert_eq!(minutes(&entries, "attempt"), [0, 15, 30, 90]);
    assert_eq!(of(&entries, "relayed")[0].fields.number("attempts"), Some(4));
    assert_eq!(mailbox.lock().unwrap().len(), 1);
}

#[test]
fn submission_by_smtp() {
    let world = world();
    let mut sim = world.sim;
    let desk = sim.add_host("desk.contoso.example", ["192.0.2.40".parse().unwrap()]).unwrap();
    let env = world.out.env();
    let recorder = world.journal.recorder(&env, "sender", 0);
    let sender = mxlab_sender::Sender::with_dns(&env, &recorder, world.table.clone(), config()).unwrap();
    let mailbox = world.mx1.mailbox.clone();
    let outcome = sim.run(async move {
        sender.start().await.unwrap();
        let at: SocketAddr = "192.0.2.20:587".parse().unwrap();
        let mut stream = desk.env().connect(at).await.unwrap();
        let dialogue = "EHLO desk\r\nMAIL FROM:<x@elsewhere.example>\r\nMAIL FROM:<ann@contoso.example>\r\n\
                        RCPT TO:<bo@fabrikam.example>\r\nDATA\r\n";
        stream.write_all(dialogue.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        stream.write_all(b"Subject: x\r\n\r\n..\r\n.\r\nQUIT\r\n").await.unwrap();
        let mut seen = String::new();
        stream.read_to_string(&mut seen).await.unwrap();
        sender.watch().wait_for(|waiting| *waiting == 0).await.unwrap();
        seen
    });
    let seen = outcome.value.unwrap();
    assert!(seen.contains("550 5.7.1 Unable to relay\r\n"), "{seen}");
    assert!(seen.contains("250 2.6.0"), "{seen}");
    let mailbox = mailbox.lock().unwrap();
    let message = &mailbox[0].2;
    assert!(message.starts_with("Received: from desk ([192.0.2.40]) by out.contoso.example with ESMTP;"), "{message}");
    assert!(message.contains("\r\nDate: Mon, 02 Mar 2026 08:00:0"), "{message}");
    assert!(message.contains("\r\nMessage-ID: <") && message.ends_with("Subject: x\r\n\r\n.\r\n"), "{message}");
    let entries = world.journal.entries();
    assert_eq!(texts(&entries, "queued", "from"), [format!("<{ANN}>")]);
    assert_eq!(texts(&entries, "rejected", "code"), ["5.7.1"]);
}

/// The result of a host's records and a session, in words for expectations.
#[test]
fn fields_tell_problems_apart() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![tlsa([3, 1, 1], &[7; 32]), vec![1]]);
    let mxs = [(10, "mx1.fabrikam.example"), (20, "mx2.fabrikam.example")];
    world.table.mx("fabrikam.example", Trust::Secure, &mxs);
    let right = tlsa([3, 1, 1], &sha256(&world.certificate.public_key));
    world.table.tlsa("mx2.fabrikam.example", Trust::Secure, vec![right]);
    let entries = world.run(config(), vec![submission(ANN, &[BO])]);
    assert_eq!(texts(&entries, "tried", "problem"), ["tlsa-mismatch"]);
    let (tlsa, relayed) = (of(&entries, "tlsa"), of(&entries, "relayed"));
    assert_eq!((tlsa[0].fields.number("usable"), tlsa[0].fields.number("unusable")), (Some(1), Some(1)));
    assert_eq!(relayed[0].fields.text("matched"), Some("3 1 1"));
    assert_eq!(relayed[0].fields.text("ip"), Some("192.0.2.11"));
    assert_eq!(relayed[0].fields.number("records"), Some(1));
}

/// For mandatory DANE, encryption alone is not enough.
#[test]
fn unusable_records_are_a_dead_end_where_dane_is_mandatory() {
    let world = world();
    world.table.tlsa("mx1.fabrikam.example", Trust::Secure, vec![vec![1]]);
    let mailbox = world.mx1.mailbox.clone();
    let mut config = config();
    config.timetable = Timetable::new(vec![], Duration::from_secs(600));
    config.routing.dane = mxlab_sender::dane::DaneMode::Mandatory;
    let entries = world.run(config, vec![submission("", &[BO])]);
    assert_eq!(texts(&entries, "deferred", "code"), ["4.7.323"]);
    assert_eq!(texts(&entries, "deferred", "problem"), ["dane-not-offered"]);
    assert!(mailbox.lock().unwrap().is_empty());
}

/// RFC 5321 §5.1: an address that answers badly is followed by the next one, and reports name the one that failed.
#[test]
fn the_next_address_follows_any_temporary_failure() {
    for reply in ["451 4.3.2 later", "421 4.3.2 closing"] {
        for stage in [Stage::Banner, Stage::Ehlo] {
            let world = world();
            *world.mx1.habit.lock().unwrap() = Habit::Says(stage, reply, 9);
            world.table.a("mx1.fabrikam.example", &["192.0.2.10", "192.0.2.11"]);
            let entries = world.run(config(), vec![submission(ANN, &[BO])]);
            assert_eq!(texts(&entries, "relayed", "ip"), ["192.0.2.11"]);
        }
    }
}

#[test]
fn too_many_recipients_by_an_old_code_wait() {
    for (reply, code) in [("552 too many", "4.0.0"), ("552 5.5.3 too many", "4.5.3")] {
        let world = world();
        *world.mx1.habit.lock().unwrap() = Habit::Says(Stage::Rcpt, reply, 1);
        let entries = world.run(config(), vec![submission(ANN, &[BO])]);
        assert_eq!(texts(&entries, "deferred", "code"), [code]);
        assert_eq!(texts(&entries, "relayed", "to"), [BO]);
    }
    let world = world();
    *world.mx1.habit.lock().unwrap() = Habit::Says(Stage::Rcpt, "552 5.2.2 full", 1);
    assert_eq!(texts(&world.run(config(), vec![submission(ANN, &[BO])]), "bounced", "code"), ["5.2.2"]);
}
