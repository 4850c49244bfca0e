//! A plugin as an author writes it, called natively through `plugin!` and the test kit.

use galleria_sdk::prelude::*;
use galleria_sdk::testkit::{self, Answer, Event, Served};
use serde_json::json;

/// The directory of the files.
#[derive(serde::Deserialize)]
pub struct Settings {
    directory: String,
}

/// Serves one point of each shape.
pub struct Sample;

impl Plugin for Sample {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        match settings.directory.as_str() {
            "" => vec![Problem::new("directory", "must name a directory")],
            _ => Vec::new(),
        }
    }
}

impl OnPayment for Sample {
    fn handle(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
        let begun = Instant::parse(&sale.entry.begun_at).at("entry.begun_at")?;
        let number = cx.counter("file-number")?;
        let name = format!("{}-{number}.txt", begun.format("%Y%m%d")?);
        let store = &cx.store()?.external_id;
        Decision::new()
            .document(&cx.settings().directory, name, "text/plain", store.as_str())
            .publish("orders", None, &json!({ "gross": sale.gross }))
    }
}

impl OnReply for Sample {
    fn handle(_: &Context<Settings>, request: &Outgoing, reply: &Reply) -> Result<Decision, Fault> {
        match reply.status {
            200 => Ok(Decision::new().note("answered", &request.id)),
            503 => Err(Fault::retry_in(30, "the target is busy")),
            _ => Err(Fault::failed("the target refused")),
        }
    }
}

impl IdentifyMember for Sample {
    fn identify(_: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
        Ok(code.strip_prefix("member:").map(|id| Member {
            id: id.to_owned(),
            programme: "sample".to_owned(),
            attributes: Vec::new(),
        }))
    }
}

impl Report for Sample {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        let mut file = Output::create(&cx.settings().directory, &window.id, "text/plain");
        let mut rows = 0;
        for line in SaleLines::open() {
            file.write(line.sku().as_bytes());
            file.write(line.quantity().to_string().as_bytes());
            rows += 1;
        }
        file.close();
        Ok(Totals {
            rows,
            sums: Vec::new(),
        })
    }
}

galleria_sdk::plugin!(Sample: OnPayment, OnReply, IdentifyMember, Report);

fn event(point: &str, more: serde_json::Value) -> Event {
    let mut event = json!({
        "point": point,
        "context": {
            "event_id": "e1", "occurred_at": "2026-11-24T18:03:07.000+01:00",
            "business_date": "2026-11-24", "settings": { "directory": "poslog" },
            "counters": [{ "name": "file-number", "value": 17 }],
            "scope": { "store": {
                "id": "s1", "external_id": "0042", "retailer": "sample", "store_type": "kiosk",
                "country": "ES", "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
                // A field of the host that the contract does not have.
                "day_starts_minute": 240,
            } },
        },
    });
    let merge = more.as_object().expect("an object").clone();
    event.as_object_mut().expect("an object").extend(merge);
    serde_json::from_value(event).expect("an event")
}

fn sale(begun_at: &str) -> serde_json::Value {
    json!({ "argument": {
        "entry": {
            "id": "p1", "order_id": "o1", "workstation": "1", "sequence": 1, "receipt": "1",
            "business_date": "2026-11-24", "begun_at": begun_at,
            "ended_at": "2026-11-24T18:03:07.000+01:00", "currency": "EUR",
        },
        "rounding": 0, "net": 826, "gross": 1000,
    } })
}

fn answer(event: &Event) -> Answer {
    testkit::run::<Sample>(event).expect("a call").answer
}

#[test]
fn a_payment_becomes_a_decision() {
    let event = event("on-payment", sale("2026-11-24T18:02:00.000+01:00"));
    let Answer::Decision(decision) = answer(&event) else {
        panic!("no decision");
    };
    assert_eq!(decision.documents[0].name, "20261124-17.txt");
    assert_eq!(decision.documents[0].body, b"0042");
    assert_eq!(decision.publications[0].data, "{\"gross\":1000}");
}

