//! Tokens to trees, by recursive descent.
//!
//! Invariant D1: trees nest no deeper than [`MOST_NESTED`], so whoever walks one by recursion fits a small stack.

use std::sync::Arc;

use crate::ProgramError;
use crate::ast::*;
use crate::lexer::{Token, tokens};

/// How deep processes may nest.
const MOST_NESTED: usize = 128;

/// Binary operators with how strongly they bind.
const OPERATORS: &[(&str, Binary, u8)] = &[
    ("or", Binary::Or, 1),
    ("and", Binary::And, 2),
    ("matches", Binary::Matches, 3),
    ("==", Binary::Equal, 4),
    ("!=", Binary::NotEqual, 4),
    ("<", Binary::Less, 5),
    ("<=", Binary::LessEqual, 5),
    (">", Binary::Greater, 5),
    (">=", Binary::GreaterEqual, 5),
    ("+", Binary::Plus, 6),
    ("-", Binary::Minus, 6),
    ("++", Binary::Concatenate, 6),
    ("--", Binary::Without, 6),
    ("*", Binary::Times, 7),
    ("/", Binary::Divide, 7),
    ("%", Binary::Modulo, 7),
    ("%%", Binary::Interpolate, 7),
];

const KEYWORDS: &[&str] = &[
    "new",
    "in",
    "for",
    "contract",
    "match",
    "if",
    "else",
    "bundle",
    "Nil",
    "true",
    "false",
    "and",
    "or",
    "not",
    "matches",
    "Set",
    "Bool",
    "Int",
    "String",
    "Uri",
    "ByteArray",
];

