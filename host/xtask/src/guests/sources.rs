//! The inputs of a component, by their path in its build folder.
//!
//! They are copied there, so that the tools see only relative paths and write nothing to the repository.

use anyhow::{Context, Result};
use galleria_domain::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files by their path, with `/` between folders.
#[derive(Default)]
pub(super) struct Sources(BTreeMap<String, Vec<u8>>);

impl Sources {
    /// Adds a generated file. Returns its name as a main module.
    pub fn text(&mut self, path: &str, text: String) -> String {
        self.0.insert(path.to_owned(), text.into_bytes());
        path.strip_suffix(".py").unwrap_or(path).to_owned()
    }

    /// Adds the files of a folder with this extension, below `at`. Skips tests, fixtures and third-party
    /// packages.
    pub fn folder(&mut self, folder: &Path, at: &str, extension: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let target = format!("{at}/{name}");
            if path.is_dir() {
                let skipped = ["test", "tests", "fixtures", "node_modules"];
                if !skipped.contains(&name.as_str()) && !name.starts_with(['.', '_']) {
                    self.folder(&path, &target, extension)?;
                }
            } else if path.extension().is_some_and(|is| is == extension) {
                let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
                self.0.insert(target, bytes);
            }
        }
        Ok(())
    }

    /// Returns the digest of all names and contents.
    pub fn digest(&self) -> String {
        let mut all = Vec::new();
        for (path, bytes) in &self.0 {
            all.extend_from_slice(format!("{path}\0{}\0", bytes.len()).as_bytes());
            all.extend_from_slice(bytes);
        }
        Digest::of(&all).to_string()
    }

    /// Writes the files to a folder. Deletes its old content.
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
    fn the_digest_depends_on_names_and_contents() {
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
    fn other_files_are_skipped() {
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
