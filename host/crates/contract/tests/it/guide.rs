//! The tables of points and capabilities in `sdk/GUIDE.md` are written from the tables of this crate.
//!
//! `GALLERIA_BLESS=1 cargo test -p galleria-contract` renews them.

use crate::{capabilities, points, read, root};

const GUIDE: &str = "sdk/GUIDE.md";

fn points_table() -> String {
    let mut table = String::from(
        "| point | trait | kind | called when, or what it does |\n|---|---|---|---|\n",
    );
    for point in points() {
        let planned = match point.planned {
            true => " Planned: this version of the host refuses a plugin that exports it.",
            false => "",
        };
        table += &format!(
            "| `{}` | `{}` | {} | {}{planned} |\n",
            point.name,
            point.variant,
            point.kind,
            point.description.trim()
        );
    }
    table
}

fn capabilities_table() -> String {
    let mut table = String::from("| capability | what it gives |\n|---|---|\n");
    for capability in capabilities() {
        let planned = match capability.planned {
            true => " Planned: this version of the host refuses a plugin that needs it.",
            false => "",
        };
        table += &format!(
            "| `{}` | {}{planned} |\n",
            capability.name,
            capability.description.trim()
        );
    }
    table
}

/// Replaces the text between two markers.
fn replaced(guide: &str, marker: &str, table: &str) -> String {
    let begin = format!("<!-- {marker}: generated -->\n");
    let end = format!("<!-- end of {marker} -->\n");
    let (before, rest) = guide
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{GUIDE}: {begin} is missing"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{GUIDE}: {end} is missing"));
    [before, &begin, "\n", table, "\n", &end, after].concat()
}

#[test]
fn the_guide_lists_every_point_and_capability() {
    let guide = read(GUIDE);
    let expected = replaced(&guide, "points", &points_table());
    let expected = replaced(&expected, "capabilities", &capabilities_table());
    if std::env::var_os("GALLERIA_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(root().join(GUIDE), &expected).expect("the guide is written");
    }
    assert!(
        expected == read(GUIDE),
        "{GUIDE} is not up to date: GALLERIA_BLESS=1 cargo test -p galleria-contract renews it"
    );
}
