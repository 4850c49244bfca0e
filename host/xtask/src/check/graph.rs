//! Cycles of a graph of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Files that depend on each other.
pub type Cycle = Vec<PathBuf>;

/// Groups of files that reach each other (strongly connected components with more than one file).
pub fn components(graph: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Vec<Cycle> {
    let reach: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> = graph
        .keys()
        .map(|file| (file, reachable(graph, file)))
        .collect();
    let mut done = BTreeSet::new();
    let mut cycles = Vec::new();
    for file in graph.keys() {
        if done.contains(file) || !reach[file].contains(file) {
            continue;
        }
        let both =
            |other: &&&PathBuf| reach[file].contains(**other) && reach[**other].contains(file);
        let cycle: Cycle = graph
            .keys()
            .collect::<Vec<_>>()
            .iter()
            .filter(both)
            .map(|one| (*one).clone())
            .collect();
        done.extend(cycle.clone());
        cycles.push(cycle);
    }
    cycles
}

fn reachable<'a>(
    graph: &'a BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    from: &PathBuf,
) -> BTreeSet<&'a PathBuf> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&PathBuf> = graph.get(from).into_iter().flatten().collect();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(graph.get(file).into_iter().flatten());
        }
    }
    found
}
