//! A component is compiled in a child process, whose limits and end concern that component alone.

use crate::host::Host;
use galleria_config::Config;
use galleria_engine::{ChildCompiler, CompileLimits, Compiler, Engine, EngineConfig};
use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A component whose core module also contains `functions`.
pub fn component(functions: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m (func (export "f")) {functions})
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $settings (export "check" (func $f)))
            (export "galleria:retail/settings@0.2.0" (instance $settings))
            (instance $point (export "handle" (func $f)))
            (export "galleria:retail/on-payment@0.2.0" (instance $point)))"#
    );
    wat::parse_str(&text).expect("a component")
}

/// Several costly components, which differ in the name of an export.
pub fn costly_ones(number: usize) -> Vec<Vec<u8>> {
    let nested = nested_loops();
    let names = (0..number).map(|n| format!("(func (export \"costly-{n}\")) {nested}"));
    names.map(|functions| component(&functions)).collect()
}

/// A component of 30 KB that takes more than a minute to compile: each of its nested loops changes other locals, so
/// that every block depends on all of them.
pub fn costly() -> Vec<u8> {
    component(&nested_loops())
}

fn nested_loops() -> String {
    const LOCALS: usize = 100;
    const LOOPS: usize = 2_000;
    let local = |n: usize| n % LOCALS;
    let start = "loop ".repeat(LOOPS);
    let ends: String = (0..LOOPS)
        .map(|n| {
            format!(
                "local.get {} local.get {} i64.add local.tee {} i32.wrap_i64 br_if 0 end ",
                local(n * 13 + 1),
                local(n * 5 + 2),
                local(n * 7)
            )
        })
        .collect();
    let locals = "i64 ".repeat(LOCALS);
    format!("(func (local {locals}) {start} {ends})")
}

fn child() -> ChildCompiler {
    ChildCompiler {
        program: env!("CARGO_BIN_EXE_galleria").into(),
        arguments: vec!["compile-component".into()],
        limits: CompileLimits {
            cpu: Duration::from_secs(60),
            wall: Duration::from_secs(60),
            memory_bytes: 1 << 30,
            artifact_bytes: 1 << 30,
        },
        at_once: 2,
    }
}

/// A shell script in place of the compiler.
fn script(text: &str) -> ChildCompiler {
    ChildCompiler {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), text.into()],
        ..child()
    }
}

/// Plugins of the retailer `corner`, in a temporary folder.
struct Plugins(tempfile::TempDir);

impl Plugins {
    fn new(components: &[(&str, &[u8])]) -> Self {
        let plugins = Self(tempfile::tempdir().expect("a folder"));
        let mut retailer = "name = \"corner\"\n".to_owned();
        for (name, bytes) in components {
            let manifest = format!(
                "name = \"{name}\"\nversion = \"0.1.0\"\ncontract = \"0.2.0\"\ncomponent = \"{name}.wasm\"\n"
            );
            plugins.write(&format!("plugins/{name}/{name}.wasm"), bytes);
            plugins.write(&format!("plugins/{name}/plugin.toml"), manifest.as_bytes());
            for slot in ["first", "second"] {
                let slot = format!("[plugins.{name}-{slot}]\nplugin = \"{name}\"\n");
                retailer.push_str(&slot);
            }
        }
        plugins.write("retailers/corner/retailer.toml", retailer.as_bytes());
        plugins
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }

    fn config(&self) -> Config {
        let set = |key: &str| (key.to_owned(), self.at(key).display().to_string());
        let overrides = BTreeMap::from([set("retailers"), set("plugins")]);
        galleria_config::load(None, &BTreeMap::new(), &overrides).expect("configuration")
    }

    fn engine(&self, child: ChildCompiler) -> Engine {
        let mut config = EngineConfig::new(self.at("artifacts"));
        config.compiler = Compiler::Child(child);
        Engine::new(config).expect("an engine")
    }

    /// Loads all slots of the plugin, and returns the errors.
    fn load(&self, engine: &Engine, plugin: &str) -> String {
        let mut slots = self.config().slots();
        slots.retain(|slot| slot.plugin == plugin);
        assert_eq!(slots.len(), 2);
        let errors = engine.load(slots).err().unwrap_or_default();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        errors.join("\n")
    }

    /// The number of files in the folder of artifacts.
    fn artifacts(&self) -> usize {
        let files = std::fs::read_dir(self.at("artifacts")).expect("a folder");
        files.count()
    }

    /// The errors of a component that `child` compiles.
    fn errors(child: ChildCompiler) -> String {
        let plugins = Self::new(&[("guest", &component(""))]);
        let errors = plugins.load(&plugins.engine(child), "guest");
        assert_eq!(plugins.artifacts(), 0, "no part of an artifact stays");
        errors
    }
}

