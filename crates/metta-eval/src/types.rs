//! Types of terms and applicability of function types (semantics 4.3, 4.5, 5).

use std::sync::Arc;

use metta_atom::Grounded;
use smallvec::{SmallVec, smallvec};

use crate::EvalError;
use crate::machine::Machine;
use crate::program::Clauses;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::symbols::{self, cell};
use crate::terms::visits::Memo;

/// Chains of heads longer than this are remembered as untyped.
const LONG_CHAIN: usize = 16;

/// More types of one term are an error: their number can grow exponentially, or without end.
const MOST_TYPES: usize = 1 << 10;

/// One type of a term.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TypeOf {
    /// A type that the term has.
    Valid(Cell),
    /// The term applies a function type to arguments that do not fit: the type and the error.
    Misapplied { function: Cell, error: Cell },
}

impl TypeOf {
    pub(crate) fn valid(self) -> Option<Cell> {
        match self {
            TypeOf::Valid(term) => Some(term),
            TypeOf::Misapplied { .. } => None,
        }
    }

    fn term(self) -> Cell {
        match self {
            TypeOf::Valid(term) | TypeOf::Misapplied { function: term, .. } => term,
        }
    }
}

/// The types of one term: nearly always none or one.
pub(crate) type Types = SmallVec<[TypeOf; 2]>;

/// An expression whose element types are being found.
struct Open {
    expression: Cell,
    address: u32,
    length: u32,
    elements: Vec<Types>,
}

/// The types found so far of the parts of one term.
struct KnownTypes {
    /// Variables from here on are type variables made while looking.
    start: u32,
    types: Memo<(u32, u32), Types>,
}

/// One argument in the search for a fitting combination of argument types.
struct Choice {
    next: usize,
    matched: bool,
    trail: usize,
}

/// What [`Machine::applicable`] answers.
pub(crate) enum Applicability {
    /// The function type fits; type variables are bound.
    Fits,
    /// One error for each mismatch.
    Errors(Vec<Cell>),
}

/// Reports whether a type is `(-> ... R)`.
pub(crate) fn is_function_type(heap: &Heap, term: Cell) -> bool {
    matches!(term.slice(), Some((address, length)) if length > 1 && heap.element(address, 0) == cell(symbols::ARROW))
}

/// The name of the metatype of a dereferenced term.
pub(crate) fn metatype(term: Cell) -> SymbolId {
    match term.view() {
        View::Ref(_) | View::Variable { .. } | View::Local(_) => symbols::VARIABLE,
        View::Symbol(symbols::FITTING) => symbols::GROUNDED,
        View::Symbol(_) => symbols::SYMBOL,
        View::Expression { .. } => symbols::EXPRESSION,
        _ => symbols::GROUNDED,
    }
}

/// Reports whether a parameter of type `parameter` takes `argument` as it is, by its metatype.
pub(crate) fn takes_unevaluated(parameter: Cell, argument: Cell) -> bool {
    match parameter.view() {
        View::Symbol(symbols::ATOM) => true,
        View::Symbol(id) => {
            (symbols::SYMBOL.0..=symbols::GROUNDED.0).contains(&id.0) && id == metatype(argument)
        }
        _ => false,
    }
}

/// Reports whether a type fits every other.
pub(crate) fn fits_all(term: Cell) -> bool {
    term == cell(symbols::UNDEFINED) || term == cell(symbols::ATOM)
}

/// The type of a number or truth value that is a cell.
fn literal_type(term: Cell) -> Option<Cell> {
    match term.view() {
        View::Int(_) | View::Float(_) => Some(cell(symbols::NUMBER)),
        View::Bool(_) => Some(cell(symbols::BOOL)),
        _ => None,
    }
}

