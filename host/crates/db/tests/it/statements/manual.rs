//! Manual settlement, uncovered payments, and the migration of earlier tenders.

use super::lines::{assert_sums, importer, key, lines, outcomes, rules};
use super::reader::{Importer, file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::settlement::{Imported, SettleRequest, UndoRequest};
use galleria_domain::{MatchingRules, RecordedTender};
use galleria_ports::Error;
use galleria_ports::clock::Clock as _;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    a_released_tender_settles_its_duplicate,
    uncovered_payments_are_listed,
    a_manual_settlement_can_be_undone,
    the_migration_creates_tenders,
);

async fn a_released_tender_settles_its_duplicate(stage: &Stage) {
    let importer = importer(stage);
    let tenders = vec![tender("p1", "psp-1", 1_000), tender("p2", "", 1_000)];
    record(stage, tenders, before()).await;
    let both = [line(2, "psp-1", 1_000), line(3, "psp-1", 1_000)];
    let imported = importer
        .import("a.csv", &file(&header("b-1", None), &both))
        .await
        .expect("imported");
    let first = &lines(&importer, &imported).await[0];
    let request = SettleRequest {
        actor: "ann".into(),
        reason: "the terminal mixed them up".into(),
        entry: Some("p2".into()),
        parts: vec![],
    };
    let settled = importer
        .app
        .settlement
        .settle_line(key("k"), &first.id, request);
    settled.await.expect("settled");
    importer
        .app
        .settlement
        .match_statements()
        .await
        .expect("matched");
    let views = lines(&importer, &imported).await;
    let views: Vec<_> = views.iter().map(|l| (&*l.outcome, &*l.entry)).collect();
    assert_eq!(views, [("matched", "p2"), ("matched", "p1")]);
}

async fn uncovered_payments_are_listed(stage: &Stage) {
    let importer = importer(stage);
    let tenders = vec![
        tender("p1", "psp-1", 1_000),
        tender("p2", "psp-2", 1_000),
        tender("p3", "", 1_000),
        tender("p4", "psp-4", 1_000),
        tender("p5", "psp-5", 1_000),
    ];
    record(stage, tenders, before()).await;
    write_tx!(stage, [], |tx| tx.tender_void("p4").await).expect("voided");
    let text = file(&header("b-1", None), &[line(2, "psp-1", 1_000)]);
    importer.import("a.csv", &text).await.expect("imported");
    let entries = |days, after: Option<String>, limit| {
        let app = importer.app.clone();
        async move {
            let page = app
                .settlement
                .uncovered("r1", days, after.as_deref(), limit)
                .await;
            let (rows, next) = page.expect("a list");
            let entries: Vec<_> = rows.into_iter().map(|one| one.tender.entry_id).collect();
            (entries, next)
        }
    };
    let today = importer.clock.now().to_zoned_datetime(TimeZone::UTC).date();
    assert_eq!(today.to_string(), "2026-11-18", "the business date");
    assert_eq!(entries(None, None, 10).await.0, Vec::<String>::new());
    assert_eq!(entries(Some(0), None, 10).await.0, ["p2", "p5"]);
    importer.clock.advance(Duration::from_secs(6 * 24 * 3_600));
    assert_eq!(entries(None, None, 10).await.0, Vec::<String>::new());
    importer.clock.advance(Duration::from_secs(24 * 3_600));
    let (first, next) = entries(None, None, 1).await;
    assert_eq!(first, ["p2"]);
    assert_eq!(entries(None, next, 1).await, (vec!["p5".to_owned()], None));
    // A sale of an old day that arrives now is overdue immediately.
    let late = vec![tender("p6", "psp-6", 1_000)];
    record(stage, late, importer.clock.now()).await;
    assert_eq!(entries(None, None, 10).await.0, ["p2", "p5", "p6"]);
    let cards = MatchingRules {
        settled_kinds: ["card".to_owned()].into(),
        ..rules()
    };
    let importer = Importer::new(Arc::new(stage.db.clone()), cards);
    let page = importer
        .app
        .settlement
        .uncovered("r1", Some(0), None, 10)
        .await;
    assert_eq!(
        page.expect("a list").0.len(),
        4,
        "including the one without reference"
    );
    let oldest = importer
        .app
        .settlement
        .uncovered("r1", Some(u32::MAX), None, 10);
    assert!(oldest.await.expect("a list").0.is_empty());
}

