//! What can be said about types when a clause is compiled (semantics 4.3, 5.1).
//!
//! The answer may depend on what variables hold; then it comes with conditions that the code checks.

use super::compiler::Compiler;
use super::instr::{Expected, Known, Slot};
use crate::program::{NAMELESS, OPEN};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::is_function_type;

/// The type of an expression that is part of a rule body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StaticType {
    /// It fits every type.
    Any,
    Is(Cell),
    /// `Atom`, as what a function returns: `==` takes it, but of the parameters only those of that type do.
    Atom,
}

/// How an argument is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    Unevaluated,
    Evaluated(Cell),
}

/// Conditions on the values of slots.
pub(super) type Conditions = Vec<(Slot, Known)>;

/// The one function type of a head: its parameters and its return type.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) parameters: Vec<Cell>,
    pub(super) returned: Cell,
    /// The instance of a type with variables that this is, else `NONE`.
    pub(super) instance: Cell,
    /// A value may also have a type with variables that fits its parameter, or none: that makes no difference to
    /// what is returned.
    /// A bit for each argument.
    pub(super) lenient: u64,
}

impl Signature {
    /// The types of the parameters; `NONE` for those with variables.
    pub(super) fn known_parameters(mut self) -> Vec<Cell> {
        for parameter in self.parameters.iter_mut().filter(|parameter| !parameter.is_ground()) {
            *parameter = Cell::NONE;
        }
        self.parameters
    }
}

/// How calls of a symbol are read.
pub(super) enum Reading {
    Tuple,
    Function(Signature),
    /// As calls of a function whose type has variables.
    Open,
}

