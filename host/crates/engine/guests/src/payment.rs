//! What the guest does on a payment.

use crate::{Behave, Settings, keys, spin};
use galleria_sdk::log;
use galleria_sdk::prelude::*;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Does it.
pub fn behave(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
    let new = Decision::new;
    let document = |name: &str| new().document("poslog", name, "text/plain", b"body".to_vec());
    Ok(match cx.settings().behave {
        Behave::Decide => decide(cx, sale)?,
        Behave::AskAgain => return Err(Fault::retry("not now")),
        Behave::Loop => spin(),
        Behave::EatMemory => eat_memory(),
        Behave::DecideTooMuch => {
            new().document("poslog", "a.txt", "text/plain", vec![b'x'; 2 << 20])
        }
        Behave::FaultTooMuch => return Err(Fault::failed("x".repeat(2 << 20))),
        Behave::LogTooMuch => log_too_much(),
        Behave::CallTooOften => call_too_often(),
        Behave::Recurse => new().note("depth", recurse(1).to_string()),
        Behave::Crash => crash_here(sale),
        Behave::Exit => std::process::exit(3),
        Behave::BadJson => new().publish_json("sales", None, "{\"open\": "),
        Behave::BadName => document("../../etc/passwd"),
        Behave::SameName => {
            let twice = document("a.txt");
            twice.document("poslog", "a.txt", "text/plain", b"other".to_vec())
        }
        Behave::OtherDirectory => new().document("elsewhere", "a.txt", "text/plain", vec![]),
        Behave::OtherTopic => new().publish_json("elsewhere", None, "{}"),
        Behave::OtherTarget => new().request(Outgoing::new("1", "elsewhere", "POST", "/")),
        Behave::Receipt => new().receipt(Receipt {
            template: "thanks".into(),
            locale: "en".into(),
            document: None,
            attributes: vec![],
        }),
        Behave::BadRequest => {
            new().request(Outgoing::new("1", "erp", "POST", "/").header("x", "a\r\nhost: b"))
        }
        Behave::LookAround => look_around(),
        Behave::Sleep => {
            std::thread::sleep(Duration::from_secs(3600));
            new()
        }
        Behave::Yield => {
            std::thread::sleep(Duration::ZERO);
            new().note("yielded", "yes")
        }
        Behave::Connect => match std::net::TcpStream::connect("127.0.0.1:9") {
            Ok(_) => new().note("socket", "connected"),
            Err(error) => new().note("socket", error.to_string()),
        },
        Behave::OpenFiles => open_files(),
        Behave::Print => print(),
        Behave::Log => log_all(),
        Behave::PullOutsideRun => new().note("lines", SaleLines::open().count().to_string()),
        Behave::WriteOutsideRun => {
            Output::create("poslog", "a.txt", "text/plain").close();
            new()
        }
        Behave::Seal => keys::seal()?,
        Behave::OpenBroken => keys::open_broken()?,
        Behave::OpenOtherSecret => keys::open("elsewhere"),
        Behave::OpenUseless => keys::open("useless"),
        Behave::AskBeyondGrant => keys::ask_beyond_grant()?,
        Behave::SealTooMuch => keys::seal_too_much()?,
        Behave::KeepKeys => keys::keep()?,
        other => return Err(Fault::failed(format!("{other:?} is not for a payment"))),
    })
}

fn decide(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
    let body = format!("{} {} lines", sale.entry.id, sale.lines.len());
    Decision::new()
        .document(
            "poslog",
            format!("{}.txt", sale.entry.id),
            "text/plain",
            body,
        )
        .note("event", cx.event_id())
        .publish(
            "sales",
            Some("key"),
            &serde_json::json!({ "gross": sale.gross }),
        )
}

fn eat_memory() -> ! {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 1 << 20]);
        std::hint::black_box(&eaten);
    }
}

fn log_too_much() -> Decision {
    for number in 0..200 {
        log::info(&format!("{number} {}", "x".repeat(1000)), &[]);
    }
    Decision::new().note("logged", "all")
}

fn call_too_often() -> ! {
    loop {
        log::debug("again", &[]);
    }
}

fn recurse(depth: u64) -> u64 {
    if std::hint::black_box(depth) == 0 {
        return 0;
    }
    recurse(depth + 1) + std::hint::black_box(1)
}

#[inline(never)]
fn crash_here(sale: &Sale) -> ! {
    panic!("no way to handle {}", sale.entry.id);
}

fn look_around() -> Decision {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let begun = std::time::Instant::now();
    let random = std::hash::RandomState::new().build_hasher().finish();
    Decision::new()
        .note(
            "now",
            now.map(|now| now.as_millis())
                .unwrap_or_default()
                .to_string(),
        )
        .note("elapsed", begun.elapsed().as_nanos().to_string())
        .note("random", random.to_string())
        .note("arguments", std::env::args().count().to_string())
        .note("environment", std::env::vars().count().to_string())
}

fn open_files() -> Decision {
    let tried = [
        std::fs::read("/etc/passwd").map(drop),
        std::fs::write("out.txt", "x"),
        std::fs::read_dir(".").map(drop),
    ];
    let failed = tried.iter().filter(|result| result.is_err()).count();
    Decision::new().note("failed", failed.to_string())
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "where it goes is what is tested"
)]
fn print() -> Decision {
    println!("printed out");
    eprintln!("printed\x1b[31m err");
    print!("without an end");
    // Rust's own buffer, which no one empties when a call of a component ends.
    _ = std::io::stdout().flush();
    Decision::new()
}

fn log_all() -> Decision {
    log::debug("a detail", &[]);
    log::info("a fact", &[("rows", "7"), ("file", "a b")]);
    log::warn("a doubt", &[]);
    log::error("a failure", &[]);
    Decision::new()
}
