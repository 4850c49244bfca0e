//! The address of a PostgreSQL server: `postgres://user:password@host:port/database?parameter=value`.
//!
//! Parameters that the address omits are read from the environment variables of PostgreSQL, such as `PGPASSWORD`, and the
//! password then from its password file. No error quotes a value that may be a password.

use crate::error::DbError;
use crate::password_file::{Login, PasswordFile};
use crate::tls::{self, TlsFiles};
use percent_encoding::percent_decode_str;
use std::path::Path;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// Prepared queries of a connection, unless the address has another number: nearly all texts of the host.
const STATEMENTS: usize = 256;

/// Longest time that sent data may stay unacknowledged, before the connection counts as lost.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Parameters of an address with their other names, and the environment variables of PostgreSQL.
const PARAMETERS: &[(&str, &[&str], Option<&str>)] = &[
    ("sslmode", &["ssl-mode"], Some("PGSSLMODE")),
    (
        "sslrootcert",
        &["ssl-root-cert", "ssl-ca"],
        Some("PGSSLROOTCERT"),
    ),
    ("sslcert", &["ssl-cert"], Some("PGSSLCERT")),
    ("sslkey", &["ssl-key"], Some("PGSSLKEY")),
    ("statement-cache-capacity", &[], None),
    ("host", &[], Some("PGHOST")),
    ("hostaddr", &[], Some("PGHOSTADDR")),
    ("port", &[], Some("PGPORT")),
    ("dbname", &[], Some("PGDATABASE")),
    ("user", &[], Some("PGUSER")),
    ("password", &[], Some("PGPASSWORD")),
    ("application_name", &[], Some("PGAPPNAME")),
    ("options", &[], Some("PGOPTIONS")),
];

/// Folders where a server of the same machine has its socket.
const SOCKET_FOLDERS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

/// A parsed address. Host, user and database are the parts that error messages may show.
#[derive(Clone)]
pub(crate) struct PostgresAddress {
    pub(crate) config: Config,
    /// `None` never encrypts.
    pub(crate) tls: Option<MakeRustlsConnect>,
    /// Prepared queries that a connection keeps.
    pub(crate) statements: usize,
    pub(crate) host: String,
    pub(crate) user: String,
    pub(crate) database: String,
}

/// The values of all parameters.
#[derive(Default)]
struct Parameters {
    host: Option<String>,
    hostaddr: Option<std::net::IpAddr>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<String>,
    dbname: Option<String>,
    application_name: Option<String>,
    options: Vec<String>,
    sslmode: Option<String>,
    files: TlsFiles,
    statements: Option<usize>,
    password_file: Option<PasswordFile>,
}

impl PostgresAddress {
    pub(crate) fn parse(url: &str) -> Result<Self, DbError> {
        let environment = |variable: &str| std::env::var(variable).ok();
        Self::with_environment(url, environment)
    }

    fn with_environment(
        url: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, DbError> {
        let url = Url::parse(url).map_err(|_| DbError::Address)?;
        let mut parameters = Parameters::default();
        for (name, _, variable) in PARAMETERS {
            if let Some(value) = variable.and_then(&environment) {
                parameters.set(name, &value)?;
            }
        }
        let home = || environment("HOME").map(|home| PasswordFile::of_home(Path::new(&home)));
        let named = environment("PGPASSFILE").map(|file| PasswordFile::Named(file.into()));
        parameters.password_file = named.or_else(home);
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(String::from).map_err(|_| DbError::Address)
        };
        if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
            parameters.host = Some(decoded(host)?);
        }
        parameters.port = url.port().or(parameters.port);
        if !url.username().is_empty() {
            parameters.user = Some(decoded(url.username())?);
        }
        if let Some(password) = url.password() {
            parameters.password = Some(decoded(password)?);
        }
        let path = url.path().trim_start_matches('/');
        if !path.is_empty() {
            parameters.dbname = Some(decoded(path)?);
        }
        if url
            .query_pairs()
            .any(|(name, _)| name.starts_with("options"))
        {
            parameters.options.clear();
        }
        for (name, value) in url.query_pairs() {
            parameters.set(&name, &value)?;
        }
        parameters.address()
    }
}

