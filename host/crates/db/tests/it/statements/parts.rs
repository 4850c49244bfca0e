//! Tenders that several lines settle.

use super::lines::{assert_sums, check_allocations, importer, key, lines, outcomes};
use super::reader::{Importer, file, header, line};
use super::{before, record, tender};
use crate::opening::undo_allocations;
use crate::stage::Stage;
use galleria_app::settlement::{Imported, SettleRequest};
use galleria_db::Db;
use galleria_domain::{Allocation, Money, RecordedTender, StatementLine};
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

on_both!(
    a_second_capture_next_week_completes_the_payment,
    statements_in_any_order_have_the_same_result,
    concurrent_statements_never_settle_a_tender_twice,
    a_reference_of_all_lines_identifies_nothing,
    a_large_group_loses_no_line_and_pays_nothing_twice,
    the_migration_keeps_matches,
);

pub async fn import(importer: &Importer, name: &str, lines: &[StatementLine]) -> Imported {
    let text = file(&header(name, None), lines);
    let imported = importer.import(&format!("{name}.csv"), &text).await;
    imported.expect("imported")
}

/// The statement now.
pub async fn current(importer: &Importer, imported: &Imported) -> Imported {
    let statement = importer.app.settlement.statement(&imported.statement.id);
    Imported {
        statement: statement.await.expect("a statement"),
        before: true,
    }
}

pub async fn settled(stage: &Stage) -> Vec<(String, i64)> {
    let rows = "SELECT id, settled FROM tenders ORDER BY id";
    stage.rows(rows).await
}

pub async fn uncovered(importer: &Importer) -> Vec<(String, Money)> {
    let page = importer.app.settlement.uncovered("r1", Some(0), None, 100);
    let (rows, _) = page.await.expect("a list");
    rows.into_iter()
        .map(|one| (one.tender.entry_id, one.open))
        .collect()
}

async fn a_second_capture_next_week_completes_the_payment(stage: &Stage) {
    let importer = importer(stage);
    record(stage, vec![tender("p1", "psp-1", 9_990)], before()).await;
    let zero = line(3, "psp-1", 0);
    let first = import(&importer, "b-1", &[line(2, "psp-1", 6_000), zero]).await;
    let views = lines(&importer, &first).await;
    assert_eq!(views[0].outcome, "amount-mismatch");
    assert_eq!(views[0].difference, -3_990);
    assert_eq!(views[1].outcome, "not-applicable", "a line of zero");
    assert_eq!(first.statement.state, "unmatched");
    assert_eq!((first.statement.matched, first.statement.compared), (0, 1));
    assert_eq!(uncovered(&importer).await, [("p1".to_owned(), 3_990)]);
    let second = import(&importer, "b-2", &[line(2, "psp-1", 3_990)]).await;
    assert_eq!(outcomes(&importer, &second).await, ["matched"]);
    let views = lines(&importer, &first).await;
    assert_eq!((&*views[0].outcome, views[0].difference), ("matched", 0));
    let part = Allocation {
        tender: "payment:p1/1".into(),
        amount: 6_000,
    };
    assert_eq!(views[0].parts, [part]);
    assert_eq!(uncovered(&importer).await, []);
    let third = import(&importer, "b-3", &[line(2, "psp-1", 10)]).await;
    assert_eq!(outcomes(&importer, &third).await, ["duplicate"]);
    let explained = importer.app.settlement.explain_line(&views[0].id).await;
    let payments: Vec<_> = explained
        .expect("explained")
        .payments
        .into_iter()
        .map(|payment| payment.amount)
        .collect();
    assert_eq!(payments.iter().sum::<Money>(), 9_990);
    assert_eq!(payments.len(), 2);
    for imported in [&first, &second, &third] {
        let now = current(&importer, imported).await;
        assert_sums(&now);
        let balance = now.statement.balance.expect("a balance");
        assert_eq!(balance.total(), now.statement.net);
    }
    check_allocations(stage, 1).await;
}

/// Draws payments and refunds with their lines, some of them incomplete, repeated or unknown.
fn drawn(
    random: &mut ChaCha8Rng,
    prefix: &str,
) -> (Vec<galleria_domain::RecordedTender>, Vec<StatementLine>) {
    let (mut tenders, mut lines) = (vec![], vec![]);
    for n in 0..30 {
        let psp = format!("{prefix}-{}", random.random_range(0..20));
        let amount = random.random_range(100..2_000) * [1, 1, -1][random.random_range(0..3)];
        tenders.push(tender(&format!("{prefix}{n}"), &psp, amount));
        let first = amount * random.random_range(1..100) / 100;
        for part in [first, amount - first] {
            if random.random_range(0..10) > 0 {
                lines.push(line(0, &psp, part));
            }
        }
        if random.random_range(0..10) == 0 {
            lines.push(line(0, &psp, amount));
        }
    }
    (tenders, lines)
}

