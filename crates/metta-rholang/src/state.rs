//! States to and from `Par`.
//!
//! A state is a path map of one element:
//! ```text
//! [ ["source", [form, ...]],
//!   ["environment", [["space", bytes], ["large_exprs", bytes]]],
//!   ["output", [result, ...]] ]
//! ```
//! The older layout has tuples for the lists and `["multiplicities", bytes]` in the place of
//! the large expressions. The outermost container tells the two apart. A form to be
//! evaluated is the list of `"!"` and its atom. The strict dialect writes that as a tuple, and
//! `output` as a list for each result list. The environment may have a third part, `["order", bytes]`.

use bytes::Bytes;
use metta_atom::{Atom, SpaceId};
use metta_sched::{Environment, MettaState};
use metta_space::Snapshot;
use metta_syntax::{Form, Span};

use crate::par::{self, DecodeError, ExprKind, Par};
use crate::space::Tables;
use crate::wire::{Backwards, Elements, Node, Value};
use crate::write::{MESSAGES, element};
use crate::{Codec, Dialect, Layout, ReadError, SpaceError, WriteError};

/// Messages around a form or a result: the path map, the three parts, a part, its list.
const OUTER: usize = 4 * MESSAGES;

/// Why a state and a `Par` cannot be converted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// An atom cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A part is not a value.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The bytes of the space, or the space for them.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// Spaces beside the main one, which no layout has a place for.
    #[error("the environment has {spaces} more spaces than the main one")]
    OtherSpaces {
        /// How many there are.
        spaces: usize,
    },
    /// A `Par` of another shape.
    #[error("expected a state, but its {part} is missing or malformed")]
    NotAState {
        /// The part that was looked for.
        part: &'static str,
    },
}

impl From<DecodeError> for StateError {
    fn from(error: DecodeError) -> Self {
        StateError::Read(error.into())
    }
}

fn malformed(part: &'static str) -> StateError {
    StateError::NotAState { part }
}

/// Writes a state in the legacy dialect.
///
/// # Errors
/// See [`StateError`].
pub fn metta_state_to_pathmap_par(state: &MettaState) -> Result<Par, StateError> {
    Codec::new(state.environment.library().clone()).state_to_par(state)
}

/// Reads a state of the legacy dialect, in either layout, with the standard library.
///
/// # Errors
/// See [`StateError`].
pub fn pathmap_par_to_metta_state(par: &Par) -> Result<MettaState, StateError> {
    Codec::default().state_from_par(par)
}

/// A state whose parts are still bytes, each of a whole `Par`; the tables are shared with where they came from.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) source: Bytes,
    pub(crate) tables: Tables,
    pub(crate) output: Bytes,
}

impl Parts {
    /// Takes a state apart; `None` when it is the empty path map.
    pub(crate) fn of_par(par: &Par) -> Result<Option<Parts>, StateError> {
        let Some(ExprKind::PathMap(map)) = par.as_expr() else { return Err(malformed("path map")) };
        let root = match &map.ps[..] {
            [] if map.remainder.is_none() => return Ok(None),
            [root] if map.remainder.is_none() => root,
            _ => return Err(malformed("path map")),
        };
        let layout = match root.as_expr() {
            Some(ExprKind::Tuple(_)) => Layout::Tuples,
            _ => Layout::Lists,
        };
        let Some([source, environment, output]) = elements(root) else { return Err(malformed("root")) };
        let part = |par, name| named(par, name).ok_or(malformed(name));
        let environment = part(environment, "environment")?;
        let table = |par, name| match named(par, name).and_then(Par::as_expr) {
            Some(ExprKind::ByteArray(bytes)) => Ok(bytes.clone()),
            _ => Err(malformed(name)),
        };
        let (space, other, order) = match elements(environment) {
            Some([space, other]) => (space, other, None),
            Some([space, other, order]) => (space, other, Some(table(order, "order")?)),
            _ => return Err(malformed("environment")),
        };
        let mut tables = Tables { layout, space: table(space, "space")?, other: Bytes::new(), order };
        tables.other = table(other, tables.other_name())?;
        let source = par::encode(part(source, "source")?).into();
        let output = par::encode(part(output, "output")?).into();
        Ok(Some(Parts { source, tables, output }))
    }

