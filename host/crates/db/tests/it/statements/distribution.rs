//! Manual settlement that distributes a line over tenders, and a tender over lines.

use super::lines::{assert_sums, check_allocations, importer, key, lines, outcomes};
use super::parts::{current, import, settled, uncovered};
use super::reader::line;
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_app::settlement::{SettleRequest, UndoRequest};
use galleria_domain::{Allocation, Money};
use galleria_ports::Error;

on_both!(
    a_line_is_distributed_over_tenders,
    a_tender_is_distributed_over_lines,
    a_wrong_distribution_is_rejected,
);

fn part(entry: &str, amount: Money) -> Allocation {
    let side = if amount < 0 { "refund" } else { "payment" };
    Allocation {
        tender: format!("{side}:{entry}/1"),
        amount,
    }
}

fn distribution(parts: Vec<Allocation>) -> SettleRequest {
    SettleRequest {
        actor: "ana".into(),
        reason: "one capture for two orders".into(),
        entry: None,
        parts,
    }
}

async fn a_line_is_distributed_over_tenders(stage: &Stage) {
    let importer = importer(stage);
    let tenders = vec![tender("p1", "psp-1", 6_000), tender("p2", "psp-2", 3_990)];
    record(stage, tenders, before()).await;
    let imported = import(&importer, "b-1", &[line(2, "psp-x", 9_990)]).await;
    let own = &lines(&importer, &imported).await[0];
    assert_eq!(own.outcome, "unmatched");
    let app = &importer.app.settlement;
    let parts = vec![part("p1", 6_000), part("p2", 3_990)];
    let request = distribution(parts.clone());
    app.settle_line(key("k1"), &own.id, request)
        .await
        .expect("settled");
    let now = &lines(&importer, &imported).await[0];
    assert_eq!((&*now.outcome, &now.parts), ("matched", &parts));
    assert_eq!(now.entry, "p1", "the largest part");
    assert_eq!(uncovered(&importer).await, []);
    // Another capture of the second payment is a duplicate.
    let other = import(&importer, "b-2", &[line(2, "psp-2", 3_990)]).await;
    assert_eq!(outcomes(&importer, &other).await, ["duplicate"]);
    check_allocations(stage, 2).await;
    assert_sums(&current(&importer, &imported).await);
    let undo = UndoRequest {
        actor: "ben".into(),
        reason: "it was another".into(),
    };
    app.undo_line(key("k2"), &own.id, undo)
        .await
        .expect("undone");
    assert_eq!(outcomes(&importer, &imported).await, ["unmatched"]);
    assert_eq!(outcomes(&importer, &other).await, ["matched"]);
    assert_eq!(uncovered(&importer).await, [("p1".to_owned(), 6_000)]);
    check_allocations(stage, 1).await;
}

async fn a_tender_is_distributed_over_lines(stage: &Stage) {
    let importer = importer(stage);
    record(stage, vec![tender("p1", "psp-1", 9_990)], before()).await;
    let all = [
        line(2, "psp-x", 6_000),
        line(3, "psp-y", 3_000),
        line(4, "psp-1", 990),
    ];
    let imported = import(&importer, "b-1", &all).await;
    let views = lines(&importer, &imported).await;
    let app = &importer.app.settlement;
    for (view, amount) in views.iter().zip([6_000, 3_000]) {
        let request = distribution(vec![part("p1", amount)]);
        app.settle_line(key(&view.id), &view.id, request)
            .await
            .expect("settled");
    }
    // The rules matched the rest with the line that has the reference.
    assert_eq!(outcomes(&importer, &imported).await, ["matched"; 3]);
    assert_eq!(uncovered(&importer).await, []);
    assert_eq!(settled(stage).await, [("payment:p1/1".to_owned(), 9_990)]);
    let state = current(&importer, &imported).await.statement.state;
    assert_eq!(state, "matched");
}

async fn a_wrong_distribution_is_rejected(stage: &Stage) {
    let importer = importer(stage);
    let mut foreign = tender("p3", "psp-3", 1_000);
    foreign.currency = "SEK".into();
    let mut other = tender("p4", "psp-4", 1_000);
    other.retailer = "r2".into();
    let tenders = vec![
        tender("p1", "psp-1", 600),
        tender("p2", "psp-2", 400),
        foreign,
        other,
        tender("r1", "psp-5", -1_000),
        tender("p5", "psp-6", 500),
    ];
    record(stage, tenders, before()).await;
    let all = [line(2, "psp-x", 1_000), line(3, "psp-6", 500)];
    let imported = import(&importer, "b-1", &all).await;
    let own = &lines(&importer, &imported).await[0];
    let wrong = [
        (
            vec![part("p1", 600), part("p2", 399)],
            "parts",
            "9.99 instead of 10.00",
        ),
        (
            vec![part("p1", 601), part("p2", 399)],
            "parts.0.amount",
            "at most 6.00",
        ),
        (
            vec![part("p1", 600), part("p9", 400)],
            "parts.1.tender",
            "payment of the retailer",
        ),
        (
            vec![part("p4", 1_000)],
            "parts.0.tender",
            "payment of the retailer",
        ),
        (
            vec![part("r1", -1_000)],
            "parts.0.tender",
            "payment of the retailer",
        ),
        (vec![part("p3", 1_000)], "parts.0.tender", "in EUR"),
        (
            vec![part("p1", 500), part("p1", 500)],
            "parts.1.tender",
            "one part only",
        ),
        (
            vec![part("p1", 0), part("p2", 400)],
            "parts.0.amount",
            "sign of the line",
        ),
        (
            vec![part("p5", 500), part("p1", 500)],
            "parts.0.amount",
            "other lines have paid",
        ),
    ];
    for (parts, field, message) in wrong {
        let request = distribution(parts.clone());
        let app = &importer.app.settlement;
        let result = app
            .settle_line(key(&format!("{parts:?}")), &own.id, request)
            .await;
        let Err(Error::Invalid(problems)) = result else {
            panic!("{parts:?} is accepted");
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    }
    assert_eq!(
        outcomes(&importer, &imported).await,
        ["unmatched", "matched"]
    );
    check_allocations(stage, 1).await;
}
