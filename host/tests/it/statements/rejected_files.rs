//! A file in a pickup directory that cannot be imported is moved aside, with the reasons beside it.

use super::{details, retailer};
use crate::host::{Host, staged};
use std::time::{Duration, Instant};

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
    std::fs::write(folder.join("good.csv"), details(2)).expect("written");
    host.start().await;
    let why = folder.join("refused/wrong.csv.txt");
    let begun = Instant::now();
    while !why.exists() || folder.join("good.csv").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let result = std::fs::read_to_string(why).expect("reasons");
    assert!(result.contains("row 2, Net Credit (NC): "), "{result}");
    assert!(folder.join("refused/wrong.csv").exists());
    let statement = super::matched(&host, "example").await;
    assert_eq!(statement["file"], "good.csv");
    // The host does not follow links and ignores other suffixes.
    assert!(folder.join("link.csv").is_symlink() && folder.join("other.txt").exists());
    host.stop();
}
