//! PostgreSQL: the machine's own or the pinned one, with a data folder of ours.

use super::service::{Service, Start};
use super::{Place, fetch, port};
use crate::process::{read, target};
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

/// After a crash it reads its log again first.
const READY_WITHIN: Duration = Duration::from_secs(60);

const PORT: u16 = 5432;

/// The database and its owner.
const NAME: &str = "galleria";

/// What others have to know of a server.
pub struct Database {
    pub port: u16,
    pub password: String,
    files: Files,
}

/// Its programs and its data.
struct Files {
    bin: PathBuf,
    data: PathBuf,
    /// Who runs them, where it may not be us.
    user: Option<&'static str>,
}

/// Makes the data folder where there is none, and starts the server.
pub async fn start(place: &Place<'_>, compose: &Value) -> Result<(Service, Database)> {
    let own = bin().filter(|_| !place.ask.pinned);
    let bin = own.map_or_else(fetch::postgres, Ok)?;
    let folder = place.folder("postgres")?;
    let data = folder.join("data");
    let user = user()?;
    let files = Files { bin, data, user };
    let version = read(files.program("postgres").arg("--version"))?;
    let version = version.split_whitespace().nth(2).unwrap_or_default();
    let password = files.initialised(&folder, compose, version)?;
    let port = port(PORT, place.ask.free)?;
    let mut command = files.program("postgres");
    command
        .arg("-D")
        .arg(&files.data)
        .args(["-p", &port.to_string()])
        // No socket in a folder that is everybody's.
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
    let mut service = Service::start(Start {
        name: "PostgreSQL",
        version: version.to_owned(),
        address: format!("postgres://{NAME}@127.0.0.1:{port}/{NAME}"),
        folder: &folder,
        // No new clients, those there are let go: a fast shutdown.
        signal: "INT",
        command,
    })?;
    service.ready(READY_WITHIN, async || answers(port)).await?;
    let database = Database {
        port,
        password,
        files,
    };
    Ok((service, database))
}

impl Database {
    /// With the password.
    pub fn url(&self) -> String {
        format!(
            "postgres://{NAME}:{}@127.0.0.1:{}/{NAME}",
            self.password, self.port
        )
    }

    /// Asks the files themselves, once the server has stopped.
    pub fn single(&self, statement: &str) -> Result<String> {
        self.files.single(NAME, statement)
    }
}

impl Files {
    /// A program of the server's, as whoever may run it.
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
        // Where we stand may be closed to that user.
        command.current_dir(self.data.parent().unwrap_or(Path::new("/")));
        command
    }

    /// Makes the data folder and the database, or finds those of before; answers with the password.
    fn initialised(&self, folder: &Path, compose: &Value, version: &str) -> Result<String> {
        let secret = folder.join("password");
        if self.data.join("PG_VERSION").is_file() {
            let made = fs::read_to_string(self.data.join("PG_VERSION"))?;
            if version.split('.').next() != Some(made.trim()) {
                bail!(
                    "{} is PostgreSQL {}'s, and the server is {version}: \
                     `cargo xtask up --keep --fresh` begins anew",
                    self.data.display(),
                    made.trim()
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
            .context("docker-compose.yml: postgres has no POSTGRES_INITDB_ARGS")?;
        show::line("    making its data folder");
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log.txt"))?;
        // Made aside: what is half done is not taken for whole.
        let made = folder.join("making");
        if made.exists() {
            fs::remove_dir_all(&made)?;
        }
        let mut init = self.program("initdb");
        init.args(arguments.split_whitespace())
            .args(["--username", NAME, "--pwfile"])
            .arg(&secret)
            .arg("-D")
            .arg(&made)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let status = init.status().context("initdb")?;
        if !status.success() {
            bail!(
                "initdb ended with {status}; {} has what it said (`{}` may not be open to the user {})",
                folder.join("log.txt").display(),
                target().display(),
                self.user.unwrap_or("that you are"),
            );
        }
        fs::rename(&made, &self.data)?;
        self.single("postgres", &format!("CREATE DATABASE {NAME}"))?;
        Ok(password)
    }

    /// One statement without a server: what came of it.
    fn single(&self, database: &str, statement: &str) -> Result<String> {
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
        let mut line = child.stdin.take().context("its standard input")?;
        writeln!(line, "{statement}")?;
        drop(line);
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        // It ends well, whatever it thinks of the statement.
        if !output.status.success() || said.contains("ERROR:") {
            bail!("postgres --single: {}: {said}", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Who runs a server that refuses to be run by root: the user that its package makes, or nobody.
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

fn id(what: &str, user: &str) -> Result<u32> {
    let output = Command::new("id").args([what, user]).output()?;
    let number = String::from_utf8_lossy(&output.stdout);
    number
        .trim()
        .parse()
        .with_context(|| format!("id {what} {user}"))
}

/// 32 hex digits.
fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("random bytes: {error}"))?;
    Ok(base16ct::lower::encode_string(&bytes))
}
