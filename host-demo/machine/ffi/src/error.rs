//! Error codes and their names: every error of the machine and of the core as one integer.

use core::ffi::CStr;

use tranche_core::prover::BatchError;
use tranche_machine::ExecError;
use tranche_machine::program::ElfError;
use tranche_machine::prove::{EpochError, StartError};
use tranche_machine::setup::SetupError;

/// What a function returns: 0, or why it failed. `tranche_error_name` names each.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrancheError {
    /// Success.
    Ok = 0,
    /// A pointer that must not be null is.
    NullPointer = 1,
    /// A profile that is none of `tranche_profile`.
    UnknownProfile = 2,
    /// A setting is outside of its range.
    SettingRange = 3,
    /// No number of queries reaches the security floor at these settings.
    SecurityFloor = 4,
    /// The core refuses the plan.
    PlanRefused = 5,
    /// No epoch fits the budget; the plan that was written out is the smallest there is.
    BudgetTooSmall = 6,
    /// The buffer is shorter than the plan's bytes; nothing was written to it.
    BufferTooSmall = 7,
    /// The last epoch was proved, or an earlier call on the session failed.
    SessionOver = 8,
    /// The proof callback returned nonzero.
    Stopped = 9,
    /// The library contradicts itself: a bug of tranche.
    Internal = 10,
    /// A hash suite that is none of `tranche_hash`.
    UnknownHash = 11,
    /// A hash suite that this library was built without.
    HashNotBuilt = 12,

    /// Not an ELF file, or a broken one.
    ElfMalformed = 32,
    /// Not a 32-bit little-endian ELF file.
    ElfClass = 33,
    /// An ELF file for another processor.
    ElfMachine = 34,
    /// An ELF file that is not an executable.
    ElfType = 35,
    /// Nothing executable, or an entry that is not.
    ElfCode = 36,
    /// Segments that overlap, are misaligned or have no valid size.
    ElfSegment = 37,
    /// More segments, data or code than the machine takes.
    ElfTooLarge = 38,
    /// Compressed instructions.
    ElfCompressed = 39,

    /// The guest ran into an instruction that the machine does not have.
    ExecUnsupported = 64,
    /// The guest jumped or fell out of its code.
    ExecJumpOutOfRom = 65,
    /// The guest jumped to an address that is not a multiple of four.
    ExecMisalignedJump = 66,
    /// The guest made a load or store that is not aligned to its size.
    ExecMisalignedAccess = 67,
    /// The guest accessed the null page.
    ExecNullPage = 68,
    /// The guest made a system call that the machine does not have.
    ExecUnknownSyscall = 69,
    /// The guest read or wrote a descriptor that the machine does not have.
    ExecBadDescriptor = 70,
    /// The guest wrote more output than an execution may.
    ExecOutputFull = 71,
    /// The guest touched more cells than the plan has room for.
    ExecCellsFull = 72,
    /// The guest ran for more cycles than were allowed.
    ExecCycleLimit = 73,
    /// The guest ran for more epochs than can be numbered.
    ExecEpochLimit = 74,
    /// The guest stored into its code.
    ExecStoreToCode = 75,
    /// The guest's stack ran into its code.
    ExecStackInCode = 76,
    /// The guest jumped to where it was: it never ends.
    ExecEndlessLoop = 77,
    /// The guest's message is too long.
    ExecMessageTooLong = 78,
}

impl TrancheError {
    /// Every code.
    ///
    /// cbindgen:ignore
    pub const ALL: [Self; 36] = [
        Self::Ok,
        Self::NullPointer,
        Self::UnknownProfile,
        Self::SettingRange,
        Self::SecurityFloor,
        Self::PlanRefused,
        Self::BudgetTooSmall,
        Self::BufferTooSmall,
        Self::SessionOver,
        Self::Stopped,
        Self::Internal,
        Self::UnknownHash,
        Self::HashNotBuilt,
        Self::ElfMalformed,
        Self::ElfClass,
        Self::ElfMachine,
        Self::ElfType,
        Self::ElfCode,
        Self::ElfSegment,
        Self::ElfTooLarge,
        Self::ElfCompressed,
        Self::ExecUnsupported,
        Self::ExecJumpOutOfRom,
        Self::ExecMisalignedJump,
        Self::ExecMisalignedAccess,
        Self::ExecNullPage,
        Self::ExecUnknownSyscall,
        Self::ExecBadDescriptor,
        Self::ExecOutputFull,
        Self::ExecCellsFull,
        Self::ExecCycleLimit,
        Self::ExecEpochLimit,
        Self::ExecStoreToCode,
        Self::ExecStackInCode,
        Self::ExecEndlessLoop,
        Self::ExecMessageTooLong,
    ];

