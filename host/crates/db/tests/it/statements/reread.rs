//! Originals that are read again after a correction of the plugin.

use super::lines::{assert_sums, check_allocations, key, lines, outcomes};
use super::reader::{Importer, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::settlement::{Imported, RereadRequest, RereadView, SettleRequest, UndoRequest};
use galleria_domain::{MatchingRules, StatementLine};
use galleria_ports::Error;
use galleria_ports::vault::Vault as _;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    wrong_lines_are_replaced,
    manual_settlements_of_unchanged_lines_are_kept,
    a_failed_read_changes_nothing,
    a_rejected_file_is_imported_after_a_correction,
    a_rejected_original_survives_a_start,
    a_rejection_waits_for_the_lease_and_replaces_no_import,
);

fn importers(stage: &Stage) -> (Importer, Importer) {
    let records = Arc::new(stage.db.clone());
    let wrong = Importer::new(Arc::clone(&records) as _, MatchingRules::default());
    let corrected = wrong.corrected(records);
    (wrong, corrected)
}

fn request() -> RereadRequest {
    RereadRequest {
        actor: "ana".into(),
        reason: "the amounts were cents".into(),
        plugin: None,
    }
}

fn wrong(row: u64, psp: &str, gross: i64) -> StatementLine {
    StatementLine {
        id: format!("wrong-{row}"),
        ..line(row, psp, gross)
    }
}

async fn reread(importer: &Importer, name: &str, id: &str) -> RereadView {
    let reply = importer.app.settlement.reread(key(name), id, request());
    let reply = reply.await.expect("read again");
    serde_json::from_str(&reply.body).expect("a view")
}

async fn current(importer: &Importer, id: &str) -> Imported {
    let statement = importer.app.settlement.statement(id).await;
    Imported {
        statement: statement.expect("a statement"),
        before: true,
    }
}

async fn count(stage: &Stage, rows: &'static str) -> usize {
    stage.rows(rows).await.len()
}

async fn wrong_lines_are_replaced(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    record(
        stage,
        vec![tender("p1", "psp-1", 1_000), tender("p2", "psp-2", 500)],
        before(),
    )
    .await;
    let mut all: Vec<_> = (4..454).map(|row| wrong(row, "psp-3", 70)).collect();
    all.insert(0, wrong(2, "psp-1", 100));
    all.insert(1, line(3, "psp-2", 500));
    let text = file(&header("b-1", None), &all);
    let imported = importer.import("a.csv", &text).await.expect("imported");
    let id = imported.statement.id.clone();
    assert_eq!(
        outcomes(&importer, &imported).await[..3],
        ["amount-mismatch", "matched", "unmatched"]
    );
    let view = reread(&corrected, "k1", &id).await;
    assert_eq!((view.lines_before, view.lines), (452, 452));
    assert_eq!(view.net_before, imported.statement.net);
    assert_eq!(view.net, 1_000 + 500 + 450 * 700 - 452 * 10);
    let now = current(&corrected, &id).await;
    assert_sums(&now);
    assert_eq!(now.statement.net, view.net);
    let views = lines(&corrected, &now).await;
    assert_eq!(
        (&*views[0].outcome, views[0].line.gross),
        ("matched", 1_000)
    );
    assert_eq!(views[1].outcome, "matched");
    check_allocations(stage, 2).await;
    // The same request again is answered, and does nothing.
    let again = corrected
        .app
        .settlement
        .reread(key("k1"), &id, request())
        .await;
    assert!(again.expect("answered").repeated);
    let operations = "SELECT action, serial FROM operations WHERE action = 'statement_reread'";
    assert_eq!(count(stage, operations).await, 1);
    assert_eq!(
        count(stage, "SELECT id, matched_to FROM statements").await,
        1
    );
}

