//! The time to evaluate a basket of 50 items with two rates, and that of a request in JSON with the same items.
//!
//! `cargo bench -p galleria-domain`

use divan::Bencher;
use galleria_domain::tax::{
    Rounding, RoundingMethod, TableTerms, TaxBasket, TaxRequest, TaxTable, evaluate,
    evaluate_request,
};
use serde_json::json;

fn main() {
    divan::main();
}

fn basket(included: bool, method: RoundingMethod) -> TaxBasket {
    let items: Vec<_> = (0..50)
        .map(|n| {
            let rate = ["21", "10"][n % 2];
            json!({
                "id": n.to_string(), "amount": format!("{}.{:02}", n + 1, n * 7 % 100), "quantity": "2",
                "taxes": [{"code": "IVA", "authority": "ES", "rate": rate, "included": included}],
            })
        })
        .collect();
    let basket = json!({ "items": items, "rounding": { "method": method } });
    serde_json::from_value(basket).expect("a basket")
}

const METHODS: [RoundingMethod; 3] = [
    RoundingMethod::PerLine,
    RoundingMethod::PerRate,
    RoundingMethod::PerTotal,
];

#[divan::bench(args = METHODS)]
fn included(bencher: Bencher<'_, '_>, method: RoundingMethod) {
    let basket = basket(true, method);
    bencher.bench(|| evaluate(&basket));
}

#[divan::bench(args = METHODS)]
fn added(bencher: Bencher<'_, '_>, method: RoundingMethod) {
    let basket = basket(false, method);
    bencher.bench(|| evaluate(&basket));
}

/// From the JSON of a request to the JSON of its response.
#[divan::bench]
fn request(bencher: Bencher<'_, '_>) {
    let rows = json!([
        {"tax_code": "STD", "tax_level": "IVA 21", "retailer_tax_level_id": "1", "tax_percent": "21.00"},
        {"tax_code": "RED", "tax_level": "IVA 10", "retailer_tax_level_id": "2", "tax_percent": "10.00"},
    ]);
    let rows: Vec<_> = serde_json::from_value(rows).expect("rows");
    let (table, default_taxes) = (TaxTable::new(rows), TaxTable::default());
    let items = (0..50).map(|n| {
        let code = ["STD", "RED"][n % 2];
        json!({"item_id": n.to_string(), "tax_code": code,
            "total_amount": format!("{}.{:02}", n + 1, n * 7 % 100)})
    });
    let text = json!({"store_data": {"store_id": "s"}, "items": items.collect::<Vec<_>>()});
    let text = text.to_string();
    let terms = TableTerms {
        table: &table,
        default_taxes: &default_taxes,
        rounding: Rounding::default(),
        date: "2026-11-30".parse().expect("a date"),
        included: true,
    };
    bencher.bench(|| {
        let request: TaxRequest = serde_json::from_str(&text).expect("a request");
        let response = evaluate_request(&request, terms).expect("taxes");
        serde_json::to_string(&response).expect("JSON")
    });
}
