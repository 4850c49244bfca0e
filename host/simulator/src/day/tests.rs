//! The days of the repository are reproducible, their sums agree, and together they cover all situations.

use crate::assortment::{Assortment, Market};
use crate::samples as retailers;
use galleria_domain::refunding::Extent;
use galleria_domain::{Line, LineKind, Money, Store, Tender, selling};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn sample(folder: &std::path::Path) -> (Assortment, Vec<Store>, String) {
    let (assortment, stores) = Assortment::read(folder).expect("an assortment");
    let file = folder.join(format!("days/{}.jsonl", assortment.day.date));
    let text = std::fs::read_to_string(file).expect("the day of the repository");
    (assortment, stores, text)
}

#[test]
fn the_days_of_the_repository_are_reproduced_byte_by_byte() {
    for folder in retailers() {
        let (assortment, _, text) = sample(&folder);
        let day = &assortment.day;
        let generated = super::generate(&folder, day.seed, day.events)
            .expect("a day")
            .text;
        let differs = generated
            .lines()
            .zip(text.lines())
            .position(|(generated, expected)| generated != expected);
        assert_eq!(differs, None, "index of the first difference");
        assert!(generated == text, "same length");
        let other = super::generate(&folder, day.seed + 1, day.events)
            .expect("a day")
            .text;
        assert!(other != text, "another seed gives another day");
    }
}

/// The state of a host, as far as the tests need it, and the situations in a day.
#[derive(Default)]
struct Checker {
    /// Store id and lines.
    orders: BTreeMap<String, (String, Vec<Line>)>,
    counts: BTreeMap<String, usize>,
    /// Float and cash of the open shifts.
    drawers: BTreeMap<String, Money>,
    /// Smallest coin, by country.
    steps: BTreeMap<String, Money>,
    situations: BTreeSet<String>,
    /// Idempotency keys of the identification requests.
    identifications: BTreeSet<String>,
    paid: BTreeSet<String>,
    /// References of the payment provider.
    references: BTreeSet<String>,
}

impl Checker {
    fn note(&mut self, situation: &str, present: bool) {
        if present {
            self.situations.insert(situation.to_owned());
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
            ["v1", "stores", _, "members", "identify"] => self.identification(line),
            ["v1", "orders"] => self.order(line, stores),
            ["v1", "orders", id, "payments"] => self.payment(id, body, stores),
            ["v1", "orders", id, "refunds"] => self.refund(id, body),
            ["v1", "orders", id, "voids"] => self.void(id, body),
            ["v1", "orders", id, "verifications"] => self.verification(id, body),
            ["v1", "shifts"] => {
                let float = body["opening_float"].as_i64().expect("a float");
                self.drawers.insert(text(body, "id"), float);
            }
            ["v1", "shifts", id, "end"] => self.count(id, body),
            _ => panic!("{path}"),
        }
    }

    /// The day has the expected member number beside the request, not in it.
    fn identification(&mut self, line: &Value) {
        let known = &line["member"]["known"];
        self.note("a member's code", known.is_string());
        self.note("an invalid code", line["member"] == "nobody");
        let number = known.as_str().unwrap_or("no number");
        assert!(
            !text(&line["body"], "code").contains(number),
            "the number is not encrypted"
        );
        self.identifications.insert(text(line, "key"));
    }

