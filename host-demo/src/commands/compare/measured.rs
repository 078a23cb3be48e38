//! What is measured of a proof.

use serde::Serialize;

use super::child::Samples;

/// What a proof took; a figure that was not had is missing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// How it was proved.
    pub name: String,
    /// Threads that proved.
    pub workers: usize,
    /// Cycles of the run.
    pub cycles: u64,
    /// Seconds to prove, the first execution included.
    pub prove_seconds: Option<f64>,
    /// Processor time of that, all threads together: less disturbed by other work.
    pub processor_seconds: Option<f64>,
    /// Seconds to verify.
    pub verify_seconds: Option<f64>,
    /// Largest resident memory of the prover.
    pub peak_rss_bytes: Option<u64>,
    /// Bytes of its workspaces, and of what it keeps between batches.
    pub workspace_bytes: Option<u64>,
    /// Bytes of the bundle.
    pub bundle_bytes: Option<u64>,
    /// Hashes of trees that a verifier is expected to compute.
    pub expected_hashes: Option<f64>,
    /// The share of padding in the tables that the execution fills.
    pub padding: Option<f64>,
    /// Walks over the execution.
    pub walks: u64,
    /// Why it was not proved, or not verified.
    pub error: Option<String>,
    /// Resident memory of the prover: seconds since its start, bytes.
    #[serde(rename = "memory")]
    pub samples: Samples,
}
