//! A program and the settings that it is proved with: what prover and verifier both derive alike.

use heapless::Vec;
use thiserror::Error;
use tranche_core::plan::security_shape;
use tranche_core::security;
use tranche_core::{Identity, PlanError, Statement};

use crate::blocks::RomBlocks;
use crate::merge::{MIN_LOG_ROWS, inner_tables, statement};
use crate::program::Program;
use crate::settings::{OutOfRange, Settings, Shortfall, raised};
use crate::shape::{EpochShape, Heights, MAX_OTHER_LEN, other_integers};
use crate::tables::EpochTable;

/// Version of the machine's tables and of the merge's: a change of either is another plan.
pub const MACHINE_VERSION: u32 = 6;

/// Most integers of a plan's digest.
const MAX_INTEGERS: usize = EpochShape::MAX_LEN + 1 + RomBlocks::WORDS + MAX_OTHER_LEN;

/// Why settings and a program cannot be proved.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SetupError {
    /// A setting is outside of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// A batch cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Neither queries nor grinding reach the bits asked for.
    #[error(
        "{bits:.2} proven bits a proof, {floor} are asked for: no more queries or grinding \
            are allowed that would raise the {term} term"
    )]
    Security {
        /// The term that falls short.
        term: &'static str,
        /// Bits of the plan that has the fewest.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
}

/// A program with the settings that it is proved with.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The program.
    pub program: &'a Program<'a>,
    /// Its digest.
    pub program_digest: Identity,
    /// The settings, all within their caps.
    pub settings: Settings,
    /// Heights of an epoch's tables.
    pub shape: EpochShape,
    /// Digest of everything that decides a plan: machine, hash suite, heights, arity, the ROM's blocks, parameters.
    pub plan_digest: Identity,
}

impl<'a> Setup<'a> {
    /// Derives digests and shape.
    ///
    /// # Errors
    /// When a setting is outside of its range.
    pub fn new(program: &'a Program<'a>, settings: Settings) -> Result<Self, OutOfRange> {
        settings.check()?;
        let shape = match settings.heights {
            Heights::Common => EpochShape::common_of(settings.log2_cycles.into(), program),
            Heights::Given(first, second) => EpochShape {
                second,
                ..EpochShape::of_heights(&first, program.rom_log2())
            },
        };
        let arity = u32::from(settings.arity);
        let integers = shape.integers().chain([arity]).chain(shape.extensions());
        let integers = integers
            .chain(program.blocks().words())
            .chain(shape.seconds());
        let integers = integers.chain(other_integers(settings.others, program));
        let integers: Vec<u32, MAX_INTEGERS> = integers.collect();
        Ok(Self {
            program,
            program_digest: program.digest(),
            settings,
            shape,
            plan_digest: statement::plan_digest(
                MACHINE_VERSION,
                settings.hash,
                &integers,
                &settings.params,
            ),
        })
    }

    /// The setup with as many more queries, and as much more grinding, as it takes for an epoch, and
    /// for the shortest merge, to reach `floor` proven bits a proof.
    ///
    /// # Errors
    /// When a setting is outside of its range, a plan is refused, or neither helps.
    #[inline(never)] // its stack is gone before what follows
    pub fn secure(
        program: &'a Program<'a>,
        settings: Settings,
        floor: f64,
    ) -> Result<Self, SetupError> {
        let setup = Self::new(program, settings)?;
        let mut raised = setup.raised(&epoch_security(&setup, setup.shape)?, floor)?;
        for shape in setup.other_shapes() {
            raised = raised.raised(&epoch_security(&setup, shape)?, floor)?;
        }
        raised.raised(&merge_security(&setup)?, floor)
    }

    /// The setup with as many more queries, and as much more grinding, as it takes for a proof of
    /// `shape` to reach `floor` proven bits.
    ///
    /// # Errors
    /// [`SetupError::Security`] when neither helps.
    pub fn raised(&self, shape: &security::SecurityShape, floor: f64) -> Result<Self, SetupError> {
        let settings = self.settings;
        let params = raised(settings.params, shape, floor).map_err(|shortfall| {
            let Shortfall { term, bits } = shortfall;
            SetupError::Security { term, bits, floor }
        })?;
        if params == settings.params {
            return Ok(*self);
        }
        Ok(Self::new(self.program, Settings { params, ..settings })?)
    }

    /// The shapes that an epoch may have besides the [first](Self::shape), the first of which that has room for its rows it is
    /// proved at.
    pub fn other_shapes(&self) -> impl Iterator<Item = EpochShape> {
        let given = self.settings.others.iter().flatten();
        given.map(|other| self.shape.with_other(other, self.program))
    }

    /// The statement of the proof of epoch `number`.
    pub fn epoch_statement(&self, number: u32) -> Statement {
        statement::epoch(&self.program_digest, &self.plan_digest, number)
    }
}

/// What the security of an epoch of a shape depends on.
fn epoch_security(
    setup: &Setup<'_>,
    shape: EpochShape,
) -> Result<security::SecurityShape, PlanError> {
    let airs = EpochTable::all(shape, setup.program);
    let tables = airs.iter().map(|air| (*air, air.spec(shape)));
    security_shape(setup.settings.hash.collision_bits(), tables)
}

/// The same of the smallest merge: security is lowest where the tallest trace is shortest.
fn merge_security(setup: &Setup<'_>) -> Result<security::SecurityShape, PlanError> {
    let airs = inner_tables(false, setup.settings.arity.into());
    let tables = airs.map(|air| {
        let log_height = air.fixed_log_height().unwrap_or(MIN_LOG_ROWS);
        (air, air.spec(log_height))
    });
    security_shape(setup.settings.hash.collision_bits(), tables)
}
