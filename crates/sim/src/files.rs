//! A host's disk: data that was written but not synced is lost when the power fails.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mxlab_env::{BoxFuture, Files};
use turmoil_fs::shim::std::fs;

use crate::host::{Host, Process};

/// The ending of a file that is being written beside the one it will replace. Upper case, so that no name of the port can
/// end so.
const BESIDE: &str = ".NEW";

/// The files of a host, as one process sees them.
#[derive(Clone)]
pub(crate) struct SimFiles {
    host: Option<Arc<Host>>,
    process: Arc<Process>,
    sync_delay: Duration,
}

impl SimFiles {
    pub(crate) fn new(host: Option<&Arc<Host>>, process: &Arc<Process>, sync_delay: Duration) -> SimFiles {
        SimFiles { host: host.cloned(), process: Arc::clone(process), sync_delay }
    }

    /// Does something on the host's disk.
    fn on_disk<T>(&self, f: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let host = self.host.as_ref().ok_or_else(|| io::Error::other("the script has no files"))?;
        if !self.process.is_alive() {
            return Err(io::Error::other(format!("the process on {} is dead", host.name)));
        }
        let _disk = host.disk.enter();
        f()
    }

    /// Waits as long as the disk takes for a sync.
    async fn wait(&self) {
        if !self.sync_delay.is_zero() {
            tokio::time::sleep(self.sync_delay).await;
        }
    }

    /// A new file is written and synced beside the old one, then takes its name, then the folders are synced: when the
    /// power fails between any two of these, the old content or the new is there.
    async fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = path(name)?;
        let number = self.host.as_ref().map_or(0, |host| host.next_file.fetch_add(1, Ordering::Relaxed));
        // Numbered, because turmoil-fs confuses two files with the same name while a rename is not synced yet.
        let beside = PathBuf::from(format!("{}.{number}{BESIDE}", path.display()));
        let file = self.on_disk(|| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = fs::File::create(&beside)?;
            file.write_all(content)?;
            Ok(OnDisk { file: Some(file), host: self.host.clone() })
        })?;
        self.wait().await;
        self.on_disk(|| file.file.as_ref().map_or(Ok(()), fs::File::sync_all))?;
        drop(file);
        self.on_disk(|| fs::rename(&beside, &path))?;
        self.wait().await;
        self.on_disk(|| sync_folders(&path))
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        let path = path(name)?;
        let removed = self.on_disk(|| match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        })?;
        if removed {
            self.wait().await;
            self.on_disk(|| sync_folders(&path))?;
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let path = path(folder)?;
        self.on_disk(|| {
            if !fs::exists(&path) {
                return Ok(Vec::new());
            }
            let mut names = Vec::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let name = entry.file_name();
                match name.to_str() {
                    Some(name) if entry.file_type()?.is_file() && !name.ends_with(BESIDE) => {
                        names.push(format!("{folder}/{name}"));
                    }
                    _ => {}
                }
            }
            names.sort();
            Ok(names)
        })
    }
}

/// An open file. Closing it is also a call to its disk.
struct OnDisk {
    file: Option<fs::File>,
    host: Option<Arc<Host>>,
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _disk = self.host.as_ref().map(|host| host.disk.enter());
        self.file = None;
    }
}

/// The place of a name on the disk.
fn path(name: &str) -> io::Result<PathBuf> {
    let ok = !name.is_empty()
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"./-".contains(&byte));
    if ok { Ok(Path::new("/").join(name)) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file name")) }
}

/// Makes the entries of all folders above `path` durable, the outermost first.
fn sync_folders(path: &Path) -> io::Result<()> {
    let mut folders: Vec<_> = path.ancestors().skip(1).collect();
    folders.reverse();
    folders.into_iter().try_for_each(fs::sync_dir)
}

impl Files for SimFiles {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let path = path(name)?;
            self.on_disk(|| fs::read(&path))
        })
    }

    fn replace<'a>(&'a self, name: &'a str, content: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.replace(name, content))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.remove(name))
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        Box::pin(async move { self.list(folder) })
    }
}
