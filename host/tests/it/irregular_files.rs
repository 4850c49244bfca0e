//! A named pipe, a socket, a folder or a large sparse file in the place of a configuration file is an error of that
//! file. Nothing waits for a writer or reads gigabytes.

use crate::configuration::{ASKS, another, retailer};
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use crate::out_of_service::{documents, open};
use crate::reload::reload;
use rustix::fs::{CWD, Mode, mkfifoat};
use std::fs::{create_dir, remove_dir, remove_file};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than a command takes on a busy machine, and much shorter than reading gigabytes in a debug build.
const WITHIN: Duration = Duration::from_secs(60);

/// What takes the place of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Pipe,
    LinkedPipe,
    Socket,
    Folder,
    Sparse,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Pipe,
        Self::LinkedPipe,
        Self::Socket,
        Self::Folder,
        Self::Sparse,
    ];

    /// Puts it in the place of the file.
    fn put(self, file: &Path) {
        if remove_file(file).is_err() {
            let _ = remove_dir(file);
        }
        match self {
            Self::Pipe => pipe(file),
            Self::LinkedPipe => {
                let pipe_file = file.with_extension("pipe");
                if !pipe_file.exists() {
                    pipe(&pipe_file);
                }
                symlink(pipe_file, file).expect("a link");
            }
            Self::Socket => drop(UnixListener::bind(file).expect("a socket")),
            Self::Folder => create_dir(file).expect("a folder"),
            Self::Sparse => {
                let created = std::fs::File::create(file).expect("a file");
                created.set_len(3 << 30).expect("a sparse file");
            }
        }
    }

    /// What an error says about it.
    fn rule(self) -> &'static str {
        match self {
            Self::Pipe | Self::LinkedPipe => "not a named pipe",
            Self::Socket => "not a socket",
            Self::Folder => "not a directory",
            Self::Sparse => "must be at most",
        }
    }
}

fn pipe(file: &Path) {
    mkfifoat(CWD, file, Mode::RUSR | Mode::WUSR).expect("a pipe");
}

/// Runs the command, and ends it if it takes too long.
fn run(host: &Host, arguments: &[&str]) -> String {
    let mut command = host.galleria(arguments);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let begun = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        if begun.elapsed() > WITHIN {
            child.kill().expect("killed");
            panic!("{arguments:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("its output");
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(!status.success(), "{arguments:?}: {output}");
    output
}

fn slot() -> String {
    format!("[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n")
}

/// A retailer whose only secret is in `file`.
fn with_secret(file: &Path) -> String {
    let grants = "[plugins.papers.grants]\nsecrets = { card = [\"mac\"] }";
    let slot = slot().replacen("[plugins.papers.grants]", grants, 1);
    format!(
        "[secrets.card]\ncipher = \"hmac-sha256\"\nencoding = \"hex\"\nfile = \"{}\"\n\
         [plugins.papers]\nplugin = \"guest\"\n{slot}",
        file.display()
    )
}

#[test]
fn check_rejects_each_kind_in_the_place_of_each_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let files = [
        "host.toml",
        "card.key",
        "retailers/corner/retailer.toml",
        "plugins/guest/plugin.toml",
        "plugins/guest/guest.wasm",
    ];
    let host = retailer(folder.path(), ASKS, &slot());
    another(folder.path(), "corner", &with_secret(&at("card.key")));
    std::fs::write(at("card.key"), "0f".repeat(32)).expect("written");
    std::fs::write(at("host.toml"), "workers = 5\n").expect("written");
    for file in files {
        let path = at(file);
        let before = std::fs::read(&path).expect("a file");
        for kind in Kind::ALL {
            kind.put(&path);
            let host_file = at("host.toml").display().to_string();
            let output = run(&host, &["check", "--conf", &host_file]);
            assert!(
                output.contains(file) && output.contains(kind.rule()),
                "{file}, {kind:?}: {output}"
            );
        }
        if remove_file(&path).is_err() {
            remove_dir(&path).expect("removed");
        }
        std::fs::write(&path, before).expect("written");
    }
}

/// Files that only `serve` reads.
#[test]
fn the_start_fails_with_each_kind_in_the_place_of_each_file_of_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file.pem");
    let path = file.display().to_string();
    let tls = "tax.server.tls.certificate";
    let settings: [&[&str]; 6] = [
        &["sensitive.digest_key_file"],
        &["tax.grpc.ca_file", "tax.grpc.address=https://localhost:1"],
        &["tax.http.ca_file", "tax.http.address=https://localhost:1"],
        &[
            tls,
            "tax.server.tls.key=Cargo.toml",
            "tax.server.grpc_listen=127.0.0.1:0",
        ],
        &[
            "tax.grpc.certificate",
            "tax.grpc.key=Cargo.toml",
            "tax.grpc.address=https://localhost:1",
        ],
        &["database.url=postgres://127.0.0.1:1/shop?sslmode=verify-ca&sslrootcert"],
    ];
    let [retailers, plugins] = ["retailers", "plugins"].map(|name| folder.path().join(name));
    std::fs::create_dir_all(retailers.join("corner")).expect("a folder");
    std::fs::write(
        retailers.join("corner/retailer.toml"),
        "name = \"corner\"\n",
    )
    .expect("written");
    for kind in Kind::ALL {
        kind.put(&file);
        for setting in settings {
            let mut host = Host::with(retailers.clone(), plugins.clone());
            host.set(&format!("{}={path}", setting[0]));
            for pair in &setting[1..] {
                host.set(pair);
            }
            let output = run(&host, &["serve"]);
            assert!(
                output.contains(&path) && output.contains(kind.rule()),
                "{setting:?}, {kind:?}: {output}"
            );
        }
        let host = Host::with(retailers.clone(), plugins.clone());
        std::fs::create_dir_all(host.data()).expect("a folder");
        if matches!(kind, Kind::Pipe | Kind::Sparse) {
            kind.put(&host.data().join("host.name"));
            let output = run(&host, &["serve"]);
            assert!(
                output.contains("host.name") && output.contains(kind.rule()),
                "{kind:?}: {output}"
            );
            remove_file(host.data().join("host.name")).expect("removed");
        }
    }
}

