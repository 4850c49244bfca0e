//! Secrets: `check` reports a missing or wrong one, and no output contains a secret key.

use crate::configuration::{ASKS, retailer};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Output;

/// A secret key whose digits are in no other text.
const KEY: &str = "ca9a17ec4f3bca9a17ec4f3bca9a17ec";

const SLOT: &str = r#"
[plugins.papers.settings]
behave = "Decide"

[plugins.papers.grants]
secrets = { loyalty-number = ["decrypt"] }
"#;

const DECLARED: &str = r#"
[secrets.loyalty-number]
env = "CORNER_LOYALTY_KEY"
cipher = "aes-cbc"
encoding = "hex"
iv = { env = "CORNER_LOYALTY_IV" }
"#;

fn checked(variables: &[(&str, impl AsRef<OsStr>)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let secrets = "secrets = { loyalty-number = [\"decrypt\"] }";
    let slot = format!("{SLOT}{ASKS}{DECLARED}");
    let host = retailer(folder.path(), &format!("{ASKS}{secrets}"), &slot);
    let mut command = host.galleria(&["check"]);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.output().expect("it runs")
}

fn output_of(ran: &Output) -> String {
    let output = [ran.stdout.as_slice(), ran.stderr.as_slice()].concat();
    let output = String::from_utf8_lossy(&output).into_owned();
    for part in [&KEY[..8], &KEY.to_uppercase()[..8], "202, 154"] {
        assert!(
            !output.contains(part),
            "a part of a key is shown:\n{output}"
        );
    }
    output
}

#[test]
fn a_missing_or_wrong_secret_is_named_but_not_printed() {
    let ran = checked(&[] as &[(&str, &str)]);
    assert!(!ran.status.success());
    for variable in ["CORNER_LOYALTY_KEY", "CORNER_LOYALTY_IV"] {
        let wanted = format!("variable {variable} is not set: set it or remove the secret");
        let text = output_of(&ran);
        assert!(text.contains(&wanted), "{text}");
    }

    let ran = checked(&[
        ("CORNER_LOYALTY_KEY", &KEY[..30]),
        ("CORNER_LOYALTY_IV", &format!("{}zz", &KEY[..30])),
    ]);
    assert!(!ran.status.success());
    let text = output_of(&ran);
    let short = "secrets.loyalty-number: variable CORNER_LOYALTY_KEY contains 30 hex digits; AES requires 32, 48 or 64";
    assert!(text.contains(short), "{text}");
    let garbled =
        "secrets.loyalty-number.iv: variable CORNER_LOYALTY_IV must contain hexadecimal digits";
    assert!(text.contains(garbled), "{text}");
}

/// The standard library panics at a variable that is not UTF-8, and prints it. The host must not.
#[test]
fn an_invalid_variable_is_named_but_not_printed() {
    let mut bytes = vec![0xff];
    bytes.extend_from_slice(KEY.as_bytes());
    let value = OsStr::from_bytes(&bytes);
    let (key, iv) = ("CORNER_LOYALTY_KEY", "CORNER_LOYALTY_IV");
    let text = OsStr::new(KEY);
    let ran = checked(&[(key, value), (iv, text)]);
    assert_eq!(ran.status.code(), Some(1));
    let result = output_of(&ran);
    let wanted = format!("variable {key} is not valid UTF-8");
    assert!(result.contains(&wanted), "{result}");

    // A variable that no setting uses.
    let ran = checked(&[(key, text), (iv, text), ("CORNER_OTHER", value)]);
    let result = output_of(&ran);
    assert!(ran.status.success(), "{result}");
}

#[test]
fn a_valid_secret_is_not_printed() {
    let variables = [("CORNER_LOYALTY_KEY", KEY), ("CORNER_LOYALTY_IV", KEY)];
    let ran = checked(&variables);
    let text = output_of(&ran);
    assert!(ran.status.success(), "{text}");
}