impl Machine {
    /// The types of a term; none at all means `%Undefined%`.
    pub(crate) fn types_of(&mut self, term: Cell) -> Types {
        let leaf = self.heap.deref(term);
        if !leaf.is_expression() {
            self.work += 1;
            return self.leaf_types(leaf);
        }
        let mut open: Vec<Open> = Vec::new();
        let mut next = Some(term);
        let mut finished: Option<Types> = None;
        let mut known = KnownTypes { start: self.heap.top(), types: Memo::default() };
        loop {
            self.work += 1;
            if self.is_out_of_memory() {
                return Types::new();
            }
            if let Some(term) = next.take() {
                let term = self.heap.deref(term);
                let term = self.written_out(term);
                if let Some(found) = self.found_type(term) {
                    let found = self.fresh_type(found);
                    finished = Some(smallvec![TypeOf::Valid(found)]);
                } else {
                    match term.slice().and_then(|part| known.types.get(&part)) {
                        Some(types) => finished = Some(self.with_new_variables(&types, known.start)),
                        None => match self.open_expression(term) {
                            Some(expression) => open.push(expression),
                            None => finished = Some(self.leaf_types(term)),
                        },
                    }
                }
            }
            if let Some(types) = finished.take() {
                match open.last_mut() {
                    Some(parent) => parent.elements.push(types),
                    None => return types,
                }
            }
            let Some(top) = open.last_mut() else { return Types::new() };
            let index = top.elements.len() as u32;
            let heads = top.elements.first().cloned();
            if index < top.length
                && let Some(heads) = heads
                && !self.element_type_matters(top.expression, &heads, index)
            {
                top.elements.push(Types::new());
            } else if index < top.length {
                next = Some(self.heap.get(top.address + index));
            } else if let Some(full) = open.pop() {
                let types = self.expression_types(&full);
                self.note_found(full.expression, &types);
                if open.is_empty() {
                    return types;
                }
                known.types.note((full.address, full.length), &types);
                finished = Some(types);
            }
        }
    }

    /// The only type of a ground expression, if it was found before.
    fn found_type(&self, term: Cell) -> Option<Cell> {
        let part = term.slice().filter(|(_, length)| *length > 0 && term.is_ground())?;
        self.typed.get(part, (self.code.stamp, self.space))
    }

    fn note_found(&mut self, term: Cell, types: &Types) {
        if let (Some(part), [TypeOf::Valid(found)]) = (term.slice(), types.as_slice())
            && term.is_ground()
            && let Some(found) = if found.is_ground() { Some(*found) } else { self.known_type(*found) }
        {
            self.typed.note(part, found, (self.code.stamp, self.space));
        }
    }

    /// Types with new variables for those made at `start` or later: no two uses of a type share them.
    fn with_new_variables(&mut self, types: &Types, start: u32) -> Types {
        let mut renamed = Types::new();
        for found in types {
            let mut fresh = |term: Cell| {
                if term.is_ground() {
                    return term;
                }
                let made = self
                    .heap
                    .variables(term)
                    .into_iter()
                    .filter(|variable| matches!(variable.view(), View::Ref(address) if address >= start));
                let made: Vec<Cell> = made.collect();
                let pairs: Vec<(Cell, Cell)> =
                    made.into_iter().map(|variable| (variable, self.heap.renamed(variable))).collect();
                self.heap.substituted(term, &pairs)
            };
            renamed.push(match *found {
                TypeOf::Valid(term) => TypeOf::Valid(fresh(term)),
                TypeOf::Misapplied { function, error } => {
                    TypeOf::Misapplied { function: fresh(function), error: fresh(error) }
                }
            });
        }
        renamed
    }

    /// The types of a term that has known types, `%Undefined%` if there is none.
    pub(crate) fn types_or_undefined(&mut self, term: Cell) -> Types {
        let types = self.types_of(term);
        if types.is_empty() { smallvec![TypeOf::Valid(cell(symbols::UNDEFINED))] } else { types }
    }

