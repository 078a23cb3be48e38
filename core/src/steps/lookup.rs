//! The challenges of the LogUp argument.

use heapless::Vec;
use p3_field::PrimeCharacteristicRing;

use crate::EF;
use crate::air::{MAX_BUSES, MAX_MESSAGE_WIDTH, Messages};
use crate::shape::BatchShape;

/// The LogUp challenges, laid out for use.
#[derive(Clone, Debug, Default)]
pub(crate) struct LookupChallenges {
    prefixes: Vec<EF, MAX_BUSES>,
    beta_powers: Vec<EF, MAX_MESSAGE_WIDTH>,
}

impl LookupChallenges {
    /// Back to nothing drawn.
    pub fn clear(&mut self) {
        self.prefixes.clear();
        self.beta_powers.clear();
    }

    /// Lays out `alpha` and `beta`: `prefix[bus] = alpha + (bus + 1) beta^W`.
    pub fn set(&mut self, shape: BatchShape<'_>, alpha: EF, beta: EF) {
        self.clear();
        self.beta_powers
            .extend(beta.powers().take(shape.message_width()));
        let gamma = beta.exp_u64(shape.message_width() as u64);
        let prefixes = (0..shape.num_buses()).scan(alpha, |prefix, _| {
            *prefix += gamma;
            Some(*prefix)
        });
        self.prefixes.extend(prefixes);
    }

    /// What evaluating a table's messages needs.
    pub fn messages<'m>(&'m self, shape: BatchShape<'m>, table: usize) -> Messages<'m> {
        Messages {
            layout: &shape.tables()[table].layout,
            prefixes: &self.prefixes,
            beta_powers: &self.beta_powers,
        }
    }
}
