//! Verifying a bundle: a program and a stream of frames into the statement that they prove.
//!
//! The verifier takes nothing from the bundle on trust. It rebuilds every plan from the header's
//! integers, counts epochs itself, and knows from their exits where the run ends, hence the shape
//! of the merge tree. Between two proofs it checks what none of them can: that an epoch begins
//! where the last one ended, and that each merged table has the root of the proof it comes from.
//! Its memory is one frame, and one root for each table that waits for its merge.
//!
//! What it spends is bounded before it is spent. A frame is no longer than its plan's longest proof;
//! a height no larger than the tables below it can have rows for; an output no longer than the run
//! could write. No key is derived, and no table built, before a proof of the plan's heights is there.
//!
//! No bundle makes it panic.

mod error;

use std::io::Read;

use tranche_backend::Chosen;
use tranche_core::security::Bits;
use tranche_core::shape::Profile;
use tranche_core::verifier::{
    CarvedConfig, MAX_PROOF_BYTES, Root, VerifierAir, VerifyError, check_heights, decode,
};
use tranche_core::{Hashes, Identity, Params, Plan, ScalarBackend, Suite};
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::merge::{Child, MIN_LOG_ROWS, MergeTable, Node, Outcome, Tree, empty_root};
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings, bits, check_floor};
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::tables::rom::HALT;
use tranche_machine::{EpochTable, EpochTables, Program, Span};

use crate::bundle::{FormatError, Header, Reader};
use crate::epoch::{EpochKey, PerShape, epoch_key, public_values};
use crate::merge::{
    MergeKey, MergeTables, SizedChild, empty_log_rows, image, max_log_rows, merge_statement,
    outcome,
};
use crate::suite::{HostSuite, with_suite};

pub use error::{Check, Place, Refusal};

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenRun {
    /// Digest of the program.
    pub program_digest: Identity,
    /// The settings of the run.
    pub settings: Settings,
    /// Cycles of the run.
    pub cycles: u64,
    /// Epochs of the run.
    pub epochs: u32,
    /// Merges, the root included.
    pub merges: u32,
    /// The guest's exit code.
    pub exit_code: u32,
    /// The guest's output.
    pub output: Vec<u8>,
    /// Proven bits of the weakest proof.
    pub security_bits: f64,
    /// Proven bits against a forgery of any one of the bundle's proofs, by the union bound.
    pub bundle_security_bits: f64,
}

/// Verifies a bundle of `program` and its [public input](Program::with_public) at the default floor of 100 proven bits a proof.
///
/// # Errors
/// [`Refusal`], which names the place and the check.
pub fn verify<R: Read>(program: &Program<'_>, bundle: R) -> Result<ProvenRun, Refusal> {
    verify_above(program, bundle, SECURITY_FLOOR_BITS)
}

/// Verifies a bundle of `program` and its public input whose proofs all have at least `floor` proven bits.
///
/// # Errors
/// [`Refusal`], which names the place and the check.
pub fn verify_above<R: Read>(
    program: &Program<'_>,
    mut bundle: R,
    floor: f64,
) -> Result<ProvenRun, Refusal> {
    verify_from(program, &mut bundle, floor)
}

/// One verifier of each suite is compiled, whatever it reads from.
fn verify_from(
    program: &Program<'_>,
    bundle: &mut dyn Read,
    floor: f64,
) -> Result<ProvenRun, Refusal> {
    let (reader, header) = Reader::new(bundle).map_err(at(Place::Header))?;
    let Header {
        settings,
        program: got,
        public,
        ..
    } = header;
    let expected = program.digest();
    if got != expected {
        return Err(Check::Program { expected, got }).map_err(at(Place::Header));
    }
    let expected = program.public().digest();
    if public != expected {
        let got = public;
        return Err(Check::Public { expected, got }).map_err(at(Place::Header));
    }
    let program = header.program_of(program);
    let setup = Setup::new(&program, settings)
        .map_err(|error| Check::Setup(SetupError::Range(error)))
        .map_err(at(Place::Header))?;
    with_suite!(settings.hash, S => run::<S>(setup, reader, floor))
}

