//! Pruned authentication paths: the siblings that the opened leaves do not determine.

use heapless::Vec;

/// Queries that a proof may have at most.
pub const MAX_QUERIES: usize = 512;

/// Places of the queries, or of the leaves and nodes above them.
pub(crate) type Indices = Vec<u32, MAX_QUERIES>;

/// The distinct leaves of a list, ascending. Lists are large on a device's stack: there is one.
pub(crate) fn distinct(indices: impl Iterator<Item = u32>) -> Indices {
    let mut leaves: Indices = indices.collect();
    leaves.sort_unstable();
    let mut len = 0;
    for i in 0..leaves.len() {
        if i == 0 || leaves[i] != leaves[len - 1] {
            leaves[len] = leaves[i];
            len += 1;
        }
    }
    leaves.truncate(len);
    leaves
}

/// Visits the siblings of pruned authentication paths in the order that Plonky3 lists them.
///
/// `nodes` holds the opened leaves, sorted and distinct; it is consumed as scratch.
pub(crate) fn walk_siblings(nodes: &mut [u32], levels: usize, mut visit: impl FnMut(usize, usize)) {
    let mut len = nodes.len();
    for level in 0..levels {
        let (mut from, mut to) = (0, 0);
        while from < len {
            let node = nodes[from];
            let paired = from + 1 < len && nodes[from + 1] == node ^ 1;
            if paired {
                from += 1;
            } else {
                visit(level, (node ^ 1) as usize);
            }
            from += 1;
            nodes[to] = node >> 1;
            to += 1;
        }
        len = to;
    }
}
