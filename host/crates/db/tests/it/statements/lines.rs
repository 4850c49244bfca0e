//! What becomes of lines: every outcome, late payments, people, the settlement feed, sums.

use super::reader::{Office, file, header, line};
use super::settling::{begun, pages, settlement};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::plugins::Feed as _;
use galleria_app::statements::{Imported, LineView, SettleAsk, UndoAsk};
use galleria_app::{Error, Key};
use galleria_domain::{
    Decimal, Digest, FeeRule, MatchOutcome, MatchingRules, RecordedTender, StatementKind,
    StatementLine,
};
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    every_outcome_is_told,
    a_payment_that_comes_late_is_matched_then,
    a_refund_and_a_chargeback_find_theirs_late,
    a_line_lets_go_of_what_another_names,
    what_a_person_lets_go_of_goes_to_its_duplicate,
    a_line_that_moves_while_it_is_read_is_noticed,
    what_no_statement_covers_is_listed,
    a_person_settles_and_takes_back,
    lines_of_all_outcomes_sum_to_the_net,
    what_was_accepted_before_is_known,
);

fn rules() -> MatchingRules {
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

fn office(stage: &Stage) -> Office {
    Office::new(Arc::new(stage.db.clone()), rules())
}

async fn lines(office: &Office, imported: &Imported) -> Vec<LineView> {
    let id = &imported.statement.id;
    office
        .app
        .statement_lines(id, None, 0, 1_000)
        .await
        .expect("lines")
}

async fn outcomes(office: &Office, imported: &Imported) -> Vec<String> {
    let lines = lines(office, imported).await;
    lines.into_iter().map(|line| line.outcome).collect()
}

fn key(text: &str) -> Key {
    Key {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
    }
}

/// A statement with a line of every outcome, and the tenders that these need.
fn one_of_each() -> (Vec<RecordedTender>, Vec<StatementLine>) {
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
    let lost = StatementLine {
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
        lost,
        line(10, "psp-1", -300),
    ];
    (tenders, lines)
}

async fn every_outcome_is_told(stage: &Stage) {
    let office = office(stage);
    let (tenders, all) = one_of_each();
    record(stage, tenders, before()).await;
    let imported = office
        .import("a.csv", &file(&header("b-1", None), &all))
        .await;
    let imported = imported.expect("imported");
    let told = lines(&office, &imported).await;
    let words: Vec<_> = told.iter().map(|line| &*line.outcome).collect();
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
    assert_eq!(words, expected);
    assert_eq!(told[1].difference, -1);
    assert_eq!(told[3].expected_fee, Some(20));
    assert_eq!((&*told[0].store, &*told[0].entry), ("X1", "p1"));
    assert_eq!(told[7].entry, "p1", "a chargeback is told with its payment");
    let some = office.app.statement_lines(
        &imported.statement.id,
        Some(MatchOutcome::NotApplicable),
        7,
        10,
    );
    assert_eq!(some.await.expect("lines").len(), 1);
    let explained = office
        .app
        .statement_line_explain(&told[4].id)
        .await
        .expect("explained");
    assert!(
        explained.because.contains("another line settled"),
        "{}",
        explained.because
    );
    assert_eq!(explained.candidates.len(), 2);
    assert_sums(&imported);
    in_the_settlement_file(stage, &imported, &told).await;
}

/// The feed has every line once, by store, business date and row, with the same sums.
async fn in_the_settlement_file(stage: &Stage, imported: &Imported, told: &[LineView]) {
    let rows = settlement(stage, None, "2026-11-26", "2026-11-26").await;
    assert_eq!(rows.len(), told.len());
    let net: i64 = rows.iter().map(|row| row.net).sum();
    assert_eq!(net, imported.statement.net);
    let order: Vec<_> = rows
        .iter()
        .map(|row| (&row.store, &row.business_date))
        .collect();
    assert!(order.is_sorted());
    let [of_store, of_none, of_day_after] = [
        settlement(stage, Some("s1"), "2026-11-01", "2026-11-30").await,
        settlement(stage, Some("s2"), "2026-11-01", "2026-11-30").await,
        settlement(stage, None, "2026-11-27", "2026-11-30").await,
    ];
    assert_eq!(
        of_store.len(),
        rows.iter().filter(|row| row.store == "X1").count()
    );
    assert!(of_none.is_empty() && of_day_after.is_empty());
}

fn assert_sums(imported: &Imported) {
    let statement = &imported.statement;
    let sum = |of: fn(&galleria_app::statements::OutcomeView) -> i64| -> i64 {
        statement.outcomes.iter().map(of).sum()
    };
    assert_eq!(sum(|outcome| outcome.net), statement.net);
    assert_eq!(
        sum(|outcome| outcome.converted - outcome.fee),
        statement.net
    );
}

async fn a_payment_that_comes_late_is_matched_then(stage: &Stage) {
    let office = office(stage);
    let text = file(
        &header("b-1", None),
        &[line(2, "psp-1", 1_000), line(3, "psp-1", 1_000)],
    );
    let imported = office.import("a.csv", &text).await.expect("imported");
    assert_eq!(
        outcomes(&office, &imported).await,
        ["unmatched", "unmatched"]
    );
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    office.app.statements_match().await.expect("matched");
    assert_eq!(outcomes(&office, &imported).await, ["matched", "duplicate"]);
    // Nothing is left to look at.
    assert_eq!(office.app.statements_match().await.expect("matched"), 0);
}

async fn a_refund_and_a_chargeback_find_theirs_late(stage: &Stage) {
    let office = office(stage);
    let lost = StatementLine {
        kind: StatementKind::Chargeback,
        ..line(3, "psp-1", -1_000)
    };
    let text = file(&header("b-1", None), &[line(2, "psp-1", -300), lost]);
    let imported = office.import("a.csv", &text).await.expect("imported");
    let late = vec![tender("p1", "psp-1", 1_000), tender("r1", "psp-1", -300)];
    record(stage, late, before()).await;
    office.app.statements_match().await.expect("matched");
    let told = lines(&office, &imported).await;
    assert_eq!((&*told[0].outcome, &*told[0].entry), ("matched", "r1"));
    assert_eq!(
        (&*told[1].outcome, &*told[1].entry),
        ("not-applicable", "p1")
    );
}

/// Two card payments of one order: our reference is the same, the provider's are not.
async fn a_line_lets_go_of_what_another_names(stage: &Stage) {
    let office = office(stage);
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
    let imported = office.import("a.csv", &text).await.expect("imported");
    assert_eq!(outcomes(&office, &imported).await, ["matched", "duplicate"]);
    record(stage, vec![split("p2", "psp-2")], before()).await;
    office.app.statements_match().await.expect("matched");
    let told = lines(&office, &imported).await;
    let told: Vec<_> = told.iter().map(|l| (&*l.outcome, &*l.entry)).collect();
    assert_eq!(told, [("matched", "p2"), ("matched", "p1")]);
    assert_eq!(office.app.statements_match().await.expect("matched"), 0);
}

async fn what_a_person_lets_go_of_goes_to_its_duplicate(stage: &Stage) {
    let office = office(stage);
    let tenders = vec![tender("p1", "psp-1", 1_000), tender("p2", "", 1_000)];
    record(stage, tenders, before()).await;
    let both = [line(2, "psp-1", 1_000), line(3, "psp-1", 1_000)];
    let imported = office
        .import("a.csv", &file(&header("b-1", None), &both))
        .await
        .expect("imported");
    let first = &lines(&office, &imported).await[0];
    let ask = SettleAsk {
        actor: "ann".into(),
        reason: "the terminal mixed them up".into(),
        entry: Some("p2".into()),
    };
    let settled = office.app.statement_line_settle(key("k"), &first.id, ask);
    settled.await.expect("settled");
    office.app.statements_match().await.expect("matched");
    let told = lines(&office, &imported).await;
    let told: Vec<_> = told.iter().map(|l| (&*l.outcome, &*l.entry)).collect();
    assert_eq!(told, [("matched", "p2"), ("matched", "p1")]);
}

/// Its store comes behind what was read of the lines without one: it would be counted twice.
async fn a_line_that_moves_while_it_is_read_is_noticed(stage: &Stage) {
    let office = office(stage);
    let all: Vec<_> = (2..8).map(|row| line(row, "psp-1", 1_000)).collect();
    let text = file(&header("b-1", None), &all);
    office.import("a.csv", &text).await.expect("imported");
    let run = begun(stage, None, "2026-11-26", "2026-11-26").await;
    let mut pages = pages(stage, &run);
    let first = move || (pages.next(4), pages);
    let (first, mut pages) = tokio::task::spawn_blocking(first).await.expect("read");
    assert_eq!(first.expect("a page").len(), 4);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    office.app.statements_match().await.expect("matched");
    let rest = move || {
        loop {
            match pages.next(4) {
                Ok(page) if page.is_empty() => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.chain()),
            }
        }
    };
    let rest = tokio::task::spawn_blocking(rest).await.expect("read");
    assert!(rest.expect_err("noticed").contains("matched anew"));
}

