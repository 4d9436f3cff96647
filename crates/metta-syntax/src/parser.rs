//! Tokens to atoms, and going on after a mistake.
//!
//! A mistake inside a closed form (a bad escape, say) costs that form only. A
//! form that is still open at the end of the text is the hard case: every later
//! form was read as a part of it. Reading then starts again at the first line
//! after the open bracket that begins with `(` or `!`.
//!
//! Invariant P1: each byte is looked at a bounded number of times. A bracket
//! that is open at the end of the text is open wherever reading starts again, so
//! the brackets found open by the first pass are known to be so by the second,
//! which never reads to the end of the text to find out.

use std::collections::HashSet;

use metta_atom::{Atom, Grounded, SpaceId, Symbol, Variable};

use crate::lexer::{Kind, Lexer, Token};
use crate::{Diagnostic, Span, Words, literal};

/// A top-level form: an atom, to be added to the space or to be evaluated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// The atom.
    pub atom: Atom,
    /// Whether a `!` before the atom asks to evaluate it.
    pub run: bool,
    /// Its bytes, from the `!` when there is one.
    pub span: Span,
}

/// What a text holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parsed {
    /// The forms that could be read, in the order of the text.
    pub forms: Vec<Form>,
    /// All mistakes, in the order of the text; empty when it is well formed.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads all forms of a text. Cost: O(bytes), also for a malformed text.
///
/// `words` gives a meaning to words; `&()` leaves them symbols and literals.
/// A byte-order mark at the start is skipped.
pub fn parse(text: &str, words: &dyn Words) -> Parsed {
    parse_bytes(text.as_bytes(), words)
}

/// Reads all forms of a text that should be UTF-8.
///
/// A form with other bytes is left out and reported; so are such bytes in comments.
pub fn parse_bytes(bytes: &[u8], words: &dyn Words) -> Parsed {
    let mut parser = Parser::new(words);
    let mark = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    parser.feed(bytes, mark, 0)
}

/// U+FEFF, which some editors put at the start of a file.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads forms from whole items, keeping names that recur.
#[derive(Debug)]
pub(crate) struct Parser<W> {
    pub(crate) words: W,
    /// Names of variables.
    variables: Names,
    /// Words that stand for nothing but themselves.
    symbols: Names,
}

/// Names that were read, so that each is kept once. They come from anywhere: the hash has a key.
#[derive(Debug, Default)]
struct Names(HashSet<Symbol, foldhash::fast::RandomState>);

impl Names {
    fn get(&self, name: &str) -> Option<&Symbol> {
        self.0.get(name)
    }

    /// Makes a name, and keeps it for the next time.
    fn add(&mut self, name: &str) -> Symbol {
        // Bounded, because a stream may have more names than fit in memory. Few, because finding one among
        // many costs more than making it anew.
        const MOST_NAMES: usize = 1 << 12;
        const LONGEST: usize = 64;
        let symbol = Symbol::new(name);
        if name.len() <= LONGEST {
            if self.0.len() == MOST_NAMES {
                self.0.clear();
            }
            self.0.insert(symbol.clone());
        }
        symbol
    }
}

impl<W: Words> Parser<W> {
    pub(crate) fn new(words: W) -> Self {
        Parser { words, variables: Names::default(), symbols: Names::default() }
    }

    /// Reads the forms in `bytes` from `at` on; `base` is added to every place.
    pub(crate) fn feed(&mut self, bytes: &[u8], at: usize, base: usize) -> Parsed {
        let mut reading = Reading { parser: self, bytes, base, parsed: Parsed::default(), run: None };
        reading.all(Lexer::new(bytes, at));
        let mut parsed = reading.parsed;
        // An open bracket is reported after the mistakes behind it.
        parsed.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        parsed
    }

    fn variable(&mut self, name: &str) -> Variable {
        let known = self.variables.get(name).cloned();
        Variable::new(known.unwrap_or_else(|| self.variables.add(name)))
    }

    fn word(&mut self, word: &str) -> Atom {
        if let Some(symbol) = self.symbols.get(word) {
            return Atom::Symbol(symbol.clone());
        }
        if let Some(atom) = self.words.atom(word) {
            return atom;
        }
        match word {
            "True" => Atom::bool(true),
            "False" => Atom::bool(false),
            "PI" => Atom::float(std::f64::consts::PI),
            "EXP" => Atom::float(std::f64::consts::E),
            "&self" => Atom::space(SpaceId::TOP),
            _ => match literal::number(word) {
                Some(number) => Atom::number(number),
                None => Atom::Symbol(self.symbols.add(word)),
            },
        }
    }

