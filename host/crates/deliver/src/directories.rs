//! The directories documents go to, and the three moves that bring one there.
//!
//! Files stand in a folder of their retailer: `<directory>/<retailer>/<name>`, so that two
//! retailers never meet under one name.

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Open handles of the configured directories, by name.
#[derive(Clone, Debug)]
pub struct Directories {
    open: Arc<BTreeMap<String, Dir>>,
}

/// How a rename ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renamed {
    /// The file stands under its name.
    Done,
    /// The temporary file was gone: an earlier attempt renamed it.
    Before,
    /// Another file has the name.
    Taken,
}

impl Directories {
    /// Opens the directories, making those that are missing.
    pub fn open(paths: &BTreeMap<String, PathBuf>) -> io::Result<Self> {
        let mut open = BTreeMap::new();
        for (name, path) in paths {
            let named = |error: io::Error| {
                io::Error::new(
                    error.kind(),
                    format!("directory \"{name}\" at {}: {error}", path.display()),
                )
            };
            std::fs::create_dir_all(path).map_err(named)?;
            let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(named)?;
            // A crash may have come between making a retailer's folder and making it durable.
            sync(&dir).map_err(named)?;
            open.insert(name.clone(), dir);
        }
        Ok(Self {
            open: Arc::new(open),
        })
    }

    /// The folder of a retailer in a directory.
    pub(crate) fn folder(&self, directory: &str, retailer: &str) -> io::Result<Dir> {
        let parent = self.parent(directory)?;
        match parent.create_dir(retailer) {
            // A new folder survives a crash only once its parent is synced.
            Ok(()) => sync(parent)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        parent.open_dir(retailer)
    }

    /// The folder of a retailer that must be there: files stand in it. Where it is gone, a volume
    /// is not mounted, and a file that is missing there was not renamed.
    pub(crate) fn folder_before(&self, directory: &str, retailer: &str) -> io::Result<Dir> {
        self.parent(directory)?.open_dir(retailer)
    }

    fn parent(&self, directory: &str) -> io::Result<&Dir> {
        self.open.get(directory).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("no directory is configured as \"{directory}\""),
            )
        })
    }
}

/// Where a document stands until it is delivered.
pub(crate) fn temporary_name(document_id: &str) -> String {
    format!(".galleria-{document_id}.tmp")
}

/// Where a document is written. Only when it is whole does it become the temporary file, in one
/// move: a host whose lease ran out meanwhile may have given that its name already, and it is
/// never written into.
pub(crate) fn draft_name(document_id: &str, writer: &str) -> String {
    format!(".galleria-{document_id}.{writer}.draft")
}

/// Writes and syncs the temporary file, which appears whole or not at all: it is written without
/// a name, so that a crash leaves nothing, and named once it is synced. Where it is there already,
/// an earlier attempt wrote the same. The directory's entry is synced by [`sync`].
///
/// `writer` is nobody else's, and a file name's part.
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
            give_temporary_name(folder, document_id, &file)
        }
        // Not every file system has files without a name: network mounts do not.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            write_draft(folder, document_id, writer, body)
        }
        Err(error) => Err(error.into()),
    }
}

fn give_temporary_name(folder: &Dir, document_id: &str, file: &std::fs::File) -> io::Result<()> {
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
        // A full disk must not fill further with every attempt.
        let _ = folder.remove_file(&draft);
    }
    named
}

/// A draft that is whole and synced becomes the temporary file, over what a crash may have left.
pub(crate) fn finish_draft(folder: &Dir, document_id: &str, draft: &str) -> io::Result<()> {
    folder.rename(draft, folder, temporary_name(document_id))
}

