//! The disk of this machine. Its calls block for as long as the disk takes, which is acceptable for a spool of small files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::BoxFuture;
use crate::files::Disk;

/// Numbers the files that this program writes.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder of this machine.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Disk for Folder {
    type Written = File;

    fn base(&self) -> &Path {
        &self.0
    }

    fn unique(&self) -> String {
        format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<File> {
        let mut file = File::create_new(path)?;
        match file.write_all(content) {
            Ok(()) => Ok(file),
            Err(error) => {
                // The disk is full, say; the error is told.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    fn sync(&self, file: File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