    /// Makes an expression; `(match & self p t)` is another way to write `(match &self p t)`.
    fn expression(&mut self, mut children: Vec<Atom>) -> Atom {
        if let [head, ampersand, name, _, _] = &children[..]
            && ampersand.as_symbol() == Some("&")
            && name.as_symbol() == Some("self")
            && is_match(head)
        {
            children.remove(2);
            children[1] = self.word("&self");
        }
        Atom::expression(children)
    }
}

/// Reports whether this is the word `match`, be it a symbol or an operation.
fn is_match(atom: &Atom) -> bool {
    match atom {
        Atom::Symbol(name) | Atom::Grounded(Grounded::Operation(name)) => name.name() == "match",
        Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => false,
    }
}

/// One pass over `bytes`.
struct Reading<'r, W> {
    parser: &'r mut Parser<W>,
    bytes: &'r [u8],
    base: usize,
    parsed: Parsed,
    /// Where the `!` is that waits for its atom.
    run: Option<usize>,
}

/// What is open at the end of the text.
struct Open {
    /// The brackets, outermost first.
    brackets: Vec<usize>,
}

impl<'r, W: Words> Reading<'r, W> {
    fn all(&mut self, mut lexer: Lexer<'_>) {
        // P1: known once the end of the text was met inside a form.
        let mut open: Option<Open> = None;
        while let Some(token) = lexer.next() {
            match token.kind {
                Kind::Comment => {
                    self.utf8(token.start, token.end);
                }
                Kind::Close => {
                    let run = self.bytes[token.end..].iter().take_while(|byte| **byte == b')').count();
                    lexer.at = token.end + run;
                    // In a part read again it belongs to a bracket already reported.
                    if open.is_none() {
                        let span = self.span(token.start, lexer.at);
                        self.parsed.diagnostics.push(Diagnostic::stray_bracket(span));
                    }
                }
                Kind::Word if &self.bytes[token.start..token.end] == b"!" => {
                    self.run.get_or_insert(token.start);
                }
                Kind::Open if open.as_ref().is_some_and(|open| open.has(token.start)) => {
                    self.resume(&mut lexer, token, &mut open);
                }
                Kind::Open | Kind::Text | Kind::UnclosedText | Kind::Variable | Kind::Word => {
                    let n_diagnostics = self.parsed.diagnostics.len();
                    if let Err(found) = self.form(&mut lexer, token) {
                        self.parsed.diagnostics.truncate(n_diagnostics);
                        open = Some(found);
                        self.resume(&mut lexer, token, &mut open);
                    }
                }
            }
        }
        if let Some(start) = self.run {
            let span = self.span(start, start + 1);
            self.parsed.diagnostics.push(Diagnostic::nothing_to_run(span));
        }
    }

    /// Reads the form that begins with `first`.
    ///
    /// # Errors
    /// What is open, when the text ends first. `lexer` is then at the end.
    fn form(&mut self, lexer: &mut Lexer<'_>, first: Token) -> Result<(), Open> {
        let run = self.run.take();
        // The children of all open expressions, and where those of each begin.
        let mut atoms: Vec<Atom> = Vec::new();
        let mut frames: Vec<(usize, usize)> = Vec::new();
        let mut good = true;
        let mut next = Some(first);
        while let Some(token) = next {
            match token.kind {
                Kind::Open => frames.push((token.start, atoms.len())),
                Kind::Close => {
                    // The caller never passes `)` as `first`, so a frame is there.
                    let children = frames.pop().map_or(0, |(_, start)| start);
                    let children = atoms.drain(children..).collect();
                    atoms.push(self.parser.expression(children));
                }
                Kind::UnclosedText => break,
                Kind::Comment | Kind::Text | Kind::Variable | Kind::Word => match self.leaf(token) {
                    Some(atom) => atoms.push(atom),
                    None => good &= token.kind == Kind::Comment,
                },
            }
            if frames.is_empty() {
                if let (true, Some(atom)) = (good, atoms.pop()) {
                    let span = self.span(run.unwrap_or(first.start), token.end);
                    self.parsed.forms.push(Form { atom, run: run.is_some(), span });
                }
                return Ok(());
            }
            next = lexer.next();
        }
        Err(Open { brackets: frames.into_iter().map(|(start, _)| start).collect() })
    }