async fn a_manual_settlement_can_be_undone(stage: &Stage) {
    let importer = importer(stage);
    record(stage, vec![tender("p1", "psp-1", 1_000)], before()).await;
    let text = file(
        &header("b-1", None),
        &[line(2, "psp-x", 990), line(3, "psp-y", 5)],
    );
    let imported = importer.import("a.csv", &text).await.expect("imported");
    let views = lines(&importer, &imported).await;
    let app = &importer.app;
    let request = |entry: Option<&str>| SettleRequest {
        actor: "ana".into(),
        reason: "seen on the slip".into(),
        entry: entry.map(str::to_owned),
        parts: vec![],
    };
    let unknown = app
        .settlement
        .settle_line(key("k0"), &views[0].id, request(Some("p9")))
        .await;
    assert!(matches!(unknown, Err(Error::Invalid(_))));
    app.settlement
        .settle_line(key("k1"), &views[0].id, request(Some("p1")))
        .await
        .expect("settled");
    let again = app
        .settlement
        .settle_line(key("k1"), &views[0].id, request(Some("p1")))
        .await;
    assert!(again.expect("answered").repeated);
    let settled = app
        .settlement
        .settle_line(key("k2"), &views[1].id, request(Some("p1")))
        .await;
    assert!(
        matches!(settled, Err(Error::Invalid(_))),
        "settled by another line"
    );
    app.settlement
        .settle_line(key("k3"), &views[1].id, request(None))
        .await
        .expect("settled");
    assert_eq!(
        outcomes(&importer, &imported).await,
        ["matched", "not-applicable"]
    );
    let view = app
        .settlement
        .statement(&imported.statement.id)
        .await
        .expect("a statement");
    let current = Imported {
        statement: view,
        before: true,
    };
    assert_sums(&current);
    assert_eq!(lines(&importer, &imported).await[0].difference, -10);
    let undo = UndoRequest {
        actor: "ben".into(),
        reason: "wrong slip".into(),
    };
    app.settlement
        .undo_line(key("k4"), &views[0].id, undo.clone())
        .await
        .expect("undone");
    assert_eq!(outcomes(&importer, &imported).await[0], "unmatched");
    let again = app
        .settlement
        .undo_line(key("k5"), &views[0].id, undo)
        .await;
    assert!(matches!(
        again,
        Err(Error::Conflict {
            code: "not_settled_manually",
            ..
        })
    ));
    let explained = app
        .settlement
        .explain_line(&views[0].id)
        .await
        .expect("explained");
    let manual_settlements: Vec<_> = explained
        .manual_settlements
        .iter()
        .map(|h| (&*h.actor, &*h.what, &*h.before, &*h.after))
        .collect();
    let expected = [
        ("ana", "settled", "unmatched", "matched"),
        ("ben", "undone", "matched", "unmatched"),
    ];
    assert_eq!(manual_settlements, expected);
    // The undo released the tender.
    app.settlement
        .settle_line(key("k6"), &views[1].id, request(Some("p1")))
        .await
        .expect("settled");
}

/// The migration inserts the tenders of earlier payments and refunds.
async fn the_migration_creates_tenders(stage: &Stage) {
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
    // A later migration removes the column `settled_by`.
    let text = include_str!("../../../migrations/0005_statements.sql")
        .replace(", settled_by", "")
        .replace(", NULL\n", "\n")
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
    let tenders_of = |entry: &'static str| async move {
        read_tx!(stage, [], |tx| tx.tender_list_by_entry("r1", entry).await).expect("tenders")
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
                settled: 0,
            }
        };
    let expected_tenders =
        |tenders: &[galleria_domain::Tender], side: &str, entry: &galleria_domain::Entry| {
            let all = tenders
                .iter()
                .filter(|t| t.kind != "cash" || t.psp_reference.is_some());
            all.map(|tender| expected(side, tender, entry))
                .collect::<Vec<_>>()
        };
    let sale = &payment.sale;
    assert_eq!(
        tenders_of("p1").await,
        expected_tenders(&sale.tenders, "payment", &sale.entry)
    );
    if let Some(refund) = &refund.refund {
        assert_eq!(
            tenders_of("r1").await,
            expected_tenders(&refund.tenders, "refund", &refund.entry)
        );
    }
}
