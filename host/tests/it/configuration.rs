//! What is refused before the first event.

use crate::house::{House, misbehaving_guest, staged};
use std::path::Path;

/// A retailer whose slot is granted only what `grants` says, on a plugin that asks for `asks`.
pub fn retailer(folder: &Path, asks: &str, slot: &str) -> House {
    let plugins = folder.join("plugins");
    let retailers = folder.join("retailers");
    let (plugin, retailer) = (plugins.join("guest"), retailers.join("corner"));
    std::fs::create_dir_all(&plugin).expect("a folder");
    std::fs::create_dir_all(&retailer).expect("a folder");
    std::fs::copy(misbehaving_guest(), plugin.join("guest.wasm")).expect("copied");
    let manifest = format!(
        "name = \"guest\"\nversion = \"0.1.0\"\ncontract = \"0.1.0\"\ncomponent = \"guest.wasm\"\n\n[asks]\n{asks}\n"
    );
    std::fs::write(plugin.join("plugin.toml"), manifest).expect("written");
    let text = format!("name = \"corner\"\n\n[plugins.papers]\nplugin = \"guest\"\n{slot}\n");
    std::fs::write(retailer.join("retailer.toml"), text).expect("written");
    House::with(retailers, plugins)
}

/// What the guest needs to be loaded at all.
pub const ASKS: &str = r#"
capabilities = [
    "activities", "input", "output", "products", "sale-lines", "secrets", "settlement", "statement",
]
directories = ["poslog"]
topics = ["sales"]
"#;

#[test]
fn what_is_asked_and_not_granted_is_refused_by_check_and_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = "[plugins.papers.grants]\ncapabilities = [\"output\", \"activities\"]\ndirectories = [\"poslog\"]\n[plugins.papers.settings]\nbehave = \"Decide\"";
    let house = retailer(folder.path(), ASKS, slot);
    for command in ["check", "serve"] {
        let ran = house.run(&[command]);
        assert!(!ran.status.success(), "{command}");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        for wanted in [
            "corner/retailer.toml",
            "plugins.papers.grants",
            "guest",
            "capability \"sale-lines\"",
            "topic \"sales\"",
        ] {
            assert!(
                said.contains(wanted),
                "{command} does not name {wanted}:\n{said}"
            );
        }
        assert!(!said.contains("capability \"output\""), "{said}");
    }
}

#[test]
fn wrong_settings_are_found_before_any_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\ncheck = \"Problems\""
    );
    let house = retailer(folder.path(), ASKS, &slot);
    let ran = house.run(&["check"]);
    assert!(!ran.status.success());
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("plugins.papers.settings."), "{said}");
    assert!(said.contains("2 mistakes"), "{said}");
}

#[test]
fn what_the_workspace_ships_is_right() {
    let ran = House::new().run(&["check"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{said}");
}

#[test]
fn a_plugin_is_inspected_without_any_configuration() {
    let mut components = 0;
    for plugin in std::fs::read_dir(staged()).expect("plugins") {
        for file in std::fs::read_dir(plugin.expect("a folder").path()).expect("a folder") {
            let file = file.expect("a file").path();
            if file
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                components += 1;
                let house = House::new();
                let ran = house.run(&["plugin", "inspect", &file.display().to_string()]);
                let said = String::from_utf8_lossy(&ran.stdout).into_owned();
                assert!(ran.status.success() && said.contains("SHA-256"), "{said}");
            }
        }
    }
    assert!(components >= 2);
}
