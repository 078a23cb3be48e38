//! Genesis and final memory of the claimed result: exit code, output length, words of output.
//!
//! Cells **and final values** are preprocessed, so the verifier derives both from the claim; the
//! initial value is the constant 0. Only the epoch that wrote a cell last is the prover's. The last word of
//! the output is filled up with zeros: its length says which bytes are written. Output cells past the
//! claimed length are in no table at all, so a run that writes one cannot be closed.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use super::path::ends;
use super::rows::{log_rows, table_rows};
use super::{MergeError, fixed};
use crate::air::first;
use crate::cells::{EXIT_CODE, MAX_OUTPUT_BYTES, OUT, OUT_LEN, words_of};
use crate::columns::{columns, width};

columns! {
    /// The last epoch that touched the cell.
    FINI_EPOCH,
}
pub(super) const WIDTH: usize = width(COLUMNS);

/// A claimed result.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    exit_code: u32,
    output: &'a [u8],
    log_height: u8,
}

impl<'a> Outcome<'a> {
    /// The claim that a run ended with `exit_code` and wrote `output`, in a table of 2^`log_height`
    /// rows.
    ///
    /// # Errors
    /// [`MergeError::TooManyRows`] when the table is shorter than the words of the output and two more, or
    /// the output is not below [`MAX_OUTPUT_BYTES`], or the table has more rows than any.
    pub fn new(exit_code: u32, output: &'a [u8], log_height: u8) -> Result<Self, MergeError> {
        let needed = Self::rows(output.len());
        let got = if output.len() < MAX_OUTPUT_BYTES as usize {
            table_rows(log_height)
        } else {
            0
        };
        if needed > got {
            return Err(MergeError::TooManyRows { needed, got });
        }
        Ok(Self {
            exit_code,
            output,
            log_height,
        })
    }

    /// Rows of the result of a run that wrote so many bytes: a word for four of them, exit code and length.
    const fn rows(output_bytes: usize) -> usize {
        output_bytes.div_ceil(4) + 2
    }

    /// log2 of the height of the table of such a result.
    pub const fn log_height_for(output_bytes: usize) -> u8 {
        log_rows(Self::rows(output_bytes))
    }

    /// log2 of the table's height.
    pub const fn log_height(&self) -> u8 {
        self.log_height
    }

    /// The claimed exit code.
    pub const fn exit_code(&self) -> u32 {
        self.exit_code
    }

    /// The claimed output.
    pub const fn output(&self) -> &'a [u8] {
        self.output
    }

    /// Each cell of the result with the final value that is claimed for it.
    pub fn cells(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let fixed = [
            (EXIT_CODE, self.exit_code),
            (OUT_LEN, self.output.len() as u32),
        ];
        let word = |bytes: &[u8]| {
            let places = bytes.iter().zip((0..).step_by(8));
            places.fold(0, |word, (&byte, place)| word | u32::from(byte) << place)
        };
        let words = (OUT..).zip(self.output.chunks(4).map(word));
        fixed.into_iter().chain(words)
    }

    /// Whether `cell` is one of the result's.
    pub fn covers(&self, cell: u32) -> bool {
        let words = OUT..OUT + words_of(self.output.len() as u32);
        cell == EXIT_CODE || cell == OUT_LEN || words.contains(&cell)
    }
}

pub(crate) fn eval<AB: InteractionBuilder<F = F>>(bus: &str, builder: &mut AB) {
    let preprocessed = builder.preprocessed().clone();
    let fixed: &[_; fixed::WIDTH] = first(preprocessed.current_slice());
    let given = |c: usize| -> AB::Expr { fixed[c].into() };
    let main = builder.main();
    let [fini_epoch]: [AB::Expr; WIDTH] = first(main.current_slice()).map(Into::into);

    let init = [(); 3].map(|()| AB::Expr::ZERO);
    let fini = [fini_epoch, given(fixed::LO), given(fixed::HI)];
    let (real, cell) = (given(fixed::REAL), given(fixed::CELL));
    ends(builder, bus, real, cell, init, fini);
}
