//! A run as checkpoints of its batches: it is executed once more, and nothing of it is proved.

use std::collections::BTreeMap;

use tranche_machine::batches::WalkError;
use tranche_machine::cells::REGISTERS;
use tranche_machine::checkpoint;
use tranche_machine::exec::CellBefore;
use tranche_machine::{Machine, Pages};

use super::super::error::RetireProveError;
use super::super::options::Options;
use super::super::survey::Surveyed;
use super::task::Source;
use crate::prove::remote::Counted;

impl Surveyed<'_> {
    /// Hands the checkpoint of each body batch to `each`, in order.
    ///
    /// # Errors
    /// When the execution cannot go on, or goes otherwise than in the survey.
    pub fn checkpoints(
        &self,
        options: &Options,
        mut each: impl FnMut(usize, Source),
    ) -> Result<(), RetireProveError> {
        let tables = self.tables(options.params, options.hash)?;
        let (input, body) = (self.input, &self.shape.body);
        let pages = Pages::new(self.execution.memory);
        let mut machine = Machine::over(self.program, pages, self.execution.cycles);
        let mut io = Counted { input, read: 0 };
        // When each cell was touched last.
        let mut last = BTreeMap::new();
        let mut touched = Vec::new();
        for (batch, expected) in self.found.spans.iter().enumerate() {
            let (mut state, before) = (machine.state(), io.read);
            for (cell, register) in (REGISTERS..).zip(&mut state.registers) {
                register.1 = last.get(&cell).copied().unwrap_or(0);
            }
            let listed = machine.list_batch(&mut io, body, &mut touched);
            let (span, _) = listed.map_err(WalkError::from)?;
            if span != *expected {
                return Err(WalkError::Diverged { batch }.into());
            }
            let cells = touched.iter().map(|row| CellBefore {
                id: row.cell,
                value: row.init,
                epoch: last.insert(row.cell, row.timestamp).unwrap_or(0),
            });
            let cells: Vec<_> = cells.collect();
            let mut bytes = Vec::new();
            // A vector takes what it is given.
            let Ok(_) = checkpoint::write_batch(
                &tables,
                &state,
                &cells,
                &input[before..io.read],
                &mut bytes,
            );
            each(batch, Source::Body(bytes));
        }
        Ok(())
    }

    /// What the closing batch is made from, when the bodies owe so much together.
    pub fn closing(&self, owed: Vec<u32>) -> Source {
        let memory = self.found.memory.iter();
        let memory = memory.map(|chain| [chain.cell, chain.init, chain.fini_epoch, chain.fini]);
        Source::Closing {
            owed,
            memory: memory.collect(),
        }
    }
}
