//! The messages of Rholang's protobuf package `rhoapi`, as far as `Par` reaches.
//!
//! Messages with the same fields on the wire share a struct: lists, sets and path
//! maps, operators with two operands, names that are one byte string.

#![expect(missing_docs, reason = "a field means what the wire format says")]

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Message, Oneof};

/// A process: parts that run side by side. A value is a process of one expression.
#[derive(Clone, PartialEq, Message)]
pub struct Par {
    #[prost(message, repeated, tag = "1")]
    pub sends: Vec<Send>,
    #[prost(message, repeated, tag = "2")]
    pub receives: Vec<Receive>,
    #[prost(message, repeated, tag = "4")]
    pub news: Vec<New>,
    #[prost(message, repeated, tag = "5")]
    pub exprs: Vec<Expr>,
    #[prost(message, repeated, tag = "6")]
    pub matches: Vec<Match>,
    #[prost(message, repeated, tag = "7")]
    pub unforgeables: Vec<Unforgeable>,
    #[prost(message, repeated, tag = "8")]
    pub connectives: Vec<Connective>,
    #[prost(bytes = "vec", tag = "9")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "10")]
    pub connective_used: bool,
    #[prost(message, repeated, tag = "11")]
    pub bundles: Vec<Bundle>,
}

/// `chan!(data)`, or `chan!!(data)` when persistent.
#[derive(Clone, PartialEq, Message)]
pub struct Send {
    #[prost(message, optional, boxed, tag = "1")]
    pub chan: Option<Box<Par>>,
    #[prost(message, repeated, tag = "2")]
    pub data: Vec<Par>,
    #[prost(bool, tag = "3")]
    pub persistent: bool,
    #[prost(bytes = "vec", tag = "5")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "6")]
    pub connective_used: bool,
}

/// `for (binds) { body }`.
#[derive(Clone, PartialEq, Message)]
pub struct Receive {
    #[prost(message, repeated, tag = "1")]
    pub binds: Vec<ReceiveBind>,
    #[prost(message, optional, boxed, tag = "2")]
    pub body: Option<Box<Par>>,
    #[prost(bool, tag = "3")]
    pub persistent: bool,
    #[prost(bool, tag = "4")]
    pub peek: bool,
    #[prost(int32, tag = "5")]
    pub bind_count: i32,
    #[prost(bytes = "vec", tag = "6")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "7")]
    pub connective_used: bool,
}

/// `patterns <- source`.
#[derive(Clone, PartialEq, Message)]
pub struct ReceiveBind {
    #[prost(message, repeated, tag = "1")]
    pub patterns: Vec<Par>,
    #[prost(message, optional, boxed, tag = "2")]
    pub source: Option<Box<Par>>,
    #[prost(message, optional, tag = "3")]
    pub remainder: Option<Var>,
    #[prost(int32, tag = "4")]
    pub free_count: i32,
}

/// `new x in { p }`.
#[derive(Clone, PartialEq, Message)]
pub struct New {
    #[prost(sint32, tag = "1")]
    pub bind_count: i32,
    #[prost(message, optional, boxed, tag = "2")]
    pub p: Option<Box<Par>>,
    #[prost(string, repeated, tag = "3")]
    pub uri: Vec<String>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub injections: BTreeMap<String, Par>,
    #[prost(bytes = "vec", tag = "5")]
    pub locally_free: Vec<u8>,
}

/// `match target { cases }`.
#[derive(Clone, PartialEq, Message)]
pub struct Match {
    #[prost(message, optional, boxed, tag = "1")]
    pub target: Option<Box<Par>>,
    #[prost(message, repeated, tag = "2")]
    pub cases: Vec<MatchCase>,
    #[prost(bytes = "vec", tag = "4")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "5")]
    pub connective_used: bool,
}

/// `pattern => source`.
#[derive(Clone, PartialEq, Message)]
pub struct MatchCase {
    #[prost(message, optional, boxed, tag = "1")]
    pub pattern: Option<Box<Par>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub source: Option<Box<Par>>,
    #[prost(int32, tag = "3")]
    pub free_count: i32,
}

/// `bundle { body }`.
#[derive(Clone, PartialEq, Message)]
pub struct Bundle {
    #[prost(message, optional, boxed, tag = "1")]
    pub body: Option<Box<Par>>,
    #[prost(bool, tag = "2")]
    pub write_flag: bool,
    #[prost(bool, tag = "3")]
    pub read_flag: bool,
}

