//! Hostile guests: real components with one behaviour each, and what each of them attacks.
//!
//! A well-formed guest of an SDK cannot break the ABI, so most of them are written by hand, in `abi`, `limits`,
//! `capabilities` and `loading`. `SDK` lists the guests in Rust; their tests are in `behaviours`. `targets` fails
//! when a limit, a capability or a refused feature of WebAssembly has no guest. It also writes `HOSTILE.md`.

mod abi;
mod build;
mod capabilities;
mod generated;
mod limits;
mod loading;
mod run;
mod targets;

use build::Module;
use galleria_domain::plugin::{Limits, Point};
use run::Observed;
use std::sync::OnceLock;

/// How the host must react.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    /// The call ends with a fault of this code, whose text contains this.
    Fault(&'static str, &'static str),
    /// The component is refused when it is loaded, with an error that contains this text.
    Refused(&'static str),
    /// The behaviour harms nobody: the call succeeds after this number of calls of the host.
    Succeeds(u64),
}

/// Where the guest's component comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Module(Module),
    Component(Vec<u8>),
}

/// A hostile guest.
pub struct Guest {
    pub name: &'static str,
    /// Its behaviour, as the rest of a sentence.
    pub does: &'static str,
    /// What it attacks, in addition to its imports.
    pub attacks: Vec<&'static str>,
    pub ends: Ends,
    pub point: Point,
    pub limits: Limits,
    pub source: Source,
    /// A further check of the call.
    pub check: fn(&Observed),
}

/// Limits that a guest exceeds within milliseconds.
const TIGHT: Limits = Limits {
    cpu_ms: 100,
    ..crate::kit::LIMITS
};

/// A harmless guest.
fn guest(name: &'static str, does: &'static str) -> Guest {
    Guest {
        name,
        does,
        attacks: Vec::new(),
        ends: Ends::Succeeds(0),
        point: Point::OnPayment,
        limits: TIGHT,
        source: Source::Module(Module::default()),
        check: |_| (),
    }
}

impl Guest {
    fn module(mut self, change: impl FnOnce(&mut Module)) -> Self {
        if let Source::Module(module) = &mut self.source {
            change(module);
        }
        self
    }

    /// Imports functions.
    fn calls(self, imports: &[&'static str]) -> Self {
        self.module(|module| module.imports = imports.to_vec())
    }

    /// Executes this in the point's function.
    fn executes(self, text: impl Into<String>) -> Self {
        self.module(|module| module.function = text.into())
    }

    /// Adds functions, tables or data.
    fn with(self, fields: impl Into<String>) -> Self {
        self.module(|module| module.fields += &fields.into())
    }

    fn realloc(self, text: &'static str) -> Self {
        self.module(|module| module.realloc = text)
    }

    fn settings(self, text: &'static str) -> Self {
        self.module(|module| module.check = text)
    }

    fn after(self, text: &'static str) -> Self {
        self.module(|module| module.post = text)
    }

    /// Is this component instead of a module.
    fn component(mut self, bytes: Vec<u8>) -> Self {
        self.source = Source::Component(bytes);
        self
    }

    fn attacks(mut self, targets: &[&'static str]) -> Self {
        self.attacks.extend(targets);
        self
    }

    fn at(mut self, point: Point) -> Self {
        self.point = point;
        self
    }

    fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn fault(mut self, code: &'static str, text: &'static str) -> Self {
        self.ends = Ends::Fault(code, text);
        self
    }

    fn refused(mut self, text: &'static str) -> Self {
        self.ends = Ends::Refused(text);
        self
    }

    fn succeeds(mut self, host_calls: u64) -> Self {
        self.ends = Ends::Succeeds(host_calls);
        self
    }

    fn checked(mut self, check: fn(&Observed)) -> Self {
        self.check = check;
        self
    }
}

/// All hand-written guests.
fn catalogue() -> &'static [Guest] {
    static CATALOGUE: OnceLock<Vec<Guest>> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut guests = abi::guests();
        guests.extend(limits::guests());
        guests.extend(capabilities::guests());
        guests.extend(loading::guests());
        guests
    })
}

/// A guest with as many memories and tables as a component may have, which loops without end.
pub fn greedy() -> Vec<u8> {
    let module = Module {
        fields: "(table 1 funcref)".repeat(16),
        function: "(loop (br 0)) (unreachable)".into(),
        ..Module::default()
    };
    let memory = wat::parse_str("(module (memory 1))").expect("a module");
    build::with_modules(module.component(Point::OnPayment), &vec![memory; 3])
}
