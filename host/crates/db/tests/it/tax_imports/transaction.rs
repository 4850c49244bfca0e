//! The transaction of an import: other hosts, other imports, a stop, and many rows.

use super::*;

on_both!(
    an_import_is_effective_in_the_next_evaluation_of_each_host,
    concurrent_imports_of_a_store_are_serialised,
    a_stopped_import_changes_nothing,
    fifty_thousand_rows_are_imported,
);

async fn an_import_is_effective_in_the_next_evaluation_of_each_host(stage: &Stage) {
    let hosts = [with_stores(stage, &["s"]).await, new_app(stage)];
    for (rate, from) in [("21", 0), ("19", 1), ("7", 0)] {
        let text = format!("{HEADER}A,VAT,a,{rate}\n");
        import(&hosts[from], of_store("s"), &text)
            .await
            .expect("imported");
        for host in &hosts {
            assert_eq!(tax(host, "s", "A").await, Ok(format!("{rate}.00")));
        }
    }
    // A dry run and an import without differences keep the cached table, and what they show is true.
    import(
        &hosts[1],
        dry(of_store("s")),
        format!("{HEADER}A,VAT,a,1\n"),
    )
    .await
    .expect("shown");
    assert_eq!(tax(&hosts[0], "s", "A").await, Ok("7.00".into()));
    let deleted = hosts[1]
        .taxes
        .delete_table(None, "s", "ana", "closed")
        .await;
    assert_eq!(deleted.expect("deleted").body, r#"{"rows":1}"#);
    for host in &hosts {
        let result = tax(host, "s", "A").await.expect_err("no table");
        assert!(result.contains("empty"), "{result}");
    }
    let again = hosts[0]
        .taxes
        .delete_table(None, "s", "ana", "closed")
        .await;
    assert_eq!(again.expect("deleted").body, r#"{"rows":0}"#);
    let log = operations(&hosts[0], "s", None).await;
    assert_eq!((log.len(), &*log[0].action), (4, "tax_table_delete"));
    assert_eq!(
        (&log[0].before, &*log[0].reason),
        (&json!({ "rows": 1 }), "closed")
    );
    let unknown = hosts[0]
        .taxes
        .delete_table(None, "none", "ana", "closed")
        .await;
    assert!(
        matches!(unknown, Err(Error::NotFound { .. })),
        "{unknown:?}"
    );
}

/// Both files replace the table. Evaluations see all rates of one file.
async fn concurrent_imports_of_a_store_are_serialised(stage: &Stage) {
    const ROUNDS: usize = 4;
    const ROWS: usize = 300;
    let app = with_stores(stage, &["s"]).await;
    let file = |rate: usize| {
        let rows = (0..ROWS).map(|n| format!("C{n},VAT,{rate},{rate}\n"));
        HEADER.to_owned() + &rows.collect::<String>()
    };
    import(&app, of_store("s"), file(1))
        .await
        .expect("imported");
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (app, done) = (new_app(stage), Arc::clone(&done));
        tokio::spawn(async move {
            let mut evaluated = 0;
            while !done.load(Ordering::Relaxed) {
                let items = (0..ROWS).step_by(7).map(|n| {
                    json!({ "item_id": n.to_string(), "total_amount": "100", "tax_code": format!("C{n}") })
                });
                let request = json!({ "store_data": { "store_id": "s" }, "items": items.collect::<Vec<_>>() });
                let request = serde_json::from_value(request).expect("a request");
                let taxes = app.taxes.evaluate(request).await.expect("taxes").response;
                let rates: std::collections::BTreeSet<String> = taxes
                    .tax_breakup
                    .iter()
                    .map(|tax| tax.tax_percent.to_string())
                    .collect();
                assert_eq!(rates.len(), 1, "{rates:?}");
                evaluated += 1;
            }
            evaluated
        })
    };
    for round in 0..ROUNDS {
        let imports = [2, 3].map(|rate| {
            let (app, text) = (app.clone(), file(rate + 2 * round));
            tokio::spawn(async move { import(&app, replacing(of_store("s")), text).await })
        });
        for import in imports {
            let imported = import.await.expect("no panic").expect("imported");
            assert_eq!(imported.added + imported.changed, ROWS as u64);
        }
        assert_eq!(table(&app, "s").await.len(), ROWS);
    }
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.expect("no mixture") > 0);
    assert_eq!(operations(&app, "s", None).await.len(), 1 + 2 * ROUNDS);
}

