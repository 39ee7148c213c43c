//! A host's disk: data that was written but not synced is lost when the power fails.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mxlab_env::BoxFuture;
use mxlab_env::files::{Disk, Store};
use turmoil_fs::shim::std::fs;

use crate::host::{Host, Process};

/// The files of a host, as one process sees them.
pub(crate) type SimFiles = Store<SimDisk>;

/// The disk of a host, as one process sees it.
#[derive(Clone)]
pub(crate) struct SimDisk {
    host: Option<Arc<Host>>,
    process: Arc<Process>,
    sync_delay: Duration,
}

pub(crate) fn files(host: Option<&Arc<Host>>, process: &Arc<Process>, sync_delay: Duration) -> SimFiles {
    Store(SimDisk { host: host.cloned(), process: Arc::clone(process), sync_delay })
}

impl SimDisk {
    /// Does something on the host's disk.
    fn on_disk<T>(&self, f: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let host = self.host.as_ref().ok_or_else(|| io::Error::other("the script has no files"))?;
        if !self.process.is_alive() {
            return Err(io::Error::other(format!("the process on {} is dead", host.name)));
        }
        let _disk = host.disk.enter();
        f()
    }
}

/// An open file. Closing it is also a call to its disk.
pub(crate) struct OnDisk {
    file: Option<fs::File>,
    host: Option<Arc<Host>>,
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _disk = self.host.as_ref().map(|host| host.disk.enter());
        self.file = None;
    }
}

impl Disk for SimDisk {
    type Written = OnDisk;

    fn base(&self) -> &Path {
        Path::new("/")
    }

    /// turmoil-fs confuses two files with the same name while a rename is not synced yet: a number is never used again.
    fn unique(&self) -> String {
        self.host.as_ref().map_or(0, |host| host.next_file.fetch_add(1, Ordering::Relaxed)).to_string()
    }

    fn exists(&self, path: &Path) -> bool {
        self.on_disk(|| Ok(fs::exists(path))).unwrap_or(false)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.on_disk(|| fs::create_dir(path))
    }

    fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<OnDisk> {
        self.on_disk(|| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(content)?;
            Ok(OnDisk { file: Some(file), host: self.host.clone() })
        })
    }

    fn sync(&self, file: OnDisk) -> io::Result<()> {
        self.on_disk(|| file.file.as_ref().map_or(Ok(()), fs::File::sync_all))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.on_disk(|| fs::rename(from, to))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.on_disk(|| fs::sync_dir(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.on_disk(|| fs::read(path))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.on_disk(|| fs::remove_file(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.on_disk(|| {
            if !fs::exists(folder) {
                return Ok(Vec::new());
            }
            let mut names = Vec::new();
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    names.extend(entry.file_name().into_string());
                }
            }
            Ok(names)
        })
    }

    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if !self.sync_delay.is_zero() {
                tokio::time::sleep(self.sync_delay).await;
            }
        })
    }
}
