//! Where a sandbox or a test run keeps what it has while it lives: `~/.cache/cloister/run/KIND-PID`.
//!
//! The folder goes when its owner ends. What an owner that was killed left behind is removed by whoever comes next; a
//! lock on the `pid` file, which the kernel releases with the process, tells the two apart.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The folder of this process; removed when this is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Makes a folder below the user's cache, and removes those that nobody owns any more.
    ///
    /// # Errors
    /// There is no home folder, or it cannot be written to.
    pub fn create(kind: &str) -> io::Result<Self> {
        Self::create_in(&cache()?.join("run"), kind)
    }

    fn create_in(all: &Path, kind: &str) -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        fs::create_dir_all(all)?;
        // Between making a folder and locking it nobody else may look.
        let gate = File::create(all.join("gate"))?;
        gate.lock()?;
        remove_abandoned(all)?;
        let path = match COUNT.fetch_add(1, Ordering::Relaxed) {
            0 => all.join(format!("{kind}-{}", std::process::id())),
            count => all.join(format!("{kind}-{}-{count}", std::process::id())),
        };
        fs::create_dir(&path)?;
        let mut lock = File::create(path.join("pid"))?;
        lock.lock()?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // If it stays, the next run removes it.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Whoever is about to make one holds the gate, so a folder without a lock belongs to nobody.
fn remove_abandoned(all: &Path) -> io::Result<()> {
    for folder in fs::read_dir(all)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let owned = File::open(folder.join("pid")).is_ok_and(|lock| lock.try_lock().is_err());
        if !owned {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

/// The project's folder in the user's cache.
fn cache() -> io::Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("cloister"))
        .ok_or_else(|| io::Error::other("neither XDG_CACHE_HOME nor HOME is set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_owner() {
        let all = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_in(all.path(), "test").unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::read_to_string(path.join("pid")).unwrap().trim(), std::process::id().to_string());
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn only_abandoned_folders_are_removed_by_who_comes_next() {
        let all = tempfile::tempdir().unwrap();
        let abandoned = all.path().join("test-1");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join("pid"), "1\n").unwrap();
        let first = RunFolder::create_in(all.path(), "test").unwrap();
        let second = RunFolder::create_in(all.path(), "test").unwrap();
        assert!(!abandoned.exists());
        assert!(first.path().exists() && second.path().exists());
        assert_ne!(first.path(), second.path());
    }
}