impl Parameters {
    fn set(&mut self, name: &str, value: &str) -> Result<(), DbError> {
        if let Some(setting) = name.strip_prefix("options[") {
            let setting = setting.strip_suffix(']').unwrap_or(setting);
            self.options.push(format!("-c {setting}={value}"));
            return Ok(());
        }
        let known = PARAMETERS
            .iter()
            .find(|(known, others, _)| *known == name || others.contains(&name));
        let Some((name, ..)) = known else {
            return Err(DbError::Parameter {
                name: name.to_owned(),
                accepted: PARAMETERS.iter().map(|(name, ..)| *name).collect(),
            });
        };
        let rejected = |rule| move || DbError::ParameterValue { name, rule };
        let text = Some(value.to_owned());
        match *name {
            "sslmode" => self.sslmode = text,
            "sslrootcert" => self.files.root = Some(value.into()),
            "sslcert" => self.files.certificate = Some(value.into()),
            "sslkey" => self.files.key = Some(value.into()),
            "statement-cache-capacity" => {
                let number = value.parse().ok();
                self.statements = Some(number.ok_or_else(rejected("must be an integer from 0"))?);
            }
            "host" => self.host = text,
            "hostaddr" => {
                let address = value.parse().ok();
                self.hostaddr = Some(address.ok_or_else(rejected("must be an IP address"))?);
            }
            "port" => {
                let number = value.parse().ok();
                let rule = "must be an integer from 0 to 65535";
                self.port = Some(number.ok_or_else(rejected(rule))?);
            }
            "dbname" => self.dbname = text,
            "user" => self.user = text,
            "password" => self.password = text,
            "application_name" => self.application_name = text,
            _ => self.options.extend(text),
        }
        Ok(())
    }

    fn address(self) -> Result<PostgresAddress, DbError> {
        let port = self.port.unwrap_or(5432);
        let host = match (self.host, self.hostaddr) {
            (Some(host), _) => host,
            (None, Some(address)) => address.to_string(),
            (None, None) => local_host(port),
        };
        let user = self
            .user
            .unwrap_or_else(|| whoami::username().unwrap_or_else(|_| "postgres".to_owned()));
        let database = self.dbname.unwrap_or_else(|| user.clone());
        let mut config = Config::new();
        config
            .host(host.trim_start_matches('[').trim_end_matches(']'))
            .port(port)
            .user(&user)
            .dbname(&database)
            .tcp_user_timeout(UNACKNOWLEDGED);
        if let Some(address) = self.hostaddr {
            config.hostaddr(address);
        }
        let login = Login {
            host: &host,
            port,
            database: &database,
            user: &user,
        };
        let password = match (self.password, &self.password_file) {
            (None, Some(file)) => file.password(&login)?,
            (password, _) => password,
        };
        if let Some(password) = password {
            config.password(password);
        }
        if let Some(name) = self.application_name {
            config.application_name(name);
        }
        if !self.options.is_empty() {
            config.options(self.options.join(" "));
        }
        let mode = self.sslmode.as_deref().unwrap_or("prefer");
        let verify = match mode {
            "disable" | "allow" => None,
            "prefer" | "require" => Some(tls::Verify::Nothing),
            "verify-ca" => Some(tls::Verify::Issuer),
            "verify-full" => Some(tls::Verify::IssuerAndHost),
            _ => {
                return Err(DbError::ParameterValue {
                    name: "sslmode",
                    rule: "must be disable, allow, prefer, require, verify-ca or verify-full",
                });
            }
        };
        config.ssl_mode(match (mode, verify) {
            (_, None) => SslMode::Disable,
            ("prefer", _) => SslMode::Prefer,
            _ => SslMode::Require,
        });
        let tls = verify.map(|verify| tls::connector(verify, &self.files));
        Ok(PostgresAddress {
            config,
            tls: tls.transpose()?,
            statements: self.statements.unwrap_or(STATEMENTS),
            host: match host.starts_with('/') {
                true => host,
                false => format!("{host}:{port}"),
            },
            user,
            database,
        })
    }
}

