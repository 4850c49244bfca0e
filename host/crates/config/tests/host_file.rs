//! `conf/host.toml` says the defaults: every key, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}

fn load(file: Option<&Path>) -> galleria_config::HostConfig {
    let none = tempfile::tempdir().expect("a folder");
    // Retailers are not the question here.
    let retailers = none.path().to_string_lossy().into_owned();
    let overrides = BTreeMap::from([("retailers".to_owned(), retailers)]);
    let mut config = galleria_config::load(file, &BTreeMap::new(), &overrides)
        .expect("a valid file")
        .host;
    config.retailers = "retailers".into();
    config
}

#[test]
fn the_file_says_the_defaults() {
    let file = root().join("conf/host.toml");
    assert_eq!(load(Some(&file)), load(None));
}

#[test]
fn the_file_names_every_key_with_the_default_value() {
    let text = std::fs::read_to_string(root().join("conf/host.toml")).expect("the file");
    let file: toml::Table = toml::from_str(&text).expect("TOML");
    let defaults: toml::Table = toml::from_str(&galleria_config::defaults_as_toml()).expect("TOML");
    assert_eq!(file, defaults);
}

#[test]
fn a_password_is_not_printed() {
    let env = BTreeMap::from([(
        "GALLERIA_DATABASE__URL".to_owned(),
        "postgres://u:hunter2@h/d".to_owned(),
    )]);
    let empty = tempfile::tempdir().expect("a folder");
    let retailers = empty.path().to_string_lossy().into_owned();
    let overrides = BTreeMap::from([("retailers".to_owned(), retailers)]);
    let config = galleria_config::load(None, &env, &overrides).expect("valid");
    assert!(config.host.database.url.expose().contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
}
