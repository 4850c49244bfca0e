//! Import cycles between the files of a crate.
//!
//! A file depends on another file of its crate if it names something that the other one defines: by
//! `use`, or by a path such as `crate::a::b` or `super::b`. Re-exports are followed to the file with the
//! definition.
//!
//! Two relations are not dependencies: a parent declares its child with `mod` or re-exports from it, and a
//! child uses names that its parent defines. A module and the files below it are one unit seen from outside.

use super::graph::{Cycle, components};
use super::source::{self, Located, Token};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Finds the cycles of a crate. `root` is its `lib.rs` or `main.rs`.
pub fn find(root: &Path) -> Result<Vec<Cycle>> {
    let mut modules = Modules::default();
    modules.load(root, vec![])?;
    Ok(components(&modules.dependencies()))
}

/// A path as segments, such as `["crate", "a", "B"]`.
type Segments = Vec<String>;

/// A module of a crate, by its path from the root.
#[derive(Default)]
struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    /// Items defined here.
    items: BTreeSet<String>,
    /// Names that `use` declarations bring in, with the absolute paths of their targets.
    imports: BTreeMap<String, Import>,
    /// Targets of `use ...::*`.
    globs: Vec<Segments>,
    /// Other paths in the code, absolute or with a local name in front.
    paths: Vec<Segments>,
    /// Single words in the code, outside `use` declarations.
    words: BTreeSet<String>,
}

struct Import {
    target: Segments,
    exported: bool,
}

#[derive(Default)]
struct Modules(BTreeMap<Segments, Module>);

impl Modules {
    /// Reads a file as the module at `path`, and the files of its children.
    fn load(&mut self, file: &Path, path: Segments) -> Result<()> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let tokens = source::tokens(&text);
        let children = Reader {
            modules: self,
            file,
            tokens: &tokens,
            at: 0,
        }
        .module(&path);
        let folder = file.parent().unwrap_or(Path::new(""));
        let stem = file.file_stem().unwrap_or_default();
        let own = ["lib", "main", "mod"].iter().any(|name| stem == *name);
        let folder = if own {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        for child in children {
            // A module within this file lies in a folder of its own.
            let inner = child[path.len()..].iter().rev().skip(1).rev();
            let folder = inner.fold(folder.clone(), |folder, name| folder.join(name));
            let name = child.last().map_or("", String::as_str);
            let places = [
                folder.join(format!("{name}.rs")),
                folder.join(name).join("mod.rs"),
            ];
            // A file elsewhere, named by #[path], is not part of the check.
            if let Some(place) = places.iter().find(|place| place.is_file()) {
                self.load(place, child)?;
            }
        }
        Ok(())
    }

    /// The file that defines what a path from the root names.
    fn definition(&self, path: &[String]) -> Option<&Path> {
        self.resolve(path, &mut BTreeSet::new())
            .map(|(file, _)| file)
    }

    /// The file, and whether the last segment was found there. `visited` has the names that were looked up
    /// before: modules may re-export each other.
    fn resolve(
        &self,
        path: &[String],
        visited: &mut BTreeSet<(Segments, String)>,
    ) -> Option<(&Path, bool)> {
        let mut at: Segments = vec![];
        for (index, segment) in path.iter().enumerate() {
            let module = self.0.get(&at)?;
            if module.children.contains(segment) {
                at.push(segment.clone());
                continue;
            }
            if module.items.contains(segment) {
                return Some((&module.file, true));
            }
            if !visited.insert((at.clone(), segment.clone())) {
                return None;
            }
            let rest = &path[index + 1..];
            if let Some(import) = module.imports.get(segment) {
                return self.resolve(&[&import.target[..], rest].concat(), visited);
            }
            for glob in &module.globs {
                let target = [&glob[..], &path[index..]].concat();
                if let Some((file, true)) = self.resolve(&target, visited) {
                    return Some((file, true));
                }
            }
            return Some((&module.file, false));
        }
        Some((&self.0.get(&at)?.file, true))
    }

    fn dependencies(&self) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut all: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, module) in &self.0 {
            let ancestors: BTreeSet<&Path> = (0..path.len())
                .filter_map(|length| Some(self.0.get(&path[..length])?.file.as_path()))
                .collect();
            let needed = all.entry(module.file.clone()).or_default();
            let mut need = |path: &[String]| {
                if let Some(file) = self.definition(path)
                    && file != module.file
                    && !ancestors.contains(file)
                {
                    needed.insert(file.to_owned());
                }
            };
            for (name, import) in &module.imports {
                let used = module.words.contains(name);
                // An imported module is needed for the names in it, which `paths` has.
                if (used || !import.exported) && !self.0.contains_key(&import.target) {
                    need(&import.target);
                }
            }
            for path in &module.paths {
                need(path);
            }
        }
        all
    }
}

