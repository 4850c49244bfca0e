//! `[tax]`: the evaluation of taxes.

use crate::checks::Checks;
use crate::fields::{
    DAY, HOUR, MINUTE, Path, Rule, UNBOUNDED, duration, integer, optional, rule, text,
};
use crate::suggest;
use crate::tax_server::TaxServer;
use galleria_domain::names::is_id;
use galleria_domain::tax::{Calculator, MAX_ITEMS, RoundingMethod, RoundingMode};
use galleria_domain::{Decimal, tax};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The evaluation of taxes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// How long recorded evaluations are kept.
    #[serde(deserialize_with = "duration::<_, HOUR, UNBOUNDED>")]
    pub evaluations_kept: Duration,
    /// Calculators by name, which stores select.
    pub calculators: BTreeMap<String, TaxCalculator>,
    /// The platform's earlier tax service.
    pub grpc: TaxService,
    /// The platform's newer tax service.
    pub http: TaxService,
    /// The tax service that this host offers.
    pub server: TaxServer,
    /// Evaluations in the background by a second route.
    pub shadow: TaxShadow,
    /// Conditions for the move of a store to another route.
    #[serde(rename = "move")]
    pub moves: TaxMove,
}

/// Evaluations in the background by a second route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxShadow {
    /// The most items of all baskets that wait or are being evaluated. A basket of the maximum size fits.
    #[serde(deserialize_with = "integer::<_, _, {MAX_ITEMS as u64}, 1_000_000>")]
    pub queue: u32,
    /// Concurrent evaluations.
    #[serde(deserialize_with = "integer::<_, _, 1, 1_000>")]
    pub at_once: usize,
    /// Longest time of an evaluation.
    #[serde(deserialize_with = "duration::<_, 1, MINUTE>")]
    pub timeout: Duration,
    /// Time for which comparisons and their counts are kept.
    #[serde(deserialize_with = "duration::<_, HOUR, {366 * DAY}>")]
    pub keep: Duration,
    /// One of this many equal baskets is recorded; 0 for none.
    #[serde(deserialize_with = "integer::<_, _, 0, UNBOUNDED>")]
    pub sample: u64,
    /// The most baskets of a store with one outcome that are recorded on a day.
    #[serde(deserialize_with = "integer::<_, _, 1, 1_000_000>")]
    pub per_day: u64,
}

/// Conditions for the move of a store to another route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxMove {
    /// The least number of compared baskets.
    #[serde(deserialize_with = "integer::<_, _, 0, UNBOUNDED>")]
    pub baskets: u64,
}

/// A tax service that stores can select.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxService {
    /// Its address, without a slash at its end; none means that stores cannot select it.
    #[serde(deserialize_with = "optional::<_, ServiceAddress>")]
    pub address: Option<String>,
    /// Certificates that verify the service's; none means those of the system.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub ca_file: Option<PathBuf>,
    /// The certificate of this host with its chain; none means that the service requires none.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub key: Option<PathBuf>,
    /// Time for one call.
    #[serde(deserialize_with = "duration::<_, 1, MINUTE>")]
    pub timeout: Duration,
    /// Time for all calls of an evaluation, the waits between them included.
    #[serde(deserialize_with = "duration::<_, 1, MINUTE>")]
    pub deadline: Duration,
    /// Repetitions of a failed call.
    #[serde(deserialize_with = "integer::<_, _, 0, 10>")]
    pub retries: u32,
    /// Failed calls in a row after which the service is not called for a while.
    #[serde(deserialize_with = "integer::<_, _, 1, 1000>")]
    pub breaker_failures: u32,
    /// The time for which it is not called.
    #[serde(deserialize_with = "duration::<_, 10, HOUR>")]
    pub breaker_pause: Duration,
}

