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
    let mut last = None;
    leaves.retain(|&leaf| last.replace(leaf) != Some(leaf));
    leaves
}

/// Visits the siblings of pruned authentication paths in the order that Plonky3 lists them.
///
/// `nodes` holds the opened leaves, sorted and distinct; it is consumed as scratch.
pub(crate) fn walk_siblings(
    nodes: &mut Indices,
    levels: usize,
    mut visit: impl FnMut(usize, usize),
) {
    for level in 0..levels {
        // The sibling of the last node, until it is known whether it is opened too.
        let mut sibling = None;
        nodes.retain_mut(|node| {
            let paired = sibling == Some(*node);
            if paired {
                sibling = None;
            } else if let Some(sibling) = sibling.replace(*node ^ 1) {
                visit(level, sibling as usize);
            }
            *node >>= 1;
            !paired
        });
        if let Some(sibling) = sibling {
            visit(level, sibling as usize);
        }
    }
}
