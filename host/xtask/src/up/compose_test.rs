use super::*;
use crate::up::pins;
use std::collections::BTreeSet;

/// The schema of the Compose Specification, from github.com/compose-spec/compose-go v2.16.2. Copyright 2020
/// The Compose Specification Authors, Apache-2.0.
const SCHEMA: &str = include_str!("compose-spec.json");

fn file() -> Value {
    read().expect("docker-compose.yml")
}

fn services(compose: &Value) -> Vec<(&String, &Value)> {
    let all = compose["services"].as_object().expect("services");
    all.iter().collect()
}

/// Services that others wait for until they end.
fn tasks(compose: &Value) -> BTreeSet<&str> {
    let mut tasks = BTreeSet::new();
    for (_, service) in services(compose) {
        for (name, how) in service["depends_on"].as_object().into_iter().flatten() {
            if how["condition"] == "service_completed_successfully" {
                tasks.insert(name.as_str());
            }
        }
    }
    tasks
}

fn texts(value: &Value) -> Vec<&str> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

#[test]
fn the_file_conforms_to_the_compose_specification() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("a schema");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let mut compose = file();
    let wrong: Vec<String> = schema
        .iter_errors(&compose)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    compose["services"]["kafka"]["restrat"] = "always".into();
    assert!(!schema.is_valid(&compose));
}

#[test]
fn services_restart_and_have_health_checks_and_tasks_are_retried() {
    let compose = file();
    let tasks = tasks(&compose);
    for (name, service) in services(&compose) {
        if tasks.contains(name.as_str()) {
            assert_eq!(service["restart"], "on-failure:3", "{name}");
            continue;
        }
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        let check = &service["healthcheck"];
        for key in ["test", "interval", "timeout", "retries", "start_period"] {
            assert!(!check[key].is_null(), "{name}: healthcheck.{key}");
        }
        assert!(service["stop_grace_period"].is_string(), "{name}");
    }
}

#[test]
fn logs_are_limited() {
    for (name, service) in services(&file()) {
        let options = &service["logging"]["options"];
        assert_eq!(options["max-size"], "10m", "{name}");
        assert_eq!(options["max-file"], "3", "{name}");
    }
}

#[test]
fn only_the_host_has_a_port_and_only_on_this_machine() {
    for (name, service) in services(&file()) {
        let ports = texts(&service["ports"]);
        match name.as_str() {
            "galleria" | "galleria-embedded" => assert_eq!(ports, ["127.0.0.1:8080:8080"]),
            _ => assert!(service["ports"].is_null(), "{name}"),
        }
        assert_ne!(service["network_mode"], "host", "{name}");
    }
}

#[test]
fn databases_and_brokers_are_in_an_internal_network() {
    let compose = file();
    assert_eq!(compose["networks"]["mpay_net"]["internal"], true);
    assert!(compose["networks"]["mpay_pub"].is_null());
    for (name, service) in services(&compose) {
        let networks = texts(&service["networks"]);
        match name.as_str() {
            "galleria" | "galleria-embedded" => assert_eq!(networks, ["mpay_pub", "mpay_net"]),
            _ => assert_eq!(networks, ["mpay_net"], "{name}"),
        }
    }
}

#[test]
fn services_start_after_their_healthy_dependencies() {
    let compose = file();
    let tasks = tasks(&compose);
    assert!(tasks.contains("galleria-migrate"));
    for (name, service) in services(&compose) {
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            let expected = match tasks.contains(other.as_str()) {
                true => "service_completed_successfully",
                false => "service_healthy",
            };
            assert_eq!(how["condition"], expected, "{name} waits for {other}");
            assert!(compose["services"][other].is_object(), "{other}");
        }
    }
    let waits = |name: &str, other: &str| {
        assert!(
            compose["services"][name]["depends_on"][other].is_object(),
            "{name}, {other}"
        );
    };
    waits("galleria", "postgres");
    waits("galleria", "galleria-migrate");
    waits("galleria-migrate", "postgres");
    waits("galleria", "kafka-topics");
    waits("kafka-topics", "kafka");
}

