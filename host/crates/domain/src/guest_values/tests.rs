use super::*;
use crate::plugin::{Limits, Rights};
use crate::{Decision, Document, Fault, Member, Outgoing, Problem, Publication};
use crate::{Receipt, Totals};

fn publication(key: Option<&str>) -> Publication<String> {
    Publication {
        topic: "sales".into(),
        key: key.map(ToOwned::to_owned),
        data: "{}".into(),
    }
}

fn document(name: &str, media_type: &str) -> Document {
    Document {
        directory: "poslog".into(),
        name: name.into(),
        media_type: media_type.into(),
        body: Vec::new(),
    }
}

fn request(id: &str) -> Outgoing {
    Outgoing {
        id: id.into(),
        target: "erp".into(),
        method: "POST".into(),
        path: "/sales".into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn receipt() -> Receipt {
    Receipt {
        template: "receipt".into(),
        locale: "es-ES".into(),
        document: None,
        attributes: Vec::new(),
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.into(),
        value: value.into(),
    }
}

fn documents(count: usize) -> Vec<Document> {
    let document = |number| document(&format!("{number}.xml"), "text/xml");
    (0..count).map(document).collect()
}

fn requests(count: usize) -> Vec<Outgoing> {
    (0..count).map(|id| request(&id.to_string())).collect()
}

const LIMITS: Limits = Limits {
    items: 8,
    attributes: 6,
    ..Limits::CALL
};

fn checked(decision: &Decision<String>) -> Result<(), String> {
    message(check_decision(decision.clone(), &LIMITS, None).map(drop))
}

fn message(checked: Result<(), HostFault>) -> Result<(), String> {
    checked.map_err(|fault| match fault {
        HostFault::ContractBroken(message) => message,
        other => panic!("{other:?}"),
    })
}

fn refused(decision: &Decision<String>, start: &str) {
    let message = checked(decision).expect_err(start);
    assert!(message.starts_with(start), "{message}");
    assert!(message.len() < 400, "{message}");
}

#[test]
fn the_items_of_a_decision_are_limited_together() {
    let mixed = Decision {
        documents: documents(2),
        publications: vec![publication(None); 2],
        requests: requests(2),
        receipts: vec![receipt(); 2],
        notes: Vec::new(),
    };
    assert_eq!(checked(&mixed), Ok(()));
    let start = "decision: must have at most 8 items (limit `items`), got 3 documents, 2 publi";
    let mut more = mixed.clone();
    more.documents = documents(3);
    refused(&more, start);
    let only = |change: fn(&mut Decision<String>)| {
        let mut decision = Decision::default();
        change(&mut decision);
        refused(&decision, "decision: must have at most 8 items");
    };
    only(|decision| decision.documents = documents(9));
    only(|decision| decision.publications = vec![publication(None); 9]);
    only(|decision| decision.requests = requests(9));
    only(|decision| decision.receipts = vec![receipt(); 9]);
}

#[test]
fn the_attributes_of_a_decision_are_limited_together() {
    let attributes = |count| vec![attribute("a", "b"); count];
    let mixed = |notes, headers, receipts| {
        let mut decision = Decision {
            requests: requests(2),
            receipts: vec![receipt(); 2],
            notes: attributes(notes),
            ..Decision::default()
        };
        decision.requests[1].headers = attributes(headers);
        decision.receipts[1].attributes = attributes(receipts);
        decision
    };
    assert_eq!(checked(&mixed(2, 2, 2)), Ok(()));
    let start = "decision: must have at most 6 attributes (limit `attributes`), got ";
    for decision in [
        mixed(7, 0, 0),
        mixed(0, 7, 0),
        mixed(0, 0, 7),
        mixed(3, 2, 2),
    ] {
        refused(&decision, start);
    }
    let totals = |sums| Totals {
        rows: 0,
        sums: attributes(sums),
    };
    assert_eq!(check_totals(&totals(6), &LIMITS), Ok(()));
    let refused = message(check_totals(&totals(7), &LIMITS)).expect_err("refused");
    let expected = "totals.sums: must have at most 6 entries (limit `attributes`), got 7";
    assert_eq!(refused, expected);
    let member = |count| Member {
        id: "7".into(),
        programme: "club".into(),
        attributes: attributes(count),
    };
    assert_eq!(check_member(&member(6), &LIMITS), Ok(()));
    message(check_member(&member(7), &LIMITS)).expect_err("refused");
}

/// A decision with one text.
fn with(place: &str, text: &str) -> Decision<String> {
    let mut decision = Decision {
        documents: vec![document("a.xml", "text/xml")],
        publications: vec![publication(Some("key"))],
        requests: vec![request("1")],
        receipts: vec![receipt()],
        notes: vec![attribute("a", "b")],
    };
    decision.requests[0].headers = vec![attribute("a", "b")];
    decision.receipts[0].document = Some(document("a.xml", "text/xml"));
    decision.receipts[0].attributes = vec![attribute("a", "b")];
    let text = text.to_owned();
    match place {
        "documents.0.name" => decision.documents[0].name = text,
        "documents.0.media-type" => decision.documents[0].media_type = text,
        "publications.0.key" => decision.publications[0].key = Some(text),
        "requests.0.id" => decision.requests[0].id = text,
        "requests.0.method" => decision.requests[0].method = text,
        "requests.0.path" => decision.requests[0].path = text,
        "requests.0.headers.0.name" => decision.requests[0].headers[0].name = text,
        "requests.0.headers.0.value" => decision.requests[0].headers[0].value = text,
        "receipts.0.template" => decision.receipts[0].template = text,
        "receipts.0.locale" => decision.receipts[0].locale = text,
        "receipts.0.document.name" => {
            decision.receipts[0].document = Some(document(&text, "text/xml"));
        }
        "receipts.0.document.media-type" => {
            decision.receipts[0].document = Some(document("a.xml", &text));
        }
        "receipts.0.attributes.0.name" => decision.receipts[0].attributes[0].name = text,
        "receipts.0.attributes.0.value" => decision.receipts[0].attributes[0].value = text,
        "notes.0.name" => decision.notes[0].name = text,
        "notes.0.value" => decision.notes[0].value = text,
        other => panic!("{other}"),
    }
    decision
}

#[test]
fn the_texts_of_a_decision_fit_their_columns() {
    let long = |bytes: usize| "k".repeat(bytes);
    let path = |bytes: usize| "/".repeat(bytes);
    for (place, longest, too_long) in [
        ("documents.0.name", long(200), long(201)),
        ("documents.0.media-type", long(512), long(513)),
        ("publications.0.key", long(1_024), long(1_025)),
        ("requests.0.id", long(64), long(65)),
        ("requests.0.method", long(32), long(33)),
        ("requests.0.path", path(8_192), path(8_193)),
        ("requests.0.headers.0.name", long(256), long(257)),
        ("requests.0.headers.0.value", long(8_192), long(8_193)),
        ("receipts.0.template", long(256), long(257)),
        ("receipts.0.locale", long(64), long(65)),
        ("receipts.0.document.name", long(200), long(201)),
        ("receipts.0.document.media-type", long(512), long(513)),
        ("receipts.0.attributes.0.name", long(256), long(257)),
        ("receipts.0.attributes.0.value", long(8_192), long(8_193)),
        ("notes.0.name", long(256), long(257)),
        ("notes.0.value", long(8_192), long(8_193)),
    ] {
        assert_eq!(checked(&with(place, &longest)), Ok(()), "{place}");
        refused(&with(place, &too_long), &format!("decision.{place}: "));
        refused(
            &with(place, &"\0".repeat(10)),
            &format!("decision.{place}: "),
        );
        let newline = checked(&with(place, "/a\nb"));
        assert_eq!(
            newline.is_ok(),
            place.ends_with("attributes.0.value") || place == "notes.0.value"
        );
    }
    refused(
        &with("requests.0.path", "a"),
        "decision.requests.0.path: must start with `/`",
    );
    refused(
        &with("requests.0.headers.0.name", "a b"),
        "decision.requests.0.headers.0.name: must be",
    );
}

#[test]
fn json_that_cannot_be_applied_breaks_the_contract() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let published = |data: &str| Decision {
        publications: vec![Publication {
            data: data.to_owned(),
            ..publication(None)
        }],
        ..Decision::default()
    };
    let bad = [
        "1e999",
        r#""\ud800""#,
        r#""\u0000""#,
        r#"{"a":1,"a":1}"#,
        &deep,
        "{",
        "",
    ];
    for data in bad {
        refused(
            &published(data),
            "decision.publications.0.data: must be valid JSON: ",
        );
    }
    assert_eq!(checked(&published(&deep[1..129])), Ok(()), "64 levels");
}

#[test]
fn every_right_is_needed() {
    let granted = Rights {
        directories: ["poslog".to_owned()].into(),
        topics: ["sales".to_owned()].into(),
        targets: ["erp".to_owned()].into(),
        receipts: true,
        ..Rights::default()
    };
    let decision = with("notes.0.name", "a");
    let checked =
        |rights: &Rights| check_decision(decision.clone(), &LIMITS, Some(rights)).map(drop);
    assert_eq!(checked(&granted), Ok(()));
    let without = |change: fn(&mut Rights), what: &str| {
        let mut rights = granted.clone();
        change(&mut rights);
        assert_eq!(checked(&rights), Err(HostFault::Denied(what.into())));
    };
    without(|rights| rights.directories.clear(), "directory \"poslog\"");
    without(|rights| rights.topics.clear(), "topic \"sales\"");
    without(|rights| rights.targets.clear(), "target \"erp\"");
    without(|rights| rights.receipts = false, "receipts");
}

#[test]
fn names_are_unique_in_a_decision() {
    let mut decision: Decision<String> = Decision {
        documents: vec![document("a.xml", "text/xml"); 2],
        ..Decision::default()
    };
    refused(
        &decision,
        "decision.documents.1: must have a name of its own",
    );
    decision = Decision {
        requests: vec![request("1"); 2],
        ..Decision::default()
    };
    refused(&decision, "decision.requests.1.id: must be unique");
}

#[test]
fn answers_fit_their_rows() {
    let totals = |rows, sum: Attribute| {
        let totals = Totals {
            rows,
            sums: vec![sum],
        };
        message(check_totals(&totals, &LIMITS))
    };
    assert_eq!(totals(i64::MAX as u64, attribute("a", "b\n")), Ok(()));
    totals(i64::MAX as u64 + 1, attribute("a", "b")).expect_err("refused");
    totals(0, attribute("a", "\0")).expect_err("refused");
    let member = |id: &str, programme: &str| {
        let member = Member {
            id: id.into(),
            programme: programme.into(),
            attributes: Vec::new(),
        };
        message(check_member(&member, &LIMITS))
    };
    assert_eq!(member("7", "club"), Ok(()));
    member("7\n", "club").expect_err("refused");
    member(&"7".repeat(257), "club").expect_err("refused");
    member("7", "\0").expect_err("refused");
    assert_eq!(check_output_file("a.csv", "text/csv"), Ok(()));
    for (name, media_type) in [("../a.csv", "text/csv"), ("a.csv", "text/\0")] {
        message(check_output_file(name, media_type)).expect_err("refused");
    }
}

#[test]
fn every_item_has_a_base_cost() {
    let mut decision = Decision {
        publications: vec![publication(None)],
        notes: vec![attribute("", ""); 3],
        ..Decision::default()
    };
    decision.publications[0].topic.clear();
    let data = "{}".len() as u64;
    assert_eq!(size_of_decision(&decision), 4 * ITEM_BYTES as u64 + data);
    let fault = Fault::Invalid(vec![Problem::new("", ""); 2]);
    assert_eq!(size_of_fault(&fault), 2 * ITEM_BYTES as u64);
}

#[test]
fn a_message_quotes_a_part_of_a_text() {
    assert_eq!(quoted("a\"\u{1b}"), r#""a\"\u{1b}""#);
    assert_eq!(quoted(&"é".repeat(100)).chars().count(), 50 + 5);
}
