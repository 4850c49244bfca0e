//! Behaviours at `on-payment`.

use crate::{Behaviour, Settings, keys, spin};
use galleria_sdk::log;
use galleria_sdk::prelude::*;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Executes the behaviour of the settings.
pub fn execute(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
    let new = Decision::new;
    let document = |name: &str| new().document("poslog", name, "text/plain", b"body".to_vec());
    Ok(match cx.settings().behave {
        Behaviour::Decide => decide(cx, sale)?,
        Behaviour::Retry => return Err(Fault::retry("not now")),
        Behaviour::Loop => spin(),
        Behaviour::AllocateMemory => allocate_memory(),
        Behaviour::DecideTooMuch => {
            new().document("poslog", "a.txt", "text/plain", vec![b'x'; 2 << 20])
        }
        Behaviour::FaultTooMuch => return Err(Fault::failed("x".repeat(2 << 20))),
        Behaviour::LogTooMuch => log_too_much(),
        Behaviour::CallTooOften => call_too_often(),
        Behaviour::Recurse => new().note("depth", recurse(1).to_string()),
        Behaviour::Crash => crash_here(sale),
        Behaviour::Overflow => new().note("sum", add_here(i64::MAX, sale.gross).to_string()),
        Behaviour::Exit => std::process::exit(3),
        Behaviour::BadJson => new().publish_json("sales", None, "{\"open\": "),
        Behaviour::BadName => document("../../etc/passwd"),
        Behaviour::SameName => {
            let twice = document("a.txt");
            twice.document("poslog", "a.txt", "text/plain", b"other".to_vec())
        }
        Behaviour::DecideTooMany => {
            (0..101).fold(new(), |all, _| all.publish_json("sales", None, "{}"))
        }
        Behaviour::NoteTooMany => (0..101).fold(new(), |all, _| all.note("a", "b")),
        Behaviour::LongKey => new().publish_json("sales", &*"k".repeat(2_000), "{}"),
        Behaviour::OtherDirectory => new().document("elsewhere", "a.txt", "text/plain", vec![]),
        Behaviour::OtherTopic => new().publish_json("elsewhere", None, "{}"),
        Behaviour::OtherTarget => new().request(Outgoing::new("1", "elsewhere", "POST", "/")),
        Behaviour::Receipt => new().receipt(Receipt {
            template: "thanks".into(),
            locale: "en".into(),
            document: None,
            attributes: vec![],
        }),
        Behaviour::BadRequest => {
            new().request(Outgoing::new("1", "erp", "POST", "/").header("x", "a\r\nhost: b"))
        }
        Behaviour::ReadEnvironment => read_environment(),
        Behaviour::Sleep => {
            std::thread::sleep(Duration::from_secs(3600));
            new()
        }
        Behaviour::Yield => {
            std::thread::sleep(Duration::ZERO);
            new().note("yielded", "yes")
        }
        Behaviour::Connect => match std::net::TcpStream::connect("127.0.0.1:9") {
            Ok(_) => new().note("socket", "connected"),
            Err(error) => new().note("socket", error.to_string()),
        },
        Behaviour::OpenFiles => open_files(),
        Behaviour::Print => print(),
        Behaviour::Log => log_all(),
        Behaviour::PullOutsideRun => new().note("lines", SaleLines::open().count().to_string()),
        Behaviour::WriteOutsideRun => {
            Output::create("poslog", "a.txt", "text/plain").close();
            new()
        }
        Behaviour::Encrypt => keys::encrypt()?,
        Behaviour::DecryptBroken => keys::decrypt_broken()?,
        Behaviour::OpenOtherSecret => keys::open("elsewhere"),
        Behaviour::OpenWithoutOperations => keys::open("unusable"),
        Behaviour::ExceedGrant => keys::exceed_grant()?,
        Behaviour::EncryptTooMuch => keys::encrypt_too_much()?,
        Behaviour::KeepKeys => keys::keep_open()?,
        other => {
            return Err(Fault::failed(format!(
                "{other:?} is not a behaviour for a payment"
            )));
        }
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

fn allocate_memory() -> ! {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(vec![1; 1 << 20]);
        std::hint::black_box(&blocks);
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
fn add_here(one: Money, other: Money) -> Money {
    one + other
}

#[inline(never)]
fn crash_here(sale: &Sale) -> ! {
    panic!("no way to handle {}", sale.entry.id);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test checks which time a guest reads"
)]
fn read_environment() -> Decision {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let started = std::time::Instant::now();
    let random = std::hash::RandomState::new().build_hasher().finish();
    Decision::new()
        .note(
            "now",
            now.map(|now| now.as_millis())
                .unwrap_or_default()
                .to_string(),
        )
        .note("elapsed", started.elapsed().as_nanos().to_string())
        .note("random", random.to_string())
        .note("arguments", std::env::args().count().to_string())
        .note("environment", std::env::vars().count().to_string())
}

fn open_files() -> Decision {
    let attempts = [
        std::fs::read("/etc/passwd").map(drop),
        std::fs::write("out.txt", "x"),
        std::fs::read_dir(".").map(drop),
    ];
    let failed = attempts.iter().filter(|result| result.is_err()).count();
    Decision::new().note("failed", failed.to_string())
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test checks where the output goes"
)]
fn print() -> Decision {
    println!("printed out");
    eprintln!("printed\x1b[31m err");
    print!("without an end");
    // Rust buffers standard output and does not flush it when a call ends.
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