    /// The code of this number, as C may hand back any.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|&error| error as i32 == code)
    }

    /// Its name in the header.
    pub const fn name(self) -> &'static CStr {
        match self {
            Self::Ok => c"TRANCHE_ERROR_OK",
            Self::NullPointer => c"TRANCHE_ERROR_NULL_POINTER",
            Self::UnknownProfile => c"TRANCHE_ERROR_UNKNOWN_PROFILE",
            Self::SettingRange => c"TRANCHE_ERROR_SETTING_RANGE",
            Self::SecurityFloor => c"TRANCHE_ERROR_SECURITY_FLOOR",
            Self::PlanRefused => c"TRANCHE_ERROR_PLAN_REFUSED",
            Self::BudgetTooSmall => c"TRANCHE_ERROR_BUDGET_TOO_SMALL",
            Self::BufferTooSmall => c"TRANCHE_ERROR_BUFFER_TOO_SMALL",
            Self::SessionOver => c"TRANCHE_ERROR_SESSION_OVER",
            Self::Stopped => c"TRANCHE_ERROR_STOPPED",
            Self::Internal => c"TRANCHE_ERROR_INTERNAL",
            Self::UnknownHash => c"TRANCHE_ERROR_UNKNOWN_HASH",
            Self::HashNotBuilt => c"TRANCHE_ERROR_HASH_NOT_BUILT",
            Self::ElfMalformed => c"TRANCHE_ERROR_ELF_MALFORMED",
            Self::ElfClass => c"TRANCHE_ERROR_ELF_CLASS",
            Self::ElfMachine => c"TRANCHE_ERROR_ELF_MACHINE",
            Self::ElfType => c"TRANCHE_ERROR_ELF_TYPE",
            Self::ElfCode => c"TRANCHE_ERROR_ELF_CODE",
            Self::ElfSegment => c"TRANCHE_ERROR_ELF_SEGMENT",
            Self::ElfTooLarge => c"TRANCHE_ERROR_ELF_TOO_LARGE",
            Self::ElfCompressed => c"TRANCHE_ERROR_ELF_COMPRESSED",
            Self::ExecUnsupported => c"TRANCHE_ERROR_EXEC_UNSUPPORTED",
            Self::ExecJumpOutOfRom => c"TRANCHE_ERROR_EXEC_JUMP_OUT_OF_ROM",
            Self::ExecMisalignedJump => c"TRANCHE_ERROR_EXEC_MISALIGNED_JUMP",
            Self::ExecMisalignedAccess => c"TRANCHE_ERROR_EXEC_MISALIGNED_ACCESS",
            Self::ExecNullPage => c"TRANCHE_ERROR_EXEC_NULL_PAGE",
            Self::ExecUnknownSyscall => c"TRANCHE_ERROR_EXEC_UNKNOWN_SYSCALL",
            Self::ExecBadDescriptor => c"TRANCHE_ERROR_EXEC_BAD_DESCRIPTOR",
            Self::ExecOutputFull => c"TRANCHE_ERROR_EXEC_OUTPUT_FULL",
            Self::ExecCellsFull => c"TRANCHE_ERROR_EXEC_CELLS_FULL",
            Self::ExecCycleLimit => c"TRANCHE_ERROR_EXEC_CYCLE_LIMIT",
            Self::ExecEpochLimit => c"TRANCHE_ERROR_EXEC_EPOCH_LIMIT",
            Self::ExecStoreToCode => c"TRANCHE_ERROR_EXEC_STORE_TO_CODE",
            Self::ExecStackInCode => c"TRANCHE_ERROR_EXEC_STACK_IN_CODE",
            Self::ExecEndlessLoop => c"TRANCHE_ERROR_EXEC_ENDLESS_LOOP",
            Self::ExecMessageTooLong => c"TRANCHE_ERROR_EXEC_MESSAGE_TOO_LONG",
        }
    }
}

