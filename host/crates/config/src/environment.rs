//! The environment and the command line as layers over `host.toml`. The environment is an argument.

use crate::layers::{Key, Layer, Layers};
use crate::{database, kafka, suggest, tax_environment, telemetry};
use galleria_domain::plugin::ConfigError;
use std::collections::{BTreeMap, BTreeSet};

/// The prefix of the host's own variables.
const PREFIX: &str = "GALLERIA_";

/// Separates a table from its key: `GALLERIA_HTTP__LISTEN` is `http.listen`.
const TABLE: &str = "__";

/// The name of the environment in errors.
const ENVIRONMENT: &str = "environment";

/// Variables of others, such as the previous platform, with the keys that they set. Each section
/// declares its own.
const OTHERS: [&[(&str, &str)]; 2] = [telemetry::ENVIRONMENT, kafka::ENVIRONMENT];

/// Prefixes of the previous platform's variables.
const OLD_PREFIXES: [&str; 5] = ["MPAY_", "MS_", "CONF_KAFKA_", "INVENTORY_", "DD_"];

/// Its variables with other names.
const OLD_NAMES: [&str; 6] = [
    "AZURE_STORAGE_CONNECTION_STRING",
    "DEBUG",
    "DEFAULT_DATABASE_HOST",
    "DEPLOYMENT_ENV",
    "DJANGO_SETTINGS_MODULE",
    "GRPC_DNS_RESOLVER",
];

/// Returns the previous platform's variables that no setting reads, so that users who reuse its environment
/// file learn which variables have no effect. Those of a single retailer begin with its name; `retailers` has the names,
/// each with the variables that it reads.
pub(crate) fn ignored<'a>(
    env: &BTreeMap<String, String>,
    retailers: impl Iterator<Item = (&'a str, &'a BTreeSet<String>)> + Clone,
) -> Vec<String> {
    let prefixes = retailers.clone().map(|(name, _)| {
        let letter = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        name.chars().map(letter).chain(['_']).collect::<String>()
    });
    let prefixes: Vec<String> = prefixes.filter(|prefix| prefix != PREFIX).collect();
    let read = |name: &str| {
        let mut others = OTHERS.into_iter().flatten();
        others.any(|(other, _)| *other == name)
            || database::OLD.contains(&name)
            || tax_environment::reads(env, name)
            || retailers
                .clone()
                .any(|(_, variables)| variables.contains(name))
    };
    let old = |name: &&String| {
        let mut all = OLD_PREFIXES
            .into_iter()
            .chain(prefixes.iter().map(String::as_str));
        let begins = all.any(|prefix| name.starts_with(prefix));
        begins || OLD_NAMES.contains(&name.as_str())
    };
    let names = env.keys().filter(old).filter(|name| !read(name));
    names.cloned().collect()
}

/// Puts the environment over the files, and the command line over the environment. The host's own
/// variables override those of others.
pub(crate) fn overlay(
    layers: &mut Layers,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) {
    let plain_keys = layers.0.first().map(Layer::plain_keys).unwrap_or_default();
    let own = own_variables(env, &plain_keys, errors);
    layers.0.push(other_variables(env, errors));
    layers.0.push(own);
    let mut command_line = Layer::of_command_line();
    for (key, text) in overrides {
        command_line.set(segments(key), key, text);
    }
    layers.0.push(command_line);
}

fn segments(key: &str) -> Key {
    key.split('.').map(str::to_owned).collect()
}

fn other_variables(env: &BTreeMap<String, String>, errors: &mut Vec<ConfigError>) -> Layer {
    let mut layer = Layer::of_environment();
    for (name, key) in OTHERS.into_iter().flatten() {
        if let Some(text) = env.get(*name).filter(|text| !text.is_empty()) {
            layer.set(segments(key), name, text);
        }
    }
    let mut wrong = |name, message| errors.push(ConfigError::new(ENVIRONMENT, name, message));
    for (key, name, address) in tax_environment::addresses(env, &mut wrong) {
        layer.set(segments(key), name, &address);
    }
    let url = database::old_url(env, wrong);
    if let Some((name, url)) = url {
        layer.set(segments("database.url"), name, &url);
    }
    layer
}

