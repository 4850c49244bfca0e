//! Behaviours at `identify-member`. The code represents the personal data that nothing may store.

use crate::{Behaviour, Settings};
use galleria_sdk::log;
use galleria_sdk::prelude::*;

pub fn execute(cx: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
    match cx.settings().behave {
        Behaviour::Identify => identify(code),
        Behaviour::PutInLog => write_code(code),
        Behaviour::PutInFault => Err(Fault::failed(format!("no member has {code}"))),
        Behaviour::PutInProblems => Err(Fault::invalid(code, format!("{code} is not a number"))),
        Behaviour::PutInRetry => Err(Fault::retry(format!("later for {code}"))),
        Behaviour::PutInPanic => panic!("{code} is not a number"),
        Behaviour::PutInSecret => {
            _ = Key::open(code);
            Ok(None)
        }
        Behaviour::PutInDirectory => {
            Output::create(code, "a.txt", "text/plain").close();
            Ok(None)
        }
        Behaviour::AnswerTooMany => Ok(Some(Member {
            attributes: vec![Attribute::new("a", "b"); 101],
            ..member("7".into())
        })),
        Behaviour::AnswerTooMuch => Ok(Some(member("x".repeat(2 << 20)))),
        other => Err(Fault::failed(format!(
            "{other:?} is not a behaviour for a member"
        ))),
    }
}

fn member(id: String) -> Member {
    Member {
        id,
        programme: "club".into(),
        attributes: vec![],
    }
}

/// The code is an encrypted text in hexadecimal digits. The secret has a fixed IV.
fn identify(code: &str) -> Result<Option<Member>, Fault> {
    let byte = |at: usize| u8::from_str_radix(code.get(at..at + 2)?, 16).ok();
    let body: Option<Vec<u8>> = (0..code.len()).step_by(2).map(byte).collect();
    let Some(body) = body else { return Ok(None) };
    let key = Key::open("loyalty").map_err(|_| Fault::failed("no key"))?;
    let Ok(text) = key.decrypt(None, b"", &body, b"") else {
        return Ok(None);
    };
    Ok(String::from_utf8(text).ok().map(member))
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test checks where the output goes"
)]
fn write_code(code: &str) -> Result<Option<Member>, Fault> {
    log::error(&format!("read {code}"), &[("code", code)]);
    println!("{code}");
    eprintln!("{code}");
    Ok(None)
}
