//! Errors that are found before the first event.

use crate::host::{Host, misbehaving_guest, staged};
use crate::out_of_service::plugin;
use std::path::Path;

/// A retailer with the slot `slot`, on a plugin that requests `asks`.
pub fn retailer(folder: &Path, asks: &str, slot: &str) -> Host {
    let plugins = folder.join("plugins");
    let retailers = folder.join("retailers");
    let (plugin, retailer) = (plugins.join("guest"), retailers.join("corner"));
    std::fs::create_dir_all(&plugin).expect("a folder");
    std::fs::create_dir_all(&retailer).expect("a folder");
    std::fs::copy(misbehaving_guest(), plugin.join("guest.wasm")).expect("copied");
    let manifest = format!(
        "name = \"guest\"\nversion = \"0.1.0\"\ncontract = \"0.2.0\"\ncomponent = \"guest.wasm\"\n\n[asks]\n{asks}\n"
    );
    std::fs::write(plugin.join("plugin.toml"), manifest).expect("written");
    let text = format!("name = \"corner\"\n\n[plugins.papers]\nplugin = \"guest\"\n{slot}\n");
    std::fs::write(retailer.join("retailer.toml"), text).expect("written");
    Host::with(retailers, plugins)
}

/// The rights that the guest needs to be loaded.
pub const ASKS: &str = r#"
capabilities = [
    "activities", "input", "output", "products", "sale-lines", "secrets", "settlement", "statement",
]
directories = ["poslog"]
topics = ["sales"]
"#;

#[test]
fn a_request_without_a_grant_is_rejected_by_check_and_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = "[plugins.papers.grants]\ncapabilities = [\"output\", \"activities\"]\ndirectories = [\"poslog\"]\n[plugins.papers.settings]\nbehave = \"Decide\"";
    let host = retailer(folder.path(), ASKS, slot);
    for command in [&["check"][..], &["serve", "--strict"]] {
        let ran = host.run(command);
        assert!(!ran.status.success(), "{command:?}");
        let output = String::from_utf8_lossy(&ran.stderr).into_owned();
        for wanted in [
            "corner/retailer.toml",
            "plugins.papers.grants",
            "guest",
            "capability \"sale-lines\"",
            "topic \"sales\"",
        ] {
            assert!(
                output.contains(wanted),
                "{command:?} does not name {wanted}:\n{output}"
            );
        }
        assert!(!output.contains("capability \"output\""), "{output}");
    }
}

#[test]
fn check_names_old_variables_without_effect_and_not_their_values() {
    let host = Host::new();
    for workers in [4, 0] {
        let setting = format!("workers={workers}");
        let ran = host
            .galleria(&["check", "--set", &setting])
            .env("MPAY_HMAC", "canary-value")
            .env("DD_ENV", "canary-value")
            .env("EROSKI_SDK_OLD_KEY", "canary-value")
            .output()
            .expect("the binary");
        let output = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        assert_eq!(ran.status.success(), workers > 0, "{output}");
        let wanted = "previous platform: DD_ENV, EROSKI_SDK_OLD_KEY, MPAY_HMAC\n";
        assert!(output.contains(wanted), "{output}");
        assert!(!output.contains("canary-value"), "{output}");
    }
}

/// The host fails for another reason, after the warning.
#[test]
fn serve_logs_old_variables_without_effect_and_not_their_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = "[plugins.papers.settings]\nbehave = \"Decide\"";
    let host = retailer(folder.path(), ASKS, slot);
    let ran = host
        .galleria(&["serve", "--strict"])
        .env("INVENTORY_SERVICE_HOST", "canary-value")
        .output()
        .expect("the binary");
    let log = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success(), "{log}");
    for wanted in ["previous platform", "INVENTORY_SERVICE_HOST"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(!log.contains("canary-value"), "{log}");
}

#[test]
fn invalid_settings_are_found_before_the_first_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\ncheck = \"Problems\""
    );
    let host = retailer(folder.path(), ASKS, &slot);
    let ran = host.run(&["check"]);
    assert!(!ran.status.success());
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(output.contains("plugins.papers.settings."), "{output}");
    assert!(output.contains("2 configuration errors"), "{output}");
}