/// Checks all that follows the header.
fn run<'a, S: HostSuite>(
    setup: Setup<'a>,
    mut reader: Reader<&mut dyn Read>,
    floor: f64,
) -> Result<ProvenRun, Refusal>
where
    EpochTable<'a>: VerifierAir<CarvedConfig<S>>,
    for<'m> MergeTable<'m>: VerifierAir<CarvedConfig<S>>,
    ScalarBackend: Hashes<S>,
{
    let settings = setup.settings;
    let mut verifier = Verifier::<S>::new(setup, floor).map_err(at(Place::Header))?;
    loop {
        let number = verifier.epochs + 1;
        let last = verifier
            .epoch(&mut reader)
            .map_err(at(Place::Epoch(number)))?;
        let known = number + u32::from(!last);
        let tree = Tree::new(known, settings.arity.into()).map_err(|_| Check::TooManyEpochs);
        let tree = tree.map_err(at(Place::Epoch(number)))?;
        for node in tree.completed_by(number).filter(|node| !node.root) {
            verifier
                .merge(&tree, node, &mut reader)
                .map_err(at(Place::Merge(node)))?;
        }
        if let Some(root) = tree.root().filter(|_| last) {
            let (exit_code, output) = verifier.result(&mut reader).map_err(at(Place::Result))?;
            let result = outcome(exit_code, &output).ok_or(Check::Output {
                bytes: output.len(),
            });
            let result = result.map_err(at(Place::Result))?;
            verifier
                .root(&tree, root, result, &mut reader)
                .map_err(at(Place::Merge(root)))?;
            reader.end().map_err(at(Place::End))?;
            return Ok(verifier.statement(exit_code, output));
        }
    }
}

/// Names the place of a failed check.
fn at<C: Into<Check>>(place: Place) -> impl FnOnce(C) -> Refusal {
    move |check| Refusal {
        place,
        check: check.into(),
    }
}

impl From<FormatError> for Check {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<VerifyError> for Check {
    fn from(error: VerifyError) -> Self {
        Self::Proof(error)
    }
}

/// A table that waits for its merge.
struct Waiting<S: HostSuite> {
    log_rows: u8,
    root: Root<S>,
}

/// What is kept of the last merge below the root: the next one is often alike.
struct KnownMerge<'a, S: HostSuite> {
    leaves: bool,
    log_heights: Vec<usize>,
    /// Bytes of its longest proof.
    max_proof_len: usize,
    key: MergeKey<'a, S>,
}

/// A verification under way.
struct Verifier<'a, S: HostSuite> {
    setup: Setup<'a>,
    floor: f64,
    tables: PerShape<EpochTables<'a>>,
    /// Bytes of an epoch's longest proof, at any heights.
    max_epoch_len: usize,
    /// The keys of epochs, each once there is a proof of its heights.
    keys: PerShape<Option<EpochKey<'a, S>>>,
    known: Option<KnownMerge<'a, S>>,
    /// Tables that wait, by level; level 0 are the epochs.
    waiting: Vec<Vec<Waiting<S>>>,
    /// Where the next epoch begins.
    entry: u32,
    epochs: u32,
    merges: u32,
    cycles: u64,
    /// The weakest proof.
    weakest: Bits,
}