#[test]
fn a_bad_value_is_invalid_with_its_field() {
    let event = event("on-payment", sale("24.11.2026"));
    let Answer::Fault(Fault::Invalid(problems)) = answer(&event) else {
        panic!("not invalid");
    };
    assert_eq!(problems[0].field, "entry.begun_at");
}

#[test]
fn a_run_over_a_retailer_has_no_store_and_an_undeclared_counter_is_misconfigured() {
    let mut event = event("on-payment", sale("2026-11-24T18:02:00.000+01:00"));
    event.context.scope = galleria_domain::Scope::Retailer("sample".into());
    assert!(
        matches!(answer(&event), Answer::Fault(Fault::Invalid(p)) if p[0].field == "context.scope")
    );
    event.context.counters.clear();
    assert!(
        matches!(answer(&event), Answer::Fault(Fault::Misconfigured(p)) if p[0].field == "counters.file-number")
    );
}

#[test]
fn invalid_settings_are_misconfigured_by_field() {
    let mut event = event("on-payment", sale("2026-11-24T18:02:00.000+01:00"));
    event.context.settings = json!({ "directory": 7 });
    let Answer::Fault(Fault::Misconfigured(problems)) = answer(&event) else {
        panic!("not misconfigured");
    };
    assert_eq!(
        problems[0].to_string(),
        "directory: invalid type: integer `7`, expected a string"
    );
}

#[test]
fn replies_and_codes_reach_their_points() {
    let answered = |status: u16| {
        event(
            "on-reply",
            json!({ "argument": {
            "request": Outgoing::new("r1", "erp", "POST", "/x").body("{}"),
            "reply": { "status": status },
        } }),
        )
    };
    assert!(matches!(answer(&answered(200)), Answer::Decision(d) if d.notes[0].value == "r1"));
    assert!(
        matches!(answer(&answered(503)), Answer::Fault(Fault::Retry(later)) if later.seconds == Some(30))
    );
    let code = |code: &str| event("identify-member", json!({ "argument": code }));
    assert!(matches!(answer(&code("member:9")), Answer::Value(v) if v["id"] == "9"));
    assert!(matches!(answer(&code("x")), Answer::Value(v) if v.is_null()));
}

#[test]
fn a_run_reads_every_batch() {
    let rows: Vec<_> = (0..30).map(|row| json!({
        "store": "0042", "business_date": "2026-11-24", "begun_at": "", "entry": "p1", "number": row,
        "sku": format!("é{row};"), "quantity": Decimal::new(row, 1), "currency": "EUR", "amount": row,
    })).collect();
    let window = json!({ "id": "w1", "first": "2026-11-24", "last": "2026-11-24", "as_of": "", "stores": 1 });
    let event = event("report", json!({ "window": window, "sale_lines": rows }));
    let outcome = testkit::run::<Sample>(&event).expect("a call");
    assert_eq!(
        outcome.answer,
        Answer::Totals(Totals {
            rows: 30,
            sums: vec![]
        })
    );
    let expected: String = (0..30)
        .map(|row| format!("é{row};{}.{}", row / 10, row % 10))
        .collect();
    assert_eq!(
        String::from_utf8(outcome.files[0].body.clone()).expect("UTF-8"),
        expected
    );
    assert_eq!(
        (
            outcome.files[0].directory.as_str(),
            outcome.files[0].name.as_str()
        ),
        ("poslog", "w1")
    );
}

#[test]
fn a_point_that_is_not_served_is_reported() {
    assert_eq!(
        Sample::POINTS,
        ["OnPayment", "OnReply", "IdentifyMember", "Report"]
    );
    let error = testkit::run::<Sample>(&event("on-void", json!({}))).expect_err("not served");
    assert_eq!(
        error,
        "the plugin does not serve `on-void`; it serves OnPayment, OnReply, IdentifyMember, Report"
    );
}
