//! The environment and the command line as layers over `host.toml`. The environment is an argument.

use crate::layers::{Key, Layer, Layers};
use crate::raw::RawHost;
use crate::suggest;
use galleria_domain::plugin::ConfigError;
use std::collections::BTreeMap;

/// The prefix of the host's own names.
const PREFIX: &str = "GALLERIA_";

/// Between a table and its key: `GALLERIA_HTTP__LISTEN` is `http.listen`.
const TABLE: &str = "__";

/// How the sources are called in messages.
const ENVIRONMENT: &str = "environment";
const COMMAND_LINE: &str = "command line";

/// The names of the platform before, where what they set exists here. The tax services' and the other
/// neighbours' names come with what they set.
const OLD_HOST: &str = "MPAY_DB_HOST";
const OLD_NAME: &str = "MPAY_DB_NAME";
const OLD_USER: &str = "MPAY_DB_USER";
const OLD_PASSWORD: &str = "MPAY_DB_PWD";
const OLD_KAFKA: [(&str, &str); 3] = [
    ("CONF_KAFKA_BOOTSTRAP_SERVER", "bootstrap"),
    ("CONF_KAFKA_API_KEY", "api_key"),
    ("CONF_KAFKA_API_SECRET", "api_secret"),
];

/// OpenTelemetry's own name for where a collector is.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Puts the environment over the files, and the command line over the environment.
///
/// The host's own names win over the old platform's.
pub(crate) fn overlay(
    layers: &mut Layers,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) {
    layers.0.push(names_of_all(env));
    layers.0.push(old_names(env, errors));
    layers.0.push(own_names(env, errors));
    let mut command_line = Layer::of_text(COMMAND_LINE);
    for (key, text) in overrides {
        command_line.set(key.split('.').map(str::to_owned).collect(), key, text);
    }
    layers.0.push(command_line);
}

/// Names that are nobody's own.
fn names_of_all(env: &BTreeMap<String, String>) -> Layer {
    let mut layer = Layer::of_text(ENVIRONMENT);
    if let Some(endpoint) = env.get(COLLECTOR).filter(|text| !text.is_empty()) {
        layer.set(
            vec!["traces".into(), "endpoint".into()],
            COLLECTOR,
            endpoint,
        );
    }
    layer
}

fn old_names(env: &BTreeMap<String, String>, errors: &mut Vec<ConfigError>) -> Layer {
    let mut layer = Layer::of_text(ENVIRONMENT);
    let get = |name: &str| {
        env.get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    for (name, key) in OLD_KAFKA {
        if let Some(text) = get(name) {
            layer.set(vec!["kafka".into(), key.into()], name, text);
        }
    }
    let Some(host) = get(OLD_HOST) else {
        return layer;
    };
    let (Some(name), Some(user)) = (get(OLD_NAME), get(OLD_USER)) else {
        for missing in [OLD_NAME, OLD_USER]
            .into_iter()
            .filter(|name| get(name).is_none())
        {
            let message =
                format!("must be set where {OLD_HOST} is: together they name the database");
            errors.push(ConfigError::new(ENVIRONMENT, missing, message));
        }
        return layer;
    };
    let password = get(OLD_PASSWORD).map_or(String::new(), |text| format!(":{}", escaped(text)));
    let url = format!(
        "postgres://{}{password}@{host}/{}",
        escaped(user),
        escaped(name)
    );
    layer.set(vec!["database".into(), "url".into()], OLD_HOST, &url);
    layer
}

/// As part of a URL: everything but letters, digits, `-`, `_` and `.` becomes `%xx`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn own_names(env: &BTreeMap<String, String>, errors: &mut Vec<ConfigError>) -> Layer {
    let mut layer = Layer::of_text(ENVIRONMENT);
    let plain = plain_keys();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    for (variable, text) in env {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let key: Key = name.split(TABLE).map(str::to_lowercase).collect();
        if key.len() > 1 || plain.contains(&key[0].as_str()) {
            layer.set(key, variable, text);
        } else if let Some(meant) = suggest::closest(&key[0], &plain) {
            let message = format!(
                "no setting has this name; did you mean {PREFIX}{}?",
                meant.to_uppercase()
            );
            errors.push(ConfigError::new(ENVIRONMENT, variable, message));
        }
        // Other names without `__` are not ours: Kubernetes sets GALLERIA_PORT and
        // GALLERIA_SERVICE_HOST for every pod beside a service that is called galleria.
    }
    layer
}

