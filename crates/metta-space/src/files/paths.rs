//! Files of paths, which MORK reads and writes.
//!
//! A `.paths` file is a zlib stream of paths, each with its length in front as u32, little endian. A path is an atom in
//! MORK's tags. MORK knows symbols and variables without names, and has each atom once; so copies, the order
//! and the names of variables stay behind, and values become symbols: what they look like in a program.

use std::io::{self, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use metta_atom::{Atom, Number, Variable};

use crate::bytes::{DecodeError, Item, Reader, SHORT, Writer, validate};
use crate::snapshot::Snapshot;

/// Why paths were not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathsError {
    /// The system refused, or the stream is not one of zlib.
    #[error("path {path}: {error}")]
    Io {
        /// The number of the path, from 0.
        path: u64,
        /// What went wrong.
        error: io::Error,
    },
    /// A path that is not an atom.
    #[error("path {path}: {error}")]
    Atom {
        /// The number of the path, from 0.
        path: u64,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// An atom that MORK cannot have.
    #[error("atom {path}: {what} is beyond what MORK can express")]
    Beyond {
        /// The number of the atom, from 0.
        path: u64,
        /// What is too much.
        what: &'static str,
    },
}

impl Snapshot {
    /// Writes the atoms as paths that MORK reads, each once, in the order of their bytes; returns how many.
    ///
    /// Numbers, strings and truth values become symbols with the text that they have in a program.
    ///
    /// # Errors
    /// At the first atom that has more than 63 elements in an expression, a symbol of more than 63 bytes or of none, more
    /// than 64 variables, an operation or a reference; what was written before it is of no use.
    pub fn write_paths(&self, out: impl Write) -> Result<u64, PathsError> {
        let mut out = ZlibEncoder::new(out, Compression::default());
        let mut n = 0;
        let io = |path| move |error| PathsError::Io { path, error };
        let mut paths: Vec<Vec<u8>> = Vec::new();
        for (path, found) in (0..).zip(self.facts.in_byte_order()) {
            let bytes = plain(self.fact(&found).bytes);
            paths.push(bytes.map_err(|what| PathsError::Beyond { path, what })?);
        }
        // Values that became symbols stand elsewhere now, and may be the same.
        paths.sort_unstable();
        paths.dedup();
        for path in &paths {
            let length = u32::try_from(path.len());
            let length = length.map_err(|_| PathsError::Beyond { path: n, what: "an atom of 4 GiB" })?;
            out.write_all(&length.to_le_bytes()).and_then(|()| out.write_all(path)).map_err(io(n))?;
            n += 1;
        }
        out.finish().map_err(io(n))?;
        Ok(n)
    }

    /// Adds the atoms of a file of paths; returns how many. `word` says what a symbol means: a number, perhaps.
    ///
    /// Variables get the names `$a`, `$b` and so on.
    ///
    /// # Errors
    /// At the first path that is no atom; those before it have been added.
    pub fn read_paths(&mut self, input: impl Read, word: impl Fn(&str) -> Atom) -> Result<u64, PathsError> {
        let mut input = BufReader::new(ZlibDecoder::new(input));
        let mut path = Vec::new();
        for n in 0.. {
            let io = |error| PathsError::Io { path: n, error };
            let mut length = [0; 4];
            if !begins(&mut input, &mut length).map_err(io)? {
                return Ok(n);
            }
            let length = u64::from(u32::from_le_bytes(length));
            path.clear();
            // Takes no memory for a length that is only claimed.
            let read = (&mut input).take(length).read_to_end(&mut path).map_err(io)?;
            if read as u64 != length {
                return Err(io(io::ErrorKind::UnexpectedEof.into()));
            }
            validate(&path).map_err(|error| PathsError::Atom { path: n, error })?;
            if Reader::new(&path).any(|item| matches!(item, Item::Handle(_))) {
                return Err(PathsError::Beyond { path: n, what: "a value of the host" });
            }
            let introduced = Reader::new(&path).filter(|item| *item == Item::NewVar).count();
            let names: Vec<Variable> = (0..introduced).map(name).collect();
            let atom = self.decode(&path, &names);
            self.add(&meant(&atom, &word));
        }
        Ok(0)
    }
}

/// Fills `bytes`, unless the input ends before them.
fn begins(input: &mut impl Read, bytes: &mut [u8; 4]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// A name for the n-th variable.
fn name(n: usize) -> Variable {
    let letter = char::from(b'a' + (n % 26) as u8);
    Variable::new(if n < 26 { letter.to_string() } else { format!("{letter}{}", n / 26) }.as_str())
}

/// An atom whose symbols are what `word` makes of them.
fn meant(atom: &Atom, word: &impl Fn(&str) -> Atom) -> Atom {
    // Finished elements of the expressions that are open, outermost first.
    let mut open: Vec<(&[Atom], Vec<Atom>)> = vec![(std::slice::from_ref(atom), Vec::new())];
    loop {
        let depth = open.len();
        let Some((rest, done)) = open.last_mut() else { return Atom::unit() };
        let Some((next, others)) = rest.split_first() else {
            let (_, done) = open.pop().unwrap_or_default();
            match open.last_mut() {
                Some((_, outer)) => outer.push(Atom::expression(done)),
                None => return done.into_iter().next().unwrap_or_else(Atom::unit),
            }
            continue;
        };
        *rest = others;
        match next {
            Atom::Symbol(symbol) => done.push(word(symbol.name())),
            Atom::Expression(expression) => open.push((expression.children(), Vec::new())),
            Atom::Variable(_) | Atom::Grounded(_) => done.push(next.clone()),
        }
        debug_assert!(open.len() <= depth + 1);
    }
}

/// The atom in MORK's tags; or what it has that they cannot say.
fn plain(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Writer::with_capacity(bytes.len());
    let mut introduced = 0;
    for item in Reader::new(bytes) {
        match item {
            Item::Arity(n) if n < SHORT => out.arity(n),
            Item::Arity(_) => return Err("an expression of more than 63 elements"),
            Item::NewVar if introduced == SHORT => return Err("a variable behind 64 others"),
            Item::NewVar => {
                introduced += 1;
                out.new_var();
            }
            Item::VarRef(i) => out.var_ref(i),
            Item::Symbol(name) => symbol(&mut out, name)?,
            Item::Int(value) => symbol(&mut out, &Number::Int(value).to_string())?,
            Item::Float(value) => symbol(&mut out, &Number::Float(value).to_string())?,
            Item::Big(value) => symbol(&mut out, &Number::from_big(value).to_string())?,
            Item::Text(text) => symbol(&mut out, &Atom::text(text).to_string())?,
            Item::Bool(value) => symbol(&mut out, if value { "True" } else { "False" })?,
            Item::Operation(_) => return Err("an operation"),
            Item::Space(_) => return Err("a space"),
            Item::State(_) => return Err("a state"),
            Item::Handle(_) => return Err("a value of the host"),
        }
    }
    Ok(out.into_bytes())
}

fn symbol(out: &mut Writer, name: &str) -> Result<(), &'static str> {
    match name.len() {
        0 => Err("a symbol without a name"),
        1..SHORT => {
            out.symbol(name);
            Ok(())
        }
        _ => Err("a symbol of more than 63 bytes"),
    }
}