pub(crate) fn parse(text: &str) -> Result<Shared, ProgramError> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
    let program = if parser.peek() == Token::End { parser.nil() } else { parser.par()? };
    match parser.peek() {
        Token::End => Ok(program),
        _ => Err(parser.expected("`|` or the end of the program")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token<'t>, Span)>,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, ProgramError>;

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        self.tokens[self.at].0
    }

    fn peek_second(&self) -> Token<'t> {
        self.tokens.get(self.at + 1).map_or(Token::End, |(token, _)| *token)
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found =
            self.peek() == Token::Word(symbol) || matches!(self.peek(), Token::Symbol(s) if s == symbol);
        if found {
            self.advance();
        }
        found
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(s) if s == symbol)
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    fn expected(&self, what: &str) -> ProgramError {
        let found = match self.peek() {
            Token::End => "the end of the program".to_owned(),
            _ => format!("`{}`", &self.text[self.span().start..self.span().end]),
        };
        ProgramError::at(self.text, self.span(), &format!("expected {what}, found {found}"))
    }

    fn nil(&self) -> Shared {
        Arc::new(Proc { span: self.span(), kind: Kind::Nil })
    }

    /// Makes a process that began at `start`.
    fn make(&self, start: Span, kind: Kind) -> Shared {
        let end = self.tokens[self.at.saturating_sub(1)].1.end.max(start.end);
        Arc::new(Proc { span: Span { start: start.start, end }, kind })
    }

    /// D1: everything that nests passes here.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MOST_NESTED {
            let message = format!("more than {MOST_NESTED} levels inside each other");
            return Err(ProgramError::at(self.text, self.span(), &message));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// D1: counts what makes a tree deeper on its left side.
    fn link(&self, links: &mut usize) -> Parsed<()> {
        *links += 1;
        if *links < MOST_NESTED {
            return Ok(());
        }
        let message = format!("more than {MOST_NESTED} operators or methods in a row");
        Err(ProgramError::at(self.text, self.span(), &message))
    }

    /// `P | Q | ...`
    fn par(&mut self) -> Parsed<Shared> {
        let start = self.span();
        let mut parts = vec![self.process()?];
        while self.eat("|") {
            parts.push(self.process()?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Ok(self.make(start, Kind::Par(parts)))
            }
        }
    }

    fn process(&mut self) -> Parsed<Shared> {
        self.nested(|parser| match parser.peek() {
            Token::Word("new") => parser.new_names(),
            Token::Word("for") => parser.receive(),
            Token::Word("contract") => parser.contract(),
            Token::Word("match") => parser.match_cases(),
            Token::Word("if") => parser.conditional(),
            Token::Word("bundle") => parser.bundle(),
            _ => parser.send_or_expression(),
        })
    }

    fn new_names(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let mut names = Vec::new();
        loop {
            let span = self.span();
            let name = self.variable()?;
            let mut uri = None;
            if self.eat("(") {
                let Token::Uri(text) = self.peek() else { return Err(self.expected("a URI in backquotes")) };
                self.advance();
                uri = Some(text.into());
                self.expect(")")?;
            }
            names.push(Declared { name, uri, span });
            if !self.eat(",") {
                break;
            }
        }
        self.expect("in")?;
        let body = self.process()?;
        Ok(self.make(start, Kind::New { names, body }))
    }

    fn receive(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        self.expect("(")?;
        let mut binds = Vec::new();
        let mut arrow = None;
        loop {
            let span = self.span();
            let (patterns, rest) = self.patterns(&["<-", "<=", "<<-"])?;
            let this = match self.peek() {
                Token::Symbol("<-") => Arrow::Once,
                Token::Symbol("<=") => Arrow::Repeated,
                Token::Symbol("<<-") => Arrow::Peek,
                _ => return Err(self.expected("`<-`, `<=` or `<<-`")),
            };
            self.advance();
            if *arrow.get_or_insert(this) != this {
                return Err(ProgramError::at(self.text, span, "one `for` has one kind of arrow"));
            }
            let channel = self.name()?;
            let from = if self.eat("!?") {
                From::Answer(self.arguments()?)
            } else if self.eat("?!") {
                From::Acknowledged
            } else {
                From::Channel
            };
            if this != Arrow::Once && !matches!(from, From::Channel) {
                return Err(ProgramError::at(self.text, span, "`!?` and `?!` go with `<-` only"));
            }
            binds.push(Bind { patterns, rest, channel, from });
            if !self.eat(";") && !self.eat("&") {
                break;
            }
        }
        self.expect(")")?;
        let body = self.block()?;
        let arrow = arrow.unwrap_or(Arrow::Once);
        Ok(self.make(start, Kind::For { binds: Arc::new(binds), arrow, body }))
    }

    fn contract(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let channel = self.name()?;
        self.expect("(")?;
        let (patterns, rest) = self.patterns(&[")"])?;
        self.expect(")")?;
        self.expect("=")?;
        let body = self.block()?;
        let binds = Arc::new(vec![Bind { patterns, rest, channel, from: From::Channel }]);
        Ok(self.make(start, Kind::For { binds, arrow: Arrow::Repeated, body }))
    }

    /// Patterns of names, up to one of `ends`.
    fn patterns(&mut self, ends: &[&str]) -> Parsed<(Vec<Name>, Option<Rest>)> {
        let mut patterns = Vec::new();
        if ends.iter().any(|end| self.is(end)) {
            return Ok((patterns, None));
        }
        loop {
            if self.eat("...") {
                self.eat("@");
                return Ok((patterns, Some(self.rest()?)));
            }
            patterns.push(self.name()?);
            if !self.eat(",") {
                let rest = if self.eat("...") {
                    self.eat("@");
                    Some(self.rest()?)
                } else {
                    None
                };
                return Ok((patterns, rest));
            }
        }
    }

    fn match_cases(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let target = self.expression(0)?;
        self.expect("{")?;
        let mut cases = Vec::new();
        while !self.eat("}") {
            let pattern = self.nested(|parser| parser.expression(0))?;
            self.expect("=>")?;
            cases.push((pattern, self.process()?));
        }
        Ok(self.make(start, Kind::Match { target, cases }))
    }

    fn conditional(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        self.expect("(")?;
        let condition = self.expression(0)?;
        self.expect(")")?;
        let then = self.process()?;
        let otherwise = if self.eat("else") { Some(self.process()?) } else { None };
        Ok(self.make(start, Kind::If { condition, then, otherwise }))
    }

    /// `bundle+ { P }`: who may send and receive is not checked here.
    fn bundle(&mut self) -> Parsed<Shared> {
        self.advance();
        if !self.eat("+") && !self.eat("-") && self.peek() == Token::Int(0) {
            self.advance();
        }
        self.block()
    }

    /// `{ P }`, where `{}` does nothing.
    fn block(&mut self) -> Parsed<Shared> {
        if self.is("{") && self.peek_second() == Token::Symbol("}") {
            self.advance();
            self.advance();
            return Ok(self.nil());
        }
        self.process()
    }

    fn send_or_expression(&mut self) -> Parsed<Shared> {
        let start = self.span();
        let at = self.at;
        let is_name = self.is("@")
            || matches!((self.peek(), self.peek_second()),
            (Token::Word(word), Token::Symbol("!" | "!!" | "!?")) if !KEYWORDS.contains(&word));
        if is_name {
            let channel = self.name()?;
            if self.eat("!?") {
                let arguments = self.arguments()?;
                let then = if self.eat(";") { Some(self.process()?) } else { None };
                if then.is_none() {
                    self.expect(".")?;
                }
                return Ok(self.make(start, Kind::Ask { channel, arguments, then }));
            }
            let persistent = self.is("!!");
            if self.eat("!") || self.eat("!!") {
                let arguments = self.arguments()?;
                return Ok(self.make(start, Kind::Send { channel, arguments, persistent }));
            }
            self.at = at;
            return Err(self.expected("a process"));
        }
        self.expression(0)
    }

    fn arguments(&mut self) -> Parsed<Vec<Shared>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.eat(")") {
            arguments.push(self.par()?);
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        Ok(arguments)
    }

    /// An expression or a pattern whose operators bind more strongly than `least`.
    fn expression(&mut self, least: u8) -> Parsed<Shared> {
        let start = self.span();
        let mut left = self.either()?;
        let mut links = 0;
        loop {
            let word = match self.peek() {
                Token::Symbol(symbol) => symbol,
                Token::Word(word) => word,
                _ => break,
            };
            let Some((_, operator, strength)) = OPERATORS.iter().find(|(name, _, _)| *name == word) else {
                break;
            };
            if *strength <= least {
                break;
            }
            self.advance();
            self.link(&mut links)?;
            let right = self.nested(|parser| parser.expression(*strength))?;
            left = self.make(start, Kind::Binary(*operator, left, right));
        }
        Ok(left)
    }

    /// `p \/ q` and `p /\ q`.
    fn either(&mut self) -> Parsed<Shared> {
        let start = self.span();
        let mut left = self.both()?;
        let mut links = 0;
        while self.eat("\\/") {
            self.link(&mut links)?;
            let right = self.both()?;
            left = self.make(start, Kind::Either(left, right));
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Shared> {
        let start = self.span();
        let mut left = self.unary()?;
        let mut links = 0;
        while self.eat("/\\") {
            self.link(&mut links)?;
            let right = self.unary()?;
            left = self.make(start, Kind::Both(left, right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Shared> {
        let start = self.span();
        if self.eat("-") {
            if let Token::Int(value) = self.peek() {
                self.advance();
                let literal = self.make(start, Kind::Int(-value));
                return self.methods(start, literal);
            }
            let operand = self.nested(Self::unary)?;
            return Ok(self.make(start, Kind::Unary(Unary::Negate, operand)));
        }
        if self.eat("not") {
            let operand = self.nested(Self::unary)?;
            return Ok(self.make(start, Kind::Unary(Unary::Not, operand)));
        }
        if self.eat("~") {
            let operand = self.nested(Self::unary)?;
            return Ok(self.make(start, Kind::Not(operand)));
        }
        let target = self.primary()?;
        self.methods(start, target)
    }

    /// `target.method(arguments)...`
    fn methods(&mut self, start: Span, mut target: Shared) -> Parsed<Shared> {
        let mut links = 0;
        while self.is(".") && matches!(self.peek_second(), Token::Word(_)) {
            self.link(&mut links)?;
            self.advance();
            let Token::Word(name) = self.peek() else { return Err(self.expected("a method")) };
            self.advance();
            let arguments = self.arguments()?;
            target = self.make(start, Kind::Method { target, name: name.into(), arguments });
        }
        Ok(target)
    }

    fn primary(&mut self) -> Parsed<Shared> {
        let start = self.span();
        let kind = match self.peek() {
            Token::Int(value) => Kind::Int(value),
            Token::String(text) => Kind::String(text.into()),
            Token::Uri(text) => Kind::Uri(text.into()),
            Token::Word("true") => Kind::Bool(true),
            Token::Word("false") => Kind::Bool(false),
            Token::Word("Nil") => Kind::Nil,
            Token::Word("_") => Kind::Wildcard,
            Token::Word("Bool") => Kind::Type(Type::Bool),
            Token::Word("Int") => Kind::Type(Type::Int),
            Token::Word("String") => Kind::Type(Type::String),
            Token::Word("Uri") => Kind::Type(Type::Uri),
            Token::Word("ByteArray") => Kind::Type(Type::ByteArray),
            Token::Word("Set") => return self.set(),
            Token::Word(word) if !KEYWORDS.contains(&word) => Kind::Variable(word.into()),
            Token::Symbol("*") => {
                self.advance();
                let name = self.name()?;
                return Ok(self.make(start, Kind::Eval(name)));
            }
            Token::Symbol("=") => {
                self.advance();
                self.eat("*");
                let name = self.variable()?;
                return Ok(self.make(start, Kind::Reference(name)));
            }
            Token::Symbol("[") => return self.collection(Collection::List, "]"),
            Token::Symbol("{|") => return self.collection(Collection::PathMap, "|}"),
            Token::Symbol("(") => return self.parentheses(),
            Token::Symbol("{") => return self.braces(),
            _ => return Err(self.expected("a process")),
        };
        self.advance();
        Ok(self.make(start, kind))
    }

    fn set(&mut self) -> Parsed<Shared> {
        self.advance();
        if !self.is("(") {
            return Err(self.expected("`(`"));
        }
        self.collection(Collection::Set, ")")
    }

    /// Elements up to `end`, with what remains perhaps.
    fn collection(&mut self, kind: Collection, end: &str) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let mut elements = Vec::new();
        let mut rest = None;
        while !self.eat(end) {
            if self.eat("...") {
                rest = Some(self.rest()?);
                self.expect(end)?;
                break;
            }
            elements.push(self.element()?);
            if !self.is(end) && !self.is("...") {
                self.expect(",")?;
            }
        }
        Ok(self.make(start, Kind::Collection { kind, elements, rest }))
    }

    fn element(&mut self) -> Parsed<Shared> {
        self.nested(Self::par)
    }

    /// What stands behind `...`.
    fn rest(&mut self) -> Parsed<Rest> {
        if self.eat("_") { Ok(Rest(None)) } else { Ok(Rest(Some(self.variable()?))) }
    }

    /// A tuple, or something in parentheses.
    fn parentheses(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let mut elements = Vec::new();
        let mut is_tuple = self.is(")");
        while !self.eat(")") {
            elements.push(self.element()?);
            if !self.is(")") {
                self.expect(",")?;
                is_tuple = true;
            }
        }
        match elements.pop() {
            Some(only) if !is_tuple => Ok(only),
            last => {
                elements.extend(last);
                Ok(self.make(start, Kind::Collection { kind: Collection::Tuple, elements, rest: None }))
            }
        }
    }

    /// A map, or a block.
    fn braces(&mut self) -> Parsed<Shared> {
        let start = self.span();
        self.advance();
        let mut entries = Vec::new();
        let mut rest = None;
        while !self.eat("}") {
            if self.eat("...") {
                rest = Some(self.rest()?);
                self.expect("}")?;
                break;
            }
            let key = self.element()?;
            if entries.is_empty() && !self.is(":") {
                self.expect("}")?;
                return Ok(key);
            }
            self.expect(":")?;
            entries.push((key, self.element()?));
            if !self.is("}") && !self.is("...") {
                self.expect(",")?;
            }
        }
        Ok(self.make(start, Kind::Map { entries, rest }))
    }

    fn variable(&mut self) -> Parsed<Arc<str>> {
        match self.peek() {
            Token::Word(word) if !KEYWORDS.contains(&word) && word != "_" => {
                self.advance();
                Ok(word.into())
            }
            _ => Err(self.expected("a name")),
        }
    }

    /// A variable, `@P` or `_`.
    fn name(&mut self) -> Parsed<Name> {
        let start = self.span();
        let kind = if self.eat("@") {
            NameKind::Quote(self.nested(Self::unary)?)
        } else if self.eat("_") {
            NameKind::Wildcard
        } else {
            NameKind::Variable(self.variable()?)
        };
        let end = self.tokens[self.at.saturating_sub(1)].1.end;
        Ok(Name { span: Span { start: start.start, end }, kind })
    }
}