#[test]
fn commands_read_baskets_of_limited_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baskets.json");
    let path = file.display().to_string();
    Kind::Sparse.put(&file);
    let host = Host::with(folder.path().into(), folder.path().into());
    for start in ["", "{\n"] {
        let opened = std::fs::OpenOptions::new().write(true).open(&file);
        std::io::Write::write_all(&mut opened.expect("open"), start.as_bytes()).expect("written");
        let output = run(&host, &["tax", "evaluate", "--basket", &path]);
        assert!(
            output.contains("a basket must have at most 8 MiB"),
            "{output}"
        );
    }
}

/// A mounted secret of Kubernetes is a link to a file in a linked folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_a_secret_delays_neither_the_start_nor_a_reload() {
    const BROKEN: &str = "broken";
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let mut host = retailer(folder.path(), ASKS, &slot()).on(Database::Sqlite);
    let key = at("card.key");
    another(folder.path(), BROKEN, &with_secret(&key));
    Kind::Pipe.put(&key);
    host.start().await;
    for name in ["corner", BROKEN] {
        open(&host, name).await;
        sell(&host, &format!("s-{name}"), 0).await;
    }
    let status = host
        .until(|status| documents(status, "corner") == 1 && status["parked"] == 1)
        .await;
    let errors = status["out_of_service"][0]["errors"].to_string();
    assert!(
        errors.contains("secrets.card") && errors.contains("not a named pipe"),
        "{errors}"
    );

    Kind::Sparse.put(&key);
    let (code, result) = reload(&host, BROKEN);
    assert_eq!(code, Some(1), "{result}");
    assert!(result.contains("must be at most 64 KiB"), "{result}");

    remove_file(&key).expect("removed");
    create_dir(at("..2026")).expect("a folder");
    std::fs::write(at("..2026/card.key"), "0f".repeat(32)).expect("written");
    symlink("..2026", at("..data")).expect("a link");
    symlink("..data/card.key", &key).expect("a link");
    let (code, result) = reload(&host, BROKEN);
    assert_eq!(code, Some(0), "{result}");
    host.until(|status| documents(status, BROKEN) == 1 && status["parked"] == 0)
        .await;

    Kind::Pipe.put(&at("retailers/broken/retailer.toml"));
    let (code, result) = reload(&host, BROKEN);
    assert_eq!(code, Some(1), "{result}");
    assert!(
        result.contains("the previous configuration serves") && result.contains("not a named pipe"),
        "{result}"
    );
    host.stop();
}
