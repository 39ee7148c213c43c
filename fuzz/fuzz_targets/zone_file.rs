//! Text as a zone file: what is read can be written and read again as the same, and the positions of mistakes are
//! within the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_dns::{Record, Zone, rdata, zonefile};
use mxlab_fuzz::name;

fuzz_target!(|text: &str| {
    let origin = name("fabrikam.example");
    match zonefile::parse(text, &origin, 300) {
        Ok(entries) => {
            for entry in entries {
                assert!(text.get(entry.span.clone()).is_some());
                let line = written(&entry.record);
                match zonefile::parse(&line, &origin, 1).as_deref() {
                    Ok([again]) => assert_eq!(again.record, entry.record, "{line}"),
                    other => panic!("{line}: {other:?}"),
                }
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| text.get(error.span.clone()).is_some()), "{errors:?}");
        }
    }
    let mut zone = Zone::new(origin, &[name("ns.fabrikam.example")], 300);
    if let Err(errors) = zone.add_text(text, 300) {
        assert!(errors.iter().all(|error| text.get(error.span.clone()).is_some()), "{errors:?}");
    }
});

/// A record as a line of a zone file.
fn written(record: &Record) -> String {
    let owner = if record.name.is_root() { ".".to_owned() } else { format!("{}.", record.name) };
    format!("{owner} {} IN {} {}", record.ttl, record.rtype, rdata::to_text(record.rtype, &record.rdata))
}
