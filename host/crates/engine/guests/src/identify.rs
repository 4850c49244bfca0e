//! What the guest does with a member's code. The code stands for the number that nobody may keep.

use crate::{Behave, Settings};
use galleria_sdk::log;
use galleria_sdk::prelude::*;

pub fn behave(cx: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
    match cx.settings().behave {
        Behave::Identify => identify(code),
        Behave::TellInLog => tell(code),
        Behave::TellInFault => Err(Fault::failed(format!("no member has {code}"))),
        Behave::TellInProblems => Err(Fault::invalid(code, format!("{code} is no number"))),
        Behave::TellInRetry => Err(Fault::retry(format!("later for {code}"))),
        Behave::TellInPanic => panic!("{code} is no number"),
        Behave::TellInSecret => {
            _ = Key::open(code);
            Ok(None)
        }
        Behave::TellInDirectory => {
            Output::create(code, "a.txt", "text/plain").close();
            Ok(None)
        }
        Behave::AnswerTooMuch => Ok(Some(member("x".repeat(2 << 20)))),
        other => Err(Fault::failed(format!("{other:?} is not for a member"))),
    }
}

fn member(id: String) -> Member {
    Member {
        id,
        programme: "club".into(),
        attributes: vec![],
    }
}

/// The code is the text in hexadecimal digits, under the secret's fixed IV.
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
    reason = "where it goes is what is tested"
)]
fn tell(code: &str) -> Result<Option<Member>, Fault> {
    log::error(&format!("read {code}"), &[("code", code)]);
    println!("{code}");
    eprintln!("{code}");
    Ok(None)
}
