//! The configured directories, and the steps that write a file to one of them.
//!
//! Each store has its own folder: `<directory>/<retailer>/<store>/<name>`. So file names of two retailers, or of
//! two stores, never collide. Files about all stores, and of stores that share the directory, are in the
//! retailer's folder itself.

use crate::descriptors::Descriptors;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use galleria_domain::digest::Hasher;
use galleria_ports::records::DocumentRow;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Open handles of the configured directories, by name.
#[derive(Clone, Debug)]
pub struct Directories {
    open: Arc<BTreeMap<String, Dir>>,
    pub(crate) descriptors: Descriptors,
}

/// The outcome of a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenameOutcome {
    /// The file has its final name.
    Done,
    /// The temporary file is gone: an earlier attempt renamed it. Or the name has a file with the same content, which was
    /// delivered before the database was restored from a backup.
    Earlier,
    /// Another file has the name.
    NameTaken,
}

impl Directories {
    /// Opens the directories and creates those that are missing.
    pub fn open(paths: &BTreeMap<String, PathBuf>) -> io::Result<Self> {
        let mut open = BTreeMap::new();
        for (name, path) in paths {
            let add_path = |error: io::Error| {
                io::Error::new(
                    error.kind(),
                    format!("directory \"{name}\" at {}: {error}", path.display()),
                )
            };
            std::fs::create_dir_all(path).map_err(add_path)?;
            let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(add_path)?;
            // Make folders of retailers and stores durable that were created just before a crash.
            sync(&dir)
                .and_then(|()| sync_subfolders(&dir))
                .map_err(add_path)?;
            open.insert(name.clone(), dir);
        }
        Ok(Self {
            open: Arc::new(open),
            descriptors: Descriptors::of_process(),
        })
    }

    /// Opens the folder of a store, or of all stores (`""`), of a retailer in a directory; creates it if it is
    /// missing.
    pub(crate) fn folder(&self, directory: &str, retailer: &str, store: &str) -> io::Result<Dir> {
        let folder = create_folder(self.parent(directory)?, retailer)?;
        match store {
            "" => Ok(folder),
            store => create_folder(&folder, store),
        }
    }

    /// Opens a folder that already contains files. If it is missing, a volume is not mounted; a file missing from
    /// it then does not mean that the file was renamed.
    pub(crate) fn existing_folder(
        &self,
        directory: &str,
        retailer: &str,
        store: &str,
    ) -> io::Result<Dir> {
        let folder = self.parent(directory)?.open_dir(retailer)?;
        match store {
            "" => Ok(folder),
            store => folder.open_dir(store),
        }
    }

    /// The directory itself.
    pub(crate) fn parent(&self, directory: &str) -> io::Result<&Dir> {
        self.open.get(directory).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("directory \"{directory}\" is not configured in host.toml"),
            )
        })
    }
}

/// Opens a folder; creates it if it is missing.
fn create_folder(parent: &Dir, name: &str) -> io::Result<Dir> {
    match parent.create_dir(name) {
        // A new folder survives a crash only after its parent was synced.
        Ok(()) => sync(parent)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    parent.open_dir(name)
}

fn sync_subfolders(dir: &Dir) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.open_dir()?)?;
        }
    }
    Ok(())
}

/// The name of a document's file until it is delivered.
pub(crate) fn temporary_name(document_id: &str) -> String {
    format!(".galleria-{document_id}.tmp")
}

/// The name of a file that is being written. It becomes the temporary file in one rename when it is complete.
/// Never write to the temporary file itself: another host may have renamed it after our lease expired.
pub(crate) fn draft_name(document_id: &str, writer: &str) -> String {
    format!(".galleria-{document_id}.{writer}.draft")
}

/// Writes and syncs the temporary file, which appears complete or not at all. It is written without a name,
/// so that a crash leaves nothing behind, and linked to its name after the sync. If the name exists, an
/// earlier attempt wrote the same bytes. Call [`sync`] to make the directory's entry durable.
///
/// `writer` is unique to this host and valid in a file name.
pub(crate) fn write_temporary(
    folder: &Dir,
    document_id: &str,
    writer: &str,
    body: &[u8],
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, ".", flags, Mode::from_raw_mode(0o644)) {
        Ok(nameless) => {
            let mut file = std::fs::File::from(nameless);
            file.write_all(body)?;
            file.sync_all()?;
            link_temporary(folder, document_id, &file)
        }
        // Some file systems, such as network mounts, do not support files without a name.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            write_draft(folder, document_id, writer, body)
        }
        Err(error) => Err(error.into()),
    }
}

