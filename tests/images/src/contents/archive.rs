//! What the functions of a static library reach: a walk over sections and their relocations.
//!
//! Every function and every static has a section of its own, and whatever it calls or points to is a
//! relocation there. A walk from the functions of the interface therefore visits all that they may
//! run, calls through pointers included, and more rather than less.

use std::collections::{BTreeMap, VecDeque};
use std::fs;

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget};

use super::symbols::{demangled, is_allocator};
use crate::Failure;

/// The functions of the interface.
const ROOTS: [&str; 5] = [
    "tranche_about",
    "tranche_error_name",
    "tranche_request_default",
    "tranche_plan_size",
    "tranche_begin",
];
/// The function of the interface that everything is about.
const PROVE: &str = "tranche_prove_next";

/// A section of a member of the archive, or a symbol that the archive does not define.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// Numbers of the member and of the section.
    Section(usize, usize),
    Undefined(String),
}

/// Everything in an archive and what it refers to.
#[derive(Debug, Default)]
struct Graph {
    edges: BTreeMap<Node, Vec<Node>>,
    /// Symbols that are defined in a section.
    names: BTreeMap<Node, Vec<String>>,
    globals: BTreeMap<String, Node>,
}

impl Graph {
    fn new(file: &[u8]) -> Result<Self, Failure> {
        let mut graph = Self::default();
        let archive = ArchiveFile::parse(file)?;
        for (number, member) in archive.members().enumerate() {
            let Ok(object) = object::File::parse(member?.data(file)?) else {
                continue; // metadata
            };
            for symbol in object.symbols() {
                let (Ok(name), Some(section)) = (symbol.name(), symbol.section_index()) else {
                    continue;
                };
                let node = Node::Section(number, section.0);
                if symbol.is_global() {
                    graph.globals.insert(name.into(), node.clone());
                }
                graph.names.entry(node).or_default().push(name.into());
            }
            for section in object.sections() {
                // Debug information refers to everything.
                if section.name()?.starts_with(".debug") {
                    continue;
                }
                let targets = section.relocations().filter_map(|(_, relocation)| {
                    let RelocationTarget::Symbol(index) = relocation.target() else {
                        return None;
                    };
                    let symbol = object.symbol_by_index(index).ok()?;
                    Some(match symbol.section_index() {
                        Some(section) => Node::Section(number, section.0),
                        None => Node::Undefined(symbol.name().ok()?.into()),
                    })
                });
                let from = Node::Section(number, section.index().0);
                graph.edges.entry(from).or_default().extend(targets);
            }
        }
        Ok(graph)
    }

    /// Where a symbol that a member does not define is.
    fn resolve(&self, node: &Node) -> Node {
        match node {
            Node::Undefined(name) => self.globals.get(name).unwrap_or(node).clone(),
            Node::Section(..) => node.clone(),
        }
    }

    /// Every node that a function reaches, each with the one that it was reached from.
    fn reached(&self, root: &str) -> Option<BTreeMap<Node, Node>> {
        let root = self.globals.get(root)?;
        let mut from = BTreeMap::from([(root.clone(), root.clone())]);
        let mut queue = VecDeque::from([root.clone()]);
        while let Some(node) = queue.pop_front() {
            for target in self.edges.get(&node).into_iter().flatten() {
                let target = self.resolve(target);
                if !from.contains_key(&target) {
                    from.insert(target.clone(), node.clone());
                    queue.push_back(target);
                }
            }
        }
        Some(from)
    }

    /// The names of a node.
    fn names<'a>(&'a self, node: &'a Node) -> &'a [String] {
        match node {
            Node::Undefined(name) => std::slice::from_ref(name),
            Node::Section(..) => self.names.get(node).map_or(&[], Vec::as_slice),
        }
    }
}

/// The way from a function of the interface to an allocator, outermost first.
fn way(graph: &Graph, from: &BTreeMap<Node, Node>, to: &Node) -> String {
    let mut steps = vec![to];
    while let Some(previous) = steps.last().and_then(|&last| from.get(last)) {
        if steps.last() == Some(&previous) {
            break;
        }
        steps.push(previous);
    }
    let name = |node: &&Node| {
        let mut names = graph.names(node).iter();
        let name = names.find(|name| !name.is_empty() && !name.starts_with('.'));
        name.map_or("(data)".into(), |name| demangled(name))
    };
    steps
        .iter()
        .rev()
        .map(name)
        .collect::<Vec<_>>()
        .join("\n  calls ")
}

/// Checks that no function of the interface reaches an allocator in any of the files.
///
/// # Errors
/// The way to an allocator, or why a file cannot be read.
pub fn check(files: &[&str]) -> Result<(), Failure> {
    for file in files {
        let graph = Graph::new(&fs::read(file)?)?;
        for root in ROOTS.into_iter().chain([PROVE]) {
            let reached = graph
                .reached(root)
                .ok_or_else(|| format!("{file}: no function {root}"))?;
            // What the archive does not define comes last, and says most.
            let allocator = reached
                .keys()
                .rev()
                .find(|node| graph.names(node).iter().any(|name| is_allocator(name)));
            if let Some(allocator) = allocator {
                let way = way(&graph, &reached, allocator);
                return Err(format!("{file}: an allocator is reached:\n  {way}").into());
            }
            if root == PROVE {
                let functions = reached.len();
                // A walk that finds next to nothing has not walked.
                if functions < 100 {
                    return Err(format!("{file}: {root} reaches {functions} sections only").into());
                }
                println!("{file}: {functions} sections are reached from {root}, no allocator");
            }
        }
    }
    Ok(())
}
