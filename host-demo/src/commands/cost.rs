//! `tranche cost`: what proving a run in epochs would commit to, by table and by function.

use std::process::ExitCode;

use serde_json::{Value, json};
use tranche_machine::FilledTable;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};
use tranche_machine::setup::Setup;

use super::report::spinner;
use super::{execute, program, read_guest};
use crate::answer::print;
use crate::cli::CostArgs;
use crate::cost::{Columns, Counted, Fill, Use, columns, count};
use crate::epoch::PerShape;
use crate::error::Error;
use crate::execute::Limits;
use crate::mix::Sizing;
use crate::observe::functions::Functions;
use crate::prove::{default_workers, metered, soonest};
use crate::table::{Form, draw};

/// Runs the subcommand.
///
/// # Errors
/// When a file cannot be read, no epoch can be planned, or the execution cannot go on.
pub fn run(args: &CostArgs) -> Result<ExitCode, Error> {
    let named = (args.input.as_deref(), args.public.as_deref());
    let [elf, input, public] = read_guest(&args.program, named.0, named.1)?;
    let program = program(&elf, &public)?.decoded();
    let functions = Functions::of(&program, &elf.bytes);
    let input = &input.bytes;
    let execution = execute(&program, input, args.max_cycles, args.max_memory)?;
    let soonest = || soonest(execution.cycles, default_workers()) as u8;
    let settings = Settings {
        log2_cycles: args.epoch_log2.unwrap_or_else(soonest),
        hash: args.hash.into(),
        ..Settings::default()
    };
    let sizing = args.heights.map_or_else(Sizing::default, Sizing::from);
    let program = sizing.program(&program, &execution);
    let settings = match sizing {
        Sizing::Common => settings,
        Sizing::Metered => metered(&program, input, &execution, settings)?,
    };
    let setup = Setup::secure(&program, settings, SECURITY_FLOOR_BITS)?;
    let columns = columns(&setup)?;
    let limits = Limits {
        cycles: args.max_cycles,
        memory: args.max_memory,
    };
    let spinner = spinner();
    let progress = |cycles| spinner.set_position(cycles);
    let counted = count(&setup, input, limits, progress);
    spinner.finish_and_clear();
    let counted = counted?;
    let uses = counted.by_function(&setup, &functions);
    let cost = Cost {
        setup,
        tables: tables(&columns, &counted),
        functions: lines(&columns.first, &uses, &functions),
        named: functions.are_named(),
        counted,
    };
    print(if args.json {
        format!("{}\n", cost.report())
    } else {
        cost.text()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A table over the run.
struct Table {
    columns: Columns,
    /// Rows of all epochs.
    rows: u64,
    /// Those of them that hold something; not known of tables that are asked.
    real: Option<u64>,
    /// Epochs that it ended.
    ended: u32,
}

/// A function over the run.
struct Line<'a> {
    name: &'a str,
    cycles: u64,
    /// Cells of the rows that it fills.
    cells: u64,
}

/// What a run costs.
struct Cost<'a> {
    setup: Setup<'a>,
    tables: Vec<Table>,
    functions: Vec<Line<'a>>,
    named: bool,
    counted: Counted,
}

/// The table of this name that an execution fills, if it does.
fn filled(name: &str) -> Option<FilledTable> {
    let mut all = FilledTable::ALL.into_iter();
    all.find(|table| table.name() == name)
}

fn tables(columns: &PerShape<Vec<Columns>>, counted: &Counted) -> Vec<Table> {
    let rows = |name| {
        let of_epoch = |fill: &Fill| {
            let table = columns.at(fill.shape).iter().find(|it| it.name == name);
            table.map_or(0, Columns::rows)
        };
        counted.epochs.iter().map(of_epoch).sum()
    };
    let ends: Vec<_> = counted.ends.counts().collect();
    let table = |&columns: &Columns| {
        let ended = ends.iter().find(|(name, _)| *name == columns.name);
        Table {
            columns,
            rows: rows(columns.name),
            real: filled(columns.name).map(|table| counted.rows[table.index()]),
            ended: ended.map_or(0, |&(_, epochs)| epochs),
        }
    };
    columns.first.iter().map(table).collect()
}

/// The functions that were executed, the most expensive first.
fn lines<'a>(columns: &[Columns], uses: &[Use], functions: &'a Functions) -> Vec<Line<'a>> {
    let cells = |used: &Use| {
        let of = |it: &Columns| Some(it.committed() * used.rows[filled(it.name)?.index()]);
        columns.iter().filter_map(of).sum()
    };
    let executed = uses.iter().enumerate().filter(|(_, used)| used.cycles > 0);
    let mut lines: Vec<_> = executed
        .map(|(function, used)| Line {
            name: functions.name(function),
            cycles: used.cycles,
            cells: cells(used),
        })
        .collect();
    lines.sort_by_key(|line| u64::MAX - line.cells);
    lines
}

impl Table {
    fn cells(&self) -> u64 {
        self.columns.committed() * self.rows
    }

    /// The share of rows that hold nothing.
    fn padding(&self) -> Option<f64> {
        Some(1.0 - self.real? as f64 / self.rows.max(1) as f64)
    }
}

