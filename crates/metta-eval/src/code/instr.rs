//! The instructions of compiled clauses.
//!
//! A clause runs in an *activation*: consecutive slots of the machine's environment stack.
//! Slot 0 holds the type expected of the result, slots 1 to n the arguments of the call; then come
//! the variables of the clause and temporaries. A slot is written before it is read on every path.

use std::cmp::Ordering;

use crate::library::{Binary, Builtin, Logical};
use crate::terms::cell::{Cell, SymbolId};

/// A slot of the current activation.
pub(crate) type Slot = u8;

/// The most slots of an activation: which of them are in use fits one word.
pub(crate) const MAX_SLOTS: usize = 64;

/// A set of slots.
pub(crate) type Live = u64;

/// Something to be read: a slot of the activation or a constant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand(u32);

const CONSTANT: u32 = 1 << 31;

impl Operand {
    pub(crate) fn slot(slot: Slot) -> Operand {
        Operand(u32::from(slot))
    }

    pub(crate) fn constant(index: u32) -> Operand {
        Operand(index | CONSTANT)
    }

    /// The slot, if it is none of the constants.
    pub(crate) fn slot_of(self) -> Option<Slot> {
        self.place().ok().and_then(|slot| Slot::try_from(slot).ok())
    }

    /// The slot, or the index of the constant.
    #[inline(always)]
    pub(crate) fn place(self) -> Result<u32, u32> {
        if self.0 & CONSTANT == 0 { Ok(self.0) } else { Err(self.0 & !CONSTANT) }
    }
}

impl std::fmt::Debug for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place() {
            Ok(slot) => write!(f, "s{slot}"),
            Err(index) => write!(f, "c{index}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Equal,
}

impl Test {
    /// Reports whether values in this order pass.
    #[inline(always)]
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Test::Less => order.is_lt(),
            Test::Greater => order.is_gt(),
            Test::LessOrEqual => order.is_le(),
            Test::GreaterOrEqual => order.is_ge(),
            Test::Equal => order.is_eq(),
        }
    }
}

/// What a value is known, or has, to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Nothing,
    Number,
    Bool,
    Expression,
    Space,
    /// A leaf or a tuple that is no application of a typed head: it has no type error.
    Sound,
    /// A state whose content is a number.
    NumberState,
    /// A state whose content is a truth value.
    BoolState,
    /// A term without variables.
    Ground,
    /// It has one type, this constant.
    Of(u32),
    /// It has one type, which fits this constant, or none.
    Fits(u32),
}

