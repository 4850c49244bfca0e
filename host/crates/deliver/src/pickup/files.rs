//! Opens the files of a pickup directory, and moves them away.

use crate::directories::sync;
use cap_std::fs::{Dir, MetadataExt as _};
use rustix::fs::{Mode, OFlags};
use std::io;

/// A file that may be a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub name: String,
    /// The slot that reads it.
    pub plugin: String,
    /// The name of its marker, if there is one.
    pub marker: Option<String>,
}

/// The identity of a version of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// Opens a regular file and fails for any other kind.
pub(super) fn open(folder: &Dir, name: &str) -> io::Result<(std::fs::File, Fingerprint)> {
    // `NONBLOCK`: opening a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let file = std::fs::File::from(file);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let message = "a statement must be a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    use std::os::unix::fs::MetadataExt as _;
    let fingerprint = Fingerprint {
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    Ok((file, fingerprint))
}

/// Moves a file that was read, with the reason for its rejection if there is one. Fails if the file was
/// replaced meanwhile.
pub(super) fn move_away(
    folder: &Dir,
    candidate: &Candidate,
    fingerprint: Fingerprint,
    to_folder: &str,
    to: &str,
    reason: Option<&str>,
) -> io::Result<()> {
    let Candidate { name, marker, .. } = candidate;
    match folder.create_dir(to_folder) {
        Ok(()) => sync(folder)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let target = folder.open_dir(to_folder)?;
    let metadata = folder.symlink_metadata(name)?;
    if metadata.ino() != fingerprint.inode || metadata.size() != fingerprint.size {
        let message = "the file was replaced while it was read; it will be read again";
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
    }
    let to = match reason {
        // Providers send a corrected file under the same name, which may be rejected as well.
        Some(reason) => {
            let free = free_name(&target, to);
            target.write(format!("{free}.txt"), reason)?;
            free
        }
        None => to.to_owned(),
    };
    folder.rename(name, &target, to)?;
    if let Some(marker) = marker {
        match folder.remove_file(marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync(&target)?;
    sync(folder)
}

/// A name that no file in the folder has.
pub(super) fn free_name(folder: &Dir, name: &str) -> String {
    let taken = |name: &str| folder.symlink_metadata(name).is_ok();
    let (mut free, mut number) = (name.to_owned(), 1);
    while taken(&free) {
        number += 1;
        free = format!("{number}-{name}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_rejected_file_of_the_same_name_stays() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority());
        let folder = folder.expect("a folder");
        for text in ["first", "second", "third"] {
            folder.write("a.csv", text).expect("left");
            let (_, fingerprint) = open(&folder, "a.csv").expect("opened");
            let candidate = Candidate {
                name: "a.csv".into(),
                plugin: "csv".into(),
                marker: None,
            };
            let moved = move_away(
                &folder,
                &candidate,
                fingerprint,
                "refused",
                "a.csv",
                Some(text),
            );
            moved.expect("moved");
        }
        for (name, text) in [
            ("a.csv", "first"),
            ("2-a.csv", "second"),
            ("3-a.csv", "third"),
        ] {
            let path = temp.path().join("refused").join(name);
            assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
            let reason = path.with_file_name(format!("{name}.txt"));
            assert_eq!(std::fs::read_to_string(reason).expect("read"), text);
        }
    }
}
