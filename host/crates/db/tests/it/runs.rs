//! Runs: insertion, leases, retries, cancellation and lists.

use crate::rows::at;
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_domain::Attribute;
use galleria_domain::plugin::Point;
use galleria_ports::records::{
    PlannedTo, RunEnd, RunFile, RunFilter, RunLease, RunRow, RunState, ScheduleMark,
};

on_both!(
    a_run_is_read_as_it_was_written,
    an_id_is_inserted_once,
    a_lease_excludes_other_owners_until_it_ends,
    concurrent_workers_lease_different_runs,
    an_attempt_without_lease_cannot_write,
    the_first_attempt_fixes_as_of_and_stores,
    a_failed_run_is_retried_and_a_dead_one_replayed,
    a_running_run_is_stopped,
    runs_are_listed_in_pages_newest_first,
    the_last_ended_run_depends_on_slot_point_and_scope,
    schedule_marks_only_move_forward,
    retailers_with_due_runs_are_listed,
);

pub(crate) fn run(id: &str, due: i64) -> RunRow {
    RunRow {
        serial: 0,
        id: id.into(),
        retailer: "r".into(),
        subscriber: "slot".into(),
        point: Point::Report,
        store_id: String::new(),
        first: "2026-11-01".into(),
        last: "2026-11-30".into(),
        schedule: "nightly".into(),
        state: RunState::Due,
        attempts: 0,
        tries: 3,
        due_at: at(due),
        as_of: None,
        since: None,
        stores: 0,
        progress: 0,
        rows: 0,
        sums: Vec::new(),
        files: Vec::new(),
        code: None,
        detail: None,
        created_at: at(due),
        begun_at: None,
        ended_at: None,
    }
}

pub(crate) fn end(state: RunState, now: i64) -> RunEnd {
    RunEnd {
        state,
        attempts: 1,
        due_at: at(now),
        progress: 9,
        rows: 0,
        sums: Vec::new(),
        files: Vec::new(),
        code: None,
        detail: None,
        at: at(now),
    }
}

pub(crate) fn lease_of(id: &str, owner: &str, attempt: u32) -> RunLease {
    RunLease {
        id: id.into(),
        owner: owner.into(),
        attempt,
    }
}

pub(crate) async fn add(stage: &Stage, run: &RunRow) -> bool {
    write_tx!(stage, [run], |tx| tx.run_insert(&run).await).expect("added")
}

async fn lease(stage: &Stage, owner: &'static str, now: i64, until: i64) -> Option<String> {
    lease_for(stage, "r", owner, now, until).await
}

async fn lease_for(
    stage: &Stage,
    retailer: &'static str,
    owner: &'static str,
    now: i64,
    until: i64,
) -> Option<String> {
    let leased = write_tx!(stage, [], |tx| tx
        .run_lease(retailer, owner, at(now), at(until))
        .await);
    leased.expect("updated").map(|run| run.id)
}

pub(crate) async fn close(stage: &Stage, lease: &RunLease, end: &RunEnd) -> bool {
    write_tx!(stage, [lease, end], |tx| tx.run_finish(&lease, &end).await).expect("updated")
}

async fn get(stage: &Stage, id: &'static str) -> RunRow {
    let row = read_tx!(stage, [], |tx| tx.run_get(id).await).expect("read");
    row.expect("a run")
}

async fn a_run_is_read_as_it_was_written(stage: &Stage) {
    let mut expected = run("a", 5);
    assert!(add(stage, &expected).await);
    let row = get(stage, "a").await;
    assert!(row.serial > 0);
    expected.serial = row.serial;
    assert_eq!(row, expected);
    let missing = read_tx!(stage, [], |tx| tx.run_get("b").await).expect("read");
    assert_eq!(missing, None);

    assert_eq!(lease(stage, "me", 5, 100).await.as_deref(), Some("a"));
    let ended = RunEnd {
        rows: 1_000_000,
        sums: vec![Attribute {
            name: "net".into(),
            value: "12.50".into(),
        }],
        files: vec![RunFile {
            directory: "reports".into(),
            folder: None,
            name: "smørrebrød.csv".into(),
            size: 1 << 40,
            digest: "d".into(),
        }],
        ..end(RunState::Ended, 70)
    };
    assert!(close(stage, &lease_of("a", "me", 1), &ended).await);
    let row = get(stage, "a").await;
    assert_eq!(row.state, RunState::Ended);
    assert_eq!((row.rows, row.progress), (1_000_000, 9));
    assert_eq!((row.sums, row.files), (ended.sums, ended.files));
    assert_eq!((row.begun_at, row.ended_at), (Some(at(5)), Some(at(70))));
}