async fn what_no_statement_covers_is_listed(stage: &Stage) {
    let office = office(stage);
    let tenders = vec![
        tender("p1", "psp-1", 1_000),
        tender("p2", "psp-2", 1_000),
        tender("p3", "", 1_000),
        tender("p4", "psp-4", 1_000),
        tender("p5", "psp-5", 1_000),
    ];
    record(stage, tenders, before()).await;
    write_tx!(stage, [], |tx| tx.tenders_void("p4").await).expect("undone");
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    office.import("a.csv", &text).await.expect("imported");
    let entries = |days, after: Option<String>, limit| {
        let app = office.app.clone();
        async move {
            let found = app
                .statements_uncovered("r1", days, after.as_deref(), limit)
                .await;
            let (found, next) = found.expect("a list");
            let entries: Vec<_> = found.into_iter().map(|one| one.tender.entry_id).collect();
            (entries, next)
        }
    };
    assert_eq!(entries(None, None, 10).await.0, Vec::<String>::new());
    assert_eq!(entries(Some(0), None, 10).await.0, ["p2", "p5"]);
    office.clock.advance(Duration::from_secs(8 * 24 * 3_600));
    let (first, next) = entries(None, None, 1).await;
    assert_eq!(first, ["p2"]);
    assert_eq!(entries(None, next, 1).await, (vec!["p5".to_owned()], None));
    let cards = MatchingRules {
        settled_kinds: ["card".to_owned()].into(),
        ..rules()
    };
    let office = Office::new(Arc::new(stage.db.clone()), cards);
    let found = office
        .app
        .statements_uncovered("r1", Some(0), None, 10)
        .await;
    assert_eq!(
        found.expect("a list").0.len(),
        3,
        "the one without a reference as well"
    );
    let oldest = office
        .app
        .statements_uncovered("r1", Some(u32::MAX), None, 10);
    assert!(oldest.await.expect("a list").0.is_empty());
}

