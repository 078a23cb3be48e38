//! Runs programs into traces and judges them with Plonky3's own checkers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use p3_air::{Air, DebugConstraintBuilder, check_all_constraints};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::debug_util::{LookupDebugInstance, check_lookups};
use p3_lookup::{InteractionSymbolicBuilder, Lookups};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::{EF, F, TraceMut};
use tranche_machine::batches::RunTable;
use tranche_machine::exec::RecordStorage;
use tranche_machine::{
    Cell, EpochEnd, EpochRecord, EpochShape, EpochTable, ExecError, GuestIo, Machine, Program, Span,
};

use crate::omit::InteractionAir;

/// A guest's input and output.
#[derive(Debug, Default)]
pub struct Io {
    /// What it may read.
    pub input: Vec<u8>,
    /// How many bytes it has read.
    pub read: usize,
    /// What it has written.
    pub output: Vec<u8>,
    /// What it has said on descriptor 2.
    pub messages: Vec<u8>,
}

impl Io {
    /// Of a guest that has this input.
    pub fn new(input: &[u8]) -> Self {
        Self {
            input: input.to_vec(),
            ..Self::default()
        }
    }
}

impl GuestIo for Io {
    fn read(&mut self) -> Option<u8> {
        let byte = self.input.get(self.read).copied();
        self.read += usize::from(byte.is_some());
        byte
    }

    fn write(&mut self, byte: u8) {
        self.output.push(byte);
    }

    fn message(&mut self, byte: u8) {
        self.messages.push(byte);
    }
}

/// A table that Plonky3's checkers can evaluate.
pub trait Table:
    Copy
    + InteractionAir
    + for<'a> Air<DebugConstraintBuilder<'a, F>>
    + Air<InteractionSymbolicBuilder<F, EF>>
{
    /// Its name.
    fn name(&self) -> &'static str;
}

impl Table for EpochTable<'_> {
    fn name(&self) -> &'static str {
        self.name()
    }
}

impl Table for RunTable<'_> {
    fn name(&self) -> &'static str {
        self.name()
    }
}

/// One epoch's tables with main traces and public values.
pub type Traces<'p> = TracesOf<EpochTable<'p>>;

/// Tables with main traces (row-major) and public values.
#[derive(Clone, Debug)]
pub struct TracesOf<A> {
    /// The tables, in batch order.
    pub tables: Vec<A>,
    /// Their main traces.
    pub main: Vec<RowMajorMatrix<F>>,
    /// Their public values.
    pub public: Vec<Vec<F>>,
}

/// Fills the traces of a record.
fn traces<'p>(
    tables: &[EpochTable<'p>],
    program: &'p Program<'p>,
    shape: EpochShape,
    record: &mut EpochRecord<'_>,
) -> Traces<'p> {
    let main = tables
        .iter()
        .map(|table| {
            let height = 1 << table.log_height(shape);
            // Whatever the buffer held before, the filler writes over it.
            let mut values = vec![F::from_u32(0x0bad_f00d); table.main_width() * height];
            table.fill(program, record, &mut TraceMut::new(&mut values, height));
            RowMajorMatrix::new(values, height).transpose()
        })
        .collect();
    let public = tables
        .iter()
        .map(|table| {
            let span = Span::of(record);
            table.public_values_of(record.epoch(), &span).to_vec()
        })
        .collect();
    Traces {
        tables: tables.to_vec(),
        main,
        public,
    }
}

impl<A: Table> TracesOf<A> {
    /// Index of the first table of a name.
    pub fn index(&self, name: &str) -> usize {
        self.tables
            .iter()
            .position(|table| table.name() == name)
            .expect(name)
    }

    /// The main trace of the first table of a name.
    pub fn table(&mut self, name: &str) -> &mut RowMajorMatrix<F> {
        let index = self.index(name);
        &mut self.main[index]
    }

    /// Sets one element of a table.
    pub fn set(&mut self, name: &str, row: usize, column: usize, value: F) {
        let table = self.table(name);
        let width = table.width;
        table.values[row * width + column] = value;
    }