/// An expression.
#[derive(Clone, PartialEq, Message)]
pub struct Expr {
    #[prost(
        oneof = "ExprKind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37"
    )]
    pub kind: Option<ExprKind>,
}

/// What an expression is.
#[derive(Clone, PartialEq, Oneof)]
pub enum ExprKind {
    #[prost(bool, tag = "1")]
    Bool(bool),
    #[prost(sint64, tag = "2")]
    Int(i64),
    #[prost(string, tag = "3")]
    String(String),
    #[prost(string, tag = "4")]
    Uri(String),
    #[prost(message, tag = "5")]
    Not(Unary),
    #[prost(message, tag = "6")]
    Neg(Unary),
    #[prost(message, tag = "7")]
    Mult(Binary),
    #[prost(message, tag = "8")]
    Div(Binary),
    #[prost(message, tag = "9")]
    Plus(Binary),
    #[prost(message, tag = "10")]
    Minus(Binary),
    #[prost(message, tag = "11")]
    Lt(Binary),
    #[prost(message, tag = "12")]
    Lte(Binary),
    #[prost(message, tag = "13")]
    Gt(Binary),
    #[prost(message, tag = "14")]
    Gte(Binary),
    #[prost(message, tag = "15")]
    Eq(Binary),
    #[prost(message, tag = "16")]
    Neq(Binary),
    #[prost(message, tag = "17")]
    And(Binary),
    #[prost(message, tag = "18")]
    Or(Binary),
    #[prost(message, tag = "19")]
    Var(EVar),
    #[prost(message, tag = "20")]
    List(List),
    #[prost(message, tag = "21")]
    Tuple(Tuple),
    #[prost(message, tag = "22")]
    Set(List),
    #[prost(message, tag = "23")]
    Map(Map),
    #[prost(message, tag = "24")]
    Method(Method),
    /// Shared: a clone costs O(1), and what is decoded from [`Bytes`] is a part of them.
    #[prost(bytes = "bytes", tag = "25")]
    ByteArray(Bytes),
    #[prost(message, tag = "27")]
    Matches(Binary),
    #[prost(message, tag = "28")]
    PercentPercent(Binary),
    #[prost(message, tag = "29")]
    PlusPlus(Binary),
    #[prost(message, tag = "30")]
    MinusMinus(Binary),
    #[prost(message, tag = "31")]
    Mod(Binary),
    #[prost(message, tag = "32")]
    PathMap(List),
    #[prost(message, tag = "33")]
    Zipper(Zipper),
    /// The bits of a 64-bit float.
    #[prost(fixed64, tag = "34")]
    Double(u64),
    /// An integer of any size, big endian in two's complement.
    #[prost(bytes = "vec", tag = "35")]
    BigInt(Vec<u8>),
    #[prost(message, tag = "36")]
    BigRational(Rational),
    #[prost(message, tag = "37")]
    FixedPoint(FixedPoint),
}

/// The operand of an operator.
#[derive(Clone, PartialEq, Message)]
pub struct Unary {
    #[prost(message, optional, boxed, tag = "1")]
    pub p: Option<Box<Par>>,
}

/// Both operands of an operator.
#[derive(Clone, PartialEq, Message)]
pub struct Binary {
    #[prost(message, optional, boxed, tag = "1")]
    pub p1: Option<Box<Par>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub p2: Option<Box<Par>>,
}

/// A variable as an expression.
#[derive(Clone, PartialEq, Message)]
pub struct EVar {
    #[prost(message, optional, tag = "1")]
    pub v: Option<Var>,
}

/// A list, a set or a path map.
#[derive(Clone, PartialEq, Message)]
pub struct List {
    #[prost(message, repeated, tag = "1")]
    pub ps: Vec<Par>,
    #[prost(bytes = "vec", tag = "3")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub connective_used: bool,
    #[prost(message, optional, tag = "5")]
    pub remainder: Option<Var>,
}

/// A tuple.
#[derive(Clone, PartialEq, Message)]
pub struct Tuple {
    #[prost(message, repeated, tag = "1")]
    pub ps: Vec<Par>,
    #[prost(bytes = "vec", tag = "3")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub connective_used: bool,
}

/// A map.
#[derive(Clone, PartialEq, Message)]
pub struct Map {
    #[prost(message, repeated, tag = "1")]
    pub kvs: Vec<KeyValue>,
    #[prost(bytes = "vec", tag = "3")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub connective_used: bool,
    #[prost(message, optional, tag = "5")]
    pub remainder: Option<Var>,
}

