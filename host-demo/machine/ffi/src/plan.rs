//! How many bytes a session takes, and which epoch a budget buys.

use tranche_backend::Chosen;
use tranche_machine::fit::{Fitted, Length, Request, fit};
use tranche_machine::hash::MachineSuite;
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::{Program, Settings};

use crate::error::TrancheError;
use crate::session::FIXED_BYTES;
use crate::suite::{BUILT, with_suite};
use crate::types::{TranchePlan, TrancheProfile, TrancheRequest, TrancheSettings};

/// Cells that a guest may touch unless the caller says otherwise.
const DEFAULT_MAX_CELLS: u32 = 2048;

/// The best epoch that fits any budget, at the default settings and the default floor.
pub fn default_request() -> TrancheRequest {
    TrancheRequest {
        settings: TrancheSettings {
            epoch_log2: 0,
            hash: BUILT[0].number(),
            ..Settings::default().into()
        },
        security_floor_bits: SECURITY_FLOOR_BITS as u16,
        profile: TrancheProfile::Best as u32,
        max_cells: DEFAULT_MAX_CELLS,
        budget: 0,
    }
}

/// The plan that a request asks for, and whether it fits the budget; if not, it is the smallest.
///
/// # Errors
/// When there is no plan at all.
pub fn plan(elf: &[u8], request: &TrancheRequest) -> Result<(TranchePlan, bool), TrancheError> {
    let program = parse(elf)?;
    let asked = Request {
        settings: request.settings.try_into()?,
        floor: request.security_floor_bits.into(),
        length: match request.settings.epoch_log2 {
            0 => Length::Best,
            _ => Length::Given,
        },
        profile: TrancheProfile::from_code(request.profile)?,
        max_cells: request.max_cells,
    };
    let budget = match request.budget {
        0 => usize::MAX,
        budget => budget,
    };
    let for_buffers = (budget as u64).saturating_sub(FIXED_BYTES as u64);
    let fitted = with_suite!(asked.settings.hash, S => fit_in::<S>(&program, &asked, for_buffers))?;
    let plan = TranchePlan {
        settings: fitted.setup.settings.into(),
        profile: TrancheProfile::code(fitted.profile),
        max_cells: request.max_cells,
        bytes: saturated(fitted.bytes.total() + FIXED_BYTES as u64),
        cells_bytes: saturated(fitted.bytes.cells),
        record_bytes: saturated(fitted.bytes.record),
        workspace_bytes: saturated(fitted.bytes.workspace),
        max_proof_bytes: saturated(fitted.bytes.max_proof),
    };
    Ok((plan, fitted.fits))
}

/// The stack that reading a file takes is gone before a plan takes more.
#[inline(never)]
fn parse(elf: &[u8]) -> Result<Program<'_>, TrancheError> {
    Ok(Program::parse(elf)?)
}

/// The stack of one suite is no part of the other's.
#[inline(never)]
fn fit_in<'a, S: MachineSuite>(
    program: &'a Program<'a>,
    asked: &Request,
    budget: u64,
) -> Result<Fitted<'a>, TrancheError> {
    Ok(fit::<Chosen, S>(program, asked, budget)?)
}

/// A length that an address may not reach.
fn saturated(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