impl Cost<'_> {
    fn per_cycle(&self, sum: u64) -> f64 {
        sum as f64 / self.counted.cycles.max(1) as f64
    }

    /// The sum of a figure over all tables, a cycle.
    fn total(&self, of: impl Fn(&Table) -> u64) -> f64 {
        self.per_cycle(self.tables.iter().map(of).sum())
    }

    fn cells(&self) -> f64 {
        self.total(Table::cells)
    }

    /// Cells of rows that hold something; of the tables that are asked, all.
    fn real_cells(&self) -> f64 {
        self.total(|it| it.columns.committed() * it.real.unwrap_or(it.rows))
    }

    fn preprocessed(&self) -> f64 {
        self.total(|it| it.columns.preprocessed * it.rows)
    }

    fn interactions(&self) -> f64 {
        self.total(|it| it.columns.interactions * it.rows)
    }

    /// The table that was the fullest of most epochs.
    fn fullest(&self) -> &'static str {
        let epochs = &self.counted.epochs;
        let times = |table| epochs.iter().filter(|fill| fill.fullest.0 == table).count();
        let all = FilledTable::ALL.into_iter();
        all.max_by_key(|&table| times(table))
            .map_or("", FilledTable::name)
    }

    /// The cost as a JSON object.
    fn report(&self) -> Value {
        let counted = &self.counted;
        let tables = self.tables.iter().map(|it| {
            let columns = &it.columns;
            json!({
                "name": columns.name,
                "log_height": columns.log_rows,
                "second_log_height": columns.second,
                "main_columns": columns.main,
                "permutation_columns": columns.permutation,
                "quotient_columns": columns.quotient,
                "preprocessed_columns": columns.preprocessed,
                "interactions": columns.interactions,
                "rows": it.rows,
                "real_rows": it.real,
                "padding": it.padding(),
                "cells_per_cycle": self.per_cycle(it.cells()),
                "epochs_ended": it.ended,
            })
        });
        let functions = self.functions.iter().map(|line| {
            json!({
                "name": line.name,
                "cycles": line.cycles,
                "real_cells": line.cells,
            })
        });
        let epochs = counted.epochs.iter().map(|fill| {
            json!({
                "heights": fill.shape,
                "cycles": fill.cycles,
                "ended_by": fill.ended_by.map_or("exit", FilledTable::name),
                "fullest": fill.fullest.0.name(),
                "fullest_share": fill.fullest.1,
            })
        });
        json!({
            "epoch_log2": self.setup.settings.log2_cycles,
            "hash": self.setup.settings.hash.name(),
            "exit_code": counted.exit_code,
            "cycles": counted.cycles,
            "seconds": counted.time.as_secs_f64(),
            "cells_per_cycle": self.cells(),
            "real_cells_per_cycle": self.real_cells(),
            "preprocessed_cells_per_cycle": self.preprocessed(),
            "interactions_per_cycle": self.interactions(),
            "fullest": { "table": self.fullest(), "share": counted.fullest_share() },
            "tables": tables.collect::<Vec<_>>(),
            "symbols": self.named,
            "functions": functions.collect::<Vec<_>>(),
            "epochs": epochs.collect::<Vec<_>>(),
        })
    }

    /// The cost for a reader.
    fn text(&self) -> String {
        let counted = &self.counted;
        let heading = [
            "table",
            "rows",
            "main",
            "permutation",
            "quotient",
            "preprocessed",
            "interactions",
            "cells/cycle",
            "interactions/cycle",
            "padding",
            "epochs ended",
        ];
        let rows = self.tables.iter().map(|it| {
            let columns = &it.columns;
            [
                columns.name.to_owned(),
                heights(columns),
                columns.main.to_string(),
                columns.permutation.to_string(),
                columns.quotient.to_string(),
                columns.preprocessed.to_string(),
                columns.interactions.to_string(),
                format!("{:.2}", self.per_cycle(it.cells())),
                format!("{:.2}", self.per_cycle(columns.interactions * it.rows)),
                it.padding().map_or(String::new(), percent),
                it.ended.to_string(),
            ]
        });
        let mut text = draw(Form::Text, heading, &[], rows);
        let (cells, real) = (self.cells(), self.real_cells());
        text += &format!(
            "\nrun       {} cycles, exit code {}, in {} epochs of 2^{} at most\n",
            counted.cycles,
            counted.exit_code,
            counted.epochs.len(),
            self.setup.settings.log2_cycles,
        );
        let others = self.setup.other_shapes().count();
        let at = (0..=others).map(|shape| {
            let epochs = counted.epochs.iter();
            epochs.filter(|fill| fill.shape == shape).count()
        });
        let at: Vec<_> = at.map(|epochs| epochs.to_string()).collect();
        if others > 0 {
            text += &format!(
                "heights   {} epochs at the first, as above, and at each of {others} others\n",
                at.join(", "),
            );
        }
        text += &format!(
            "cells     {cells:.2} a cycle, {real:.2} of them in rows that hold something, and {:.2} preprocessed\n",
            self.preprocessed()
        );
        text += &format!("messages  {:.2} a cycle\n", self.interactions());
        text += &format!(
            "fullest   {}, with {} of its rows in use where an epoch ends\n\n",
            self.fullest(),
            percent(counted.fullest_share()),
        );
        let all: u64 = self.functions.iter().map(|line| line.cells).sum();
        let rows = self.functions.iter().map(|line| {
            [
                line.name.to_owned(),
                line.cycles.to_string(),
                percent(line.cycles as f64 / counted.cycles.max(1) as f64),
                line.cells.to_string(),
                percent(line.cells as f64 / all.max(1) as f64),
                format!("{:.2}", line.cells as f64 / line.cycles as f64),
            ]
        });
        let heading = ["function", "cycles", "", "cells", "", "cells/cycle"];
        text += &draw(Form::Text, heading, &[], rows);
        if !self.named {
            text += "functions are addresses of calls: the program has no symbols\n";
        }
        text
    }
}

/// The rows of a table's instances for a reader.
fn heights(columns: &Columns) -> String {
    let second = columns.second.map(|log_rows| format!(" + 2^{log_rows}"));
    format!("2^{}{}", columns.log_rows, second.unwrap_or_default())
}

/// A share for a reader.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
