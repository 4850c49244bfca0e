//! The time to evaluate a basket of 50 items with two rates.
//!
//! `cargo bench -p galleria-domain`

use divan::Bencher;
use galleria_domain::tax::{RoundingMethod, TaxBasket, evaluate};
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
