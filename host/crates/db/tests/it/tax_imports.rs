//! Imports of tax tables: all of a file or nothing, and effective in the next evaluation of each host.

mod export;
mod transaction;

use crate::no_plugins::NoPlugins;
use crate::rows;
use crate::stage::Stage;
use crate::tax_kit::operations;
use galleria_app::tabular::{Format, ImportOptions, NotImported, Step, Watch};
use galleria_app::tax::{TaxTableImport, TaxTableImported};
use galleria_app::{App, Policy};
use galleria_domain::Problem;
use galleria_domain::tax::TaxRow;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::SystemClock;
use serde_json::json;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

on_both!(
    a_dry_run_shows_what_the_import_then_changes,
    all_problems_are_reported_together_and_nothing_is_imported,
    rows_of_messages_are_reported_with_those_that_could_not_be_read,
    a_file_of_many_stores_is_atomic_and_checks_the_reach,
);

const HEADER: &str = "tax_code,tax_level,retailer_tax_level_id,tax_percent\n";

fn new_app(stage: &Stage) -> App {
    App::new(
        Arc::new(stage.db.clone()),
        Arc::new(NoPlugins),
        Arc::new(SystemClock),
        Policy::default(),
    )
}

/// An app with stores of the retailer `r`.
async fn with_stores(stage: &Stage, ids: &[&str]) -> App {
    let stores: Vec<_> = ids.iter().map(|id| rows::store(id, "r")).collect();
    write_tx!(stage, [stores], |tx| tx.store_insert_many(&stores).await).expect("stores");
    new_app(stage)
}

fn of_store(store: &str) -> TaxTableImport {
    TaxTableImport {
        store: Some(store.to_owned()),
        format: Format::Csv,
        options: ImportOptions::default(),
        replace: false,
        reach: Reach::Everything,
        actor: "ana".into(),
        reason: "new rates".into(),
    }
}

fn of_stores() -> TaxTableImport {
    TaxTableImport {
        store: None,
        ..of_store("")
    }
}

fn dry(request: TaxTableImport) -> TaxTableImport {
    let options = ImportOptions {
        dry_run: true,
        ..request.options
    };
    TaxTableImport { options, ..request }
}

fn replacing(request: TaxTableImport) -> TaxTableImport {
    TaxTableImport {
        replace: true,
        ..request
    }
}

async fn watched(
    app: &App,
    request: TaxTableImport,
    text: impl AsRef<[u8]>,
    watch: Watch,
) -> Result<TaxTableImported, NotImported> {
    let file = Box::new(Cursor::new(text.as_ref().to_vec()));
    let reply = app.taxes.import_table(request, file, None, watch).await?;
    Ok(serde_json::from_str(&reply.body).expect("a result"))
}

async fn import(
    app: &App,
    request: TaxTableImport,
    text: impl AsRef<[u8]>,
) -> Result<TaxTableImported, NotImported> {
    watched(app, request, text, Watch::default()).await
}

