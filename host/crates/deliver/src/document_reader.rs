//! Opens the files of documents for downloads, before and after their delivery.

use crate::directories::{Directories, temporary_name};
use cap_std::fs::Dir;
use galleria_ports::Error;
use galleria_ports::files::DocumentReader;
use galleria_ports::records::{DocumentRow, DocumentState};
use std::fs::File;
use std::io;

impl DocumentReader for Directories {
    fn find(&self, document: &DocumentRow) -> Result<Vec<File>, Error> {
        self.open_files(document).map_err(|error| {
            let (directory, path) = (&document.directory, document.path());
            Error::records(format!("opening {directory}/{path}"), error)
        })
    }
}

impl Directories {
    fn open_files(&self, document: &DocumentRow) -> io::Result<Vec<File>> {
        let folder =
            self.existing_folder(&document.directory, &document.retailer, &document.folder);
        let Some(folder) = if_found(folder)? else {
            return Ok(Vec::new());
        };
        let temporary = temporary_name(&document.id);
        // The final name comes last: the file may be renamed in between.
        let names = match document.state {
            DocumentState::Delivered => vec![document.name.as_str()],
            _ => vec![temporary.as_str(), document.name.as_str()],
        };
        let mut files = Vec::new();
        for name in names {
            files.extend(open(&folder, name)?);
        }
        Ok(files)
    }
}

/// Opens a regular file; none if the name is free or is not a regular file. Opening a pipe would block.
fn open(folder: &Dir, name: &str) -> io::Result<Option<File>> {
    let Some(metadata) = if_found(folder.symlink_metadata(name))? else {
        return Ok(None);
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    Ok(if_found(folder.open(name))?.map(cap_std::fs::File::into_std))
}

/// Turns the error `NotFound` into `None`.
fn if_found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directories;
    use std::io::Read as _;

    fn row(state: DocumentState) -> DocumentRow {
        DocumentRow {
            id: "d1".into(),
            event_id: "e1".into(),
            subscriber: "poslog".into(),
            retailer: "r1".into(),
            store_id: "s1".into(),
            order_id: None,
            directory: "poslog".into(),
            folder: "s1".into(),
            name: "a.xml".into(),
            media_type: "application/xml".into(),
            size: 5,
            digest: String::new(),
            body: None,
            state,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn texts(directories: &Directories, state: DocumentState) -> Vec<String> {
        let files = directories.find(&row(state)).expect("found");
        let read = |mut file: File| {
            let mut text = String::new();
            file.read_to_string(&mut text).expect("read");
            text
        };
        files.into_iter().map(read).collect()
    }

    #[test]
    fn a_document_is_found_before_and_after_its_delivery() {
        let temp = tempfile::tempdir().expect("a folder");
        let paths = [("poslog".to_owned(), temp.path().join("poslog"))].into();
        let directories = Directories::open(&paths).expect("directories");
        let (prepared, delivered) = (DocumentState::Prepared, DocumentState::Delivered);
        assert!(texts(&directories, delivered).is_empty());
        let folder = directories.folder("poslog", "r1", "s1").expect("a folder");
        directories::write_temporary(&folder, "d1", "w1", b"whole").expect("written");
        assert_eq!(texts(&directories, prepared), ["whole"]);
        assert!(texts(&directories, delivered).is_empty());
        directories::place(&folder, &row(prepared)).expect("renamed");
        assert_eq!(texts(&directories, prepared), ["whole"]);
        assert_eq!(texts(&directories, delivered), ["whole"]);
        folder.remove_file("a.xml").expect("removed");
        folder.create_dir("a.xml").expect("created");
        assert!(texts(&directories, delivered).is_empty());
        let other = DocumentRow {
            directory: "reports".into(),
            ..row(delivered)
        };
        assert!(directories.find(&other).expect("found").is_empty());
    }
}
