//! How whole files are kept so that a crash leaves the old content or the new: one algorithm for every disk.
//!
//! 1. The folders are made that are missing.
//! 2. The content is written to a new file beside the old one, under a name that nobody else uses, and synced.
//! 3. The new file takes the name of the old one.
//! 4. All folders above it are synced, the outermost first: otherwise a file could be lost with the folder that another
//!    writer has just made.
//!
//! A file that a crash has left half written stays beside the others; it is no file of the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::{BoxFuture, Files};

/// The ending of a file that is being written beside the one it will replace. Upper case, so that no name of the port can
/// end so.
const BESIDE: &str = ".NEW";
/// How many names are tried for a file that is being written. A name is taken only if a process before this one had the same
/// number and crashed.
const TRIES: usize = 100;

/// A disk: what files are stored on.
pub trait Disk: Send + Sync {
    /// A file that was written and not synced yet.
    type Written: Send;

    /// The folder below which all files lie.
    fn base(&self) -> &Path;
    /// A word that no other writer to this disk has at the same time.
    fn unique(&self) -> String;
    /// Whether there is a file or folder of this name.
    fn exists(&self, path: &Path) -> bool;
    /// Makes a folder. [`io::ErrorKind::AlreadyExists`] if it is there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes a new file. [`io::ErrorKind::AlreadyExists`] if it is there.
    fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<Self::Written>;
    /// Makes a file's content durable.
    fn sync(&self, file: Self::Written) -> io::Result<()>;
    /// Gives a file another name, whether or not that is taken.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Reads a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names of the files in a folder; none if there is no such folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Takes as long as the disk takes for a sync, if that is not part of the sync itself.
    fn rest(&self) -> BoxFuture<'_, ()>;
}

/// The files on a disk.
#[derive(Clone, Debug)]
pub struct Store<D>(pub D);

impl<D: Disk> Store<D> {
    /// The place of a name on the disk.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let ok = !name.is_empty()
            && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"./-".contains(&byte));
        match ok {
            true => Ok(self.0.base().join(name)),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file name")),
        }
    }

    /// The folders above a file that have to be durable, the outermost first, after making those that are missing: from the
    /// one that holds the outermost that was made, at least from the one that holds the base.
    fn make_folders(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut folders: Vec<&Path> =
            path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        folders.reverse();
        let missing = folders.iter().position(|folder| !self.0.exists(folder)).unwrap_or(folders.len());
        for folder in &folders[missing..] {
            match self.0.make_folder(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let base = folders.iter().position(|folder| *folder == self.0.base()).unwrap_or(0);
        let first = missing.min(base).saturating_sub(1);
        Ok(folders[first..].iter().map(|folder| folder.to_path_buf()).collect())
    }

    fn write_beside(&self, path: &Path, content: &[u8]) -> io::Result<(PathBuf, D::Written)> {
        let mut tries = TRIES;
        loop {
            let mut beside = path.as_os_str().to_owned();
            beside.push(format!(".{}{BESIDE}", self.0.unique()));
            let beside = PathBuf::from(beside);
            tries -= 1;
            match self.0.write_new(&beside, content) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => {}
                written => return Ok((beside, written?)),
            }
        }
    }

    async fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folders = self.make_folders(&path)?;
        let (beside, file) = self.write_beside(&path, content)?;
        self.0.rest().await;
        let replaced = self.0.sync(file).and_then(|()| self.0.rename(&beside, &path));
        if replaced.is_err() {
            // Of no use to anybody; the error is told below.
            let _ = self.0.remove(&beside);
        }
        replaced?;
        self.0.rest().await;
        folders.iter().try_for_each(|folder| self.0.sync_folder(folder))
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        match self.0.remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed?,
        }
        self.0.rest().await;
        path.parent().map_or(Ok(()), |folder| self.0.sync_folder(folder))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let names = self.0.list(&self.path(folder)?)?.into_iter().filter(|name| !name.ends_with(BESIDE));
        let mut names: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
        names.sort();
        Ok(names)
    }
}

impl<D: Disk> Files for Store<D> {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move { self.0.read(&self.path(name)?) })
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
