//! Two hosts, 1,000 stores with 200,000 rows of tax tables: every acknowledged change of a route or a table applies to
//! the next evaluation on either host, and to no other store.
//!
//! `GALLERIA_LARGE=1` also imports all rows from a file, by command.

use crate::host::{Database, Host};
use crate::tax_routes::{Service, command};
use crate::tax_service::host;
use galleria_test_database::TestDatabase;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::task::JoinSet;

const STORES: u32 = 1_000;
/// Of each store.
const ROWS: u32 = 200;
const CLIENTS: u32 = 8;

/// Creates stores and tables in the database, because an import of all rows takes long in a debug build.
async fn fill(host: &Host) {
    let text = format!(
        "BEGIN;
         INSERT INTO stores (id, retailer, external_id, body)
         SELECT 'many-' || s, 'many', s, json_build_object(
             'id', 'many-' || s, 'external_id', s::text, 'retailer', 'many', 'store_type', 'kiosk', 'country', 'ES',
             'currency', 'EUR', 'minor_digits', 2, 'zone', 'Europe/Madrid')
         FROM generate_series(0, {STORES} - 1) s;
         INSERT INTO tax_level (store_id, tax_code, tax_level, retailer_tax_level_id, tax_percent)
         SELECT 'many-' || s, 'C' || n, 'VAT', n, 5 + (s + n) % 20
         FROM generate_series(0, {STORES} - 1) s, generate_series(0, {ROWS} - 1) n;
         INSERT INTO tax_stores (store_id, table_version)
         SELECT 'many-' || s, 1 FROM generate_series(0, {STORES} - 1) s;
         COMMIT;
         ANALYZE"
    );
    let mut database = TestDatabase::connect(&host.database().url).await;
    database.run(&text).await;
}

fn store(number: u32) -> String {
    format!("many-{number}")
}

/// The code of the basket that a store's test evaluates.
fn code(store: u32) -> u32 {
    store * 7 % ROWS
}

/// What the route `embedded` answers for an item of 10.00 that contains the tax of this rate.
fn taxed(percent: u32) -> String {
    let cents = (2_000 * percent + 100 + percent) / (2 * (100 + percent));
    format!("embedded {}.{:02}", cents / 100, cents % 100)
}

/// What it answers with the table of a store.
fn embedded(store: u32) -> String {
    taxed(5 + (store + code(store)) % 20)
}

/// The route and the tax, or the problem.
async fn evaluated(host: &Host, number: u32) -> String {
    let basket = json!({
        "store_data": {"store_id": store(number)},
        "items": [{"item_id": "1", "total_amount": "10.00", "tax_code": format!("C{}", code(number))}],
    });
    let sent = host.send("POST", "/v1/taxes/evaluate", "k", &basket).await;
    let (status, body) = sent.expect("an answer");
    let text = |field: &str| body[field].as_str().unwrap_or_default();
    match status {
        200 => format!("{} {}", text("route"), text("total_tax")),
        status => format!("{status} {}", body["errors"][0]["message"]),
    }
}

/// Evaluates a basket of every store, on one host or the other.
async fn all_are_embedded(hosts: &Arc<[Host; 2]>) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let hosts = Arc::clone(hosts);
        clients.spawn(async move {
            for number in (client..STORES).step_by(CLIENTS as usize) {
                let host = &hosts[(number / CLIENTS % 2) as usize];
                assert_eq!(
                    evaluated(host, number).await,
                    embedded(number),
                    "store {number}"
                );
            }
        });
    }
    clients.join_all().await;
}

/// The next evaluation on both hosts, beginning with that which did not acknowledge the change.
async fn is_everywhere(hosts: &[Host; 2], changed_at: usize, number: u32, expected: &str) {
    for host in [&hosts[1 - changed_at], &hosts[changed_at]] {
        assert_eq!(evaluated(host, number).await, expected, "store {number}");
    }
}

async fn changed(host: &Host, method: &str, path: &str, body: &Value) {
    let sent = host.send(method, path, path, body).await;
    let (status, answer) = sent.expect("an answer");
    assert_eq!(status, 200, "{path}: {answer:#}");
}

async fn import(host: &Host, number: u32, percent: u32) {
    let code = code(number);
    let text = format!(
        "tax_code,tax_level,retailer_tax_level_id,tax_percent\nC{code},VAT,{code},{percent}\n"
    );
    let request = host
        .client
        .post(host.url(&format!("/v1/stores/{}/tax-table", store(number))))
        .header("content-type", "text/csv")
        .header("idempotency-key", format!("import-{number}"))
        .body(text);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn each_change_applies_to_the_next_evaluation_on_two_hosts_with_many_stores() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start().await;
    let mut first = host(folder.path(), Database::Postgres, &[]);
    first.set(&format!("tax.http.address={}", service.address));
    fill(&first).await;
    first.start().await;
    let mut second = first.beside("api");
    second.start().await;
    let hosts = Arc::new([first, second]);
    all_are_embedded(&hosts).await;

    // The changes of each store follow each other, and alternate between the hosts.
    for (step, number) in (0..STORES).step_by(50).enumerate() {
        let (here, there) = (step % 2, 1 - step % 2);
        let path = |resource: &str| format!("/v1/stores/{}/{resource}", store(number));
        import(&hosts[here], number, 50).await;
        is_everywhere(&hosts, here, number, &taxed(50)).await;
        changed(
            &hosts[there],
            "POST",
            &path("tax-move"),
            &json!({"route": "http", "force": true, "reason": "first wave"}),
        )
        .await;
        is_everywhere(&hosts, there, number, "http 1.00").await;
        changed(
            &hosts[here],
            "PUT",
            &path("tax-settings"),
            &json!({"route": "embedded"}),
        )
        .await;
        is_everywhere(&hosts, here, number, &taxed(50)).await;
        changed(&hosts[there], "DELETE", &path("tax-table"), &json!(null)).await;
        let empty = "422 \"must be in the store's tax table, which is empty: import it (item 1)\"";
        is_everywhere(&hosts, there, number, empty).await;
        // The neighbour is unchanged.
        assert_eq!(
            evaluated(&hosts[here], number + 1).await,
            embedded(number + 1)
        );
    }
    if std::env::var("GALLERIA_LARGE").as_deref() == Ok("1") {
        all_rows_are_imported(&hosts).await;
    }
}

/// Restores the tables of all stores.
async fn all_rows_are_imported(hosts: &Arc<[Host; 2]>) {
    let mut text = "store_id,tax_code,tax_level,retailer_tax_level_id,tax_percent\n".to_owned();
    for store in 0..STORES {
        for row in 0..ROWS {
            let percent = 5 + (store + row) % 20;
            writeln!(text, "many-{store},C{row},VAT,{row},{percent}").expect("text");
        }
    }
    let file = hosts[0].data().join("tables.csv");
    std::fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    let output = command(
        &hosts[0],
        &["tax", "import", &file, "--reason", "all tables"],
    );
    let unchanged = (STORES - STORES / 50) * ROWS;
    let end = format!(
        "200000 rows for 1000 stores: {} added, 0 changed, 0 removed, {unchanged} unchanged\n",
        STORES * ROWS - unchanged
    );
    assert!(output.ends_with(&end), "{output}");
    all_are_embedded(hosts).await;
}
