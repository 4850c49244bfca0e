//! The name under which a host holds what one host does at a time.
//!
//! It is kept in the data folder and locked while the host lives: who is started again on the same
//! folder after a crash is the same host, and need not wait for what it held itself to end. Who finds it
//! locked, or has another folder, is another host.

use anyhow::Context as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use uuid::Uuid;

/// A host's name, its own while this is kept.
pub struct Identity {
    /// Different on every machine, too: a folder may be copied.
    pub name: String,
    _locked: Option<File>,
}

/// Takes the name of the folder's host, or a new one where that lives.
pub fn take(data: &Path) -> anyhow::Result<Identity> {
    let path = data.join("host.name");
    let file = std::fs::create_dir_all(data).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&path)
    });
    let doing = || format!("taking the host's name from {}", path.display());
    let mut file = file.with_context(doing)?;
    let (id, locked) = match file.try_lock() {
        Ok(()) => (kept(&mut file).with_context(doing)?, Some(file)),
        Err(TryLockError::WouldBlock) => (Uuid::new_v4(), None),
        Err(TryLockError::Error(error)) => return Err(error).with_context(doing),
    };
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(Identity {
        name: format!("{id}@{}", machine.trim()),
        _locked: locked,
    })
}

/// The name in the file, or a new one that stands there from now on.
fn kept(file: &mut File) -> std::io::Result<Uuid> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Ok(id) = text.trim().parse() {
        return Ok(id);
    }
    let id = Uuid::new_v4();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_name_back_once_the_one_before_is_gone() {
        let data = tempfile::tempdir().expect("a folder");
        let first = take(data.path()).expect("a name");
        let beside = take(data.path()).expect("another");
        assert_ne!(first.name, beside.name);
        let name = first.name.clone();
        drop(first);
        assert_eq!(take(data.path()).expect("the first").name, name);
        std::fs::write(data.path().join("host.name"), "half").expect("written");
        assert_ne!(take(data.path()).expect("a new one").name, name);
    }
}
