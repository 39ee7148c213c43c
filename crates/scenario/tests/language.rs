//! The fifteen files of the reference are read without a mistake, and mean what the reference says.

mod common;

use common::{BEHAVIOURS, files, worlds};
use mxlab_scenario::file::read;

#[test]
fn files_of_the_reference_are_read() {
    let mut cells = Vec::new();
    for (name, text) in files() {
        match read(&format!("{name}.toml"), &text, &worlds(), BEHAVIOURS) {
            Ok(loaded) => {
                assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
                cells.push(loaded.cells.len());
            }
            Err(mistakes) => panic!("{mistakes}"),
        }
    }
    assert_eq!(cells, [1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 16, 1, 2, 3, 8]);
}
