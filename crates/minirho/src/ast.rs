//! Programs as trees.

use std::sync::Arc;

/// A place in the text, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A process; also an expression or a pattern.
#[derive(Debug)]
pub(crate) struct Proc {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

pub(crate) type Shared = Arc<Proc>;

#[derive(Debug)]
pub(crate) enum Kind {
    Nil,
    Par(Vec<Shared>),
    New {
        names: Vec<Declared>,
        body: Shared,
    },
    Send {
        channel: Name,
        arguments: Vec<Shared>,
        persistent: bool,
    },
    /// `channel!?(arguments)`, and what follows the answer.
    Ask {
        channel: Name,
        arguments: Vec<Shared>,
        then: Option<Shared>,
    },
    For {
        binds: Arc<Vec<Bind>>,
        arrow: Arrow,
        body: Shared,
    },
    Match {
        target: Shared,
        cases: Vec<(Shared, Shared)>,
    },
    If {
        condition: Shared,
        then: Shared,
        otherwise: Option<Shared>,
    },
    /// `*name`.
    Eval(Name),
    Variable(Arc<str>),
    Wildcard,
    Bool(bool),
    Int(i64),
    String(Arc<str>),
    Uri(Arc<str>),
    Collection {
        kind: Collection,
        elements: Vec<Shared>,
        rest: Option<Rest>,
    },
    Map {
        entries: Vec<(Shared, Shared)>,
        rest: Option<Rest>,
    },
    Unary(Unary, Shared),
    Binary(Binary, Shared, Shared),
    Method {
        target: Shared,
        name: Arc<str>,
        arguments: Vec<Shared>,
    },
    /// `p /\ q` of patterns.
    Both(Shared, Shared),
    /// `p \/ q` of patterns.
    Either(Shared, Shared),
    /// `~p`.
    Not(Shared),
    /// `Int` and so on.
    Type(Type),
    /// `=x` and `=*x`: what the variable was bound to.
    Reference(Arc<str>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Collection {
    List,
    Tuple,
    Set,
    PathMap,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Bool,
    Int,
    String,
    Uri,
    ByteArray,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unary {
    Negate,
    Not,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binary {
    Or,
    And,
    Matches,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Concatenate,
    Without,
    Times,
    Divide,
    Modulo,
    Interpolate,
}

/// A name declared by `new`.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: Arc<str>,
    pub(crate) uri: Option<Arc<str>>,
    pub(crate) span: Span,
}

/// A name: a variable, a quoted process, or in patterns `_`.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) span: Span,
    pub(crate) kind: NameKind,
}

#[derive(Debug)]
pub(crate) enum NameKind {
    Variable(Arc<str>),
    Quote(Shared),
    Wildcard,
}

/// What matches the elements that no other pattern does; `None` when nobody wants to know.
#[derive(Debug)]
pub(crate) struct Rest(pub(crate) Option<Arc<str>>);

/// How messages are received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrow {
    /// `<-`: once.
    Once,
    /// `<=`, and contracts: again and again.
    Repeated,
    /// `<<-`: once, and the messages stay.
    Peek,
}

/// `patterns <- source`.
#[derive(Debug)]
pub(crate) struct Bind {
    pub(crate) patterns: Vec<Name>,
    pub(crate) rest: Option<Rest>,
    pub(crate) channel: Name,
    pub(crate) from: From,
}

/// What is done to get messages.
#[derive(Debug)]
pub(crate) enum From {
    /// The channel is listened on.
    Channel,
    /// `channel!?(arguments)`: these are sent with a new name, which is listened on.
    Answer(Vec<Shared>),
    /// `channel?!`: the first thing in a message is a name to be told that it was received.
    Acknowledged,
}
