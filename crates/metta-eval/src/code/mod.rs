//! Compiled clauses.
//!
//! A clause is compiled when it is first tried. What the code of a clause takes for granted about
//! other symbols (their types, that `if` means `if`) is listed with it; see [`Compiled::assumed`].
//! Whatever the code does not cover it leaves to the general evaluator, expression by expression.

mod alternatives;
mod arithmetic;
mod asides;
mod body;
mod calls;
mod cases;
mod compiler;
mod computed;
mod control;
mod definition;
mod each;
mod instances;
mod instr;
mod leaf;
mod link;
mod lists;
mod minimal;
mod patterns;
mod queries;
mod recursion;
mod states;
mod types;

use std::sync::Arc;

use metta_atom::SpaceId;

use crate::answers::Profile;
use crate::machine::RuleId;
use crate::program::Head;
use crate::program::clause::Clause;
use crate::terms::cell::{Cell, SymbolId};
use crate::terms::shared::{Shared, SharedMap};

pub(crate) use arithmetic::{arithmetic_named, test_named};
pub(crate) use compiler::Compiler;
pub(crate) use definition::{Arguments, Definition, Definitions, Entry, Selected, Switch, first_argument};
pub(crate) use instr::*;
pub(crate) use leaf::{LeafCall, Leaves, Op, Origin};
pub(crate) use minimal::Purpose;

/// A part of a rule body, to be built from the slots of an activation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template {
    /// The cells in [`Code::cells`]; addresses in them are relative to `start`.
    pub(crate) start: u32,
    pub(crate) length: u32,
    pub(crate) root: Cell,
}

/// The rules for calls of one symbol with one number of arguments, in one space.
///
/// The symbol [`OPEN`](crate::program::OPEN) stands for heads that are none: the head is the first argument then.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) space: SpaceId,
    pub(crate) symbol: SymbolId,
    pub(crate) arity: u32,
    /// The instance of its type that it is compiled for, if that has variables; else `NONE`.
    pub(crate) instance: Cell,
    /// The [`Code::stamp`] at which `definition` was the right one.
    pub(crate) stamp: u64,
    pub(crate) head: Option<Arc<Head>>,
    /// Index in [`Code::definitions`].
    pub(crate) definition: u32,
    /// A native function that is a rule of the library: it comes before the clauses.
    pub(crate) native: bool,
    /// The body of its only clause, if that matches every call; known while `stamp` is the current one.
    pub(crate) direct: Option<Direct>,
    /// Its clauses, if one argument tells which of them may match; known while `stamp` is the current one.
    pub(crate) switch: Option<Arc<Switch>>,
    /// Whether answers of its calls are kept; known while `stamp` is the current one.
    pub(crate) tabled: bool,
    pub(crate) profile: Profile,
}

/// A clause body that is entered without looking at the arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direct {
    pub(crate) pc: u32,
    pub(crate) rule: RuleId,
    /// The first of its operations in [`Leaves`], if it is a function on leaves.
    pub(crate) leaf: Option<u32>,
}

/// What an argument has to be, unless it is a variable.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Leaf(Cell),
    Expression { length: u32, head: Cell },
}

/// The code of one clause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    /// Where it begins; `None` before it is compiled.
    pub(crate) pc: Option<u32>,
    /// The [`Code::stamp`] at which what it takes for granted held.
    pub(crate) stamp: u64,
    pub(crate) assumed: Box<[(SymbolId, Arc<Head>)]>,
    /// How many slots an activation needs.
    pub(crate) size: u32,
    pub(crate) rule: RuleId,
    /// Whether it calls its own function more than once.
    pub(crate) branches: bool,
    /// Where its operations in [`Leaves`] begin, once they were asked for, if there are any.
    pub(crate) leaf: Option<Option<u32>>,
}

/// A function is compiled for so many instances of its type; for others its calls are evaluated in the general way.
const MOST_INSTANCES: u32 = 32;

/// The lengths of the tables of code.
pub(crate) type Extent = [usize; 13];

/// All code of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) instrs: Shared<Instr>,
    pub(crate) constants: Shared<Cell>,
    pub(crate) cells: Shared<Cell>,
    pub(crate) templates: Shared<Template>,
    pub(crate) sites: Shared<Site>,
    pub(crate) arguments: Shared<Argument>,
    pub(crate) names: Shared<SymbolId>,
    pub(crate) queries: Shared<Query>,
    pub(crate) columns: Shared<Column>,
    pub(crate) eaches: Shared<Each>,
    pub(crate) natives: Shared<Native>,
    /// Slots and names of variables that queries make.
    pub(crate) fresh: Shared<(Slot, SymbolId)>,
    pub(crate) functions: Vec<Function>,
    pub(crate) definitions: Definitions,
    pub(crate) clauses: Shared<Compiled>,
    pub(crate) leaves: Leaves,
    keys: SharedMap<(SpaceId, SymbolId, u32, Cell), u32>,
    /// How many instances a function has.
    instances: SharedMap<(SpaceId, SymbolId), u32>,
    /// By space, clause, the symbol that is called (the head of a clause may be a variable), and the instance.
    codes: SharedMap<(SpaceId, usize, SymbolId, Cell), u32>,
    /// Changes with every declaration.
    pub(crate) stamp: u64,
}

