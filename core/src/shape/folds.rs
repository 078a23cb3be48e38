//! How the low-degree test folds.

use heapless::Vec;

use super::params::{MAX_LOG_HEIGHT, Params};

/// The arities of the folds of a low-degree test, one after the other.
pub(crate) type Arities = Vec<u8, MAX_LOG_HEIGHT>;

/// The arities of the low-degree test's folds: mirrors `p3_fri::fold_schedule`.
///
/// Bit `h` of `heights` is set when a codeword of `2^h` challenges comes in; some bit is.
pub(crate) fn fold_schedule(heights: u32, params: &Params) -> Arities {
    let mut log_arities = Vec::new();
    let stop = usize::from(params.log_blowup + params.log_final_poly_len);
    let mut height = heights.checked_ilog2().unwrap_or(0) as usize;
    while height > stop {
        let next_input = (0..height).rev().find(|&h| heights >> h & 1 == 1);
        let room = next_input.map_or(height - stop, |h| (height - h).min(height - stop));
        let log_arity = room.min(params.max_log_arity as usize);
        log_arities
            .push(log_arity as u8)
            .expect("at most one fold a bit");
        height -= log_arity;
    }
    log_arities
}