    /// Reports the open form that begins with `first` and moves `lexer` to where
    /// reading starts again.
    fn resume(&mut self, lexer: &mut Lexer<'_>, first: Token, open: &mut Option<Open>) {
        self.run = None;
        lexer.at = first.start;
        for token in lexer.by_ref() {
            match token.kind {
                Kind::UnclosedText => {
                    let span = self.span(token.start, token.start + 1);
                    self.parsed.diagnostics.push(Diagnostic::unclosed_string(span));
                    // The rest was read as a string, so nothing is known about its
                    // brackets. P1: this happens once, because each later quote
                    // follows a backslash and hence does not begin a string.
                    lexer.at = self.next_line_form(token.start);
                    *open = None;
                    return;
                }
                _ if token.start > first.start && self.begins_line_form(token.start) => {
                    lexer.at = token.start;
                    return self.unclosed_bracket(first.start, token.start, open.as_ref());
                }
                Kind::Comment | Kind::Text | Kind::Variable | Kind::Word => {
                    self.leaf(token);
                }
                Kind::Open | Kind::Close => {}
            }
        }
        self.unclosed_bracket(first.start, self.bytes.len(), open.as_ref());
    }

    fn unclosed_bracket(&mut self, start: usize, end: usize, open: Option<&Open>) {
        let n_open = open.map_or(1, |open| open.count(start, end));
        let span = self.span(start, start + 1);
        let diagnostic = Diagnostic::unclosed_bracket(span, n_open, end == self.bytes.len());
        self.parsed.diagnostics.push(diagnostic);
    }

    /// Reports whether `(` or `!` is here, at the start of a line.
    fn begins_line_form(&self, at: usize) -> bool {
        at > 0 && self.bytes[at - 1] == b'\n' && matches!(self.bytes[at], b'(' | b'!')
    }

    fn next_line_form(&self, after: usize) -> usize {
        let end = self.bytes.len();
        (after + 1..end).find(|&at| self.begins_line_form(at)).unwrap_or(end)
    }

    /// Makes the atom of a word, variable or string; `None` for a comment or a mistake.
    fn leaf(&mut self, token: Token) -> Option<Atom> {
        let text = self.utf8(token.start, token.end)?;
        match token.kind {
            Kind::Word => Some(self.parser.word(text)),
            Kind::Variable => match text.find('#') {
                Some(at) => {
                    let span = self.span(token.start + at, token.start + at + 1);
                    self.parsed.diagnostics.push(Diagnostic::hash_in_variable(span));
                    None
                }
                None => Some(Atom::Variable(self.parser.variable(&text[1..]))),
            },
            Kind::Text => {
                let inside = &text[1..text.len() - 1];
                if !inside.contains('\\') {
                    return Some(Atom::text(inside));
                }
                match literal::unescape(inside, self.base + token.start + 1) {
                    Ok(text) => Some(Atom::text(text)),
                    Err(diagnostics) => {
                        self.parsed.diagnostics.extend(diagnostics);
                        None
                    }
                }
            }
            Kind::Open | Kind::Close | Kind::Comment | Kind::UnclosedText => None,
        }
    }

    /// Decodes the bytes of a token or reports why not.
    fn utf8(&mut self, start: usize, end: usize) -> Option<&'r str> {
        let bytes: &'r [u8] = &self.bytes[start..end];
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let at = error.valid_up_to();
                let length = error.error_len().unwrap_or(bytes.len() - at);
                let span = self.span(start + at, start + at + length);
                self.parsed.diagnostics.push(Diagnostic::not_utf8(span, bytes[at]));
                None
            }
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.base + start, end: self.base + end }
    }
}

impl Open {
    fn has(&self, bracket: usize) -> bool {
        self.brackets.binary_search(&bracket).is_ok()
    }

    /// Counts the open brackets in a range.
    fn count(&self, start: usize, end: usize) -> usize {
        let before = |place| self.brackets.partition_point(|&bracket| bracket < place);
        before(end) - before(start)
    }
}