async fn a_person_settles_and_takes_back(stage: &Stage) {
    let office = office(stage);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let text = file(
        &header("b-1", None),
        &[line(2, "psp-x", 990), line(3, "psp-y", 5)],
    );
    let imported = office.import("a.csv", &text).await.expect("imported");
    let told = lines(&office, &imported).await;
    let app = &office.app;
    let ask = |entry: Option<&str>| SettleAsk {
        actor: "ana".into(),
        reason: "seen on the slip".into(),
        entry: entry.map(str::to_owned),
    };
    let nobody = app
        .statement_line_settle(key("k0"), &told[0].id, ask(Some("p9")))
        .await;
    assert!(matches!(nobody, Err(Error::Invalid(_))));
    app.statement_line_settle(key("k1"), &told[0].id, ask(Some("p1")))
        .await
        .expect("settled");
    let again = app
        .statement_line_settle(key("k1"), &told[0].id, ask(Some("p1")))
        .await;
    assert!(again.expect("answered").repeated);
    let taken = app
        .statement_line_settle(key("k2"), &told[1].id, ask(Some("p1")))
        .await;
    assert!(
        matches!(taken, Err(Error::Invalid(_))),
        "another line settles it"
    );
    app.statement_line_settle(key("k3"), &told[1].id, ask(None))
        .await
        .expect("settled");
    assert_eq!(
        outcomes(&office, &imported).await,
        ["matched", "not-applicable"]
    );
    let seen = app.statement(&imported.statement.id).await.expect("there");
    let seen = Imported {
        statement: seen,
        before: true,
    };
    assert_sums(&seen);
    assert_eq!(lines(&office, &imported).await[0].difference, -10);
    let undo = UndoAsk {
        actor: "ben".into(),
        reason: "wrong slip".into(),
    };
    app.statement_line_undo(key("k4"), &told[0].id, undo.clone())
        .await
        .expect("undone");
    assert_eq!(outcomes(&office, &imported).await[0], "unmatched");
    let twice = app.statement_line_undo(key("k5"), &told[0].id, undo).await;
    assert!(matches!(
        twice,
        Err(Error::Conflict {
            code: "not_settled_by_hand",
            ..
        })
    ));
    let explained = app
        .statement_line_explain(&told[0].id)
        .await
        .expect("explained");
    let hands: Vec<_> = explained
        .hands
        .iter()
        .map(|h| (&*h.actor, &*h.what, &*h.before, &*h.after))
        .collect();
    let expected = [
        ("ana", "settled", "unmatched", "matched"),
        ("ben", "undone", "matched", "unmatched"),
    ];
    assert_eq!(hands, expected);
    // The tender is free again.
    app.statement_line_settle(key("k6"), &told[1].id, ask(Some("p1")))
        .await
        .expect("settled");
}

