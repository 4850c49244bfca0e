//! A file in a pickup directory that cannot be imported is moved aside, with the reasons beside it.

use super::{details, retailer};
use crate::host::{Host, staged};
use serde_json::json;
use std::time::{Duration, Instant, SystemTime};

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_file_is_moved_aside_with_row_and_column() {
    let retailers = retailer();
    let mut host = Host::with(retailers.path().into(), staged());
    let folder = host.data().join("files/statements/example");
    std::fs::create_dir_all(&folder).expect("a folder");
    let outside = host.data().join("outside.csv");
    std::fs::write(&outside, details(3)).expect("written");
    std::os::unix::fs::symlink(&outside, folder.join("link.csv")).expect("linked");
    std::fs::write(folder.join("other.txt"), details(3)).expect("written");
    std::fs::write(
        folder.join("wrong.csv"),
        details(3).replacen("9.80", "9.81", 1),
    )
    .expect("written");
    std::fs::write(folder.join("GOOD.CSV"), details(2)).expect("written");
    // A young file may still be uploaded under a temporary name.
    std::fs::write(folder.join("new.part"), "").expect("written");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let other = std::fs::File::options()
        .write(true)
        .open(folder.join("other.txt"));
    other
        .expect("a file")
        .set_modified(long_ago)
        .expect("changed");
    // A folder with a mistake in its name.
    let mistaken = folder.with_file_name("exampel");
    std::fs::create_dir(&mistaken).expect("a folder");
    std::fs::write(mistaken.join("lost.csv"), details(4)).expect("written");
    let lost = std::fs::File::options()
        .write(true)
        .open(mistaken.join("lost.csv"));
    lost.expect("a file")
        .set_modified(long_ago)
        .expect("changed");
    host.start().await;
    let why = folder.join("refused/wrong.csv.txt");
    let begun = Instant::now();
    while !why.exists() || folder.join("GOOD.CSV").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let result = std::fs::read_to_string(why).expect("reasons");
    assert!(result.contains("row 2, Net Credit (NC): "), "{result}");
    assert!(folder.join("refused/wrong.csv").exists());
    let statement = super::matched(&host, "example").await;
    assert_eq!(statement["file"], "GOOD.CSV");
    // The host does not follow links, and does not pick up files with other suffixes.
    assert!(folder.join("link.csv").is_symlink() && folder.join("other.txt").exists());
    reported(&host).await;
    host.stop();
    let lines = host.log();
    let lines = lines
        .lines()
        .filter(|line| line.contains("file not picked up"));
    let lines = lines.filter(|line| line.contains("other.txt")).count();
    assert_eq!(lines, 1, "once for a file, not at each poll");
}

/// Checks that status, command and metric show the file that no pickup takes, with the reason.
async fn reported(host: &Host) {
    let reason = "its name must end with .csv";
    let untaken = json!({
        "retailer": "example", "directory": "statements", "file": "other.txt", "reason": reason,
    });
    let status = host.get("/v1/status").await.expect("a status");
    let files = status["untaken_files"].as_array().expect("files");
    assert!(files.contains(&untaken), "{files:?}");
    let reason_of_folder =
        "its files (1) must be in the folder of a retailer that has a pickup: example";
    let untaken = json!({
        "retailer": "", "directory": "statements", "file": "exampel", "reason": reason_of_folder,
    });
    assert!(files.contains(&untaken), "{files:?}");
    let output = host.run(&["status"]);
    let output = String::from_utf8(output.stdout).expect("text");
    for wanted in [" not taken, listed below", "other.txt", reason] {
        assert!(output.contains(wanted), "{wanted} in\n{output}");
    }
    let begun = Instant::now();
    loop {
        let metrics = crate::metrics::scraped(&host.client, &host.url("/metrics")).await;
        let gauge = "galleria_pickup_files_untaken{retailer=\"example\"} ";
        if metrics.contains(gauge) && !metrics.contains(&format!("{gauge}0")) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{metrics}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