    /// One element of a table.
    pub fn get(&self, name: &str, row: usize, column: usize) -> F {
        let table = &self.main[self.index(name)];
        table.values[row * table.width + column]
    }

    /// Every constraint on every row, then every bus; the first complaint.
    pub fn check(&self) -> Result<(), String> {
        self.check_constraints()?;
        self.check_buses()
    }

    /// Every constraint on every row.
    pub fn check_constraints(&self) -> Result<(), String> {
        for ((table, main), public) in self.tables.iter().zip(&self.main).zip(&self.public) {
            let report = check_all_constraints(table, main, public, Some(1));
            if let Some(failure) = report.failures.first() {
                return Err(format!(
                    "{}: row {} breaks constraint {}",
                    table.name(),
                    failure.row,
                    failure.constraint
                ));
            }
        }
        Ok(())
    }

    /// Whether all messages of all buses cancel.
    pub fn check_buses(&self) -> Result<(), String> {
        let lookups: Vec<_> = self
            .tables
            .iter()
            .map(Lookups::<F>::from_air::<EF, _>)
            .collect();
        let fixed: Vec<_> = self
            .tables
            .iter()
            .map(|table| table.preprocessed_trace())
            .collect();
        let instances: Vec<_> = (0..self.tables.len())
            .map(|i| LookupDebugInstance {
                main_trace: &self.main[i],
                preprocessed_trace: &fixed[i],
                public_values: &self.public[i],
                lookups: &lookups[i],
                permutation_challenges: &[],
            })
            .collect();
        catch_unwind(AssertUnwindSafe(|| check_lookups(&instances))).map_err(|payload| {
            payload
                .downcast_ref::<String>()
                .cloned()
                .unwrap_or_else(|| "unbalanced".into())
        })
    }
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the guest exited with.
    pub exit_code: u32,
    /// What it wrote.
    pub output: Vec<u8>,
    /// What it said on descriptor 2.
    pub messages: Vec<u8>,
    /// Number of epochs.
    pub epochs: u32,
    /// Number of cycles.
    pub cycles: u64,
    /// Number of instructions.
    pub instructions: u64,
}

/// Executes `elf` in epochs of 2^`log2_cycles` cycles and hands each epoch's traces to `look`.
///
/// # Errors
/// When the execution cannot be proved.
pub fn run_epochs(
    elf: &[u8],
    input: &[u8],
    log2_cycles: u32,
    look: impl FnMut(u32, Traces<'_>),
) -> Result<Run, ExecError> {
    let program = Program::parse(elf).expect("a valid program").decoded();
    run_program(&program, input, log2_cycles, look)
}

/// The same of a program, with its public input and the blocks of its ROM.
///
/// # Errors
/// When the execution cannot be proved.
pub fn run_program<'p>(
    program: &'p Program<'p>,
    input: &[u8],
    log2_cycles: u32,
    look: impl FnMut(u32, Traces<'p>),
) -> Result<Run, ExecError> {
    let shape = EpochShape::of(log2_cycles, program).expect("a valid shape");
    let tables = EpochTable::all(shape, program);
    run_tables(&tables, program, input, shape, look)
}

/// Executes `program` in epochs of `shape` and hands each epoch's traces to `look`.
///
/// # Errors
/// When the execution cannot be proved.
pub fn run_tables<'p>(
    tables: &[EpochTable<'p>],
    program: &'p Program<'p>,
    input: &[u8],
    shape: EpochShape,
    mut look: impl FnMut(u32, Traces<'p>),
) -> Result<Run, ExecError> {
    let mut cells = vec![Cell::FREE; 1 << 16];
    let mut machine = Machine::new(program, &mut cells, 1 << 24);
    let mut io = Io::new(input);
    let mut storage = RecordStorage::new(shape);
    let mut record = storage.record();
    loop {
        let end = machine.run_epoch(&mut io, &mut record)?;
        look(record.epoch(), traces(tables, program, shape, &mut record));
        if let EpochEnd::Exit(exit_code) = end {
            return Ok(Run {
                exit_code,
                output: io.output,
                messages: io.messages,
                epochs: machine.epochs(),
                cycles: machine.cycles(),
                instructions: machine.instructions(),
            });
        }
    }
}
