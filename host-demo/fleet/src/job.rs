//! What names a job, in the database and in the queue.

use serde::{Deserialize, Serialize};
use tranche::prove::remote::Place;

/// A job's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The run.
    pub run: i64,
    /// What is proved.
    pub kind: Kind,
    /// Level of the tree, 0 are the epochs; of a batch the round in which it is argued or opened.
    pub level: i32,
    /// Place within the level, or the batch, from 0.
    pub index: i32,
}

/// What a job proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An epoch.
    Epoch,
    /// A merge.
    Merge,
    /// The commitment of a batch.
    Commit,
    /// Its argument.
    Argue,
    /// Its openings.
    Open,
}

impl Kind {
    /// As the database has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Merge => "merge",
            Self::Commit => "commit",
            Self::Argue => "argue",
            Self::Open => "open",
        }
    }

    /// The kind that the database calls so.
    pub fn named(name: &str) -> Option<Self> {
        let mut kinds = [
            Self::Epoch,
            Self::Merge,
            Self::Commit,
            Self::Argue,
            Self::Open,
        ]
        .into_iter();
        kinds.find(|kind| kind.name() == name)
    }

    /// What is proved at a level.
    pub const fn at(level: i32) -> Self {
        if level == 0 { Self::Epoch } else { Self::Merge }
    }
}

impl Job {
    /// The job of a place in a run's tree.
    pub const fn at(run: i64, place: Place) -> Self {
        let (level, index) = (place.level as i32, place.index as i32);
        Self {
            run,
            kind: Kind::at(level),
            level,
            index,
        }
    }

    /// Its place in the tree.
    pub const fn place(&self) -> Place {
        Place {
            level: self.level as u32,
            index: self.index as u32,
        }
    }
}
