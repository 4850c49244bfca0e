//! The day that is kept: it is what the generator makes, its sums are right, and it has everything.

use super::assortment::Assortment;
use crate::root::root;
use galleria_domain::refunding::Extent;
use galleria_domain::{Line, LineKind, Money, Store, Tender, selling};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Folders of retailers that keep a day.
fn retailers() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("retailers")).expect("retailers");
    let folders = entries.map(|entry| entry.expect("a retailer").path());
    let with_day: Vec<PathBuf> = folders
        .filter(|folder| folder.join("assortment.toml").exists())
        .collect();
    assert!(!with_day.is_empty(), "some retailer keeps a day");
    with_day
}

fn kept(folder: &std::path::Path) -> (Assortment, Vec<Store>, String) {
    let (assortment, stores) = Assortment::read(folder).expect("an assortment");
    let file = folder.join(format!("days/{}.jsonl", assortment.day.date));
    let text = std::fs::read_to_string(file).expect("the day that is kept");
    (assortment, stores, text)
}

#[test]
fn the_day_that_is_kept_is_made_again_byte_for_byte() {
    for folder in retailers() {
        let (assortment, _, text) = kept(&folder);
        let day = &assortment.day;
        let made = super::generate(&folder, day.seed, day.events).expect("a day");
        let differs = made
            .lines()
            .zip(text.lines())
            .position(|(made, kept)| made != kept);
        assert_eq!(differs, None, "the first line that differs, from 0");
        assert!(made == text, "as long as the other");
        let other = super::generate(&folder, day.seed + 1, day.events).expect("a day");
        assert!(other != text, "another seed, another day");
    }
}

/// What the host would know.
#[derive(Default)]
struct Books {
    orders: BTreeMap<String, (String, Vec<Line>)>,
    counts: BTreeMap<String, usize>,
    /// Float and cash of the open shifts.
    drawers: BTreeMap<String, Money>,
    seen: BTreeSet<&'static str>,
    paid: BTreeSet<String>,
}

impl Books {
    fn saw(&mut self, what: &'static str, really: bool) {
        if really {
            self.seen.insert(what);
        }
    }

    fn read(&mut self, line: &Value, stores: &[Store]) {
        let body = &line["body"];
        let path = line["path"].as_str().expect("a path");
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if let Some(counts) = line["counts"].as_str() {
            *self.counts.entry(counts.to_owned()).or_default() += 1;
        }
        match parts[..] {
            ["v1", "orders"] => self.order(body, stores),
            ["v1", "orders", id, "payments"] => self.payment(id, body, stores),
            ["v1", "orders", id, "refunds"] => self.refund(id, body),
            ["v1", "orders", id, "voids"] => self.void(id, body),
            ["v1", "shifts"] => {
                let float = body["opening_float"].as_i64().expect("a float");
                self.drawers.insert(text(body, "id"), float);
            }
            ["v1", "shifts", id, "end"] => self.count(id, body),
            _ => panic!("{path}"),
        }
    }

    fn order(&mut self, body: &Value, stores: &[Store]) {
        let lines: Vec<Line> = serde_json::from_value(body["lines"].clone()).expect("lines");
        let store = store(stores, &text(body, "store_id"));
        selling::sums(&lines, store.minor_digits).expect("sums that agree");
        let any = |test: &dyn Fn(&Line) -> bool| lines.iter().any(test);
        self.saw("several lines", lines.len() > 5);
        self.saw("weighed goods", any(&|line| line.unit == "KGM"));
        self.saw("a deposit", any(&|line| line.kind == LineKind::Deposit));
        self.saw(
            "a gift card sold",
            any(&|line| matches!(line.kind, LineKind::GiftCardSale(_))),
        );
        self.saw("a voided line", any(&|line| line.voided));
        self.saw("an exchange", any(&|line| line.returned));
        self.saw("an age check", any(&|line| line.age.is_some()));
        for basket in [false, true] {
            let what = if basket {
                "a basket discount"
            } else {
                "a line discount"
            };
            self.saw(
                what,
                any(&|line| {
                    line.discounts
                        .iter()
                        .any(|d| d.basket == basket && d.percent.is_some())
                }),
            );
        }
        let rates: BTreeSet<i64> = lines
            .iter()
            .flat_map(|line| &line.taxes)
            .map(|tax| tax.rate.unscaled)
            .collect();
        self.saw("several rates in a basket", rates.len() > 1);
        self.saw("a member", !body["member"].is_null());
        self.saw("training", body["training"] == true);
        self.orders
            .insert(text(body, "id"), (store.id.clone(), lines));
    }