/// The folder of the local server's socket, or `localhost`.
fn local_host(port: u16) -> String {
    let socket = format!(".s.PGSQL.{port}");
    let folder = SOCKET_FOLDERS
        .into_iter()
        .find(|folder| Path::new(folder).join(&socket).exists());
    folder.unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::Host;

    fn parse(url: &str) -> Result<PostgresAddress, DbError> {
        PostgresAddress::with_environment(url, |_| None)
    }

    fn error(url: &str) -> String {
        let error = parse(url).map(drop).expect_err("rejected");
        format!("{error} {error:?}")
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = parse("postgres://till:tiger%2Dsecret@db.example:5433/shop").expect("valid");
        assert_eq!(address.host, "db.example:5433");
        assert_eq!((&*address.user, &*address.database), ("till", "shop"));
        assert_eq!(address.config.get_password(), Some(&b"tiger-secret"[..]));
        assert!(!format!("{:?}", address.config).contains("tiger"));
        for invalid in [
            "postgres://till:tiger-secret@db.example:port/shop",
            "postgres://till:tiger-secret@db/shop?port=tiger-secret",
            "postgres://till:tiger-secret@db/shop?sslmode=tiger-secret",
            "postgres://till:tiger-secret@db/shop?passwort=tiger-secret",
            "postgres://till:tiger-secret@db/shop?statement-cache-capacity=tiger-secret",
        ] {
            let error = error(invalid);
            assert!(!error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn parameters_replace_parts_of_the_address() {
        let url = "postgres://db/shop?host=/run/sockets&port=5499&user=eva&dbname=other&password=p\
                   &application_name=galleria&options[search_path]=a&options=-c%20jit=off&sslmode=disable";
        let address = parse(url).expect("valid");
        let config = &address.config;
        assert_eq!(config.get_hosts(), [Host::Unix("/run/sockets".into())]);
        assert_eq!(config.get_ports(), [5499]);
        assert_eq!((&*address.user, &*address.database), ("eva", "other"));
        assert_eq!(address.host, "/run/sockets");
        assert_eq!(config.get_options(), Some("-c search_path=a -c jit=off"));
        assert_eq!(config.get_application_name(), Some("galleria"));
        assert!(address.tls.is_none());
        let socket = parse("postgres://till@%2Frun%2Fsockets/shop").expect("valid");
        assert_eq!(
            socket.config.get_hosts(),
            [Host::Unix("/run/sockets".into())]
        );
        let addressed = parse("postgres://db.example/shop?hostaddr=10.0.0.1").expect("valid");
        assert_eq!(addressed.host, "db.example:5432");
        assert_eq!(addressed.config.get_hostaddrs().len(), 1);
    }

    #[test]
    fn a_password_may_have_any_character() {
        let password = "p@ss:w/o?r#d %&+=[]'\"\\ä";
        let encoded = "p%40ss%3Aw%2Fo%3Fr%23d%20%25%26%2B%3D%5B%5D%27%22%5C%C3%A4";
        for url in [
            format!("postgres://till:{encoded}@db/shop"),
            format!("postgres://till@db/shop?password={encoded}"),
        ] {
            let config = parse(&url).expect("valid").config;
            assert_eq!(config.get_password(), Some(password.as_bytes()), "{url}");
        }
    }

    #[test]
    fn the_environment_fills_gaps() {
        let environment = |name: &str| match name {
            "PGPASSWORD" => Some("from-environment".to_owned()),
            "PGUSER" => Some("eva".to_owned()),
            "PGDATABASE" => Some("unused".to_owned()),
            _ => None,
        };
        let address = PostgresAddress::with_environment("postgres://db/shop", environment);
        let address = address.expect("valid");
        assert_eq!((&*address.user, &*address.database), ("eva", "shop"));
        assert_eq!(
            address.config.get_password(),
            Some(&b"from-environment"[..])
        );
    }

    #[test]
    fn only_regular_files_with_certificates_are_read() {
        for (parameters, expected) in [
            (
                "sslmode=verify-ca&sslrootcert=%2Fdev%2Fzero",
                "sslrootcert: /dev/zero must be a regular file",
            ),
            (
                "sslmode=verify-full&ssl-ca=/dev/zero",
                "sslrootcert: /dev/zero must be a regular file",
            ),
            (
                "ssl-cert=/dev/zero&ssl-key=/dev/zero",
                "sslcert: /dev/zero must be a regular file",
            ),
            (
                "sslcert=/etc/passwd&sslkey=/dev/zero",
                "sslcert: cannot use /etc/passwd: it must contain",
            ),
            (
                "sslcert=-----BEGIN+tiger-----&sslkey=-----BEGIN+tiger-----",
                "sslcert: cannot use the text: it must contain",
            ),
        ] {
            let error = error(&format!("postgres://db/shop?{parameters}"));
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn a_password_that_is_missing_is_read_from_the_password_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(".pgpass");
        std::fs::write(&file, "db:5432:shop:eva:from-file\n").expect("a file");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, private).expect("a mode");
        let home = folder.path().display().to_string();
        let file = file.display().to_string();
        for (variable, value) in [("HOME", home), ("PGPASSFILE", file)] {
            let environment = |name: &str| (name == variable).then(|| value.clone());
            let password = |url| {
                let address = PostgresAddress::with_environment(url, environment);
                let config = address.expect("valid").config;
                let password = config.get_password().unwrap_or_default();
                String::from_utf8_lossy(password).into_owned()
            };
            assert_eq!(password("postgres://eva@db/shop"), "from-file");
            assert_eq!(password("postgres://eva:own@db/shop"), "own");
            assert_eq!(password("postgres://ana@db/shop"), "");
        }
    }

    #[test]
    fn an_unknown_parameter_is_rejected_with_the_known_ones() {
        let error = error("postgres://db/shop?user=till&passwort=x");
        assert!(error.contains("unknown parameter passwort"), "{error}");
        assert!(error.contains("sslmode, sslrootcert"), "{error}");
    }
}
