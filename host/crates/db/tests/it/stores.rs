//! Store imports: all of a file or nothing, also for concurrent imports of the same stores.

use crate::no_plugins::NoPlugins;
use crate::rows;
use crate::stage::Stage;
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::stores::{
    ImportOptions, NotImported, Step, StoreImportRequest, StoresImported, Watch,
};
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::SystemClock;
use galleria_ports::records::OperationFilter;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

on_both!(
    stores_are_read_inserted_and_replaced_in_bulk,
    a_large_file_is_one_transaction,
    concurrent_imports_are_never_mixed,
    a_stopped_import_is_discarded,
);

fn new_app(stage: &Stage) -> App {
    App::new(
        Arc::new(stage.db.clone()),
        Arc::new(NoPlugins),
        Arc::new(SystemClock),
        Policy::default(),
    )
}

/// A file of stores `s0000` and following, all with one currency.
fn file(count: usize, currency: &str) -> String {
    let header = "id,external_id,retailer,store_type,country,currency,minor_digits,zone\n";
    let rows = (0..count).map(|n| format!("s{n:04},{n},r,kiosk,DK,{currency},2,Europe/Paris\n"));
    header.to_owned() + &rows.collect::<String>()
}

async fn import(app: &App, text: &str, watch: Watch) -> Result<StoresImported, NotImported> {
    let request = StoreImportRequest {
        options: ImportOptions::default(),
        reach: Reach::Everything,
        actor: "ana".into(),
        reason: "new chain".into(),
    };
    let file = Box::new(Cursor::new(text.as_bytes().to_vec()));
    let reply = app.stores.import(request, file, None, watch).await?;
    Ok(serde_json::from_str(&reply.body).expect("an answer"))
}

async fn all(app: &App) -> Vec<Store> {
    app.stores.list(None, "", 20_000).await.expect("a list")
}

async fn stores_are_read_inserted_and_replaced_in_bulk(stage: &Stage) {
    let stores: Vec<Store> = (0..150)
        .map(|n| rows::store(&format!("{n:03}"), "r"))
        .collect();
    let rows = stores.clone();
    write_tx!(stage, [rows], |tx| tx.store_insert_many(&rows).await).expect("added");
    let ids: Vec<String> = ["149", "unknown", "000", "077"].map(str::to_owned).into();
    let wanted = ids.clone();
    let read = read_tx!(stage, [wanted], |tx| tx.store_get_many(&wanted).await).expect("read");
    let read: Vec<_> = read.into_iter().map(|store| store.id).collect();
    assert_eq!(read, ["000", "077", "149"]);
    let mut other = stores;
    for store in &mut other {
        store.zone = "Europe/Oslo".into();
    }
    let rows = other.clone();
    write_tx!(stage, [rows], |tx| {
        tx.store_get_many(&["000".into()]).await?;
        tx.store_replace_many(&rows).await
    })
    .expect("replaced");
    let read = read_tx!(stage, [], |tx| tx.store_list(Some("r"), "", 999).await);
    assert_eq!(read.expect("a list"), other);
}

async fn a_large_file_is_one_transaction(stage: &Stage) {
    let app = new_app(stage);
    let done = import(&app, &file(10_000, "DKK"), Watch::default()).await;
    assert_eq!(done.expect("imported").added, 10_000);
    assert_eq!(all(&app).await.len(), 10_000);
    let done = import(&app, &file(10_000, "DKK"), Watch::default()).await;
    assert_eq!(done.expect("imported").unchanged, 10_000);
}

/// The files contradict each other: the second import is rejected, at any stage.
async fn concurrent_imports_are_never_mixed(stage: &Stage) {
    let app = new_app(stage);
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
            // It may have read the stores before the other import inserted all of them.
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
    assert!(stores.iter().all(same), "all of one file");
    let filter = OperationFilter {
        subject: Some("stores".into()),
        ..OperationFilter::default()
    };
    let operations = app.operations.log(filter, None, 10).await;
    assert_eq!(operations.expect("a list").operations.len(), 1);
}

async fn a_stopped_import_is_discarded(stage: &Stage) {
    let app = new_app(stage);
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watch = Watch {
        stop,
        steps: Arc::new(move |step| {
            if let Step::Compared(done, _) = step {
                flag.store(done >= 1000, Ordering::Relaxed);
            }
        }),
    };
    let result = import(&app, &file(1000, "DKK"), watch).await;
    assert!(matches!(result, Err(NotImported::Stopped)), "{result:?}");
    assert_eq!(all(&app).await, []);
}
