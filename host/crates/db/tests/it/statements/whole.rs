//! A statement is imported as a whole and once, or not at all.

use super::reader::{Importer, Memory, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_domain::{MatchingRules, StatementKind, StatementLine};
use galleria_ports::Error;
use galleria_ports::clock::Clock as _;
use galleria_ports::records::{LineMatch, LineRow, StatementRow, StatementState};
use galleria_ports::vault::Vault as _;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    ten_concurrent_copies_are_one_statement,
    another_file_of_the_same_payout_conflicts,
    nothing_of_a_rejected_statement_is_imported,
    every_error_names_row_and_column,
    an_abandoned_import_is_removed_by_the_next,
    a_lease_taken_by_another_owner_is_lost,
    interrupted_matching_continues,
    orphaned_originals_are_deleted,
    the_header_may_come_last,
    a_statement_without_lines_is_valid,
);

fn importer(stage: &Stage) -> Importer {
    Importer::new(Arc::new(stage.db.clone()), MatchingRules::default())
}

async fn counts(stage: &Stage) -> (usize, usize) {
    let statements = stage.rows("SELECT id, matched_to FROM statements").await;
    let lines = stage
        .rows("SELECT statement_id, number FROM statement_lines")
        .await;
    (statements.len(), lines.len())
}

async fn ten_concurrent_copies_are_one_statement(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let importer = Arc::new(importer(stage));
    let lines: Vec<_> = (2..602).map(|row| line(row, "psp-1", 1_000)).collect();
    let text = Arc::new(file(&header("b-1", Some(600 * 990)), &lines));
    let mut copies = tokio::task::JoinSet::new();
    for copy in 0..10 {
        let (importer, text) = (Arc::clone(&importer), Arc::clone(&text));
        copies.spawn(async move { importer.import(&format!("copy-{copy}"), &text).await });
    }
    let imported = copies.join_all().await;
    let imported: Vec<_> = imported
        .into_iter()
        .map(|one| one.expect("imported"))
        .collect();
    let new = imported.iter().filter(|one| !one.before).count();
    assert_eq!(new, 1, "exactly one is new");
    let ids: std::collections::BTreeSet<_> = imported.iter().map(|one| &one.statement.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(counts(stage).await, (1, 600));
    let view = importer
        .app
        .settlement
        .statement(&imported[0].statement.id)
        .await
        .expect("a statement");
    let outcomes: Vec<_> = view
        .outcomes
        .iter()
        .map(|o| (&*o.outcome, o.lines))
        .collect();
    assert_eq!(outcomes, [("matched", 1), ("duplicate", 599)]);
}

async fn another_file_of_the_same_payout_conflicts(stage: &Stage) {
    let importer = importer(stage);
    let first = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    importer
        .import("first.csv", &first)
        .await
        .expect("imported");
    let other = file(&header("b-1", None), &[line(2, "psp-1", 1_001)]);
    let rejected = importer
        .import("other.csv", &other)
        .await
        .expect_err("rejected");
    let Error::Conflict { code, message } = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!(code, "payout_exists");
    assert!(message.contains("first.csv"), "{message}");
    assert_eq!(counts(stage).await, (1, 1));
    // A payout of another account may have the same number.
    let mut other_header = header("b-1", None);
    other_header.account = "another".into();
    let others = file(&other_header, &[]);
    importer
        .import("others.csv", &others)
        .await
        .expect("imported");
}

async fn nothing_of_a_rejected_statement_is_imported(stage: &Stage) {
    let importer = importer(stage);
    let rejected = importer.import("bad.csv", "!unknown format").await;
    let Err(Error::Invalid(problems)) = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!((problems[0].row, &*problems[0].field), (Some(7), "amount"));
    assert_eq!(counts(stage).await, (0, 0));
    // Only the original is kept, to read it again after a correction.
    assert_eq!(importer.vault.digests("r1").expect("stored").len(), 1);
}

async fn every_error_names_row_and_column(stage: &Stage) {
    let importer = importer(stage);
    let good = || line(3, "psp-1", 1_000);
    let with = |change: &dyn Fn(&mut StatementLine)| {
        let mut bad = good();
        change(&mut bad);
        bad
    };
    let cases: Vec<(&str, StatementLine)> = vec![
        ("net", with(&|l| l.net += 1)),
        ("gross", with(&|l| l.kind = StatementKind::Refund)),
        ("gross", with(&|l| l.kind = StatementKind::Chargeback)),
        (
            "converted",
            with(&|l| {
                (l.converted, l.net) = (900, 890);
            }),
        ),
        ("currency", with(&|l| l.currency = "eur".into())),
        ("currency", with(&|l| l.currency = "XYZ".into())),
        ("minor_digits", with(&|l| l.minor_digits = 9)),
        ("minor_digits", with(&|l| l.minor_digits = 3)),
        ("booked_at", with(&|l| l.booked_at = "25/11/2026".into())),
        ("id", with(&|l| l.id = "id-2".into())),
        ("psp_reference", with(&|l| l.psp_reference = "a\0b".into())),
        (
            "merchant_reference",
            with(&|l| l.merchant_reference = "x".repeat(10_000)),
        ),
    ];
    for (field, bad) in cases {
        let text = file(&header("b-1", None), &[line(2, "psp-0", 500), bad]);
        // Some formats have their header at the end.
        for text in [format!("~{text}"), text] {
            let rejected = importer.import("bad.csv", &text).await;
            let Err(Error::Invalid(problems)) = rejected else {
                panic!("{field}: {rejected:?}");
            };
            let reported = problems
                .iter()
                .any(|p| p.row == Some(3) && p.field == field);
            assert!(reported, "{field}: {problems:?}");
        }
    }
    let header_errors: Vec<(&str, String)> = vec![
        ("total", file(&header("b-1", Some(991)), &[good()])),
        (
            "total",
            format!("~{}", file(&header("b-1", Some(991)), &[good()])),
        ),
        ("header", String::new()),
        (
            "header",
            format!("\n{}", serde_json::to_string(&good()).expect("JSON")),
        ),
    ];
    for (field, text) in header_errors {
        let rejected = importer.import("bad.csv", &text).await;
        let Err(Error::Invalid(problems)) = rejected else {
            panic!("{field}: {rejected:?}");
        };
        assert!(
            problems.iter().any(|p| p.field == field),
            "{field}: {problems:?}"
        );
    }
    assert_eq!(counts(stage).await, (0, 0));
    // The list of errors has a limit.
    let many: Vec<_> = (2..1_102)
        .map(|row| StatementLine {
            net: 0,
            ..line(row, "p", 50)
        })
        .collect();
    let rejected = importer
        .import("bad.csv", &file(&header("b-1", None), &many))
        .await;
    let Err(Error::Invalid(problems)) = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!(problems.len(), 1_001);
    assert!(problems[1_000].message.contains("100 more"));
}

/// The rows of an import that ended while it wrote its lines.
fn abandoned(reference: &str) -> (StatementRow, Vec<LineRow>) {
    let row = StatementRow {
        id: format!("abandoned-{reference}"),
        retailer: "r1".into(),
        plugin: "reader".into(),
        component: "c".into(),
        file: "abandoned.csv".into(),
        digest: format!("digest-{reference}"),
        size: 1,
        header: header(reference, None),
        net: 0,
        lines: 500,
        state: StatementState::Importing,
        matched_to: 0,
        imported_at: before(),
    };
    let lines = (1..=450).map(|number| LineRow {
        statement: row.id.clone(),
        number,
        retailer: "r1".into(),
        line: line(number + 1, "psp-1", 1_000),
        matched: LineMatch::default(),
    });
    (row.clone(), lines.collect())
}

async fn insert_import(stage: &Stage, row: StatementRow, lines: Vec<LineRow>) {
    write_tx!(stage, [row, lines], |tx| {
        tx.statement_insert(&row).await?;
        tx.statement_line_insert_many(&lines).await
    })
    .expect("inserted");
}

/// The other owner may have removed the rows of the first.
async fn a_lease_taken_by_another_owner_is_lost(stage: &Stage) {
    let (now, last) = (before(), Duration::from_secs(15));
    let renew = |owner: &'static str, at| async move {
        write_tx!(stage, [], |tx| tx.lease_renew("l", owner, at + last).await).expect("updated")
    };
    let take = |owner: &'static str, at| async move {
        write_tx!(stage, [], |tx| tx
            .lease_take("l", owner, at, at + last)
            .await)
        .expect("updated")
    };
    assert!(take("a", now).await);
    assert!(renew("a", now + last * 3).await, "no other owner took it");
    let later = now + last * 5;
    assert!(take("b", later).await);
    assert!(!renew("a", later).await);
    write_tx!(stage, [], |tx| tx.lease_release("l", "b").await).expect("released");
    assert!(
        !renew("a", later).await,
        "lost to another owner, even if free again"
    );
}