/// An error in a file hides no error of a component, of grants or of settings, also not in its own slot.
#[test]
fn check_lists_all_errors_of_a_retailer_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let fewer = ASKS.replace("topics = [\"sales\"]", "topics = []");
    let host = retailer(folder.path(), ASKS, "");
    plugin(folder.path(), "text", b"not a component");
    let manifest = folder.path().join("plugins/text/plugin.toml");
    let text = std::fs::read_to_string(&manifest).expect("a file");
    let text = text.replace("version = \"0.1.0\"", "version = \"\"");
    std::fs::write(&manifest, text).expect("written");
    let reader = |name: &str| {
        format!(
            "[plugins.{name}]\nplugin = \"guest\"\n[plugins.{name}.grants]\n{ASKS}\n\
             [plugins.{name}.settings]\nbehave = \"Decide\"\n\
             [plugins.{name}.pickup]\ndirectory = \"poslog\"\nsuffix = \".csv\"\ncomplete = \"marker\"\n"
        )
    };
    let text = format!(
        "[secrets.card]\ncipher = \"hmac-sha256\"\nencoding = \"hex\"\nenv = \"GALLERIA_TEST_ABSENT\"\n\
         [plugins.first]\nplugin = \"text\"\n\
         [plugins.papers]\nplugin = \"guest\"\non_dead_letter = \"drop\"\nretry_for = \"soon\"\n\
         [plugins.papers.grants]\nsecrets = {{ card = [\"mac\"] }}\n{fewer}\n\
         [plugins.papers.settings]\nbehave = \"Decide\"\ncheck = \"Problems\"\n\
         {}{}\
         [plugins.papers.pickup]\ndirectory = \"elsewhere\"\nsuffix = \".csv\"\ncomplete = \"marker\"\n\
         [schedules.weekly]\nplugin = \"good\"\nat = \"never\"\nper = \"store\"\nwindow = \"yesterday\"\n",
        reader("good"),
        reader("other"),
    );
    another(folder.path(), "broken", &text);
    another(folder.path(), "corner", "");
    let ran = host.run(&["check"]);
    assert_eq!(ran.status.code(), Some(1));
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    for wanted in [
        "secrets.card",
        "plugins/text/plugin.toml: version",
        "plugins/text/text.wasm",
        "plugins.papers.on_dead_letter",
        "plugins.papers.retry_for",
        "requests topic \"sales\" without a grant",
        "plugins.papers.settings.",
        "plugins.papers.pickup.directory",
        "plugins.other.pickup.suffix",
        "schedules.weekly.at",
    ] {
        assert!(output.contains(wanted), "no {wanted}:\n{output}");
    }
}

/// A rejected value counts as absent: what the plugin reports about that is no mistake of its own.
#[test]
fn check_lists_no_error_that_only_follows_from_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = ASKS.replace("\"output\"", "\"outptu\"");
    let slot = format!("settings = \"Decide\"\n[plugins.papers.grants]\n{grants}");
    let host = retailer(folder.path(), ASKS, &slot);
    let ran = host.run(&["check"]);
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(output.contains("2 configuration errors"), "{output}");
    for wanted in ["did you mean `output`", "plugins.papers.settings"] {
        assert!(output.contains(wanted), "no {wanted}: {output}");
    }
}

/// Writes another retailer into the folder of `retailer`.
pub fn another(folder: &Path, name: &str, text: &str) {
    let retailer = folder.join("retailers").join(name);
    std::fs::create_dir_all(&retailer).expect("a folder");
    let text = format!("name = \"{name}\"\n\n{text}");
    std::fs::write(retailer.join("retailer.toml"), text).expect("written");
}

/// A mistake of one retailer does not hide those of the others, and a missing secret does not hide settings.
#[test]
fn check_lists_the_errors_of_all_retailers_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = format!("[plugins.papers.grants]\n{ASKS}\n");
    let good = format!("{grants}[plugins.papers.settings]\nbehave = \"Decide\"\n");
    let host = retailer(folder.path(), ASKS, &good);
    let bad =
        format!("{grants}[plugins.papers.settings]\nbehave = \"Decide\"\ncheck = \"Problems\"\n");
    let slot =
        |plugin: &str, rest: &str| format!("[plugins.papers]\nplugin = \"{plugin}\"\n{rest}");
    another(folder.path(), "settings", &slot("guest", &bad));
    let secret = "[secrets.card]\ncipher = \"aes-cbc\"\nencoding = \"hex\"\n\
                  env = \"GALLERIA_TEST_ABSENT\"\niv = { env = \"GALLERIA_TEST_ABSENT\" }\n";
    let granted = "[plugins.papers.grants]\nsecrets = { card = [\"decrypt\"] }";
    let needs = bad.replacen("[plugins.papers.grants]", granted, 1);
    another(
        folder.path(),
        "secret",
        &format!("{secret}\n{}", slot("guest", &needs)),
    );
    another(folder.path(), "unreadable", "[plugins");
    let text = folder.path().join("plugins/text");
    std::fs::create_dir_all(&text).expect("a folder");
    let manifest =
        "name = \"text\"\nversion = \"0.1.0\"\ncontract = \"0.2.0\"\ncomponent = \"text.wasm\"\n";
    std::fs::write(text.join("plugin.toml"), manifest).expect("written");
    std::fs::write(text.join("text.wasm"), "not a component").expect("written");
    another(folder.path(), "component", &slot("text", ""));
    // Two retailers share the error of a plugin: it is listed once.
    let wrong = folder.path().join("plugins/wrong");
    std::fs::create_dir_all(&wrong).expect("a folder");
    std::fs::write(
        wrong.join("plugin.toml"),
        manifest.replace("0.2.0", "9.9.9"),
    )
    .expect("written");
    another(folder.path(), "shares", &slot("wrong", ""));
    another(folder.path(), "shares-too", &slot("wrong", ""));
    let ran = host.run(&["check"]);
    assert_eq!(ran.status.code(), Some(1));
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    for wanted in [
        "settings/retailer.toml: plugins.papers.settings.",
        "secret/retailer.toml: secrets.card",
        "secret/retailer.toml: plugins.papers.settings.",
        "unreadable/retailer.toml",
        "text/text.wasm",
        "wrong/plugin.toml: contract",
    ] {
        assert!(output.contains(wanted), "no {wanted}:\n{output}");
    }
    assert_eq!(
        output.matches("wrong/plugin.toml: contract").count(),
        1,
        "{output}"
    );
    assert!(!output.contains("corner/"), "{output}");
}

