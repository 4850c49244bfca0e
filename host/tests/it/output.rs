//! The output of commands: unknown names, empty lists, closed pipes, terminals, a wrong working directory.

use crate::configuration::{ASKS, retailer};
use crate::host::Host;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A host with the retailers `corner`, which has stores and a plugin, and `empty`, which has only products.
fn open(folder: &Path) -> Host {
    let slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n"
    );
    let host = retailer(folder, ASKS, &slot);
    let other = folder.join("retailers/empty");
    std::fs::create_dir_all(&other).expect("a folder");
    std::fs::write(other.join("retailer.toml"), "name = \"empty\"\n").expect("written");
    let stores = "id,external_id,retailer,store_type,country,currency,minor_digits,zone\n\
        madrid-1,1,corner,kiosk,ES,EUR,2,Europe/Madrid\nmadrid-2,2,corner,kiosk,ES,EUR,2,Europe/Madrid\n";
    let products = "sku,name,price,currency\ns-1,Pen,1.5,EUR\ns-2,Ink,0.0125,EUR\n\
        s-3,Stamp,500.00,JPY\ns-4,Dates,1.25,KWD\n";
    for (name, text, command) in [
        ("stores.csv", stores, &["stores", "import"][..]),
        (
            "products.csv",
            products,
            &["products", "import", "--retailer", "empty"],
        ),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("written");
        let imported = host.run(&[command, &[file.to_str().expect("a path")]].concat());
        assert!(imported.status.success(), "{imported:?}");
    }
    host
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A command with its exit status, its standard output, and its standard error after `! `.
fn transcript(host: &Host, folder: &Path, line: &str) -> String {
    let place = folder.display().to_string();
    let arguments: Vec<String> = line
        .split(' ')
        .map(|one| one.replace("FOLDER", &place))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Output {
        status,
        stdout,
        stderr,
    } = host.run(&arguments);
    let mut output = text(&stdout);
    for line in text(&stderr).lines() {
        output.push_str(&format!("! {line}\n"));
    }
    let status = status.code().expect("an exit status");
    let output = output.replace(&place, "FOLDER");
    let output = without_instants(&output);
    format!("$ galleria {line}\n{output}[{status}]\n\n")
}

/// Replaces the instants of changes. An instant whose milliseconds end with 0 is shorter, and with it its column, so
/// that a table with instants loses its widths.
fn without_instants(output: &str) -> String {
    if !output.contains("Z ") {
        return output.to_owned();
    }
    let words = output
        .split_inclusive(' ')
        .map(|word| match word.ends_with("Z ") {
            true => "INSTANT ",
            false => word,
        });
    let mut narrow: Vec<char> = words.collect::<String>().chars().collect();
    narrow.dedup_by(|next, last| next == last && matches!(next, ' ' | '─' | '═'));
    narrow.into_iter().collect()
}

#[test]
fn the_length_of_an_instant_does_not_matter() {
    let table = |instant: &str| {
        let rule = "─".repeat(instant.len() + 2);
        format!("┌{rule}┐\n│ {instant} │\n└{rule}┘\n")
    };
    let short = without_instants(&table("2026-11-30T08:30:00.12Z"));
    assert_eq!(short, "┌─┐\n│ INSTANT │\n└─┘\n");
    assert_eq!(short, without_instants(&table("2026-11-30T08:30:00.123Z")));
}

#[test]
fn an_unknown_name_is_an_error_and_an_empty_list_prints_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = open(folder.path());
    let lines = std::fs::read_to_string(golden()).expect("the golden file");
    let lines = lines
        .lines()
        .filter_map(|line| line.strip_prefix("$ galleria "));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() > 60, "{}", lines.len());
    let printed: String = lines
        .iter()
        .map(|line| transcript(&host, folder.path(), line))
        .collect();
    if std::env::var_os("GALLERIA_BLESS").is_some() {
        std::fs::write(golden(), printed).expect("written");
        return;
    }
    let expected = std::fs::read_to_string(golden()).expect("the golden file");
    assert!(
        printed == expected,
        "run with GALLERIA_BLESS=1 and compare:\n{printed}"
    );
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/names.txt")
}

