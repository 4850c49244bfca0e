//! Orders without taxes: evaluated by the host, paid, written as POSLOG, refunded and reported with the taxes of the
//! sale.

use crate::host::{Database, Host, root};
use crate::sample_days::{self, Day};
use galleria_db::Db;
use galleria_domain::tax::{TaxRow, TaxSettings};
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

on_both!(
    an_order_without_taxes_is_paid_and_refunded_with_them,
    orders_of_the_sample_days_get_the_taxes_of_the_ledger,
);

/// A sale in Spain on the first of three days, in minor units.
const AT: &str = "2026-11-24T10:00:00Z";

async fn put_store(host: &Host, id: &str, retailer: &str, external_id: &str) {
    let body = json!({
        "external_id": external_id, "retailer": retailer, "store_type": "kiosk", "country": "ES", "currency": "EUR",
        "minor_digits": 2, "zone": "Europe/Madrid",
    });
    let (status, answer) = host
        .send("PUT", &format!("/v1/stores/{id}"), id, &body)
        .await
        .expect("sent");
    assert_eq!(status, 200, "{answer:#}");
}

async fn put_taxes(host: &Host, store: &str, standard: &str, included: bool) {
    let rows = json!([
        {"tax_code": "STD", "tax_level": "IVA", "retailer_tax_level_id": "1", "tax_percent": standard},
        {"tax_code": "RED", "tax_level": "IVA R", "retailer_tax_level_id": "2", "tax_percent": "10.00",
            "treatment": "reduced"},
    ]);
    let settings = TaxSettings {
        tax_included_in_price: included,
        ..TaxSettings::default()
    };
    put_rows(host, store, rows, settings).await;
}

async fn put_rows(host: &Host, store: &str, rows: Value, settings: TaxSettings) {
    let rows: Vec<TaxRow> = serde_json::from_value(rows).expect("rows");
    let db = Db::open(&host.database()).await.expect("the database");
    let records: &dyn Records = &db;
    let store = store.to_owned();
    let put = records.write(in_tx!(|tx, rows, settings, store| {
        tx.tax_table_change(&store).await?;
        tx.tax_row_put_many(&store, &rows).await?;
        tx.tax_settings_put(&store, &settings).await
    }));
    put.await.expect("taxes");
}

fn line(number: u32, quantity: i64, price: i64, code: &str) -> Value {
    let price_text = format!("{}.{:02}", price / 100, price % 100);
    json!({
        "number": number, "sku": format!("sku-{number}"), "description": "a thing", "unit": "EA",
        "quantity": quantity.to_string(), "regular_price": price_text, "unit_price": price_text,
        "amount": price * quantity, "attributes": [{"name": "tax-code", "value": code}],
    })
}

async fn post(host: &Host, path: &str, key: &str, body: &Value) -> Value {
    let (status, answer) = host.send("POST", path, key, body).await.expect("sent");
    assert_eq!(status, 201, "{answer:#}");
    answer
}

/// Sells three pieces for 12.10 each and one for 5.50, and returns the order.
async fn sell(host: &Host, store: &str, id: &str) -> Value {
    let order = json!({
        "id": id, "store_id": store, "workstation": "w1", "begun_at": AT,
        "lines": [line(1, 3, 1210, "STD"), line(2, 1, 550, "RED")],
    });
    let placed = post(host, "/v1/orders", id, &order).await;
    let gross = &placed["gross"];
    let payment = json!({
        "id": format!("p-{id}"), "at": AT,
        "tenders": [{"number": 1, "kind": "card", "amount": gross, "tendered": gross, "change": 0}],
    });
    let path = format!("/v1/orders/{id}/payments");
    post(host, &path, &format!("p-{id}"), &payment).await;
    placed
}

/// The taxes in a POSLOG, in the order of the document: code, percentage, taxable amount and amount. Those of the
/// lines come first, then the sums.
fn poslog_taxes(host: &Host, prefix: &str) -> Vec<String> {
    let files = host.files().into_iter();
    let mut poslogs = files.filter(|(name, _)| name.contains(&format!("/{prefix}_")));
    let (_, content) = poslogs
        .next()
        .unwrap_or_else(|| panic!("no POSLOG in {:?}", host.files().keys()));
    assert!(poslogs.next().is_none(), "one {prefix}");
    let text = String::from_utf8(content).expect("text");
    let value = |tax: &str, name: &str| {
        let (_, rest) = tax.split_once(&format!("<{name}")).expect(name);
        let (_, rest) = rest.split_once('>').expect("the start");
        rest.split_once('<').expect("the end").0.to_owned()
    };
    let taxes = text.split("<Tax ").skip(1);
    taxes
        .map(|rest| {
            let tax = rest.split_once("</Tax>").expect("the end of a tax").0;
            [
                "TaxGroupID",
                "TaxAuthority",
                "Percent",
                "TaxableAmount",
                "Amount",
            ]
            .map(|name| value(tax, name))
            .join(" ")
        })
        .collect()
}