/// Gives a temporary file its name, never over another file.
pub(crate) fn rename(folder: &Dir, document_id: &str, name: &str) -> io::Result<Renamed> {
    let temporary = temporary_name(document_id);
    match rustix::fs::renameat_with(folder, &temporary, folder, name, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Renamed::Done),
        Err(Errno::NOENT) => Ok(Renamed::Before),
        Err(Errno::EXIST) => Ok(Renamed::Taken),
        // A file system without that rename (some network mounts): a hard link never replaces, either.
        Err(Errno::INVAL | Errno::NOSYS) => link(folder, &temporary, name),
        Err(error) => Err(error.into()),
    }
}

fn link(folder: &Dir, temporary: &str, name: &str) -> io::Result<Renamed> {
    match folder.hard_link(Path::new(temporary), folder, Path::new(name)) {
        Ok(()) => {
            folder.remove_file(temporary)?;
            Ok(Renamed::Done)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Renamed::Before),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            same_file(folder, temporary, name)
        }
        Err(error) => Err(error),
    }
}

/// A crash between link and removal leaves both names on one file.
fn same_file(folder: &Dir, temporary: &str, name: &str) -> io::Result<Renamed> {
    use cap_std::fs::MetadataExt as _;
    let (one, other) = (folder.metadata(temporary)?, folder.metadata(name)?);
    if (one.dev(), one.ino()) != (other.dev(), other.ino()) {
        return Ok(Renamed::Taken);
    }
    folder.remove_file(temporary)?;
    Ok(Renamed::Done)
}

/// Makes the directory's entries durable.
pub(crate) fn sync(folder: &Dir) -> io::Result<()> {
    rustix::fs::fsync(folder.open(".")?).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn folder() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().expect("a folder");
        let paths = [("poslog".to_owned(), temp.path().join("poslog"))].into();
        let directories = Directories::open(&paths).expect("directories");
        let folder = directories.folder("poslog", "r1").expect("a folder");
        (temp, folder)
    }

    #[test]
    fn a_document_gets_its_name_once_and_whole() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"whole").expect("written");
        write_temporary(&folder, "d1", "w1", b"the same, again").expect("there already");
        sync(&folder).expect("synced");
        assert_eq!(
            rename(&folder, "d1", "a.xml").expect("renamed"),
            Renamed::Done
        );
        assert_eq!(folder.read("a.xml").expect("read"), b"whole");
        assert_eq!(
            rename(&folder, "d1", "a.xml").expect("renamed"),
            Renamed::Before
        );
    }

    #[test]
    fn who_comes_late_never_writes_into_what_was_prepared() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"whole").expect("written");
        let mut prepared = folder.open(temporary_name("d1")).expect("prepared");
        write_temporary(&folder, "d1", "w2", b"late").expect("written");
        let mut body = String::new();
        prepared.read_to_string(&mut body).expect("read");
        assert_eq!(body, "whole");
    }

    #[test]
    fn where_every_file_has_a_name_a_draft_becomes_the_temporary_file() {
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
        folder.write("a.xml", b"theirs").expect("their file");
        write_temporary(&folder, "d1", "w1", b"ours").expect("written");
        assert_eq!(
            rename(&folder, "d1", "a.xml").expect("tried"),
            Renamed::Taken
        );
        assert_eq!(
            link(&folder, &temporary_name("d1"), "a.xml").expect("tried"),
            Renamed::Taken
        );
        assert_eq!(folder.read("a.xml").expect("read"), b"theirs");
    }

    #[test]
    fn a_link_that_was_interrupted_is_finished() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"ours").expect("written");
        let temporary = temporary_name("d1");
        folder
            .hard_link(&temporary, &folder, "a.xml")
            .expect("linked");
        assert_eq!(
            link(&folder, &temporary, "a.xml").expect("tried"),
            Renamed::Done
        );
        assert!(folder.metadata(&temporary).is_err());
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (_temp, folder) = folder();
        write_temporary(&folder, "d1", "w1", b"x").expect("written");
        let escaped = Directories::open(&BTreeMap::new())
            .expect("none")
            .folder("poslog", "r1");
        assert!(escaped.is_err());
        assert!(folder.write("../../out.xml", b"x").is_err());
    }
}
