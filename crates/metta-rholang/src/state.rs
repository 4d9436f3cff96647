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
//! evaluated is the list of `"!"` and its atom. The strict dialect writes that as a tuple,
//! `output` as a list for each result list, and the names of variables as a third
//! part of the environment.

use metta_atom::{Atom, SpaceId, Variable};
use metta_eval::World;
use metta_sched::{Environment, MettaState};
use metta_space::Fact;
use metta_syntax::{Form, Span};

use crate::par::{ExprKind, List, Par};
use crate::read::{elements, string};
use crate::write::{MESSAGES, strict_variable};
use crate::{Codec, Dialect, ReadError, SpaceError, WriteError, space};

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

/// Writes a state in the legacy dialect.
///
/// # Errors
/// See [`StateError`].
pub fn metta_state_to_par(state: &MettaState) -> Result<Par, StateError> {
    Codec::new(state.environment.library().clone()).state_to_par(state)
}

/// Reads a state of the legacy dialect, in either layout, with the standard library.
///
/// # Errors
/// See [`StateError`].
pub fn par_to_metta_state(par: &Par) -> Result<MettaState, StateError> {
    Codec::default().state_from_par(par)
}

impl Codec {
    /// Writes a state: its forms, its main space and its results.
    ///
    /// Words bound by `bind!`, contents of state cells and pragmas are not part of the layout.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_to_par(&self, state: &MettaState) -> Result<Par, StateError> {
        let source = state.source.iter().map(|form| self.write_form(form)).collect::<Result<_, _>>()?;
        let parts = vec![
            named("source", Par::list(source)),
            named("environment", self.write_environment(&state.environment)?),
            named("output", self.write_output(&state.output)?),
        ];
        let map = List { ps: vec![Par::list(parts)], ..List::default() };
        Ok(Par::expr(ExprKind::PathMap(map)))
    }

    fn write_form(&self, form: &Form) -> Result<Par, WriteError> {
        if !form.run {
            return self.write(&form.atom, OUTER);
        }
        let parts = vec![Par::string("!"), self.write(&form.atom, OUTER + MESSAGES)?];
        Ok(if self.dialect == Dialect::Strict { Par::tuple(parts) } else { Par::list(parts) })
    }

    fn write_environment(&self, environment: &Environment) -> Result<Par, StateError> {
        let mut top = None;
        // A fresh environment need not build its library to be known as empty.
        if !environment.is_fresh() {
            let spaces = environment.world().space_ids().filter(|id| *id > SpaceId::CORELIB).count();
            if spaces > 0 {
                return Err(StateError::OtherSpaces { spaces });
            }
            top = environment.snapshot(SpaceId::TOP);
        }
        let facts: Vec<Fact<'_>> = top.iter().flat_map(|space| space.iter()).collect();
        let mut parts = vec![
            named("space", bytes_par(self.space_bytes(&facts)?)),
            named("large_exprs", bytes_par(space::no_large_expressions())),
        ];
        if self.dialect == Dialect::Strict && facts.iter().any(|fact| !fact.is_ground()) {
            let names = |variables: &[Variable]| Par::list(variables.iter().map(strict_variable).collect());
            let lists = facts.iter().map(|fact| names(fact.variables())).collect();
            parts.push(named("variables", Par::list(lists)));
        }
        Ok(Par::list(parts))
    }

    fn write_output(&self, output: &[Vec<Atom>]) -> Result<Par, WriteError> {
        if self.dialect == Dialect::Legacy {
            let results = output.iter().flatten();
            return Ok(Par::list(
                results.map(|atom| self.write_result(atom, OUTER)).collect::<Result<_, _>>()?,
            ));
        }
        let list = |atoms: &Vec<Atom>| {
            let atoms = atoms.iter().map(|atom| self.write(atom, OUTER + MESSAGES));
            Ok(Par::list(atoms.collect::<Result<_, _>>()?))
        };
        Ok(Par::list(output.iter().map(list).collect::<Result<_, _>>()?))
    }

    /// Reads a state; the empty path map is the empty state.
    ///
    /// Forms have empty spans. In the legacy dialect all results are one list.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn state_from_par(&self, par: &Par) -> Result<MettaState, StateError> {
        let malformed = |part| StateError::NotAState { part };
        let Some(ExprKind::PathMap(map)) = par.as_expr() else { return Err(malformed("path map")) };
        let root = match &map.ps[..] {
            [] if map.remainder.is_none() => return Ok(MettaState::new(self.library.clone())),
            [root] if map.remainder.is_none() => root,
            _ => return Err(malformed("path map")),
        };
        let Some([source, environment, output]) = elements(root) else { return Err(malformed("root")) };
        let older = matches!(root.as_expr(), Some(ExprKind::Tuple(_)));
        let part = |par, name| payload(par, name).ok_or(malformed(name));
        let forms = elements(part(source, "source")?).ok_or(malformed("source"))?;
        let output = elements(part(output, "output")?).ok_or(malformed("output"))?;
        Ok(MettaState {
            source: forms.iter().map(|form| self.read_form(form)).collect::<Result<_, _>>()?,
            environment: self.read_environment(part(environment, "environment")?, older)?,
            output: self.read_output(output)?,
        })
    }

    fn read_form(&self, par: &Par) -> Result<Form, ReadError> {
        let is_tuple = matches!(par.as_expr(), Some(ExprKind::Tuple(_)));
        let run = match elements(par) {
            Some([bang, atom]) if string(bang) == Some("!") => Some(atom),
            _ => None,
        };
        // In the strict dialect the list may also be a fact.
        let run = run.filter(|_| is_tuple || self.dialect == Dialect::Legacy);
        let atom = self.value_from_par(run.unwrap_or(par))?;
        Ok(Form { atom, run: run.is_some(), span: Span { start: 0, end: 0 } })
    }

    fn read_environment(&self, par: &Par, older: bool) -> Result<Environment, StateError> {
        let malformed = StateError::NotAState { part: "environment" };
        let Some([first, second, others @ ..]) = elements(par) else { return Err(malformed) };
        let bytes = |par, name| match payload(par, name).and_then(Par::as_expr) {
            Some(ExprKind::ByteArray(bytes)) => Ok(&bytes[..]),
            _ => Err(StateError::NotAState { part: name }),
        };
        let mut records = space::records(bytes(first, "space")?, !older)?;
        let names = match others {
            [] => None,
            [names] if self.dialect == Dialect::Strict => Some(self.read_names(names, records.len())?),
            _ => return Err(malformed),
        };
        if older {
            self.apply_rule_copies(bytes(second, "multiplicities")?, &mut records)?;
        } else {
            space::check_large_expressions(bytes(second, "large_exprs")?)?;
        }
        if records.is_empty() {
            return Ok(Environment::new(self.library.clone()));
        }
        let mut world = World::new();
        for (atom, copies) in self.atoms(&records, names.as_deref())? {
            (0..copies).for_each(|_| world.add(SpaceId::TOP, &atom));
        }
        Ok(Environment::from_world(self.library.clone(), world))
    }

    /// Reads a list of variables for each of `n` records.
    fn read_names(&self, par: &Par, n: usize) -> Result<Vec<Vec<Variable>>, StateError> {
        let malformed = StateError::NotAState { part: "variables" };
        let Some(lists) = payload(par, "variables").and_then(elements) else { return Err(malformed) };
        if lists.len() != n {
            return Err(SpaceError::Names.into());
        }
        let mut names = Vec::with_capacity(n);
        for list in lists {
            let mut variables = Vec::new();
            for par in elements(list).ok_or(SpaceError::Names)? {
                let Atom::Variable(variable) = self.value_from_par(par)? else {
                    return Err(SpaceError::Names.into());
                };
                if variables.contains(&variable) {
                    return Err(SpaceError::Names.into());
                }
                variables.push(variable);
            }
            names.push(variables);
        }
        Ok(names)
    }

    fn read_output(&self, results: &[Par]) -> Result<Vec<Vec<Atom>>, StateError> {
        if self.dialect == Dialect::Legacy {
            let atoms = results.iter().map(|par| self.result_from_par(par)).collect::<Result<Vec<_>, _>>()?;
            return Ok(if atoms.is_empty() { Vec::new() } else { vec![atoms] });
        }
        let list = |par| {
            let atoms = elements(par).ok_or(StateError::NotAState { part: "output" })?;
            Ok(atoms.iter().map(|par| self.value_from_par(par)).collect::<Result<_, _>>()?)
        };
        results.iter().map(list).collect()
    }
}

fn named(name: &str, payload: Par) -> Par {
    Par::list(vec![Par::string(name), payload])
}

fn bytes_par(bytes: Vec<u8>) -> Par {
    Par::expr(ExprKind::ByteArray(bytes))
}

/// Returns what stands behind a name.
fn payload<'p>(par: &'p Par, name: &str) -> Option<&'p Par> {
    match elements(par)? {
        [tag, payload] if string(tag) == Some(name) => Some(payload),
        _ => None,
    }
}
