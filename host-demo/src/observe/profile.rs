//! Cycles by function, and by the stack of functions that led there.
//!
//! A call is a jump that links to `ra` or `t0`; a return goes by one of them to where a call of the stack wanted to go on. What
//! comes into another function by any other way, a tail call say, takes the place of the one at hand.

use std::collections::BTreeMap;

use serde::Serialize;
use tranche_machine::decode::Instruction;

use super::functions::Functions;
use super::{Executed, Observer, is_link};

/// Deepest stack; of a guest that calls on, the last function stands for what is deeper.
const MAX_DEPTH: usize = 1024;

/// A function on a stack of callers.
#[derive(Clone, Debug)]
struct Node {
    function: usize,
    /// The caller, which stands before it.
    parent: Option<usize>,
    /// Functions that it called.
    callees: BTreeMap<usize, usize>,
    calls: u64,
    cycles: u64,
}

/// A call that has not returned.
#[derive(Clone, Copy, Debug)]
struct Frame {
    node: usize,
    /// Where it returns to.
    to: u32,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The function.
    pub function: String,
    /// Times that it was called or came into.
    pub calls: u64,
    /// Cycles in it alone.
    #[serde(rename = "self_cycles")]
    pub own: u64,
    /// Cycles in it and in what it called; of a recursion once.
    #[serde(rename = "inclusive_cycles")]
    pub inclusive: u64,
}

/// The profile of a run.
#[derive(Debug)]
pub struct Profile<'a> {
    functions: &'a Functions,
    nodes: Vec<Node>,
    stack: Vec<Frame>,
    /// The outermost function at hand, below all calls.
    base: usize,
}

impl<'a> Profile<'a> {
    /// Of a program with these functions that is entered at the address `entry`.
    pub fn new(functions: &'a Functions, entry: u32) -> Self {
        let mut profile = Self {
            functions,
            nodes: Vec::new(),
            stack: Vec::new(),
            base: 0,
        };
        profile.base = profile.node(None, functions.at(entry));
        profile
    }

    /// The node of a function below a caller, which is entered once more.
    fn node(&mut self, parent: Option<usize>, function: usize) -> usize {
        let known = match parent {
            Some(parent) => self.nodes[parent].callees.get(&function).copied(),
            None => {
                let mut roots = self.nodes.iter();
                roots.position(|node| node.parent.is_none() && node.function == function)
            }
        };
        let at = known.unwrap_or_else(|| {
            self.nodes.push(Node {
                function,
                parent,
                callees: BTreeMap::new(),
                calls: 0,
                cycles: 0,
            });
            self.nodes.len() - 1
        });
        if let (None, Some(parent)) = (known, parent) {
            self.nodes[parent].callees.insert(function, at);
        }
        self.nodes[at].calls += 1;
        at
    }

    fn top(&self) -> usize {
        self.stack.last().map_or(self.base, |frame| frame.node)
    }

    /// Another function goes on in place of the one at hand.
    fn replace(&mut self, function: usize) {
        let top = self.top();
        if self.nodes[top].function == function {
            return;
        }
        let node = self.node(self.nodes[top].parent, function);
        match self.stack.last_mut() {
            Some(frame) => frame.node = node,
            None => self.base = node,
        }
    }

    /// The functions from the outermost to a node.
    fn path(&self, node: usize) -> Vec<&str> {
        let parents = std::iter::successors(Some(node), |&at| self.nodes[at].parent);
        let names = parents.map(|at| self.functions.name(self.nodes[at].function));
        let mut path: Vec<_> = names.collect();
        path.reverse();
        path
    }

    /// Every stack that has cycles of its own, with them.
    pub fn stacks(&self) -> impl Iterator<Item = (Vec<&str>, u64)> {
        let nodes = self.nodes.iter().enumerate();
        let used = nodes.filter(|(_, node)| node.cycles > 0);
        used.map(|(at, node)| (self.path(at), node.cycles))
    }

    /// The functions that were executed, those with the most cycles of their own first.
    pub fn lines(&self) -> Vec<Line> {
        // What a node called stands behind it.
        let mut totals: Vec<_> = self.nodes.iter().map(|node| node.cycles).collect();
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if let Some(parent) = node.parent {
                totals[parent] += totals[at];
            }
        }
        let mut lines = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let line = lines.entry(node.function).or_insert_with(|| Line {
                function: self.functions.name(node.function).to_owned(),
                calls: 0,
                own: 0,
                inclusive: 0,
            });
            line.calls += node.calls;
            line.own += node.cycles;
            let mut callers = std::iter::successors(node.parent, |&at| self.nodes[at].parent);
            if callers.all(|caller| self.nodes[caller].function != node.function) {
                line.inclusive += totals[at];
            }
        }
        let mut lines: Vec<_> = lines.into_values().collect();
        lines.sort_by_key(|line| (u64::MAX - line.own, u64::MAX - line.inclusive));
        lines
    }
}

impl Observer for Profile<'_> {
    fn see(&mut self, executed: &Executed) {
        let Executed {
            cycles,
            pc,
            next_pc,
            instruction,
            ..
        } = *executed;
        let top = self.top();
        self.nodes[top].cycles += cycles;
        let function = self.functions.at(next_pc);
        match instruction {
            // Nothing follows an exit; what follows any other call is the next instruction.
            Instruction::Ecall if next_pc == 0 => {}
            Instruction::Jal { rd, .. } | Instruction::Jalr { rd, .. }
                if is_link(rd) && self.stack.len() < MAX_DEPTH =>
            {
                let node = self.node(Some(top), function);
                let to = pc.wrapping_add(4);
                self.stack.push(Frame { node, to });
            }
            Instruction::Jalr { rd: 0, rs1, .. } if is_link(rs1) => {
                match self.stack.iter().rposition(|frame| frame.to == next_pc) {
                    Some(at) => self.stack.truncate(at),
                    None => self.replace(function),
                }
            }
            _ => self.replace(function),
        }
    }
}
