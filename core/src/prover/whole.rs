//! All steps of a proof, one after the other.

use embedded_io::Write;

use super::BatchError;
use super::closing::Folded;
use super::phases::{Quotients, Traces};
use crate::F;
use crate::air::ProverAir;
use crate::hash::{Hashes, Suite};

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Traces<'s, 'a, B, A, S> {
    /// The steps that are left, all of them; returns the number of proof bytes written.
    ///
    /// `public_values` has one slice per table.
    ///
    /// # Errors
    /// When the public values do not have the plan's shape, and what the sink returns.
    pub fn finish<W: Write>(
        self,
        public_values: &[&[F]],
        sink: W,
    ) -> Result<u64, BatchError<W::Error>> {
        match self.until_folded(public_values, sink) {
            Ok(ref mut folded) => folded.answer().map_err(BatchError::Sink),
            Err(error) => Err(error),
        }
    }

    /// All steps but the last, whose states are off the stack then: the last needs most of it.
    #[inline(never)]
    fn until_folded<W: Write>(
        self,
        public_values: &[&[F]],
        sink: W,
    ) -> Result<Folded<'s, 'a, B, A, W, S>, BatchError<W::Error>> {
        let quotients = self
            .until_quotients(public_values)
            .map_err(BatchError::widen)?;
        let evaluated = quotients.evaluate(sink).map_err(BatchError::Sink)?;
        Ok(evaluated.reduce().fold())
    }

    #[inline(never)]
    fn until_quotients(
        self,
        public_values: &[&[F]],
    ) -> Result<Quotients<'s, 'a, B, A, S>, BatchError> {
        Ok(self.commit(public_values)?.argue().quotient())
    }
}
