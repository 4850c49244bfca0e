//! The previous platform's variables of its tax services. Together they form the addresses.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// The variables of one service, and the key that they set.
struct Variables {
    key: &'static str,
    protocol: Option<&'static str>,
    host: &'static str,
    port: &'static str,
    default_port: Option<u16>,
}

const SERVICES: [Variables; 2] = [
    Variables {
        key: "tax.grpc.address",
        protocol: None,
        host: "MS_TAX_HOST",
        port: "MS_TAX_PORT",
        default_port: Some(9_000),
    },
    Variables {
        key: "tax.http.address",
        protocol: Some("MS_TAX_NEW_PROTOCOL"),
        host: "MS_TAX_NEW_HOST",
        port: "MS_TAX_NEW_PORT",
        default_port: None,
    },
];

/// Whether a variable sets a key: without a host, protocol and port have no effect.
pub(crate) fn reads(env: &BTreeMap<String, String>, name: &str) -> bool {
    let has_host = |service: &&Variables| get(env, service.host).is_some();
    SERVICES.iter().filter(has_host).any(|service| {
        [Some(service.host), Some(service.port), service.protocol].contains(&Some(name))
    })
}

/// The keys that the variables set, each with the variable of the host and its value. Reports invalid variables by
/// name.
pub(crate) fn addresses(
    env: &BTreeMap<String, String>,
    mut invalid: impl FnMut(&'static str, String),
) -> Vec<(&'static str, &'static str, String)> {
    let mut addresses = Vec::new();
    for service in &SERVICES {
        let Some(host) = get(env, service.host) else {
            continue;
        };
        let protocol = service
            .protocol
            .and_then(|name| Some((name, get(env, name)?)));
        let protocol = match protocol {
            None => "http",
            Some((name, text)) => match text.trim_end_matches("://") {
                "http" => "http",
                "https" => "https",
                _ => {
                    invalid(name, format!("must be http or https, got {text:?}"));
                    continue;
                }
            },
        };
        let port = match get(env, service.port).map(|text| (text, port(text))) {
            None => service.default_port.filter(|_| !has_port(host)),
            Some((_, Some(port))) => Some(port),
            Some((text, None)) => {
                invalid(
                    service.port,
                    format!("must be a port from 1 to 65535, got {text:?}"),
                );
                continue;
            }
        };
        let host = match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_owned(),
        };
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        addresses.push((
            service.key,
            service.host,
            format!("{protocol}://{host}{port}"),
        ));
    }
    addresses
}

/// A port, or an address such as `tcp://10.0.0.1:9000`, to which Kubernetes sets the variable for a service with the
/// name `ms-tax`.
fn port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("tcp://").map_or(text, |address| {
        address.rsplit_once(':').map_or("", |(_, port)| port)
    });
    digits.parse().ok().filter(|port| *port > 0)
}

fn has_port(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_err()
        && host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

fn get<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name)
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        owned.collect()
    }

    fn read(pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let mut errors = Vec::new();
        let found = addresses(&env(pairs), |name, message| {
            errors.push(format!("{name}: {message}"))
        });
        let found = found
            .into_iter()
            .map(|(key, _, address)| format!("{key} {address}"));
        (found.collect(), errors)
    }

    #[test]
    fn the_variables_form_the_addresses() {
        for (pairs, expected) in [
            (
                vec![("MS_TAX_HOST", "ms-tax"), ("MS_TAX_PORT", "9001")],
                "tax.grpc.address http://ms-tax:9001",
            ),
            (
                vec![("MS_TAX_HOST", "ms-tax")],
                "tax.grpc.address http://ms-tax:9000",
            ),
            (
                vec![("MS_TAX_HOST", "ms-tax:7000")],
                "tax.grpc.address http://ms-tax:7000",
            ),
            (
                vec![("MS_TAX_HOST", "::1"), ("MS_TAX_PORT", "")],
                "tax.grpc.address http://[::1]:9000",
            ),
            (
                vec![
                    ("MS_TAX_HOST", "ms-tax"),
                    ("MS_TAX_PORT", "tcp://10.0.0.1:9002"),
                ],
                "tax.grpc.address http://ms-tax:9002",
            ),
            (
                vec![
                    ("MS_TAX_NEW_PROTOCOL", "https"),
                    ("MS_TAX_NEW_HOST", "ms_tax"),
                    ("MS_TAX_NEW_PORT", "443"),
                ],
                "tax.http.address https://ms_tax:443",
            ),
            (
                vec![("MS_TAX_NEW_HOST", "ms_tax")],
                "tax.http.address http://ms_tax",
            ),
        ] {
            assert_eq!(
                read(&pairs),
                (vec![expected.to_owned()], vec![]),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn an_invalid_port_or_protocol_is_named() {
        let (found, errors) = read(&[
            ("MS_TAX_HOST", "ms-tax"),
            ("MS_TAX_PORT", "0"),
            ("MS_TAX_NEW_HOST", "ms_tax"),
            ("MS_TAX_NEW_PROTOCOL", "grpc"),
        ]);
        assert!(found.is_empty());
        assert_eq!(
            errors,
            [
                "MS_TAX_PORT: must be a port from 1 to 65535, got \"0\"",
                "MS_TAX_NEW_PROTOCOL: must be http or https, got \"grpc\"",
            ]
        );
    }

    #[test]
    fn port_and_protocol_count_only_with_a_host() {
        let env = env(&[
            ("MS_TAX_PORT", "1"),
            ("MS_TAX_NEW_PROTOCOL", "http"),
            ("MS_TAX_NEW_HOST", "a"),
        ]);
        assert!(!reads(&env, "MS_TAX_PORT") && !reads(&env, "MS_TAX_HOST"));
        assert!(reads(&env, "MS_TAX_NEW_PROTOCOL") && reads(&env, "MS_TAX_NEW_HOST"));
    }
}
