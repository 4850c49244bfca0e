//! Outcomes of statement lines: matching, late payments, manual settlement, the settlement feed, sums.

use super::reader::{Importer, file, header, line};
use super::settling::{pages, settlement, start_run};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::IdempotencyKey;
use galleria_app::settlement::{Imported, LineView};
use galleria_domain::{
    Decimal, Digest, FeeRule, MatchOutcome, MatchingRules, RecordedTender, StatementKind,
    StatementLine,
};
use galleria_ports::plugins::Feed as _;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

on_both!(
    every_outcome_is_reported,
    a_late_payment_is_matched,
    tenders_of_a_retailer_without_rules_wait_and_delay_no_other,
    late_tenders_match_a_refund_and_a_chargeback,
    a_line_releases_a_tender_that_another_line_names,
    a_line_moved_during_reading_is_detected,
    the_outcomes_sum_to_the_net,
);

pub(super) fn rules() -> MatchingRules {
    MatchingRules {
        fees: vec![FeeRule {
            provider: String::new(),
            scheme: "visa".into(),
            refunds: false,
            rate: Decimal::whole(1),
            fixed: 0,
        }],
        ..MatchingRules::default()
    }
}

pub(super) fn importer(stage: &Stage) -> Importer {
    Importer::new(Arc::new(stage.db.clone()), rules())
}

pub(super) async fn lines(importer: &Importer, imported: &Imported) -> Vec<LineView> {
    let id = &imported.statement.id;
    importer
        .app
        .settlement
        .lines(id, None, 0, 1_000)
        .await
        .expect("lines")
}

pub(super) async fn outcomes(importer: &Importer, imported: &Imported) -> Vec<String> {
    let lines = lines(importer, imported).await;
    lines.into_iter().map(|line| line.outcome).collect()
}

pub(super) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
    }
}

/// Lines of every outcome, and their tenders.
fn lines_of_each_outcome() -> (Vec<RecordedTender>, Vec<StatementLine>) {
    let tenders = vec![
        tender("p1", "psp-1", 1_000),
        tender("p2", "psp-2", 1_001),
        RecordedTender {
            currency: "SEK".into(),
            ..tender("p3", "psp-3", 1_000)
        },
        RecordedTender {
            scheme: "visa".into(),
            ..tender("p4", "psp-4", 2_000)
        },
        tender("r1", "psp-1", -300),
    ];
    let fee = StatementLine {
        kind: StatementKind::Fee,
        ..line(8, "", 0)
    };
    let chargeback = StatementLine {
        kind: StatementKind::Chargeback,
        ..line(9, "psp-1", -1_000)
    };
    let lines = vec![
        line(2, "psp-1", 1_000),
        line(3, "psp-2", 1_000),
        line(4, "psp-3", 1_000),
        line(5, "psp-4", 2_000),
        line(6, "psp-1", 1_000),
        line(7, "psp-9", 1_000),
        fee,
        chargeback,
        line(10, "psp-1", -300),
    ];
    (tenders, lines)
}

