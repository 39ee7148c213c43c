//! Genuine answers that are changed on their way: whatever is changed, every secure result is what the zone holds.
//!
//! The first octet picks the question. What follows are changes of eight octets each: to which query's answer, to which
//! section and record, what, and with which octets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_dns::wire::Message;
use mxlab_dns::{Name, RawRdata, Rcode, Record, RecordType, Security, rdata};
use mxlab_fuzz::{INTERNET, QUESTIONS, lookup, name};

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let question = &QUESTIONS[usize::from(*first) % QUESTIONS.len()];
    let changes: Vec<[u8; 8]> = rest.as_chunks::<8>().0.to_vec();
    let answer = lookup(question, move |query, number| {
        let query = Message::decode(query).ok()?;
        let asked = query.question.as_ref()?;
        let mut message = INTERNET.answer(&asked.name, asked.rtype);
        message.id = query.id;
        for change in changes.iter().filter(|change| u32::from(change[0]) == number) {
            tamper(&mut message, change);
        }
        Some(message.encode(usize::from(u16::MAX)))
    });
    match answer.security {
        Security::Secure => {}
        // Nor can anybody make a signed zone an unsigned one; but what a zone that opts out does not hold is not denied
        // securely.
        Security::Insecure(_) => {
            let unsigned = ["mail.plain.example", "mail.sub.open.example", "nothing.open.example"];
            assert!(unsigned.contains(&question.0), "{answer:?}");
            return;
        }
        Security::Bogus(_) | Security::Unavailable(_) => return,
    }
    let genuine = INTERNET.answer(&name(question.0), question.1);
    let held = |record: &Record| genuine.answer.iter().any(|held| same(held, record));
    assert!(answer.records.iter().all(held), "{answer:?}");
    let expected = genuine.answer.iter().filter(|record| record.rtype == question.1).count();
    assert_eq!(answer.records.len(), expected, "{answer:?}");
});

/// Letters of names in data may come in another case: what is signed has them in lower case (RFC 4034 section 6.2).
fn same(one: &Record, other: &Record) -> bool {
    let data = |record: &Record| rdata::to_text(record.rtype, &record.rdata).to_ascii_lowercase();
    (&one.name, one.rtype) == (&other.name, other.rtype) && data(one) == data(other)
}

fn tamper(message: &mut Message, &[_, section, record, what, at, octet, more, last]: &[u8; 8]) {
    match what {
        0 => message.rcode = Rcode(u16::from(octet & 0x0f)),
        1 => message.answer.clear(),
        2 => message.authority.clear(),
        3 => std::mem::swap(&mut message.answer, &mut message.authority),
        4 => {
            // The answer to another question.
            let (owner, rtype) = QUESTIONS[usize::from(octet) % QUESTIONS.len()];
            let other = INTERNET.answer(&name(owner), rtype);
            message.answer.extend(other.answer);
            message.authority.extend(other.authority);
        }
        _ => {}
    }
    let records = match section & 1 {
        0 => &mut message.answer,
        _ => &mut message.authority,
    };
    if records.is_empty() {
        return;
    }
    let index = usize::from(record) % records.len();
    match what {
        5 => drop(records.remove(index)),
        6 => records.push(records[index].clone()),
        7 => records[index].ttl = u32::from_be_bytes([at, octet, more, last]),
        8 => records[index].rtype = RecordType(u16::from_be_bytes([octet, more])),
        9 => records[index].name = other_name(&records[index].name, octet),
        10..=200 => {
            let mut octets = records[index].rdata.as_bytes().to_vec();
            let place = usize::from(at) % octets.len().max(1);
            match (what % 3, octets.get_mut(place)) {
                (0, Some(byte)) => *byte ^= octet.max(1),
                (1, _) => octets.truncate(place),
                _ => octets.extend([octet, more, last]),
            }
            records[index].rdata = RawRdata::from(octets);
        }
        _ => {}
    }
}

/// A name near this one, or one of those asked for.
fn other_name(name_now: &Name, octet: u8) -> Name {
    match octet {
        0 => name_now.parent().unwrap_or_else(Name::root),
        1 => name_now.prepend_label("a").unwrap_or_else(|_| Name::root()),
        2 => name_now.prepend_label("*").unwrap_or_else(|_| Name::root()),
        _ => name(QUESTIONS[usize::from(octet) % QUESTIONS.len()].0),
    }
}