/// An entry of a map.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    #[prost(message, optional, boxed, tag = "1")]
    pub key: Option<Box<Par>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub value: Option<Box<Par>>,
}

/// `target.name(arguments)`.
#[derive(Clone, PartialEq, Message)]
pub struct Method {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, boxed, tag = "2")]
    pub target: Option<Box<Par>>,
    #[prost(message, repeated, tag = "3")]
    pub arguments: Vec<Par>,
    #[prost(bytes = "vec", tag = "5")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "6")]
    pub connective_used: bool,
}

/// A place in a path map.
#[derive(Clone, PartialEq, Message)]
pub struct Zipper {
    #[prost(message, optional, tag = "1")]
    pub pathmap: Option<List>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub current_path: Vec<Vec<u8>>,
    #[prost(bool, tag = "3")]
    pub is_write_zipper: bool,
    #[prost(bytes = "vec", tag = "4")]
    pub locally_free: Vec<u8>,
    #[prost(bool, tag = "5")]
    pub connective_used: bool,
}

/// A fraction; both parts big endian in two's complement.
#[derive(Clone, PartialEq, Message)]
pub struct Rational {
    #[prost(bytes = "vec", tag = "1")]
    pub numerator: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub denominator: Vec<u8>,
}

/// A decimal number: `unscaled` divided by ten to the power of `scale`.
#[derive(Clone, PartialEq, Message)]
pub struct FixedPoint {
    #[prost(bytes = "vec", tag = "1")]
    pub unscaled: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub scale: u32,
}

/// A variable.
#[derive(Clone, PartialEq, Message)]
pub struct Var {
    #[prost(oneof = "VarKind", tags = "1, 2, 3")]
    pub kind: Option<VarKind>,
}

/// What a variable is.
#[derive(Clone, PartialEq, Oneof)]
pub enum VarKind {
    #[prost(sint32, tag = "1")]
    Bound(i32),
    #[prost(sint32, tag = "2")]
    Free(i32),
    #[prost(message, tag = "3")]
    Wildcard(Empty),
}

/// A message without fields.
#[derive(Clone, PartialEq, Message)]
pub struct Empty {}

/// A logical pattern.
#[derive(Clone, PartialEq, Message)]
pub struct Connective {
    #[prost(oneof = "ConnectiveKind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9")]
    pub kind: Option<ConnectiveKind>,
}

/// What a logical pattern is.
#[derive(Clone, PartialEq, Oneof)]
pub enum ConnectiveKind {
    #[prost(message, tag = "1")]
    And(ConnectiveBody),
    #[prost(message, tag = "2")]
    Or(ConnectiveBody),
    #[prost(message, tag = "3")]
    Not(Par),
    #[prost(message, tag = "4")]
    VarRef(VarRef),
    #[prost(bool, tag = "5")]
    Bool(bool),
    #[prost(bool, tag = "6")]
    Int(bool),
    #[prost(bool, tag = "7")]
    String(bool),
    #[prost(bool, tag = "8")]
    Uri(bool),
    #[prost(bool, tag = "9")]
    ByteArray(bool),
}

/// The operands of a logical pattern.
#[derive(Clone, PartialEq, Message)]
pub struct ConnectiveBody {
    #[prost(message, repeated, tag = "1")]
    pub ps: Vec<Par>,
}

/// `=x` in a pattern.
#[derive(Clone, PartialEq, Message)]
pub struct VarRef {
    #[prost(sint32, tag = "1")]
    pub index: i32,
    #[prost(sint32, tag = "2")]
    pub depth: i32,
}

/// A name that no program can write.
#[derive(Clone, PartialEq, Message)]
pub struct Unforgeable {
    #[prost(oneof = "UnforgeableKind", tags = "1, 2, 3, 4")]
    pub kind: Option<UnforgeableKind>,
}

/// What an unforgeable name is.
#[derive(Clone, PartialEq, Oneof)]
pub enum UnforgeableKind {
    #[prost(message, tag = "1")]
    Private(Name),
    #[prost(message, tag = "2")]
    DeployId(Name),
    #[prost(message, tag = "3")]
    DeployerId(Name),
    #[prost(message, tag = "4")]
    SysAuthToken(Empty),
}

/// The bytes of an unforgeable name.
#[derive(Clone, PartialEq, Message)]
pub struct Name {
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
}