    /// Takes a state apart; `None` when it is the empty path map.
    pub(crate) fn of_bytes(bytes: &Bytes, depth: usize) -> Result<Option<Parts>, StateError> {
        let Value::PathMap(map) = Node::checked(bytes, depth)?.value() else {
            return Err(malformed("path map"));
        };
        if map.len() == 0 {
            return Ok(None);
        }
        let Some([root]) = map.exactly() else { return Err(malformed("path map")) };
        let layout = if root.is_tuple() { Layout::Tuples } else { Layout::Lists };
        let Some([source, environment, output]) = root.elements().and_then(Elements::exactly) else {
            return Err(malformed("root"));
        };
        let part = |node: Node<'_>, name| {
            let node = node.named(name).ok_or(malformed(name))?;
            Ok::<_, StateError>(bytes.slice_ref(node.bytes()))
        };
        let table = |node: Node<'_>, name| match node.named(name).map(Node::value) {
            Some(Value::Bytes(table)) => Ok(bytes.slice_ref(table)),
            _ => Err(malformed(name)),
        };
        let environment = environment.named("environment").ok_or(malformed("environment"))?;
        let mut parts = environment.elements().ok_or(malformed("environment"))?;
        let (Some(space), Some(other), order, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("environment"));
        };
        let order = order.map(|order| table(order, "order")).transpose()?;
        let mut tables = Tables { layout, space: table(space, "space")?, other: Bytes::new(), order };
        tables.other = table(other, tables.other_name())?;
        Ok(Some(Parts { source: part(source, "source")?, tables, output: part(output, "output")? }))
    }

    /// How many bytes the parts have.
    pub(crate) fn size_bytes(&self) -> u64 {
        (self.source.len() + self.tables.size_bytes() + self.output.len()) as u64
    }

    /// Puts the parts together, sharing the tables.
    pub(crate) fn into_par(self, depth: usize) -> Result<Par, StateError> {
        let layout = self.tables.layout;
        let group = |ps| match layout {
            Layout::Lists => Par::list(ps),
            Layout::Tuples => Par::tuple(ps),
        };
        let pair = |name: &str, payload| group(vec![Par::string(name), payload]);
        // The part stands inside of the path map, the list of parts and its own list.
        let inner = depth.saturating_sub(OUTER - MESSAGES);
        let part = |bytes| par::decode_shared(bytes, inner);
        let other = self.tables.other_name();
        let mut environment =
            vec![pair("space", Par::bytes(self.tables.space)), pair(other, Par::bytes(self.tables.other))];
        environment.extend(self.tables.order.map(|order| pair("order", Par::bytes(order))));
        let root = group(vec![
            pair("source", part(self.source)?),
            pair("environment", group(environment)),
            pair("output", part(self.output)?),
        ]);
        Ok(Par::path_map(vec![root]))
    }

    /// Puts the parts together.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let layout = self.tables.layout;
        let other = self.tables.other_name();
        let mut out = Backwards::default();
        let end = out.mark();
        let group = |out: &mut Backwards, content: &mut dyn FnMut(&mut Backwards)| {
            let inner = out.mark();
            content(out);
            match layout {
                Layout::Lists => out.close_list(inner),
                Layout::Tuples => out.close_tuple(inner),
            }
            out.close_element(inner);
        };
        let table = |out: &mut Backwards, name: &str, bytes: &Bytes| {
            group(out, &mut |out| {
                let end = out.mark();
                out.byte_array(bytes.clone());
                out.close_element(end);
                element(out, name);
            });
        };
        let part = |out: &mut Backwards, name: &str, bytes: &Bytes| {
            group(out, &mut |out| {
                let end = out.mark();
                out.par(bytes.clone());
                out.close_element(end);
                element(out, name);
            });
        };
        group(&mut out, &mut |out| {
            part(out, "output", &self.output);
            group(out, &mut |out| {
                let end = out.mark();
                if let Some(order) = &self.tables.order {
                    table(out, "order", order);
                }
                table(out, other, &self.tables.other);
                table(out, "space", &self.tables.space);
                match layout {
                    Layout::Lists => out.close_list(end),
                    Layout::Tuples => out.close_tuple(end),
                }
                out.close_element(end);
                element(out, "environment");
            });
            part(out, "source", &self.source);
        });
        out.close_path_map(end);
        out.into_bytes()
    }
}