/// Stands for the value itself, where elements are numbered.
pub(crate) const WHOLE: u8 = u8::MAX;

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instr {
    // Matching of the head. A failure goes on with the next clause.
    /// The value is this constant; an unbound variable becomes it.
    MatchConstant {
        slot: Slot,
        constant: u32,
    },
    /// Both values unify.
    MatchSame {
        slot: Slot,
        with: Slot,
    },
    /// The value is an expression of this length. For an unbound variable go on at `variable`.
    MatchExpression {
        slot: Slot,
        length: u32,
        variable: u32,
    },
    /// Like `MatchExpression` and, for the head, `ElementConstant`.
    MatchHead {
        slot: Slot,
        length: u16,
        head: u32,
        variable: u32,
    },
    /// Like `MatchHead` and, for the first elements behind the head, `Elements`.
    MatchParts {
        slot: Slot,
        length: u8,
        to: Slot,
        count: u8,
        head: u32,
        variable: u32,
    },
    /// Takes consecutive elements to consecutive slots.
    Elements {
        from: Slot,
        first: u8,
        to: Slot,
        count: u8,
    },
    /// Takes an element.
    Element {
        from: Slot,
        index: u16,
        to: Slot,
    },
    /// Like `Element` and `MatchConstant` together.
    ElementConstant {
        from: Slot,
        index: u16,
        constant: u32,
    },
    /// The head is matched.
    Body,
    /// Notes whether the evaluation of the arguments of the call changed nothing.
    NoteKept {
        to: Slot,
    },

    // Values.
    /// Makes an unbound variable.
    Fresh {
        slot: Slot,
        name: u32,
    },
    Copy {
        to: Slot,
        from: Operand,
    },
    /// Builds a term.
    Build {
        to: Slot,
        template: u32,
    },
    /// Builds a term that evaluates to itself, if it does.
    Settle {
        to: Slot,
        template: u32,
        otherwise: u32,
    },
    /// Evaluates the value of a slot; `plain` says that it may have any type.
    Eval {
        from: Slot,
        to: Slot,
        site: u32,
        plain: bool,
    },
    /// Takes the result of a call; an error is the result of the whole.
    Result {
        to: Slot,
    },
    /// Takes the result of evaluating an argument: an error that was there before is passed on.
    ResultOf {
        to: Slot,
        from: Slot,
    },
    Arithmetic {
        operation: Binary,
        to: Slot,
        a: Operand,
        b: Operand,
        otherwise: u32,
    },
    Compare {
        test: Test,
        to: Slot,
        a: Operand,
        b: Operand,
        otherwise: u32,
    },
    Logical {
        operation: Logical,
        to: Slot,
        a: Operand,
        b: Operand,
        otherwise: u32,
    },
    /// Runs an operation on numbers and truth values.
    Native {
        to: Slot,
        native: u32,
        otherwise: u32,
    },
    Cons {
        to: Slot,
        head: Operand,
        tail: Operand,
        otherwise: u32,
    },
    /// Head and tail of a list.
    Uncons {
        list: Slot,
        head: Slot,
        tail: Slot,
        otherwise: u32,
    },
    /// The pair of head and tail of a list.
    Decons {
        to: Slot,
        list: Slot,
        otherwise: u32,
    },
    /// The first element of a list, or the others.
    Part {
        to: Slot,
        list: Slot,
        first: bool,
        otherwise: u32,
    },
    /// Takes the content of a state, if it is evaluated and of the type expected (`NONE` for the one in slot 0).
    GetState {
        to: Slot,
        state: Operand,
        expected: u32,
        otherwise: u32,
    },
    /// The value is a state with contents of this type.
    GuardState {
        state: Operand,
        constant: u32,
        otherwise: u32,
    },
    /// Takes a value that the state may have as its content.
    ContentFor {
        to: Slot,
        state: Operand,
        from: Slot,
        otherwise: u32,
    },
    /// Gives a state its next content; the state is the result.
    ChangeState {
        to: Slot,
        state: Operand,
        value: Operand,
        otherwise: u32,
    },
    /// Unifies two values; a failure ends this branch.
    Unify {
        slot: Slot,
        with: Operand,
        otherwise: u32,
    },
    /// Like `MatchExpression`, where a space has to be searched: see `otherwise`.
    Expect {
        slot: Slot,
        length: u32,
        variable: u32,
        otherwise: u32,
    },

    // Conditions for the instructions that follow.
    /// The value is what it has to be.
    Guard {
        slot: Slot,
        known: Known,
        otherwise: u32,
    },
    /// The expected type takes results of a type.
    GuardExpected {
        constant: u32,
        otherwise: u32,
    },
    /// What the clause was compiled for still holds.
    GuardDeclared {
        clause: u32,
        otherwise: u32,
    },

    // Control.
    Jump {
        to: u32,
    },
    JumpUnless {
        test: Test,
        a: Operand,
        b: Operand,
        to: u32,
        otherwise: u32,
    },
    /// Goes on at `to` for `False`, at the next instruction for `True`.
    Branch {
        slot: Slot,
        to: u32,
        otherwise: u32,
    },
    Call {
        site: u32,
    },
    /// A call whose result is that of the activation, which ends.
    TailCall {
        site: u32,
    },
    /// A call whose result is that of the block, in an activation that goes on.
    LastCall {
        site: u32,
    },
    /// The value is a head whose calls are read as tuples, and there are rules for calls of it with so many
    /// arguments if that `matters`.
    GuardHead {
        slot: Slot,
        arity: u8,
        matters: bool,
        otherwise: u32,
    },
    /// Calls what the head of a call was evaluated to.
    Apply {
        site: u32,
        otherwise: u32,
    },
    /// Calls a head that has a type which takes the operands as they stand.
    ApplyTyped {
        site: u32,
        otherwise: u32,
    },
    /// Makes the tuple of a call that no rule can reduce, or calls.
    Construct {
        to: Slot,
        site: u32,
    },
    /// A result, to be evaluated with a type (`NONE` for the one in slot 0).
    Return {
        value: Operand,
        expected: u32,
        otherwise: u32,
    },
    /// A result that is known to be a number, a truth value or unit with the right type.
    Give {
        value: Operand,
    },
    /// Takes a result, whatever it is.
    Take {
        to: Slot,
    },
    /// Matches like a head, up to `Body`; if that fails, goes on at `next`.
    Try {
        next: u32,
    },
    /// Goes on at `next` if a value, or an element of it, cannot match an expression of this length and head, or
    /// the constant `head` for the length 0.
    Skip {
        slot: Slot,
        element: u8,
        length: u16,
        head: u32,
        next: u32,
    },
    /// The space in which rules are looked up is that of the module.
    GuardContext {
        otherwise: u32,
    },
    /// The value is no space, in which a pattern would be looked up.
    GuardPlain {
        slot: Slot,
        otherwise: u32,
    },
    /// Finds the table that a query needs, and notes when the query began.
    Prepare {
        query: u32,
        otherwise: u32,
    },
    /// Goes on with each fact that matches the pattern of a query.
    Search {
        query: u32,
    },
    /// Both at once, for a query with one pattern.
    Query {
        query: u32,
        otherwise: u32,
    },
    /// Goes on with each element of a list in turn.
    Superpose {
        list: Operand,
        to: Slot,
        site: u32,
    },
    /// Goes on, and later at the site.
    Either {
        site: u32,
    },
    /// Collects the results of the instructions that follow.
    Collapse {
        site: u32,
    },
    /// Takes a value that needs no reduction.
    Quick {
        to: Slot,
        from: Operand,
        otherwise: u32,
    },
    /// Runs a template for each element of a list.
    Each {
        each: u32,
    },
    /// Takes the first element of a list, or goes on at `empty`.
    First {
        list: Operand,
        to: Slot,
        empty: u32,
    },
    /// Makes the error that a call returns nothing.
    NoReturn {
        to: Slot,
        call: Slot,
    },
    /// Runs the instructions that follow as an evaluation of its own.
    Block {
        site: u32,
    },
    /// Like `Block`; without any result it goes on with `Empty`.
    Cases {
        site: u32,
    },
    /// Evaluates or calls a term in the general way.
    General {
        site: u32,
    },
    /// Runs an instruction of Minimal MeTTa in the general way.
    Exec {
        site: u32,
    },
    /// Calls a function for what its rules come to.
    CallStep {
        site: u32,
    },
    /// Takes what `return` gives, if the value is that.
    Returned {
        slot: Slot,
        otherwise: u32,
    },
    /// The value is neither an instruction nor the name of one.
    GuardData {
        slot: Slot,
        otherwise: u32,
    },
    /// The value, as the result of a call, says nothing of the call, and is no error.
    GuardOutcome {
        slot: Slot,
        otherwise: u32,
    },
    Fail,
}