#[test]
fn a_costly_component_is_stopped_by_each_limit_and_the_next_one_is_compiled() {
    let plugins = Plugins::new(&[("costly", &costly()), ("cheap", &component(""))]);
    let limits = child().limits;
    let cpu = CompileLimits {
        cpu: Duration::from_millis(900),
        ..limits
    };
    let wall = CompileLimits {
        wall: Duration::from_millis(700),
        ..limits
    };
    let memory = CompileLimits {
        memory_bytes: 24 << 20,
        ..limits
    };
    for (limits, wanted) in [
        (
            cpu,
            "compilation exceeded 1 s of CPU time: simplify the component, or raise compilation.cpu",
        ),
        (
            wall,
            "compilation exceeded 700ms of elapsed time: simplify the component, or raise compilation.wall",
        ),
        (
            memory,
            "compilation exceeded 24 MiB of memory: simplify the component, or raise compilation.memory_bytes",
        ),
    ] {
        let engine = plugins.engine(ChildCompiler { limits, ..child() });
        let errors = plugins.load(&engine, "costly");
        assert!(errors.contains(wanted), "{wanted}: {errors}");
        assert!(
            errors.contains("costly.wasm: plugin costly: the component does not load"),
            "{errors}"
        );
        assert_eq!(plugins.artifacts(), 0, "no part of an artifact stays");
    }
    let limits = CompileLimits {
        artifact_bytes: 1 << 20,
        ..limits
    };
    let large = component(&"(func (param i64) local.get 0 drop)".repeat(20_000));
    let large = Plugins::new(&[("large", &large)]);
    let errors = large.load(&large.engine(ChildCompiler { limits, ..child() }), "large");
    let wanted = "the compiled component exceeded 1 MiB: simplify the component, or raise compilation.artifact_bytes";
    assert!(errors.contains(wanted), "{errors}");
    assert_eq!(large.artifacts(), 0);

    let engine = plugins.engine(ChildCompiler {
        limits: cpu,
        ..child()
    });
    plugins.load(&engine, "costly");
    let errors = plugins.load(&engine, "cheap");
    assert!(
        errors.contains("failed to check its settings"),
        "compiled: {errors}"
    );
    assert_eq!(plugins.artifacts(), 1);
}

#[test]
fn check_refuses_a_costly_component_by_the_configured_limits() {
    let plugins = Plugins::new(&[("costly", &costly())]);
    let mut host = Host::with(plugins.at("retailers"), plugins.at("plugins"));
    host.set("compilation.cpu=1s");
    let ran = host.run(&["check"]);
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success());
    for wanted in [
        "plugins/costly/costly.wasm",
        "plugin costly",
        "exceeded 1 s of CPU time",
        "raise compilation.cpu in host.toml",
    ] {
        assert!(output.contains(wanted), "{wanted}: {output}");
    }
}

#[test]
fn slots_that_share_a_component_share_its_failed_compilation() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = folder.path().join("count");
    let errors = Plugins::errors(script(&format!(
        "echo x >>{}; echo no >&2; exit 1",
        count.display()
    )));
    assert!(
        errors.ends_with("plugin guest: the component does not load: no"),
        "{errors}"
    );
    assert_eq!(std::fs::read_to_string(count).expect("a file"), "x\n");
}

#[test]
fn children_at_once_are_bounded() {
    let names = ["a", "b", "c", "d"];
    let bytes = names.map(|name| component(&format!("(func (export \"{name}\"))")));
    let components: Vec<_> = names
        .iter()
        .zip(&bytes)
        .map(|(name, bytes)| (*name, bytes.as_slice()))
        .collect();
    let plugins = Plugins::new(&components);
    let lock = plugins.at("lock");
    let text = format!(
        "mkdir {0} && sleep 0.05 && rmdir {0} && echo alone >&2; exit 1",
        lock.display()
    );
    let engine = plugins.engine(ChildCompiler {
        at_once: 1,
        ..script(&text)
    });
    let mut slots = plugins.config().slots();
    // Two slots of a component wait for each other anyway.
    slots.retain(|slot| slot.name.ends_with("first"));
    let errors = engine.load(slots).err().expect("errors");
    assert_eq!(errors.len(), names.len());
    for error in &errors {
        assert!(
            error.to_string().ends_with("does not load: alone"),
            "{error}"
        );
    }
}