#[test]
fn a_pickup_directory_belongs_to_one_slot_that_reads_statements() {
    let retailers = crate::statements::retailer();
    let file = retailers.path().join("example/retailer.toml");
    let text = std::fs::read_to_string(&file).expect("a file");
    let pickup = "directory = \"statements\"\nsuffix = \".csv\"\ncomplete = \"marker\"\n";
    let more = format!(
        "\n[plugins.second]\nplugin = \"adyen-settlement\"\n\n[plugins.second.grants]\n\
         capabilities = [\"input\", \"statement\"]\n\n[plugins.second.pickup]\n{pickup}\n\
         [plugins.sales]\nplugin = \"daily-sales\"\n\n[plugins.sales.grants]\n\
         capabilities = [\"sale-lines\", \"output\"]\ndirectories = [\"additional_reports\"]\n\n\
         [plugins.sales.pickup]\n{}",
        pickup.replace(".csv", ".txt")
    );
    std::fs::write(&file, text + &more).expect("written");
    let host = Host::with(retailers.path().into(), staged());
    for command in [&["check"][..], &["serve", "--strict"]] {
        let ran = host.run(command);
        assert!(!ran.status.success(), "{command:?}");
        let output = String::from_utf8_lossy(&ran.stderr).into_owned();
        for wanted in [
            "plugins.second.pickup, which would import the same files",
            "plugins.sales.pickup",
            "daily-sales does not read statements",
            "2 configuration errors",
        ] {
            assert!(output.contains(wanted), "{command:?}: {wanted}:\n{output}");
        }
    }
}

#[test]
fn the_configuration_of_the_workspace_is_valid() {
    let ran = Host::new().run(&["check"]);
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{output}");
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
                let host = Host::new();
                let ran = host.run(&["plugin", "inspect", &file.display().to_string()]);
                let output = String::from_utf8_lossy(&ran.stdout).into_owned();
                assert!(
                    ran.status.success() && output.contains("SHA-256"),
                    "{output}"
                );
            }
        }
    }
    assert!(components >= 2);
}

/// A grant is changed in a file, which has no log: the host records the change when it starts.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_records_changed_plugins_when_it_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = crate::corner_shop::host(folder.path());
    let loads = async |host: &mut Host| {
        host.start().await;
        let path = "/v1/operations?action=plugins_loaded";
        let result = host.get(path).await.expect("operations");
        host.stop();
        result["operations"].as_array().expect("a list").clone()
    };
    let first = loads(&mut host).await;
    let subjects: Vec<_> = first.iter().map(|one| &one["subject"]).collect();
    assert_eq!(subjects, ["retailers:corner", "retailers"]);
    assert_eq!(
        first[1]["after"],
        serde_json::json!({ "retailers": ["corner"] })
    );
    assert_eq!(loads(&mut host).await, first, "nothing changed");

    for (file, table) in [
        ("plugins/guest/plugin.toml", "[asks]"),
        ("retailers/corner/retailer.toml", "[plugins.papers.grants]"),
    ] {
        let file = folder.path().join(file);
        let text = std::fs::read_to_string(&file).expect("a file");
        let wider = text.replacen(table, &format!("{table}\nreceipts = true"), 1);
        std::fs::write(&file, wider).expect("written");
    }
    let second = loads(&mut host).await;
    assert_eq!(second.len(), 3);
    let (before, after) = (
        &second[0]["before"]["papers"],
        &second[0]["after"]["papers"],
    );
    assert_eq!(before["granted"]["receipts"], false);
    assert_eq!(after["granted"]["receipts"], true);
    assert_eq!(before["component"], after["component"]);
    let who = second[0]["actor"].as_str().expect("who");
    assert!(who.starts_with("host "), "{who}");
}
