//! The day that is kept: it is what the generator makes, its sums are right, and it has everything.

use crate::assortment::{Assortment, Market};
use crate::samples as retailers;
use galleria_domain::refunding::Extent;
use galleria_domain::{Line, LineKind, Money, Store, Tender, selling};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
        let made = super::generate(&folder, day.seed, day.events)
            .expect("a day")
            .text;
        let differs = made
            .lines()
            .zip(text.lines())
            .position(|(made, kept)| made != kept);
        assert_eq!(differs, None, "the first line that differs, from 0");
        assert!(made == text, "as long as the other");
        let other = super::generate(&folder, day.seed + 1, day.events)
            .expect("a day")
            .text;
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
    /// What cash comes in multiples of, by country.
    steps: BTreeMap<String, Money>,
    seen: BTreeSet<String>,
    /// Keys of the requests that show a code.
    shown: BTreeSet<String>,
    paid: BTreeSet<String>,
    /// A provider's, each once.
    references: BTreeSet<String>,
}

impl Books {
    fn saw(&mut self, what: &str, really: bool) {
        if really {
            self.seen.insert(what.to_owned());
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
            ["v1", "stores", _, "members", "identify"] => self.code(line),
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

    /// Somebody shows a code: whose it is the day knows, and the host has to find out.
    fn code(&mut self, line: &Value) {
        let known = &line["member"]["known"];
        self.saw("a member's code", known.is_string());
        self.saw("a code that is nobody's", line["member"] == "nobody");
        let number = known.as_str().unwrap_or("no number");
        assert!(
            !text(&line["body"], "code").contains(number),
            "a number in the clear"
        );
        self.shown.insert(text(line, "key"));
    }

    fn order(&mut self, line: &Value, stores: &[Store]) {
        let body = &line["body"];
        if let Some(key) = line["member"]["answer_to"].as_str() {
            assert!(self.shown.contains(key), "who it is, is asked before");
            assert!(body["member"].is_null(), "{key}: the host tells who it is");
        }
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
        let step = self.steps[&store.country];
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
                "{order}: a reference twice"
            );
            assert_eq!(tender.merchant_reference.as_deref(), Some(order));
        }
        self.paid.insert(order.to_owned());
    }

    fn verification(&mut self, order: &str, body: &Value) {
        assert!(
            self.paid.contains(order),
            "{order}: paid before staff look into it"
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
        self.saw(&format!("outcome {}", text(body, "outcome")), true);
        self.saw("a refused line", !refused.is_empty());
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
        let reason = text(body, "reason");
        self.saw(&format!("reason {reason}"), true);
        for tender in body["tenders"].as_array().into_iter().flatten() {
            let settled = tender["provider"].is_string();
            assert_eq!(
                tender["modification_reference"].is_string(),
                settled,
                "{order}"
            );
            self.saw("a provider's reference of a refund", settled);
        }
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
    let mut lacking = BTreeMap::new();
    for folder in retailers() {
        let (assortment, stores, day) = kept(&folder);
        let mut books = Books {
            steps: assortment
                .markets
                .iter()
                .map(|market| (market.country.clone(), market.cash_step))
                .collect(),
            ..Books::default()
        };
        let mut keys = BTreeSet::new();
        for line in day.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert!(keys.insert(text(&line, "key")), "a key twice");
            assert!(!text(&line, "lane").is_empty());
            books.read(&line, &stores);
        }
        assert_eq!(books.counts.values().sum::<usize>(), assortment.day.events);
        for kind in ["payment", "refund", "shift", "void"] {
            assert!(books.counts.contains_key(kind), "{kind}");
        }
        assert!(books.drawers.is_empty(), "every drawer is counted");
        let missing: Vec<_> = wanted(&assortment)
            .into_iter()
            .filter(|what| !books.seen.contains(what))
            .collect();
        if !missing.is_empty() {
            lacking.insert(folder, missing);
        }
    }
    assert!(lacking.is_empty(), "{lacking:?}");
}

/// What the retailer's day has to have, since its data speak of it.
fn wanted(assortment: &Assortment) -> Vec<String> {
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
    let mut wanted: Vec<String> = [
        ("a basket discount", habits.basket_discount > 0),
        ("a card", true),
        ("a code that is nobody's", codes),
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
    .filter(|(_, has)| *has)
    .map(|(what, _)| what.to_owned())
    .collect();
    let rounded = markets.iter().filter(|market| market.cash_step > 1);
    wanted.extend(rounded.map(|market| format!("cash rounding in {}", market.country)));
    wanted.extend(
        habits
            .outcomes
            .iter()
            .map(|outcome| format!("outcome {outcome}")),
    );
    wanted
}

#[test]
fn the_four_retailers_are_there() {
    let kept: Vec<_> = retailers()
        .iter()
        .map(|folder| {
            let (assortment, stores) = Assortment::read(folder).expect("an assortment");
            (assortment, stores)
        })
        .collect();
    assert_eq!(kept.len(), 4);
    let zones: BTreeSet<&str> = kept
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
    let coded = kept
        .iter()
        .filter(|(assortment, _)| assortment.members.codes.is_some());
    assert_eq!(
        coded.count(),
        1,
        "members are found by their codes at one of them"
    );
}