struct Reader<'a> {
    modules: &'a mut Modules,
    file: &'a Path,
    tokens: &'a [Located],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|one| &one.token)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead)? {
            Token::Identifier(word) => Some(word),
            _ => None,
        }
    }

    fn is(&self, ahead: usize, punct: char) -> bool {
        self.peek(ahead) == Some(&Token::Punct(punct))
    }

    /// Reads a module up to its closing brace. Returns the children that have files of their own.
    fn module(&mut self, path: &Segments) -> Vec<Segments> {
        let mut module = Module {
            file: self.file.to_owned(),
            ..Module::default()
        };
        let mut elsewhere = Vec::new();
        let mut raw_paths: Vec<Segments> = Vec::new();
        let (mut depth, mut exported) = (0_usize, false);
        while let Some(token) = self.peek(0).cloned() {
            match token {
                Token::Punct('{') => depth += 1,
                Token::Punct('}') if depth == 0 => {
                    self.at += 1;
                    break;
                }
                Token::Punct('}') => depth -= 1,
                // An attribute's arguments are not code of this file.
                Token::Punct('#') if self.is(1, '[') || (self.is(1, '!') && self.is(2, '[')) => {
                    self.skip_brackets();
                    continue;
                }
                Token::Identifier(word) => match word.as_str() {
                    "pub" => {
                        exported = true;
                        self.at += 1;
                        if self.is(0, '(') {
                            self.skip_parentheses();
                        }
                        continue;
                    }
                    "use" if !self.is(1, '<') => {
                        self.at += 1;
                        self.import(path, &[], exported, &mut module);
                    }
                    "mod" if self.word(1).is_some() && (self.is(2, ';') || self.is(2, '{')) => {
                        let name = self.word(1).unwrap_or_default().to_owned();
                        let child = [&path[..], std::slice::from_ref(&name)].concat();
                        module.children.insert(name);
                        self.at += 2;
                        if self.is(0, '{') {
                            self.at += 1;
                            elsewhere.extend(self.module(&child));
                            exported = false;
                            continue;
                        }
                        elsewhere.push(child);
                    }
                    "struct" | "enum" | "trait" | "type" | "const" | "static" | "fn" | "union"
                        if depth == 0 =>
                    {
                        if let Some(name) = self.word(1) {
                            module.items.insert(name.to_owned());
                        }
                    }
                    "macro_rules" if self.is(1, '!') => {
                        if let Some(name) = self.word(2) {
                            module.items.insert(name.to_owned());
                        }
                    }
                    _ => {
                        let mut segments = vec![word.clone()];
                        module.words.insert(word);
                        while self.peek(1) == Some(&Token::PathSeparator) {
                            let Some(next) = self.word(2) else { break };
                            segments.push(next.to_owned());
                            self.at += 2;
                        }
                        if segments.len() > 1 {
                            raw_paths.push(segments);
                        }
                    }
                },
                _ => {}
            }
            exported = false;
            self.at += 1;
        }
        for segments in raw_paths {
            let first = segments[0].as_str();
            if let Some(absolute) = absolute(path, &segments) {
                module.paths.push(absolute);
            } else if let Some(import) = module.imports.get(first) {
                module
                    .paths
                    .push([&import.target[..], &segments[1..]].concat());
            } else if module.children.contains(first) {
                module.paths.push([&path[..], &segments[..]].concat());
            }
        }
        self.modules.0.insert(path.clone(), module);
        elsewhere
    }

    /// Reads one tree of a `use` declaration, up to its `;`, `,` or `}`.
    fn import(&mut self, path: &Segments, before: &[String], exported: bool, into: &mut Module) {
        let mut segments = before.to_vec();
        loop {
            match self.peek(0).cloned() {
                Some(Token::PathSeparator) => self.at += 1,
                Some(Token::Identifier(word)) if word == "as" => {
                    let name = self.word(1).unwrap_or_default().to_owned();
                    self.at += 2;
                    record(path, &segments, &name, exported, into);
                    return;
                }
                Some(Token::Identifier(word)) => {
                    segments.push(word);
                    self.at += 1;
                }
                Some(Token::Punct('*')) => {
                    into.globs.extend(target(path, &segments));
                    self.at += 1;
                    return;
                }
                Some(Token::Punct('{')) => {
                    self.at += 1;
                    while self.peek(0).is_some() && !self.is(0, '}') {
                        let start = self.at;
                        self.import(path, &segments, exported, into);
                        // Also skips what is not a name, such as `$(...)` in a macro.
                        if self.is(0, ',') || self.at == start {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => {
                    if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
                        segments.pop();
                    }
                    let name = segments.last().cloned().unwrap_or_default();
                    record(path, &segments, &name, exported, into);
                    return;
                }
            }
        }
    }

    /// Skips `#[...]`, up to the closing bracket.
    fn skip_brackets(&mut self) {
        self.skip('[', ']');
    }

    fn skip_parentheses(&mut self) {
        self.skip('(', ')');
    }

    fn skip(&mut self, open: char, close: char) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            if self.is(0, open) {
                depth += 1;
            } else if self.is(0, close) {
                depth -= 1;
            }
            let opened = depth > 0 || !self.is(0, close);
            self.at += 1;
            if depth == 0 && !opened {
                return;
            }
        }
    }
}

fn record(path: &Segments, segments: &[String], name: &str, exported: bool, into: &mut Module) {
    if let Some(target) = target(path, segments) {
        into.imports
            .insert(name.to_owned(), Import { target, exported });
    }
}

/// The absolute target of a `use`; none for a name of another crate.
fn target(path: &Segments, segments: &[String]) -> Option<Segments> {
    // `use child::X` names a child of this module; a name of another crate finds no module later.
    absolute(path, segments).or_else(|| Some([&path[..], segments].concat()))
}

/// Resolves `crate`, `self` and `super` at the front of a path; none if it begins with another word.
fn absolute(path: &Segments, segments: &[String]) -> Option<Segments> {
    let mut at = path.clone();
    let mut rest = segments;
    match rest.first()?.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => drop(at.pop()?),
        _ => return None,
    }
    rest = &rest[1..];
    while rest.first().is_some_and(|word| word == "super") {
        at.pop()?;
        rest = &rest[1..];
    }
    at.extend_from_slice(rest);
    Some(at)
}

#[cfg(test)]
mod tests;