    /// Reports whether an expression has no types because its head, or the head of its head, has none.
    ///
    /// An untyped head gives no tuple type and no application type, so the rest need not be looked at.
    /// What is found out about a long chain of heads is kept, since evaluation asks again for each of them.
    fn is_untyped(&mut self, expression: Cell) -> bool {
        let mut chain: Vec<u32> = Vec::new();
        let mut head = expression;
        let untyped = loop {
            match head.view() {
                View::Expression { address, length } if length > 0 => {
                    if self.untyped.contains(&address) {
                        break true;
                    }
                    chain.push(address);
                    head = self.heap.element(address, 0);
                }
                View::Symbol(id) => {
                    let declared = self.head(id);
                    let declares = |clauses: &Clauses| !clauses.is_empty();
                    break !declares(&declared.types) && !declares(&declared.call_types);
                }
                _ => break false,
            }
        };
        self.work += chain.len() as u64;
        // Expressions with an expression as head can have their types declared as such.
        if chain.len() > 1 && (!untyped || !self.open_head().call_types.is_empty()) {
            return false;
        }
        if untyped && chain.len() > LONG_CHAIN {
            self.untyped.extend(chain);
        }
        untyped
    }

    /// The errors of a term that has types, all of them of misapplied functions.
    pub(crate) fn type_errors(&mut self, term: Cell) -> Vec<Cell> {
        let types = self.types_of(term);
        let mut errors = Vec::new();
        for found in types {
            match found {
                TypeOf::Valid(_) => return Vec::new(),
                TypeOf::Misapplied { error, .. } => errors.push(error),
            }
        }
        errors
    }

    /// Begins an expression whose types depend on those of its elements.
    fn open_expression(&mut self, term: Cell) -> Option<Open> {
        let (address, length) = term.slice().filter(|(_, length)| *length > 0)?;
        if self.is_untyped(term) {
            return None;
        }
        Some(Open { expression: term, address, length, elements: Vec::new() })
    }

    /// Reports whether the types of element `index` can make a difference to those of the expression.
    fn element_type_matters(&mut self, expression: Cell, heads: &[TypeOf], index: u32) -> bool {
        let Some((address, n)) = expression.slice() else { return true };
        let argument = self.heap.element(address, index);
        heads.iter().any(|head| {
            let head = head.term();
            match head.slice().filter(|_| is_function_type(&self.heap, head)) {
                Some((parameters, length)) if length == n + 1 => {
                    let parameter = self.heap.element(parameters, index);
                    parameter != cell(symbols::UNDEFINED)
                        && !takes_unevaluated(parameter, argument)
                        && !self.type_is_immaterial(head, expression, index)
                }
                // With another number of parameters there is an error whatever the arguments are.
                Some(_) => false,
                None => true,
            }
        })
    }

    fn leaf_types(&mut self, term: Cell) -> Types {
        let one = |id| smallvec![TypeOf::Valid(cell(id))];
        match term.view() {
            View::Int(_) | View::Float(_) => one(symbols::NUMBER),
            View::Bool(_) => one(symbols::BOOL),
            View::Space(_) => one(symbols::SPACE_TYPE),
            View::Symbol(symbols::FITTING) => one(self.heap.symbols.intern("Type")),
            View::Symbol(id) => {
                let head = self.head(id);
                if head.types.is_empty() {
                    Types::new()
                } else {
                    valid(self.declared_types(&head.types, term))
                }
            }
            View::Operation(id) => {
                let types = self.program.operation_types(&mut self.heap, &self.library, id);
                types
                    .iter()
                    .map(|clause| TypeOf::Valid(clause.build_body(&mut self.heap, &mut clause.new_slots())))
                    .collect()
            }
            View::State(id) => match self.heap.states.get(metta_atom::StateId(id)) {
                Some(state) => smallvec![TypeOf::Valid(self.heap.import_alone(&state.type_atom.clone()))],
                None => Types::new(),
            },
            View::Boxed(index) => match self.heap.boxed(index) {
                Grounded::Number(_) => one(symbols::NUMBER),
                Grounded::Text(_) => one(symbols::STRING),
                Grounded::Foreign(value) => {
                    let type_atom = value.type_atom();
                    let term = self.heap.import_alone(&type_atom);
                    if term == cell(symbols::UNDEFINED) {
                        Types::new()
                    } else {
                        smallvec![TypeOf::Valid(term)]
                    }
                }
                _ => Types::new(),
            },
            _ => Types::new(),
        }
    }

