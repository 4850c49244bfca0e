//! Many days of random activities: the rows of each report add up to the input, and another order of
//! columns gives the same cells.

use desigual_reports::{DesigualReports, Kind, Role};
use galleria_sdk::Decimal;
use galleria_sdk::testkit::{self, Answer, Event};
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Sums by currency and name.
type Sums = BTreeMap<(String, String), i64>;

/// Days of several stores, as both feeds contain them, and their sums.
struct Days {
    lines: Vec<Value>,
    activities: Vec<Value>,
    sums: Sums,
}

fn store(number: usize) -> Value {
    let (currency, country) = [("EUR", "ES"), ("GBP", "GB"), ("JPY", "JP")][number % 3];
    json!({
        "id": format!("s{number}"), "external_id": format!("X{number}"), "retailer": "r",
        "store_type": "t", "country": country, "currency": currency,
        "minor_digits": if currency == "JPY" { 0 } else { 2 }, "zone": "Europe/Madrid",
    })
}

fn line(random: &mut ChaCha8Rng, number: usize, may_return: bool) -> Value {
    let amount: i64 = random.random_range(0..100_000);
    let rate = [0, 4, 10, 21][random.random_range(0..4)];
    let tax = amount * rate / (100 + rate);
    let discounts: Vec<Value> = (0..random.random_range(0..3))
        .map(|_| {
            let coupon = random
                .random_bool(0.4)
                .then(|| format!("C{}", random.random_range(0..3)));
            json!({
                "id": format!("d{}", random.random_range(0..4)), "reason": "=why, \"so\"",
                "amount": random.random_range(0..500), "percent": null, "coupon": coupon,
                "basket": random.random_bool(0.5),
            })
        })
        .collect();
    json!({
        "number": number, "parent": null, "origin_line": null, "gtin": null, "age": null,
        "returned": may_return && random.random_bool(0.1), "voided": false,
        "sku": format!("-{}", random.random_range(0..9)), "description": "ñ; thing",
        "category": format!("c{}/d{}", random.random_range(0..3), random.random_range(0..3)),
        "quantity": Decimal::new(random.random_range(1..5), random.random_range(0..3)),
        "unit": "EA", "regular_price": "1",
        "unit_price": "1", "amount": amount, "discounts": discounts,
        "taxes": [{
            "code": format!("T{rate}"), "authority": "ES", "rate": Decimal::new(rate * 10, 1),
            "taxable": amount - tax, "amount": tax, "included": true, "treatment": "standard",
        }],
    })
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn total(items: &Value, field: &str) -> i64 {
    items
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| number(&item[field]))
        .sum()
}

/// A sale of these lines, paid with up to three tenders.
fn sale(random: &mut ChaCha8Rng, entry: &Value, lines: Vec<Value>) -> Value {
    let (mut gross, mut taxes) = (0, Vec::new());
    for line in &lines {
        let sign = if line["returned"] == true { -1 } else { 1 };
        gross += sign * number(&line["amount"]);
        let mut tax = line["taxes"][0].clone();
        tax["amount"] = json!(sign * number(&tax["amount"]));
        tax["taxable"] = json!(sign * number(&tax["taxable"]));
        taxes.push(tax);
    }
    let taxes = json!(taxes);
    let net = gross - total(&taxes, "amount");
    let mut left = gross;
    let mut tenders = Vec::new();
    for number in 1..=3 {
        let amount = if number == 3 {
            left
        } else {
            random.random_range(0..=left.max(0))
        };
        left -= amount;
        tenders.push(json!({
            "number": number, "kind": (["cash", "card", "wallet"][random.random_range(0..3)]),
            "amount": amount, "tendered": amount, "change": 0, "foreign": null,
            "provider": random.random_bool(0.5).then_some("adyen"), "psp_reference": null,
            "modification_reference": null, "merchant_reference": null, "authorisation": null,
            "scheme": (["visa", "mc"][random.random_range(0..2)]), "masked": null,
            "stored_value": null,
        }));
    }
    json!({
        "entry": entry, "member": null, "lines": lines, "tenders": tenders, "taxes": taxes,
        "rounding": 0, "net": net, "gross": gross,
    })
}

impl Days {
    fn made(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut days = Self {
            lines: vec![],
            activities: vec![],
            sums: Sums::new(),
        };
        let mut entries = 0;
        for number in 0..random.random_range(1..5) {
            let store = store(number);
            for day in 23..=25 {
                for at in 0..random.random_range(0..8) {
                    entries += 1;
                    days.activity(&mut random, &store, day, at + 9, entries);
                }
            }
        }
        days
    }