/// The keys of `host.toml` that stand in no table.
fn plain_keys() -> Vec<String> {
    let RawHost {
        data: _,
        artifacts: _,
        plugins: _,
        retailers: _,
        workers: _,
        calls_per_store: _,
        // Tables; a new key fails to compile here until it is put on one side.
        database: _,
        http: _,
        access: _,
        log: _,
        retry: _,
        runs: _,
        groups: _,
        kafka: _,
        members: _,
        sensitive: _,
        statements: _,
        directories: _,
        limits: _,
        run_limits: _,
        metrics: _,
        traces: _,
    } = RawHost::default();
    [
        "data",
        "artifacts",
        "plugins",
        "retailers",
        "workers",
        "calls_per_store",
    ]
    .map(str::to_owned)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn read(
        env: &BTreeMap<String, String>,
        overrides: &[(&str, &str)],
    ) -> (RawHost, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let mut layers = Layers(vec![Layer::of_defaults(&RawHost::default())]);
        overlay(&mut layers, env, &self::env(overrides), &mut errors);
        (layers.read(&mut errors), errors)
    }

    #[test]
    fn names_reach_into_tables_and_numbers_are_read() {
        let env = env(&[
            ("GALLERIA_HTTP__LISTEN", "0.0.0.0:80"),
            ("GALLERIA_WORKERS", "12"),
            ("GALLERIA_GROUPS__PAYMENT__NAME", "12"),
            ("GALLERIA_PORT", "tcp://10.0.0.1:8080"),
        ]);
        let (raw, errors) = read(&env, &[("workers", "16")]);
        assert_eq!(errors, []);
        assert_eq!(raw.http.listen, "0.0.0.0:80");
        assert_eq!(raw.workers, 16);
        assert_eq!(raw.groups.payment.name, "12");
    }

    #[test]
    fn the_old_names_make_a_url_and_the_own_name_wins() {
        let old = [
            ("MPAY_DB_HOST", "db:5432"),
            ("MPAY_DB_NAME", "shop"),
            ("MPAY_DB_USER", "u@x"),
            ("MPAY_DB_PWD", "p/{w}"),
        ];
        let (raw, errors) = read(&env(&old), &[]);
        assert_eq!(errors, []);
        assert_eq!(
            raw.database.url,
            "postgres://u%40x:p%2F%7Bw%7D@db:5432/shop"
        );
        let mut both = env(&old);
        both.insert("GALLERIA_DATABASE__URL".into(), "sqlite://x.db".into());
        assert_eq!(read(&both, &[]).0.database.url, "sqlite://x.db");
    }

    #[test]
    fn the_old_names_of_the_broker_are_its_address_and_login() {
        let old = [
            ("CONF_KAFKA_BOOTSTRAP_SERVER", "broker:9092"),
            ("CONF_KAFKA_API_KEY", "12"),
            ("CONF_KAFKA_API_SECRET", "34"),
        ];
        let (raw, errors) = read(&env(&old), &[("kafka.api_key", "56")]);
        assert_eq!(errors, []);
        let kafka = raw.kafka;
        assert_eq!(kafka.bootstrap, "broker:9092");
        assert_eq!((&*kafka.api_key, &*kafka.api_secret), ("56", "34"));
    }

    #[test]
    fn half_of_the_old_names_is_a_mistake() {
        let (_, errors) = read(&env(&[("MPAY_DB_HOST", "db")]), &[]);
        let keys: Vec<&str> = errors.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(keys, ["MPAY_DB_NAME", "MPAY_DB_USER"]);
    }

    #[test]
    fn a_misspelt_name_is_told_and_a_secret_is_not() {
        let (_, errors) = read(
            &env(&[
                ("GALLERIA_WORKRS", "hunter2"),
                ("GALLERIA_HTTP__LISEN", "hunter2"),
                ("GALLERIA_LIMITS__CPU_MS", "hunter2"),
            ]),
            &[("htp.listen", "hunter2")],
        );
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "environment: GALLERIA_WORKRS: no setting has this name; did you mean GALLERIA_WORKERS?",
                "command line: htp.listen: there is no such key; did you mean `http`?",
                "environment: GALLERIA_HTTP__LISEN: there is no such key; did you mean `listen`?",
                "environment: GALLERIA_LIMITS__CPU_MS: a whole number from 0, not text",
            ]
        );
    }
}