    fn order(&mut self, line: &Value, stores: &[Store]) {
        let body = &line["body"];
        if let Some(key) = line["member"]["answer_to"].as_str() {
            assert!(
                self.identifications.contains(key),
                "{key}: identified before"
            );
            assert!(
                body["member"].is_null(),
                "{key}: the host returns the member"
            );
        }
        let lines: Vec<Line> = serde_json::from_value(body["lines"].clone()).expect("lines");
        let store = store(stores, &text(body, "store_id"));
        selling::sum_lines(&lines, store.minor_digits).expect("sums that agree");
        let any = |test: &dyn Fn(&Line) -> bool| lines.iter().any(test);
        self.note("several lines", lines.len() > 5);
        self.note("weighed goods", any(&|line| line.unit == "KGM"));
        self.note("a deposit", any(&|line| line.kind == LineKind::Deposit));
        self.note(
            "a gift card sold",
            any(&|line| matches!(line.kind, LineKind::GiftCardSale(_))),
        );
        self.note("a voided line", any(&|line| line.voided));
        self.note("an exchange", any(&|line| line.returned));
        self.note("an age check", any(&|line| line.age.is_some()));
        for basket in [false, true] {
            let what = if basket {
                "a basket discount"
            } else {
                "a line discount"
            };
            self.note(
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
        self.note("several rates in a basket", rates.len() > 1);
        self.note("a member", !body["member"].is_null());
        self.note("training", body["training"] == true);
        self.orders
            .insert(text(body, "id"), (store.id.clone(), lines));
    }

    fn payment(&mut self, order: &str, body: &Value, stores: &[Store]) {
        let (store_id, lines) = self.orders.get(order).expect("an order before its payment");
        let store = store(stores, store_id);
        let gross = selling::sum_lines(lines, store.minor_digits)
            .expect("sums")
            .gross;
        let tenders: Vec<Tender> =
            serde_json::from_value(body["tenders"].clone()).expect("tenders");
        let rounding = body["rounding"].as_i64().unwrap_or_default();
        selling::check_paid(&tenders, gross, rounding, store.cash_step_in_minor())
            .expect("a paid order");
        let count = |kind: &str| tenders.iter().filter(|tender| tender.kind == kind).count();
        let cash: Vec<&Tender> = tenders
            .iter()
            .filter(|tender| tender.kind == "cash")
            .collect();
        let step = self.steps[&store.country];
        for tender in &cash {
            assert_eq!(tender.amount % step, 0, "{order}: payable in coins");
            assert_eq!(tender.change % step, 0, "{order}: payable in coins");
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
        self.note("a card", count("card") > 0);
        self.note("a wallet", count("wallet") > 0);
        self.note("a gift card as tender", count("gift-card") > 0);
        self.note("several tenders", tenders.len() > 1);
        self.note("foreign cash", foreign);
        self.note("change", change);
        self.note(
            &format!("cash rounding in {}", store.country),
            rounding != 0,
        );
        assert!(rounding == 0 || step > 1, "{order}: cents are not rounded");
        for tender in tenders.iter().filter(|tender| tender.provider.is_some()) {
            let reference = tender
                .psp_reference
                .clone()
                .expect("a provider's reference");
            assert!(
                self.references.insert(reference),
                "{order}: duplicate reference"
            );
            assert_eq!(tender.merchant_reference.as_deref(), Some(order));
        }
        self.paid.insert(order.to_owned());
    }

    fn verification(&mut self, order: &str, body: &Value) {
        assert!(
            self.paid.contains(order),
            "{order}: paid before the verification"
        );
        let (_, lines) = &self.orders[order];
        let refused = body["refused_lines"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for number in &refused {
            assert!(
                lines.iter().any(|line| *number == line.number),
                "{order}: its line"
            );
        }
        self.note(&format!("outcome {}", text(body, "outcome")), true);
        self.note("a refused line", !refused.is_empty());
    }

    fn refund(&mut self, order: &str, body: &Value) {
        assert!(
            self.orders.contains_key(order),
            "an order before its refund"
        );
        let extent: Extent = serde_json::from_value(body["extent"].clone()).expect("an extent");
        self.note("a full refund", extent == Extent::Full);
        self.note("a refund by amount", matches!(extent, Extent::Amount(_)));
        self.note("a partial refund", matches!(extent, Extent::Lines(_)));
        let reason = text(body, "reason");
        self.note(&format!("reason {reason}"), true);
        for tender in body["tenders"].as_array().into_iter().flatten() {
            let settled = tender["provider"].is_string();
            assert_eq!(
                tender["modification_reference"].is_string(),
                settled,
                "{order}"
            );
            self.note("a provider's reference of a refund", settled);
        }
        let early = !self.paid.contains(order);
        self.note("a refund before its payment", early);
        if let Some(drawer) = body["shift_id"].as_str() {
            assert!(!early, "{order}: a drawer cannot refund an unpaid order");
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
        self.note("a void after payment", cause == "post_void");
        self.note("an abandoned order", cause == "abandoned");
        self.note("a failed payment", cause == "payment_failed");
    }

    /// Closes the drawer: later requests must not name it.
    fn count(&mut self, shift: &str, body: &Value) {
        let amount = |name: &str| body[name].as_i64().expect("an amount");
        self.drawers.remove(shift).expect("an open shift");
        self.note("paid in", amount("paid_in") > 0);
        self.note("paid out", amount("paid_out") > 0);
        self.note("a pickup", amount("pickups") > 0);
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
fn days_cover_all_situations_and_their_sums_agree() {
    let mut lacking = BTreeMap::new();
    for folder in retailers() {
        let (assortment, stores, day) = sample(&folder);
        let mut checker = Checker {
            steps: (stores.iter())
                .map(|store| (store.country.clone(), store.cash_step_in_minor()))
                .collect(),
            ..Checker::default()
        };
        let mut keys = BTreeSet::new();
        for line in day.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert!(keys.insert(text(&line, "key")), "duplicate idempotency key");
            assert!(!text(&line, "lane").is_empty());
            checker.read(&line, &stores);
        }
        assert_eq!(
            checker.counts.values().sum::<usize>(),
            assortment.day.events
        );
        for kind in ["payment", "refund", "shift", "void"] {
            assert!(checker.counts.contains_key(kind), "{kind}");
        }
        assert!(checker.drawers.is_empty(), "every drawer is counted");
        let missing: Vec<_> = required(&assortment, &checker.steps)
            .into_iter()
            .filter(|situation| !checker.situations.contains(situation))
            .collect();
        if !missing.is_empty() {
            lacking.insert(folder, missing);
        }
    }
    assert!(lacking.is_empty(), "{lacking:?}");
}

/// Lists the situations that the day of a retailer must have according to its assortment.
fn required(assortment: &Assortment, steps: &BTreeMap<String, Money>) -> Vec<String> {
    let habits = &assortment.habits;
    let payments = &assortment.payments;
    let products = &assortment.products;
    let markets = &assortment.markets;
    let codes = assortment.members.codes.is_some();
    let rates = |market: &Market| {
        let rates = market.taxes.values().map(|tax| (tax.rate, tax.scale));
        rates
            .filter(|(rate, _)| *rate > 0)
            .collect::<BTreeSet<_>>()
            .len()
    };
    let mut required: Vec<String> = [
        ("a basket discount", habits.basket_discount > 0),
        ("a card", true),
        ("an invalid code", codes),
        ("a deposit", products.iter().any(|product| product.deposit)),
        ("a failed payment", true),
        ("a full refund", true),
        ("a gift card as tender", payments.gift_card > 0),
        ("a gift card sold", habits.gift_card_sold > 0),
        ("a line discount", habits.line_discount > 0),
        ("a member", habits.member > 0 && !codes),
        ("a member's code", codes),
        ("a partial refund", true),
        ("a pickup", true),
        (
            "a provider's reference of a refund",
            payments.refund_reference.is_some(),
        ),
        ("a refund before its payment", habits.early_refunds > 0),
        ("a refund by amount", true),
        ("a refused line", habits.verified > 0),
        ("a void after payment", true),
        ("a voided line", habits.voided_line > 0),
        ("a wallet", payments.wallet > 0),
        ("an abandoned order", true),
        (
            "an age check",
            products.iter().any(|product| product.minimum_age.is_some()),
        ),
        ("an exchange", habits.exchange > 0),
        ("change", true),
        (
            "foreign cash",
            markets.iter().any(|market| market.foreign.is_some()),
        ),
        ("paid in", true),
        ("paid out", true),
        ("several lines", habits.large_basket.1 > 7),
        (
            "several rates in a basket",
            markets.iter().any(|market| rates(market) > 1),
        ),
        ("several tenders", payments.gift_card > 0),
        ("training", habits.training > 0),
        (
            "weighed goods",
            products.iter().any(|product| product.weighed),
        ),
    ]
    .into_iter()
    .filter(|(_, required)| *required)
    .map(|(situation, _)| situation.to_owned())
    .collect();
    let rounded = steps.iter().filter(|(_, step)| **step > 1);
    required.extend(rounded.map(|(country, _)| format!("cash rounding in {country}")));
    required.extend(
        habits
            .outcomes
            .iter()
            .map(|outcome| format!("outcome {outcome}")),
    );
    required
}

#[test]
fn the_four_sample_retailers_exist() {
    let samples: Vec<_> = retailers()
        .iter()
        .map(|folder| {
            let (assortment, stores) = Assortment::read(folder).expect("an assortment");
            (assortment, stores)
        })
        .collect();
    assert_eq!(samples.len(), 4);
    let zones: BTreeSet<&str> = samples
        .iter()
        .flat_map(|(_, stores)| stores)
        .map(|store| store.zone.as_str())
        .collect();
    for zone in [
        "Europe/Brussels",
        "Europe/Copenhagen",
        "Europe/London",
        "Europe/Madrid",
        "Europe/Paris",
    ] {
        assert!(zones.contains(zone), "{zone}");
    }
    let with_codes = samples
        .iter()
        .filter(|(assortment, _)| assortment.members.codes.is_some());
    assert_eq!(
        with_codes.count(),
        1,
        "one retailer identifies members by codes"
    );
}