impl<'a, S: HostSuite> Verifier<'a, S>
where
    EpochTable<'a>: VerifierAir<CarvedConfig<S>>,
    for<'m> MergeTable<'m>: VerifierAir<CarvedConfig<S>>,
    ScalarBackend: Hashes<S>,
{
    fn new(setup: Setup<'a>, floor: f64) -> Result<Self, Check> {
        let tables = PerShape::of(&setup);
        let known = tables.try_map(|tables| {
            let plan = tables.plan_in::<Chosen, S>(Profile::Fast);
            let plan = plan.map_err(Check::Plan)?;
            let bits = bits(&plan);
            check_floor(&bits, floor).map_err(Check::below(floor))?;
            Ok::<_, Check>((max_proof_len(&plan), bits))
        })?;
        let all = known.iter().map(|&(_, bits)| bits);
        let weakest = all.min_by(|a, b| a.total().total_cmp(&b.total()));
        Ok(Self {
            setup,
            floor,
            tables,
            max_epoch_len: known.iter().map(|&(len, _)| len).fold(0, usize::max),
            keys: known.map(|_| None),
            known: None,
            waiting: Vec::new(),
            entry: setup.program.entry(),
            epochs: 0,
            merges: 0,
            cycles: 0,
            weakest: weakest.unwrap_or(known.first.1),
        })
    }

    const fn params(&self) -> &Params {
        &self.setup.settings.params
    }

    /// Checks the next epoch; returns whether it is the last.
    fn epoch<R: Read>(&mut self, reader: &mut Reader<R>) -> Result<bool, Check> {
        let number = self.epochs + 1;
        let (span, bytes) = reader.epoch(self.max_epoch_len)?;
        self.check_span(&span)?;
        let proof = decode::<CarvedConfig<S>>(bytes, self.max_epoch_len)?;
        let shape = self.tables.of_proof(|logs| check_heights(&proof, logs))?;
        let tables = self.tables.at(shape);
        let key = match self.keys.at_mut(shape) {
            Some(key) => key,
            empty => empty.insert(epoch_key::<S>(tables).map_err(Check::Key)?),
        };
        let publics = public_values(tables, number, &span);
        let statement = self.setup.epoch_statement(number);
        key.verify_decoded(&proof, Some(&statement), &publics)?;
        let roots = key.carved_roots(&proof);
        let missing = Check::ChildRoot {
            child: Child::Epoch(number),
        };
        let root = roots.into_iter().next().ok_or(missing)?;
        let log_rows = self.setup.shape.l2g as u8;
        self.wait(0, Waiting { log_rows, root });
        (self.epochs, self.entry) = (number, span.exit);
        self.cycles += u64::from(span.cycles);
        Ok(span.is_last())
    }

    /// Checks that numbers are what they stand for, since a field element stands for many words,
    /// and that the epoch begins where the last one ended.
    fn check_span(&self, span: &Span) -> Result<(), Check> {
        let Span {
            entry,
            exit,
            cycles,
        } = *span;
        let (expected, limit) = (self.entry, 1 << self.setup.shape.cpu);
        if entry != expected {
            return Err(Check::Entry {
                expected,
                got: entry,
            });
        }
        if exit > HALT {
            return Err(Check::Exit { got: exit });
        }
        if cycles > limit {
            return Err(Check::Cycles { limit, got: cycles });
        }
        Ok(())
    }

    /// Checks a merge below the root.
    fn merge<R: Read>(
        &mut self,
        tree: &Tree,
        node: Node,
        reader: &mut Reader<R>,
    ) -> Result<(), Check> {
        let (parent_log, frame) = reader.merge()?;
        let (sized, expected) = self.children(tree, &node);
        check_height(parent_log, max_log_rows(&node, &sized))?;
        let tables = MergeTables::inner(&node, &sized, parent_log);
        let (leaves, log_heights) = (node.level == 1, tables.log_heights());
        let alike =
            |known: &KnownMerge<'_, S>| known.leaves == leaves && known.log_heights == log_heights;
        let known = self.known.take().filter(alike);
        let max_proof_len = match &known {
            Some(known) => known.max_proof_len,
            None => self.max_proof_len(&tables)?,
        };
        let proof = decode::<CarvedConfig<S>>(frame.read(max_proof_len)?, max_proof_len)?;
        check_heights(&proof, &log_heights)?;
        let known = match known {
            Some(known) => known,
            None => KnownMerge {
                leaves,
                log_heights,
                max_proof_len,
                key: tables.key::<S>(self.params()).map_err(Check::Key)?,
            },
        };
        let key = &self.known.insert(known).key;
        let statement = merge_statement(&self.setup, &node, None);
        key.verify_decoded(&proof, Some(&statement), &tables.publics)?;
        let roots = key.carved_roots(&proof);
        compare(&sized, &expected, &roots)?;
        let child = Child::Merge {
            level: node.level,
            index: node.index,
        };
        let root = roots
            .into_iter()
            .next_back()
            .ok_or(Check::ChildRoot { child })?;
        self.wait(
            node.level as usize,
            Waiting {
                log_rows: parent_log,
                root,
            },
        );
        self.merges += 1;
        Ok(())
    }

    /// Reads the claimed result: exit code and output, no longer than the run can have written.
    fn result<R: Read>(&self, reader: &mut Reader<R>) -> Result<(u32, Vec<u8>), Check> {
        // A cycle puts out at most four bytes.
        let limit = self.cycles.saturating_mul(4).min(MAX_OUTPUT_BYTES.into());
        let (got, exit_code, output) = reader.result(limit as usize)?;
        let expected = self.epochs;
        if got != expected {
            return Err(Check::EpochCount { expected, got });
        }
        Ok((exit_code, output.to_vec()))
    }

    /// Checks the root merge against the claimed result.
    fn root<R: Read>(
        &mut self,
        tree: &Tree,
        node: Node,
        result: Outcome<'_>,
        reader: &mut Reader<R>,
    ) -> Result<(), Check> {
        let (hole_logs, frame) = reader.root()?;
        let image = image(&self.setup);
        let (expected, got) = (image.holes().count(), hole_logs.len());
        if got != expected {
            return Err(Check::Holes { expected, got });
        }
        let (sized, expected) = self.children(tree, &node);
        let limit = max_log_rows(&node, &sized);
        hole_logs
            .iter()
            .try_for_each(|&log| check_height(log, limit))?;
        let tables = MergeTables::root(&node, &sized, image, result, &hole_logs);
        let max_proof_len = self.max_proof_len(&tables)?;
        let proof = decode::<CarvedConfig<S>>(frame.read(max_proof_len)?, max_proof_len)?;
        check_heights(&proof, &tables.log_heights())?;
        let key = tables.key::<S>(self.params()).map_err(Check::Key)?;
        let statement = merge_statement(&self.setup, &node, Some(&result));
        key.verify_decoded(&proof, Some(&statement), &tables.publics)?;
        let roots = key.carved_roots(&proof);
        compare(&sized, &expected, &roots)?;
        self.merges += 1;
        Ok(())
    }

    /// The children of a merge, and the roots that their tables have.
    fn children(&mut self, tree: &Tree, node: &Node) -> (Vec<SizedChild>, Vec<Root<S>>) {
        let level = (node.level - 1) as usize;
        let waiting = self
            .waiting
            .get_mut(level)
            .map(std::mem::take)
            .unwrap_or_default();
        let mut waiting = waiting.into_iter();
        let empty_log = empty_log_rows(&self.setup, node.level);
        let width = if node.level == 1 {
            MergeTable::L2g
        } else {
            MergeTable::Child
        }
        .main_width();
        let params = self.params();
        let log_leaves = u32::from(empty_log) + u32::from(params.log_blowup);
        let digest = empty_root(S::instance(), width, log_leaves, params.cap_height.into());
        let empty = S::uniform_cap(&digest, params.cap_height.into());
        tree.children(*node)
            .map(|child| match waiting.next() {
                Some(Waiting { log_rows, root }) => ((child, log_rows), root),
                None => ((child, empty_log), empty.clone()),
            })
            .unzip()
    }

    /// Bytes of the longest proof of a merge, whose plan has to have the bits asked for.
    fn max_proof_len(&mut self, tables: &MergeTables<'_>) -> Result<usize, Check> {
        let plan = tables.plan::<S>(self.params()).map_err(Check::Plan)?;
        let bits = bits(&plan);
        check_floor(&bits, self.floor).map_err(Check::below(self.floor))?;
        if bits.total() < self.weakest.total() {
            self.weakest = bits;
        }
        Ok(max_proof_len(&plan))
    }

    fn wait(&mut self, level: usize, table: Waiting<S>) {
        if self.waiting.len() <= level {
            self.waiting.resize_with(level + 1, Vec::new);
        }
        self.waiting[level].push(table);
    }

    fn statement(self, exit_code: u32, output: Vec<u8>) -> ProvenRun {
        let proofs = u64::from(self.epochs) + u64::from(self.merges);
        ProvenRun {
            program_digest: self.setup.program_digest,
            settings: self.setup.settings,
            cycles: self.cycles,
            epochs: self.epochs,
            merges: self.merges,
            exit_code,
            output,
            security_bits: self.weakest.total(),
            bundle_security_bits: self.weakest.with_proofs(proofs).total(),
        }
    }
}

/// Bytes of the longest proof of a plan.
pub(crate) fn max_proof_len<const N: usize, S: Suite>(plan: &Plan<N, S>) -> usize {
    let len = usize::try_from(plan.max_proof_len());
    len.map_or(MAX_PROOF_BYTES, |len| len.min(MAX_PROOF_BYTES))
}

/// Refuses a height that no honest prover needs.
fn check_height(got: u8, limit: u8) -> Result<(), Check> {
    if (MIN_LOG_ROWS..=limit).contains(&got) {
        Ok(())
    } else {
        Err(Check::Height { limit, got })
    }
}

/// Compares the roots of a merge's first tables with those that its children have.
fn compare<R: PartialEq>(sized: &[SizedChild], expected: &[R], got: &[R]) -> Result<(), Check> {
    for (i, (&(child, _), root)) in sized.iter().zip(expected).enumerate() {
        if got.get(i) != Some(root) {
            return Err(Check::ChildRoot { child });
        }
    }
    Ok(())
}