impl From<ElfError> for TrancheError {
    fn from(error: ElfError) -> Self {
        match error {
            ElfError::NotElf32Le => Self::ElfClass,
            ElfError::NotRiscv { .. } => Self::ElfMachine,
            ElfError::NotExecutable { .. } => Self::ElfType,
            ElfError::NoCode | ElfError::Entry { .. } => Self::ElfCode,
            ElfError::SegmentRange { .. }
            | ElfError::Overlap { .. }
            | ElfError::MisalignedCode { .. } => Self::ElfSegment,
            ElfError::Compressed { .. } => Self::ElfCompressed,
            ElfError::TooManySegments
            | ElfError::ImageTooLong { .. }
            | ElfError::CodeTooLong { .. } => Self::ElfTooLarge,
            _ => Self::ElfMalformed,
        }
    }
}

impl From<SetupError> for TrancheError {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Range(_) => Self::SettingRange,
            SetupError::Security { .. } => Self::SecurityFloor,
            _ => Self::PlanRefused,
        }
    }
}

impl From<StartError> for TrancheError {
    fn from(_: StartError) -> Self {
        // Buffers are cut to the plan that they start with.
        Self::Internal
    }
}

impl From<ExecError> for TrancheError {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::Unsupported { .. } => Self::ExecUnsupported,
            ExecError::JumpOutOfRom { .. } => Self::ExecJumpOutOfRom,
            ExecError::MisalignedJump { .. } => Self::ExecMisalignedJump,
            ExecError::MisalignedAccess { .. } => Self::ExecMisalignedAccess,
            ExecError::NullPage { .. } => Self::ExecNullPage,
            ExecError::StoreToCode { .. } => Self::ExecStoreToCode,
            ExecError::StackInCode { .. } => Self::ExecStackInCode,
            ExecError::EndlessLoop { .. } => Self::ExecEndlessLoop,
            ExecError::MessageTooLong { .. } => Self::ExecMessageTooLong,
            ExecError::UnknownSyscall { .. } => Self::ExecUnknownSyscall,
            ExecError::BadDescriptor { .. } => Self::ExecBadDescriptor,
            ExecError::OutputFull { .. } => Self::ExecOutputFull,
            ExecError::MemoryFull { .. } => Self::ExecCellsFull,
            ExecError::CycleLimit { .. } => Self::ExecCycleLimit,
            ExecError::EpochLimit { .. } => Self::ExecEpochLimit,
            ExecError::Exited => Self::SessionOver,
            _ => Self::Internal,
        }
    }
}

impl<E> From<EpochError<E>> for TrancheError {
    fn from(error: EpochError<E>) -> Self {
        match error {
            EpochError::Execution(error) => error.into(),
            EpochError::Batch(BatchError::Sink(_)) => Self::Stopped,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::format;
    use std::string::String;

    use super::*;

    /// The name that follows from a variant's own.
    fn screaming(variant: &str) -> String {
        variant
            .chars()
            .fold(String::from("TRANCHE_ERROR"), |mut name, c| {
                if c.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(c.to_ascii_uppercase());
                name
            })
    }

    #[test]
    fn every_code_has_the_name_of_its_variant() {
        for error in TrancheError::ALL {
            let name = error.name().to_str().unwrap();
            assert_eq!(name, screaming(&format!("{error:?}")));
            assert_eq!(TrancheError::from_code(error as i32), Some(error));
        }
        let codes: BTreeSet<_> = TrancheError::ALL.map(|error| error as i32).into();
        assert_eq!(codes.len(), TrancheError::ALL.len());
        assert_eq!(TrancheError::from_code(-1), None);
        assert_eq!(TrancheError::from_code(13), None);
    }
}
