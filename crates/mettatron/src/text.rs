//! Spaces from text and as text.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, sync_channel};

use metta_atom::Atom;
use metta_space::Snapshot;
use metta_space::bytes::Encoded;
use metta_sync::{Held, Ranked};
use metta_syntax::{Piece, Pieces, Words};

/// How much text is parsed at a time.
const PIECE_BYTES: usize = 1 << 18;

/// How far a load has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// The atoms that were added.
    pub atoms: u64,
    /// The bytes of text that they came from.
    pub bytes: u64,
}

/// Why a text was not loaded to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The text is malformed.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// An expression to evaluate, where facts and rules are expected.
    #[error("line {line}: expected atoms to add, found an expression to evaluate")]
    Expression {
        /// The line, from 1.
        line: u64,
    },
}

/// An atom on its way into a space.
enum Ready {
    Encoded(Encoded),
    /// It has values that the space gives numbers to.
    Atom(Atom),
}

/// The atoms of a piece of text.
fn parsed(piece: &Piece, words: &dyn Words) -> Result<Vec<Ready>, LoadError> {
    let parsed = piece.parse(words);
    if let Some(mistake) = parsed.diagnostics.first() {
        return Err(LoadError::Syntax { line: piece.line(mistake.span), message: mistake.message.clone() });
    }
    let mut ready = Vec::with_capacity(parsed.forms.len());
    for form in parsed.forms {
        if form.run {
            return Err(LoadError::Expression { line: piece.line(form.span) });
        }
        ready.push(match Encoded::of(&form.atom) {
            Some(encoded) => Ready::Encoded(encoded),
            None => Ready::Atom(form.atom),
        });
    }
    Ok(ready)
}

fn add(space: &mut Snapshot, atoms: Vec<Ready>) {
    for atom in atoms {
        match atom {
            Ready::Encoded(Encoded { bytes, variables }) => space.add_encoded(&bytes, &variables),
            Ready::Atom(atom) => space.add(&atom),
        }
    }
}

/// Adds the atoms of a text to a space, in their order; the text is parsed by `threads` beside the one that adds.
///
/// `progress` is told from time to time how far it is. The memory that it takes beside the space does not depend on the
/// length of the text.
///
/// ```
/// use mettatron::space::Snapshot;
/// use mettatron::{Library, load_text};
///
/// let mut space = Snapshot::new();
/// let loaded = load_text(&mut space, "(a 1) (a 2)".as_bytes(), &Library::new(), 1, |_| {})?;
/// assert_eq!((loaded.atoms, space.len()), (2, 2));
/// # Ok::<(), mettatron::LoadError>(())
/// ```
///
/// # Errors
/// At the first mistake; the atoms before the piece of text that has it have been added.
pub fn load_text(
    space: &mut Snapshot,
    input: impl Read + Send,
    words: &(dyn Words + Sync),
    threads: usize,
    mut progress: impl FnMut(Loaded),
) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let mut take = |bytes: u64, atoms: Result<Vec<Ready>, LoadError>| -> Result<(), LoadError> {
        let atoms = atoms?;
        loaded.atoms += atoms.len() as u64;
        loaded.bytes += bytes;
        add(space, atoms);
        progress(loaded);
        Ok(())
    };
    let pieces = Pieces::new(input, PIECE_BYTES);
    if threads == 0 {
        for piece in pieces {
            let piece = piece?;
            take(piece.bytes.len() as u64, parsed(&piece, words))?;
        }
    } else {
        side_by_side(pieces, words, threads, &mut take)?;
    }
    space.freeze();
    Ok(loaded)
}

/// A piece with its number.
type Cut = (u64, io::Result<Piece>);

/// What became of a piece: its length and its atoms.
type Outcome = (u64, Result<Vec<Ready>, LoadError>);

/// One thread cuts the text, `threads` parse pieces, and this one takes them in order.
fn side_by_side(
    pieces: Pieces<impl Read + Send>,
    words: &(dyn Words + Sync),
    threads: usize,
    take: &mut dyn FnMut(u64, Result<Vec<Ready>, LoadError>) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    // Bounded, so that who is fast waits and memory does too.
    let (cut, uncut) = sync_channel::<Cut>(threads);
    let (done, outcomes) = sync_channel::<(u64, Outcome)>(threads);
    let uncut: Ranked<Option<Receiver<Cut>>, 1> = Ranked::new(Some(uncut));
    std::thread::scope(|scope| {
        let uncut = &uncut;
        scope.spawn(move || {
            // When nobody takes them any more, there was a mistake.
            (0..).zip(pieces).try_for_each(|piece| cut.send(piece)).ok();
        });
        for _ in 0..threads {
            let done = done.clone();
            scope.spawn(move || {
                loop {
                    let next = uncut.lock(&mut Held::root()).0.as_ref().and_then(|uncut| uncut.recv().ok());
                    let Some((number, piece)) = next else { return };
                    let outcome = match piece {
                        Ok(piece) => (piece.bytes.len() as u64, parsed(&piece, words)),
                        Err(error) => (0, Err(error.into())),
                    };
                    if done.send((number, outcome)).is_err() {
                        // After a mistake the one that cuts must not wait for ever.
                        uncut.lock(&mut Held::root()).0.take();
                        return;
                    }
                }
            });
        }
        drop(done);
        let outcomes = outcomes;
        let mut waiting: BTreeMap<u64, Outcome> = BTreeMap::new();
        let mut next = 0;
        for (number, outcome) in outcomes.iter() {
            waiting.insert(number, outcome);
            while let Some((bytes, atoms)) = waiting.remove(&next) {
                take(bytes, atoms)?;
                next += 1;
            }
        }
        Ok(())
    })
}

/// Writes the atoms of a space as text, one a line, all copies, in their order; returns how many.
///
/// The text is that of [`load_text`]: reading it makes an equal space, but for the places of later copies. Spaces,
/// states and values of the host have texts that do not mean them.
///
/// # Errors
/// When it cannot be written.
pub fn write_text(space: &Snapshot, mut out: impl Write) -> io::Result<u64> {
    let mut n = 0;
    for fact in space.iter() {
        let text = space.decode(fact.bytes, fact.variables()).to_string();
        for _ in 0..fact.count {
            writeln!(out, "{text}")?;
            n += 1;
        }
    }
    out.flush()?;
    Ok(n)
}
