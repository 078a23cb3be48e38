//! A run as the database has it.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tranche::bundle::{Header, Reader};
use tranche::execute::Execution;
use tranche::retire;
use tranche::retire::header::MAGIC;
use tranche_machine::{Program, PublicInput, RomBlocks};

use crate::blobs;
use crate::error::Error;

/// The header of a run's bundle.
#[derive(Clone, Debug)]
pub enum Head {
    /// Of epochs and merges.
    Epochs(Box<Header>),
    /// Of one proof of batches.
    Retire(Box<retire::Header>),
}

impl Head {
    /// The header of these bytes.
    ///
    /// # Errors
    /// [`Error::Header`] or [`Error::RetireHeader`].
    pub fn read(mut bytes: &[u8]) -> Result<Self, Error> {
        if let Some(rest) = bytes.strip_prefix(&MAGIC) {
            bytes = rest;
            let header = retire::Header::read(&mut bytes).map_err(Error::RetireHeader)?;
            return Ok(Self::Retire(Box::new(header)));
        }
        let (_, header) = Reader::new(bytes).map_err(Error::Header)?;
        Ok(Self::Epochs(Box::new(header)))
    }

    /// The blocks of the program's ROM that the run has, and the frequent ones.
    fn blocks(&self) -> [RomBlocks; 2] {
        match self {
            Self::Epochs(header) => [header.blocks, header.frequent],
            Self::Retire(header) => [header.blocks; 2],
        }
    }
}

/// What everybody may know of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// What became of it: open, done, fetched, failed or cancelled.
    pub state: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The header of its bundle.
    pub header: Head,
    /// Its epochs, once all are planned.
    pub epochs: Option<u32>,
    /// Its exit code.
    pub exit_code: u32,
    /// How often its batches were argued or opened anew.
    pub round: i32,
    /// Blobs of what its batches share.
    pub shared: Shared,
    row: Blobs,
}

/// Blobs that are there when all batches are committed, or argued.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// The records of all commitments.
    pub commitments: Option<i64>,
    /// What stands between the records in the bundle.
    pub joined: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Blobs {
    program: Option<i64>,
    public: Option<i64>,
    input: Option<i64>,
    output: Option<i64>,
    cycles: i64,
    instructions: i64,
    memory: i64,
}

/// A program with its public input.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    /// An ELF file.
    pub elf: Vec<u8>,
    /// The public input; empty where there is none.
    pub public: Vec<u8>,
}

impl Guest {
    /// The program of these bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn program(&self) -> Result<Program<'_>, Error> {
        program(&self.elf, &self.public)
    }
}

/// The program of an ELF file, with its public input.
///
/// # Errors
/// When they are none.
pub fn program<'a>(elf: &'a [u8], public: &'a [u8]) -> Result<Program<'a>, Error> {
    let public = PublicInput::new(public).map_err(tranche::error::Error::from)?;
    Ok(Program::parse(elf)?.with_public(public))
}

/// A run with all that it is executed from.
#[derive(Debug)]
pub struct Loaded {
    /// The program.
    pub guest: Guest,
    /// Its input.
    pub input: Vec<u8>,
    /// What it came to where it was submitted.
    pub execution: Execution,
}

impl Run {
    /// A run by its number.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::Header`]; the database's.
    pub async fn find(link: &impl GenericClient, id: i64) -> Result<Self, Error> {
        let find = link
            .prepare_cached(
                "select id, state, error, header, epochs, exit_code, program, input, output, cycles, \
                 instructions, memory, public, round, commitments, joined from tranche.runs where id = $1",
            )
            .await?;
        let row = link.query_opt(&find, &[&id]).await?;
        Self::of(&row.ok_or(Error::NoRun { run: id })?)
    }

    fn of(row: &Row) -> Result<Self, Error> {
        let header = Head::read(row.get("header"))?;
        Ok(Self {
            id: row.get("id"),
            state: row.get("state"),
            error: row.get("error"),
            header,
            epochs: row
                .get::<_, Option<i32>>("epochs")
                .map(|epochs| epochs as u32),
            exit_code: row.get::<_, i64>("exit_code") as u32,
            round: row.get("round"),
            shared: Shared {
                commitments: row.get("commitments"),
                joined: row.get("joined"),
            },
            row: Blobs {
                program: row.get("program"),
                public: row.get("public"),
                input: row.get("input"),
                output: row.get("output"),
                cycles: row.get("cycles"),
                instructions: row.get("instructions"),
                memory: row.get("memory"),
            },
        })
    }

    /// Refuses a run of which there will be no bundle.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn check(&self) -> Result<(), Error> {
        let state = match self.state.as_str() {
            "open" | "done" => return Ok(()),
            "fetched" => "was fetched",
            "cancelled" => "was cancelled",
            _ => "has failed",
        };
        Err(Error::Closed {
            run: self.id,
            state: state.to_owned(),
            why: self.error.clone(),
        })
    }

    /// Its output.
    ///
    /// # Errors
    /// As [`blobs::get`].
    pub async fn output(&self, link: &impl GenericClient) -> Result<Vec<u8>, Error> {
        blobs::get(link, self.row.output).await
    }

    /// Its program.
    ///
    /// # Errors
    /// As [`blobs::get`].
    pub async fn guest(&self, link: &impl GenericClient) -> Result<Guest, Error> {
        Ok(Guest {
            elf: blobs::get(link, self.row.program).await?,
            public: match self.row.public {
                Some(public) => blobs::get(link, Some(public)).await?,
                None => Vec::new(),
            },
        })
    }

    /// All that it is executed from.
    ///
    /// # Errors
    /// As [`blobs::get`].
    pub async fn load(&self, link: &impl GenericClient) -> Result<Loaded, Error> {
        let Blobs {
            input,
            cycles,
            instructions,
            memory,
            ..
        } = self.row;
        let [blocks, frequent] = self.header.blocks();
        Ok(Loaded {
            guest: self.guest(link).await?,
            input: blobs::get(link, input).await?,
            execution: Execution {
                exit_code: self.exit_code,
                output: self.output(link).await?,
                cycles: cycles as u64,
                instructions: instructions as u64,
                memory: memory as u64,
                blocks,
                frequent,
            },
        })
    }
}
