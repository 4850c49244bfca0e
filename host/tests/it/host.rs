//! A host in a temporary folder, which tests start, use, kill and restart. Its records are in SQLite, or in a
//! PostgreSQL server of its own, which tests may kill, too.

mod client;

use galleria_db::DbConfig;
use galleria_test_postgres::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("host/ is in the workspace")
}

/// The folder of staged plugins.
pub fn staged() -> PathBuf {
    let folder = root().join("target/plugins");
    assert!(
        folder.exists(),
        "no plugins at {}: run `cargo xtask plugins`",
        folder.display()
    );
    folder
}

/// Builds the guest whose settings choose its behaviour, and returns its path.
pub fn misbehaving_guest() -> PathBuf {
    static BUILT: std::sync::Once = std::sync::Once::new();
    BUILT.call_once(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--profile", "plugin"])
            .args(["--target", "wasm32-wasip2", "-p", "engine-guests"])
            .current_dir(root())
            .status()
            .expect("cargo");
        assert!(built.success(), "the guest could not be built");
    });
    root().join("target/wasm32-wasip2/plugin/engine_guests.wasm")
}

/// The secret keys of the sample retailers, from the file beside each retailer's stores.
pub fn sample_keys() -> BTreeMap<String, String> {
    let retailers = std::fs::read_dir(root().join("retailers")).expect("retailers");
    let files = retailers.map(|entry| entry.expect("an entry").path().join("sample.env"));
    let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
    let mut keys = BTreeMap::new();
    for text in texts {
        let pairs = text.lines().filter(|line| !line.starts_with('#'));
        keys.extend(
            pairs
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
    }
    keys
}

/// Runs each named `async fn(Database)` on both databases.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        mod sqlite {
            $(
                $(#[$attribute])*
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::host::Database::Sqlite).await;
                }
            )*
        }
        mod postgres {
            $(
                $(#[$attribute])*
                #[tokio::test(flavor = "multi_thread")]
                #[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
                async fn $name() {
                    super::$name(crate::host::Database::Postgres).await;
                }
            )*
        }
    };
}

/// Compiled components, shared by all tests and by later test runs: compiling every plugin takes a debug
/// host many seconds. The name of a file contains the component's digest and the engine's configuration.
pub fn artifacts() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-artifacts")
}

/// The database of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A host in a temporary folder.
pub struct Host {
    folder: tempfile::TempDir,
    /// Its database.
    on: Database,
    /// Its PostgreSQL server, unless it uses the server of another host.
    postgres: Option<Server>,
    retailers: PathBuf,
    plugins: PathBuf,
    /// Settings that override all others, as `key=value`.
    pub settings: Vec<String>,
    server: Option<Child>,
    /// Its roles; none means all.
    role: Option<String>,
    /// Earlier processes that still serve.
    before: Vec<Child>,
    overrides: Vec<String>,
    pub client: reqwest::Client,
    /// Whether the client has an API key of this host.
    keyed: bool,
    /// Texts that neither the files nor the output of the host may contain.
    secrets: Mutex<Vec<String>>,
}

/// The password in the address of the database. The server does not check it.
const PASSWORD: &str = "canary-7Qm2xV9pLr4t";

/// The digest key on PostgreSQL, where several hosts share one. On SQLite the host creates it at the first
/// start.
const DIGEST_KEY: &str = "ca9a17bd1e4c0f5527c6ca9a17bd1e4c0f5527c6ca9a17bd1e4c0f5527c6ca9a";

/// The secret for the login at the broker.
pub const KAFKA_SECRET: &str = "canary-4Hs6bY0mQd8e";

impl Host {
    /// A host with the retailers and plugins of the workspace.
    pub fn new() -> Self {
        Self::with(root().join("retailers"), staged())
    }

