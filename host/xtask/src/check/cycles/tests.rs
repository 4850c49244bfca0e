use super::*;

/// The cycles of a crate with these files, as file names.
fn cycles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }
    let found = find(&folder.path().join("lib.rs")).expect("a crate");
    let name = |file: &PathBuf| {
        let name = file
            .strip_prefix(folder.path())
            .expect("a file of the crate");
        name.display().to_string()
    };
    found
        .iter()
        .map(|cycle| cycle.iter().map(name).collect())
        .collect()
}

#[test]
fn two_files_that_import_each_other_are_a_cycle() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B; fn f() { crate::c::c() }"),
        ("c.rs", "use super::a::{A, self as other}; pub fn c() {}"),
    ]);
    assert_eq!(found, [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn one_direction_is_no_cycle() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "use crate::B; pub struct A;"),
        (
            "b.rs",
            "//! use crate::a::A\npub struct B; const TEXT: &str = \"crate::a::A\";",
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn re_exports_lead_to_the_definition() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b; pub use b::*;"),
        ("a.rs", "use crate::B; pub struct A;"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ]);
    assert_eq!(found, [["a.rs", "b.rs"]]);
}

#[test]
fn a_child_may_use_its_parent() {
    let found = cycles(&[
        ("lib.rs", "mod a;"),
        (
            "a/mod.rs",
            "mod child; use child::Child; pub struct Parent(Child);",
        ),
        (
            "a/child.rs",
            "use super::Parent; pub struct Child(Box<Parent>);",
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_cycle_through_a_parent_and_a_stranger_counts() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a/mod.rs",
            "mod child; use child::Child; pub struct Parent(Child);",
        ),
        ("a/child.rs", "pub struct Child(crate::b::B);"),
        ("b.rs", "pub struct B(crate::a::Parent);"),
    ]);
    assert_eq!(found, [["a/child.rs", "a/mod.rs", "b.rs"]]);
}

#[test]
fn paths_through_an_imported_module_count() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b; pub fn a() { b::b() }"),
        ("b.rs", "use crate::{a::a}; pub fn b() { vec![a()] }"),
    ]);
    assert_eq!(found, [["a.rs", "b.rs"]]);
}

#[test]
fn imports_in_macros_end() {
    let text = "macro_rules! m { ($($a:ident)*) => { use crate::b::{$($a),*}; }; }";
    assert!(cycles(&[("lib.rs", text)]).is_empty());
}

#[test]
fn modules_that_re_export_each_other_end() {
    let modules: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
    let globs: String = modules
        .iter()
        .map(|name| format!("pub use crate::{name}::*;"))
        .collect();
    let root: String = modules.iter().map(|name| format!("mod {name};")).collect();
    let mut files = vec![("lib.rs".to_owned(), root)];
    files.extend(
        modules
            .iter()
            .map(|name| (format!("{name}.rs"), format!("{globs} use crate::m1::X;"))),
    );
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert!(cycles(&files).is_empty());
}

#[test]
fn test_modules_within_a_file_belong_to_it() {
    let found = cycles(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "pub struct A; #[cfg(test)] mod tests { use super::*; use crate::a::A; }",
        ),
        ("b.rs", "use crate::a::A;"),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