/// Statements of chance: whatever comes of a line, its money is in the sums.
async fn lines_of_all_outcomes_sum_to_the_net(stage: &Stage) {
    let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    let office = office(stage);
    let mut entry = 0;
    for round in 0..6 {
        let (mut early, mut late, mut lines) = (vec![], vec![], vec![]);
        for row in 2..150 {
            entry += 1;
            let psp = format!("psp-{}", chance.random_range(0..100));
            let amount = chance.random_range(-500..2_000);
            let mut recorded = tender(&format!("e{entry}"), &psp, amount);
            recorded.amount += [0, 0, 0, 1][chance.random_range(0..4)];
            if chance.random_range(0..9) == 0 {
                recorded.currency = "SEK".into();
            }
            match chance.random_range(0..4) {
                0 => late.push(recorded),
                1 => {}
                _ => early.push(recorded),
            }
            let mut read = line(row, &psp, amount);
            match chance.random_range(0..12) {
                0 => read.kind = StatementKind::Adjustment,
                1 => read.kind = StatementKind::Other("reserve".into()),
                _ => {}
            }
            lines.push(read);
        }
        let net: i64 = lines.iter().map(|line| line.net).sum();
        record(stage, early, before()).await;
        let text = file(&header(&format!("b-{round}"), Some(net)), &lines);
        let imported = office.import("a.csv", &text).await.expect("imported");
        assert_eq!(imported.statement.net, net);
        assert_sums(&imported);
        record(stage, late, before()).await;
        office.app.statements_match().await.expect("matched");
        let statement = office
            .app
            .statement(&imported.statement.id)
            .await
            .expect("there");
        assert_sums(&Imported {
            statement,
            before: true,
        });
    }
    // No tender is settled by two lines.
    let settled = stage
        .rows(
            "SELECT tender_id, COUNT(*) FROM statement_lines WHERE settles = 1 GROUP BY tender_id",
        )
        .await;
    assert!(settled.len() > 100 && settled.iter().all(|(_, lines)| *lines == 1));
    let both = stage
        .rows(
            "SELECT t.id, l.number FROM tenders t JOIN statement_lines l
             ON l.tender_id = t.id AND l.settles = 1
                AND t.settled_by = l.statement_id || '.' || CAST(l.number AS TEXT)",
        )
        .await;
    assert_eq!(both.len(), settled.len(), "both sides agree");
    let per_payout: BTreeMap<String, i64> = settlement(stage, None, "2026-11-01", "2026-11-30")
        .await
        .into_iter()
        .fold(BTreeMap::new(), |mut sums, row| {
            *sums.entry(row.statement).or_default() += row.net;
            sums
        });
    for statement in office
        .app
        .statements(Some("r1"), None, 100)
        .await
        .expect("a list")
    {
        assert_eq!(per_payout[&statement.header.reference], statement.net);
    }
}