async fn manual_settlements_of_unchanged_lines_are_kept(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    let tenders = vec![tender("p1", "psp-1", 1_000), tender("p2", "psp-2", 600)];
    record(stage, tenders, before()).await;
    let all = [
        wrong(2, "psp-x", 100),
        line(3, "psp-y", 600),
        line(4, "psp-z", 5),
    ];
    let text = file(&header("b-1", None), &all);
    let imported = importer.import("a.csv", &text).await.expect("imported");
    let id = imported.statement.id.clone();
    for (number, entry) in [(1, Some("p1")), (2, Some("p2")), (3, None)] {
        let settle = SettleRequest {
            actor: "ben".into(),
            reason: format!("slip {number}"),
            entry: entry.map(str::to_owned),
            parts: vec![],
        };
        let line = format!("{id}.{number}");
        let app = &importer.app.settlement;
        app.settle_line(key(&line), &line, settle)
            .await
            .expect("settled");
    }
    let view = reread(&corrected, "k", &id).await;
    assert_eq!(view.manual_settlements_kept, 2);
    let [undone] = &*view.manual_settlements_undone else {
        panic!("{view:?}");
    };
    assert_eq!(
        (undone.row, &*undone.actor, &*undone.reason),
        (2, "ben", "slip 1")
    );
    assert_eq!((&*undone.line, &*undone.entry), (&*format!("{id}.1"), "p1"));
    let now = current(&corrected, &id).await;
    assert_eq!(
        outcomes(&corrected, &now).await,
        ["unmatched", "matched", "not-applicable"]
    );
    assert_sums(&now);
    check_allocations(stage, 1).await;
    let settled = "SELECT entry_id, settled FROM tenders ORDER BY id";
    let expected = [("p1".to_owned(), 0), ("p2".to_owned(), 600)];
    assert_eq!(stage.rows(settled).await, expected);
    let covered = "SELECT entry_id, covered FROM tenders ORDER BY id";
    let expected = [("p1".to_owned(), 0), ("p2".to_owned(), 1)];
    assert_eq!(stage.rows(covered).await, expected);
    // The history shows the end of one settlement; the other can be undone.
    let app = &corrected.app.settlement;
    let explained = app
        .explain_line(&format!("{id}.1"))
        .await
        .expect("explained");
    let what: Vec<_> = explained
        .manual_settlements
        .iter()
        .map(|one| &*one.what)
        .collect();
    assert_eq!(what, ["settled", "undone"]);
    let undo = |line: String| {
        let request = UndoRequest {
            actor: "eva".into(),
            reason: "it was another".into(),
        };
        async move {
            app.undo_line(key(&format!("undo-{line}")), &line, request)
                .await
        }
    };
    assert!(undo(format!("{id}.1")).await.is_err());
    undo(format!("{id}.2")).await.expect("undone");
    assert_eq!(outcomes(&corrected, &now).await[1], "unmatched");
}

async fn a_failed_read_changes_nothing(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let first = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    let first = importer.import("a.csv", &first).await.expect("imported");
    let total = header("b-2", Some(90));
    let second = file(&total, &[wrong(2, "psp-2", 100)]);
    let second = importer.import("b.csv", &second).await.expect("imported");
    let id = second.statement.id.clone();
    let before = current(&importer, &id).await;
    let app = &corrected.app.settlement;
    // The corrected lines do not add up to the total of the file.
    let Err(Error::Invalid(problems)) = app.reread(key("k1"), &id, request()).await else {
        panic!("read again");
    };
    assert_eq!(problems[0].field, "total");
    assert_eq!(current(&importer, &id).await.statement, before.statement);
    let nobody = RereadRequest {
        reason: " ".into(),
        ..request()
    };
    let Err(Error::Invalid(problems)) = app.reread(key("k2"), &id, nobody).await else {
        panic!("no reason");
    };
    assert_eq!(problems[0].field, "reason");
    let missing = app.reread(key("k3"), "nowhere", request()).await;
    assert!(matches!(
        missing,
        Err(Error::NotFound {
            what: "statement",
            ..
        })
    ));
    let other = RereadRequest {
        plugin: Some("nobody".into()),
        ..request()
    };
    let missing = app.reread(key("k4"), &first.statement.id, other).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert_eq!(outcomes(&importer, &first).await, ["matched"]);
    let operations = "SELECT action, serial FROM operations WHERE action = 'statement_reread'";
    assert_eq!(count(stage, operations).await, 0);
    assert_eq!(
        count(stage, "SELECT id, matched_to FROM statements").await,
        2
    );
}