rule!(
    /// The address of a tax service, without a slash at its end. It may contain no login.
    ServiceAddress -> String,
    "http:// or https:// and a host, with a port if it is not 80 or 443, such as http://ms-tax:9000, without a login, a query or a fragment",
    |text| {
        let text = text.trim_end_matches('/');
        let rest = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.rsplit_once(':') {
            // The colon of an IPv6 address such as [::1].
            Some((_, last)) if last.ends_with(']') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let good_host = match in_brackets {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        };
        let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let good_path = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@".contains(&byte));
        (good_host && good_port && good_path).then(|| text.to_owned())
    }
);

/// How tax amounts are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxCalculator {
    /// What is rounded.
    #[serde(deserialize_with = "text::<_, Method>", default)]
    pub method: RoundingMethod,
    /// How a value between two multiples of the precision is rounded.
    #[serde(deserialize_with = "text::<_, Mode>", default)]
    pub mode: RoundingMode,
    /// Tax amounts are multiples of it; none means the smallest unit of the store's currency.
    #[serde(deserialize_with = "optional::<_, Precision>", default)]
    pub precision: Option<Decimal>,
}

impl From<TaxCalculator> for Calculator {
    fn from(calculator: TaxCalculator) -> Self {
        Self {
            method: calculator.method,
            mode: calculator.mode,
            precision: calculator.precision,
        }
    }
}

/// A rounding method.
pub(crate) struct Method;

impl Rule for Method {
    type Value = RoundingMethod;

    fn parse(text: &str) -> Option<RoundingMethod> {
        RoundingMethod::ALL
            .into_iter()
            .find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &RoundingMethod::ALL.map(RoundingMethod::name))
    }
}

/// A rounding mode.
pub(crate) struct Mode;

impl Rule for Mode {
    type Value = RoundingMode;

    fn parse(text: &str) -> Option<RoundingMode> {
        RoundingMode::ALL.into_iter().find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &RoundingMode::ALL.map(RoundingMode::name))
    }
}

rule!(
    /// The precision of tax amounts.
    Precision -> Decimal,
    "a decimal above 0 and at most 10000, such as 0.01, with at most 12 digits after the point",
    |text| text.parse().ok().filter(|precision| tax::is_precision(*precision))
);

impl Tax {
    pub(crate) fn validate(&self, checks: &mut Checks) {
        self.server.validate(checks);
        for name in self.calculators.keys() {
            checks.check(
                is_id(name),
                &format!("tax.calculators.{name}"),
                "must have a name of 1 to 64 letters, digits, '-', '_', '.' and ':'",
            );
        }
        self.grpc.validate("tax.grpc", checks);
        self.http.validate("tax.http", checks);
        let (_, path) = self.grpc.parts().unwrap_or_default();
        checks.check(
            path.is_empty(),
            "tax.grpc.address",
            "must have no path, because gRPC defines the paths",
        );
    }
}

impl TaxService {
    /// Host and path of the address.
    fn parts(&self) -> Option<(&str, &str)> {
        let (_, rest) = self.address.as_deref()?.split_once("://")?;
        Some(rest.split_once('/').unwrap_or((rest, "")))
    }

