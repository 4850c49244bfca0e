//! Commands show which columns of a file were read.

use super::reread::output;
use super::{details, import, retailer};
use crate::host::{Database, Host, staged};

on_both!(commands_show_the_columns_of_the_file_that_was_read_last);

async fn commands_show_the_columns_of_the_file_that_was_read_last(database: Database) {
    let retailers = retailer();
    let host = Host::with(retailers.path().into(), staged()).on(database);
    let file = retailers.path().join("details.csv");
    // A name that would start another line of the output, move the cursor or change the direction of the text.
    let hostile = "\"Own\r\nnet = payout\u{202e}\",\"Fees, \"\"own\"\"\",Company Account";
    let text = details(2).replacen("Company Account", hostile, 1);
    let text = text.replace("\nExample,", "\n,,Example,");
    std::fs::write(&file, text).expect("a statement");
    let file = file.display().to_string();
    let command = import(&file);
    let columns = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("columns "));
        lines.map(str::to_owned).collect()
    };
    let imported = output(&host, true, &command[1..]);
    let found = columns(&imported);
    assert_eq!(found.len(), 2, "{imported}");
    assert!(
        found[0].starts_with("columns read: Batch Number, "),
        "{imported}"
    );
    assert!(found[0].contains(", Merchant Account, "), "{imported}");
    let ignored = r#"columns ignored: Company Account, "Fees, \"own\"", Modification Merchant Reference, Own\r\nnet = payout\u{202e}, Payment Method Variant"#;
    assert_eq!(found[1], ignored);
    let id = imported.split_whitespace().nth(3).expect("an id");
    assert_eq!(columns(&output(&host, true, &["show", id])), found);
    let again = ["reread", id, "--actor", "ana", "--reason", "seen"];
    assert_eq!(columns(&output(&host, true, &again)), found);
    let read = [
        "read",
        &file,
        "--plugin",
        "statements",
        "--retailer",
        "example",
    ];
    let read = output(&host, true, &read);
    let header: serde_json::Value =
        serde_json::from_str(read.lines().next().expect("a line")).expect("JSON");
    let attributes = header["header"]["attributes"].as_array().expect("a list");
    let values = attributes
        .iter()
        .filter(|one| one["name"] == "columns-ignored");
    let values: Vec<_> = values
        .map(|one| one["value"].as_str().expect("text"))
        .collect();
    assert_eq!(["columns ignored: ", &values.join(", ")].concat(), ignored);

    // An operator deletes the original: the statement stays, and cannot be read again.
    let originals = host.data().join("statements/example");
    std::fs::remove_dir_all(originals).expect("removed");
    let missing = output(&host, false, &again);
    assert!(missing.contains("there is no stored original"), "{missing}");
    assert_eq!(columns(&output(&host, true, &["show", id])), found);
}
