//! All that goes into a component, by its place in the folder it is built in.
//!
//! Copied there, so that the tools see relative paths alone and leave nothing in the repository.

use anyhow::{Context, Result};
use galleria_domain::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files by their path, with `/` between folders.
#[derive(Default)]
pub(super) struct Sources(BTreeMap<String, Vec<u8>>);

impl Sources {
    /// A file that was generated; answers the name under which a tool knows it as the main module.
    pub fn text(&mut self, path: &str, text: String) -> String {
        self.0.insert(path.to_owned(), text.into_bytes());
        path.strip_suffix(".py").unwrap_or(path).to_owned()
    }

    /// The files below a folder with that extension, under `at`. Tests, fixtures and packages of others
    /// are no sources of a component.
    pub fn folder(&mut self, folder: &Path, at: &str, extension: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let place = format!("{at}/{name}");
            if path.is_dir() {
                let skipped = ["test", "tests", "fixtures", "node_modules"];
                if !skipped.contains(&name.as_str()) && !name.starts_with(['.', '_']) {
                    self.folder(&path, &place, extension)?;
                }
            } else if path.extension().is_some_and(|is| is == extension) {
                let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
                self.0.insert(place, bytes);
            }
        }
        Ok(())
    }

    /// Over names and contents.
    pub fn digest(&self) -> String {
        let mut all = Vec::new();
        for (path, bytes) in &self.0 {
            all.extend_from_slice(format!("{path}\0{}\0", bytes.len()).as_bytes());
            all.extend_from_slice(bytes);
        }
        Digest::of(&all).to_string()
    }

    /// Writes all of it into a folder, and removes what was there.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_changes_with_every_name_and_byte() {
        let digest = |files: &[(&str, &str)]| {
            let mut sources = Sources::default();
            for (path, text) in files {
                sources.text(path, (*text).to_owned());
            }
            sources.digest()
        };
        let one = digest(&[("a", "b"), ("c", "d")]);
        assert_eq!(one, digest(&[("c", "d"), ("a", "b")]));
        assert_ne!(one, digest(&[("a", "b"), ("c", "e")]));
        assert_ne!(one, digest(&[("a", "b"), ("e", "d")]));
        assert_ne!(one, digest(&[("a", "bc"), ("", "d")]));
    }

    #[test]
    fn what_is_no_source_stays_out() {
        let folder = tempfile::tempdir().expect("a folder");
        for path in [
            "plugin.py",
            "deep/er.py",
            "tests/t.py",
            "__pycache__/p.py",
            "README.md",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        let mut sources = Sources::default();
        sources.folder(folder.path(), "p", "py").expect("files");
        assert_eq!(
            sources.0.keys().collect::<Vec<_>>(),
            ["p/deep/er.py", "p/plugin.py"]
        );
        let place = folder.path().join("place");
        fs::create_dir_all(place.join("old")).expect("a folder");
        sources.write(&place).expect("written");
        assert!(place.join("p/deep/er.py").is_file() && !place.join("old").exists());
    }
}