fn refused(result: Result<TaxTableImported, NotImported>) -> Vec<String> {
    match result {
        Err(NotImported::Refused(problems) | NotImported::Beyond(problems)) => {
            assert_eq!(problems.total, problems.listed.len() as u64);
            problems.listed.iter().map(ToString::to_string).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn counts(imported: &TaxTableImported) -> [u64; 4] {
    let TaxTableImported {
        added,
        changed,
        removed,
        unchanged,
        ..
    } = imported;
    [*added, *changed, *removed, *unchanged]
}

async fn table(app: &App, store: &str) -> Vec<TaxRow> {
    app.taxes.table(store).await.expect("a table")
}

/// Rows as `code level-id rate`.
async fn rates(app: &App, store: &str) -> Vec<String> {
    let rows = table(app, store).await.into_iter();
    let text = |row: TaxRow| {
        let TaxRow {
            tax_code,
            retailer_tax_level_id,
            tax_percent,
            ..
        } = row;
        format!("{tax_code} {retailer_tax_level_id} {tax_percent}")
    };
    rows.map(text).collect()
}

/// The tax of an item of 100.00 with this code, or the rule that rejects it.
async fn tax(app: &App, store: &str, code: &str) -> Result<String, String> {
    let request = json!({ "store_data": { "store_id": store, "tax_included_in_price": false },
        "items": [{ "item_id": "1", "total_amount": "100.00", "tax_code": code }] });
    let request = serde_json::from_value(request).expect("a request");
    match app.taxes.evaluate(request).await {
        Ok(done) => Ok(done.response.total_tax.to_string()),
        Err(Error::Invalid(problems)) => Err(problems[0].to_string()),
        Err(error) => panic!("{error}"),
    }
}

async fn a_dry_run_shows_what_the_import_then_changes(stage: &Stage) {
    let app = with_stores(stage, &["s"]).await;
    let first = format!("{HEADER}A,VAT,a,21\nB,VAT,b,10\nC,VAT,c,4\n");
    assert_eq!(
        counts(&import(&app, of_store("s"), &first).await.expect("imported")),
        [3, 0, 0, 0]
    );
    let second = format!("{HEADER}D,VAT,d,0\nB,VAT,b,10.5\nA,VAT,a,21.000\n");
    for (request, expected) in [
        (of_store("s"), [1, 1, 0, 1]),
        (replacing(of_store("s")), [1, 1, 1, 1]),
    ] {
        let before = table(&app, "s").await;
        let shown = import(&app, dry(request.clone()), &second).await;
        let shown = shown.expect("a dry run");
        assert!(shown.dry_run && shown.stores == 1 && shown.rows == 3);
        assert_eq!(counts(&shown), expected);
        let rate = |row: &Option<TaxRow>| row.as_ref().map(|row| row.tax_percent.to_string());
        let changes: Vec<_> = shown
            .changes
            .iter()
            .map(|change| (rate(&change.before), rate(&change.after)))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        let mut expected = vec![(some("10.00"), some("10.5"))];
        if request.replace {
            expected.push((some("4.00"), None));
        }
        expected.push((None, some("0")));
        assert_eq!(changes, expected);
        assert_eq!(table(&app, "s").await, before, "a dry run changes nothing");
    }
    assert_eq!(operations(&app, "s", None).await.len(), 1);
    let done = import(&app, replacing(of_store("s")), &second).await;
    assert_eq!(counts(&done.expect("imported")), [1, 1, 1, 1]);
    assert_eq!(
        rates(&app, "s").await,
        ["A a 21.00", "B b 10.50", "D d 0.00"]
    );
    // Nothing differs, so nothing is recorded.
    let again = import(&app, replacing(of_store("s")), &second).await;
    assert_eq!(counts(&again.expect("imported")), [0, 0, 0, 3]);
    let log = operations(&app, "s", None).await;
    assert_eq!(log.len(), 2);
    assert_eq!(
        (&*log[0].action, &*log[0].actor, &*log[0].reason),
        ("tax_table_import", "ana", "new rates")
    );
    assert_eq!(log[0].before, json!({ "rows": 3 }));
    assert_eq!(
        log[0].after,
        json!({ "rows": 3, "added": 1, "changed": 1, "removed": 1 })
    );
    // An empty file with `replace` removes all rows.
    let options = ImportOptions {
        allow_empty: true,
        ..ImportOptions::default()
    };
    let request = TaxTableImport {
        options,
        ..replacing(of_store("s"))
    };
    assert_eq!(
        counts(&import(&app, request, HEADER).await.expect("imported")),
        [0, 0, 3, 0]
    );
    assert_eq!(table(&app, "s").await, []);
}

async fn all_problems_are_reported_together_and_nothing_is_imported(stage: &Stage) {
    let app = with_stores(stage, &["s"]).await;
    let header = "store_id,tax_code,tax_level,retailer_tax_level_id,tax_percent,kind,treatment,\
                  affects_later_taxes,position,valid_from\n";
    let text = [
        header,
        ",A,VAT,a,21,,,,,\n",
        ",,VAT,a,21%,,,,,\n",
        "other,B,VAT,b,101,division,,,,\n",
        "s,C,VAT,c,5,fixed,none,yes,x,2026-02-30\n",
        ",A,VAT,a,22,,,,,\n",
        ",D,a level with too many letters,a,10001,,,,,\n",
        ",E,VAT,e,7,,zero,,,\n",
        ",A,VAT,a,22,,,,,2027-01-01\n",
    ];
    let expected = [
        "row 3, tax_percent: must be a number with a decimal point and without other marks, such as 21 or 5.5",
        "row 3, tax_code: must have 1 to 25 characters and no control characters",
        "row 4, store_id: must be s, the store of this import, or empty",
        "row 4, tax_percent: must be 0 to 100, got \"101\"",
        "row 5, kind: must be percent, fixed_per_unit or division",
        "row 5, treatment: must be standard, reduced, luxury, zero or exempt, or empty",
        "row 5, affects_later_taxes: must be true or false",
        "row 5, position: must be a whole number from 0 to 65535",
        "row 5, valid_from: must be a date such as 2026-07-01, or empty",
        "row 6, retailer_tax_level_id: must be unique in the file together with tax_code and valid_from; row 2 has \
         the same",
        "row 7, tax_level: must have 0 to 25 characters and no control characters",
        "row 7, tax_percent: must be 0 to 10000, got \"10001\"",
        "row 8, tax_percent: must be 0 for this treatment, got \"7\"",
    ];
    for request in [dry(of_store("s")), of_store("s")] {
        let result = import(&app, request, text.concat()).await;
        assert_eq!(refused(result), expected);
    }
    // A code with more taxes than an item may have.
    let many: String = (0..22).map(|n| format!("A,VAT,{n},1\n")).collect();
    let result = import(&app, of_store("s"), format!("{HEADER}{many}")).await;
    assert_eq!(
        refused(result),
        ["row 22, tax_code: must be in at most 20 rows with the same valid_from"]
    );
    let result = import(&app, of_store("s"), "tax_code,tax_level,rate\nA,VAT,1\n").await;
    assert_eq!(
        refused(result)[1..],
        [
            "row 1, retailer_tax_level_id: must be a column; the columns are tax_code, tax_level, rate",
            "row 1, tax_percent: must be a column; the columns are tax_code, tax_level, rate",
        ]
    );
    assert_eq!(table(&app, "s").await, []);
    let unknown = import(&app, of_store("unknown"), HEADER).await;
    assert!(
        matches!(
            unknown,
            Err(NotImported::Other(Error::NotFound { what: "store", .. }))
        ),
        "{unknown:?}"
    );
    // The limits apply to the table, not only to the file.
    let taxes = |from: usize, to: usize| -> String {
        (from..to).map(|n| format!("A,VAT,{n:02},1\n")).collect()
    };
    let first = import(&app, of_store("s"), format!("{HEADER}{}", taxes(0, 15))).await;
    first.expect("imported");
    let second = format!("{HEADER}{}", taxes(15, 30));
    let result = import(&app, of_store("s"), &second).await;
    assert_eq!(
        refused(result),
        [
            "tax_code: a code must have at most 20 taxes at the same time; A of store s would have 30"
        ]
    );
    let replaced = import(&app, replacing(of_store("s")), &second).await;
    assert_eq!(counts(&replaced.expect("imported")), [15, 0, 15, 0]);
}

async fn rows_of_messages_are_reported_with_those_that_could_not_be_read(stage: &Stage) {
    let app = with_stores(stage, &["s"]).await;
    let row = |code: &str, percent: &str| {
        let row = json!({ "tax_code": code, "tax_level": "VAT", "retailer_tax_level_id": code,
            "tax_percent": percent, "position": 7, "affects_later_taxes": true });
        serde_json::from_value::<TaxRow>(row).expect("a row")
    };
    let bad = || Err(vec![Problem::new("kind", "must be a known kind, got 9")]);
    let send = async |rows: Vec<Result<TaxRow, Vec<Problem>>>| {
        let reply = app.taxes.import_rows(of_store("s"), rows, None).await?;
        Ok(serde_json::from_str(&reply.body).expect("a result"))
    };
    let mixed = vec![
        Ok(row("A", "21")),
        bad(),
        Ok(row("C", "20000")),
        bad(),
        Ok(row("A", "7")),
    ];
    assert_eq!(
        refused(send(mixed).await),
        [
            "row 2, kind: must be a known kind, got 9",
            "row 3, tax_percent: must be 0 to 10000, got \"20000\"",
            "row 4, kind: must be a known kind, got 9",
            "row 5, retailer_tax_level_id: must be unique in the file together with tax_code and valid_from; row 1 \
             has the same",
        ]
    );
    let only_bad = refused(send(vec![Ok(row("A", "21")), bad()]).await);
    assert_eq!(only_bad, ["row 2, kind: must be a known kind, got 9"]);
    assert_eq!(refused(send(vec![bad()]).await).len(), 1);
    assert_eq!(table(&app, "s").await, []);
    let rows = vec![Ok(row("A", "21")), Ok(row("B", "0.125"))];
    assert_eq!(counts(&send(rows).await.expect("imported")), [2, 0, 0, 0]);
    assert_eq!(table(&app, "s").await, [row("A", "21"), row("B", "0.125")]);
}

async fn a_file_of_many_stores_is_atomic_and_checks_the_reach(stage: &Stage) {
    let app = with_stores(stage, &["s1", "s2", "s3"]).await;
    let header = format!("store_id,{HEADER}");
    let old = format!("{header}s1,A,VAT,a,21\ns2,A,VAT,a,10\ns3,A,VAT,a,5\n");
    let done = import(&app, of_stores(), &old).await.expect("imported");
    assert_eq!((done.stores, counts(&done)), (3, [3, 0, 0, 0]));
    // Rows of a store need not be together; stores that the file does not have stay unchanged.
    let new = format!("{header}s1,B,VAT,b,1\ns2,A,VAT,a,10\ns1,C,VAT,c,2\n");
    let shown = import(&app, dry(replacing(of_stores())), &new).await;
    assert_eq!(counts(&shown.expect("a dry run")), [2, 0, 1, 1]);
    let done = import(&app, replacing(of_stores()), &new).await;
    assert_eq!(counts(&done.expect("imported")), [2, 0, 1, 1]);
    assert_eq!(rates(&app, "s1").await, ["B b 1.00", "C c 2.00"]);
    assert_eq!(rates(&app, "s2").await, ["A a 10.00"]);
    assert_eq!(rates(&app, "s3").await, ["A a 5.00"]);
    for (store, count) in [("s1", 2), ("s2", 1), ("s3", 1)] {
        assert_eq!(operations(&app, store, None).await.len(), count, "{store}");
    }
    // One unknown store rejects the rows of all others.
    let unknown = format!("{header}s1,D,VAT,d,1\nnone,A,VAT,a,10\n,A,VAT,a,10\nnone,B,VAT,a,10\n");
    assert_eq!(
        refused(import(&app, of_stores(), &unknown).await),
        [
            "row 4, store_id: must be the id of a store",
            "row 3, store_id: must be an existing store; import stores first",
            "row 5, store_id: must be an existing store; import stores first",
        ]
    );
    let without = refused(import(&app, of_stores(), format!("{HEADER}A,VAT,a,1\n")).await);
    assert!(
        without[0].starts_with("row 1, store_id: must be a column"),
        "{without:?}"
    );
    assert_eq!(rates(&app, "s1").await.len(), 2);
    let bound = TaxTableImport {
        reach: Reach::Some {
            retailers: [].into(),
            stores: ["s1".to_owned()].into(),
        },
        ..of_stores()
    };
    // A store out of reach looks like an unknown one.
    let file = format!("{header}s1,D,VAT,d,1\ns2,D,VAT,d,1\nnone,D,VAT,d,1\n");
    assert_eq!(
        refused(import(&app, bound.clone(), &file).await),
        [
            "row 3, store_id: must be a store that the caller may change",
            "row 4, store_id: must be a store that the caller may change",
        ]
    );
    let file = format!("{header}s1,D,VAT,d,1\n");
    assert_eq!(
        counts(&import(&app, bound.clone(), &file).await.expect("imported")),
        [1, 0, 0, 0]
    );
    let other = TaxTableImport {
        store: Some("s2".into()),
        ..bound
    };
    let result = import(&app, other, HEADER).await;
    assert!(
        matches!(
            result,
            Err(NotImported::Other(Error::NotFound { what: "store", .. }))
        ),
        "{result:?}"
    );
}