    /// The types that facts declare for a term, with their supertypes.
    fn declared_types(&mut self, clauses: &Clauses, term: Cell) -> Vec<Cell> {
        // A declaration may also be for whatever a variable is.
        let named = clauses.iter().all(|clause| clause.head() == term);
        let mut types =
            if named { self.right_sides_as_they_are(clauses) } else { self.right_sides(clauses, term) };
        types.retain(|right| !right.is_reference() && *right != cell(symbols::UNDEFINED));
        self.add_supertypes(&mut types);
        types
    }

    /// The right sides of declarations whose left side is the symbol in question.
    fn right_sides_as_they_are(&mut self, clauses: &Clauses) -> Vec<Cell> {
        let heap = &mut self.heap;
        let built = clauses.iter().map(|clause| match clause.body_as_constant(heap) {
            Some(right) => right,
            None => {
                let right = clause.build_body(heap, &mut clause.new_slots());
                heap.deref(right)
            }
        });
        built.collect()
    }

    /// The right sides of the declarations whose left side unifies with `term`, which stays unbound.
    fn right_sides(&mut self, clauses: &Clauses, term: Cell) -> Vec<Cell> {
        let mut found = Vec::new();
        for clause in clauses.iter() {
            let mut slots = clause.new_slots();
            let mut right = None;
            // Bindings of the term's own variables must not leak: copy the answer, then undo.
            self.heap.attempt(|heap| {
                if clause.match_head(heap, term, &mut slots) {
                    let body = clause.build_body(heap, &mut slots);
                    right = Some(if term.is_ground() { heap.deref(body) } else { heap.resolved(body) });
                }
                false
            });
            found.extend(right);
        }
        found
    }

    fn add_supertypes(&mut self, types: &mut Vec<Cell>) {
        // Types are compared only if there are supertypes.
        let mut hashes: Vec<u64> = Vec::new();
        let mut index = 0;
        while index < types.len() {
            if types.len() > MOST_TYPES {
                self.fail(EvalError::TooManyTypes { limit: MOST_TYPES as u64 });
                return;
            }
            self.work += 1;
            let subtype = types[index];
            index += 1;
            let clauses = match (subtype.view(), self.heap.head_symbol(subtype)) {
                (View::Symbol(id), _) => Arc::clone(&self.head(id).supertypes),
                (_, Some(id)) => Arc::clone(&self.head(id).call_supertypes),
                _ => continue,
            };
            if clauses.is_empty() {
                continue;
            }
            if hashes.is_empty() {
                hashes.extend(types.iter().map(|found| self.heap.alpha_hash(*found)));
            }
            for supertype in self.right_sides(&clauses, subtype) {
                let hash = self.heap.alpha_hash(supertype);
                let known = |(known, other): (&Cell, &u64)| {
                    *other == hash && self.heap.alpha_equal(*known, supertype)
                };
                if !types.iter().zip(&hashes).any(known) {
                    types.push(supertype);
                    hashes.push(hash);
                }
            }
        }
    }