/// How a value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// With the type in slot 0.
    Dynamic,
    /// With this type.
    Type(Cell),
}

/// Where a result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It is the result of the activation.
    Tail,
    /// It is the result of the innermost block.
    Block,
    /// To the instruction at this place, with these slots in use.
    At { pc: u32, live: Live },
}

/// What to do in the general way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Evaluate the template.
    Evaluate,
    /// Call the template, whose elements are evaluated.
    Call,
    /// Go on with the value of a slot as a result of the call that is the template.
    ResultOf(Operand),
    /// Go on with the value of a slot as what the instructions that are the template came to.
    Outcome(Operand),
    /// Run the template as an instruction.
    Exec,
    /// Go on with the value of a slot as what the body of the `function` that is the template came to.
    Steps(Operand),
    /// Call this function with these operands; each is given with the slot it was evaluated from.
    Function { id: u32, operands: u32, count: u8 },
    /// Call the first of these operands with the others.
    Apply { operands: u32, count: u8 },
}

/// A place of an activation that the machine leaves and comes back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) task: Task,
    pub(crate) template: u32,
    pub(crate) expected: Expected,
    pub(crate) resume: Resume,
    /// Whether a literal `Empty` or error ends the evaluation, as it does in tuples.
    pub(crate) tuple: bool,
    /// The slots of the activation.
    pub(crate) size: u8,
    /// Whether the operands of a last call can be moved one after the other to where the activation begins.
    pub(crate) ordered: bool,
    /// Whether the template is evaluated only if there is no type error in it.
    pub(crate) judged: bool,
    /// Whether the operands of a call may be what they were evaluated from.
    pub(crate) keeps: Keeps,
}