    /// A host with other retailers and plugins.
    pub fn with(retailers: PathBuf, plugins: PathBuf) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            on: Database::Sqlite,
            postgres: None,
            retailers,
            plugins,
            settings: Vec::new(),
            server: None,
            role: None,
            before: Vec::new(),
            overrides: Vec::new(),
            client: reqwest::Client::new(),
            keyed: false,
            secrets: Mutex::new(
                [
                    vec![PASSWORD.into(), DIGEST_KEY.into(), KAFKA_SECRET.into()],
                    sample_keys().into_values().collect(),
                ]
                .concat(),
            ),
        }
    }

    /// Selects the database. Call it first.
    pub fn on(mut self, database: Database) -> Self {
        self.on = database;
        if database == Database::Postgres {
            let server = galleria_test_postgres::server(&[]);
            server.wait().expect("an answer");
            let url = server
                .url()
                .replace("galleria@", &format!("galleria:{PASSWORD}@"));
            self.settings.push(format!("database.url={url}"));
            self.postgres = Some(server);
            let migrated = self.run(&["migrate"]);
            assert!(migrated.status.success(), "{migrated:?}");
        }
        self
    }

    /// The database, for direct access.
    pub fn database(&self) -> DbConfig {
        DbConfig::new(match &self.postgres {
            Some(server) => server.url(),
            None => format!("sqlite://{}/galleria.db", self.data().display()),
        })
    }

    /// Kills the database server and restarts it: it is unavailable for a moment and then recovers from its log.
    /// SQLite has no server.
    pub async fn outage(&mut self) {
        if let Some(server) = &mut self.postgres {
            server.kill().expect("killed");
            tokio::time::sleep(Duration::from_millis(200)).await;
            server.restart().expect("started");
        }
    }

    /// Sets one key of the configuration, as `--set` does.
    pub fn set(&mut self, pair: &str) {
        self.overrides.extend(["--set".into(), pair.into()]);
    }

    /// Limits it to some roles.
    pub fn role(&mut self, role: &str) {
        self.role = Some(role.to_owned());
    }

    /// Another host on the same database, in a folder of its own.
    pub fn beside(&self, role: &str) -> Self {
        let mut other = Self::with(self.retailers.clone(), self.plugins.clone());
        other.settings.clone_from(&self.settings);
        other.overrides.clone_from(&self.overrides);
        other.client = self.client.clone();
        other.keyed = true;
        other.on = self.on;
        if self.on == Database::Sqlite {
            other.set(&format!("database.url={}", self.database().url));
        }
        other.role(role);
        other
    }

    /// The id of the serving process.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("started").id()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The binary with this host's configuration.
    pub fn galleria(&self, arguments: &[&str]) -> Command {
        let set = |key: &str, path: &Path| format!("{key}={}", path.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_galleria"));
        command
            .args(arguments)
            .args(["--set", &set("data", &self.data())])
            .args(["--set", &set("retailers", &self.retailers)])
            .args(["--set", &set("plugins", &self.plugins)])
            .args(["--set", &set("artifacts", &artifacts())])
            .args(["--set", "http.listen=127.0.0.1:0"])
            // One client stands for all tills here; tests of the limits set them.
            .args(["--set", "http.rate.burst=0"])
            .args(["--set", "http.connections_per_client=0"])
            .args(["--set", "retry.first=200ms"])
            // Only the test of the handover has a load balancer that must notice a draining host.
            .args(["--set", "http.drain_notice=0ms"])
            // Tests send events at once: wait for components that must be compiled first.
            .args(["--set", "compilation.startup_wait=300s"])
            .args(&self.overrides)
            // Only tests of the floor need a realistic one.
            .args(["--set", "members.floor=1ms"])
            .args(self.settings.iter().flat_map(|pair| ["--set", pair]))
            .current_dir(root())
            .env_clear()
            .envs(sample_keys())
            .env("GALLERIA_KAFKA__API_KEY", "shops")
            .env("GALLERIA_KAFKA__API_SECRET", KAFKA_SECRET)
            .stdin(Stdio::null());
        if self.on == Database::Postgres {
            command.env("GALLERIA_SENSITIVE__DIGEST_KEY", DIGEST_KEY);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.galleria(arguments).output().expect("the binary");
        self.holds_no_secret(&output.stdout, &arguments.join(" "));
        self.holds_no_secret(&output.stderr, &arguments.join(" "));
        output
    }

    fn holds_no_secret(&self, bytes: &[u8], place: &str) {
        for secret in self.secrets.lock().expect("no panic").iter() {
            let found = memchr::memmem::find(bytes, secret.as_bytes());
            assert!(found.is_none(), "{place}: it shows a secret");
        }
    }

    /// Searches for secrets in everything that the host wrote: log, files, records.
    fn wrote_no_secret(&self) {
        let mut folders = vec![self.data()];
        // The digest key that the host created must be only in its file.
        let own = self.data().join("digest.key");
        if let Ok(key) = std::fs::read_to_string(&own) {
            self.secrets
                .lock()
                .expect("no panic")
                .push(key.trim().to_owned());
        }
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path == own {
                    // Searched for everywhere else.
                } else if let Ok(bytes) = std::fs::read(&path) {
                    self.holds_no_secret(&bytes, &path.display().to_string());
                }
            }
        }
    }

    /// Creates an API key by command and returns it.
    pub fn key(&self, arguments: &[&str]) -> String {
        let made = self.run(&[&["key", "create"], arguments].concat());
        let result = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "no key:\n{result}");
        let key = String::from_utf8(made.stdout).expect("text");
        let key = key.trim().to_owned();
        let (_, secret) = key.rsplit_once('_').expect("a secret");
        self.secrets
            .lock()
            .expect("no panic")
            .push(secret.to_owned());
        key
    }

    /// Starts serving and waits until the host is ready. The first time, the client gets an API key for
    /// everything.
    pub async fn start(&mut self) {
        std::fs::create_dir_all(self.data()).expect("a folder");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data().join("log"))
            .expect("a log");
        self.start_with(Stdio::null(), log.into()).await;
    }

    /// Starts serving like [`Self::start`], with other outputs.
    pub async fn start_with(&mut self, stdout: Stdio, stderr: Stdio) {
        if let Some(server) = &self.postgres {
            server.wait().expect("an answer");
        }
        if !self.keyed {
            let key = self.key(&["--name", "tests", "--scope", "admin", "--everywhere"]);
            self.client = Self::client_with(&key);
            self.keyed = true;
        }
        self.compile_once();
        let address = self.data().join("http.addr");
        let _ = std::fs::remove_file(&address);
        let role = self.role.iter().flat_map(|role| ["--role", role]);
        let serve: Vec<&str> = ["serve"].into_iter().chain(role).collect();
        let server = self
            .galleria(&serve)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the binary");
        self.server = Some(server);
        let begun = Instant::now();
        loop {
            if address.exists() && self.get("/readyz").await.is_ok() {
                return;
            }
            let over = self.server.as_mut().expect("started").try_wait();
            if let Ok(Some(status)) = over {
                panic!("the host ended with {status}:\n{}", self.log());
            }
            // The first host may compile every component, in a debug build and beside other tests.
            assert!(begun.elapsed().as_secs() < 300, "no start:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Compiles the components of all sample retailers before the first host with them starts. Hosts that
    /// start at the same time would each compile all of them.
    fn compile_once(&self) {
        static COMPILED: std::sync::Once = std::sync::Once::new();
        if self.retailers == root().join("retailers") {
            COMPILED.call_once(|| drop(self.run(&["check"])));
        }
    }

    /// Starts another host on the same records and files, beside the serving one.
    pub async fn start_beside(&mut self) {
        self.before.extend(self.server.take());
        self.start().await;
    }

    /// Stops the earlier processes and waits until they have drained.
    pub fn stop_before(&mut self) {
        for server in std::mem::take(&mut self.before) {
            self.drain(server);
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }

    /// Kills every process without a stop signal.
    pub fn kill(&mut self) {
        for mut server in self.server.take().into_iter().chain(self.before.drain(..)) {
            server.kill().expect("killed");
            server.wait().expect("gone");
        }
    }

    /// Stops the host and waits until it has drained.
    pub fn stop(&mut self) {
        let server = self.server.take().expect("started");
        self.drain(server);
    }

    fn drain(&self, mut server: Child) {
        let result = Command::new("kill")
            .args(["-TERM", &server.id().to_string()])
            .status()
            .expect("kill");
        assert!(result.success());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = server.try_wait().expect("a state") {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(120) {
                server.kill().expect("killed");
                panic!("the host did not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// Every file below the directories with its content, by path, including temporary files.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.data().join("files")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.data()).expect("below");
                    let content = std::fs::read(&path).expect("a file");
                    found.insert(name.display().to_string(), content);
                }
            }
        }
        found
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            self.wrote_no_secret();
        }
    }
}

#[test]
fn missing_servers_are_an_error_if_strict() {
    galleria_test_postgres::require_if_strict();
    galleria_test_kafka::require_if_strict();
}