async fn an_id_is_inserted_once(stage: &Stage) {
    assert!(add(stage, &run("a", 0)).await);
    assert!(!add(stage, &run("a", 7)).await);
    assert_eq!(get(stage, "a").await.due_at, at(0));
}

async fn a_lease_excludes_other_owners_until_it_ends(stage: &Stage) {
    add(stage, &run("late", 50)).await;
    add(stage, &run("early", 10)).await;
    assert_eq!(lease(stage, "a", 9, 100).await, None);
    assert_eq!(lease(stage, "a", 60, 100).await.as_deref(), Some("early"));
    assert_eq!(lease(stage, "b", 60, 200).await.as_deref(), Some("late"));
    assert_eq!(lease(stage, "c", 99, 300).await, None);
    let next = read_tx!(stage, [], |tx| tx.run_next_time().await).expect("read");
    assert_eq!(next, Some(at(100)), "end of the first lease");
    assert_eq!(lease(stage, "c", 100, 300).await.as_deref(), Some("early"));
    let leased = get(stage, "early").await;
    assert_eq!((leased.state, leased.attempts), (RunState::Running, 2));
    // Leasing by id fails while another owner has the run, and after it ended.
    let take = async |id: &'static str, now: i64| {
        let leased = write_tx!(stage, [], |tx| tx
            .run_lease_by_id(id, "d", at(now), at(999))
            .await);
        leased.expect("updated").is_some()
    };
    assert!(!take("early", 299).await);
    assert!(take("early", 300).await);
    assert!(
        close(
            stage,
            &lease_of("early", "d", 3),
            &end(RunState::Ended, 301)
        )
        .await
    );
    assert!(!take("early", 5_000).await);
}

async fn concurrent_workers_lease_different_runs(stage: &Stage) {
    for id in ["a", "b", "c", "d", "e", "f"] {
        add(stage, &run(id, 0)).await;
    }
    let owners = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"];
    let leases = owners.map(|owner| async move {
        let mut mine = Vec::new();
        for _ in 0..6 {
            mine.extend(lease(stage, owner, 1, 100).await);
        }
        mine
    });
    let mut all: Vec<String> = join_all(leases).await.concat();
    all.sort();
    assert_eq!(all, ["a", "b", "c", "d", "e", "f"]);
}

async fn an_attempt_without_lease_cannot_write(stage: &Stage) {
    add(stage, &run("a", 0)).await;
    lease(stage, "me", 0, 10).await;
    let renew = async |owner: &str, attempt: u32, until: i64| {
        let lease = lease_of("a", owner, attempt);
        write_tx!(stage, [lease], |tx| tx
            .run_renew(&lease, at(until), 77)
            .await)
        .expect("updated")
    };
    assert_eq!(renew("me", 1, 20).await, Some(false));
    assert_eq!(get(stage, "a").await.progress, 77);
    assert_eq!(lease(stage, "other", 19, 50).await, None);
    // An expired lease can be renewed until another owner takes the run.
    assert_eq!(renew("me", 1, 21).await, Some(false));
    // A further attempt of the same owner ends the earlier lease.
    assert_eq!(lease(stage, "me", 21, 50).await.as_deref(), Some("a"));
    assert_eq!(renew("me", 1, 90).await, None);
    assert!(!close(stage, &lease_of("a", "me", 1), &end(RunState::Ended, 22)).await);
    assert!(!close(stage, &lease_of("a", "other", 2), &end(RunState::Ended, 22)).await);
    assert_eq!(get(stage, "a").await.state, RunState::Running);
    assert!(close(stage, &lease_of("a", "me", 2), &end(RunState::Ended, 23)).await);
    assert_eq!(renew("me", 2, 99).await, None);
}

async fn the_first_attempt_fixes_as_of_and_stores(stage: &Stage) {
    add(stage, &run("a", 0)).await;
    let begin = async |as_of: i64, since: Option<i64>, stores: u32| {
        let begun = write_tx!(stage, [], |tx| tx
            .run_begin("a", at(as_of), since.map(at), stores)
            .await);
        begun.expect("begun");
    };
    begin(5, Some(-7), 1_000).await;
    begin(6, None, 2).await;
    let row = get(stage, "a").await;
    assert_eq!(
        (row.as_of, row.since, row.stores),
        (Some(at(5)), Some(at(-7)), 1_000)
    );
}