/// Imports lines in several statements, and returns the outcome of each line.
async fn summary(
    stage: &Stage,
    importer: &Importer,
    prefix: &str,
    statements: &[Vec<StatementLine>],
) -> (Vec<(String, Money, String, Money)>, Vec<i64>) {
    let mut summary = Vec::new();
    let mut imported = Vec::new();
    for (n, lines) in statements.iter().enumerate() {
        let numbered = lines.iter().enumerate().map(|(row, line)| StatementLine {
            row: row as u64 + 2,
            id: format!("{n}-{row}"),
            psp_reference: line.psp_reference.replacen("x", prefix, 1),
            ..line.clone()
        });
        let numbered: Vec<_> = numbered.collect();
        imported.push(import(importer, &format!("{prefix}{n}"), &numbered).await);
    }
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    for imported in &imported {
        assert_sums(&current(importer, imported).await);
        for view in lines(importer, imported).await {
            let psp = view.line.psp_reference.replacen(prefix, "x", 1);
            summary.push((psp, view.line.gross, view.outcome, view.difference));
        }
    }
    summary.sort();
    let like = format!("{prefix}-");
    let all = stage.rows("SELECT psp_reference || '|' || id, settled FROM tenders ORDER BY id");
    let own = all.await.into_iter();
    let own = own
        .filter(|(id, _)| id.starts_with(&like))
        .map(|(_, settled)| settled);
    (summary, own.collect())
}

async fn statements_in_any_order_have_the_same_result(stage: &Stage) {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let importer = importer(stage);
    let (tenders, mut content) = drawn(&mut random, "x");
    let renamed = |prefix: &str| {
        let rename = |one: &galleria_domain::RecordedTender| galleria_domain::RecordedTender {
            id: one.id.replacen("x", prefix, 1),
            entry_id: one.entry_id.replacen("x", prefix, 1),
            psp_reference: one.psp_reference.replacen("x", prefix, 1),
            ..one.clone()
        };
        tenders.iter().map(rename).collect::<Vec<_>>()
    };
    // In one statement after the payments; then in two before, in between and after them, in other orders.
    record(stage, renamed("a"), before()).await;
    let expected = summary(stage, &importer, "a", std::slice::from_ref(&content)).await;
    for (round, prefix) in ["b", "c", "d"].into_iter().enumerate() {
        content.shuffle(&mut random);
        let (first, second) = content.split_at(content.len() / 2);
        let statements = [first.to_vec(), second.to_vec()];
        let own = renamed(prefix);
        let (early, late) = own.split_at(own.len() * round / 2);
        record(stage, early.to_vec(), before()).await;
        if round == 1 {
            importer
                .app
                .settlement
                .match_statements()
                .await
                .expect("matched");
        }
        let late = late.to_vec();
        if round < 2 {
            import(&importer, &format!("other-{prefix}"), &[]).await;
        }
        record(stage, late, before()).await;
        let result = summary(stage, &importer, prefix, &statements).await;
        assert_eq!(result, expected, "{prefix}");
    }
    let words: BTreeMap<_, usize> = expected.0.iter().fold(BTreeMap::new(), |mut words, one| {
        *words.entry(&one.2).or_default() += 1;
        words
    });
    assert!(words.len() > 2, "several outcomes: {words:?}");
    check_allocations(stage, 40).await;
}

async fn concurrent_statements_never_settle_a_tender_twice(stage: &Stage) {
    let payments = 60;
    let tenders = (0..payments).map(|n| tender(&format!("p{n}"), &format!("psp-{n}"), 1_000));
    record(stage, tenders.collect(), before()).await;
    let mut running = tokio::task::JoinSet::new();
    // Each statement pays 400 of each payment: the third is too much.
    for statement in 0..3 {
        let importer = importer(stage);
        running.spawn(async move {
            let all: Vec<_> = (0..payments)
                .map(|n| line(n + 2, &format!("psp-{n}"), 400 + statement))
                .collect();
            import(&importer, &format!("b-{statement}"), &all).await
        });
    }
    let imported = running.join_all().await;
    let importer = importer(stage);
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    check_allocations(stage, payments as usize).await;
    assert!(settled(stage).await.iter().all(|(_, paid)| *paid == 1_000));
    let mut paid = 0;
    for one in &imported {
        for view in lines(&importer, one).await {
            paid += view.parts.iter().map(|part| part.amount).sum::<Money>();
        }
        assert_sums(&current(&importer, one).await);
    }
    assert_eq!(paid, 1_000 * payments as Money);
}

/// Some acquirers send the number of the shop as the reference of every payment.
async fn a_reference_of_all_lines_identifies_nothing(stage: &Stage) {
    let importer = importer(stage);
    let shop = |line: StatementLine| StatementLine {
        merchant_reference: "shop-1".into(),
        ..line
    };
    let mut own = tender("p0", "", 1_000);
    own.merchant_reference = "shop-1".into();
    record(stage, vec![own.clone()], before()).await;
    let imported = import(&importer, "b-1", &[shop(line(2, "", 1_000))]).await;
    assert_eq!(outcomes(&importer, &imported).await, ["matched"]);
    let many = (1..=200).map(|n| {
        let mut tender = tender(&format!("p{n}"), &format!("psp-{n}"), 1_000);
        tender.merchant_reference = "shop-1".into();
        tender
    });
    record(stage, many.collect(), before()).await;
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    assert_eq!(outcomes(&importer, &imported).await, ["unmatched"]);
    let all: Vec<_> = (1..=100)
        .map(|n| shop(line(n + 1, &format!("psp-{n}"), 1_000)))
        .collect();
    let later = import(&importer, "b-2", &all).await;
    assert_eq!(later.statement.state, "matched");
    check_allocations(stage, 100).await;
}

