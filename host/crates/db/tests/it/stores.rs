//! Files of stores, imported: all of a file or nothing, whoever else puts the same stores.

use crate::products::NoPlugins;
use crate::rows;
use crate::stage::Stage;
use galleria_app::access::Reach;
use galleria_app::records::OperationFilter;
use galleria_app::stores::{NotImported, Step, StoresAsk, StoresImported, Watch};
use galleria_app::{App, Error, Policy, SystemClock};
use galleria_domain::Store;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

on_both!(
    stores_are_found_added_and_replaced_together,
    a_large_file_is_one_transaction,
    two_files_at_once_are_never_mixed,
    a_stopped_import_of_stores_leaves_nothing,
);

fn house(stage: &Stage) -> App {
    App::new(
        Arc::new(stage.db.clone()),
        Arc::new(NoPlugins),
        Arc::new(SystemClock),
        Policy::default(),
    )
}

/// Stores `s0000` and on, all of one currency.
fn file(count: usize, currency: &str) -> String {
    let header = "id,external_id,retailer,store_type,country,currency,minor_digits,zone\n";
    let rows = (0..count).map(|n| format!("s{n:04},{n},r,kiosk,DK,{currency},2,Europe/Paris\n"));
    header.to_owned() + &rows.collect::<String>()
}

async fn import(app: &App, text: &str, watch: Watch) -> Result<StoresImported, NotImported> {
    let ask = StoresAsk {
        dry_run: false,
        reach: Reach::Everything,
        actor: "ana".into(),
        reason: "a chain".into(),
    };
    let file = Box::new(Cursor::new(text.as_bytes().to_vec()));
    let reply = app.stores_import(ask, file, None, watch).await?;
    Ok(serde_json::from_str(&reply.body).expect("an answer"))
}

async fn all(app: &App) -> Vec<Store> {
    app.stores(None, "", 20_000).await.expect("a list")
}

async fn stores_are_found_added_and_replaced_together(stage: &Stage) {
    let stores: Vec<Store> = (0..150)
        .map(|n| rows::store(&format!("{n:03}"), "r"))
        .collect();
    let given = stores.clone();
    write_tx!(stage, [given], |tx| tx.stores_insert(&given).await).expect("added");
    let ids: Vec<String> = ["149", "gone", "000", "077"].map(str::to_owned).into();
    let asked = ids.clone();
    let found = read_tx!(stage, [asked], |tx| tx.stores_get(&asked).await).expect("found");
    let found: Vec<_> = found.into_iter().map(|store| store.id).collect();
    assert_eq!(found, ["000", "077", "149"]);
    let mut other = stores;
    for store in &mut other {
        store.zone = "Europe/Oslo".into();
    }
    let given = other.clone();
    write_tx!(stage, [given], |tx| {
        tx.stores_get(&["000".into()]).await?;
        tx.stores_replace(&given).await
    })
    .expect("replaced");
    let found = read_tx!(stage, [], |tx| tx.store_list(Some("r"), "", 999).await);
    assert_eq!(found.expect("a list"), other);
}

async fn a_large_file_is_one_transaction(stage: &Stage) {
    let app = house(stage);
    let done = import(&app, &file(10_000, "DKK"), Watch::default()).await;
    assert_eq!(done.expect("imported").added, 10_000);
    assert_eq!(all(&app).await.len(), 10_000);
    let done = import(&app, &file(10_000, "DKK"), Watch::default()).await;
    assert_eq!(done.expect("imported").unchanged, 10_000);
}

/// They contradict one another: whoever is second is refused, wherever in its work it learns of it.
async fn two_files_at_once_are_never_mixed(stage: &Stage) {
    let app = house(stage);
    let both = ["DKK", "EUR"].map(|currency| {
        let (app, text) = (app.clone(), file(1500, currency));
        tokio::spawn(async move { import(&app, &text, Watch::default()).await })
    });
    let mut done = 0;
    for import in both {
        match import.await.expect("no panic") {
            Ok(_) => done += 1,
            Err(NotImported::Other(Error::Conflict { code, .. })) => {
                assert_eq!(code, "store_identity");
            }
            // It may have looked at the first of them before they were there.
            Err(NotImported::Refused(problems)) => {
                assert!((1..=1500).contains(&problems.total), "{}", problems.total);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(done, 1);
    let stores = all(&app).await;
    assert_eq!(stores.len(), 1500);
    let same = |store: &Store| store.currency == stores[0].currency;
    assert!(stores.iter().all(same), "of one file");
    let filter = OperationFilter {
        subject: Some("stores".into()),
        ..OperationFilter::default()
    };
    let operations = app.operations(filter, None, 10).await;
    assert_eq!(operations.expect("a list").operations.len(), 1);
}

async fn a_stopped_import_of_stores_leaves_nothing(stage: &Stage) {
    let app = house(stage);
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let watch = Watch {
        stop,
        steps: Arc::new(move |step| {
            if let Step::Compared(done, _) = step {
                told.store(done >= 1000, Ordering::Relaxed);
            }
        }),
    };
    let said = import(&app, &file(1000, "DKK"), watch).await;
    assert!(matches!(said, Err(NotImported::Stopped)), "{said:?}");
    assert_eq!(all(&app).await, []);
}