async fn a_failed_run_is_retried_and_a_dead_one_replayed(stage: &Stage) {
    add(stage, &run("a", 0)).await;
    lease(stage, "me", 0, 10).await;
    let failed = RunEnd {
        due_at: at(500),
        code: Some("trapped".into()),
        detail: Some("the plugin crashed".into()),
        ..end(RunState::Failed, 5)
    };
    assert!(close(stage, &lease_of("a", "me", 1), &failed).await);
    assert_eq!(get(stage, "a").await.ended_at, None, "it will be retried");
    assert_eq!(lease(stage, "me", 499, 600).await, None);
    assert_eq!(lease(stage, "me", 500, 600).await.as_deref(), Some("a"));
    let dead = RunEnd {
        attempts: 2,
        ..end(RunState::Dead, 501)
    };
    assert!(close(stage, &lease_of("a", "me", 2), &dead).await);
    assert_eq!(lease(stage, "me", 9_999, 99_999).await, None);
    let replay = async || {
        let replayed = write_tx!(stage, [], |tx| tx.run_replay("a", at(600)).await);
        replayed.expect("updated")
    };
    assert!(replay().await);
    assert!(!replay().await, "already due");
    let due = get(stage, "a").await;
    assert_eq!((due.state, due.attempts), (RunState::Due, 0));
    assert_eq!(lease(stage, "me", 600, 700).await.as_deref(), Some("a"));
    assert!(close(stage, &lease_of("a", "me", 1), &end(RunState::Ended, 601)).await);
    assert!(!replay().await, "ended");
}

async fn a_running_run_is_stopped(stage: &Stage) {
    let cancel = async |id: &'static str| {
        write_tx!(stage, [], |tx| tx.run_cancel(id, at(3)).await).expect("updated")
    };
    add(stage, &run("a", 0)).await;
    assert!(cancel("a").await);
    assert_eq!(get(stage, "a").await.state, RunState::Cancelled);
    assert!(!cancel("a").await, "already over");
    assert_eq!(lease(stage, "me", 5, 10).await, None);

    add(stage, &run("b", 0)).await;
    lease(stage, "me", 0, 10).await;
    assert!(cancel("b").await);
    let my_lease = lease_of("b", "me", 1);
    let stop = write_tx!(stage, [my_lease], |tx| tx
        .run_renew(&my_lease, at(20), 0)
        .await);
    assert_eq!(stop.expect("updated"), Some(true));
    assert!(close(stage, &my_lease, &end(RunState::Cancelled, 5)).await);

    add(stage, &run("c", 0)).await;
    lease(stage, "me", 0, 10).await;
    let my_lease = lease_of("c", "me", 1);
    let remove = async || {
        let my_lease = my_lease.clone();
        write_tx!(stage, [my_lease], |tx| tx.run_remove(&my_lease).await).expect("updated")
    };
    assert!(remove().await);
    assert!(!remove().await);
}

async fn runs_are_listed_in_pages_newest_first(stage: &Stage) {
    for n in 0..7 {
        let mut run = run(&format!("run-{n}"), n);
        if n % 2 == 0 {
            run.retailer = "q".into();
        }
        run.first = format!("2026-11-0{}", n + 1);
        add(stage, &run).await;
    }
    lease_for(stage, "q", "me", 0, 100).await;
    let list = async |filter: RunFilter, before: i64, limit: u32| {
        let rows = read_tx!(stage, [filter], |tx| tx
            .run_list(&filter, before, limit)
            .await);
        rows.expect("listed")
    };
    let ids = |rows: &[RunRow]| {
        rows.iter()
            .map(|run| run.id[4..].to_owned())
            .collect::<Vec<_>>()
    };
    let first = list(RunFilter::default(), i64::MAX, 4).await;
    assert_eq!(ids(&first), ["6", "5", "4", "3"]);
    let rest = list(RunFilter::default(), first[3].serial, 4).await;
    assert_eq!(ids(&rest), ["2", "1", "0"]);
    let filter = RunFilter {
        retailer: Some("q".into()),
        subscriber: Some("slot".into()),
        state: Some(RunState::Due),
        from: Some("2026-11-03".into()),
    };
    assert_eq!(ids(&list(filter, i64::MAX, 9).await), ["6", "4", "2"]);
    let running = RunFilter {
        state: Some(RunState::Running),
        ..RunFilter::default()
    };
    assert_eq!(ids(&list(running, i64::MAX, 9).await), ["0"]);
}

