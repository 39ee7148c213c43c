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
    let failed: Vec<&Case> = cases.iter().filter(|case| case.outcome != Outcome::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let signing =
        cases.iter().filter(|case| case.name.starts_with("Canonicalization/") || case.name.contains("Existant"));
    assert_eq!((cases.len(), signing.count()), (188, 17));
}
