//! PostgreSQL: installed or downloaded, with a data folder in the folder of the run.

use super::{RunFolder, fetch, port};
use crate::process::{read, target};
use crate::service::{Service, Start};
use crate::show;
use anyhow::{Context, Result, bail};
use galleria_test_postgres::{answers, bin};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// After a crash the server first recovers from its log.
const READY_WITHIN: Duration = Duration::from_secs(60);

const PORT: u16 = 5432;

/// Name of the database and its owner.
const NAME: &str = "galleria";

/// A started database.
pub struct Database {
    pub port: u16,
    pub password: String,
    files: Files,
}

/// The programs and data of a server.
struct Files {
    bin: PathBuf,
    data: PathBuf,
    /// The user that runs the server, if it must not be the current one.
    user: Option<&'static str>,
}

/// Creates the data folder if it is new, and starts the server.
pub async fn start(folder: &RunFolder<'_>, compose: &Value) -> Result<(Service, Database)> {
    let installed = bin().filter(|_| !folder.args.pinned);
    let bin = installed.map_or_else(fetch::postgres, Ok)?;
    let own_folder = folder.subfolder("postgres")?;
    let data = own_folder.join("data");
    let user = user()?;
    let files = Files { bin, data, user };
    let version = read(files.program("postgres").arg("--version"))?;
    let version = version.split_whitespace().nth(2).unwrap_or_default();
    let password = files.initialise(&own_folder, compose, version)?;
    let port = port(PORT, folder.args.free)?;
    let mut command = files.program("postgres");
    command
        .arg("-D")
        .arg(&files.data)
        .args(["-p", &port.to_string()])
        // The default folder of the socket is shared by all users.
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
    let mut service = Service::start(Start {
        name: "PostgreSQL",
        version: version.to_owned(),
        folder: &own_folder,
        // A fast shutdown: disconnects all clients.
        signal: "INT",
        command,
    })?;
    service.address = format!("postgres://{NAME}@127.0.0.1:{port}/{NAME}");
    service.ready(READY_WITHIN, async || answers(port)).await?;
    let database = Database {
        port,
        password,
        files,
    };
    Ok((service, database))
}

impl Database {
    /// Returns the URL with the password.
    pub fn url(&self) -> String {
        format!(
            "postgres://{NAME}:{}@127.0.0.1:{}/{NAME}",
            self.password, self.port
        )
    }

    /// Runs a query on the data folder after the server has stopped.
    pub fn single(&self, query: &str) -> Result<String> {
        self.files.single(NAME, query)
    }
}

impl Files {
    /// Returns a command for a program of the server, as the user that runs it.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args([
                        format!("--reuid={user}"),
                        format!("--regid={}", group(user)),
                    ])
                    .args(["--clear-groups".into(), program]);
                command
            }
        };
        // That user may not have access to the current folder.
        command.current_dir(self.data.parent().unwrap_or(Path::new("/")));
        command
    }

    /// Creates the data folder and the database unless they exist. Returns the password.
    fn initialise(&self, folder: &Path, compose: &Value, version: &str) -> Result<String> {
        let secret = folder.join("password");
        if self.data.join("PG_VERSION").is_file() {
            let data_version = fs::read_to_string(self.data.join("PG_VERSION"))?;
            if version.split('.').next() != Some(data_version.trim()) {
                bail!(
                    "{} has data of PostgreSQL {}, but the server is {version}; \
                     `cargo xtask up --keep --fresh` deletes it",
                    self.data.display(),
                    data_version.trim()
                );
            }
            return Ok(fs::read_to_string(secret)?);
        }
        let password = random()?;
        let _ = fs::remove_file(&secret);
        let mut file = File::options();
        let mut file = file
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&secret)?;
        file.write_all(password.as_bytes())?;
        if let Some(user) = self.user {
            let (uid, gid) = (id("-u", user)?, id("-g", user)?);
            chown(folder, Some(uid), Some(gid))?;
            chown(&secret, Some(uid), Some(gid))?;
        }
        let arguments = compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
            .as_str()
            .context("docker-compose.yml: postgres needs POSTGRES_INITDB_ARGS")?;
        show::line("    creating its data folder");
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log.txt"))?;
        // In another folder first, so that a failed initialisation is not taken for a data folder.
        let unfinished = folder.join("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        let mut init = self.program("initdb");
        init.args(arguments.split_whitespace())
            .args(["--username", NAME, "--pwfile"])
            .arg(&secret)
            .arg("-D")
            .arg(&unfinished)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let status = init.status().context("initdb")?;
        if !status.success() {
            bail!(
                "initdb: {status}; see {} (does the user {2} have access to `{1}`?)",
                folder.join("log.txt").display(),
                target().display(),
                self.user.unwrap_or("itself"),
            );
        }
        fs::rename(&unfinished, &self.data)?;
        self.single("postgres", &format!("CREATE DATABASE {NAME}"))?;
        Ok(password)
    }

    /// Runs a query without a server. Returns the output.
    fn single(&self, database: &str, query: &str) -> Result<String> {
        let mut command = self.program("postgres");
        let mut child = command
            .arg("--single")
            .arg("-D")
            .arg(&self.data)
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("postgres --single")?;
        let mut stdin = child.stdin.take().context("standard input")?;
        writeln!(stdin, "{query}")?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        // The exit status is success even if the query failed.
        if !output.status.success() || stderr.contains("ERROR:") {
            bail!("postgres --single: {}: {stderr}", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Returns the user for the server, which does not run as root: the user of its package, or `nobody`.
fn user() -> Result<Option<&'static str>> {
    if read(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(None);
    }
    let postgres = id("-u", "postgres").is_ok();
    Ok(Some(if postgres { "postgres" } else { "nobody" }))
}

fn group(user: &str) -> String {
    id("-g", user).map_or_else(|_| user.to_owned(), |number| number.to_string())
}

fn id(option: &str, user: &str) -> Result<u32> {
    let output = Command::new("id").args([option, user]).output()?;
    let number = String::from_utf8_lossy(&output.stdout);
    number
        .trim()
        .parse()
        .with_context(|| format!("id {option} {user}"))
}

/// Returns 32 random hexadecimal digits.
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("random bytes: {error}"))?;
    Ok(base16ct::lower::encode_string(&bytes))
}