impl Site {
    pub(crate) fn new(task: Task, expected: Expected, resume: Resume) -> Self {
        Site {
            task,
            template: 0,
            expected,
            resume,
            tuple: false,
            size: 0,
            ordered: false,
            judged: false,
            keeps: Keeps::Not,
        }
    }
}

/// A call of an operation that takes numbers and truth values and has no effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Native {
    pub(crate) builtin: &'static Builtin,
    pub(crate) operation: Cell,
    /// Index of the first operand in [`Code::arguments`](super::Code::arguments).
    pub(crate) operands: u32,
    pub(crate) count: u8,
    /// Which operands have to be truth values.
    pub(crate) truths: u8,
}

/// A pattern to be looked up in a space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) space: Operand,
    pub(crate) head: SymbolId,
    pub(crate) length: u32,
    /// Where the number of the table is kept, and the time when the query began.
    pub(crate) table: Slot,
    pub(crate) time: Slot,
    pub(crate) template: u32,
    /// The slots that hold something before a fact is matched.
    pub(crate) bound: Live,
    pub(crate) live: Live,
    /// The slots of the activation.
    pub(crate) size: u8,
    /// Where the fact is put.
    pub(crate) fact: Slot,
    /// The code that matches a fact without variables, and what follows.
    pub(crate) closed: u32,
    pub(crate) body: u32,
    /// The variables that a fact with variables may bind: where they begin in `Code::fresh`, and how many.
    pub(crate) fresh: (u32, u8),
    /// What is done with the arguments of a fact without variables, if none of the pattern has to be taken
    /// apart: where that begins in `Code::columns`, and with how many. Then `closed` is what follows.
    pub(crate) columns: Option<(u32, u8)>,
    /// Whether every fact with the head matches.
    pub(crate) takes_all: bool,
    /// How many of the arguments have a value before a fact is matched.
    pub(crate) wanted: u8,
}

/// What a pattern asks of an argument of a fact.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Nothing: the slot takes it.
    Take(Slot),
    /// That it unifies with what the slot holds.
    Same(Slot),
    /// That it unifies with a constant.
    Constant(u32),
}

/// What is made of the values that a template has for the elements of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Map,
    Filter,
    Fold,
}

/// A template that runs for each element of a list, in an activation of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Each {
    pub(crate) way: Way,
    /// Where the result goes.
    pub(crate) site: u32,
    pub(crate) list: Operand,
    /// What a fold begins with.
    pub(crate) first: Operand,
    pub(crate) accumulator: Slot,
    pub(crate) element: Slot,
    /// The slots that the template reads besides.
    pub(crate) captured: Live,
    pub(crate) live: Live,
    /// A value with the mark of an evaluated expression is what the template was.
    pub(crate) marks: bool,
    /// The slots of the activation.
    pub(crate) size: u8,
    /// The code of the template.
    pub(crate) body: u32,
    /// Where a value is dealt with that is no verdict, or no value.
    pub(crate) odd: u32,
}

/// An operand of a call, and what it was before it was evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub(crate) value: Operand,
    pub(crate) source: Source,
}

/// Whether the arguments of a call evaluated to themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// One of them is sure to differ.
    Not,
    /// If the activation was not left before.
    Straight,
    /// If this one bears the mark of an evaluated expression, too.
    Marked(Slot),
    /// What is in the slots says.
    Look,
    /// What was noted in this slot says.
    Noted(Slot),
}

/// Whether an argument evaluated to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is what it was.
    Same,
    /// If it is what this slot holds.
    Slot(Slot),
    /// If it is this constant.
    Constant(u32),
    /// If it bears the mark of an evaluated expression.
    Marked,
    /// It is something else.
    Other,
}