    fn activity(&mut self, random: &mut ChaCha8Rng, store: &Value, day: u8, hour: u8, id: u32) {
        let date = format!("2026-11-{day}");
        let at = format!("{date}T{hour:02}:00:00.000+01:00");
        let entry = json!({
            "id": format!("e{id}"), "order_id": "o", "external_id": null, "workstation": "w",
            "sequence": id, "receipt": format!("w-{id}"), "cashier": null, "business_date": date,
            "begun_at": at, "ended_at": at, "currency": store["currency"],
        });
        let kind = random.random_range(0..6);
        let count = random.random_range(1..5);
        let lines: Vec<Value> = (1..=count).map(|n| line(random, n, kind != 3)).collect();
        let sale = sale(random, &entry, lines);
        let activity = match kind {
            0..=2 => {
                self.count(store, &sale, 1, false);
                json!({ "sale": sale })
            }
            3 => {
                self.count(store, &sale, -1, true);
                let mut refund = sale.clone();
                let object = refund.as_object_mut().expect("an object");
                object.remove("member");
                object.extend([
                    ("origin".into(), json!("none")),
                    ("reason".into(), json!("@torn")),
                ]);
                for line in refund["lines"].as_array_mut().expect("lines") {
                    line["returned"] = json!(true);
                }
                json!({ "refund": refund })
            }
            4 => {
                self.count(store, &sale, -1, false);
                self.add(store, "given_back", number(&sale["gross"]));
                json!({ "cancellation": {
                    "entry": entry, "cause": "post_void", "origin": { "sale": sale }, "lines": sale["lines"],
                } })
            }
            _ => {
                self.add(store, "verifications", 1);
                self.add(store, "baskets", number(&sale["gross"]));
                json!({ "verification": {
                    "sale": sale, "business_date": date, "cashier": "op", "at": at,
                    "outcome": (["passed", "refused"][random.random_range(0..2)]),
                } })
            }
        };
        if kind == 3 {
            self.add(store, "given_back", number(&sale["gross"]));
        }
        self.activities.push(json!([store, activity]));
    }

    fn add(&mut self, store: &Value, name: &str, amount: i64) {
        let currency = store["currency"].as_str().expect("a currency").to_owned();
        *self.sums.entry((currency, name.to_owned())).or_default() += amount;
    }

    /// Counts a sale or a repayment, and returns its lines as in the other feed.
    fn count(&mut self, store: &Value, sale: &Value, sign: i64, refund: bool) {
        for line in sale["lines"].as_array().expect("lines") {
            let turned = line["returned"] == true && !refund;
            let sign = if turned { -sign } else { sign };
            let discount = total(&line["discounts"], "amount");
            let tax = total(&line["taxes"], "amount");
            let amount = number(&line["amount"]);
            let discounts = line["discounts"].as_array().expect("discounts").iter();
            let coupons = discounts.filter(|discount| !discount["coupon"].is_null());
            let coupons: i64 = coupons.map(|discount| number(&discount["amount"])).sum();
            for (name, of) in [
                ("gross", amount),
                ("tax", tax),
                ("discount", discount),
                ("coupon", coupons),
                ("lines", 1),
            ] {
                let sign = if name == "lines" { 1 } else { sign };
                self.add(store, name, sign * of);
            }
            let entry = &sale["entry"];
            self.lines.push(json!({
                "store": store["external_id"], "business_date": entry["business_date"],
                "begun_at": entry["begun_at"], "entry": entry["id"], "number": line["number"],
                "returned": sign < 0, "sku": line["sku"], "description": line["description"],
                "category": line["category"], "quantity": line["quantity"],
                "currency": store["currency"], "amount": amount, "net": amount - tax,
                "discount": discount, "tax_code": line["taxes"][0]["code"], "tax": tax,
            }));
        }
    }

    /// The cells of the report by column, row by row, file by file.
    fn files(&self, settings: &Value) -> Vec<Vec<BTreeMap<String, String>>> {
        let event: Event = serde_json::from_value(json!({
            "point": "report",
            "context": {
                "event_id": "run:1", "occurred_at": "2026-11-26T05:00:00.000+00:00",
                "business_date": "2026-11-25", "scope": { "retailer": "r" }, "settings": settings,
            },
            "window": { "id": "w", "first": "2026-11-23", "last": "2026-11-25", "stores": 4,
                "as_of": "2026-11-26T05:00:00.000+00:00" },
            "sale_lines": self.lines, "activities": self.activities,
        }))
        .expect("an event");
        let outcome = testkit::run::<DesigualReports>(&event).expect("served");
        assert!(
            matches!(outcome.answer, Answer::Totals(_)),
            "{:?}",
            outcome.answer
        );
        let files = outcome.files.iter().map(|file| {
            let mut rows = read(&file.body).into_iter();
            let header = rows.next().expect("a header");
            let named = rows.map(|row| {
                assert_eq!(row.len(), header.len());
                header.iter().cloned().zip(row).collect()
            });
            named.collect()
        });
        files.collect()
    }