/// The migration writes down the tenders of payments and refunds that were accepted before it.
async fn what_was_accepted_before_is_known(stage: &Stage) {
    let (store, order) = (
        crate::rows::store("s1", "r1"),
        crate::rows::full_order("o1", "s1"),
    );
    let (payment, refund) = (
        crate::rows::payment("p1", "o1"),
        crate::rows::full_refund("r1", "o1"),
    );
    write_tx!(stage, [store, order, payment, refund], |tx| {
        tx.store_put(&store).await?;
        tx.order_insert(&order).await?;
        tx.payment_insert(&payment).await?;
        tx.refund_insert(&refund).await
    })
    .expect("accepted");
    let sqlite = stage.config.url.starts_with("sqlite:");
    let (json, elements) = if sqlite {
        ("", "json_each")
    } else {
        ("::json", "json_array_elements")
    };
    let text = include_str!("../../../migrations/0005_statements.sql")
        .replace("{json}", json)
        .replace("{elements}", elements);
    for insert in text
        .split(';')
        .filter(|part| part.contains("INSERT INTO tenders"))
    {
        let from = insert.find("INSERT INTO").expect("a statement");
        stage
            .run(Box::leak(insert[from..].to_owned().into_boxed_str()))
            .await;
    }
    let of = |entry: &'static str| async move {
        read_tx!(stage, [], |tx| tx.tenders_of_entry("r1", entry).await).expect("tenders")
    };
    let expected =
        |side: &str, tender: &galleria_domain::Tender, entry: &galleria_domain::Entry| {
            let back = side == "refund";
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            RecordedTender {
                id: format!("{side}:{}/{}", entry.id, tender.number),
                retailer: "r1".into(),
                store_id: "s1".into(),
                store: "Xs1".into(),
                back,
                kind: tender.kind.clone(),
                provider: text(&tender.provider),
                psp_reference: text(&tender.psp_reference),
                modification_reference: text(&tender.modification_reference),
                merchant_reference: text(&tender.merchant_reference),
                scheme: text(&tender.scheme),
                amount: if back { -tender.amount } else { tender.amount },
                currency: entry.currency.clone(),
                minor_digits: 2,
                business_date: entry.business_date.clone(),
                entry_id: entry.id.clone(),
                order_id: "o1".into(),
                settled_by: None,
            }
        };
    let told = |tenders: &[galleria_domain::Tender], side: &str, entry: &galleria_domain::Entry| {
        let all = tenders
            .iter()
            .filter(|t| t.kind != "cash" || t.psp_reference.is_some());
        all.map(|tender| expected(side, tender, entry))
            .collect::<Vec<_>>()
    };
    let sale = &payment.sale;
    assert_eq!(of("p1").await, told(&sale.tenders, "payment", &sale.entry));
    if let Some(refund) = &refund.refund {
        assert_eq!(
            of("r1").await,
            told(&refund.tenders, "refund", &refund.entry)
        );
    }
}
