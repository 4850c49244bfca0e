//! Reads configuration files. A named pipe blocks its reader until another process writes, a device has no end,
//! and a sparse file can have gigabytes: only regular files of limited size are read.
//!
//! Owns: the type and the size of a file. Never knows what it contains.

#![forbid(unsafe_code)]

use rustix::fs::OFlags;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Largest file of settings or of certificates, in bytes. The largest known ones have some dozen KiB.
pub const SETTINGS_BYTES: u64 = 1 << 20;

/// Largest file of one secret, in bytes. A secret has a few dozen bytes.
pub const SECRET_BYTES: u64 = 64 << 10;

/// Why a file was not read. The message continues a sentence that begins with its path.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's error.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not a regular file.
    #[error("must be a regular file or a link to one, not a {0}")]
    Type(&'static str),
    /// Larger than the limit, in bytes.
    #[error("must be at most {}", size(*.0))]
    Size(u64),
}

impl ReadError {
    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a file of at most `limit` bytes. Links are followed.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    read_into(path, limit, &mut bytes)?;
    Ok(bytes)
}

/// Reads a file of settings as UTF-8 text.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let bytes = read(path, SETTINGS_BYTES)?;
    let invalid = |_| io::Error::new(io::ErrorKind::InvalidData, "must be UTF-8 text");
    Ok(String::from_utf8(bytes).map_err(invalid)?)
}

/// Reads a file to the end of `bytes`, which does not grow if its capacity is `limit + 1`. So no copy of a secret is
/// left behind.
pub fn read_into(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    read_open(&open(path, limit)?, limit, bytes)
}

/// Reads the rest of an open file to the end of `bytes`.
pub fn read_open(file: &File, limit: u64, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    check_metadata(&file.metadata()?, limit)?;
    // The file may grow.
    let read = file.take(limit + 1).read_to_end(bytes)?;
    if read as u64 > limit {
        return Err(ReadError::Size(limit));
    }
    Ok(())
}

/// Checks a file that a library reads.
pub fn check(path: &Path, limit: u64) -> Result<(), ReadError> {
    open(path, limit).map(drop)
}

fn open(path: &Path, limit: u64) -> Result<File, ReadError> {
    // Opening some devices has effects, and opening a socket fails with an error that does not name the cause.
    check_metadata(&std::fs::metadata(path)?, limit)?;
    // If the path is another file by now, the open must not wait for the writer of a pipe.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    check_metadata(&file.metadata()?, limit)?;
    Ok(file)
}

fn check_metadata(metadata: &Metadata, limit: u64) -> Result<(), ReadError> {
    if !metadata.is_file() {
        return Err(ReadError::Type(name(metadata.file_type())));
    }
    if metadata.len() > limit {
        return Err(ReadError::Size(limit));
    }
    Ok(())
}

fn size(bytes: u64) -> String {
    match bytes.is_multiple_of(1 << 20) {
        true => format!("{} MiB", bytes >> 20),
        false => format!("{} KiB", bytes >> 10),
    }
}

fn name(of: FileType) -> &'static str {
    match of {
        _ if of.is_dir() => "directory",
        _ if of.is_fifo() => "named pipe",
        _ if of.is_socket() => "socket",
        _ => "device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    fn message(path: &Path) -> String {
        read(path, 1 << 10).expect_err("rejected").to_string()
    }

    #[test]
    fn only_regular_files_and_links_to_them_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        // As Kubernetes mounts a secret.
        std::fs::create_dir(at("..2026")).expect("a folder");
        std::fs::write(at("..2026/key"), "text").expect("written");
        symlink("..2026", at("..data")).expect("a link");
        symlink("..data/key", at("key")).expect("a link");
        assert_eq!(read(&at("key"), 4).expect("read"), b"text");
        assert_eq!(read_text(&at("key")).expect("read"), "text");

        let pipe = at("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a pipe");
        symlink("pipe", at("linked")).expect("a link");
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        for (path, kind) in [
            (folder.path().to_owned(), "directory"),
            (pipe.clone(), "named pipe"),
            (at("linked"), "named pipe"),
            (at("socket"), "socket"),
            ("/dev/zero".into(), "device"),
        ] {
            let wanted = format!("must be a regular file or a link to one, not a {kind}");
            assert_eq!(message(&path), wanted);
        }
        let opened = File::options().read(true).write(true).open(&pipe);
        let error = read_open(&opened.expect("open"), 1, &mut Vec::new());
        assert!(matches!(error, Err(ReadError::Type("named pipe"))));
        symlink("loop", at("loop")).expect("a link");
        assert!(message(&at("loop")).starts_with("cannot be read: "));
        assert!(read(&at("absent"), 1).expect_err("absent").is_not_found());
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(1 << 10).expect("a sparse file");
        let mut bytes = Vec::with_capacity((1 << 10) + 1);
        read_into(file.path(), 1 << 10, &mut bytes).expect("read");
        assert_eq!((bytes.len(), bytes.capacity()), (1 << 10, (1 << 10) + 1));
        for length in [(1 << 10) + 1, 3 << 30] {
            file.as_file().set_len(length).expect("a sparse file");
            assert_eq!(message(file.path()), "must be at most 1 KiB");
        }
        // The size of these is 0.
        assert_eq!(
            message(Path::new("/proc/kallsyms")),
            "must be at most 1 KiB"
        );
        let text = read_text(Path::new("/proc/sys/kernel/ostype"));
        assert_eq!(text.expect("read"), "Linux\n");
        std::fs::write(file.path(), b"\xff").expect("written");
        let error = read_text(file.path()).expect_err("rejected").to_string();
        assert_eq!(error, "cannot be read: must be UTF-8 text");
    }
}
