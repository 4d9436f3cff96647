#![doc = include_str!("../README.md")]

pub mod par;
mod read;
mod space;
mod state;
mod text;
mod write;

pub use read::ReadError;
pub use space::SpaceError;
pub use state::{StateError, metta_state_to_par, par_to_metta_state};
pub use write::WriteError;

use metta_sched::Library;

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dialect {
    /// As the node writes them: leaves become text where Rholang has no such value.
    ///
    /// What a program can write reads back as the same atom, but for the names of variables
    /// in a space, floats without a fraction, and what only evaluation makes.
    #[default]
    Legacy,
    /// Without loss: expressions are lists, and a tuple headed by a tag is all else that
    /// Rholang has no value for.
    Strict,
}

/// Converts atoms and states to and from [`par::Par`].
///
/// ```
/// use metta_atom::Atom;
/// use metta_rholang::{Codec, par};
///
/// let sum = Atom::expression([Atom::operation("+"), Atom::integer(1), Atom::float(2.5)]);
/// let codec = Codec::default().strict();
/// let bytes = par::encode(&codec.value_to_par(&sum)?);
/// assert_eq!(codec.value_from_par(&par::decode(&bytes)?)?, sum);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Codec {
    library: Library,
    dialect: Dialect,
    depth: usize,
    most_copies: u64,
}

impl Codec {
    /// Makes a codec of the legacy dialect; words that `library` knows are read as its operations.
    pub fn new(library: Library) -> Self {
        Codec { library, dialect: Dialect::Legacy, depth: par::DEFAULT_DEPTH, most_copies: 1 << 20 }
    }

    /// Changes to the strict dialect.
    pub fn strict(mut self) -> Self {
        self.dialect = Dialect::Strict;
        self
    }

    /// Sets how many messages may nest in what is written; see [`par::decode_within`].
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Sets how many copies of atoms that it already holds a space may be read with.
    pub fn most_copies(mut self, most_copies: u64) -> Self {
        self.most_copies = most_copies;
        self
    }
}

impl Default for Codec {
    fn default() -> Self {
        Codec::new(Library::new())
    }
}