impl Codec {
    /// Writes a state: its forms, its main space and its results.
    ///
    /// Words bound by `bind!`, contents of state cells and pragmas are not part of the layout.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_to_par(&self, state: &MettaState) -> Result<Par, StateError> {
        let depth = self.depth_of_par();
        self.state_parts(state, depth)?.into_par(depth)
    }

    /// Writes a state as the bytes of a `Par`, which may nest deeper than one with structs.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_to_bytes(&self, state: &MettaState) -> Result<Vec<u8>, StateError> {
        Ok(self.state_parts(state, self.depth_of_bytes())?.into_bytes())
    }

    /// Reads a state; the empty path map is the empty state.
    ///
    /// Forms have empty spans. In the legacy dialect all results are one list.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_from_par(&self, par: &Par) -> Result<MettaState, StateError> {
        self.state_of(Parts::of_par(par)?)
    }

    /// Reads a state from the bytes of a `Par`, which may nest deeper than one with structs.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_from_bytes(&self, bytes: &Bytes) -> Result<MettaState, StateError> {
        self.state_of(Parts::of_bytes(bytes, self.depth_of_bytes())?)
    }

    fn state_parts(&self, state: &MettaState, depth: usize) -> Result<Parts, StateError> {
        Ok(Parts {
            source: self.write_source(&state.source, depth)?,
            tables: self.write_environment(&state.environment)?,
            output: self.write_output(&state.output, depth)?,
        })
    }

    fn state_of(&self, parts: Option<Parts>) -> Result<MettaState, StateError> {
        let Some(parts) = parts else { return Ok(MettaState::new(self.library.clone())) };
        Ok(MettaState {
            source: self.read_source(&parts.source)?,
            environment: self.read_environment(&parts.tables)?,
            output: self.read_output(&parts.output)?,
        })
    }

    pub(crate) fn write_source(&self, source: &[Form], depth: usize) -> Result<Bytes, WriteError> {
        list(source, |form, out| {
            if !form.run {
                return self.write(&form.atom, OUTER, depth, out);
            }
            let end = out.mark();
            self.write(&form.atom, OUTER + MESSAGES, depth, out)?;
            out.close_element(end);
            element(out, "!");
            if self.dialect == Dialect::Strict {
                out.close_tuple(end);
            } else {
                self.close(out, end);
            }
            Ok(())
        })
    }

    pub(crate) fn read_source(&self, source: &[u8]) -> Result<Vec<Form>, StateError> {
        let forms = Node::encoded(source).elements().ok_or(malformed("source"))?;
        Ok(forms.map(|form| self.read_form(form)).collect::<Result<_, _>>()?)
    }

    fn read_form(&self, node: Node<'_>) -> Result<Form, ReadError> {
        // In the strict dialect the list may also be a fact.
        let may_run = self.dialect == Dialect::Legacy || node.is_tuple();
        let run = match node.elements().filter(|_| may_run).and_then(Elements::exactly) {
            Some([bang, atom]) if bang.string() == Some("!") => Some(atom),
            _ => None,
        };
        let atom = self.read(run.unwrap_or(node))?;
        Ok(Form { atom, run: run.is_some(), span: Span { start: 0, end: 0 } })
    }

    pub(crate) fn write_environment(&self, environment: &Environment) -> Result<Tables, StateError> {
        match main_space(environment)? {
            Some(space) => Ok(self.write_tables(space.iter())?),
            None => Ok(self.write_tables(std::iter::empty())?),
        }
    }

    pub(crate) fn read_environment(&self, tables: &Tables) -> Result<Environment, StateError> {
        Ok(match self.read_tables(tables)? {
            Some(world) => Environment::from_world(self.library.clone(), world),
            None => Environment::new(self.library.clone()),
        })
    }

    pub(crate) fn write_output(&self, output: &[Vec<Atom>], depth: usize) -> Result<Bytes, WriteError> {
        if self.dialect == Dialect::Legacy {
            let results: Vec<&Atom> = output.iter().flatten().collect();
            return list(&results, |atom, out| self.write_result(atom, OUTER, depth, out));
        }
        list(output, |atoms, out| {
            let end = out.mark();
            for atom in atoms.iter().rev() {
                let end = out.mark();
                self.write(atom, OUTER + MESSAGES, depth, out)?;
                out.close_element(end);
            }
            out.close_list(end);
            Ok(())
        })
    }

    /// Reports whether an output is what remains of a text that was no program: errors without an atom.
    pub(crate) fn is_failure(&self, output: &[u8]) -> Result<bool, StateError> {
        let output = self.read_output(output)?;
        let mut results = output.iter().flatten().peekable();
        let is_failure = |atom: &Atom| {
            atom.is_error() && atom.children().is_some_and(|parts| parts.get(1) == Some(&Atom::unit()))
        };
        Ok(results.peek().is_some() && results.all(is_failure))
    }

    fn read_output(&self, output: &[u8]) -> Result<Vec<Vec<Atom>>, StateError> {
        let results = Node::encoded(output).elements().ok_or(malformed("output"))?;
        if self.dialect == Dialect::Legacy {
            let atoms = results.map(|node| self.read_result(node)).collect::<Result<Vec<_>, _>>()?;
            return Ok(if atoms.is_empty() { Vec::new() } else { vec![atoms] });
        }
        let list = |node: Node<'_>| {
            let atoms = node.elements().ok_or(malformed("output"))?;
            Ok(atoms.map(|node| self.read(node)).collect::<Result<_, _>>()?)
        };
        results.map(list).collect()
    }
}