    fn validate(&self, section: &str, checks: &mut Checks) {
        checks.check(
            self.deadline >= self.timeout,
            &format!("{section}.deadline"),
            &format!("must be at least {section}.timeout, which is the time for one call"),
        );
        let plain = self
            .address
            .as_deref()
            .is_some_and(|address| address.starts_with("http://"));
        for (field, file) in [
            ("ca_file", &self.ca_file),
            ("certificate", &self.certificate),
        ] {
            checks.check(
                !plain || file.is_none(),
                &format!("{section}.{field}"),
                &format!(
                    "must be empty: {section}.address begins with http://, without certificates; use https://"
                ),
            );
        }
        for (field, file, other, other_file) in [
            ("key", &self.key, "certificate", &self.certificate),
            ("certificate", &self.certificate, "key", &self.key),
        ] {
            checks.check(
                file.is_some() || other_file.is_none(),
                &format!("{section}.{field}"),
                &format!("must be set, because `{other}` is set"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_calculator_are_those_of_a_basket() {
        for method in RoundingMethod::ALL {
            let word = serde_json::to_value(method).expect("JSON");
            assert_eq!(word, method.name());
            assert_eq!(Method::parse(method.name()), Some(method));
        }
        for mode in RoundingMode::ALL {
            assert_eq!(serde_json::to_value(mode).expect("JSON"), mode.name());
            assert_eq!(Mode::parse(mode.name()), Some(mode));
        }
    }

    #[test]
    fn a_precision_is_positive_and_bounded() {
        assert_eq!(
            Precision::parse("0.05").map(|one| one.to_string()),
            Some("0.05".into())
        );
        for bad in ["0", "-0.01", "10001", "0.0000000000001", "1e-2", "x"] {
            assert_eq!(Precision::parse(bad), None, "{bad}");
        }
    }

    fn service() -> TaxService {
        TaxService {
            address: None,
            ca_file: None,
            certificate: None,
            key: None,
            timeout: Duration::from_secs(2),
            deadline: Duration::from_secs(5),
            retries: 2,
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(10),
        }
    }

    fn problems(grpc: TaxService, http: TaxService) -> Vec<String> {
        let tax = Tax {
            shadow: TaxShadow {
                queue: 20_000,
                at_once: 4,
                timeout: Duration::from_secs(5),
                keep: Duration::from_secs(60),
                sample: 0,
                per_day: 1,
            },
            moves: TaxMove { baskets: 1 },
            evaluations_kept: Duration::from_secs(3_600),
            calculators: BTreeMap::new(),
            grpc,
            http,
            server: TaxServer::off(),
        };
        let mut checks = Checks::default();
        tax.validate(&mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for good in [
            "http://ms-tax:9000",
            "https://tax.example.com",
            "http://[::1]:80",
            "https://ms_tax/base",
        ] {
            assert_eq!(ServiceAddress::parse(good).as_deref(), Some(good));
        }
        assert_eq!(
            ServiceAddress::parse("http://a:1/").as_deref(),
            Some("http://a:1")
        );
        for bad in [
            "ms-tax:9000",
            "http://",
            "http://:9000",
            "http://a:0",
            "http://a:99999",
            "http://u:p@a",
            "http://a/?x=1",
            "http://a b",
            "http://[zz]",
            "grpc://a:1",
        ] {
            assert_eq!(ServiceAddress::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_of_a_service_must_agree() {
        let with = |address: &str| TaxService {
            address: ServiceAddress::parse(address),
            ..service()
        };
        assert!(problems(with("http://a:1"), with("https://a/base")).is_empty());
        assert_eq!(
            problems(with("http://a:1/base"), service()),
            ["tax.grpc.address"]
        );
        let short = TaxService {
            deadline: Duration::from_secs(1),
            ..service()
        };
        assert_eq!(problems(service(), short), ["tax.http.deadline"]);
        let unused = TaxService {
            ca_file: Some("ca.pem".into()),
            ..with("http://a")
        };
        assert_eq!(problems(service(), unused), ["tax.http.ca_file"]);
        let path = || Some("file.pem".into());
        let identified = TaxService {
            certificate: path(),
            key: path(),
            ..with("https://a")
        };
        assert!(problems(identified.clone(), identified.clone()).is_empty());
        let plain = TaxService {
            address: with("http://a").address,
            ..identified.clone()
        };
        assert_eq!(problems(plain, service()), ["tax.grpc.certificate"]);
        let without_key = TaxService {
            key: None,
            ..identified.clone()
        };
        let without_certificate = TaxService {
            certificate: None,
            ..identified
        };
        assert_eq!(
            problems(without_key, without_certificate),
            ["tax.grpc.key", "tax.http.certificate"]
        );
    }
}
