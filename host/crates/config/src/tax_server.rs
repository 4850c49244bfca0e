//! `[tax.server]`: the tax service that this host offers over gRPC and HTTP.

use crate::access::ScopeWord;
use crate::checks::Checks;
use crate::fields::{DAY, GIB, KIB, Path, SECOND, bytes, duration, optional, text};
use crate::http::Address;
use galleria_domain::access::Scope;
use galleria_domain::names::is_id;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// In `retailers`: all of them.
const ALL: &str = "*";

/// The listeners of the tax service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxServer {
    /// Address and port of gRPC; none disables it.
    #[serde(deserialize_with = "optional::<_, Address>")]
    pub grpc_listen: Option<SocketAddr>,
    /// Address and port of HTTP; none disables it.
    #[serde(deserialize_with = "optional::<_, Address>")]
    pub http_listen: Option<SocketAddr>,
    /// Largest message of gRPC.
    #[serde(deserialize_with = "bytes::<_, _, KIB, GIB>")]
    pub max_message_bytes: usize,
    /// Maximum time of a call.
    #[serde(deserialize_with = "duration::<_, 1, DAY>")]
    pub deadline: Duration,
    /// Maximum time of an import.
    #[serde(deserialize_with = "duration::<_, SECOND, DAY>")]
    pub import_deadline: Duration,
    /// The caller of calls without credentials.
    pub identity: TaxIdentity,
    /// Certificates of gRPC.
    pub tls: TaxTls,
}

/// The caller of calls without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxIdentity {
    /// Its name; empty rejects calls without credentials.
    pub name: String,
    /// Its scope.
    #[serde(deserialize_with = "text::<_, ScopeWord>")]
    pub scope: Scope,
    /// The retailers in its reach; `*` means all.
    pub retailers: Vec<String>,
    /// The stores in its reach.
    pub stores: Vec<String>,
}

impl TaxIdentity {
    /// Whether it reaches all retailers.
    pub fn reaches_everything(&self) -> bool {
        self.retailers.iter().any(|name| name == ALL)
    }
}

/// PEM files for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxTls {
    /// The certificate of the server with its chain; none means no TLS.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub key: Option<PathBuf>,
    /// The authorities of client certificates; none means that clients need no certificate.
    #[serde(deserialize_with = "optional::<_, Path>")]
    pub client_ca: Option<PathBuf>,
}

impl TaxServer {
    /// Whether a listener is configured.
    pub const fn listens(&self) -> bool {
        self.grpc_listen.is_some() || self.http_listen.is_some()
    }

    pub(crate) fn validate(&self, checks: &mut Checks) {
        let identity = &self.identity;
        let is_bound = !identity.retailers.is_empty() || !identity.stores.is_empty();
        let key = |field: &str| format!("tax.server.identity.{field}");
        if identity.name.is_empty() {
            checks.check(
                !is_bound,
                &key("name"),
                "must be set, because `retailers` or `stores` is set",
            );
        } else {
            checks.check(
                is_id(&identity.name),
                &key("name"),
                "must have 1 to 64 letters, digits, '-', '_', '.' and ':'",
            );
            checks.check(
                is_bound,
                &key("retailers"),
                "must name a retailer, or [\"*\"] for all, or `stores` must name a store: without reach the identity \
                 finds no store",
            );
        }
        let tls = &self.tls;
        for (field, set, other, other_set) in [
            (
                "key",
                tls.key.is_some(),
                "certificate",
                tls.certificate.is_some(),
            ),
            (
                "certificate",
                tls.certificate.is_some(),
                "key",
                tls.key.is_some(),
            ),
            (
                "certificate",
                tls.certificate.is_some(),
                "client_ca",
                tls.client_ca.is_some(),
            ),
        ] {
            checks.check(
                set || !other_set,
                &format!("tax.server.tls.{field}"),
                &format!("must be set, because `{other}` is set"),
            );
        }
    }
}

#[cfg(test)]
impl TaxServer {
    /// Without listeners.
    pub(crate) const fn off() -> Self {
        Self {
            grpc_listen: None,
            http_listen: None,
            max_message_bytes: 1,
            deadline: Duration::ZERO,
            import_deadline: Duration::ZERO,
            identity: TaxIdentity {
                name: String::new(),
                scope: Scope::Till,
                retailers: Vec::new(),
                stores: Vec::new(),
            },
            tls: TaxTls {
                certificate: None,
                key: None,
                client_ca: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut TaxServer)) -> Vec<String> {
        let mut server = TaxServer::off();
        change(&mut server);
        let mut checks = Checks::default();
        server.validate(&mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn an_identity_has_a_name_and_a_reach() {
        assert_eq!(problems(|_| {}), [""; 0]);
        let named = |server: &mut TaxServer| server.identity.name = "tax-network".into();
        assert_eq!(problems(named), ["tax.server.identity.retailers"]);
        let reaching = |server: &mut TaxServer| server.identity.retailers = vec![ALL.into()];
        assert_eq!(problems(reaching), ["tax.server.identity.name"]);
        let both = |server: &mut TaxServer| {
            server.identity.name = "tax network".into();
            server.identity.stores = vec!["s1".into()];
        };
        assert_eq!(problems(both), ["tax.server.identity.name"]);
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let path = || Some("file.pem".into());
        assert_eq!(
            problems(|server| server.tls.certificate = path()),
            ["tax.server.tls.key"]
        );
        assert_eq!(
            problems(|server| server.tls.key = path()),
            ["tax.server.tls.certificate"]
        );
        assert_eq!(
            problems(|server| server.tls.client_ca = path()),
            ["tax.server.tls.certificate"]
        );
    }
}