async fn a_rejected_file_is_imported_after_a_correction(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let text = format!("!{}", file(&header("b-1", None), &[wrong(2, "psp-1", 100)]));
    let rejected = importer.import("a.csv", &text).await;
    assert!(matches!(rejected, Err(Error::Invalid(_))));
    let app = &corrected.app.settlement;
    let listed = app.rejected_statements("r1", 10).await.expect("a list");
    assert_eq!((listed.len(), &*listed[0].file), (1, "a.csv"));
    assert_eq!(listed[0].problems[0].row, Some(7));
    let id = listed[0].id.clone();
    let old = importer
        .app
        .settlement
        .reread(key("k0"), &id, request())
        .await;
    assert!(matches!(old, Err(Error::Invalid(_))), "not corrected yet");
    let view = reread(&corrected, "k1", &id).await;
    assert_eq!((view.lines_before, view.lines, view.net), (0, 1, 990));
    let now = current(&corrected, &id).await;
    assert_eq!(outcomes(&corrected, &now).await, ["matched"]);
    assert_eq!(now.statement.file, "a.csv");
    assert_eq!(app.rejected_statements("r1", 10).await.expect("a list"), []);
    // The file is this statement from now on.
    let again = corrected.import("copy.csv", &text).await.expect("imported");
    assert!(again.before && again.statement.id == id);
}

async fn a_rejected_original_survives_a_start(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    let text = format!("!{}", file(&header("b-1", None), &[line(2, "psp-1", 100)]));
    assert!(importer.import("a.csv", &text).await.is_err());
    importer.app.settlement.sweep().await.expect("swept");
    let app = &corrected.app.settlement;
    let listed = app.rejected_statements("r1", 10).await.expect("a list");
    reread(&corrected, "k", &listed[0].id).await;
    // The same file could be imported instead.
    assert!(
        corrected
            .import("a.csv", &text)
            .await
            .expect("imported")
            .before
    );
}

/// One host rejects the file and another imports it, while a third has the lease. Whichever is first, the file is
/// imported and no longer rejected.
async fn a_rejection_waits_for_the_lease_and_replaces_no_import(stage: &Stage) {
    let (importer, corrected) = importers(stage);
    let text = format!("!{}", file(&header("b-1", None), &[line(2, "psp-1", 100)]));
    let app = &importer.app.settlement;
    let lease = Duration::from_secs(10);
    let taken = app.lease("statements/r1", "a third host", lease).await;
    assert!(taken.expect("a lease"));
    let rejected = async || app.rejected_statements("r1", 10).await.expect("a list");
    let end_of_lease = async {
        // Long enough for both to read the file.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(rejected().await, []);
        assert!(importer.vault.digests("r1").expect("digests").is_empty());
        for clock in [&importer.clock, &corrected.clock] {
            clock.advance(2 * lease);
        }
    };
    let (rejection, import, ()) = tokio::join!(
        importer.import("a.csv", &text),
        corrected.import("a.csv", &text),
        end_of_lease
    );
    let import = import.expect("imported");
    match rejection {
        Ok(found) => assert!(found.before && found.statement.id == import.statement.id),
        Err(Error::Invalid(_)) => assert!(!import.before),
        Err(error) => panic!("{error:?}"),
    }
    assert_eq!(rejected().await, []);
    assert_eq!(importer.vault.digests("r1").expect("digests").len(), 1);
}
