//! Originals that are read again after a correction of the settings, and parts of lines, by command.

use super::{details, import, retailer};
use crate::host::{Database, Host, staged};
use std::path::Path;
use std::process::Output;

fn words(ran: &Output) -> String {
    [&ran.stdout, &ran.stderr].map(|output| String::from_utf8_lossy(output).into_owned())[..]
        .concat()
}

/// Runs a command and returns its output. Fails unless it ends as expected.
pub fn output(host: &Host, good: bool, arguments: &[&str]) -> String {
    let ran = host.run(&[&["statement"], arguments].concat());
    assert_eq!(ran.status.success(), good, "{arguments:?}: {}", words(&ran));
    words(&ran)
}

/// Sets the words of the column `Type` that the reader knows in addition.
fn set_types(retailers: &Path, original: &str, types: &str) {
    let settings = format!("{original}\n[plugins.statements.settings.types]\n{types}\n");
    let file = retailers.join("example/retailer.toml");
    std::fs::write(file, settings).expect("written");
}

on_both!(a_statement_is_read_again_by_command);

async fn a_statement_is_read_again_by_command(database: Database) {
    let retailers = retailer();
    let original = std::fs::read_to_string(retailers.path().join("example/retailer.toml"));
    let original = original.expect("a file");
    let host = Host::with(retailers.path().into(), staged()).on(database);
    let file = retailers.path().join("details.csv");
    std::fs::write(&file, details(2).replacen("Settled", "Mystery", 1)).expect("a statement");
    let file = file.display().to_string();
    let import = &import(&file)[1..];

    // The reader rejects an unknown word; the original is kept.
    let other = retailers.path().join("other.csv");
    std::fs::write(&other, details(3).replacen("Settled", "Mystery", 1)).expect("a statement");
    let other = other.display().to_string();
    output(&host, false, &self::import(&other)[1..]);
    let rejected = output(&host, false, import);
    assert!(
        rejected.contains("rejected: nothing was imported"),
        "{rejected}"
    );
    assert!(rejected.contains("galleria statement reread"), "{rejected}");
    let listed = output(&host, true, &["rejected", "--retailer", "example"]);
    assert!(
        listed.contains("details.csv") && listed.contains("row 2, Type"),
        "{listed}"
    );
    let more = "increase --limit to see more";
    assert!(!listed.contains(more), "{listed}");
    let listed = output(
        &host,
        true,
        &["rejected", "--retailer", "example", "--limit", "1"],
    );
    assert!(
        listed.contains(more) && listed.contains("details.csv"),
        "{listed}"
    );
    let id = listed
        .split(['│', '┆'])
        .map(str::trim)
        .find(|cell| cell.len() == 20 && cell.chars().all(|c| c.is_ascii_hexdigit()));
    let id = id.expect("an id").to_owned();
    let reread = |good| {
        let signed = ["--actor", "ana", "--reason", "the new word"];
        output(&host, good, &[&["reread", &id][..], &signed].concat())
    };
    assert!(reread(false).contains("rejected: nothing was changed"));

    // A wrong correction, and the right one.
    set_types(retailers.path(), &original, "Mystery = \"adjustment\"");
    let first = reread(true);
    assert!(first.contains("2 lines, before 0"), "{first}");
    let balance = "matched 0.00 + differences 0.00 + unmatched 10.00 + other 10.00 + fees -0.40";
    assert!(
        first.contains(&format!("{balance} = payout 19.60 EUR")),
        "{first}"
    );
    for number in [1, 2] {
        let line = format!("{id}.{number}");
        let reason = format!("seen {number}");
        let settle = ["settle", &line, "--actor", "eva", "--reason", &reason];
        output(&host, true, &settle);
    }
    let settled = output(&host, true, &["show", &id]);
    assert!(settled.contains("2 lines, matched"), "{settled}");
    set_types(retailers.path(), &original, "Mystery = \"payment\"");
    let second = reread(true);
    assert!(
        second.contains("manual settlements kept: 1, undone: 1"),
        "{second}"
    );
    assert!(
        second.contains(&format!("{id}.1")) && second.contains("seen 1"),
        "{second}"
    );
    let list = output(&host, true, &["list", "--retailer", "example"]);
    assert!(list.contains("unmatched 0/1"), "{list}");
    let rest = output(&host, true, &["rejected", "--retailer", "example"]);
    assert!(
        rest.contains("other.csv") && !rest.contains("details.csv"),
        "{rest}"
    );

    // Parts are checked.
    let line = format!("{id}.1");
    let signed = ["settle", &line, "--actor", "ana", "--reason", "two orders"];
    let with = |part: &'static str| [&signed[..], &["--part", part]].concat();
    let digits = output(&host, false, &with("payment:pay-7/1=10.0"));
    assert!(
        digits.contains("must have 2 decimal digits, such as 60.00"),
        "{digits}"
    );
    let unknown = output(&host, false, &with("payment:pay-7/1=10.00"));
    assert!(
        unknown.contains("must be the tender of a payment of the retailer"),
        "{unknown}"
    );
    let form = output(&host, false, &with("payment:pay-7/1"));
    assert!(form.contains("must be a tender and an amount"), "{form}");
    let missing = ["reread", "nowhere", "--actor", "ana", "--reason", "seen"];
    let missing = output(&host, false, &missing);
    assert!(
        missing.contains("there is no statement nowhere"),
        "{missing}"
    );
}
