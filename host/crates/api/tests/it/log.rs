//! The log.

use crate::doubles::FailingRecords;
use crate::host::{Host, test_config};
use crate::stage::Stage;
use galleria_ports::Error;
use reqwest::Method;
use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::fmt::MakeWriter;

on_both!(a_request_has_one_log_line_with_its_id);

#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

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

/// Collects every line of the process. All threads share one subscriber: with one per test, a callsite that a
/// thread without subscriber reaches first would be disabled for all of them.
pub fn log_lines() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone());
        tracing::subscriber::set_global_default(subscriber.finish()).expect("the first one");
        lines
    })
}

impl Lines {
    /// Everything logged so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().expect("lines").clone();
        String::from_utf8(bytes).expect("text")
    }

    /// The lines of a request.
    pub fn of(&self, request_id: &str) -> Vec<Value> {
        let bytes = self.0.lock().expect("lines").clone();
        let text = String::from_utf8(bytes).expect("text");
        let lines = text.lines();
        let lines = lines.map(|line| serde_json::from_str(line).expect("JSON"));
        lines
            .filter(|line: &Value| line["span"]["request_id"] == request_id)
            .collect()
    }
}

async fn a_request_has_one_log_line_with_its_id(stage: &Stage) {
    let host = stage.host().await;
    let [first, second, third] = ["log-1", "log-2", "log-3"].map(|id| stage.id(id));
    let get = async |path: &str, id: &str| {
        let request = host.request(Method::GET, path);
        host.send(request.header("x-request-id", id)).await
    };
    let answer = get("/v1/stores/nowhere?after=secret", &first).await;
    assert_eq!(answer.header("x-request-id"), Some(first.as_str()));
    assert_eq!(answer.json()["request_id"], first);
    get("/wp-admin", &second).await;
    get("/healthz", &third).await;

    let read = log_lines().of(&first);
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0]["level"], "INFO");
    let fields = &read[0]["fields"];
    assert_eq!(
        (&fields["method"], &fields["status"]),
        (&"GET".into(), &404.into())
    );
    assert_eq!(
        (&fields["route"], &fields["code"]),
        (&"/v1/stores/{id}".into(), &"not_found".into())
    );
    assert!(fields["ms"].is_u64());
    let stray = log_lines().of(&second);
    assert_eq!(
        (stray.len(), &stray[0]["fields"]["route"]),
        (1, &"none".into())
    );
    let text = format!("{read:?}{stray:?}");
    assert!(
        !text.contains("secret") && !text.contains("wp-admin"),
        "{text}"
    );
    assert_eq!(
        log_lines().of(&third),
        Vec::<Value>::new(),
        "a successful probe is not logged"
    );
    host.stop().await;
}

#[tokio::test]
async fn an_internal_error_is_logged_once_and_never_sent() {
    let cause = std::io::Error::other("disk 7 failed");
    let error = Error::records("reading a store", cause);
    let host = Host::start(Arc::new(FailingRecords::Fails(error)), test_config()).await;
    let answer = host.get("/v1/stores/s").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "records_unavailable")
    );
    assert!(!answer.text.contains("disk 7") && !answer.text.contains("reading a store"));
    let read = log_lines().of(answer.header("x-request-id").expect("an id"));
    let levels: Vec<_> = read.iter().map(|line| &line["level"]).collect();
    assert_eq!(levels, ["ERROR", "INFO"]);
    for line in &read {
        let trace = line["span"]["trace_id"].as_str().expect("a trace");
        let hex = |byte: u8| byte.is_ascii_hexdigit();
        assert!(trace.len() == 32 && trace.bytes().all(hex), "{line}");
        assert_eq!(trace, read[0]["span"]["trace_id"]);
    }
    assert_eq!(read[0]["fields"]["cause"], "reading a store: disk 7 failed");
    assert!(!read[1].to_string().contains("disk 7"), "logged twice");
    host.stop().await;
}