    fn payment(&mut self, order: &str, body: &Value, stores: &[Store]) {
        let (store_id, lines) = self.orders.get(order).expect("an order before its payment");
        let store = store(stores, store_id);
        let gross = selling::sums(lines, store.minor_digits)
            .expect("sums")
            .gross;
        let tenders: Vec<Tender> =
            serde_json::from_value(body["tenders"].clone()).expect("tenders");
        let rounding = body["rounding"].as_i64().unwrap_or_default();
        selling::check_paid(&tenders, gross, rounding).expect("a paid order");
        let of = |kind: &str| tenders.iter().filter(|tender| tender.kind == kind).count();
        let cash: Vec<&Tender> = tenders
            .iter()
            .filter(|tender| tender.kind == "cash")
            .collect();
        let step = match store.currency.as_str() {
            "DKK" => 50,
            "SEK" => 100,
            _ => 1,
        };
        for tender in &cash {
            assert_eq!(tender.amount % step, 0, "{order}: coins exist");
            assert_eq!(tender.change % step, 0, "{order}: coins exist");
        }
        let drawer = body["shift_id"].as_str();
        assert!(
            cash.is_empty() || drawer.is_some(),
            "{order}: cash goes into a drawer"
        );
        let sum: Money = cash.iter().map(|tender| tender.amount).sum();
        if let Some(drawer) = drawer {
            *self.drawers.get_mut(drawer).expect("an open shift") += sum;
        }
        let (foreign, change) = (
            cash.iter().any(|tender| tender.foreign.is_some()),
            cash.iter().any(|tender| tender.change > 0),
        );
        self.saw("a card", of("card") > 0);
        self.saw("a wallet", of("wallet") > 0);
        self.saw("a gift card as tender", of("gift-card") > 0);
        self.saw("several tenders", tenders.len() > 1);
        self.saw("foreign cash", foreign);
        self.saw("change", change);
        self.saw(
            "cash rounding in DKK",
            rounding != 0 && store.currency == "DKK",
        );
        self.saw(
            "cash rounding in SEK",
            rounding != 0 && store.currency == "SEK",
        );
        assert!(rounding == 0 || step > 1, "{order}: cents are not rounded");
        self.paid.insert(order.to_owned());
    }

    fn refund(&mut self, order: &str, body: &Value) {
        assert!(
            self.orders.contains_key(order),
            "an order before its refund"
        );
        let extent: Extent = serde_json::from_value(body["extent"].clone()).expect("an extent");
        self.saw("a full refund", extent == Extent::Full);
        self.saw("a refund by amount", matches!(extent, Extent::Amount(_)));
        self.saw("a partial refund", matches!(extent, Extent::Lines(_)));
        let early = !self.paid.contains(order);
        self.saw("a refund before its payment", early);
        if let Some(drawer) = body["shift_id"].as_str() {
            assert!(!early, "{order}: no drawer pays back what is not paid");
            assert!(self.drawers.contains_key(drawer), "{order}: an open shift");
        }
    }

    fn void(&mut self, order: &str, body: &Value) {
        let cause = text(body, "cause");
        assert_eq!(
            self.paid.contains(order),
            cause == "post_void",
            "{order}: {cause}"
        );
        self.saw("a void after payment", cause == "post_void");
        self.saw("an abandoned order", cause == "abandoned");
        self.saw("a failed payment", cause == "payment_failed");
    }

    /// The drawer is closed: nothing may go into it any more.
    fn count(&mut self, shift: &str, body: &Value) {
        let amount = |name: &str| body[name].as_i64().expect("an amount");
        self.drawers.remove(shift).expect("an open shift");
        self.saw("paid in", amount("paid_in") > 0);
        self.saw("paid out", amount("paid_out") > 0);
        self.saw("a pickup", amount("pickups") > 0);
    }
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect("a text").to_owned()
}

fn store<'a>(stores: &'a [Store], id: &str) -> &'a Store {
    stores
        .iter()
        .find(|store| store.id == id)
        .expect("a store of the sample")
}

#[test]
fn a_day_has_what_a_day_has_and_its_sums_agree() {
    for folder in retailers() {
        let (assortment, stores, day) = kept(&folder);
        let mut books = Books::default();
        let mut keys = BTreeSet::new();
        for line in day.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert!(keys.insert(text(&line, "key")), "a key twice");
            assert!(!text(&line, "lane").is_empty());
            books.read(&line, &stores);
        }
        assert_eq!(books.counts.values().sum::<usize>(), assortment.day.events);
        assert_eq!(
            books.counts.keys().map(String::as_str).collect::<Vec<_>>(),
            ["payment", "refund", "shift", "void"]
        );
        assert!(books.drawers.is_empty(), "every drawer is counted");
        let wanted = [
            "a basket discount",
            "a card",
            "a deposit",
            "a failed payment",
            "a full refund",
            "a gift card as tender",
            "a gift card sold",
            "a line discount",
            "a member",
            "a partial refund",
            "a pickup",
            "a refund before its payment",
            "a refund by amount",
            "a void after payment",
            "a voided line",
            "a wallet",
            "an abandoned order",
            "an age check",
            "an exchange",
            "cash rounding in DKK",
            "cash rounding in SEK",
            "change",
            "foreign cash",
            "paid in",
            "paid out",
            "several lines",
            "several rates in a basket",
            "several tenders",
            "training",
            "weighed goods",
        ];
        let missing: Vec<_> = wanted
            .iter()
            .filter(|what| !books.seen.contains(*what))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
