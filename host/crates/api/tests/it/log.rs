//! What the operator reads.

use crate::doubles::Trouble;
use crate::host::{Host, fresh, quick};
use galleria_app::Error;
use reqwest::Method;
use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// Lines of the HTTP face logged from now on by this thread, on which everything of a test runs.
    fn kept(&self) -> tracing::subscriber::DefaultGuard {
        let lines = tracing_subscriber::fmt().json().with_writer(self.clone());
        tracing::subscriber::set_default(lines.finish())
    }

    fn read(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("lines");
        let text = std::str::from_utf8(&bytes).expect("text");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        lines
            .filter(|line: &Value| {
                line["target"]
                    .as_str()
                    .is_some_and(|target| target.starts_with("galleria_api"))
            })
            .collect()
    }
}

#[tokio::test]
async fn a_request_has_one_line_with_its_id() {
    let lines = Lines::default();
    let _kept = lines.kept();
    let (_folder, host) = fresh().await;
    let asked = host.request(Method::GET, "/v1/stores/nowhere?after=secret");
    let answer = host.send(asked.header("x-request-id", "till-7/1")).await;
    assert_eq!(answer.header("x-request-id"), Some("till-7/1"));
    assert_eq!(answer.json()["request_id"], "till-7/1");
    host.get("/healthz").await;
    host.get("/wp-admin").await;
    let read = lines.read();
    assert_eq!(read.len(), 2, "{read:?}");
    assert_eq!(read[0]["level"], "INFO");
    assert_eq!(read[0]["span"]["request_id"], "till-7/1");
    let told = &read[0]["fields"];
    assert_eq!(
        (&told["method"], &told["status"]),
        (&"GET".into(), &404.into())
    );
    assert_eq!(
        (&told["route"], &told["code"]),
        (&"/v1/stores/{id}".into(), &"not_found".into())
    );
    assert!(told["ms"].is_u64());
    assert_eq!(read[1]["fields"]["route"], "none");
    let text = format!("{read:?}");
    assert!(
        !text.contains("secret") && !text.contains("wp-admin"),
        "{text}"
    );
    host.stop().await;
}

#[tokio::test]
async fn a_failure_of_ours_is_logged_whole_once_and_never_told() {
    let lines = Lines::default();
    let _kept = lines.kept();
    let cause = std::io::Error::other("disk 7 is gone");
    let error = Error::records("reading a store", cause);
    let host = Host::start(Arc::new(Trouble::Fails(error)), quick()).await;
    let answer = host.get("/v1/stores/s").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "records_unavailable")
    );
    assert!(!answer.text.contains("disk 7") && !answer.text.contains("reading a store"));
    let read = lines.read();
    let with_cause = |line: &&Value| line.to_string().contains("disk 7 is gone");
    let told: Vec<_> = read.iter().filter(with_cause).collect();
    assert_eq!(told.len(), 1, "{read:?}");
    assert_eq!(told[0]["level"], "ERROR");
    assert_eq!(
        told[0]["fields"]["cause"],
        "reading a store: disk 7 is gone"
    );
    let id = told[0]["span"]["request_id"].as_str();
    assert_eq!(id, answer.header("x-request-id"));
    host.stop().await;
}