    /// The types of an expression whose element types are known: as a tuple, as declared, as an application.
    fn expression_types(&mut self, open: &Open) -> Types {
        let (functions, values): (Types, Types) = match open.elements.first() {
            Some(types) => {
                types.iter().copied().partition(|found| is_function_type(&self.heap, found.term()))
            }
            None => return Types::new(),
        };
        let mut types = self.tuple_types(&values, &open.elements[1..]);
        if let Some(id) = self.heap.head_symbol(open.expression) {
            let head = self.head(id);
            types.extend(self.right_sides(&head.call_types, open.expression));
        } else {
            let clauses = match open.expression.slice() {
                // A variable can be any head.
                Some((address, _)) if self.heap.element(address, 0).is_reference() => self.all_call_types(),
                _ => Arc::clone(&self.open_head().call_types),
            };
            types.extend(self.right_sides(&clauses, open.expression));
        }
        types.retain(|found| !found.is_reference() && *found != cell(symbols::UNDEFINED));
        self.add_supertypes(&mut types);
        let mut types = valid(types);
        for function in functions {
            self.application_types(function.term(), open, &mut types);
        }
        types
    }

    /// The cartesian product of the element types, the last element varying fastest.
    fn tuple_types(&mut self, heads: &[TypeOf], arguments: &[Types]) -> Vec<Cell> {
        let mut types = Vec::new();
        if heads.is_empty() || arguments.iter().any(|types| types.is_empty()) {
            return types;
        }
        let count = arguments.iter().fold(heads.len(), |count, types| count.saturating_mul(types.len()));
        if count > MOST_TYPES {
            self.fail(EvalError::TooManyTypes { limit: MOST_TYPES as u64 });
            return types;
        }
        let columns: Vec<&[TypeOf]> =
            std::iter::once(heads).chain(arguments.iter().map(|types| types.as_slice())).collect();
        let mut chosen = vec![0; columns.len()];
        loop {
            let row: Vec<Cell> =
                columns.iter().zip(&chosen).map(|(column, index)| column[*index].term()).collect();
            types.push(self.heap.expression(&row));
            let Some(last) = (0..columns.len()).rev().find(|i| chosen[*i] + 1 < columns[*i].len()) else {
                return types;
            };
            chosen[last] += 1;
            chosen[last + 1..].fill(0);
        }
    }

    /// The return types of applying `function` to the arguments, or errors.
    fn application_types(&mut self, function: Cell, open: &Open, types: &mut Types) {
        let Some((address, length)) = function.slice() else { return };
        let arguments = &open.elements[1..];
        if arguments.len() + 2 != length as usize {
            let error = self.new_error(open.expression, cell(symbols::INCORRECT_ARITY));
            types.push(TypeOf::Misapplied { function, error });
            return;
        }
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let start = self.heap.trail.len();
        let mut choices = vec![Choice { next: 0, matched: false, trail: start }];
        while let Some(index) = choices.len().checked_sub(1) {
            self.heap.undo(choices[index].trail);
            if index == arguments.len() {
                let answer = self.heap.resolved(self.heap.get(address + length - 1));
                types.push(TypeOf::Valid(answer));
                choices.pop();
                continue;
            }
            // Not dereferenced: what a type variable is bound to does not decide which arguments are
            // taken whatever their types are, and is undone before an error shows the variable.
            let expected = self.heap.get(address + index as u32 + 1);
            let argument = self.heap.element(open.address, index as u32 + 1);
            let found = self.next_match(&arguments[index], expected, argument, &mut choices[index]);
            if found {
                choices.push(Choice { next: 0, matched: false, trail: self.heap.trail.len() });
            } else {
                if !choices[index].matched {
                    for actual in &arguments[index] {
                        let error = self.bad_argument(open.expression, index, expected, actual.term());
                        types.push(TypeOf::Misapplied { function, error });
                    }
                }
                choices.pop();
            }
        }
        self.heap.undo(start);
        self.heap.boundary = boundary;
    }

    /// Finds the next type of an argument that fits and binds type variables.
    fn next_match(&mut self, actual: &[TypeOf], expected: Cell, argument: Cell, choice: &mut Choice) -> bool {
        if actual.is_empty() || expected == cell(symbols::UNDEFINED) || takes_unevaluated(expected, argument)
        {
            choice.next += 1;
            choice.matched = true;
            return choice.next == 1;
        }
        while let Some(found) = actual.get(choice.next) {
            choice.next += 1;
            let found = found.term();
            if self.heap.attempt(|heap| heap.unify_types(found, expected)) {
                choice.matched = true;
                return true;
            }
        }
        false
    }