async fn the_last_ended_run_depends_on_slot_point_and_scope(stage: &Stage) {
    let ended = async |id: &'static str, store: &str, as_of: i64, state: RunState| {
        let mut run = run(id, 0);
        run.store_id = store.into();
        add(stage, &run).await;
        let begun = write_tx!(stage, [], |tx| tx.run_begin(id, at(as_of), None, 1).await);
        begun.expect("begun");
        assert_eq!(lease(stage, "me", 0, 10).await.as_deref(), Some(id));
        assert!(close(stage, &lease_of(id, "me", 1), &end(state, as_of)).await);
    };
    ended("a", "", 10, RunState::Ended).await;
    ended("b", "", 20, RunState::Ended).await;
    ended("c", "", 30, RunState::Dead).await;
    ended("d", "s", 40, RunState::Ended).await;
    let last = async |slot: &'static str, point: Point, store: &'static str| {
        read_tx!(stage, [], |tx| tx
            .run_last_ended("r", slot, point, store)
            .await)
        .expect("read")
    };
    assert_eq!(last("slot", Point::Report, "").await, Some(at(20)));
    assert_eq!(last("slot", Point::Report, "s").await, Some(at(40)));
    assert_eq!(last("slot", Point::ExportCatalogue, "").await, None);
    assert_eq!(last("other", Point::Report, "").await, None);
}

async fn schedule_marks_only_move_forward(stage: &Stage) {
    let mark = |store: &str, at: &str, to: &str| ScheduleMark {
        store_id: store.into(),
        at: at.into(),
        planned_to: PlannedTo::At(to.parse().expect("an instant")),
    };
    let put = async |mark: &ScheduleMark| {
        let mark = mark.clone();
        let put = write_tx!(stage, [mark], |tx| tx
            .schedule_mark_put("r", "n", &mark)
            .await);
        put.expect("put");
    };
    let marks =
        async || read_tx!(stage, [], |tx| tx.schedule_mark_list("r", "n").await).expect("read");
    let hourly = "0 * * * *";
    let later = mark("a", hourly, "2026-11-24T10:00:00Z");
    put(&later).await;
    put(&mark("a", hourly, "2026-11-24T09:00:00Z")).await;
    let all = mark("", hourly, "2026-11-24T00:00:00Z");
    put(&all).await;
    assert_eq!(marks().await, [all.clone(), later]);
    let other = mark("a", "0 9 * * *", "2026-11-24T08:00:00Z");
    put(&other).await;
    assert_eq!(marks().await, [all.clone(), other]);
    // An earlier version recorded local times, which may be later than the instant.
    let local = ScheduleMark {
        planned_to: PlannedTo::Local("2026-11-24T12:00:00".parse().expect("a local time")),
        ..mark("l", hourly, "2026-11-24T11:00:00Z")
    };
    put(&local).await;
    assert_eq!(marks().await.last(), Some(&local));
    let next = mark("l", hourly, "2026-11-24T11:30:00Z");
    put(&next).await;
    assert_eq!(marks().await.last(), Some(&next));
    let removed = write_tx!(stage, [], |tx| tx.schedule_mark_remove("r", "n", "l").await);
    removed.expect("removed");
    let removed = write_tx!(stage, [], |tx| tx.schedule_mark_remove("r", "n", "a").await);
    removed.expect("removed");
    assert_eq!(marks().await, [all]);
    let others = read_tx!(stage, [], |tx| tx.schedule_mark_list("q", "n").await);
    assert_eq!(others.expect("read"), []);
}

async fn retailers_with_due_runs_are_listed(stage: &Stage) {
    let waiting = async |now: i64| {
        let listed = read_tx!(stage, [], |tx| tx.run_waiting_retailers(at(now)).await);
        listed.expect("read")
    };
    assert_eq!(waiting(9).await, [""; 0]);
    for (id, retailer, due) in [("a", "t", 5), ("b", "r", 5), ("c", "r", 4), ("d", "q", 7)] {
        let row = RunRow {
            retailer: retailer.into(),
            ..run(id, due)
        };
        assert!(add(stage, &row).await);
    }
    assert_eq!(waiting(6).await, ["r", "t"]);
    assert_eq!(waiting(7).await, ["q", "r", "t"]);
    // A running run waits again when its lease ends; a run that is over never does.
    assert_eq!(lease(stage, "me", 7, 20).await.as_deref(), Some("c"));
    assert_eq!(lease(stage, "me", 7, 20).await.as_deref(), Some("b"));
    assert_eq!(waiting(19).await, ["q", "t"]);
    assert_eq!(waiting(20).await, ["q", "r", "t"]);
    for id in ["b", "c"] {
        let end = end(RunState::Ended, 20);
        assert!(close(stage, &lease_of(id, "me", 1), &end).await);
    }
    assert_eq!(waiting(99).await, ["q", "t"]);
}
