//! Tax tables: rows of both kinds in one list, rates with all their digits, versions.

use crate::stage::Stage;
use galleria_domain::tax::{TaxRow, TaxRowKey, TaxSettings};
use galleria_ports::Error;
use serde_json::{Value, json};

on_both!(
    pages_contain_the_rows_of_both_tables_in_one_order,
    a_row_moves_between_the_tables_with_its_fields,
    rates_have_two_exact_digits,
    rows_and_tables_are_removed,
    each_change_gives_a_new_version,
);

fn row(fields: Value) -> TaxRow {
    let mut row =
        json!({ "tax_level": "VAT", "retailer_tax_level_id": "id", "tax_percent": "21.00" });
    let object = row.as_object_mut().expect("an object");
    object.extend(fields.as_object().expect("an object").clone());
    serde_json::from_value(row).expect("a row")
}

async fn put(stage: &Stage, store: &'static str, rows: Vec<TaxRow>) -> Result<(), Error> {
    write_tx!(stage, [rows], |tx| tx.tax_row_put_many(store, &rows).await)
}

async fn page(
    stage: &Stage,
    store: &'static str,
    after: Option<TaxRowKey>,
    limit: u32,
) -> Vec<TaxRow> {
    let page = read_tx!(stage, [after], |tx| {
        tx.tax_row_list(store, after.as_ref(), limit).await
    });
    page.expect("a page")
}

async fn all(stage: &Stage, store: &'static str) -> Vec<TaxRow> {
    page(stage, store, None, 100_000).await
}

