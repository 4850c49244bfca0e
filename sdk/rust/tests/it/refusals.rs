//! The test kit refuses the outcomes that the host refuses.

use galleria_sdk::prelude::*;
use galleria_sdk::testkit::{self, Answer, Event, Host};
use serde_json::json;

/// Its settings say what it does.
pub struct Sample;

/// What the plugin does.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    case: String,
}

impl Plugin for Sample {
    type Settings = Settings;
}

impl OnPayment for Sample {
    fn handle(cx: &Context<Settings>, _: &Sale) -> Result<Decision, Fault> {
        let new = Decision::new;
        let repeat = |count: usize| (0..count).map(|number| number.to_string());
        let receipt = |template: &str, attributes: usize| Receipt {
            template: template.into(),
            locale: "en".into(),
            document: None,
            attributes: vec![Attribute::new("a", "b"); attributes],
        };
        Ok(match &*cx.settings().case {
            "fits" => repeat(1_000).fold(new(), |all, name| all.document("a", name, "a/b", "")),
            "documents" => {
                repeat(1_001).fold(new(), |all, name| all.document("a", name, "a/b", ""))
            }
            "notes" => repeat(1_001).fold(new(), |all, name| all.note(name, "")),
            "attributes" => new().receipt(receipt("a", 1_001)),
            "template" => new().receipt(receipt(&"a".repeat(257), 0)),
            "levels" => new().publish_json("t", None, "[".repeat(65) + &"]".repeat(65)),
            "number" => new().publish_json("t", None, "1e999"),
            "nul" => new().publish("t", None, &"\0")?,
            "key" => new().publish("t", &*"k".repeat(1_025), &1)?,
            "name" => new().document("a", "../b", "a/b", ""),
            "twice" => new()
                .document("a", "b", "a/b", "")
                .document("a", "b", "a/b", ""),
            "bytes" => new().document("a", "b", "a/b", vec![0; 4 << 20]),
            "fault" => return Err(Fault::failed("x".repeat(5 << 20))),
            other => panic!("{other}"),
        })
    }
}

impl IdentifyMember for Sample {
    fn identify(_: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
        Ok(Some(Member {
            id: code.into(),
            programme: "sample".into(),
            attributes: vec![],
        }))
    }
}

impl ExportCatalogue for Sample {
    fn run(cx: &Context<Settings>, _: &Window) -> Result<Totals, Fault> {
        let sums = match &*cx.settings().case {
            "sums" => vec![Attribute::new("a", "1"); 1_001],
            _ => vec![Attribute::new("a", "\0")],
        };
        Ok(Totals { rows: 0, sums })
    }
}

galleria_sdk::plugin!(Sample: OnPayment, IdentifyMember, ExportCatalogue);

fn outcome(point: &str, case: &str, more: serde_json::Value) -> Result<Answer, String> {
    let mut event = json!({
        "point": point,
        "context": {
            "event_id": "event-1",
            "occurred_at": "2026-11-24T10:11:12.345+01:00",
            "business_date": "2026-11-24",
            "scope": { "retailer": "example" },
            "settings": { "case": case },
        },
    });
    let more = more.as_object().expect("an object").clone();
    event.as_object_mut().expect("an object").extend(more);
    let event: Event = serde_json::from_value(event).expect("an event");
    testkit::run::<Sample>(&event).map(|outcome| outcome.answer)
}

fn pay(case: &str) -> Result<Answer, String> {
    outcome("on-payment", case, json!({ "argument": Sale::default() }))
}

#[test]
fn a_decision_that_the_host_refuses_fails_a_native_test() {
    pay("fits").expect("a decision within the limits");
    for (case, about) in [
        (
            "documents",
            "at most 1000 items (limit `items`), got 1001 documents",
        ),
        (
            "notes",
            "at most 1000 attributes (limit `attributes`), got 1001 notes",
        ),
        ("attributes", "1001 attributes of receipts"),
        (
            "template",
            "decision.receipts.0.template: must have at most 256 bytes, got 257",
        ),
        (
            "levels",
            "decision.publications.0.data: must be valid JSON: must have at most 64 levels",
        ),
        (
            "number",
            "decision.publications.0.data: must be valid JSON: number out of range",
        ),
        (
            "nul",
            "decision.publications.0.data: must be valid JSON: must not contain the character NUL",
        ),
        (
            "key",
            "decision.publications.0.key: must have at most 1024 bytes",
        ),
        ("name", "decision.documents.0.name: "),
        ("twice", "writes a/b twice"),
        ("bytes", "more than 4194304 bytes of output"),
        ("fault", "more than 4194304 bytes of output"),
    ] {
        let error = pay(case).expect_err(case);
        assert!(error.starts_with("a host would end the call: "), "{error}");
        assert!(error.contains(about), "{case}: {error}");
    }
}

#[test]
fn an_answer_that_the_host_refuses_fails_a_native_test() {
    let identify = |code: &str| outcome("identify-member", "", json!({ "argument": code }));
    identify("member-7").expect("a member");
    let error = identify("member\n").expect_err("a control character");
    assert!(
        error.contains("member.id: must have no control character"),
        "{error}"
    );
}

#[test]
fn totals_that_the_host_refuses_fail_a_native_test() {
    let window = json!({
        "id": "w", "first": "2026-11-24", "last": "2026-11-24",
        "as_of": "2026-11-25T00:00:00.000+01:00", "stores": 1,
    });
    for (case, about) in [
        ("sums", "totals.sums: must have at most 1000 entries"),
        (
            "nul",
            "totals.sums.0.value: must not contain the character NUL",
        ),
    ] {
        let error = outcome("export-catalogue", case, json!({ "window": window }));
        let error = error.expect_err(case);
        assert!(error.contains(about), "{case}: {error}");
    }
}

#[test]
#[should_panic(
    expected = "a host would end the call: contract broken: output.open: name: \"../a\""
)]
fn an_output_file_that_the_host_refuses_panics() {
    Host::default().within(|| Output::create("a", "../a", "text/csv").close());
}

#[test]
#[should_panic(expected = "at most 1000 files (limit `items`)")]
fn more_output_files_than_the_host_allows_panic() {
    Host::default().within(|| {
        for number in 0..1_001 {
            Output::create("a", &number.to_string(), "text/csv").close();
        }
    });
}

#[test]
#[should_panic(expected = "row 3 of the statement: a text must have at most 4096 bytes, got 5000")]
fn a_statement_line_that_the_host_refuses_panics() {
    Host::default().within(|| {
        let mut statement = Statement::open();
        statement.push(StatementLine {
            row: 3,
            id: "x".repeat(5_000),
            ..StatementLine::default()
        });
        statement.close();
    });
}
