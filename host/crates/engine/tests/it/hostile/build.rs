//! Builds a hostile guest: a core module as text, which `wit-component` wraps. So its functions have the right
//! types, and everything else about them may break the ABI.

use galleria_domain::plugin::Point;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, InterfaceId, Resolve};

/// Interfaces of WASI, with the functions that guests call.
const WASI: &str = "
package wasi:random@0.2.0 {
    interface random { get-random-bytes: func(len: u64) -> list<u8>; }
    interface insecure { get-insecure-random-bytes: func(len: u64) -> list<u8>; }
}
package wasi:clocks@0.2.0 {
    interface monotonic-clock { now: func() -> u64; }
    interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
}
package wasi:io@0.2.0 {
    interface error { resource error; }
    interface streams {
        use error.{error};
        resource output-stream {
            write: func(contents: list<u8>) -> result<_, stream-error>;
            blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>;
        }
        variant stream-error { last-operation-failed(error), closed }
    }
}
package wasi:cli@0.2.0 {
    interface environment { get-environment: func() -> list<tuple<string, string>>; }
    interface exit { exit: func(status: result); }
    interface stderr { use wasi:io/streams@0.2.0.{output-stream}; get-stderr: func() -> output-stream; }
}
package wasi:filesystem@0.2.0 {
    interface types { resource descriptor { sync: func() -> result<_, u8>; } }
    interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }
}
package wasi:sockets@0.2.0 {
    interface network { resource network; }
    interface instance-network { use network.{network}; instance-network: func() -> network; }
}
";

/// The replaceable parts of a module, as text. An empty part is harmless.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Imported functions: `interface#function`, with the package for WASI. Each is `$function` in the text,
    /// `$resource.function` for a method, and `$drop-resource`.
    pub imports: Vec<&'static str>,
    /// Functions, tables and data in addition.
    pub fields: String,
    pub realloc: &'static str,
    pub check: &'static str,
    pub function: String,
    pub post: &'static str,
}

/// Allocates from 32 KiB upwards, at multiples of eight.
const REALLOC: &str = "(local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.and
        (i32.add (i32.add (global.get $top) (local.get 3)) (i32.const 7))
        (i32.const -8)))
    (local.get $at)";

/// Address 16 is zero everywhere: an accepted event with an empty decision.
const NOTHING: &str = "(i32.const 16)";

/// Address 8 is zero everywhere: an empty list of problems. Guests write data from 16 onwards.
const NO_PROBLEMS: &str = "(i32.const 8)";

/// The contract and the parts of WASI.
pub fn contract() -> &'static Resolve {
    static CONTRACT: OnceLock<Resolve> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../wit/v0.2.0");
        resolve.push_dir(wit).expect("the contract");
        let wasi = format!("package hostile:wasi;\n{WASI}");
        resolve.push_str("wasi.wit", &wasi).expect("WASI");
        resolve
    })
}

/// The full name of an interface.
fn full(interface: &str) -> String {
    match interface.contains(':') {
        true => format!("{interface}@0.2.0"),
        false => format!("galleria:retail/{interface}@0.2.0"),
    }
}

fn interface(resolve: &Resolve, full_name: &str) -> InterfaceId {
    let named = |id: &InterfaceId| resolve.id_of(*id).as_deref() == Some(full_name);
    let mut ids = resolve.interfaces.iter().map(|(id, _)| id);
    ids.find(named)
        .unwrap_or_else(|| panic!("no interface {full_name}"))
}

/// The type of a core function.
fn signature(resolve: &Resolve, variant: AbiVariant, function: &Function) -> String {
    let signature = resolve.wasm_signature(variant, function);
    let list = |types: &[WasmType]| -> String {
        let name = |kind: &WasmType| match kind {
            WasmType::I64 => " i64",
            WasmType::PointerOrI64 => " i64",
            WasmType::F32 => " f32",
            WasmType::F64 => " f64",
            WasmType::I32 | WasmType::Pointer | WasmType::Length => " i32",
        };
        types.iter().map(name).collect()
    };
    let (params, results) = (list(&signature.params), list(&signature.results));
    format!("(param{params}) (result{results})")
}

