//! A statement is there whole, once, or not at all.

use super::reader::{Memory, Office, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::records::{LineRow, Matched, StatementRow, StatementState};
use galleria_app::statements::Vault as _;
use galleria_app::{Clock as _, Error};
use galleria_domain::{MatchingRules, StatementKind, StatementLine};
use std::sync::Arc;
use std::time::Duration;

on_both!(
    ten_copies_at_once_are_one_statement,
    the_same_payout_in_another_file_is_for_a_person,
    what_is_refused_leaves_nothing,
    every_refusal_names_row_and_column,
    a_dead_import_is_cleared_away_by_the_next,
    a_lease_that_another_had_is_lost,
    a_statement_whose_matching_was_interrupted_goes_on,
    originals_of_nothing_go,
    a_statement_may_be_described_last,
    a_statement_without_lines_is_one,
);

fn office(stage: &Stage) -> Office {
    Office::new(Arc::new(stage.db.clone()), MatchingRules::default())
}

async fn counts(stage: &Stage) -> (usize, usize) {
    let statements = stage.rows("SELECT id, matched_to FROM statements").await;
    let lines = stage
        .rows("SELECT statement_id, number FROM statement_lines")
        .await;
    (statements.len(), lines.len())
}

async fn ten_copies_at_once_are_one_statement(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let office = Arc::new(office(stage));
    let lines: Vec<_> = (2..602).map(|row| line(row, "psp-1", 1_000)).collect();
    let text = Arc::new(file(&header("b-1", Some(600 * 990)), &lines));
    let mut copies = tokio::task::JoinSet::new();
    for copy in 0..10 {
        let (office, text) = (Arc::clone(&office), Arc::clone(&text));
        copies.spawn(async move { office.import(&format!("copy-{copy}"), &text).await });
    }
    let imported = copies.join_all().await;
    let imported: Vec<_> = imported
        .into_iter()
        .map(|one| one.expect("imported"))
        .collect();
    let new = imported.iter().filter(|one| !one.before).count();
    assert_eq!(new, 1, "one of them is new");
    let ids: std::collections::BTreeSet<_> = imported.iter().map(|one| &one.statement.id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(counts(stage).await, (1, 600));
    let seen = office
        .app
        .statement(&imported[0].statement.id)
        .await
        .expect("there");
    let outcomes: Vec<_> = seen
        .outcomes
        .iter()
        .map(|o| (&*o.outcome, o.lines))
        .collect();
    assert_eq!(outcomes, [("matched", 1), ("duplicate", 599)]);
}

async fn the_same_payout_in_another_file_is_for_a_person(stage: &Stage) {
    let office = office(stage);
    let first = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    office.import("first.csv", &first).await.expect("imported");
    let other = file(&header("b-1", None), &[line(2, "psp-1", 1_001)]);
    let refused = office
        .import("other.csv", &other)
        .await
        .expect_err("refused");
    let Error::Conflict { code, message } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "payout_exists");
    assert!(message.contains("first.csv"), "{message}");
    assert_eq!(counts(stage).await, (1, 1));
    // Another account's payout may have the same number.
    let mut others = header("b-1", None);
    others.account = "another".into();
    let others = file(&others, &[]);
    office
        .import("others.csv", &others)
        .await
        .expect("imported");
}

async fn what_is_refused_leaves_nothing(stage: &Stage) {
    let office = office(stage);
    let refused = office.import("bad.csv", "!what is this").await;
    let Err(Error::Invalid(problems)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((problems[0].row, &*problems[0].field), (Some(7), "amount"));
    assert_eq!(counts(stage).await, (0, 0));
    assert!(office.vault.kept("r1").expect("kept").is_empty());
}

async fn every_refusal_names_row_and_column(stage: &Stage) {
    let office = office(stage);
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
        // Some files tell of the whole at their end only.
        for text in [format!("~{text}"), text] {
            let refused = office.import("bad.csv", &text).await;
            let Err(Error::Invalid(problems)) = refused else {
                panic!("{field}: {refused:?}");
            };
            let told = problems
                .iter()
                .any(|p| p.row == Some(3) && p.field == field);
            assert!(told, "{field}: {problems:?}");
        }
    }
    let of_the_whole: Vec<(&str, String)> = vec![
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
    for (field, text) in of_the_whole {
        let refused = office.import("bad.csv", &text).await;
        let Err(Error::Invalid(problems)) = refused else {
            panic!("{field}: {refused:?}");
        };
        assert!(
            problems.iter().any(|p| p.field == field),
            "{field}: {problems:?}"
        );
    }
    assert_eq!(counts(stage).await, (0, 0));
    // A wrong line in each of a thousand is told in bounds.
    let many: Vec<_> = (2..1_102)
        .map(|row| StatementLine {
            net: 0,
            ..line(row, "p", 50)
        })
        .collect();
    let refused = office
        .import("bad.csv", &file(&header("b-1", None), &many))
        .await;
    let Err(Error::Invalid(problems)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problems.len(), 1_001);
    assert!(problems[1_000].message.contains("100 more"));
}

/// What an import leaves that died while it wrote its lines.
fn dead(reference: &str) -> (StatementRow, Vec<LineRow>) {
    let row = StatementRow {
        id: format!("dead-{reference}"),
        retailer: "r1".into(),
        plugin: "reader".into(),
        component: "c".into(),
        file: "dead.csv".into(),
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
        matched: Matched::default(),
    });
    (row.clone(), lines.collect())
}

async fn leave(stage: &Stage, row: StatementRow, lines: Vec<LineRow>) {
    write_tx!(stage, [row, lines], |tx| {
        tx.statement_insert(&row).await?;
        tx.statement_lines_insert(&lines).await
    })
    .expect("left");
}

/// Whoever had it may have cleared away what its first owner wrote.
async fn a_lease_that_another_had_is_lost(stage: &Stage) {
    let (now, last) = (before(), Duration::from_secs(15));
    let kept = |owner: &'static str, at| async move {
        write_tx!(stage, [], |tx| tx.lease_keep("l", owner, at + last).await).expect("asked")
    };
    let taken = |owner: &'static str, at| async move {
        write_tx!(stage, [], |tx| tx
            .lease_take("l", owner, at, at + last)
            .await)
        .expect("asked")
    };
    assert!(taken("a", now).await);
    assert!(kept("a", now + last * 3).await, "nobody took it meanwhile");
    let later = now + last * 5;
    assert!(taken("b", later).await);
    assert!(!kept("a", later).await);
    write_tx!(stage, [], |tx| tx.lease_release("l", "b").await).expect("released");
    assert!(
        !kept("a", later).await,
        "it was another's, even if it is free"
    );
}

