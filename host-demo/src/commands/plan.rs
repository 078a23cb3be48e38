//! `tranche plan`: everything about an epoch's proof that is fixed before anything is executed.

use std::process::ExitCode;

use serde_json::{Value, json};
use tranche_backend::Chosen;
use tranche_core::security::Bits;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings, bits};
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::{EpochPlan, EpochTables, Program};

use super::budgets;
use super::demo::GUEST;
use super::report::{profile_name, size};
use crate::answer::print;
use crate::cli::PlanArgs;
use crate::error::Error;
use crate::files::Source;
use crate::suite::{HostSuite, with_suite};
use crate::table::{Form, draw};

/// Bytes of a field element.
const ELEMENT_BYTES: usize = size_of::<tranche_core::F>();

/// Runs the subcommand.
///
/// # Errors
/// When the program cannot be read, or no epoch of it can be planned.
pub fn run(args: &PlanArgs) -> Result<ExitCode, Error> {
    let elf = args.program.as_deref().map(Source::read).transpose()?;
    let program = Program::parse(elf.as_ref().map_or(GUEST, |elf| &elf.bytes))?;
    if args.budgets {
        print(if args.json {
            format!("{}\n", budgets::report(&program, args.hash.into())?)
        } else {
            budgets::markdown(&program, args.hash.into())?
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let default = Settings::default();
    let log2_cycles = args.epoch_log2.unwrap_or(default.log2_cycles);
    let setup = Setup::secure(
        &program,
        Settings {
            log2_cycles,
            hash: args.hash.into(),
            ..default
        },
        SECURITY_FLOOR_BITS,
    )?;
    let text = with_suite!(setup.settings.hash, S => text::<S>(args, &setup)?);
    print(text)?;
    Ok(ExitCode::SUCCESS)
}

/// The plan as it is asked for.
fn text<S: HostSuite>(args: &PlanArgs, setup: &Setup<'_>) -> Result<String, Error> {
    let tables = EpochTables::new(setup);
    let plan = tables
        .plan_in::<Chosen, S>(args.profile.into())
        .map_err(SetupError::Plan)?;
    let bits = bits(&plan);
    Ok(if args.json {
        format!("{}\n", report(&tables, &plan, &bits))
    } else {
        table(&tables, &plan, &bits)
    })
}

/// The plan as a JSON object.
fn report<S: HostSuite>(tables: &EpochTables<'_>, plan: &EpochPlan<S>, bits: &Bits) -> Value {
    let rows = tables.airs.iter().zip(plan.tables()).map(|(air, table)| {
        json!({
            "name": air.name(),
            "log_height": table.spec.log_height,
            "width": table.layout.main_width,
            "preprocessed_width": table.layout.preprocessed_width,
            "interactions": table.layout.messages_per_row,
            "permutation_columns": table.layout.permutation_width(),
            "constraints": table.layout.num_constraints,
            "carved": table.spec.carved,
        })
    });
    let regions = plan.regions().iter().map(|region| {
        json!({
            "name": format!("{:?}", region.name),
            "offset_bytes": region.offset * ELEMENT_BYTES,
            "bytes": region.len * ELEMENT_BYTES,
            "first": format!("{:?}", region.first),
            "last": format!("{:?}", region.last),
        })
    });
    json!({
        "epoch_log2": tables.setup().settings.log2_cycles,
        "hash": S::NAME,
        "backend": tranche_backend::NAME,
        "profile": profile_name(plan.profile()),
        "workspace_bytes": plan.workspace_len(),
        "max_proof_bytes": plan.max_proof_len(),
        "security_bits": bits.total(),
        "queries": plan.params().num_queries,
        "tables": rows.collect::<Vec<_>>(),
        "regions": regions.collect::<Vec<_>>(),
    })
}

/// The plan for a reader.
fn table<S: HostSuite>(tables: &EpochTables<'_>, plan: &EpochPlan<S>, bits: &Bits) -> String {
    let heading = [
        "table",
        "rows",
        "width",
        "preprocessed",
        "interactions",
        "permutation",
        "",
    ];
    let rows = tables.airs.iter().zip(plan.tables()).map(|(air, table)| {
        let layout = &table.layout;
        [
            air.name().to_owned(),
            format!("2^{}", table.spec.log_height),
            layout.main_width.to_string(),
            layout.preprocessed_width.to_string(),
            layout.messages_per_row.to_string(),
            layout.permutation_width().to_string(),
            if table.spec.carved { "carved" } else { "" }.to_owned(),
        ]
    });
    let mut text = draw(Form::Text, heading, &[1, 6], rows);
    let regions = plan.regions().iter().filter(|region| region.len > 0);
    let rows = regions.map(|region| {
        [
            format!("{:?}", region.name),
            (region.offset * ELEMENT_BYTES).to_string(),
            (region.len * ELEMENT_BYTES).to_string(),
            format!("{:?} to {:?}", region.first, region.last),
        ]
    });
    text += "\n";
    text += &draw(
        Form::Text,
        ["region", "offset", "bytes", "phases"],
        &[3],
        rows,
    );
    text += &format!(
        "\nbackend    {}, {} lanes",
        tranche_backend::NAME,
        plan.lanes()
    );
    let (len, queries) = (plan.workspace_len(), plan.params().num_queries);
    let profile = profile_name(plan.profile());
    text += &format!(
        "\nworkspace  {len} bytes ({}), {profile}\n",
        size(len as u64)
    );
    let longest = plan.max_proof_len();
    text += &format!("proof      at most {longest} bytes ({})\n", size(longest));
    text += &format!(
        "security   {:.2} proven bits a proof, {queries} queries\n",
        bits.total()
    );
    for (name, term) in bits.terms() {
        text += &format!(
            "  {name:10} {:7.2} + {:2} ground\n",
            term.bits, term.grinding
        );
    }
    text
}
