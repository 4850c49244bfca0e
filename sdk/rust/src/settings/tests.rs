use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its type is read")]
struct Settings {
    return_style: Style,
    #[serde(default)]
    columns: Vec<Column>,
    #[serde(default)]
    names: BTreeMap<String, u8>,
    #[serde(default)]
    more: Option<Column>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its type is read")]
enum Style {
    AsReturn,
    Other { prefix: String },
    Plain(u8),
}

#[derive(Deserialize)]
struct Column {
    header: String,
    #[serde(default)]
    width: u8,
}

struct Checked;
impl Plugin for Checked {
    type Settings = Settings;
    fn check(settings: &Settings) -> Vec<Problem> {
        let named = settings.columns.iter().enumerate();
        let named = named.chain(settings.more.iter().map(|column| (99, column)));
        let widths = named.filter(|(_, column)| column.width == 13);
        let unlucky =
            widths.map(|(at, column)| Problem::new(format!("columns.{at}"), &column.header));
        unlucky.collect()
    }
}

fn problems_of(text: &str) -> Vec<String> {
    check::<Checked>(text)
        .iter()
        .map(Problem::to_string)
        .collect()
}

#[test]
fn good_settings_have_no_problems() {
    for good in [
        r#"{"return-style":"as_return"}"#,
        r#"{"return-style":{"other":{"prefix":"x"}},"names":{"any":1},"columns":[{"header":"a","width":3}]}"#,
        r#"{"return-style":{"plain":3},"more":null}"#,
    ] {
        assert_eq!(problems_of(good), Vec::<String>::new(), "{good}");
        serde_json::from_str::<Settings>(good).expect("a call reads them as well");
    }
}

#[test]
fn every_unknown_key_is_reported_with_the_known_keys() {
    assert_eq!(
        problems_of(
            r#"{"return-style":{"other":{"prefix":"x","y":1}},"colums":[],"columns":[{"header":"a"},{"header":"b","wide":3}],"more":{"header":"","x":0}}"#
        ),
        [
            "colums: unknown key; known keys: return-style, columns, names, more",
            "columns.1.wide: unknown key; known keys: header, width",
            "more.x: unknown key; known keys: header, width",
            "return-style.other.y: unknown key; known keys: prefix",
        ]
    );
}

#[test]
fn a_wrong_value_is_reported_with_the_rule() {
    assert_eq!(
        problems_of(r#"{"return-style":"as-return"}"#),
        [
            "return-style: unknown variant `as-return`, expected one of `as_return`, `other`, `plain`"
        ]
    );
    assert_eq!(
        problems_of(r#"{"return-style":{"plain":300}}"#),
        ["return-style.plain: invalid value: integer `300`, expected u8"]
    );
    assert_eq!(
        problems_of(r#"{"columns":[{"header":"a"},{}],"return-style":"as_return"}"#),
        ["columns.1.header: is missing"]
    );
    assert_eq!(
        problems_of(r#"{"x":1}"#),
        [
            "x: unknown key; known keys: return-style, columns, names, more",
            "return-style: is missing"
        ]
    );
    assert_eq!(
        problems_of(r#"{"return-style":"as_return","names":{"a":true}}"#),
        ["names.a: invalid type: boolean `true`, expected u8"]
    );
    assert_eq!(
        problems_of("[]"),
        ["settings: invalid length 0, expected struct Settings with 4 elements"]
    );
    assert!(problems_of("{")[0].starts_with("settings: is not JSON: "));
}

#[test]
fn checks_of_the_author_come_last() {
    assert_eq!(
        problems_of(
            r#"{"return-style":"as_return","x":0,"columns":[{"header":"unlucky","width":13}]}"#
        ),
        [
            "x: unknown key; known keys: return-style, columns, names, more",
            "columns.0: unlucky"
        ]
    );
}
