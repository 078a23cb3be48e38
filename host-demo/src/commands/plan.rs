//! `tranche plan`: everything about an epoch's proof that is fixed before anything is executed.

use std::process::ExitCode;

use serde_json::{Value, json};
use tranche_machine::Program;

use super::demo::GUEST;
use super::read;
use super::report::size;
use crate::cli::{PlanArgs, Profile};
use crate::epoch::EpochTables;
use crate::error::Error;
use crate::settings::{SECURITY_FLOOR_BITS, Settings, bits};
use crate::setup::{Setup, SetupError};

/// Bytes of a field element.
const ELEMENT_BYTES: usize = size_of::<tranche_core::F>();

/// Runs the subcommand.
///
/// # Errors
/// When the program cannot be read, or no epoch of it can be planned.
pub fn run(args: &PlanArgs) -> Result<ExitCode, Error> {
    let elf = args.program.as_deref().map_or_else(|| Ok(GUEST.to_vec()), read)?;
    let program = Program::parse(&elf)?;
    let mut settings = Settings::default();
    if let Some(log2_cycles) = args.epoch_log2 {
        settings.log2_cycles = log2_cycles;
    }
    let setup = Setup::secure(&program, settings, SECURITY_FLOOR_BITS)?;
    let tables = EpochTables::new(&setup);
    let plan = tables.plan().map_err(SetupError::Plan)?;
    let bits = bits(&plan);
    let Profile::Fast = args.profile;

    let rows: Vec<_> = tables.airs.iter().zip(plan.tables()).collect();
    let regions: Vec<_> = plan.regions().iter().collect();
    if args.json {
        let table = |(air, table): &(&tranche_machine::EpochTable<'_>, _)| -> Value {
            let tranche_core::plan::TablePlan { spec, layout, .. } = table;
            json!({
                "name": air.name(),
                "log_height": spec.log_height,
                "width": layout.main_width,
                "preprocessed_width": layout.preprocessed_width,
                "interactions": layout.messages_per_row,
                "permutation_columns": layout.permutation_width(),
                "constraints": layout.num_constraints,
                "carved": spec.carved,
            })
        };
        let regions = regions.iter().map(|region| {
            json!({
                "name": format!("{:?}", region.name),
                "offset_bytes": region.offset * ELEMENT_BYTES,
                "bytes": region.len * ELEMENT_BYTES,
                "first": format!("{:?}", region.first),
                "last": format!("{:?}", region.last),
            })
        });
        let report = json!({
            "epoch_log2": setup.settings.log2_cycles,
            "profile": "fast",
            "workspace_bytes": plan.workspace_len(),
            "security_bits": bits.total(),
            "queries": setup.settings.params.num_queries,
            "tables": rows.iter().map(|&(air, plan)| table(&(air, *plan))).collect::<Vec<_>>(),
            "regions": regions.collect::<Vec<_>>(),
        });
        println!("{report}");
        return Ok(ExitCode::SUCCESS);
    }

    println!("table    rows    width  preprocessed  interactions  permutation");
    for (air, table) in rows {
        let (rows, layout) = (format!("2^{}", table.spec.log_height), &table.layout);
        println!(
            "{:8} {rows:6} {:6} {:13} {:13} {:12}{}",
            air.name(),
            layout.main_width,
            layout.preprocessed_width,
            layout.messages_per_row,
            layout.permutation_width(),
            if table.spec.carved { "  carved" } else { "" },
        );
    }
    println!("\nregion                    offset        bytes  phases");
    for region in regions.iter().filter(|region| region.len > 0) {
        let (offset, bytes) = (region.offset * ELEMENT_BYTES, region.len * ELEMENT_BYTES);
        let name = format!("{:?}", region.name);
        println!("{name:20} {offset:11} {bytes:12}  {:?} to {:?}", region.first, region.last);
    }
    let len = plan.workspace_len();
    println!("\nworkspace  {len} bytes ({})", size(len as u64));
    let queries = setup.settings.params.num_queries;
    println!("security   {:.2} proven bits a proof, {queries} queries", bits.total());
    for (name, term) in bits.terms() {
        println!("  {name:10} {:7.2} + {:2} ground", term.bits, term.grinding);
    }
    Ok(ExitCode::SUCCESS)
}
