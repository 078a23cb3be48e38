//! The challenges of the LogUp argument.

use heapless::Vec;
use p3_field::PrimeCharacteristicRing;

use crate::air::{MAX_BUSES, MAX_MESSAGE_WIDTH, Messages, TableLayout};
use crate::{EF, F};

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

    /// Lays out `alpha` and `beta`: `prefix[bus] = alpha + (number + 1) beta^width`, `numbers` being those
    /// of the buses and `width` the widest message's.
    pub fn set(&mut self, alpha: EF, beta: EF, width: usize, numbers: impl Iterator<Item = u64>) {
        self.clear();
        self.beta_powers.extend(beta.powers().take(width));
        let gamma = beta.exp_u64(width as u64);
        self.prefixes
            .extend(numbers.map(|number| alpha + gamma * F::from_u64(number + 1)));
    }

    /// What evaluating a table's messages needs.
    pub fn messages<'m>(&'m self, layout: &'m TableLayout) -> Messages<'m> {
        Messages {
            layout,
            prefixes: &self.prefixes,
            beta_powers: &self.beta_powers,
        }
    }
}