    /// Checks whether a call may be read with a function type (semantics 4.3).
    ///
    /// When it fits, the type variables of `function` and of `expected` are bound.
    pub(crate) fn applicable(&mut self, call: Cell, function: Cell, expected: Cell) -> Applicability {
        let (Some((address, length)), Some((arguments, n))) = (function.slice(), call.slice()) else {
            return Applicability::Errors(Vec::new());
        };
        if length != n + 1 {
            return Applicability::Errors(vec![self.new_error(call, cell(symbols::INCORRECT_ARITY))]);
        }
        if self.is_plainly_applicable(call, function, expected) {
            return Applicability::Fits;
        }
        let mut errors = Vec::new();
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let start = self.heap.trail.len();
        let mut known: Vec<Option<Types>> = Vec::new();
        let mut choices = vec![Choice { next: 0, matched: false, trail: start }];
        let mut fits = false;
        while let Some(index) = choices.len().checked_sub(1) {
            self.heap.undo(choices[index].trail);
            if index as u32 + 1 == n {
                let returned = self.heap.get(address + length - 1);
                if self.types_match(returned, expected) {
                    fits = true;
                    break;
                }
                let (expected, returned) = (self.heap.resolved(expected), self.heap.resolved(returned));
                let reason = self.heap.expression(&[cell(symbols::BAD_TYPE), expected, returned]);
                errors.push(self.new_error(call, reason));
                choices.pop();
                continue;
            }
            // Not dereferenced: a type variable that is bound to `%Undefined%` does not fit everything.
            let parameter = self.heap.get(address + index as u32 + 1);
            let argument = self.heap.element(arguments, index as u32 + 1);
            if takes_unevaluated(parameter, argument)
                || self.type_is_immaterial(function, call, index as u32 + 1)
            {
                choices[index].next += 1;
                if choices[index].next > 1 {
                    choices.pop();
                    continue;
                }
            } else {
                if known.len() <= index {
                    known.resize(index + 1, None);
                }
                if known[index].is_none() {
                    known[index] = Some(self.types_or_undefined(argument));
                }
                let types = known[index].clone().unwrap_or_default();
                if !self.next_argument(call, &types, parameter, index, &mut choices[index], &mut errors) {
                    choices.pop();
                    continue;
                }
            }
            choices.push(Choice { next: 0, matched: false, trail: self.heap.trail.len() });
        }
        self.heap.boundary = boundary;
        if fits {
            self.heap.tidy_trail(start);
            Applicability::Fits
        } else {
            self.heap.undo(start);
            Applicability::Errors(errors)
        }
    }

    /// Reports whether each argument of a call with as many arguments as the function has is taken unevaluated, or
    /// is a number or truth value where one is expected, and so is the result: no type variable is bound then.
    fn is_plainly_applicable(&self, call: Cell, function: Cell, expected: Cell) -> bool {
        let (Some(parameters), Some(arguments)) = (self.heap.elements(function), self.heap.elements(call))
        else {
            return false;
        };
        let Some((returned, parameters)) = parameters.split_last() else { return false };
        let result =
            fits_all(*returned) || fits_all(expected) || returned.is_canonical() && *returned == expected;
        let mut pairs = parameters.iter().zip(arguments).skip(1);
        result
            && pairs.all(|(parameter, argument)| {
                let argument = self.heap.deref(*argument);
                takes_unevaluated(*parameter, argument) || literal_type(argument) == Some(*parameter)
            })
    }