/// 5,400 lines have the references of six days. Only the references of the new tenders are followed, not those of
/// the tenders that are found through the days.
async fn a_large_group_loses_no_line_and_pays_nothing_twice(stage: &Stage) {
    let importer = importer(stage);
    let of_day = |day: u64, mut tender: RecordedTender| {
        tender.merchant_reference = format!("day-{day}");
        tender
    };
    record(stage, vec![of_day(0, tender("p0", "psp-0", 500))], before()).await;
    let mut all = vec![line(2, "psp-0", 500), line(3, "psp-late", 800)];
    all.extend((0..5_400).map(|n| StatementLine {
        merchant_reference: format!("day-{}", n / 900),
        ..line(n + 4, "", 700)
    }));
    import(&importer, "b-1", &all).await;
    assert_eq!(settled(stage).await, [("payment:p0/1".to_owned(), 500)]);
    let mut fresh: Vec<_> = (0..6)
        .map(|day| of_day(day, tender(&format!("d{day}"), "", 1)))
        .collect();
    fresh.insert(0, tender("a", "psp-late", 800));
    record(stage, fresh, before()).await;
    let matching = importer.app.settlement.match_statements().await;
    matching.expect("matched");
    let settled = settled(stage).await;
    assert_eq!(settled.len(), 8);
    assert_eq!(settled[0], ("payment:a/1".to_owned(), 800));
    assert_eq!(settled[7], ("payment:p0/1".to_owned(), 500));
    check_allocations(stage, 8).await;
}

/// A host before the table `allocations` stored one line for each tender.
async fn the_migration_keeps_matches(stage: &Stage) {
    let importer = importer(stage);
    let tenders = vec![
        tender("p1", "psp-1", 1_000),
        tender("p2", "psp-2", 9_990),
        tender("p3", "psp-3", 4_000),
        tender("p4", "psp-4", 500),
    ];
    record(stage, tenders, before()).await;
    let all = [
        line(2, "psp-1", 1_000),
        line(3, "psp-2", 6_000),
        line(4, "psp-2", 3_990),
        line(5, "psp-3", 0),
        line(6, "psp-3", 4_000),
        line(7, "psp-x", 490),
    ];
    let imported = import(&importer, "b-1", &all).await;
    let id = &imported.statement.id;
    let request = SettleRequest {
        actor: "ana".into(),
        reason: "the capture names another order".into(),
        entry: Some("p4".into()),
        parts: vec![],
    };
    let app = &importer.app.settlement;
    app.settle_line(key("k"), &format!("{id}.6"), request)
        .await
        .expect("settled");
    let expected = [
        "matched",
        "matched",
        "matched",
        "not-applicable",
        "matched",
        "matched",
    ];
    assert_eq!(outcomes(&importer, &imported).await, expected);
    undo_allocations(stage).await;
    for old in [
        "UPDATE tenders SET settled_by = (SELECT l.statement_id || '.1' FROM statement_lines l
             WHERE l.number = 1) WHERE entry_id = 'p1'",
        "UPDATE tenders SET settled_by = (SELECT l.statement_id || '.2' FROM statement_lines l
             WHERE l.number = 1) WHERE entry_id = 'p2'",
        "UPDATE tenders SET settled_by = (SELECT l.statement_id || '.4' FROM statement_lines l
             WHERE l.number = 1) WHERE entry_id = 'p3'",
        "UPDATE tenders SET settled_by = (SELECT l.statement_id || '.6' FROM statement_lines l
             WHERE l.number = 1) WHERE entry_id = 'p4'",
        "UPDATE statement_lines SET outcome = 'amount-mismatch', difference = -3990 WHERE number = 2",
        "UPDATE statement_lines SET outcome = 'duplicate', settles = 0 WHERE number IN (3, 5)",
        "UPDATE statement_lines SET outcome = 'matched', rule = 'psp-reference', settles = 1
             WHERE number = 4",
    ] {
        stage.run(old).await;
    }
    Db::migrate(&stage.config).await.expect("migrated");
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    assert_eq!(outcomes(&importer, &imported).await, expected);
    let paid = settled(stage).await;
    let paid: Vec<_> = paid.iter().map(|(_, settled)| *settled).collect();
    assert_eq!(paid, [1_000, 9_990, 4_000, 500]);
    assert_eq!(uncovered(&importer).await, []);
    check_allocations(stage, 4).await;
    assert_sums(&current(&importer, &imported).await);
}
