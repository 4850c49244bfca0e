use super::*;

fn directories() -> (tempfile::TempDir, Directories) {
    let temp = tempfile::tempdir().expect("a folder");
    let paths = [("reports".to_owned(), temp.path().join("reports"))].into();
    let directories = Directories::open(&paths).expect("directories");
    (temp, directories)
}

fn files(temp: &tempfile::TempDir) -> Vec<String> {
    let folder = temp.path().join("reports/r1/s1");
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    let is_lock = |name: &String| name.contains("lock");
    entries.map(name).filter(|name| !is_lock(name)).collect()
}

/// Descriptors of this process that refer to files below a folder.
fn descriptors(temp: &tempfile::TempDir) -> usize {
    let root = temp.path().canonicalize().expect("a path");
    std::fs::read_dir("/proc/self/fd")
        .expect("descriptors")
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.starts_with(root.join("reports/r1/s1")))
        .count()
}

#[test]
fn closed_files_have_no_descriptor() {
    let (temp, directories) = directories();
    let mut begun = begun_run(&directories, "run1").expect("begun");
    let mut sink = begun.sink();
    for number in 0..200 {
        let file = sink.open("reports", &format!("{number}.csv"), "text/csv");
        let file = file.expect("opened");
        sink.write(file, b"a").expect("written");
        sink.close(file).expect("closed");
        assert!(sink.write(file, b"b").is_err());
    }
    assert_eq!(descriptors(&temp), 2, "the folder and its lock");
    let written = begun.sync().expect("synced");
    assert_eq!(written[7].folder, "s1");
    assert_eq!(written.len(), 200);
    assert_eq!(written[7].digest, Digest::of(b"a"));
    drop(begun);
    assert_eq!(descriptors(&temp), 0);
    let left = std::fs::read_dir(temp.path().join("reports/r1/s1")).expect("a folder");
    assert_eq!(left.count(), 200, "no lock file");
}

#[test]
fn a_run_above_the_limit_of_the_process_is_refused() {
    let (_temp, mut directories) = directories();
    // Two runs with their folders, and two files.
    let limit = 2 * FolderLock::DESCRIPTORS + 2;
    directories.descriptors = crate::descriptors::Descriptors::new(limit);
    let (_first, wrote) = begin(&directories);
    wrote.expect("written");
    let other = begun_run(&directories, "run2").expect("begun");
    let mut sink = other.sink();
    let file = sink.open("reports", "a.csv", "text/csv").expect("opened");
    let refused = sink
        .open("reports", "b.csv", "text/csv")
        .expect_err("refused");
    assert!(
        refused.chain().contains("may use 6 descriptors"),
        "{refused}"
    );
    sink.close(file).expect("closed");
    sink.open("reports", "c.csv", "text/csv").expect("opened");
    drop(other);
    let last = begun_run(&directories, "run3").expect("begun");
    last.sink()
        .open("reports", "a.csv", "text/csv")
        .expect("opened");
}

#[test]
fn a_name_is_opened_once() {
    let (_temp, directories) = directories();
    let begun = begun_run(&directories, "run1").expect("begun");
    let mut sink = begun.sink();
    let file = sink.open("reports", "a.csv", "text/csv").expect("opened");
    sink.close(file).expect("closed");
    let again = sink.open("reports", "a.csv", "text/csv");
    assert!(matches!(again, Err(Error::NameTaken { .. })), "{again:?}");
}

#[test]
fn open_files_have_one_descriptor_until_the_run_ends() {
    let (temp, directories) = directories();
    let begun = begun_run(&directories, "run1").expect("begun");
    let mut sink = begun.sink();
    for number in 0..20 {
        sink.open("reports", &format!("{number}.csv"), "text/csv")
            .expect("opened");
    }
    assert_eq!(descriptors(&temp), 22);
    drop(begun);
    assert_eq!(descriptors(&temp), 0);
}

fn begun_run(directories: &Directories, id: &str) -> Result<Box<dyn RunOutput>, Error> {
    directories.begin(id, "r1", Box::new(|_| "s1".into()))
}

fn begin(directories: &Directories) -> (Box<dyn RunOutput>, Result<(), Error>) {
    let begun = begun_run(directories, "run1").expect("begun");
    let mut sink = begun.sink();
    let opened = sink.open("reports", "day.csv", "text/csv");
    let wrote = opened.and_then(|file| sink.write(file, b"a,b\r\n"));
    (begun, wrote)
}

#[test]
fn a_failed_run_leaves_no_file() {
    let (temp, directories) = directories();
    let (begun, wrote) = begin(&directories);
    wrote.expect("written");
    let mut sink = begun.sink();
    drop(begun);
    assert!(files(&temp).is_empty());
    assert!(sink.write(0, b"late").is_err());
    assert!(sink.open("reports", "late.csv", "text/csv").is_err());
    let (mut begun, wrote) = begin(&directories);
    wrote.expect("written");
    begun.sync().expect("synced");
    begun.discard();
    assert!(files(&temp).is_empty());
}

#[test]
fn synced_files_stay_for_the_deliverer() {
    let (temp, directories) = directories();
    let (mut begun, wrote) = begin(&directories);
    wrote.expect("written");
    let written = begun.sync().expect("synced");
    assert_eq!(written[0].digest, Digest::of(b"a,b\r\n"));
    drop(begun);
    assert_eq!(files(&temp), [temporary_name(&written[0].id)]);
}

#[test]
fn concurrent_attempts_do_not_write_to_each_others_files() {
    let (temp, directories) = directories();
    let (mut first, wrote) = begin(&directories);
    wrote.expect("written");
    let (second, wrote) = begin(&directories);
    assert!(wrote.is_err());
    drop(second);
    let written = first.sync().expect("synced");
    let (third, wrote) = begin(&directories);
    assert!(wrote.is_err(), "the first is not recorded yet");
    drop(third);
    assert_eq!(files(&temp).len(), 1);
    drop(first);
    let (late, wrote) = begin(&directories);
    wrote.expect("a draft of its own");
    drop(late);
    let temporary = temporary_name(&written[0].id);
    assert_eq!(files(&temp), std::slice::from_ref(&temporary));
    let body = std::fs::read(temp.path().join("reports/r1/s1").join(&temporary));
    assert_eq!(body.expect("read"), b"a,b\r\n");
}
