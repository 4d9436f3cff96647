#![doc = include_str!("../README.md")]

mod cache;
mod calls;
pub mod par;
mod read;
mod space;
mod state;
mod text;
mod threads;
mod wire;
mod write;

pub use cache::CacheStatistics;
pub use calls::{Bridge, Builder, CallError, Cost, Reply};
pub use calls::{metta_compile, metta_compile_safe, run_pars, run_state, run_state_async, try_run_state};
pub use read::ReadError;
pub use space::SpaceError;
pub use state::{StateError, metta_state_to_pathmap_par, pathmap_par_to_metta_state};
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

/// How states are written; both are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Layout {
    /// Lists throughout, copies in the records of a space, large expressions in a table of their own.
    #[default]
    Lists,
    /// The older one: tuples, and copies of rules in a table; it has no large expressions.
    Tuples,
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
    layout: Layout,
    depth: Option<usize>,
    most_copies: u64,
}

impl Codec {
    /// Makes a codec of the legacy dialect; words that `library` knows are read as its operations.
    pub fn new(library: Library) -> Self {
        Codec { library, dialect: Dialect::Legacy, layout: Layout::Lists, depth: None, most_copies: 1 << 20 }
    }

    /// Changes to the strict dialect.
    pub fn strict(mut self) -> Self {
        self.dialect = Dialect::Strict;
        self
    }

    /// Changes the layout in which states are written.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Sets how many messages may nest in what is written, and in bytes that are read.
    ///
    /// The default is [`par::DEFAULT_DEPTH`] for what becomes a [`par::Par`], and 2^20 for bytes.
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Sets how many copies of atoms that it already holds a space may be read with.
    pub fn most_copies(mut self, most_copies: u64) -> Self {
        self.most_copies = most_copies;
        self
    }

    fn depth_of_par(&self) -> usize {
        self.depth.unwrap_or(par::DEFAULT_DEPTH)
    }

    fn depth_of_bytes(&self) -> usize {
        self.depth.unwrap_or(wire::DEEP)
    }
}

impl Default for Codec {
    fn default() -> Self {
        Codec::new(Library::new())
    }
}
