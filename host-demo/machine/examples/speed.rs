//! How fast a program is executed: cycles in a second of processor time without a record, into records of epochs, and where the rows of
//! batches are only counted.
//!
//! `cargo run --release -p tranche-machine --features alloc --example speed -- PROGRAM [INPUT] [LOG2_CYCLES]`

use std::error::Error;

use cpu_time::ProcessTime;
use tranche_machine::exec::RunMachine;
use tranche_machine::{
    EpochEnd, EpochShape, GuestIo, Machine, Pages, Program, RecordStorage, shape::RowCounts,
};

/// Bytes of its memory that the guest may touch.
const MAX_MEMORY: u64 = 1 << 30;

/// Input from a slice; output is dropped.
struct Io<'a>(&'a [u8]);

impl GuestIo for Io<'_> {
    fn read(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn write(&mut self, _: u8) {}
}

/// Executes, and prints how fast.
fn timed<E: Error + 'static>(
    how: &str,
    run: impl FnOnce() -> Result<u64, E>,
) -> Result<(), Box<dyn Error>> {
    let start = ProcessTime::now();
    let cycles = run()?;
    let seconds = start.elapsed().as_secs_f64();
    let millions = cycles as f64 / seconds / 1e6;
    println!("{how:8} {cycles} cycles in {seconds:.3} s: {millions:.1} million a second");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let elf = std::fs::read(args.next().ok_or("PROGRAM [INPUT] [LOG2_CYCLES]")?)?;
    let input = args.next().map_or(Ok(Vec::new()), std::fs::read)?;
    let log2_cycles = args.next().map_or(Ok(16), |log| log.parse())?;
    let program = Program::parse(&elf)?.decoded();
    let shape = EpochShape::of(log2_cycles, &program).ok_or("no such epoch")?;
    let pages = || Pages::new(MAX_MEMORY);

    timed("plain", || {
        let mut machine = Machine::over(&program, pages(), u64::MAX);
        machine.run(&mut Io(&input)).map(|_| machine.cycles())
    })?;
    let mut storage = RecordStorage::new(shape);
    let mut record = storage.record();
    timed("recorded", || {
        let mut machine = Machine::over(&program, pages(), u64::MAX);
        let mut io = Io(&input);
        while let EpochEnd::Full(_) = machine.run_epoch(&mut io, &mut record)? {}
        Ok::<_, tranche_machine::ExecError>(machine.cycles())
    })?;
    timed("metered", || {
        let mut machine = RunMachine::over(&program, pages(), u64::MAX);
        let (mut io, mut rows) = (Io(&input), RowCounts::default());
        while machine
            .meter(&mut io, &shape, &mut rows)?
            .exit_code
            .is_none()
        {}
        Ok::<_, tranche_machine::ExecError>(machine.machine().cycles())
    })
}