async fn every_outcome_is_reported(stage: &Stage) {
    let importer = importer(stage);
    let (tenders, all) = lines_of_each_outcome();
    record(stage, tenders, before()).await;
    let imported = importer
        .import("a.csv", &file(&header("b-1", None), &all))
        .await;
    let imported = imported.expect("imported");
    let views = lines(&importer, &imported).await;
    let outcomes: Vec<_> = views.iter().map(|line| &*line.outcome).collect();
    let expected = [
        "matched",
        "amount-mismatch",
        "currency-mismatch",
        "fee-mismatch",
        "duplicate",
        "unmatched",
        "not-applicable",
        "not-applicable",
        "matched",
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(views[1].difference, -1);
    assert_eq!(views[3].expected_fee, Some(20));
    assert_eq!((&*views[0].store, &*views[0].entry), ("X1", "p1"));
    assert_eq!(views[7].entry, "p1", "a chargeback refers to its payment");
    let some = importer.app.settlement.lines(
        &imported.statement.id,
        Some(MatchOutcome::NotApplicable),
        7,
        10,
    );
    assert_eq!(some.await.expect("lines").len(), 1);
    let explained = importer
        .app
        .settlement
        .explain_line(&views[4].id)
        .await
        .expect("explained");
    assert!(
        explained
            .because
            .contains("other lines have already settled it"),
        "{}",
        explained.because
    );
    assert_eq!(explained.candidates.len(), 2);
    assert_sums(&imported);
    check_settlement_feed(stage, &imported, &views).await;
}

/// Checks that the feed has each line once, by store, business date and row, with the same sums.
async fn check_settlement_feed(stage: &Stage, imported: &Imported, views: &[LineView]) {
    let rows = settlement(stage, None, "2026-11-26", "2026-11-26").await;
    assert_eq!(rows.len(), views.len());
    let net: i64 = rows.iter().map(|row| row.net).sum();
    assert_eq!(net, imported.statement.net);
    let order: Vec<_> = rows
        .iter()
        .map(|row| (&row.store, &row.business_date))
        .collect();
    assert!(order.is_sorted());
    let [of_store, of_other_store, of_later_days] = [
        settlement(stage, Some("s1"), "2026-11-01", "2026-11-30").await,
        settlement(stage, Some("s2"), "2026-11-01", "2026-11-30").await,
        settlement(stage, None, "2026-11-27", "2026-11-30").await,
    ];
    assert_eq!(
        of_store.len(),
        rows.iter().filter(|row| row.store == "X1").count()
    );
    assert!(of_other_store.is_empty() && of_later_days.is_empty());
}

pub(super) fn assert_sums(imported: &Imported) {
    let statement = &imported.statement;
    let sum = |of: fn(&galleria_app::settlement::OutcomeView) -> i64| -> i64 {
        statement.outcomes.iter().map(of).sum()
    };
    assert_eq!(sum(|outcome| outcome.net), statement.net);
    assert_eq!(
        sum(|outcome| outcome.converted - outcome.fee),
        statement.net
    );
}

async fn a_late_payment_is_matched(stage: &Stage) {
    let importer = importer(stage);
    let text = file(
        &header("b-1", None),
        &[line(2, "psp-1", 1_000), line(3, "psp-1", 1_000)],
    );
    let imported = importer.import("a.csv", &text).await.expect("imported");
    assert_eq!(
        outcomes(&importer, &imported).await,
        ["unmatched", "unmatched"]
    );
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    assert_eq!(
        outcomes(&importer, &imported).await,
        ["matched", "duplicate"]
    );
    // No tender is left to match.
    assert_eq!(
        importer
            .app
            .settlement
            .match_statements()
            .await
            .expect("matched"),
        0
    );
}

/// More tenders than one batch has, and older than the others.
async fn tenders_of_a_retailer_without_rules_wait_and_delay_no_other(stage: &Stage) {
    let importer = importer(stage);
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    let imported = importer.import("a.csv", &text).await.expect("imported");
    let waiting = (0..250).map(|n| RecordedTender {
        retailer: "broken".into(),
        ..tender(&format!("b{n}"), "psp-1", 1_000)
    });
    record(stage, waiting.collect(), before()).await;
    let late = crate::rows::at(1);
    record(stage, vec![tender("p1", "psp-1", 1_000)], late).await;
    for batches in [1, 0] {
        let matched = importer.app.settlement.match_statements().await;
        assert_eq!(matched.expect("matched"), batches);
    }
    assert_eq!(outcomes(&importer, &imported).await, ["matched"]);
    let unchecked = write_tx!(stage, [], |tx| tx.tender_retailer_list_unchecked().await);
    assert_eq!(unchecked.expect("retailers"), ["broken"]);
    let first = write_tx!(stage, [], |tx| tx.tender_list_unchecked("broken", 2).await);
    let first = first.expect("tenders").into_iter().map(|one| one.id);
    let ids = ["payment:b0/1", "payment:b1/1"];
    assert_eq!(first.collect::<Vec<_>>(), ids);
}

async fn late_tenders_match_a_refund_and_a_chargeback(stage: &Stage) {
    let importer = importer(stage);
    let chargeback = StatementLine {
        kind: StatementKind::Chargeback,
        ..line(3, "psp-1", -1_000)
    };
    let text = file(&header("b-1", None), &[line(2, "psp-1", -300), chargeback]);
    let imported = importer.import("a.csv", &text).await.expect("imported");
    let late = vec![tender("p1", "psp-1", 1_000), tender("r1", "psp-1", -300)];
    record(stage, late, before()).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    let views = lines(&importer, &imported).await;
    assert_eq!((&*views[0].outcome, &*views[0].entry), ("matched", "r1"));
    assert_eq!(
        (&*views[1].outcome, &*views[1].entry),
        ("not-applicable", "p1")
    );
}

/// Two card payments of one order: the same merchant reference, different provider references.
async fn a_line_releases_a_tender_that_another_line_names(stage: &Stage) {
    let importer = importer(stage);
    let split = |id: &str, psp: &str| RecordedTender {
        merchant_reference: "order-1".into(),
        ..tender(id, psp, 1_000)
    };
    let split_line = |row, psp| StatementLine {
        merchant_reference: "order-1".into(),
        ..line(row, psp, 1_000)
    };
    record(stage, vec![split("p1", "psp-1")], before()).await;
    let text = file(
        &header("b-1", None),
        &[split_line(2, "psp-2"), split_line(3, "psp-1")],
    );
    let imported = importer.import("a.csv", &text).await.expect("imported");
    assert_eq!(
        outcomes(&importer, &imported).await,
        ["unmatched", "matched"],
        "the line with the tender's own reference comes first"
    );
    record(stage, vec![split("p2", "psp-2")], before()).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    let views = lines(&importer, &imported).await;
    let views: Vec<_> = views.iter().map(|l| (&*l.outcome, &*l.entry)).collect();
    assert_eq!(views, [("matched", "p2"), ("matched", "p1")]);
    assert_eq!(
        importer
            .app
            .settlement
            .match_statements()
            .await
            .expect("matched"),
        0
    );
}

/// A line that gets a store moves behind the lines without one, and would be read again.
async fn a_line_moved_during_reading_is_detected(stage: &Stage) {
    let importer = importer(stage);
    let all: Vec<_> = (2..8).map(|row| line(row, "psp-1", 1_000)).collect();
    let text = file(&header("b-1", None), &all);
    importer.import("a.csv", &text).await.expect("imported");
    let run = start_run(stage, None, "2026-11-26", "2026-11-26").await;
    let mut pages = pages(stage, &run);
    let first = move || (pages.next(4, &AtomicBool::new(false)), pages);
    let (first, mut pages) = tokio::task::spawn_blocking(first).await.expect("read");
    assert_eq!(first.expect("a page").len(), 4);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    let rest = move || {
        loop {
            match pages.next(4, &AtomicBool::new(false)) {
                Ok(page) if page.is_empty() => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.chain()),
            }
        }
    };
    let rest = tokio::task::spawn_blocking(rest).await.expect("read");
    assert!(rest.expect_err("detected").contains("matched again"));
}