    fn report(&self, settings: &Value) -> Vec<BTreeMap<String, String>> {
        self.files(settings).concat()
    }
}

/// Reads with a library that shares no code with the writer.
fn read(file: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let (mut rows, mut row, mut cell, mut input) = (vec![], vec![], vec![], file);
    loop {
        let mut out = [0; 256];
        let (result, taken, given) = reader.read_field(input, &mut out);
        input = &input[taken..];
        cell.extend_from_slice(&out[..given]);
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8(std::mem::take(&mut cell)).expect("UTF-8"));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            csv_core::ReadFieldResult::End => return rows,
            _ => {}
        }
    }
}

/// A column over all rows of a currency, in minor units.
fn sum(rows: &[BTreeMap<String, String>], currency: &str, column: &str, amount: bool) -> i64 {
    let digits = if currency == "JPY" || !amount { 0 } else { 2 };
    let rows = rows.iter().filter(|row| row["currency"] == currency);
    rows.map(|row| galleria_sdk::money::parse(&row[column], digits).expect("a number"))
        .sum()
}

/// The sums of the input that a report's columns must equal.
fn agreements(report: Kind) -> &'static [(&'static str, &'static str)] {
    match report {
        Kind::SalesByDay | Kind::SalesByHour | Kind::SalesByArticle | Kind::SalesByCategory => &[
            ("gross", "gross"),
            ("tax", "tax"),
            ("discount", "discount"),
            ("lines", "lines"),
        ],
        Kind::Discounts => &[("amount", "discount")],
        Kind::Coupons => &[("amount", "coupon")],
        Kind::Refunds => &[("gross", "given_back")],
        Kind::Tenders => &[("amount", "gross")],
        Kind::Taxes => &[("tax", "tax"), ("gross", "gross")],
        Kind::Verifications => &[("basket", "baskets"), ("verifications", "verifications")],
    }
}

#[test]
fn the_rows_of_each_report_add_up_to_the_input() {
    for seed in 0..12 {
        let days = Days::made(seed);
        for report in Kind::ALL {
            for (file, period) in [("one", "day"), ("per_store", "day"), ("one", "window")] {
                if period == "window" && report.always_by_day() {
                    continue;
                }
                let settings = json!({ "report": report.name(), "file": file, "period": period });
                let rows = days.report(&settings);
                for currency in ["EUR", "GBP", "JPY"] {
                    for (column, name) in agreements(report) {
                        let role = report.columns().iter().find(|known| known.name == *column);
                        let amount = role.expect("a column").role.is_amount();
                        let key = (currency.to_owned(), (*name).to_owned());
                        let right = days.sums.get(&key).copied().unwrap_or_default();
                        let found = sum(&rows, currency, column, amount);
                        assert_eq!(found, right, "{seed} {settings} {currency} {column}");
                    }
                }
            }
        }
    }
}

#[test]
fn another_order_of_columns_gives_the_same_cells() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for seed in 0..8 {
        let days = Days::made(seed);
        for report in Kind::ALL {
            let columns: Vec<&str> = report.columns().iter().map(|column| column.name).collect();
            let settings = |columns: &[&str]| {
                let columns: Vec<Value> = columns
                    .iter()
                    .map(|name| json!({ "column": name }))
                    .collect();
                json!({ "report": report.name(), "period": "day", "columns": columns })
            };
            let mut other = columns.clone();
            other.shuffle(&mut random);
            let rows = days.report(&settings(&columns));
            assert_eq!(days.report(&settings(&other)), rows, "{other:?}");
        }
    }
}

#[test]
fn a_row_of_totals_is_the_sum_of_the_rows_of_its_file() {
    for seed in 0..8 {
        let days = Days::made(seed);
        for report in Kind::ALL {
            let settings = json!({
                "report": report.name(), "file": "per_store", "totals": true, "totals_label": "SUM",
                "period": "day",
            });
            for mut rows in days.files(&settings) {
                // A store has one currency, and its file has one row of totals.
                let Some(totals) = rows.pop() else {
                    continue;
                };
                assert_eq!(totals["store"], "SUM");
                for column in report.columns() {
                    let currency = totals["currency"].clone();
                    match column.role {
                        Role::Amount(_) | Role::Count(_) => {
                            let amount = column.role.is_amount();
                            let of_total = std::slice::from_ref(&totals);
                            assert_eq!(
                                sum(of_total, &currency, column.name, amount),
                                sum(&rows, &currency, column.name, amount),
                                "{seed} {settings} {}",
                                column.name
                            );
                        }
                        Role::CountOnce(_) => assert_eq!(totals[column.name], ""),
                        _ => {}
                    }
                }
            }
        }
    }
}
