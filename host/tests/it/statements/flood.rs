//! A statement of one cell of a gigabyte, generated while it is sent. The host stores and rejects it, and keeps
//! serving. With one byte more, the host does not store it.

use super::hostile::peak;
use super::tabular::Grid;
use super::{path, readers, samples, sent};
use crate::host::{Host, staged};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The size limit of a statement here.
const LENGTH: usize = 1 << 30;
/// The limit of the host's additional memory.
const MEMORY: u64 = 128 << 20;

/// Sends a beginning, and then one letter repeatedly up to a number of bytes. Returns the response.
fn pour(url: &str, key: &str, begin: &str, length: usize) -> (u16, Value) {
    let address = url.trim_start_matches("http://");
    let (address, path) = address.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).expect("connected");
    let timeout = Some(Duration::from_secs(120));
    stream.set_read_timeout(timeout).expect("a timeout");
    stream.set_write_timeout(timeout).expect("a timeout");
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{begin}"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let letters = [b'x'; 1 << 16];
    let mut left = length - begin.len();
    while left > 0 {
        let count = left.min(letters.len());
        stream.write_all(&letters[..count]).expect("sent");
        left -= count;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let body = serde_json::from_str(body).expect("JSON");
    (status.parse().expect("a number"), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_rejected_and_the_host_keeps_serving() {
    let retailers = readers();
    let mut host = Host::with(retailers.path().into(), staged());
    host.set("statements.max_bytes=1GiB");
    host.start().await;
    let key = host.key(&["--name", "flood", "--scope", "admin", "--everywhere"]);
    let sample = samples()
        .into_iter()
        .find(|sample| sample.plugin != "fixed-statement")
        .expect("a table");
    let grid = Grid::of(&sample);
    let (url, begin) = (host.url(&path(&sample)), grid.head());
    let process = host.pid().to_string();
    let (before, begun) = (peak(&process), Instant::now());
    let pouring = tokio::task::spawn_blocking(move || {
        [LENGTH, LENGTH + 1].map(|length| pour(&url, &key, &begin, length))
    });
    let [(status, answer), (beyond, body)] = pouring.await.expect("poured");
    assert_eq!((beyond, &body["code"]), (413, &json!("body_too_large")));
    let took = begun.elapsed();
    let result = (status, &answer["code"]);
    assert_eq!(result, (422, &json!("file_refused")), "{answer:#}");
    let errors = answer["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{answer:#}");
    assert_eq!(errors[0]["row"], grid.body().start + 1);
    let message = errors[0]["message"].as_str().expect("a message");
    assert!(message.contains("more than 4096 bytes"), "{answer:#}");
    let grown = peak(&process) - before;
    assert!(grown < MEMORY, "{grown} bytes more at the peak");
    assert!(took < Duration::from_secs(120), "{took:?}");
    let spool = std::fs::read_dir(host.data().join("statements/.spool"));
    assert_eq!(
        spool.expect("the spool").count(),
        0,
        "nothing was left behind"
    );
    let page = host.get("/v1/statements").await.expect("a list");
    assert_eq!(page["statements"], json!([]));
    let (status, answer) = sent(&host, &sample, grid.bytes()).await;
    assert_eq!(status, 201, "{answer:#}");
    host.stop();
}