/// Compares the POSLOGs of events with the schema of the standard, and with the arguments that the plugin got. The
/// checker shares no code with the plugin.
async fn check_poslogs(host: &Host, events: &[(&str, &str)]) {
    let mut lines = String::new();
    let mut folder = PathBuf::new();
    for (kind, event) in events {
        let journal = host.get(&format!("/v1/events/{event}/journal")).await;
        let journal = journal.expect("attempts");
        let content = async |what: &str| {
            let digest = journal[0][what].as_str().expect("a digest");
            let text = host
                .get(&format!("/v1/events/{event}/journal/{digest}"))
                .await;
            text.expect("a text")["content"].clone()
        };
        let (event, decision) = (content("argument").await, content("decision").await);
        // The argument is below the name of its record.
        let argument = event["argument"].as_object().expect("an argument");
        let argument = argument.values().next().expect("a record");
        let name = decision["documents"][0]["name"].as_str().expect("a POSLOG");
        let mut files = host.files().into_keys();
        let file = files.find(|file| file.ends_with(&format!("/{name}")));
        let path = host.data().join(file.expect("a delivered POSLOG"));
        path.parent().expect("a folder").clone_into(&mut folder);
        let line = json!({"kind": kind, "file": name, "argument": argument});
        lines.push_str(&format!("{line}\n"));
    }
    let orders = host.data().join("orders.jsonl");
    std::fs::write(&orders, lines).expect("written");
    let checked = Command::new("python3")
        .arg(root().join("host/xtask/poslog/check.py"))
        .args([
            Path::new("--schema"),
            Path::new(env!("POSLOG_SCHEMA")),
            Path::new("--orders"),
            &orders,
            &folder,
        ])
        .output()
        .expect("python3");
    let text = String::from_utf8_lossy(&checked.stdout);
    let count = format!("{} POSLOGs (", events.len());
    assert!(
        checked.status.success() && text.contains(&count),
        "{checked:?}"
    );
}

/// The sale, its refund and its void with other rates.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(
    not(poslog_standard),
    ignore = "needs xmllint, python3 and the schema: set POSLOG_XSD"
)]
async fn poslogs_of_orders_without_taxes_agree_with_the_standard() {
    let mut host = Host::new().on(Database::Sqlite);
    host.start().await;
    put_store(&host, "ft-1", "flying-tiger", "3310").await;
    put_taxes(&host, "ft-1", "21.00", true).await;
    sell(&host, "ft-1", "o-ft").await;
    put_taxes(&host, "ft-1", "25.00", true).await;
    let refund = json!({
        "id": "r-o-ft", "at": AT, "reason": "torn", "extent": {"lines": [{"line": 1, "quantity": "1"}]},
    });
    post(&host, "/v1/orders/o-ft/refunds", "r-o-ft", &refund).await;
    sell(&host, "ft-1", "o-void").await;
    let void = json!({"id": "v-1", "at": AT, "cause": "post_void"});
    post(&host, "/v1/orders/o-void/voids", "v-1", &void).await;
    host.settle().await;
    let events = [
        ("sale", "payment:p-o-ft"),
        ("refund", "refund:r-o-ft"),
        ("sale", "payment:p-o-void"),
        ("void", "void:v-1"),
    ];
    check_poslogs(&host, &events).await;
    host.stop();
}