/// Random statements: the sums contain each line, whatever its outcome.
async fn the_outcomes_sum_to_the_net(stage: &Stage) {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    let importer = importer(stage);
    let mut entry = 0;
    for round in 0..6 {
        let (mut early, mut late, mut lines) = (vec![], vec![], vec![]);
        for row in 2..150 {
            entry += 1;
            let psp = format!("psp-{}", random.random_range(0..100));
            let amount = random.random_range(-500..2_000);
            let mut recorded = tender(&format!("e{entry}"), &psp, amount);
            recorded.amount += [0, 0, 0, 1][random.random_range(0..4)];
            if random.random_range(0..9) == 0 {
                recorded.currency = "SEK".into();
            }
            match random.random_range(0..4) {
                0 => late.push(recorded),
                1 => {}
                _ => early.push(recorded),
            }
            let mut read = line(row, &psp, amount);
            match random.random_range(0..12) {
                0 => read.kind = StatementKind::Adjustment,
                1 => read.kind = StatementKind::Other("reserve".into()),
                _ => {}
            }
            lines.push(read);
        }
        let net: i64 = lines.iter().map(|line| line.net).sum();
        record(stage, early, before()).await;
        let text = file(&header(&format!("b-{round}"), Some(net)), &lines);
        let imported = importer.import("a.csv", &text).await.expect("imported");
        assert_eq!(imported.statement.net, net);
        assert_sums(&imported);
        record(stage, late, before()).await;
        importer
            .app
            .settlement
            .match_statements()
            .await
            .expect("matched");
        let statement = importer
            .app
            .settlement
            .statement(&imported.statement.id)
            .await
            .expect("a statement");
        assert_sums(&Imported {
            statement,
            before: true,
        });
    }
    check_allocations(stage, 100).await;
    let per_payout: BTreeMap<String, i64> = settlement(stage, None, "2026-11-01", "2026-11-30")
        .await
        .into_iter()
        .fold(BTreeMap::new(), |mut sums, row| {
            *sums.entry(row.statement).or_default() += row.net;
            sums
        });
    for statement in importer
        .app
        .settlement
        .statements(Some("r1"), None, 100)
        .await
        .expect("a list")
    {
        assert_eq!(per_payout[&statement.header.reference], statement.net);
    }
}

/// Checks that the parts that lines pay are the paid parts of the tenders, and never more than the tenders.
pub(super) async fn check_allocations(stage: &Stage, least: usize) {
    let settled = "SELECT id, settled FROM tenders WHERE settled <> 0 ORDER BY id";
    let settled = stage.rows(settled).await;
    let parts = "SELECT tender_id, CAST(SUM(amount) AS BIGINT) FROM allocations
                 GROUP BY tender_id ORDER BY tender_id";
    assert_eq!(stage.rows(parts).await, settled);
    assert!(settled.len() >= least, "{}", settled.len());
    let more = "SELECT id, settled FROM tenders WHERE ABS(settled) > ABS(amount)";
    assert_eq!(stage.rows(more).await, []);
    let flags = "SELECT l.statement_id, l.number FROM statement_lines l
                 WHERE (l.settles = 1) <> EXISTS (SELECT 1 FROM allocations a
                     WHERE a.statement_id = l.statement_id AND a.number = l.number)";
    assert_eq!(stage.rows(flags).await, []);
}
