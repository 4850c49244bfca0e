//! A host whose standard error nothing reads, as behind a stopped log collector.

use crate::corner_shop;
use crate::host::Host;
use crate::metrics::{scraped, sum};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, PipeReader};
use std::time::Duration;
use tokio::task::JoinSet;

const DROPPED: &str = "galleria_log_lines_dropped_total";

/// A limit for each response. A host that waits for the reader of its log never responds.
const RESPONSE: Duration = Duration::from_secs(20);

/// Many times the lines that the pipe and the queue of the host have room for.
const REQUESTS: usize = 50_000;

const AT_ONCE: usize = 8;

async fn dropped(host: &Host) -> f64 {
    let url = host.url("/metrics");
    let text = tokio::time::timeout(RESPONSE, scraped(&host.client, &url)).await;
    sum(&text.expect("metrics in time"), DROPPED, "")
}

/// Sends requests, each with a line in the log, until the host has dropped more than `before` lines.
async fn fill(host: &Host, before: f64) -> f64 {
    let mut sent = 0;
    loop {
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let request = host.client.get(host.url("/healthz")).timeout(RESPONSE);
            tasks.spawn(async move {
                for _ in 0..64 {
                    let request = request.try_clone().expect("no body");
                    let response = request.send().await.expect("a response in time");
                    assert_eq!(response.status(), 200);
                }
            });
        }
        tasks.join_all().await;
        sent += 64 * AT_ONCE;
        let now = dropped(host).await;
        if now > before {
            return now;
        }
        assert!(sent < REQUESTS, "no line was dropped");
    }
}

/// Reads until the line about dropped lines, and returns their number.
fn reported(log: &mut BufReader<PipeReader>) -> f64 {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(
            log.read_line(&mut line).expect("a line"),
            0,
            "the log ended"
        );
        let line: Value = serde_json::from_str(&line).expect("whole lines");
        if line["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("log lines dropped"))
        {
            assert_eq!(line["level"], "WARN");
            return line["lines"].as_f64().expect("a number");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_an_unread_log_serves_and_counts_dropped_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path());
    host.set("log.level=trace");
    let (log, writer) = std::io::pipe().expect("a pipe");
    // Both outputs share the pipe, as with `2>&1 |`.
    let stdout = writer.try_clone().expect("a writer");
    host.start_with(stdout.into(), writer.into()).await;
    assert_eq!(dropped(&host).await, 0.0);
    let before = fill(&host, 0.0).await;

    // When the log is read again, it contains the number.
    let mut log = BufReader::new(log);
    let read = tokio::task::spawn_blocking(move || (reported(&mut log), log));
    let read = tokio::time::timeout(Duration::from_secs(60), read).await;
    let (lines, log) = read.expect("reported in time").expect("no panic");
    assert!(lines >= before, "{lines} of at least {before}");

    // With a full pipe, the host ends without error. `stop` limits the time.
    fill(&host, lines).await;
    host.stop();
    drop(log);
}
