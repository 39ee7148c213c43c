//! Files of suites.

use std::io;
use std::path::{Path, PathBuf};

/// The longest file that is read, in octets.
const MAX_FILE: u64 = 8 << 20;

/// The folder of this name below a folder of suites; the folder itself if there is none.
pub(crate) fn below(folder: &Path, name: &str) -> PathBuf {
    let nested = folder.join(name);
    if nested.is_dir() { nested } else { folder.to_owned() }
}

/// The octets of a file that is not too long.
pub(crate) fn octets(file: &Path) -> io::Result<Vec<u8>> {
    if std::fs::metadata(file)?.len() > MAX_FILE {
        let why = format!("{} is longer than {MAX_FILE} octets", file.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    std::fs::read(file)
}

/// The text of a file that is not too long; the error says which file it is about.
pub(crate) fn text(file: &Path) -> io::Result<String> {
    let name = || file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let octets = octets(file).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", name())))?;
    String::from_utf8(octets)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", name())))
}

/// Where tests look for the suites: `MXLAB_SUITES`, or beside the repository.
#[cfg(test)]
pub(crate) fn by_default() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites");
    std::env::var_os("MXLAB_SUITES").map_or_else(beside, PathBuf::from)
}
