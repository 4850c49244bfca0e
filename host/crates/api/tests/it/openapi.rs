//! The OpenAPI document: golden file, references, names, descriptions and examples.

use crate::golden::golden;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_document_equals_the_golden_file() {
    let text = galleria_api::openapi().to_pretty_json().expect("JSON");
    golden("tests/golden/openapi.json", &format!("{text}\n"));
}

#[test]
fn every_reference_resolves() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference into the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} does not resolve"
        );
    }
}

/// Generated clients use operation ids as function names.
#[test]
fn operation_ids_are_unique() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("an item").values() {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names.insert(name), "{path}: {name} is not unique");
        }
    }
}

/// Includes fields of nested bodies.
#[test]
fn every_field_has_a_description() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let mut undescribed = Vec::new();
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.expect("schemas") {
        fields(name, schema, &mut undescribed);
    }
    assert!(undescribed.is_empty(), "{undescribed:#?}");
}

fn fields(place: &str, schema: &Value, undescribed: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        fields(&place, field, undescribed);
        if !field["description"].is_string() {
            undescribed.push(place);
        }
    }
    for parts in ["oneOf", "anyOf", "allOf"] {
        let parts = schema[parts].as_array().into_iter().flatten();
        parts.for_each(|part| fields(place, part, undescribed));
    }
    if schema["items"].is_object() {
        fields(place, &schema["items"], undescribed);
    }
}

/// Every request body and every response body.
#[test]
fn every_body_has_an_example_that_matches_its_schema() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let (mut checked, mut errors) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let body = [("body".to_owned(), &operation["requestBody"])];
            let all = operation["responses"].as_object().expect("responses");
            let all = all.iter().map(|(status, one)| (status.clone(), one));
            for (status, part) in all.chain(body) {
                let Some(content) = part["content"].as_object() else {
                    assert_eq!(status, "body", "{method} {path}: {status} has no content");
                    continue;
                };
                for (kind, content) in content {
                    let place = format!("{method} {path}: {status} {kind}");
                    errors.append(&mut example_errors(
                        &document, content, &place, part, &status,
                    ));
                    checked += 1;
                }
            }
        }
    }
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(checked > 600, "{checked}");
}

/// Violations of the schema by the examples of a body. The examples of a problem must have a code that its
/// description names, and the status of the response.
fn example_errors(
    document: &Value,
    content: &Value,
    place: &str,
    part: &Value,
    status: &str,
) -> Vec<String> {
    let several = content["examples"].as_object().into_iter().flatten();
    let several = several.map(|(name, one)| {
        let reference = one["$ref"].as_str().expect("a reference");
        let one = document.pointer(reference.trim_start_matches('#'));
        let value = &one.expect("an example")["value"];
        let text = part["description"].as_str().expect("a description");
        assert!(text.contains(&format!("`{name}`")), "{place}: {name}");
        assert_eq!(value["code"], *name, "{place}");
        assert_eq!(value["status"].to_string(), status, "{place}");
        value
    });
    let all: Vec<_> = several.chain(content.get("example")).collect();
    if all.is_empty() {
        return vec![format!("{place} has no example")];
    }
    let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
    let schema = jsonschema::draft202012::new(&schema).expect("a schema");
    let errors = all.into_iter().flat_map(|one| schema.iter_errors(one));
    errors
        .map(|error| format!("{place}: {}: {error}", error.instance_path()))
        .collect()
}

fn collect_references(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                references.insert(reference.clone());
            }
            fields
                .values()
                .for_each(|value| collect_references(value, references));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| collect_references(value, references)),
        _ => {}
    }
}
