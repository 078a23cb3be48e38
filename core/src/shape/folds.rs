//! How the low-degree test folds.

use heapless::Vec;

use super::batch::BatchShape;
use super::params::MAX_LOG_HEIGHT;

/// The arities of the low-degree test's folds: mirrors `p3_fri::fold_schedule`.
pub(crate) fn fold_schedule(shape: BatchShape<'_>) -> Vec<u8, MAX_LOG_HEIGHT> {
    let params = shape.params();
    let mut log_arities = Vec::new();
    let stop = shape.log_blowup() + params.log_final_poly_len as usize;
    let mut height = shape.log_max_lde();
    while height > stop {
        let next_input = (0..height).rev().find(|&h| shape.has_log_lde(h));
        let room = next_input.map_or(height - stop, |h| (height - h).min(height - stop));
        let log_arity = room.min(params.max_log_arity as usize);
        log_arities
            .push(log_arity as u8)
            .expect("at most one fold a bit");
        height -= log_arity;
    }
    log_arities
}
