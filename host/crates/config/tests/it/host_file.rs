//! `conf/host.toml` contains every key, its default and its documentation. It is part of the binary.

use std::collections::BTreeMap;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}

/// Loads a file without retailers.
fn load(file: Option<&Path>) -> galleria_config::HostConfig {
    let empty = tempfile::tempdir().expect("a folder");
    let retailers = empty.path().to_string_lossy().into_owned();
    let overrides = BTreeMap::from([("retailers".to_owned(), retailers)]);
    let mut config = galleria_config::load(file, &BTreeMap::new(), &overrides)
        .expect("a valid file")
        .host;
    config.retailers = "retailers".into();
    config
}

/// A key without a default, or an entry without a key, makes the defaults unreadable.
#[test]
fn the_defaults_are_valid_and_complete() {
    let file = root().join("conf/host.toml");
    assert_eq!(load(Some(&file)), load(None));
}

#[test]
fn every_key_and_every_table_is_documented() {
    let mut previous = "";
    let mut table = "";
    for (number, line) in galleria_config::DEFAULTS.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
        } else if line.contains(" = ") && !line.starts_with('#') {
            // The names of directories are values, not keys.
            let documented = previous.starts_with("# ") || table == "directories";
            assert!(documented, "conf/host.toml:{}: {line}", number + 1);
        }
        previous = line;
    }
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

#[test]
fn moving_the_data_folder_moves_the_paths_in_it() {
    let empty = tempfile::tempdir().expect("a folder");
    let overrides = BTreeMap::from([
        (
            "retailers".to_owned(),
            empty.path().to_string_lossy().into_owned(),
        ),
        ("data".to_owned(), "/srv/g".to_owned()),
    ]);
    let config = galleria_config::load(None, &BTreeMap::new(), &overrides).expect("valid");
    assert_eq!(
        config.host.database.url.expose(),
        "sqlite:///srv/g/galleria.db"
    );
    let poslog = &config.host.directories["poslog"];
    assert_eq!(poslog, Path::new("/srv/g/files/poslog"));
    assert_eq!(config.host.artifacts, Path::new("/srv/g/artifacts"));
}
