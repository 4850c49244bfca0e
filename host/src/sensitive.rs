//! The host's digest key: configured, or created once in a file that only the host's user can read.

use anyhow::{Context as _, bail};
use galleria_app::sensitive::{DIGEST_KEY_BYTES, DigestKey};
use galleria_config::Sensitive;
use galleria_files::{ReadError, SECRET_BYTES};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Returns the configured key. Creates its file if there is none.
pub fn digest_key(config: &Sensitive) -> anyhow::Result<DigestKey> {
    match &config.digest_key {
        Some(text) => decode(text.expose().as_bytes()).context("reading the digest key"),
        None => read_or_create(&config.digest_key_file),
    }
}

fn read_or_create(file: &Path) -> anyhow::Result<DigestKey> {
    let context = || format!("the digest key in {}", file.display());
    match read(file) {
        Ok(text) => decode(&text).with_context(context),
        Err(error) if error.is_not_found() => create(file).with_context(context),
        Err(error) => Err(error).with_context(context),
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // Allocate once: a growing vector leaves copies of its content behind.
    let mut text = Zeroizing::new(Vec::with_capacity(SECRET_BYTES as usize + 1));
    galleria_files::read_into(file, SECRET_BYTES, &mut text)?;
    Ok(text)
}

fn decode(text: &[u8]) -> anyhow::Result<DigestKey> {
    let mut bytes = Zeroizing::new([0; DIGEST_KEY_BYTES]);
    match base16ct::mixed::decode(text.trim_ascii_end(), &mut *bytes) {
        Ok(decoded) if decoded.len() == DIGEST_KEY_BYTES => Ok(DigestKey::new(*bytes)),
        // The error must not contain the text.
        _ => bail!(
            "must be 64 hex digits: restore the file, or remove it and lose the comparison with older digests"
        ),
    }
}

/// Creates the file completely or not at all. If several hosts start at once, the first one creates the
/// key and the others read it.
fn create(file: &Path) -> anyhow::Result<DigestKey> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let key = DigestKey::random();
    let text = Zeroizing::new(base16ct::lower::encode_string(key.expose()));
    let temporary = folder.join(format!(".digest.key-{}", uuid::Uuid::new_v4()));
    let mut options = OpenOptions::new();
    let mut written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    writeln!(written, "{}", &*text)?;
    written.sync_all()?;
    // A link fails if the name exists; a rename would replace the key of another host.
    let linked = std::fs::hard_link(&temporary, file);
    std::fs::remove_file(&temporary)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => decode(&read(file)?),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_created_once_and_only_its_user_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("data/digest.key");
        let keys: Vec<DigestKey> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| read_or_create(&file).expect("a key")))
                .collect();
            let keys = threads.into_iter();
            keys.map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = std::fs::read_dir(folder.path().join("data")).expect("a folder");
        assert_eq!(left.count(), 1, "no other file is left");
    }

    #[test]
    fn an_invalid_file_is_rejected_without_printing_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("digest.key");
        for text in [
            "hunter2",
            "",
            &"ab".repeat(31),
            &"ab".repeat(33),
            &"xy".repeat(32),
        ] {
            std::fs::write(&file, text).expect("written");
            let error = read_or_create(&file).expect_err("no key");
            let message = format!("{error:#}");
            assert!(
                message.contains("digest.key") && message.contains("64 hex digits"),
                "{message}"
            );
            assert!(text.len() < 4 || !message.contains(&text[..4]), "{message}");
        }
        std::fs::write(&file, format!("{}\n", "aB".repeat(32))).expect("written");
        let key = read_or_create(&file).expect("a key");
        assert_eq!(key, DigestKey::new([0xab; DIGEST_KEY_BYTES]));
    }
}
