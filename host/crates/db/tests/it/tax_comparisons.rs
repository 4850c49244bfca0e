//! Records of comparisons: counts by day, rows with both answers, and their retention.

use crate::rows::at;
use crate::stage::Stage;
use galleria_domain::tax::{TaxDifferences, TaxRequest, TaxResponse, TaxRoute, TaxSettings};
use galleria_ports::records::{
    ComparisonCount, ComparisonCursor, ComparisonFilter, ComparisonRow, ComparisonTerms,
    ShadowOutcome,
};
use jiff::Timestamp;
use serde_json::json;

on_both!(
    counts_are_added_by_terms_day_and_outcome,
    rows_are_listed_newest_first_and_complete,
    old_rows_and_counts_are_removed,
    other_settings_have_a_new_version,
);

const DAY_MS: i64 = 86_400_000;

fn terms(store: &str, settings_version: i64) -> ComparisonTerms {
    ComparisonTerms {
        store_id: store.into(),
        route: TaxRoute::Grpc,
        shadow: TaxRoute::Http,
        table_version: 3,
        settings_version,
    }
}

fn count(terms: ComparisonTerms, at: Timestamp, outcome: ShadowOutcome) -> ComparisonCount {
    ComparisonCount {
        terms,
        day: ComparisonCount::day_of(at),
        outcome,
        baskets: 5,
        recorded: 2,
    }
}

fn response(tax: &str) -> TaxResponse {
    let response = json!({
        "total_basket_amount": "10.00", "total_taxable_amount": "9", "total_tax": tax,
        "total_basket_amount_after_tax": "10.00", "tax_breakup": [], "item_tax": [],
    });
    serde_json::from_value(response).expect("a response")
}

fn row(store: &str, at: Timestamp, outcome: ShadowOutcome) -> ComparisonRow {
    let request: TaxRequest = serde_json::from_value(json!({
        "store_data": {"store_id": store}, "business_date": "2026-11-30",
        "items": [{"item_id": "smørrebrød", "total_amount": "10.00", "tax_code": "STD"}],
    }))
    .expect("a request");
    let (route, shadow) = (response("1.00"), response("2.00"));
    let is_failed = outcome == ShadowOutcome::Failed;
    ComparisonRow {
        terms: terms(store, 1),
        at,
        outcome,
        request,
        differences: TaxDifferences::between(&route, &shadow),
        response: route,
        shadow_response: (!is_failed).then_some(shadow),
        error: if is_failed {
            "no answer".into()
        } else {
            String::new()
        },
    }
}

async fn counts_are_added_by_terms_day_and_outcome(stage: &Stage) {
    use ShadowOutcome::{Different, Equal};
    let counts = [
        count(terms("s", 1), at(0), Equal),
        count(terms("s", 1), at(1), Equal),
        count(terms("s", 1), at(0), Different),
        count(terms("s", 2), at(0), Equal),
        count(terms("s", 1), at(DAY_MS), Equal),
        count(terms("t", 1), at(0), Equal),
    ];
    write_tx!(stage, [counts], |tx| {
        for count in &counts {
            tx.tax_comparison_count_add(count).await?;
        }
        Ok(())
    })
    .expect("added");
    let (today, tomorrow) = (counts[0].day, counts[4].day);
    let list = async |since| {
        let read = read_tx!(stage, [], |tx| tx
            .tax_comparison_count_list("s", since)
            .await);
        let rows = read.expect("counts").into_iter();
        let row = |count: ComparisonCount| {
            let version = count.terms.settings_version;
            (
                count.day,
                version,
                count.outcome.name(),
                count.baskets,
                count.recorded,
            )
        };
        rows.map(row).collect::<Vec<_>>()
    };
    assert_eq!(
        list(today).await,
        [
            (today, 1, "different", 5, 2),
            (today, 1, "equal", 10, 4),
            (today, 2, "equal", 5, 2),
            (tomorrow, 1, "equal", 5, 2),
        ]
    );
    assert_eq!(list(tomorrow).await.len(), 1);
    let one = terms("s", 1);
    let get = read_tx!(stage, [one], |tx| Ok((
        tx.tax_comparison_count_get(&one, today, Equal).await?,
        tx.tax_comparison_count_get(&one, tomorrow, Different)
            .await?,
    )));
    let (equal, none) = get.expect("counts");
    assert_eq!((equal.baskets, equal.recorded), (10, 4));
    assert_eq!(
        (none.baskets, none.recorded, none.outcome),
        (0, 0, Different)
    );
}