async fn an_abandoned_import_is_removed_by_the_next(stage: &Stage) {
    let importer = importer(stage);
    let (row, lines) = abandoned("b-1");
    insert_import(stage, row.clone(), lines).await;
    let now = importer.clock.now();
    let lease = "statements/r1";
    write_tx!(stage, [], |tx| tx
        .lease_take(lease, "abandoned", now, now + Duration::from_secs(15))
        .await)
    .expect("leased");
    assert!(
        importer.app.settlement.statement(&row.id).await.is_err(),
        "not visible"
    );
    let listed = importer
        .app
        .settlement
        .statements(None, None, 10)
        .await
        .expect("a list");
    assert!(listed.is_empty());
    // The next import waits until the lease expires.
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    let (imported, ()) = tokio::join!(importer.import("again.csv", &text), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(counts(stage).await, (1, 450), "the lease protects the rows");
        importer.clock.advance(Duration::from_secs(16));
    });
    assert!(!imported.expect("imported").before);
    assert_eq!(counts(stage).await, (1, 1));
}

async fn interrupted_matching_continues(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let importer = importer(stage);
    let (row, lines) = abandoned("b-1");
    let row = StatementRow {
        state: StatementState::Matching,
        lines: 450,
        net: 450 * 990,
        ..row
    };
    insert_import(stage, row.clone(), lines).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    let view = importer
        .app
        .settlement
        .statement(&row.id)
        .await
        .expect("a statement");
    assert_eq!(view.state, "partly-matched");
    assert_eq!((view.matched, view.compared), (1, 450));
    let outcomes: Vec<_> = view
        .outcomes
        .iter()
        .map(|o| (&*o.outcome, o.lines))
        .collect();
    assert_eq!(outcomes, [("matched", 1), ("duplicate", 449)]);
}