/// The compilations of the retailer `corner` end when the test ends them. Another retailer shares a component whose
/// turn has not come in `corner`.
#[test]
fn costly_components_of_one_retailer_delay_no_other_one() {
    const AT_ONCE: usize = 2;
    let names: Vec<String> = (0..=AT_ONCE).map(|n| format!("busy-{n}")).collect();
    let names = [names, vec!["shared".into()]].concat();
    let bytes = names
        .iter()
        .map(|name| component(&format!("(func (export \"{name}\"))")));
    let bytes: Vec<Vec<u8>> = bytes.collect();
    let components: Vec<_> = names
        .iter()
        .zip(&bytes)
        .map(|(name, bytes)| (&**name, &**bytes))
        .collect();
    let plugins = Plugins::new(&components);
    let (started, ended) = (plugins.at("started"), plugins.at("ended"));
    let engine = plugins.engine(ChildCompiler {
        at_once: AT_ONCE,
        ..script(&format!(
            "if grep -q busy-; then echo x >>{}; until test -e {}; do sleep 0.02; done; fi; echo done >&2; exit 1",
            started.display(),
            ended.display()
        ))
    });
    let all = plugins.config().slots();
    let of = |plugin: &str| all.iter().find(|slot| slot.plugin == plugin).cloned();
    let load = |retailer: &str, plugin: &str| {
        let mut slot = of(plugin).expect("a slot");
        slot.retailer = retailer.to_owned();
        engine.load(vec![slot]).err().expect("errors")
    };
    std::thread::scope(|scope| {
        let busy: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(|| load("corner", name)))
            .collect();
        let begun = Instant::now();
        while !started.exists() {
            assert!(begun.elapsed().as_secs() < 20, "no compilation");
            std::thread::sleep(Duration::from_millis(5));
        }
        let good = scope.spawn(|| load("good", "shared"));
        let begun = Instant::now();
        while !good.is_finished() && begun.elapsed().as_secs() < 20 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (is_finished, are_busy) = (good.is_finished(), !busy[0].is_finished());
        std::fs::write(&ended, "").expect("a file");
        assert!(is_finished, "the other retailer waited");
        assert!(are_busy, "the costly compilations still run");
        let errors = good.join().expect("errors");
        assert!(errors[0].to_string().ends_with("does not load: done"));
        for one in busy {
            assert_eq!(one.join().expect("errors").len(), 1);
        }
    });
    let begun = std::fs::read_to_string(started).expect("a file");
    assert_eq!(begun.lines().count(), AT_ONCE + 1);
}

#[test]
fn a_compiler_that_fails_or_crashes_is_an_error_with_a_bounded_message() {
    for (text, wanted) in [
        (
            "kill -SEGV $$",
            "the compiler stopped with signal: 11 (SIGSEGV)",
        ),
        (
            "kill -KILL $$",
            "the system killed the compiler, probably for lack of memory",
        ),
        (
            "echo lost >&2; exit 3",
            "the compiler stopped with exit status: 3: \"lost\"",
        ),
        (
            "echo rejected >&2; exit 1",
            "plugin guest: the component does not load: rejected",
        ),
        ("exit 0", "plugin guest: the component does not load"),
        (
            "echo no machine code",
            "plugin guest: the component does not load",
        ),
    ] {
        let errors = Plugins::errors(script(text));
        assert!(errors.contains(wanted), "{text}: {errors}");
    }
    let errors = Plugins::errors(script("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1"));
    assert!(
        errors.contains("xxx") && errors.len() < 3_000,
        "{}",
        errors.len()
    );
}

#[test]
fn the_child_has_no_environment_and_no_open_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = std::fs::File::create(folder.path().join("secret")).expect("a file");
    // Unlike the files of the standard library, a duplicate is inherited.
    let inherited = rustix::io::dup(secret.as_fd()).expect("a duplicate");
    let errors = Plugins::errors(script(
        "tr '\\0' '\\n' </proc/$$/environ >&2; ls -l /proc/$$/fd >&2; exit 1",
    ));
    drop(inherited);
    assert!(errors.contains("2 -> "), "{errors}");
    assert!(
        !errors.contains("secret") && !errors.contains("3 -> "),
        "{errors}"
    );
    assert!(!errors.contains('='), "{errors}");
}

#[test]
fn the_child_ends_when_the_host_is_killed_and_leaves_no_file() {
    let plugins = Plugins::new(&[("costly", &costly())]);
    let mut host = Host::with(plugins.at("retailers"), plugins.at("plugins"));
    host.set(&format!("artifacts={}", plugins.at("artifacts").display()));
    let mut parent = host.galleria(&["check"]).spawn().expect("the binary");
    let start = Instant::now();
    let compiler = loop {
        match compiler_of(parent.id()) {
            Some(compiler) => break compiler,
            None => assert!(start.elapsed() < Duration::from_secs(20), "no compiler"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    parent.kill().expect("killed");
    parent.wait().expect("ended");
    let start = Instant::now();
    while is_running(&compiler) {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "the compiler still runs"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(plugins.artifacts(), 0);
}

/// The folder in /proc of a child that has limited itself.
fn compiler_of(parent: u32) -> Option<PathBuf> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let children: Vec<String> = children.collect();
    let ids = children.iter().flat_map(|ids| ids.split_whitespace());
    let mut folders = ids.map(|id| Path::new("/proc").join(id));
    folders.find(|folder| {
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        let line = |limit: &str| {
            read("limits")
                .lines()
                .any(|line| line.starts_with("Max data size") && line.contains(limit))
        };
        read("cmdline").contains("compile-component") && line("1073741824")
    })
}

fn is_running(process: &Path) -> bool {
    let text = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    !text.is_empty() && !text.contains(") Z ")
}