async fn pages_contain_the_rows_of_both_tables_in_one_order(stage: &Stage) {
    // The order is by bytes on both databases, also for a code before a longer one.
    let codes = ["-", "A", "A ", "AB", "a", "\u{e9}", "\u{1f950}"];
    let mut rows = Vec::new();
    for code in codes {
        for id in ["", "1", "2"] {
            rows.push(row(
                json!({ "tax_code": code, "retailer_tax_level_id": id }),
            ));
            for date in ["2026-01-01", "2027-01-01"] {
                rows.push(row(json!({ "tax_code": code, "retailer_tax_level_id": id,
                    "valid_from": date })));
            }
        }
    }
    let mut expected = rows.clone();
    expected.sort_by_key(TaxRow::key);
    rows.reverse();
    put(stage, "s1", rows).await.expect("put");
    put(stage, "s10", vec![row(json!({ "tax_code": "A" }))])
        .await
        .expect("put");
    assert_eq!(all(stage, "s1").await, expected);
    for limit in [1, 2, 7, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = page(stage, "s1", after.clone(), limit).await;
            found.extend(page.iter().cloned());
            match page.last() {
                Some(last) if page.len() == limit as usize => after = Some(last.key()),
                _ => break,
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
    assert_eq!(all(stage, "s").await, []);
}

async fn a_row_moves_between_the_tables_with_its_fields(stage: &Stage) {
    let plain = row(json!({ "tax_code": "A" }));
    let variants = [
        json!({ "authority": "ES" }),
        json!({ "kind": "fixed_per_unit" }),
        json!({ "kind": "division" }),
        json!({ "treatment": "luxury" }),
        json!({ "treatment": "exempt", "tax_percent": "0" }),
        json!({ "affects_later_taxes": true }),
        json!({ "ignores_earlier_taxes": true }),
        json!({ "position": 65_535 }),
        json!({ "tax_percent": "21.125" }),
    ];
    for mut variant in variants {
        variant["tax_code"] = "A".into();
        let rule = row(variant);
        for one in [&plain, &rule, &plain] {
            put(stage, "s", vec![one.clone()]).await.expect("put");
            assert_eq!(all(stage, "s").await, std::slice::from_ref(one));
        }
    }
    let places = stage
        .rows("SELECT tax_code, (SELECT COUNT(*) FROM tax_rules) FROM tax_level")
        .await;
    assert_eq!(places, [("A".to_owned(), 0)]);
    // A row with a date has another key.
    let later = row(json!({ "tax_code": "A", "valid_from": "2027-01-01" }));
    put(stage, "s", vec![later.clone()]).await.expect("put");
    assert_eq!(all(stage, "s").await, [plain.clone(), later]);
    // An insert does not replace.
    let again = write_tx!(stage, [plain], |tx| tax_insert(tx, plain).await);
    assert!(again.is_err(), "the key is unique");
}

async fn tax_insert(tx: &mut dyn galleria_ports::records::Tx, row: TaxRow) -> Result<(), Error> {
    tx.tax_row_insert_many(&[("s", &row)]).await
}

async fn rates_have_two_exact_digits(stage: &Stage) {
    let rates = (0..=10_000).chain([999_999, 1_000_000]);
    let rows: Vec<TaxRow> = rates
        .map(|hundredths| {
            let rate = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            row(json!({ "tax_code": format!("{hundredths:07}"), "tax_percent": rate }))
        })
        .collect();
    put(stage, "s", rows.clone()).await.expect("put");
    let found = all(stage, "s").await;
    assert_eq!(found.len(), rows.len());
    for (found, row) in found.iter().zip(&rows) {
        assert_eq!(found, row);
    }
    // Fewer digits are the same rate.
    for rate in ["7", "7.0", "7.00"] {
        let seven = row(json!({ "tax_code": "seven", "tax_percent": rate }));
        put(stage, "seven", vec![seven]).await.expect("put");
        assert_eq!(all(stage, "seven").await[0].tax_percent.to_string(), "7.00");
    }
    // The largest value of the column, which another program may have written.
    stage
        .run(
            "INSERT INTO tax_level (store_id, tax_code, tax_level, retailer_tax_level_id, tax_percent)
             VALUES ('big', 'A', '', '', 99999999999.99)",
        )
        .await;
    let big = all(stage, "big").await;
    assert_eq!(big[0].tax_percent.to_string(), "99999999999.99");
}

async fn rows_and_tables_are_removed(stage: &Stage) {
    let rows: Vec<TaxRow> = (0..200)
        .map(|n| match n % 2 {
            0 => row(json!({ "tax_code": format!("{n:03}") })),
            _ => row(json!({ "tax_code": format!("{n:03}"), "authority": "ES" })),
        })
        .collect();
    for store in ["s", "other"] {
        put(stage, store, rows.clone()).await.expect("put");
    }
    let keys: Vec<TaxRowKey> = rows[..150].iter().map(TaxRow::key).collect();
    let done = write_tx!(stage, [keys], |tx| {
        tx.tax_row_delete_many("s", &keys).await
    });
    done.expect("removed");
    assert_eq!(all(stage, "s").await, rows[150..]);
    let removed = write_tx!(stage, [], |tx| tx.tax_table_delete("s").await);
    assert_eq!(removed.expect("removed"), 50);
    let removed = write_tx!(stage, [], |tx| tx.tax_table_delete("s").await);
    assert_eq!(removed.expect("removed"), 0);
    assert_eq!(all(stage, "s").await, []);
    assert_eq!(all(stage, "other").await, rows);
}

async fn each_change_gives_a_new_version(stage: &Stage) {
    let version = async || {
        let store = read_tx!(stage, [], |tx| tx.tax_store_get("s").await);
        store.expect("a store").table_version
    };
    assert_eq!(version().await, 0);
    let lock = async || {
        let locked = write_tx!(stage, [], |tx| tx.tax_table_lock_many(&["s", "t"]).await);
        let locked = locked.expect("locked");
        assert_eq!((locked.len(), locked["t"]), (2, 0));
        locked["s"]
    };
    assert_eq!((lock().await, version().await), (0, 0));
    for expected in 1..4 {
        let changed = write_tx!(stage, [], |tx| tx.tax_table_change("s").await);
        changed.expect("changed");
        assert_eq!((lock().await, version().await), (expected, expected));
    }
    // Settings have no version, and keep that of the table.
    let settings = TaxSettings {
        tax_included_in_price: false,
        ..TaxSettings::default()
    };
    let put = settings.clone();
    let done = write_tx!(stage, [put], |tx| tx.tax_settings_put("s", &put).await);
    done.expect("put");
    let store = read_tx!(stage, [], |tx| tx.tax_store_get("s").await).expect("a store");
    assert_eq!((store.settings, store.table_version), (Some(settings), 3));
}