async fn orphaned_originals_are_deleted(stage: &Stage) {
    let importer = importer(stage);
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    importer.import("good.csv", &text).await.expect("imported");
    let good = importer.vault.digests("r1").expect("stored");
    let mut orphan = Memory::spool(&importer.vault, "orphan.csv").expect("a spool");
    orphan
        .write(b"nothing of it was imported")
        .expect("spooled");
    orphan.commit("r1").expect("stored");
    let (row, lines) = abandoned("b-2");
    insert_import(stage, row, lines).await;
    importer.app.settlement.sweep().await.expect("swept");
    assert_eq!(importer.vault.digests("r1").expect("stored"), good);
    assert_eq!(counts(stage).await, (1, 1));
}

async fn the_header_may_come_last(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let importer = importer(stage);
    let text = file(&header("b-1", Some(990)), &[line(2, "psp-1", 1_000)]);
    let imported = importer.import("last.csv", &format!("~{text}")).await;
    let statement = imported.expect("imported").statement;
    assert_eq!((statement.lines, statement.net), (1, 990));
    assert_eq!(counts(stage).await, (1, 1));
}

async fn a_statement_without_lines_is_valid(stage: &Stage) {
    let importer = importer(stage);
    let text = file(&header("b-1", Some(0)), &[]);
    let imported = importer.import("empty.csv", &text).await.expect("imported");
    assert_eq!(imported.statement.state, "matched");
    let rejected = importer
        .import("e.csv", &file(&header("b-2", Some(1)), &[]))
        .await;
    assert!(matches!(rejected, Err(Error::Invalid(_))));
}
