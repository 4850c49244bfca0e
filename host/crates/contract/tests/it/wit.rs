//! The WIT files declare the points and capabilities of the tables, with the same functions.

use crate::{capabilities, kebab, points, read};
use galleria_contract::VERSION;
use std::collections::BTreeSet;

fn wit(file: &str) -> String {
    read(&format!("wit/v{VERSION}/{file}.wit"))
}

/// The interfaces of a file: name and body.
fn interfaces(text: &str) -> Vec<(String, String)> {
    let mut interfaces = Vec::new();
    for part in text.split("\ninterface ").skip(1) {
        let (name, rest) = part.split_once('{').expect("an interface with a body");
        let body = rest.split("\n}").next().unwrap_or(rest);
        interfaces.push((name.trim().to_owned(), body.to_owned()));
    }
    interfaces
}

/// A type in WIT.
fn wit_type(name: &str) -> String {
    match name {
        "str" => "string".into(),
        _ => match name
            .strip_prefix("Option<")
            .and_then(|name| name.strip_suffix('>'))
        {
            Some(inner) => format!("option<{}>", kebab(inner)),
            None => kebab(name),
        },
    }
}

#[test]
fn every_point_is_an_interface_with_its_function() {
    let interfaces = interfaces(&wit("points"));
    for point in points() {
        let body = interfaces.iter().find(|(name, _)| name == point.name);
        let (_, body) = body.unwrap_or_else(|| panic!("points.wit: {} is missing", point.name));
        let arguments: String = point
            .arguments
            .iter()
            .map(|(name, kind)| format!(", {}: {}", kebab(name), wit_type(kind)))
            .collect();
        let function = format!(
            "{}: func(cx: context{arguments}) -> result<{}, fault>;",
            point.function,
            wit_type(point.answer)
        );
        assert!(body.contains(&function), "{}: {function}", point.name);
    }
}

#[test]
fn every_interface_is_in_a_table() {
    let names = |file: &str| -> BTreeSet<String> {
        let interfaces = interfaces(&wit(file));
        interfaces.into_iter().map(|(name, _)| name).collect()
    };
    let mut declared: BTreeSet<String> = points().iter().map(|p| p.name.to_owned()).collect();
    declared.insert("settings".into());
    assert_eq!(names("points"), declared);
    let declared = capabilities().iter().map(|c| c.name.to_owned()).collect();
    assert_eq!(names("capabilities"), declared);
}

#[test]
fn worlds_have_every_point_and_capability() {
    let worlds = wit("worlds");
    let part = |name: &str| {
        let rest = worlds.split(&format!("world {name} {{")).nth(1);
        let rest = rest.unwrap_or_else(|| panic!("worlds.wit: world {name} is missing"));
        rest.split('}').next().unwrap_or(rest).to_owned()
    };
    let (host, capability_world) = (part("host"), part("capabilities"));
    for point in points() {
        assert_eq!(point.world, format!("{}-export", point.name));
        let export = format!("export {};", point.name);
        assert_eq!(part(point.world).trim(), export);
        let include = format!("include {};", point.world);
        assert!(host.contains(&include), "world host: {include}");
    }
    for capability in capabilities() {
        let import = format!("import {};", capability.name);
        assert!(
            capability_world.contains(&import),
            "world capabilities: {import}"
        );
    }
}