/// Writes a list, the last element first.
fn list<T>(
    elements: &[T],
    mut write: impl FnMut(&T, &mut Backwards) -> Result<(), WriteError>,
) -> Result<Bytes, WriteError> {
    let mut out = Backwards::default();
    let end = out.mark();
    for part in elements.iter().rev() {
        let end = out.mark();
        write(part, &mut out)?;
        out.close_element(end);
    }
    out.close_list(end);
    Ok(out.into_bytes().into())
}

/// Returns the main space; `None` for an environment that nothing was done with.
pub(crate) fn main_space(environment: &Environment) -> Result<Option<Snapshot>, StateError> {
    // A fresh environment need not build its library to be known as empty.
    if environment.is_fresh() {
        return Ok(None);
    }
    let world = environment.world();
    let spaces = world.space_ids().filter(|id| *id > SpaceId::CORELIB).count();
    if spaces > 0 {
        return Err(StateError::OtherSpaces { spaces });
    }
    Ok(world.space(SpaceId::TOP).cloned())
}

/// Returns the elements of a list or a tuple that is a value.
fn elements(par: &Par) -> Option<&[Par]> {
    match par.as_expr() {
        Some(ExprKind::List(list)) if list.remainder.is_none() => Some(&list.ps),
        Some(ExprKind::Tuple(tuple)) => Some(&tuple.ps),
        _ => None,
    }
}

/// Returns what stands behind a name.
fn named<'p>(par: &'p Par, name: &str) -> Option<&'p Par> {
    let [tag, payload] = elements(par)? else { return None };
    match tag.as_expr() {
        Some(ExprKind::String(text)) if text == name => Some(payload),
        _ => None,
    }
}