#[test]
fn secrets_come_from_env_files() {
    let secret = |name: &str| {
        let name = name.to_uppercase();
        [
            "PWD",
            "PASSWORD",
            "SECRET",
            "API_KEY",
            "TOKEN",
            "DIGEST_KEY",
            "__URL",
        ]
        .iter()
        .any(|part| name.ends_with(part))
    };
    for (name, service) in services(&file()) {
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            if secret(variable) {
                // Without a default. Not `:?` either: Compose resolves the variables of all services, so that the
                // host on SQLite would require the password of the database.
                assert!(
                    value.starts_with("${") && value.ends_with(":-}"),
                    "{name}: {variable}"
                );
            }
        }
    }
    let ignores_env = |file: &str| {
        let text = fs::read_to_string(root().join(file)).expect("a file");
        assert!(text.lines().any(|line| line == "/.env"), "{file}");
    };
    ignores_env(".gitignore");
    ignores_env(".dockerignore");
    let sample = fs::read_to_string(root().join(".env.example")).expect(".env.example");
    assert!(sample.lines().any(|line| line == "MPAY_DB_PWD="));
}

#[test]
fn versions_match_the_pinned_downloads() {
    let compose = file();
    let image = |name: &str| {
        compose["services"][name]["image"]
            .as_str()
            .expect("an image")
    };
    assert_eq!(
        image("postgres"),
        format!("postgres:{}-bookworm", pins::POSTGRES)
    );
    assert_eq!(image("kafka"), format!("apache/kafka:{}", pins::KAFKA));
    assert_eq!(image("kafka-topics"), image("kafka"));
    assert!(pins::POSTGRES_ARTIFACTS[0].ends_with(&format!(":{}.0", pins::POSTGRES)));
    assert!(pins::KAFKA_ARTIFACTS[0].ends_with(&format!(":{}", pins::KAFKA)));
    for (name, service) in services(&compose) {
        let tag = service["image"]
            .as_str()
            .and_then(|image| image.split_once(':'));
        assert!(tag.is_some_and(|(_, tag)| tag != "latest"), "{name}");
    }
}

/// A topic of the platform that the host succeeds.
struct PlatformTopic {
    name: &'static str,
    /// Whether the platform's main service consumes it, and whether this version of the host does.
    consumed: Consumed,
    /// Whether the platform's main service produces it. Other services produce the rest.
    produced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Consumed {
    No,
    Yes,
    /// By the platform, but not by this version of the host.
    Later,
}

/// From the description of the platform, which lists eight topics.
const PLATFORM: [PlatformTopic; 8] = {
    use Consumed::{Later, No, Yes};
    const fn topic(name: &'static str, consumed: Consumed, produced: bool) -> PlatformTopic {
        PlatformTopic {
            name,
            consumed,
            produced,
        }
    }
    [
        topic("mishi.streams.post-payment-success", Yes, true),
        topic("mishi.streams.common", Yes, true),
        topic("mishi.streams.post-transaction-success", Yes, false),
        topic("mishi.streams.post-transaction", No, true),
        topic("flying_tiger.order.post_transaction", No, true),
        topic(
            "flying_tiger.cash_desk.staff_shifts.end_shift_event",
            No,
            true,
        ),
        topic("queuing.external.payments.analytics.json", Later, false),
        topic("test1", No, false),
    ]
};

/// The topics of the platform that pass a filter, and the host's own topics.
fn with_own_topics(filter: impl Fn(&PlatformTopic) -> bool) -> BTreeSet<&'static str> {
    use galleria_domain::event::topic;
    let own = [topic::POST_VOID_SUCCESS, topic::POST_SHIFT_END_SUCCESS];
    let platform = PLATFORM.iter().filter(|topic| filter(topic));
    platform.map(|topic| topic.name).chain(own).collect()
}

#[test]
fn topics_are_the_platforms() {
    let compose = file();
    let created = topics(&compose).expect("topics");
    let created: BTreeSet<&str> = created.iter().map(String::as_str).collect();
    assert_eq!(created, with_own_topics(|_| true));
    let published = published_topics(&compose).expect("topics");
    let published: BTreeSet<&str> = serde_json::from_str(published).expect("an array");
    assert_eq!(published, with_own_topics(|topic| topic.produced));
    let consumed = BTreeSet::from(galleria_domain::event::topic::CONSUMED);
    assert_eq!(
        consumed,
        with_own_topics(|topic| topic.consumed == Consumed::Yes)
    );
    assert!(created.contains(crate::up::kafka::TEST_TOPIC));
}