impl Module {
    /// The full names of the imported interfaces.
    fn interfaces(&self) -> BTreeSet<String> {
        let name = |import: &&str| full(import.split_once('#').expect("a function").0);
        self.imports.iter().map(name).collect()
    }

    fn imported(&self) -> String {
        let resolve = contract();
        let mut text = String::new();
        for import in &self.imports {
            let (name, function) = import.split_once('#').expect("a function");
            let module = full(name);
            let (short, kind) = match function.strip_prefix("[resource-drop]") {
                Some(resource) => (format!("drop-{resource}"), "(param i32)".to_owned()),
                None => {
                    let interface = &resolve.interfaces[interface(resolve, &module)];
                    let found = interface.functions.get(function);
                    let found = found.unwrap_or_else(|| panic!("no function {import}"));
                    let kind = signature(resolve, AbiVariant::GuestImport, found);
                    (function.replace("[method]", ""), kind)
                }
            };
            writeln!(
                text,
                r#"(import "{module}" "{function}" (func ${short} {kind}))"#
            )
            .expect("a string");
        }
        text
    }

    /// The core module's text. It exports the point, whose function is `$function`.
    fn text(&self, point: Point) -> String {
        let resolve = contract();
        let or = |part: &str, harmless: &str| match part {
            "" => harmless.to_owned(),
            part => part.to_owned(),
        };
        let module = full(point.name());
        let exported = &resolve.interfaces[interface(resolve, &module)];
        let (function, exported) = exported.functions.first().expect("a function");
        let kind = signature(resolve, AbiVariant::GuestExport, exported);
        let settings = &resolve.interfaces[interface(resolve, &full("settings"))];
        let check = signature(
            resolve,
            AbiVariant::GuestExport,
            &settings.functions["check"],
        );
        format!(
            r#"(module
                {imports}
                (memory (export "memory") 1)
                (global $top (mut i32) (i32.const 32768))
                {fields}
                (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
                (func (export "galleria:retail/settings@0.2.0#check") {check} {checks})
                (func $function (export "{module}#{function}") {kind} {body})
                (func (export "cabi_post_{module}#{function}") (param i32) {post}))"#,
            imports = self.imported(),
            fields = self.fields,
            realloc = or(self.realloc, REALLOC),
            checks = or(self.check, NO_PROBLEMS),
            body = or(&self.function, NOTHING),
            post = self.post,
        )
    }

    /// The component, which exports `settings` and the point.
    pub fn component(&self, point: Point) -> Vec<u8> {
        let text = self.text(point);
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let imports: String = self
            .interfaces()
            .iter()
            .map(|interface| format!("import {interface};\n"))
            .collect();
        let point = full(point.name());
        let world = format!(
            "package hostile:guest;\nworld guest {{\n{imports}export galleria:retail/settings@0.2.0;\nexport {point};\n}}"
        );
        let mut resolve = contract().clone();
        let package = resolve.push_str("guest.wit", &world).expect("a world");
        let world = resolve.select_world(&[package], None).expect("the world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("a module with metadata");
        let encoder = ComponentEncoder::default()
            .module(&module)
            .unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        encoder.validate(true).encode().expect("a component")
    }
}

/// A data segment with text.
pub fn text(at: u32, text: &str) -> String {
    format!(r#"(data (i32.const {at}) "{text}")"#)
}

/// A data segment with numbers of 32 bits.
pub fn words(at: u32, words: &[u32]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    let escaped: String = bytes.map(|byte| format!("\\{byte:02x}")).collect();
    text(at, &escaped)
}

/// A section of a module or component.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    section.extend(leb128(content.len()));
    section.extend(content);
    section
}

pub fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        bytes.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return bytes;
        }
    }
}

/// A component with one module, with more modules and an instance of each.
pub fn with_modules(mut component: Vec<u8>, modules: &[Vec<u8>]) -> Vec<u8> {
    for (module, index) in modules.iter().zip(1..) {
        component.extend(section(1, module));
        // One instance: instantiate the module without arguments.
        component.extend(section(2, &[1, 0, index, 0]));
    }
    component
}