async fn a_stopped_import_changes_nothing(stage: &Stage) {
    let app = with_stores(stage, &["s"]).await;
    let rows: String = (0..2_000).map(|n| format!("C{n},VAT,a,1\n")).collect();
    let text = HEADER.to_owned() + &rows;
    for written in [false, true] {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let steps = Arc::new(move |step| match step {
            Step::Compared(done, _) if !written => flag.store(done >= 1_000, Ordering::Relaxed),
            Step::Written(done, all) => {
                assert_eq!(all, 2_000);
                flag.store(done >= 1_000, Ordering::Relaxed);
            }
            _ => {}
        });
        let result = watched(&app, of_store("s"), &text, Watch { stop, steps }).await;
        assert!(matches!(result, Err(NotImported::Stopped)), "{result:?}");
        assert_eq!(table(&app, "s").await, []);
        assert_eq!(operations(&app, "s", None).await, []);
    }
}

/// The largest table of a store; with `GALLERIA_LARGE=1` also 200 rows for each of 1,000 stores.
async fn fifty_thousand_rows_are_imported(stage: &Stage) {
    let app = with_stores(stage, &["s"]).await;
    let file = |rate: usize, count: usize| {
        let rows = (0..count).map(|n| format!("C{n:05},VAT {rate},{n},{rate}\n"));
        HEADER.to_owned() + &rows.collect::<String>()
    };
    let start = std::time::Instant::now();
    let measure = |what: &str| {
        let line = format!("{what}: {} ms\n", start.elapsed().as_millis());
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).expect("printed");
    };
    let result = import(&app, of_store("s"), file(1, 50_001)).await;
    assert_eq!(
        refused(result),
        ["row 50002, file: must have at most 50000 rows; send the rest in another file"]
    );
    measure("50,001 rows rejected");
    let done = import(&app, of_store("s"), file(21, 50_000)).await;
    assert_eq!(counts(&done.expect("imported")), [50_000, 0, 0, 0]);
    measure("50,000 rows added");
    let one = file(21, 50_000).replace("C40000,VAT 21,40000,21\n", "C40000,VAT 21,40000,7\n");
    let done = import(&app, replacing(of_store("s")), one).await;
    assert_eq!(counts(&done.expect("imported")), [0, 1, 0, 49_999]);
    measure("one of 50,000 rows changed");
    assert_eq!(tax(&app, "s", "C40000").await, Ok("7.00".into()));
    measure("evaluated");
    if std::env::var("GALLERIA_LARGE").as_deref() != Ok("1") {
        return;
    }
    let ids: Vec<String> = (0..1_000).map(|n| format!("many-{n:03}")).collect();
    let stores: Vec<_> = ids.iter().map(|id| rows::store(id, "r")).collect();
    write_tx!(stage, [stores], |tx| tx.store_insert_many(&stores).await).expect("stores");
    let file = |rate: usize| {
        let rows = ids
            .iter()
            .flat_map(|id| (0..200).map(move |n| format!("{id},C{n:03},VAT {rate},{n},{rate}\n")));
        format!("store_id,{HEADER}{}", rows.collect::<String>())
    };
    measure("1,000 stores added");
    for (rate, expected) in [
        (21, [200_000, 0, 0, 0]),
        (21, [0, 0, 0, 200_000]),
        (19, [0, 200_000, 0, 0]),
    ] {
        let done = import(&app, of_stores(), file(rate))
            .await
            .expect("imported");
        assert_eq!((done.stores, counts(&done)), (1_000, expected));
        measure(&format!("200,000 rows: {expected:?}"));
    }
}