async fn rows_are_listed_newest_first_and_complete(stage: &Stage) {
    use ShadowOutcome::{Different, Equal, Failed};
    // The times of two rows are equal.
    let rows = [
        row("s", at(1), Different),
        row("s", at(3), Equal),
        row("s", at(3), Different),
        row("s", at(2), Failed),
        row("t", at(4), Different),
    ];
    write_tx!(stage, [rows], |tx| tx
        .tax_comparison_insert_many(&rows)
        .await)
    .expect("inserted");
    let list = async |since, outcome, before: Option<ComparisonCursor>, limit| {
        let filter = ComparisonFilter {
            store_id: "s".into(),
            since,
            outcome,
        };
        let read = read_tx!(stage, [filter], |tx| {
            tx.tax_comparison_list(&filter, before, limit).await
        });
        read.expect("rows")
    };
    let all = list(at(0), None, None, 10).await;
    let found: Vec<_> = all.iter().map(|(_, row)| row.clone()).collect();
    let expected = [2, 1, 3, 0].map(|index: usize| rows[index].clone());
    assert_eq!(found, expected);
    assert_eq!(list(at(2), None, None, 10).await, all[..3]);
    assert_eq!(list(at(0), Some(Different), None, 10).await.len(), 2);
    assert_eq!(list(at(2), Some(Failed), None, 10).await, all[2..3]);
    for outcome in [None, Some(Different)] {
        let complete = list(at(0), outcome, None, 10).await;
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let page = list(at(0), outcome, before, 1).await;
            let Some((serial, row)) = page.last() else {
                break;
            };
            before = Some(ComparisonCursor {
                at: row.at,
                serial: *serial,
            });
            pages.extend(page);
        }
        assert_eq!(pages, complete);
    }
}

async fn old_rows_and_counts_are_removed(stage: &Stage) {
    let rows: Vec<_> = (0..5)
        .map(|ms| row("s", at(ms), ShadowOutcome::Equal))
        .collect();
    let counts = [-DAY_MS, 0].map(|ms| count(terms("s", 1), at(ms), ShadowOutcome::Equal));
    write_tx!(stage, [rows, counts], |tx| {
        tx.tax_comparison_insert_many(&rows).await?;
        for count in &counts {
            tx.tax_comparison_count_add(count).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let sweep = async |ms, limit| {
        let swept = write_tx!(stage, [], |tx| tx.tax_comparison_sweep(at(ms), limit).await);
        swept.expect("swept")
    };
    assert_eq!(sweep(4, 3).await, 3);
    assert_eq!(sweep(4, 3).await, 1);
    assert_eq!(sweep(4, 3).await, 0);
    let left = "SELECT 'rows', COUNT(*) FROM tax_comparisons
        UNION ALL SELECT 'counts', COUNT(*) FROM tax_comparison_counts ORDER BY 1";
    let left = stage.rows(left).await;
    assert_eq!(left, [("counts".into(), 1), ("rows".into(), 1)]);
}

async fn other_settings_have_a_new_version(stage: &Stage) {
    let versions = async || {
        let read = read_tx!(stage, [], |tx| tx.tax_store_get("s").await);
        let store = read.expect("a store");
        (store.table_version, store.settings_version)
    };
    assert_eq!(versions().await, (0, 0));
    write_tx!(stage, [], |tx| tx.tax_table_change("s").await).expect("changed");
    let mut settings = TaxSettings::default();
    write_tx!(stage, [settings], |tx| tx
        .tax_settings_put("s", &settings)
        .await)
    .expect("put");
    assert_eq!(versions().await, (1, 1));
    write_tx!(stage, [settings], |tx| tx
        .tax_settings_put("s", &settings)
        .await)
    .expect("put");
    assert_eq!(versions().await, (1, 1), "the same settings");
    settings.shadow = Some(TaxRoute::Http);
    write_tx!(stage, [settings], |tx| tx
        .tax_settings_put("s", &settings)
        .await)
    .expect("put");
    assert_eq!(versions().await, (1, 2));
    write_tx!(stage, [], |tx| tx.tax_table_change("s").await).expect("changed");
    assert_eq!(versions().await, (2, 2));
    // A store without a table.
    write_tx!(stage, [settings], |tx| tx
        .tax_settings_put("t", &settings)
        .await)
    .expect("put");
    let read = read_tx!(stage, [], |tx| tx.tax_store_get("t").await);
    assert_eq!(read.expect("a store").settings_version, 1);
}
