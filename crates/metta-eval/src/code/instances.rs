//! Calls of functions whose types have variables, where the types of the arguments are known.
//!
//! The rules of such a function are compiled once for each instance of its type, as if that were declared:
//! `(-> (-> Number Bool) (List Number) (List Bool))` for `map`. What a value is there is looked at as for any
//! declared type; one that is something else is left to the general evaluator.

use super::compiler::Compiler;
use super::instr::{Expected, Known};
use super::types::{Conditions, Reading, Signature, StaticType};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::fits_all;

const UNDEFINED: Cell = cell(symbols::UNDEFINED);

impl Compiler<'_> {
    /// The types of a call of a function whose type has variables; `None` when they are not all known.
    pub(super) fn instance_signature(
        &mut self,
        id: SymbolId,
        node: Cell,
        expected: Expected,
    ) -> Option<Signature> {
        let mut known = Vec::new();
        for index in 1..self.length(node) {
            known.push(self.type_to_unify(self.child(node, index))?);
        }
        let wanted = match expected {
            Expected::Type(wanted) if !fits_all(wanted) => self.machine.known_type(wanted)?,
            Expected::Type(_) | Expected::Dynamic => UNDEFINED,
        };
        let instance = self.machine.find_instance(id, &known, wanted).filter(|found| found.is_ground())?;
        self.assume_parts(instance);
        let mut signature = self.signature(instance)?;
        (signature.instance, signature.lenient) = (instance, 0);
        // The types of which arguments make no difference?
        for index in (0..known.len().min(64)).rev() {
            let found = std::mem::replace(&mut known[index], UNDEFINED);
            let lenient = signature.lenient | 1 << index;
            if self.is_determined(id, node, &known, wanted, &Signature { lenient, ..signature.clone() }) {
                signature.lenient = lenient;
            } else {
                known[index] = found;
            }
        }
        Some(signature)
    }

    /// Reports whether these types of arguments determine what the signature of a call says, but for the parameters
    /// that take a variable whatever its type is.
    fn is_determined(
        &mut self,
        id: SymbolId,
        node: Cell,
        known: &[Cell],
        wanted: Cell,
        signature: &Signature,
    ) -> bool {
        let found = self.machine.find_instance(id, known, wanted);
        let Some(found) = found.and_then(|found| self.signature(found)) else { return false };
        found.returned == signature.returned
            && (0..known.len()).all(|index| {
                let is_variable = matches!(self.child(node, index as u32 + 1).view(), View::Local(_));
                found.parameters[index] == signature.parameters[index]
                    || is_variable && signature.lenient >> index & 1 == 1
            })
    }

    /// The type that an argument is taken to have, `%Undefined%` if it has none.
    fn type_to_unify(&mut self, argument: Cell) -> Option<Cell> {
        match argument.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                let declared = self.declared[local as usize];
                match self.known[usize::from(slot)] {
                    _ if !self.is_assigned(slot) => Some(UNDEFINED),
                    Known::Number => Some(cell(symbols::NUMBER)),
                    Known::Bool => Some(cell(symbols::BOOL)),
                    Known::Of(constant) => Some(self.machine.code.constants[constant as usize]),
                    _ if declared == Cell::NONE || !self.machine.is_plain_type(declared) => Some(UNDEFINED),
                    _ => self.machine.known_type(declared),
                }
            }
            View::Symbol(id) => {
                self.assume(id);
                self.machine.own_type(id)
            }
            _ => match self.static_type(argument, &mut Conditions::new())? {
                StaticType::Is(found) => self.machine.known_type(found),
                StaticType::Any | StaticType::Atom => Some(UNDEFINED),
            },
        }
    }

    /// Takes for granted what is declared about the symbols of a type.
    fn assume_parts(&mut self, known: Cell) {
        match known.view() {
            View::Symbol(id) => {
                self.assume(id);
            }
            View::Expression { length, .. } => {
                for part in self.machine.heap.elements(known).unwrap_or_default().to_vec() {
                    debug_assert!(length > 0);
                    self.assume_parts(part);
                }
            }
            _ => {}
        }
    }

    /// The types of the elements of a pattern whose head is a constructor, where it stands for a value of a
    /// type; `NONE` for what the type does not tell.
    pub(super) fn types_in_pattern(&mut self, head: SymbolId, found: Cell) -> Option<Vec<Cell>> {
        match self.reading(head)? {
            Reading::Function(Signature { parameters, .. }) => Some(parameters),
            Reading::Open if found != Cell::NONE && self.machine.is_plain_type(found) => {
                let found = self.machine.known_type(found)?;
                let instance = self.machine.find_instance(head, &[], found)?;
                self.signature(instance).map(Signature::known_parameters)
            }
            Reading::Open | Reading::Tuple => None,
        }
    }

    /// The type with which the result of the clause is evaluated.
    pub(super) fn outcome(&self) -> Expected {
        match self.instance.slice() {
            Some((address, length)) => {
                let returned = self.machine.heap.get(address + length - 1);
                Expected::Type(if returned.is_ground() { returned } else { UNDEFINED })
            }
            None => Expected::Dynamic,
        }
    }
}
