//! Products: replaced one by one, imported once, listed in pages and by change.

use crate::host::{Host, test_config};
use crate::stage::Stage;
use galleria_api::{HttpConfig, UploadConfig};
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    a_file_is_imported_once_and_listed_in_pages,
    a_product_is_replaced_with_its_store_prices,
    uploads_have_their_own_size_limit,
);

const IMPORT: &str = "/v1/retailers/example/products/import";
const LIST: &str = "/v1/retailers/example/products";

fn file(count: usize, price: &str) -> String {
    let rows = (0..count).map(|n| format!("s{n:03},N{n},{price},EUR\n"));
    format!("sku,name,price,currency\n{}", rows.collect::<String>())
}

fn skus(page: &Value) -> Vec<&str> {
    let products = page["products"].as_array().expect("a list").iter();
    products
        .map(|one| one["sku"].as_str().expect("a sku"))
        .collect()
}

async fn put(host: &Host, sku: &str, key: &str, body: &Value) -> crate::host::Answer {
    host.write(Method::PUT, &format!("{LIST}/{sku}"), key, body)
        .await
}

async fn a_file_is_imported_once_and_listed_in_pages(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let text = file(250, "1.50");
    let dry = host
        .upload(&format!("{IMPORT}?dry_run=true"), "dry", "text/csv", &text)
        .await;
    assert_eq!(dry.expect(200)["added"], 250);
    assert_eq!(skus(&host.get(LIST).await.expect(200)).len(), 0);
    let first = host.upload(IMPORT, "k", "text/csv", &text).await;
    assert_eq!(first.expect(200)["added"], 250);
    let again = host.upload(IMPORT, "k", "text/csv", &text).await;
    assert!(again.replayed());
    assert_eq!(again.text, first.text);
    let other = host.upload(IMPORT, "k", "text/csv", &file(1, "2")).await;
    assert_eq!(other.code(), "idempotency_key_reused");

    let page = host.get(&format!("{LIST}?limit=200")).await.expect(200);
    assert_eq!((skus(&page).len(), &page["next"]), (200, &json!("s199")));
    let rest = host
        .get(&format!("{LIST}?limit=200&after=s199"))
        .await
        .expect(200);
    assert_eq!((skus(&rest).len(), &rest["next"]), (50, &Value::Null));

    let since = page["products"][0]["changed_at"]
        .as_str()
        .expect("an instant");
    let changed = format!("{LIST}?changed_since={since}");
    assert_eq!(skus(&host.get(&changed).await.expect(200)).len(), 0);
    host.upload(IMPORT, "one", "text/csv", &file(1, "1.60"))
        .await
        .expect(200);
    assert_eq!(skus(&host.get(&changed).await.expect(200)), ["s000"]);
    prices_have_the_marks_of_the_query(&host).await;
    host.stop().await;
}

async fn prices_have_the_marks_of_the_query(host: &Host) {
    let dear = "sku;name;price;currency\ns000;N0;1.249,90 €;EUR\n";
    let comma = format!("{IMPORT}?decimal_comma=true");
    let refused = host.upload(&comma, "dear", "text/csv", dear).await;
    assert_eq!(refused.code(), "file_refused");
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (&error["row"], &error["field"]),
        (&json!(2), &json!("price"))
    );
    let why = error["message"].as_str().expect("a message");
    assert!(
        why.contains("contains `.`") && why.contains("thousands"),
        "{why}"
    );
    let grouped = format!("{comma}&thousands=.");
    host.upload(&grouped, "grouped", "text/csv", dear)
        .await
        .expect(200);
    let read = host.get(&format!("{LIST}/s000")).await.expect(200);
    assert_eq!(read["product"]["price"]["amount"], "1249.9");
    let same = format!("{comma}&thousands=,");
    let wrong = host.upload(&same, "same", "text/csv", dear).await;
    assert_eq!(wrong.json()["errors"][0]["field"], "thousands");
    // JSON has one form only.
    for (n, amount) in [
        "1,5", "1.249,90", "1'000", "+1", "1-", "(1)", "€1", " 1", "1e3", "١",
    ]
    .iter()
    .enumerate()
    {
        let body = json!({ "name": "A", "price": { "amount": amount, "currency": "EUR" } });
        let answer = put(host, "json", &format!("json-{n}"), &body).await;
        assert_eq!(answer.code(), "bad_json", "{amount}");
    }
}

async fn a_product_is_replaced_with_its_store_prices(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let euro = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let mut product = json!({
        "name": "A", "price": euro("1.50"), "store_prices": [{ "store_id": "s1", "price": euro("1.40") }],
    });
    let first = put(&host, "a%2F1", "1", &product).await.expect(200);
    assert_eq!(first["product"]["sku"], "a/1");
    assert_eq!(first["product"]["price"]["amount"], "1.5");
    let same = put(&host, "a%2F1", "2", &product).await.expect(200);
    assert_eq!(same, first, "an identical product is unchanged");
    let page = host.get(&format!("{LIST}?store=s1")).await.expect(200);
    assert_eq!(page["products"][0]["price"]["amount"], "1.4");

    product["store_prices"] = json!([]);
    product["price"] = Value::Null;
    let gone = put(&host, "a%2F1", "3", &product).await.expect(200);
    assert_eq!(gone["store_prices"], json!([]));
    assert_eq!(host.get(&format!("{LIST}/a%2F1")).await.expect(200), gone);
    let page = host.get(&format!("{LIST}?store=s1")).await.expect(200);
    assert_eq!(
        page["products"][0]["active"], false,
        "a product without a price is not sold"
    );

    let mut wrong = product.clone();
    wrong["gtin"] = json!("1");
    wrong["price"] = json!({ "amount": "-0.01", "currency": "EUR" });
    wrong["store_prices"] = json!([
        { "store_id": "s1", "price": { "amount": "1", "currency": "euro" } },
    ]);
    let answer = put(&host, "a", "4", &wrong).await;
    assert_eq!(answer.code(), "invalid");
    let errors = answer.json()["errors"].clone();
    let fields: Vec<_> = errors
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["field"])
        .collect();
    assert_eq!(
        fields,
        ["gtin", "price.amount", "store_prices.0.price.currency"]
    );
    let mut unknown_store = product;
    unknown_store["store_prices"] = json!([
        { "store_id": "nowhere", "price": euro("0.01") },
        { "store_id": "s1", "price": { "amount": "1", "currency": "DKK" } },
    ]);
    let answer = put(&host, "a", "5", &unknown_store).await;
    assert_eq!(
        answer.json()["errors"].as_array().map(Vec::len),
        Some(2),
        "{}",
        answer.text
    );
    host.stop().await;
}

async fn uploads_have_their_own_size_limit(stage: &Stage) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = HttpConfig {
        max_body_bytes: 1000,
        uploads: UploadConfig {
            max_bytes: 4000,
            folder: Some(folder.path().to_owned()),
            ..UploadConfig::default()
        },
        ..test_config()
    };
    let host = stage.host_with(config).await;
    host.add_store_and_shift().await;
    host.upload(IMPORT, "k", "text/csv", &file(200, "1"))
        .await
        .expect(200);
    let large = host.upload(IMPORT, "l", "text/csv", &file(300, "1")).await;
    assert_eq!(large.code(), "body_too_large");
    host.stop().await;
    let left = std::fs::read_dir(folder.path()).expect("a folder");
    let left: Vec<_> = left
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
