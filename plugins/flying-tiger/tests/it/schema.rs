//! Validates every golden POSLOG against the standard's schema.

use crate::standard;
use std::process::Command;

#[test]
#[cfg_attr(
    not(poslog_standard),
    ignore = "needs xmllint, python3 and the schema: set POSLOG_XSD"
)]
fn every_golden_poslog_is_valid() {
    let files = standard::golden_poslogs();
    assert!(files.len() > 50, "only {} golden POSLOGs", files.len());
    let mut xmllint = Command::new("xmllint");
    xmllint
        .args(["--noout", "--nonet", "--schema"])
        .arg(standard::schema())
        .args(&files);
    let said = xmllint.output().expect("xmllint");
    let said = String::from_utf8_lossy(&said.stderr);
    let valid = said
        .lines()
        .filter(|line| line.ends_with(" validates"))
        .count();
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| !line.ends_with(" validates"))
        .collect();
    assert_eq!(valid, files.len(), "{}", wrong.join("\n"));
}