async fn an_order_without_taxes_is_paid_and_refunded_with_them(database: Database) {
    let mut host = Host::new().on(database);
    host.start().await;
    put_store(&host, "ft-1", "flying-tiger", "3310").await;
    put_store(&host, "de-1", "desigual", "0001").await;
    put_taxes(&host, "ft-1", "21.00", true).await;
    put_taxes(&host, "de-1", "21.00", false).await;

    // The prices of the first store include the taxes, those of the second do not.
    let placed = sell(&host, "ft-1", "o-ft").await;
    assert_eq!(
        (&placed["gross"], &placed["net"]),
        (&json!(4180), &json!(3500))
    );
    let added = sell(&host, "de-1", "o-de").await;
    assert_eq!(
        (&added["gross"], &added["net"]),
        (&json!(4180 + 762 + 55), &json!(4180))
    );
    host.settle().await;
    let of_sale = [
        "STD ES 21 30.00 6.30",
        "RED ES 10 5.00 0.50",
        "STD ES 21 30.00 6.30",
        "RED ES 10 5.00 0.50",
    ];
    assert_eq!(poslog_taxes(&host, "sale"), of_sale);

    // The rate changes before the refund.
    put_taxes(&host, "ft-1", "25.00", true).await;
    put_taxes(&host, "de-1", "25.00", false).await;
    for (id, gross) in [("o-ft", 1210), ("o-de", 1210 + 254)] {
        let refund = json!({
            "id": format!("r-{id}"), "at": AT, "reason": "torn",
            "extent": {"lines": [{"line": 1, "quantity": "1"}]},
        });
        let path = format!("/v1/orders/{id}/refunds");
        let refunded = post(&host, &path, &format!("r-{id}"), &refund).await;
        assert_eq!(refunded["gross"], gross);
    }
    host.settle().await;
    let of_refund = ["STD ES 21 10.00 2.10", "STD ES 21 10.00 2.10"];
    assert_eq!(poslog_taxes(&host, "refund"), of_refund);

    // A void reverses the taxes of the sale, too.
    sell(&host, "ft-1", "o-void").await;
    let void = json!({"id": "v-1", "at": AT, "cause": "post_void"});
    post(&host, "/v1/orders/o-void/voids", "v-1", &void).await;
    host.settle().await;
    assert_eq!(
        poslog_taxes(&host, "void"),
        [
            "STD ES 25 29.04 7.26",
            "RED ES 10 5.00 0.50",
            "STD ES 25 29.04 7.26",
            "RED ES 10 5.00 0.50"
        ]
    );

    // The order is in the timeline with its evaluation, and in the metrics.
    let shown = host.run(&["timeline", "o-ft"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("evaluated lines 1, 2 · route embedded"),
        "{shown}"
    );
    let metrics = host
        .client
        .get(host.url("/metrics"))
        .send()
        .await
        .expect("sent");
    let metrics = metrics.text().await.expect("metrics");
    assert!(
        metrics.contains("galleria_tax_order_lines_total{outcome=\"evaluated\"} 6"),
        "{metrics}"
    );
    host.stop();

    let report = [
        "report",
        "run",
        "--retailer",
        "desigual",
        "--plugin",
        "taxes",
        "--from",
        "2026-11-24",
    ];
    let ran = host.run(&report);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let files = host.files();
    let report = files
        .iter()
        .find(|(name, _)| name.contains("additional_reports"));
    let (_, content) = report.expect("a report");
    // The file is in Windows-1252; only its header has letters that differ.
    let text = String::from_utf8_lossy(content);
    let rows: Vec<&str> = text.lines().filter(|row| row.contains(";ES;")).collect();
    // 30.00 + 6.30 of the sale less 12.10 + 2.54 of the refund: taxes are added to 36.30.
    let expected = [
        "0001;ES;RED;10;EUR;5,50;0,55;6,05",
        "0001;ES;STD;21;EUR;24,20;5,08;29,28",
    ];
    assert_eq!(rows, expected, "{text}");
}

/// The orders of a day, and the table of each store: the taxes that its lines have.
fn orders_and_tables(day: &Day) -> (Vec<Value>, BTreeMap<String, BTreeMap<String, Value>>) {
    let orders = day
        .requests
        .iter()
        .filter(|request| request.path == "/v1/orders");
    let orders: Vec<Value> = orders.map(|request| request.body.clone()).collect();
    let mut tables: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for order in &orders {
        let table = tables.entry(order["store_id"].as_str().expect("a store").to_owned());
        let table = table.or_default();
        for line in order["lines"].as_array().expect("lines") {
            for tax in line["taxes"].as_array().expect("taxes") {
                let row = json!({
                    "tax_code": tax["code"], "tax_level": "", "retailer_tax_level_id": "", "tax_percent": tax["rate"],
                    "authority": tax["authority"], "treatment": tax["treatment"],
                });
                table.insert(tax["code"].to_string(), row);
            }
        }
    }
    (orders, tables)
}

/// The simulator computes the taxes of its days by itself.
async fn orders_of_the_sample_days_get_the_taxes_of_the_ledger(database: Database) {
    let mut host = Host::new().on(database);
    host.start().await;
    let mut evaluated = 0;
    for day in sample_days::all() {
        day.put_stores(&host).await;
        let (orders, tables) = orders_and_tables(&day);
        for (store, table) in tables {
            let rows = table.into_values().collect();
            put_rows(&host, &store, rows, TaxSettings::default()).await;
        }
        for mut order in orders {
            let mut expected = Vec::new();
            for line in order["lines"].as_array_mut().expect("lines") {
                let taxes = line["taxes"].take();
                line["taxes"] = json!([]);
                line["attributes"] = json!([{"name": "tax-code", "value": taxes[0]["code"]}]);
                let is_voided = line["voided"] == true;
                expected.push(if is_voided { json!([]) } else { taxes });
            }
            let id = order["id"].as_str().expect("an id").to_owned();
            let placed = post(&host, "/v1/orders", &id, &order).await;
            for (line, mut taxes) in placed["lines"]
                .as_array()
                .expect("lines")
                .iter()
                .zip(expected)
            {
                for tax in taxes.as_array_mut().expect("taxes") {
                    tax["attributes"] = json!([]);
                    evaluated += 1;
                }
                assert_eq!(line["taxes"], taxes, "order {id}, line {}", line["number"]);
            }
        }
    }
    assert!(evaluated > 1_000, "{evaluated}");
    host.stop();
}
