//! Ctrl-C during the import of a statement leaves nothing behind, and the next import is complete.

use super::killed::{counted, stop_at};
use super::{details, import, retailer};
use crate::host::{Database, Host, staged};
use galleria_ports::records::StatementState;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Enough rows that the import cannot finish before it is stopped.
const ROWS: usize = 60_000;

/// Starts an import and waits until the file is in the spool.
fn reading(host: &Host, file: &str) -> Child {
    let mut importing = host.galleria(&import(file));
    let importing = importing.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut importing = importing.spawn().expect("the binary");
    let spool = host.data().join("statements/.spool");
    let begun = Instant::now();
    while std::fs::read_dir(&spool).map_or(0, Iterator::count) == 0 {
        assert!(importing.try_wait().expect("asked").is_none(), "too soon");
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(2));
    }
    importing
}

/// Presses Ctrl-C once.
fn interrupted(importing: Child) -> Output {
    let result = Command::new("kill")
        .args(["-INT", &importing.id().to_string()])
        .status();
    assert!(result.expect("kill").success());
    importing.wait_with_output().expect("an end")
}

async fn nothing_is_left(host: &Host, ended: &Output) {
    let [output, why] =
        [&ended.stdout, &ended.stderr].map(|output| String::from_utf8_lossy(output));
    assert_eq!(ended.status.code(), Some(130), "{output}{why}");
    assert!(output.contains("nothing was left behind"), "{output}{why}");
    let mut left = Vec::new();
    let mut folders = vec![host.data().join("statements")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => left.push(path),
            }
        }
    }
    assert!(left.is_empty(), "neither spooled nor kept: {left:?}");
    for table in ["statements", "statement_lines"] {
        assert_eq!(counted(host, table).await, 0, "{table}");
    }
}

on_both!(a_stopped_import_leaves_nothing_and_the_next_one_is_complete);

async fn a_stopped_import_leaves_nothing_and_the_next_one_is_complete(database: Database) {
    let retailers = retailer();
    let host = Host::with(retailers.path().into(), staged()).on(database);
    std::fs::create_dir_all(host.data()).expect("a folder");
    let original = host.data().join("details.csv");
    std::fs::write(&original, details(ROWS)).expect("a statement");
    let file = original.display().to_string();
    let listed = host.run(&["statement", "list"]);
    assert!(listed.status.success(), "{listed:?}");
    assert!(host.run(&["check"]).status.success(), "compiled once");

    let ended = interrupted(reading(&host, &file));
    nothing_is_left(&host, &ended).await;
    let importing = stop_at(&host, &file, StatementState::Importing, 2_000, |_| ()).await;
    let ended = interrupted(importing);
    nothing_is_left(&host, &ended).await;
    assert!(original.exists(), "the file itself is the user's");

    let ran = host.run(&import(&file));
    let output = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{ran:?}");
    assert!(output.contains("imported as statement"), "{output}");
    assert!(output.contains(&format!("{ROWS} lines")), "{output}");
    assert_eq!(counted(&host, "statement_lines").await, ROWS as i64);
}