/// Runs a command whose reader closes the pipe after the first bytes.
fn closed_early(mut command: Command) -> (String, Option<i32>) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut first = [0; 1];
    // The pipe may be empty: the command may have nothing to print.
    let mut stdout = child.stdout.take().expect("a pipe");
    _ = stdout.read(&mut first).expect("read");
    drop(stdout);
    let output = child.wait_with_output().expect("ended");
    (text(&output.stderr), output.status.code())
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = open(folder.path());
    let mut many = String::from("sku,name,price,currency\n");
    for n in 0..3000 {
        many.push_str(&format!("p{n:05},A product with a long name,1.25,EUR\n"));
    }
    let file = folder.path().join("many.csv");
    std::fs::write(&file, many).expect("written");
    let file = file.to_str().expect("a path");
    let imported = host.run(&["products", "import", file, "--retailer", "empty"]);
    assert!(imported.status.success(), "{imported:?}");
    // More than the buffer of a pipe.
    let list = ["products", "list", "--retailer", "empty", "--limit", "3000"];
    assert!(host.run(&list).stdout.len() > 100_000);
    assert_eq!(closed_early(host.galleria(&list)), (String::new(), Some(0)));
    for line in [
        "--help",
        "--version",
        "check",
        "status",
        "key list",
        "stores list",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        // Both ends are closed before the command starts.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = host.galleria(&arguments);
        let output = command.stdout(writer).output().expect("the binary");
        let printed = text(&output.stderr);
        assert!(
            !printed.contains("panic") && !printed.contains("pipe"),
            "{line}: {printed}"
        );
        assert_eq!(output.status.code(), Some(0), "{line}: {printed}");
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = host.galleria(&["stores", "list", "--retailer", "nobody"]);
    let failed = command.stdout(Stdio::null()).stderr(writer).status();
    assert_eq!(failed.expect("the binary").code(), Some(1));
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = open(folder.path());
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    for arguments in [
        &["stores", "list"][..],
        &["--help"],
        &["stores", "list", "--help"],
        &["--version"],
    ] {
        let mut command = host.galleria(arguments);
        let full = full.try_clone().expect("/dev/full");
        let output = command.stdout(full).output().expect("the binary");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let printed = text(&output.stderr);
        assert!(
            printed.contains("writing to standard output: No space left"),
            "{arguments:?}: {printed}"
        );
    }
}

/// The widest line that a command prints in a terminal with this number of columns.
fn widest(host: &Host, arguments: &[&str], columns: usize) -> (usize, String) {
    let command = host.galleria(arguments);
    let mut words = vec![command.get_program().to_str().expect("text").to_owned()];
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    words.extend(
        command
            .get_args()
            .map(|word| quoted(word.to_str().expect("text"))),
    );
    let line = format!("stty cols {columns} rows 24; exec {}", words.join(" "));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    let output = script.output().expect("`script` of util-linux");
    let printed = text(&output.stdout).replace('\r', "");
    assert!(output.status.success(), "{arguments:?}:\n{printed}");
    let widest = printed.lines().map(|line| line.chars().count()).max();
    (widest.unwrap_or_default(), printed)
}

#[test]
fn a_table_is_as_wide_as_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = open(folder.path());
    for arguments in [
        &["products", "list", "--retailer", "empty"][..],
        &["stores", "list"],
        &["plugin", "list"],
        &["check"],
        &["status"],
        &["statement", "list"],
    ] {
        for columns in [40, 60, 80, 120] {
            let (widest, printed) = widest(&host, arguments, columns);
            assert!(
                widest <= columns,
                "{arguments:?} in {columns} columns:\n{printed}"
            );
        }
    }
    // Without a terminal a table has its full width.
    let list = text(&host.run(&["stores", "list"]).stdout);
    assert!(
        list.contains("madrid-1 ┆ corner   ┆ 1           ┆ kiosk ┆ ES"),
        "{list}"
    );
}

#[test]
fn a_wrong_working_directory_is_one_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let binary = env!("CARGO_BIN_EXE_galleria");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_clear();
        let output = command.output().expect("the binary");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        text(&output.stderr)
    };
    let commands = [
        &["check"][..],
        &["serve"],
        &["products", "list", "--retailer", "corner"],
    ];
    for arguments in commands {
        let printed = run(arguments);
        assert_eq!(printed.lines().count(), 2, "{printed}");
        assert!(
            printed.contains("retailers in the working directory"),
            "{printed}"
        );
    }
    // Retailers without plugins: one error, not one for each slot.
    let retailers = folder.path().join("retailers");
    for name in ["one", "two"] {
        std::fs::create_dir_all(retailers.join(name)).expect("a folder");
        let slots: String = (0..20)
            .map(|n| format!("[plugins.p{n}]\nplugin = \"guest\"\n"))
            .collect();
        let text = format!("name = \"{name}\"\n{slots}");
        std::fs::write(retailers.join(name).join("retailer.toml"), text).expect("written");
    }
    for arguments in commands {
        let printed = run(arguments);
        assert_eq!(printed.lines().count(), 2, "{printed}");
        assert!(
            printed.contains("host.toml: plugins: no plugins in"),
            "{printed}"
        );
    }
    assert!(!folder.path().join("data").exists(), "nothing was started");
}