impl Compiler<'_> {
    /// How the calls of a symbol are read, if there is only one way.
    pub(super) fn reading(&mut self, id: SymbolId) -> Option<Reading> {
        if !self.has_closed_types() {
            return None;
        }
        let head = self.assume(id);
        if !head.call_types.is_empty() {
            return None;
        }
        match head.types.as_ref() {
            [] => Some(Reading::Tuple),
            [only] => match only.body_as_constant(&self.machine.heap) {
                Some(function) => self.signature(function).map(Reading::Function),
                None => self.is_open_function(id).then_some(Reading::Open),
            },
            _ => None,
        }
    }

    /// Reports whether the type of a symbol is a function type with variables that has instances.
    fn is_open_function(&mut self, id: SymbolId) -> bool {
        let here = self.machine.space == self.space;
        here && self.machine.own_type(id).is_some_and(|own| {
            let arity = self.machine.heap.elements(own).map_or(0, |elements| elements.len() as u32);
            self.machine.open_function(id, arity.saturating_sub(2)).is_some()
        })
    }

    /// The only type of a symbol, if it is a symbol itself.
    pub(super) fn declared_type(&mut self, id: SymbolId) -> Option<Cell> {
        let head = self.assume(id);
        let [only] = head.types.as_ref() else { return None };
        let found = only.body_as_constant(&self.machine.heap)?;
        matches!(found.view(), View::Symbol(_)).then_some(found)
    }

    /// Reports whether all types are declared for symbols.
    pub(super) fn has_closed_types(&mut self) -> bool {
        let open = self.assume(OPEN);
        open.types.is_empty() && open.call_types.is_empty()
    }

    /// The parameters and the return type of a function type without nested parts.
    pub(super) fn signature(&mut self, function: Cell) -> Option<Signature> {
        if !is_function_type(&self.machine.heap, function) {
            return None;
        }
        let mut elements = self.machine.heap.elements(function)?[1..].to_vec();
        for element in elements.iter_mut().filter(|element| element.is_expression() && element.is_ground()) {
            *element = self.machine.known_type(*element).unwrap_or(*element);
        }
        let returned = elements.pop()?;
        Some(Signature { parameters: elements, returned, instance: Cell::NONE, lenient: u64::MAX })
    }

    /// The signature of a grounded operation.
    pub(super) fn operation_signature(&mut self, id: SymbolId) -> Option<Signature> {
        if !self.has_closed_types() {
            return None;
        }
        let machine = &mut *self.machine;
        let types = machine.program.operation_types(&mut machine.heap, &machine.library, id);
        match types.as_ref() {
            [only] => self.signature(only.body_as_constant(&self.machine.heap)?),
            _ => None,
        }
    }

    /// How the arguments of a call fit the parameters; `None` when that cannot be known.
    pub(super) fn passings(
        &mut self,
        node: Cell,
        signature: &Signature,
        conditions: &mut Conditions,
    ) -> Option<Vec<Passing>> {
        if self.length(node) as usize != signature.parameters.len() + 1 {
            return None;
        }
        let passings = (1..).zip(&signature.parameters).map(|(index, parameter)| {
            let argument = self.child(node, index);
            let is_lenient = index <= 64 && signature.lenient >> (index - 1) & 1 == 1;
            let lenient = std::mem::replace(&mut self.lenient, is_lenient);
            let passing = self.passing(*parameter, argument, conditions);
            self.lenient = lenient;
            passing
        });
        passings.collect()
    }

    /// How an argument is passed; `None` when that cannot be known.
    pub(super) fn passing(
        &mut self,
        parameter: Cell,
        argument: Cell,
        conditions: &mut Conditions,
    ) -> Option<Passing> {
        let View::Symbol(id) = parameter.view() else {
            return self.passing_of_made_type(parameter, argument, conditions);
        };
        match (id, argument.view()) {
            (symbols::ATOM, _) => Some(Passing::Unevaluated),
            (symbols::EXPRESSION, View::Expression { .. }) => Some(Passing::Unevaluated),
            (symbols::EXPRESSION, View::Local(local)) => {
                self.condition(local, Known::Expression, conditions)?;
                Some(Passing::Unevaluated)
            }
            (symbols::EXPRESSION, _) => None,
            (symbols::SYMBOL, View::Symbol(_)) => Some(Passing::Unevaluated),
            (symbols::VARIABLE, View::Local(local)) if !self.is_assigned(self.slot_of(local)) => {
                Some(Passing::Unevaluated)
            }
            (symbols::SYMBOL | symbols::VARIABLE | symbols::GROUNDED, _) => None,
            // A literal error is passed on as it is.
            (_, View::Expression { length, .. })
                if length > 0 && self.child(argument, 0) == cell(symbols::ERROR) =>
            {
                None
            }
            // What is wrong with its type comes out when it cannot be evaluated by code.
            (symbols::UNDEFINED, View::Expression { .. }) => {
                if !self.is_judged_alike(argument) {
                    self.judged.push(argument);
                }
                Some(Passing::Evaluated(parameter))
            }
            (symbols::UNDEFINED, View::Local(local)) => {
                if self.is_assigned(self.slot_of(local)) {
                    self.condition(local, Known::Sound, conditions)?;
                }
                Some(Passing::Evaluated(parameter))
            }
            (_, View::Local(local)) => {
                let known = match id {
                    symbols::NUMBER => Known::Number,
                    symbols::BOOL => Known::Bool,
                    symbols::SPACE_TYPE => Known::Space,
                    _ => self.known_of(parameter),
                };
                self.condition(local, known, conditions)?;
                Some(Passing::Evaluated(parameter))
            }
            _ => match self.argument_type(parameter, argument, conditions)? {
                StaticType::Any => Some(Passing::Evaluated(parameter)),
                StaticType::Is(found) if found == parameter || id == symbols::UNDEFINED => {
                    Some(Passing::Evaluated(parameter))
                }
                StaticType::Is(_) | StaticType::Atom => None,
            },
        }
    }

    /// The types of the variables of the head of the clause, as far as declarations tell them. A value need not
    /// have the type: types are gradual.
    pub(super) fn declared_variables(&mut self, symbol: SymbolId) -> Vec<Cell> {
        let mut types = vec![Cell::NONE; self.slots.len()];
        let mut pending = vec![(self.clause.head(), symbol, Cell::NONE)];
        while let Some((pattern, head, found)) = pending.pop() {
            if head == NAMELESS || head == OPEN {
                continue;
            }
            let is_own = pattern == self.clause.head() && self.instance != Cell::NONE;
            let parameters = match is_own {
                true => self.signature(self.instance).map(Signature::known_parameters),
                false => self.types_in_pattern(head, found),
            };
            let Some(parameters) = parameters else { continue };
            if self.length(pattern) as usize != parameters.len() + 1 {
                continue;
            }
            for (index, parameter) in (1..).zip(parameters) {
                let part = self.child(pattern, index);
                match (part.view(), self.child(part, 0).view()) {
                    (View::Local(local), _) => types[local as usize] = parameter,
                    (View::Expression { .. }, View::Symbol(id)) => pending.push((part, id, parameter)),
                    _ => {}
                }
            }
        }
        types
    }

    /// The type that a variable is declared to have, if it is one of functions.
    pub(super) fn declared_function(&mut self, local: u32) -> Option<(Cell, Signature)> {
        let function = self.declared.get(local as usize).copied().filter(|found| *found != Cell::NONE)?;
        if !self.is_assigned(self.slot_of(local)) || !self.machine.is_plain_type(function) {
            return None;
        }
        Some((function, self.signature(function)?))
    }

    /// How an argument fits a parameter whose type is an expression, such as a function type.
    fn passing_of_made_type(
        &mut self,
        parameter: Cell,
        argument: Cell,
        conditions: &mut Conditions,
    ) -> Option<Passing> {
        if !self.machine.is_plain_type(parameter) {
            return None;
        }
        match argument.view() {
            View::Local(local) => {
                let known = self.known_of(parameter);
                self.condition(local, known, conditions)?;
            }
            View::Symbol(id) => {
                self.assume(id);
                let found = self.machine.own_type(id)?;
                if found == cell(symbols::UNDEFINED) || !self.machine.fits_type(found, parameter) {
                    return None;
                }
            }
            View::Expression { length: 1.., .. } => {
                match self.argument_type(parameter, argument, conditions)? {
                    StaticType::Any => {}
                    StaticType::Is(found) if self.machine.is_same_type(found, parameter) => {}
                    StaticType::Is(_) | StaticType::Atom => return None,
                }
            }
            _ => return None,
        }
        Some(Passing::Evaluated(parameter))
    }

    /// Reports whether the evaluation of an expression begins with the same look at its types that is taken at
    /// it as an argument: neither type variables nor the types of parts of its arguments come in.
    fn is_judged_alike(&mut self, node: Cell) -> bool {
        let signature = match self.child(node, 0).view() {
            View::Symbol(id) => match self.reading(id) {
                Some(Reading::Tuple) => return true,
                Some(Reading::Function(signature)) => Some(signature),
                Some(Reading::Open) | None => None,
            },
            View::Operation(id) => self.operation_signature(id),
            _ => None,
        };
        let Some(Signature { parameters, .. }) = signature else { return false };
        (1..self.length(node)).zip(&parameters).all(|(index, parameter)| match parameter.view() {
            View::Symbol(symbols::ATOM | symbols::EXPRESSION) => true,
            View::Symbol(_) => self.length(self.child(node, index)) == 0,
            _ => false,
        })
    }

    /// The type of an argument, if it has only one, or may have the one that is wanted.
    fn argument_type(
        &mut self,
        wanted: Cell,
        argument: Cell,
        conditions: &mut Conditions,
    ) -> Option<StaticType> {
        if self.length(argument) > 0
            && let View::Operation(id) = self.child(argument, 0).view()
            && self.machine.heap.symbols.name(id) == "get-state"
        {
            return self.content_type(argument, Some(wanted), conditions);
        }
        if self.lenient
            && let View::Symbol(id) = self.child(argument, 0).view()
            && let Some(Reading::Open) = self.reading(id)
        {
            // It is evaluated with the type that is wanted, and what type it has otherwise makes no difference.
            let signature = self.instance_signature(id, argument, Expected::Type(wanted))?;
            return self.application_type(argument, &signature, conditions);
        }
        self.static_type(argument, conditions)
    }

    /// What a variable has to hold where a type is wanted.
    fn known_of(&mut self, wanted: Cell) -> Known {
        let constant = self.constant(wanted);
        if self.lenient { Known::Fits(constant) } else { Known::Of(constant) }
    }

    /// Demands that a variable holds something; `None` when it has no value yet.
    pub(super) fn condition(&self, local: u32, known: Known, conditions: &mut Conditions) -> Option<()> {
        let slot = self.slot_of(local);
        if !self.is_assigned(slot) {
            return None;
        }
        let has = self.known[usize::from(slot)];
        let implied = has == known
            || matches!((known, has), (Known::Fits(wanted), Known::Of(found)) if wanted == found)
            || known == Known::Sound && matches!(has, Known::Number | Known::Bool | Known::Space);
        if !implied && !conditions.contains(&(slot, known)) {
            conditions.push((slot, known));
        }
        Some(())
    }

    /// The type of a node, if it has only one.
    pub(super) fn static_type(&mut self, node: Cell, conditions: &mut Conditions) -> Option<StaticType> {
        match node.view() {
            View::Int(_) | View::Float(_) => Some(StaticType::Is(cell(symbols::NUMBER))),
            View::Bool(_) => Some(StaticType::Is(cell(symbols::BOOL))),
            View::Space(_) => Some(StaticType::Is(cell(symbols::SPACE_TYPE))),
            View::Symbol(id) => match self.reading(id) {
                Some(Reading::Tuple) => Some(StaticType::Any),
                Some(Reading::Function(_) | Reading::Open) => None,
                None => self.declared_type(id).map(StaticType::Is),
            },
            View::Local(local) if !self.is_assigned(self.slot_of(local)) => Some(StaticType::Any),
            View::Local(_) => None,
            View::Expression { length: 0, .. } => Some(StaticType::Any),
            View::Expression { .. } => self.expression_type(node, conditions),
            _ => None,
        }
    }

    fn expression_type(&mut self, node: Cell, conditions: &mut Conditions) -> Option<StaticType> {
        self.nesting += 1;
        let found = if self.nesting > super::compiler::MOST_NESTING {
            None
        } else {
            match self.child(node, 0).view() {
                View::Local(local) => self.declared_function(local).and_then(|(function, signature)| {
                    let known = Known::Of(self.constant(function));
                    self.condition(local, known, conditions)?;
                    self.application_type(node, &signature, conditions)
                }),
                // As an argument it is passed on without being evaluated.
                View::Symbol(symbols::ERROR) => None,
                View::Symbol(id) if self.machine.heap.symbols.name(id) == "if" => {
                    self.assume(id);
                    let condition = self.child(node, 1);
                    let fits = self.length(node) == 4
                        && self.passing(cell(symbols::BOOL), condition, conditions).is_some();
                    fits.then_some(StaticType::Any)
                }
                View::Symbol(id) => match self.reading(id) {
                    Some(Reading::Tuple) => Some(StaticType::Any),
                    Some(Reading::Function(signature)) => self.application_type(node, &signature, conditions),
                    Some(Reading::Open) => {
                        let any = Expected::Type(cell(symbols::UNDEFINED));
                        let signature = self.instance_signature(id, node, any);
                        signature.and_then(|signature| self.application_type(node, &signature, conditions))
                    }
                    None => None,
                },
                View::Operation(id) if self.machine.heap.symbols.name(id) == "==" => {
                    let wanted = self.comparable(node, conditions);
                    self.judged.push(node);
                    wanted.map(|_| StaticType::Is(cell(symbols::BOOL)))
                }
                View::Operation(id) if self.machine.heap.symbols.name(id) == "get-state" => {
                    self.content_type(node, None, conditions)
                }
                View::Operation(id) => {
                    let signature = self.operation_signature(id);
                    signature.and_then(|signature| self.application_type(node, &signature, conditions))
                }
                _ => None,
            }
        };
        self.nesting -= 1;
        found
    }

    fn application_type(
        &mut self,
        node: Cell,
        signature: &Signature,
        conditions: &mut Conditions,
    ) -> Option<StaticType> {
        self.passings(node, signature, conditions)?;
        match signature.returned.view() {
            View::Symbol(symbols::ATOM) => Some(StaticType::Atom),
            View::Symbol(symbols::UNDEFINED) | View::Local(_) => Some(StaticType::Any),
            View::Symbol(_) => Some(StaticType::Is(signature.returned)),
            View::Expression { length: 1, .. } => Some(StaticType::Is(signature.returned)),
            View::Expression { .. } if self.machine.is_plain_type(signature.returned) => {
                Some(StaticType::Is(signature.returned))
            }
            _ => None,
        }
    }

    /// The type with which the operands of `==` are evaluated, if theirs unify.
    pub(super) fn comparable(&mut self, node: Cell, conditions: &mut Conditions) -> Option<Cell> {
        if self.length(node) != 3 {
            return None;
        }
        let mut types = Vec::new();
        for index in 1..3 {
            let operand = self.child(node, index);
            let found = match operand.view() {
                View::Local(local) if self.is_assigned(self.slot_of(local)) => {
                    match self.known[usize::from(self.slot_of(local))] {
                        Known::Number => StaticType::Is(cell(symbols::NUMBER)),
                        Known::Bool => StaticType::Is(cell(symbols::BOOL)),
                        // What it holds need not fit `Atom`.
                        _ if types.first() == Some(&StaticType::Atom) => return None,
                        // The instruction itself looks at the values.
                        _ => continue,
                    }
                }
                _ => self.static_type(operand, conditions)?,
            };
            types.push(found);
        }
        if let [StaticType::Atom, StaticType::Is(_)] = types[..] {
            return None;
        }
        let mut known = types.iter().filter_map(|found| match found {
            StaticType::Is(found) => Some(*found),
            StaticType::Any | StaticType::Atom => None,
        });
        let wanted = known.next().unwrap_or(cell(symbols::UNDEFINED));
        // What an operand is decides then whether it is evaluated.
        let meta = matches!(wanted.view(), View::Symbol(id) if (symbols::SYMBOL.0..=symbols::GROUNDED.0).contains(&id.0));
        (!meta && known.all(|other| other == wanted)).then_some(wanted)
    }
}
