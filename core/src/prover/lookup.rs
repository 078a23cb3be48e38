//! The challenges of the LogUp argument.

use heapless::Vec;
use p3_field::PrimeCharacteristicRing;

use crate::air::{MAX_BUSES, MAX_MESSAGE_WIDTH, Messages};
use crate::challenger::Challenger;
use crate::plan::Plan;
use crate::{EF, F};

/// The LogUp challenges, laid out for use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    /// The proof of work behind them.
    pub witness: F,
    prefixes: Vec<EF, MAX_BUSES>,
    beta_powers: Vec<EF, MAX_MESSAGE_WIDTH>,
}

impl Lookup {
    /// Back to nothing drawn.
    pub fn clear(&mut self) {
        self.witness = F::ZERO;
        self.prefixes.clear();
        self.beta_powers.clear();
    }

    /// Draws `alpha` and `beta` after their proof of work: `prefix[bus] = alpha + (bus + 1) beta^W`.
    pub fn draw<const N: usize>(
        &mut self,
        witness: F,
        challenger: &mut Challenger<'_>,
        plan: &Plan<N>,
    ) {
        self.witness = witness;
        let (alpha, beta) = (challenger.sample_ext(), challenger.sample_ext());
        self.beta_powers
            .extend(beta.powers().take(plan.message_width()));
        let gamma = beta.exp_u64(plan.message_width() as u64);
        let prefixes = (0..plan.num_buses()).scan(alpha, |prefix, _| {
            *prefix += gamma;
            Some(*prefix)
        });
        self.prefixes.extend(prefixes);
    }

    /// What evaluating a table's messages needs.
    pub fn messages<'m, const N: usize>(&'m self, plan: &'m Plan<N>, table: usize) -> Messages<'m> {
        Messages {
            layout: &plan.tables()[table].layout,
            prefixes: &self.prefixes,
            beta_powers: &self.beta_powers,
        }
    }
}
