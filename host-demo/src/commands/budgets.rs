//! `tranche plan --budgets`: the epoch that each of a few budgets buys on a device, as Markdown or JSON.

use serde_json::{Value, json};
use tranche_core::ScalarBackend;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::fit::{Fitted, Length, Request, fit};
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use super::report::profile_name;
use crate::error::Error;
use crate::suite::with_suite;
use crate::table::{Form, draw};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The budgets: from a microcontroller's SRAM to an embedded Linux.
const BUDGETS: [(&str, u64); 6] = [
    ("256 KiB", 256 * KIB),
    ("1 MiB", MIB),
    ("4 MiB", 4 * MIB),
    ("16 MiB", 16 * MIB),
    ("64 MiB", 64 * MIB),
    ("256 MiB", 256 * MIB),
];

/// Cells that the guest may touch: 8 KiB of its memory.
const MAX_CELLS: u32 = 2048;

/// The longest epoch of a profile in a budget.
struct Row<'a> {
    /// The budget in words.
    name: &'static str,
    /// The budget in bytes.
    budget: u64,
    fitted: Fitted<'a>,
    /// Whether it is what `fit` chooses when the profile is left to it.
    chosen: bool,
}

/// Both profiles in each budget, by the device's own rule, for a backend without vectors.
fn rows<'a>(program: &'a Program<'a>, hash: Hash) -> Result<Vec<Row<'a>>, Error> {
    let best = |profile, budget| {
        let request = Request {
            settings: Settings::default(),
            floor: SECURITY_FLOOR_BITS,
            length: Length::Best,
            profile,
            max_cells: MAX_CELLS,
        };
        with_suite!(hash, S => fit::<ScalarBackend, S>(program, &request, budget))
    };
    let mut rows = Vec::new();
    for (name, budget) in BUDGETS {
        let choice = best(None, budget)?;
        for profile in [Profile::Fast, Profile::Compact] {
            let fitted = best(Some(profile), budget)?;
            let chosen = fitted.fits && choice.profile == profile;
            rows.push(Row {
                name,
                budget,
                fitted,
                chosen,
            });
        }
    }
    Ok(rows)
}

/// The table as Markdown.
///
/// # Errors
/// When no epoch of the program can be planned.
pub fn markdown(program: &Program<'_>, hash: Hash) -> Result<String, Error> {
    let rows = rows(program, hash)?.into_iter().map(|row| {
        let bytes = row.fitted.bytes;
        let epoch = match (row.fitted.fits, row.fitted.setup.settings.log2_cycles) {
            (true, log2_cycles) if row.chosen => format!("**2^{log2_cycles}**"),
            (true, log2_cycles) => format!("2^{log2_cycles}"),
            (false, log2_cycles) => format!("none; 2^{log2_cycles} takes"),
        };
        [
            row.name.to_owned(),
            profile_name(row.fitted.profile).to_owned(),
            epoch,
            bytes.workspace.to_string(),
            bytes.record.to_string(),
            bytes.cells.to_string(),
            bytes.total().to_string(),
        ]
    });
    let heading = [
        "budget",
        "profile",
        "epoch (cycles)",
        "workspace",
        "record",
        "cells",
        "bytes in all",
    ];
    Ok(draw(Form::Markdown, heading, &[1, 2], rows))
}

/// The table as JSON.
///
/// # Errors
/// When no epoch of the program can be planned.
pub fn report(program: &Program<'_>, hash: Hash) -> Result<Value, Error> {
    let rows = rows(program, hash)?.into_iter().map(|row| {
        let Fitted {
            setup,
            profile,
            bytes,
            fits,
        } = row.fitted;
        json!({
            "budget_bytes": row.budget,
            "fits": fits,
            "chosen": row.chosen,
            "epoch_log2": setup.settings.log2_cycles,
            "profile": profile_name(profile),
            "queries": setup.settings.params.num_queries,
            "workspace_bytes": bytes.workspace,
            "record_bytes": bytes.record,
            "cells_bytes": bytes.cells,
            "bytes": bytes.total(),
            "max_proof_bytes": bytes.max_proof,
        })
    });
    Ok(json!({
        "rom_log2": program.rom_log2(),
        "max_cells": MAX_CELLS,
        "budgets": rows.collect::<Vec<_>>(),
    }))
}
