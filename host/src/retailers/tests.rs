//! The states of retailers without their plugins.

use super::*;

/// A process with the retailer `corner`, which has no plugins.
fn process(folder: &std::path::Path) -> Retailers {
    for name in ["retailers/corner", "plugins"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let file = folder.join("retailers/corner/retailer.toml");
    std::fs::write(file, "name = \"corner\"\n").expect("written");
    let path = |name: &str| (name.to_owned(), folder.join(name).display().to_string());
    let overrides = ["retailers", "plugins"].map(path).into();
    let (config, _) =
        galleria_config::load_lenient(None, &BTreeMap::new(), &overrides).expect("a configuration");
    Retailers::without_plugins(&config)
}

#[test]
fn a_load_without_a_result_is_a_failed_load_of_this_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let retailers = process(folder.path());
    let crashed = retailers.load_failed("corner", "the load crashed");
    assert_eq!(crashed.state, LoadState::ReloadFailed);
    assert!(crashed.errors[0].contains("the load crashed"));
    assert_eq!(retailers.loads(), std::slice::from_ref(&crashed));
    assert!(!retailers.is_unavailable("corner"));
    let new = retailers.load_failed("new", "the load crashed");
    assert_eq!(new.state, LoadState::OutOfService);
    assert_eq!(retailers.loads(), [crashed, new]);
    assert!(retailers.is_out_of_service("new"));
}

#[test]
fn the_work_of_an_unknown_retailer_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let retailers = process(folder.path());
    for is_noted in [false, true] {
        assert!(retailers.is_unavailable("new"));
        assert!(!retailers.is_out_of_service("new"));
        assert_eq!(retailers.matching("new"), None);
        assert_eq!(retailers.loads().len(), 1 + usize::from(is_noted));
        if !is_noted {
            let load = retailers.note_unknown("new");
            assert_eq!(load.state, LoadState::OutOfService);
            assert!(load.errors[0].contains("galleria retailer reload new"));
        }
    }
    assert!(retailers.matching("corner").is_some());
}
