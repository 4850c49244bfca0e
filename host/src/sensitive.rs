//! The host's digest key: given, or made once and kept in a file of the host's user alone.

use anyhow::{Context as _, bail};
use galleria_app::sensitive::{DIGEST_KEY_BYTES, DigestKey};
use galleria_config::DigestKeySource;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// The key as configured. Its file is made where there is none.
pub fn digest_key(source: &DigestKeySource) -> anyhow::Result<DigestKey> {
    match source {
        DigestKeySource::Given(text) => decode(text.expose()).context("reading the digest key"),
        DigestKeySource::File(file) => {
            let about = || format!("the digest key in {}", file.display());
            match std::fs::read_to_string(file).map(Zeroizing::new) {
                Ok(text) => decode(text.trim_end()).with_context(about),
                Err(error) if error.kind() == ErrorKind::NotFound => make(file).with_context(about),
                Err(error) => Err(error).with_context(about),
            }
        }
    }
}

fn decode(text: &str) -> anyhow::Result<DigestKey> {
    let mut bytes = Zeroizing::new([0; DIGEST_KEY_BYTES]);
    match base16ct::mixed::decode(text, &mut *bytes) {
        Ok(decoded) if decoded.len() == DIGEST_KEY_BYTES => Ok(DigestKey::new(*bytes)),
        // The text itself is nobody's business.
        _ => bail!("not 64 hex digits: restore the file, or remove it and lose what was digested"),
    }
}

/// Makes the file whole or not at all. Whoever is first makes the key; the others read it.
fn make(file: &Path) -> anyhow::Result<DigestKey> {
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
    // A link fails where the name is taken; a rename would replace another's key.
    let linked = std::fs::hard_link(&temporary, file);
    std::fs::remove_file(&temporary)?;
    File::open(folder)?.sync_all()?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            decode(Zeroizing::new(std::fs::read_to_string(file)?).trim_end())
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_for_its_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("data/digest.key");
        let source = DigestKeySource::File(file.clone());
        let keys: Vec<DigestKey> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| digest_key(&source).expect("a key")))
                .collect();
            let keys = threads.into_iter();
            keys.map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = std::fs::read_dir(folder.path().join("data")).expect("a folder");
        assert_eq!(left.count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_without_a_word_of_it() {
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
            let error = digest_key(&DigestKeySource::File(file.clone())).expect_err("no key");
            let said = format!("{error:#}");
            assert!(
                said.contains("digest.key") && said.contains("64 hex digits"),
                "{said}"
            );
            assert!(text.len() < 4 || !said.contains(&text[..4]), "{said}");
        }
        std::fs::write(&file, format!("{}\n", "aB".repeat(32))).expect("written");
        let key = digest_key(&DigestKeySource::File(file)).expect("a key");
        assert_eq!(key, DigestKey::new([0xab; DIGEST_KEY_BYTES]));
    }
}