async fn a_dead_import_is_cleared_away_by_the_next(stage: &Stage) {
    let office = office(stage);
    let (row, lines) = dead("b-1");
    leave(stage, row.clone(), lines).await;
    let now = office.clock.now();
    let lease = "statements/r1";
    write_tx!(stage, [], |tx| tx
        .lease_take(lease, "the dead", now, now + Duration::from_secs(15))
        .await)
    .expect("taken");
    assert!(
        office.app.statement(&row.id).await.is_err(),
        "nobody sees it"
    );
    let listed = office.app.statements(None, None, 10).await.expect("a list");
    assert!(listed.is_empty());
    // Its lease runs out while the next import waits for it.
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    let (imported, ()) = tokio::join!(office.import("again.csv", &text), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(
            counts(stage).await,
            (1, 450),
            "who has the lease is left alone"
        );
        office.clock.advance(Duration::from_secs(16));
    });
    assert!(!imported.expect("imported").before);
    assert_eq!(counts(stage).await, (1, 1));
}

async fn a_statement_whose_matching_was_interrupted_goes_on(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let office = office(stage);
    let (row, lines) = dead("b-1");
    let row = StatementRow {
        state: StatementState::Matching,
        lines: 450,
        ..row
    };
    leave(stage, row.clone(), lines).await;
    office.app.statements_match().await.expect("matched");
    let seen = office.app.statement(&row.id).await.expect("there");
    assert_eq!(seen.state, "matched");
    let outcomes: Vec<_> = seen
        .outcomes
        .iter()
        .map(|o| (&*o.outcome, o.lines))
        .collect();
    assert_eq!(outcomes, [("matched", 1), ("duplicate", 449)]);
}

async fn originals_of_nothing_go(stage: &Stage) {
    let office = office(stage);
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    office.import("good.csv", &text).await.expect("imported");
    let good = office.vault.kept("r1").expect("kept");
    let mut orphan = Memory::spool(&office.vault, "orphan.csv").expect("a spool");
    orphan
        .write(b"nothing of it was imported")
        .expect("spooled");
    orphan.keep("r1").expect("kept");
    let (row, lines) = dead("b-2");
    leave(stage, row, lines).await;
    office.app.statements_sweep().await.expect("swept");
    assert_eq!(office.vault.kept("r1").expect("kept"), good);
    assert_eq!(counts(stage).await, (1, 1));
}

async fn a_statement_may_be_described_last(stage: &Stage) {
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let office = office(stage);
    let text = file(&header("b-1", Some(990)), &[line(2, "psp-1", 1_000)]);
    let imported = office.import("last.csv", &format!("~{text}")).await;
    let statement = imported.expect("imported").statement;
    assert_eq!((statement.lines, statement.net), (1, 990));
    assert_eq!(counts(stage).await, (1, 1));
}

async fn a_statement_without_lines_is_one(stage: &Stage) {
    let office = office(stage);
    let text = file(&header("b-1", Some(0)), &[]);
    let imported = office.import("empty.csv", &text).await.expect("imported");
    assert_eq!(imported.statement.state, "matched");
    let refused = office
        .import("e.csv", &file(&header("b-2", Some(1)), &[]))
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}