fn own_variables(
    env: &BTreeMap<String, String>,
    plain_keys: &[&str],
    errors: &mut Vec<ConfigError>,
) -> Layer {
    let mut layer = Layer::of_environment();
    for (variable, text) in env {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let key: Key = name.split(TABLE).map(str::to_lowercase).collect();
        if key.len() > 1 || plain_keys.contains(&key[0].as_str()) {
            layer.set(key, variable, text);
        } else if let Some(similar) = suggest::closest(&key[0], plain_keys) {
            let message = format!(
                "unknown variable; did you mean {PREFIX}{}?",
                similar.to_uppercase()
            );
            errors.push(ConfigError::new(ENVIRONMENT, variable, message));
        }
        // Ignore other names without `__`: Kubernetes sets GALLERIA_PORT and GALLERIA_SERVICE_HOST for
        // every pod beside a service with the name galleria.
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostConfig;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn read(
        env: &BTreeMap<String, String>,
        overrides: &[(&str, &str)],
    ) -> (HostConfig, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let mut layers = Layers(vec![crate::defaults().expect("valid defaults")]);
        overlay(&mut layers, env, &self::env(overrides), &mut errors);
        let config = layers.read(&mut errors).expect("valid defaults");
        (config, errors)
    }

    #[test]
    fn variables_set_keys_in_tables_and_numbers() {
        let env = env(&[
            ("GALLERIA_HTTP__LISTEN", "0.0.0.0:80"),
            ("GALLERIA_WORKERS", "12"),
            ("GALLERIA_GROUPS__PAYMENT__NAME", "12"),
            ("GALLERIA_PORT", "tcp://10.0.0.1:8080"),
        ]);
        let (config, errors) = read(&env, &[("workers", "16")]);
        assert_eq!(errors, []);
        assert_eq!(config.http.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.workers, 16);
        assert_eq!(config.groups.payment.name, "12");
    }

    #[test]
    fn the_old_database_variables_form_a_url_and_the_own_one_overrides_it() {
        let old = [
            ("MPAY_DB_HOST", "db:5432"),
            ("MPAY_DB_NAME", "shop"),
            ("MPAY_DB_USER", "u@x"),
            ("MPAY_DB_PWD", "p/{w}"),
        ];
        let (config, errors) = read(&env(&old), &[]);
        assert_eq!(errors, []);
        assert_eq!(
            config.database.url.expose(),
            "postgres://u%40x:p%2F%7Bw%7D@db:5432/shop"
        );
        let mut both = env(&old);
        both.insert("GALLERIA_DATABASE__URL".into(), "sqlite://x.db".into());
        let url = read(&both, &[]).0.database.url;
        assert_eq!(url.expose(), "sqlite://x.db");
    }

    #[test]
    fn the_old_broker_variables_set_its_address_and_login() {
        let old = [
            ("CONF_KAFKA_BOOTSTRAP_SERVER", "broker:9092"),
            ("CONF_KAFKA_API_KEY", "12"),
            ("CONF_KAFKA_API_SECRET", "34"),
        ];
        let (config, errors) = read(&env(&old), &[("kafka.api_key", "56")]);
        assert_eq!(errors, []);
        assert_eq!(config.kafka.bootstrap.as_deref(), Some("broker:9092"));
        let (key, secret) = config.kafka.login().expect("a login");
        assert_eq!((key, secret.expose()), ("56", "34"));
    }

    #[test]
    fn the_old_tax_variables_set_addresses_and_the_own_ones_override_them() {
        let old = [
            ("MS_TAX_HOST", "ms-tax"),
            ("MS_TAX_PORT", "9000"),
            ("MS_TAX_NEW_PROTOCOL", "http"),
            ("MS_TAX_NEW_HOST", "ms_tax"),
            ("MS_TAX_NEW_PORT", "80"),
            (
                "GALLERIA_TAX__HTTP__ADDRESS",
                "https://tax.example.com/base/",
            ),
        ];
        let (config, errors) = read(&env(&old), &[]);
        assert_eq!(errors, []);
        assert_eq!(
            config.tax.grpc.address.as_deref(),
            Some("http://ms-tax:9000")
        );
        assert_eq!(
            config.tax.http.address.as_deref(),
            Some("https://tax.example.com/base")
        );
        assert!(ignored(&env(&old), std::iter::empty()).is_empty());
    }

    #[test]
    fn old_variables_that_no_setting_reads_are_named() {
        let env = env(&[
            ("CONF_KAFKA_API_KEY", "12"),
            ("CONF_KAFKA_PAYMENTS_API_SECRET", "34"),
            ("GALLERIA_WORKERS", "2"),
            ("MPAY_DB_PWD", "56"),
            ("DD_ENV", "production"),
            ("DD_LOGS_ENABLED", "true"),
            ("DD_SERVICE", "mpay"),
            ("CORNER_SHOP_CARD_KEY", "78"),
            ("CORNER_SHOP_OLD_KEY", "78"),
            ("CORNER_SHOPS", "9"),
            ("OTHER_KEY", "78"),
            ("DJANGO_SETTINGS_MODULE", "main"),
            ("GRPC_DNS_RESOLVER", "native"),
            ("INVENTORY_SERVICE_HOST", "inventory"),
            ("MPAY_HMAC", "78"),
            ("MS_PROMO_HOST", "ms-promo"),
            ("MS_TAX_PORT", "9000"),
            ("PATH", "/bin"),
        ]);
        let read = BTreeSet::from(["CORNER_SHOP_CARD_KEY".to_owned()]);
        let none = BTreeSet::new();
        let retailers = [("corner-shop", &read), ("galleria", &none)];
        assert_eq!(
            ignored(&env, retailers.into_iter()),
            [
                "CONF_KAFKA_PAYMENTS_API_SECRET",
                "CORNER_SHOP_OLD_KEY",
                "DD_ENV",
                "DD_LOGS_ENABLED",
                "DD_SERVICE",
                "DJANGO_SETTINGS_MODULE",
                "GRPC_DNS_RESOLVER",
                "INVENTORY_SERVICE_HOST",
                "MPAY_HMAC",
                "MS_PROMO_HOST",
                "MS_TAX_PORT"
            ]
        );
    }

    #[test]
    fn every_variable_of_others_sets_a_known_key() {
        for (name, key) in OTHERS.into_iter().flatten() {
            let value = match *name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://a:1",
                _ => "a:1",
            };
            let (_, errors) = read(&env(&[(name, value)]), &[]);
            assert_eq!(errors, [], "{key}");
        }
    }

    #[test]
    fn incomplete_old_database_variables_are_an_error() {
        let (_, errors) = read(&env(&[("MPAY_DB_HOST", "db")]), &[]);
        let keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["MPAY_DB_NAME", "MPAY_DB_USER"]);
    }

    #[test]
    fn an_error_names_the_variable_and_not_its_value() {
        let (_, errors) = read(
            &env(&[
                ("GALLERIA_WORKRS", "hunter2"),
                ("GALLERIA_HTTP__LISEN", "hunter2"),
                ("GALLERIA_LIMITS__CPU_MS", "hunter2"),
                ("GALLERIA_HTTP__IDLE", "hunter2"),
            ]),
            &[("htp.listen", "hunter2"), ("workers", "x")],
        );
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let expected = [
            "environment: GALLERIA_WORKRS: unknown variable; did you mean GALLERIA_WORKERS?",
            "command line: htp.listen: unknown key; did you mean `http`?",
            "environment: GALLERIA_HTTP__IDLE: must be a duration from 1s to 1d, written as an integer \
             with ms, s, m, h or d, such as \"30s\"",
            "environment: GALLERIA_HTTP__LISEN: unknown key; did you mean `listen`?",
            "environment: GALLERIA_LIMITS__CPU_MS: must be an integer of at least 1, got a string",
            "command line: workers: must be an integer from 1 to 1024, got \"x\"",
        ];
        assert_eq!(all, expected);
    }
}