/// Links the nameless file to its temporary name.
fn link_temporary(folder: &Dir, document_id: &str, file: &std::fs::File) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let name = temporary_name(document_id);
    match rustix::fs::linkat(CWD, open, folder, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write_draft(folder: &Dir, document_id: &str, writer: &str, body: &[u8]) -> io::Result<()> {
    let draft = draft_name(document_id, writer);
    let mut file = folder.create(&draft)?;
    let written = file.write_all(body).and_then(|()| file.sync_all());
    let named = written.and_then(|()| finish_draft(folder, document_id, &draft));
    if named.is_err() {
        // Otherwise every attempt would fill a full disk further.
        let _ = folder.remove_file(&draft);
    }
    named
}

/// Renames a complete and synced draft to the temporary file; replaces one that a crash left.
pub(crate) fn finish_draft(folder: &Dir, document_id: &str, draft: &str) -> io::Result<()> {
    folder.rename(draft, folder, temporary_name(document_id))
}

/// Gives the document's temporary file its final name; never replaces another file.
pub(crate) fn place(folder: &Dir, document: &DocumentRow) -> io::Result<RenameOutcome> {
    let outcome = rename(folder, &document.id, &document.name)?;
    if outcome != RenameOutcome::NameTaken || !has_content(folder, document)? {
        return Ok(outcome);
    }
    match folder.remove_file(temporary_name(&document.id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(RenameOutcome::Earlier),
    }
}

fn rename(folder: &Dir, document_id: &str, name: &str) -> io::Result<RenameOutcome> {
    let temporary = temporary_name(document_id);
    match rustix::fs::renameat_with(folder, &temporary, folder, name, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(RenameOutcome::Done),
        Err(Errno::NOENT) => Ok(RenameOutcome::Earlier),
        Err(Errno::EXIST) => Ok(RenameOutcome::NameTaken),
        // Some network mounts do not support this rename. A hard link never replaces a file either.
        Err(Errno::INVAL | Errno::NOSYS) => link(folder, &temporary, name),
        Err(error) => Err(error.into()),
    }
}

fn link(folder: &Dir, temporary: &str, name: &str) -> io::Result<RenameOutcome> {
    match folder.hard_link(Path::new(temporary), folder, Path::new(name)) {
        Ok(()) => {
            folder.remove_file(temporary)?;
            Ok(RenameOutcome::Done)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(RenameOutcome::Earlier),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            finish_link(folder, temporary, name)
        }
        Err(error) => Err(error),
    }
}

/// Handles an existing name. A crash between link and removal leaves both names on one file.
fn finish_link(folder: &Dir, temporary: &str, name: &str) -> io::Result<RenameOutcome> {
    use cap_std::fs::MetadataExt as _;
    let (one, other) = (folder.metadata(temporary)?, folder.metadata(name)?);
    if (one.dev(), one.ino()) != (other.dev(), other.ino()) {
        return Ok(RenameOutcome::NameTaken);
    }
    folder.remove_file(temporary)?;
    Ok(RenameOutcome::Done)
}

/// Whether the file with the document's name has the document's content.
fn has_content(folder: &Dir, document: &DocumentRow) -> io::Result<bool> {
    let metadata = match folder.symlink_metadata(&document.name) {
        // Its owner has removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        metadata => metadata?,
    };
    if !metadata.is_file() || i64::try_from(metadata.len()).ok() != Some(document.size) {
        return Ok(false);
    }
    let mut file = folder.open(&document.name)?;
    let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish().as_str() == document.digest),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Makes the entries of a directory durable.
pub(crate) fn sync(folder: &Dir) -> io::Result<()> {
    rustix::fs::fsync(folder.open(".")?).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_domain::Digest;
    use galleria_ports::records::DocumentState;

    fn document(body: &[u8]) -> DocumentRow {
        DocumentRow {
            id: "d1".into(),
            event_id: "e1".into(),
            subscriber: "poslog".into(),
            retailer: "r1".into(),
            store_id: "s1".into(),
            order_id: None,
            directory: "poslog".into(),
            folder: String::new(),
            name: "a.xml".into(),
            media_type: "application/xml".into(),
            size: i64::try_from(body.len()).expect("a size"),
            digest: Digest::of(body).to_string(),
            body: Some(body.to_vec()),
            state: DocumentState::Prepared,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn folder() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().expect("a folder");
        let paths = [("poslog".to_owned(), temp.path().join("poslog"))].into();
        let directories = Directories::open(&paths).expect("directories");
        let folder = directories.folder("poslog", "r1", "").expect("a folder");
        (temp, folder)
    }

    #[test]
    fn a_document_gets_its_name_once_and_complete() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"whole").expect("written");
        write_temporary(&folder, "d1", "w1", b"the same, again").expect("exists");
        sync(&folder).expect("synced");
        assert_eq!(
            rename(&folder, "d1", "a.xml").expect("renamed"),
            RenameOutcome::Done
        );
        assert_eq!(folder.read("a.xml").expect("read"), b"whole");
        assert_eq!(
            rename(&folder, "d1", "a.xml").expect("renamed"),
            RenameOutcome::Earlier
        );
    }

    #[test]
    fn a_late_writer_never_changes_a_prepared_file() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"whole").expect("written");
        let mut prepared = folder.open(temporary_name("d1")).expect("prepared");
        write_temporary(&folder, "d1", "w2", b"late").expect("written");
        let mut body = String::new();
        prepared.read_to_string(&mut body).expect("read");
        assert_eq!(body, "whole");
    }

    #[test]
    fn without_nameless_files_a_draft_becomes_the_temporary_file() {
        let (_temp, folder) = folder();
        folder
            .write(draft_name("d1", "w1"), b"left by a crash, and longer")
            .expect("left");
        write_draft(&folder, "d1", "w1", b"whole").expect("written");
        assert_eq!(folder.read(temporary_name("d1")).expect("read"), b"whole");
        assert_eq!(folder.entries().expect("entries").count(), 1);
    }

    #[test]
    fn another_file_is_never_replaced() {
        let (_temp, folder) = folder();
        let ours = document(b"ours");
        write_temporary(&folder, "d1", "w1", b"ours").expect("written");
        for theirs in ["theirs", "ours, and longer", "rest", ""] {
            folder.write("a.xml", theirs).expect("their file");
            let taken = place(&folder, &ours).expect("tried");
            assert_eq!(taken, RenameOutcome::NameTaken, "{theirs}");
            let taken = link(&folder, &temporary_name("d1"), "a.xml").expect("tried");
            assert_eq!(taken, RenameOutcome::NameTaken, "{theirs}");
            assert_eq!(folder.read_to_string("a.xml").expect("read"), theirs);
        }
        folder.remove_file("a.xml").expect("removed");
        folder.create_dir("a.xml").expect("a folder");
        let taken = place(&folder, &ours).expect("tried");
        assert_eq!(taken, RenameOutcome::NameTaken);
    }

    #[test]
    fn a_file_with_the_same_content_counts_as_delivered() {
        let (_temp, folder) = folder();
        // It was delivered before the database was restored from a backup.
        folder.write("a.xml", b"ours").expect("delivered");
        write_temporary(&folder, "d1", "w1", b"ours").expect("written");
        let placed = place(&folder, &document(b"ours")).expect("tried");
        assert_eq!(placed, RenameOutcome::Earlier);
        assert_eq!(folder.entries().expect("entries").count(), 1);
    }

    #[test]
    fn an_interrupted_link_is_finished() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"ours").expect("written");
        let temporary = temporary_name("d1");
        folder
            .hard_link(&temporary, &folder, "a.xml")
            .expect("linked");
        assert_eq!(
            link(&folder, &temporary, "a.xml").expect("tried"),
            RenameOutcome::Done
        );
        assert!(folder.metadata(&temporary).is_err());
    }

    #[test]
    fn no_name_escapes_the_directory() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"x").expect("written");
        let escaped = Directories::open(&BTreeMap::new())
            .expect("none")
            .folder("poslog", "r1", "");
        assert!(escaped.is_err());
        assert!(folder.write("../../out.xml", b"x").is_err());
    }
}
