//! The name under which a host holds leases.
//!
//! A file in the data folder contains the name; the host locks it while it runs. A host that restarts on the
//! same folder after a crash has the same name, and need not wait for its own leases to expire. A host that
//! finds the file locked, or has another folder, gets another name.

use anyhow::Context as _;
use galleria_files::{ReadError, SETTINGS_BYTES};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use uuid::Uuid;

/// A host's name. It belongs to this host as long as the value exists.
pub struct Identity {
    /// Contains the machine's name, because a data folder may be copied.
    pub name: String,
    _locked: Option<File>,
}

/// Takes the name in the folder, or a new one if a running host uses it.
pub fn take(data: &Path) -> anyhow::Result<Identity> {
    let path = data.join("host.name");
    let file = std::fs::create_dir_all(data).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&path)
    });
    let doing = || format!("reading the host's name from {}", path.display());
    let mut file = file.with_context(doing)?;
    let (id, locked) = match file.try_lock() {
        Ok(()) => (read_or_create(&mut file).with_context(doing)?, Some(file)),
        Err(TryLockError::WouldBlock) => (Uuid::new_v4(), None),
        Err(TryLockError::Error(error)) => return Err(error).with_context(doing),
    };
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(Identity {
        name: format!("{id}@{}", machine.trim()),
        _locked: locked,
    })
}

/// Returns the name in the file, or writes a new one.
fn read_or_create(file: &mut File) -> Result<Uuid, ReadError> {
    let mut text = Vec::new();
    galleria_files::read_open(file, SETTINGS_BYTES, &mut text)?;
    if let Ok(id) = Uuid::try_parse_ascii(text.trim_ascii()) {
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
    fn a_host_gets_its_name_again_when_the_previous_process_has_ended() {
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
