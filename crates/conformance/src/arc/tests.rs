use super::*;

#[test]
fn the_suite_passes() {
    let folder = folder::by_default();
    let cases = match run(&folder) {
        Ok(cases) => cases,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("skipped: there is no ARC suite in {}: {error}", folder.display());
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let others: Vec<(&str, &str)> = cases.iter().map(|case| (case.name.as_str(), case.outcome.why())).collect();
    let others: Vec<_> = others.into_iter().filter(|(_, why)| !why.is_empty()).collect();
    // Where a standard contradicts the suite.
    let differences = [
        (
            "Arc Message Signature Fields/ams_fields_c_na",
            "differs: without c= a message signature is simple/simple (RFC 6376 §3.5)",
        ),
        (
            "Arc Message Signature Fields/ams_fields_h_empty",
            "differs: h= of a message signature must list From (RFC 6376 §5.4)",
        ),
    ];
    assert_eq!(others, differences);
    let signing =
        cases.iter().filter(|case| case.name.starts_with("Canonicalization/") || case.name.contains("Existant"));
    assert_eq!((cases.len(), signing.count()), (188, 17));
}