    /// Reports whether the type of argument `index` can make no difference, so that it need not be found.
    ///
    /// That is so for a tuple where the parameter is an unbound type variable that the return type does not
    /// mention and that all other arguments with it have no type for. `(== $list ())` is such a call, and the
    /// type of a list of a million elements has a million elements.
    fn type_is_immaterial(&mut self, function: Cell, call: Cell, index: u32) -> bool {
        let (Some((parameters, n)), Some((arguments, _))) = (function.slice(), call.slice()) else {
            return false;
        };
        let parameter = self.heap.element(parameters, index);
        let View::Ref(variable) = parameter.view() else { return false };
        if !self.is_plain_tuple(self.heap.element(arguments, index)) {
            return false;
        }
        (1..n).filter(|other| *other != index).all(|other| {
            let type_term = self.heap.element(parameters, other);
            if other + 1 == n || type_term != parameter {
                return !self.heap.occurs(variable, type_term);
            }
            let argument = self.heap.element(arguments, other);
            argument == Cell::UNIT || argument.is_reference()
        })
    }

    /// Reports whether a term is a tuple that is not read as an application, hence never ill-typed.
    fn is_plain_tuple(&mut self, term: Cell) -> bool {
        match term.slice() {
            Some((address, length)) if length > 0 => match self.heap.element(address, 0).view() {
                View::Symbol(id) => self.head(id).types.is_empty(),
                View::Expression { .. } | View::Operation(_) | View::Ref(_) => false,
                _ => true,
            },
            _ => false,
        }
    }

    fn next_argument(
        &mut self,
        call: Cell,
        types: &[TypeOf],
        parameter: Cell,
        index: usize,
        choice: &mut Choice,
        errors: &mut Vec<Cell>,
    ) -> bool {
        while let Some(found) = types.get(choice.next) {
            choice.next += 1;
            match *found {
                TypeOf::Misapplied { error, .. } => errors.push(error),
                TypeOf::Valid(actual) => {
                    if self.types_match(parameter, actual) {
                        return true;
                    }
                    let parameter = self.heap.resolved(parameter);
                    errors.push(self.bad_argument(call, index, parameter, actual));
                }
            }
        }
        false
    }

    /// Reports whether two types match, binding type variables.
    pub(crate) fn types_match(&mut self, a: Cell, b: Cell) -> bool {
        fits_all(a)
            || fits_all(b)
            || a.is_canonical() && a == b
            || self.heap.attempt(|heap| heap.unify_known_types(a, b))
    }

    /// Casts a leaf to the expected type: the leaf itself, or one error for each of its types.
    pub(crate) fn cast(&mut self, term: Cell, expected: Cell) -> Result<(), Vec<Cell>> {
        if fits_all(expected) || literal_type(term) == Some(expected) {
            return Ok(());
        }
        let types = self.types_or_undefined(term);
        let mut errors = Vec::new();
        for actual in types.into_iter().filter_map(TypeOf::valid) {
            if self.types_match(expected, actual) {
                return Ok(());
            }
            let expected = self.heap.resolved(expected);
            let reason = self.heap.expression(&[cell(symbols::BAD_TYPE), expected, actual]);
            errors.push(self.new_error(term, reason));
        }
        Err(errors)
    }

    /// Makes `(Error atom reason)`, which the current rule is to blame for.
    pub(crate) fn error(&mut self, atom: Cell, reason: Cell) -> Cell {
        let error = self.new_error(atom, reason);
        self.blame(error);
        error
    }

    /// Makes `(Error atom reason)` of a type, which is an error only if no other type fits.
    fn new_error(&mut self, atom: Cell, reason: Cell) -> Cell {
        self.heap.expression(&[cell(symbols::ERROR), atom.unmarked(), reason])
    }

    fn bad_argument(&mut self, call: Cell, index: usize, expected: Cell, actual: Cell) -> Cell {
        let number = Cell::int(index as i64 + 1).unwrap_or(Cell::UNIT);
        let reason = self.heap.expression(&[cell(symbols::BAD_ARG_TYPE), number, expected, actual]);
        self.new_error(call, reason)
    }
}

fn valid(types: Vec<Cell>) -> Types {
    types.into_iter().map(TypeOf::Valid).collect()
}