impl Code {
    /// The number of the function for calls of a symbol with so many arguments.
    pub(crate) fn function(&mut self, space: SpaceId, symbol: SymbolId, arity: u32) -> u32 {
        self.function_for(space, symbol, arity, Cell::NONE)
    }

    /// The number of the function for calls of an instance of a symbol; `None` when it has too many of them.
    pub(crate) fn instance(
        &mut self,
        space: SpaceId,
        symbol: SymbolId,
        arity: u32,
        instance: Cell,
    ) -> Option<u32> {
        if let Some(id) = self.keys.get(&(space, symbol, arity, instance)) {
            return Some(*id);
        }
        let count = self.instances.entry((space, symbol)).or_insert(0);
        if *count >= MOST_INSTANCES {
            return None;
        }
        *count += 1;
        Some(self.function_for(space, symbol, arity, instance))
    }

    /// The number of the function for calls of a symbol, listed under an instance.
    pub(crate) fn function_for(
        &mut self,
        space: SpaceId,
        symbol: SymbolId,
        arity: u32,
        instance: Cell,
    ) -> u32 {
        let next = self.functions.len() as u32;
        let id = *self.keys.entry((space, symbol, arity, instance)).or_insert(next);
        if id == next {
            self.functions.push(Function {
                space,
                symbol,
                arity,
                instance,
                stamp: 0,
                head: None,
                definition: Definitions::NONE,
                native: false,
                direct: None,
                switch: None,
                tabled: false,
                profile: Profile::default(),
            });
        }
        id
    }

    /// The place for the code of a clause for calls of a symbol. The program keeps the clause alive.
    pub(crate) fn clause(
        &mut self,
        space: SpaceId,
        clause: &Arc<Clause>,
        symbol: SymbolId,
        instance: Cell,
    ) -> u32 {
        let next = self.clauses.len() as u32;
        let key = (space, Arc::as_ptr(clause) as usize, symbol, instance);
        let id = *self.codes.entry(key).or_insert(next);
        if id == next {
            self.clauses.push(Compiled::default());
        }
        id
    }

    /// The clauses of a function, as far as it has proved itself.
    pub(crate) fn definition(&self, id: u32) -> &Definition {
        &self.definitions[self.functions[id as usize].definition]
    }

    /// Forgets the definitions that neither a function nor one of `others` needs.
    pub(crate) fn free_definitions(&mut self, others: impl Iterator<Item = u32>) {
        let used = self.functions.iter().map(|function| function.definition);
        self.definitions.retain(used.chain(others));
    }

    /// The storage of all code, in cells.
    pub(crate) fn cells(&self) -> usize {
        let bytes = size_of_val(&self.instrs[..])
            + size_of_val(&self.sites[..])
            + size_of_val(&self.cells[..])
            + size_of_val(&self.arguments[..])
            + size_of_val(&self.clauses[..])
            + size_of_val(&self.leaves.ops[..]);
        bytes / size_of::<Cell>()
    }

    /// How much code there is, but for functions.
    pub(crate) fn extent(&self) -> Extent {
        [
            self.instrs.len(),
            self.constants.len(),
            self.cells.len(),
            self.templates.len(),
            self.sites.len(),
            self.arguments.len(),
            self.names.len(),
            self.queries.len(),
            self.eaches.len(),
            self.fresh.len(),
            self.clauses.len(),
            self.natives.len(),
            self.columns.len(),
        ]
    }

    /// Forgets the code behind an extent. No function may refer to it.
    pub(crate) fn truncate(&mut self, to: Extent) {
        let [
            instrs,
            constants,
            cells,
            templates,
            sites,
            arguments,
            names,
            queries,
            eaches,
            fresh,
            clauses,
            natives,
            columns,
        ] = to;
        self.columns.truncate(columns);
        self.natives.truncate(natives);
        self.instrs.truncate(instrs);
        self.constants.truncate(constants);
        self.cells.truncate(cells);
        self.templates.truncate(templates);
        self.sites.truncate(sites);
        self.arguments.truncate(arguments);
        self.names.truncate(names);
        self.queries.truncate(queries);
        self.eaches.truncate(eaches);
        self.fresh.truncate(fresh);
        self.clauses.truncate(clauses);
    }

    /// Calls of functions on leaves have to be looked up again.
    pub(crate) fn unlink_leaves(&mut self) {
        self.leaves.links = (self.leaves.links + 1) % u32::MAX;
    }

    /// Everything has to prove itself again.
    pub(crate) fn invalidate(&mut self) {
        self.stamp += 1;
        self.unlink_leaves();
    }
}
