//! Pickups of several retailers, with real folders and a driven clock.

use crate::scripted::Fixture;
use galleria_deliver::{PickupFolders, Pickups, StatementVault};
use galleria_domain::{Complete, Pickup};
use std::sync::Arc;
use std::time::Duration;

fn pickup(retailer: &str) -> Pickup {
    Pickup {
        retailer: retailer.into(),
        plugin: "statements".into(),
        directory: "reports".into(),
        suffix: ".csv".into(),
        complete: Complete::Marker,
    }
}

fn put(fixture: &Fixture, retailer: &str, count: usize) {
    let folder = fixture.folder.path().join("reports").join(retailer);
    std::fs::create_dir_all(&folder).expect("a folder");
    for n in 0..count {
        let name = format!("{n:03}.csv");
        std::fs::write(folder.join(&name), format!("{retailer} {n}")).expect("a file");
        std::fs::write(folder.join(format!("{name}.complete")), "").expect("a marker");
    }
}

fn pickups(fixture: &Fixture, owner: &str) -> Pickups {
    // `example` is first by name, too.
    *fixture.plugins.pickups.lock().expect("pickups") = vec![pickup("example"), pickup("small")];
    let folders = PickupFolders::new(fixture.directories(), Arc::clone(&fixture.plugins) as _);
    let vault = StatementVault::open(&fixture.folder.path().join("vault"), 1_000);
    let app = fixture.app().with_vault(Arc::new(vault.expect("a vault")));
    Pickups::new(app, folders, owner.into())
}

/// The retailers of the files that were read, in order.
fn read(fixture: &Fixture) -> Vec<String> {
    fixture.plugins.retailers.lock().expect("retailers").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn retailers_take_turns_by_file() {
    let fixture = Fixture::at("2026-11-24T12:00:00Z").await;
    put(&fixture, "example", 30);
    put(&fixture, "small", 3);
    assert_eq!(pickups(&fixture, "one").scan().await, 33);
    let order = read(&fixture);
    let turns: Vec<&str> = order.iter().map(String::as_str).take(6).collect();
    assert_eq!(
        turns,
        ["example", "small", "example", "small", "example", "small"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_waits_for_one_file_of_another_retailer() {
    let fixture = Fixture::at("2026-11-24T12:00:00Z").await;
    put(&fixture, "example", 30);
    // Each file takes two seconds. The new file is put there while the third is read.
    let folder = fixture.folder.path().join("reports/small");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (clock, calls) = (Arc::clone(&fixture.clock), std::sync::Mutex::new(0));
    *fixture.plugins.on_call.lock().expect("a hook") = Some(Box::new(move |_| {
        let mut calls = calls.lock().expect("calls");
        *calls += 1;
        clock.advance(Duration::from_secs(2));
        if *calls == 3 {
            std::fs::write(folder.join("000.csv"), "small 0").expect("a file");
            std::fs::write(folder.join("000.csv.complete"), "").expect("a marker");
        }
    }));
    let (mut pickups, mut scans) = (pickups(&fixture, "one"), 0);
    while read(&fixture).len() < 31 {
        pickups.scan().await;
        scans += 1;
        assert!(scans < 100, "{:?}", read(&fixture));
    }
    let order = read(&fixture);
    assert_eq!(
        order.iter().position(|one| one == "small"),
        Some(3),
        "{order:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_reads_files_only_under_its_lease() {
    let fixture = Fixture::at("2026-11-24T12:00:00Z").await;
    put(&fixture, "example", 3);
    let clock = Arc::clone(&fixture.clock);
    *fixture.plugins.on_call.lock().expect("a hook") =
        Some(Box::new(move |_| clock.advance(Duration::from_secs(2))));
    let (mut one, mut other) = (pickups(&fixture, "one"), pickups(&fixture, "other"));
    assert_eq!(one.scan().await, 1);
    // The other host takes the directory when the lease has ended; the first then drops its list.
    assert_eq!(other.scan().await, 0);
    fixture.clock.advance(Duration::from_secs(30));
    assert_eq!(other.scan().await, 1);
    assert_eq!(one.scan().await, 0);
    assert_eq!(other.scan().await, 1);
    assert_eq!(read(&fixture).len(), 3);
}

/// A reload may remove a pickup whose files wait, and change another one.
#[tokio::test(flavor = "multi_thread")]
async fn files_wait_under_their_pickup_and_not_under_its_place_in_the_list() {
    let fixture = Fixture::at("2026-11-24T12:00:00Z").await;
    put(&fixture, "example", 3);
    put(&fixture, "small", 3);
    let mut pickups = pickups(&fixture, "one");
    // The first file takes longer than a scan, so that the others wait; the pickup of its retailer is removed meanwhile.
    let (clock, plugins) = (Arc::clone(&fixture.clock), Arc::clone(&fixture.plugins));
    *fixture.plugins.on_call.lock().expect("a hook") = Some(Box::new(move |_| {
        clock.advance(Duration::from_secs(2));
        *plugins.pickups.lock().expect("pickups") = vec![pickup("small")];
    }));
    assert_eq!(pickups.scan().await, 1);
    while pickups.scan().await > 0 {}
    assert_eq!(read(&fixture), ["example", "small", "small", "small"]);
    // Another suffix: the files of the old one stay.
    put(&fixture, "small", 2);
    let other = Pickup {
        suffix: ".txt".into(),
        ..pickup("small")
    };
    let (clock, plugins) = (Arc::clone(&fixture.clock), Arc::clone(&fixture.plugins));
    *fixture.plugins.on_call.lock().expect("a hook") = Some(Box::new(move |_| {
        clock.advance(Duration::from_secs(2));
        *plugins.pickups.lock().expect("pickups") = vec![other.clone()];
    }));
    assert_eq!(pickups.scan().await, 1);
    assert_eq!(pickups.scan().await, 0);
    // And the pickup is back.
    *fixture.plugins.on_call.lock().expect("a hook") = None;
    *fixture.plugins.pickups.lock().expect("pickups") = vec![pickup("example"), pickup("small")];
    while pickups.scan().await > 0 {}
    assert_eq!(read(&fixture).len(), 8);
}
