//! The node's tables, in which every leaf is a symbol: the word that it is in a program.
//!
//! An atom stands in the space as MORK writes it, when MORK can: expressions of at most 63 elements, words of at
//! most 63 bytes. Otherwise it is a large expression, whose tags are `00` arity, `01` new variable, `02` reference
//! and `03` symbol, each but the second with a number of seven bits a byte, low ones first. A variable is written as
//! the word `$x`, as the node does; when read it may also be one of the tags.
//!
//! Two tables do not say how their facts are ordered. When a large expression has another fact behind it, the table
//! `order` has the places of large expressions among all facts. The node knows nothing of it and passes it by.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::Hasher as _;

use bytes::Bytes;
use metta_atom::{Atom, Grounded, Number, Variable};
use metta_sched::Library;
use metta_space::bytes::{Item, Reader, Writer};
use metta_space::{Fact, Snapshot};
use rustc_hash::FxHasher;

use super::symbols::Symbols;
use super::table::{Cursor, Growing};
use super::{Facts, SpaceError, Tables, check_reference, wide};
use crate::{Layout, text};

const SPACE: &[u8; 4] = b"MTTS";
/// The space and the length of the symbol table, which is empty.
const SPACE_BEGINNING: &[u8; 12] = b"MTTS\0\0\0\0\0\0\0\0";
const RULES: &[u8; 4] = b"MTTM";
const LARGE: &[u8; 4] = b"MTTL";
const ORDER: &[u8; 4] = b"MTTO";
/// How many elements or bytes are too many for MORK's tags.
const BEYOND: usize = 64;

/// How many variables are looked up by comparing with each.
const FEW: usize = 16;

/// Tables that are being written.
struct Writing {
    space: Growing,
    large: Growing,
    /// The places of large expressions.
    places: Vec<u64>,
    path: Writer,
    word: String,
}

pub(super) fn write<'f>(layout: Layout, facts: impl Iterator<Item = Fact<'f>>) -> Result<Tables, SpaceError> {
    let mut writing = Writing::new(Growing::new(SPACE_BEGINNING), Growing::new(LARGE), Vec::new());
    match layout {
        Layout::Lists => {
            facts.into_iter().try_for_each(|fact| writing.push(&fact, true))?;
            Ok(writing.finish())
        }
        Layout::Tuples => write_older(writing, facts),
    }
}

/// Writes the older layout: no copies in records, but copies of rules in a table.
fn write_older<'f>(
    mut writing: Writing,
    facts: impl Iterator<Item = Fact<'f>>,
) -> Result<Tables, SpaceError> {
    let mut rules = Growing::new(RULES);
    for fact in facts {
        writing.push(&fact, false)?;
        let atom = || Snapshot::new().decode(fact.bytes, fact.variables());
        if !writing.places.is_empty() {
            return Err(SpaceError::TooLarge { atom: atom().to_string().chars().take(60).collect() });
        }
        let mut items = Reader::new(fact.bytes);
        let is_rule = items.next() == Some(Item::Arity(3)) && items.next() == Some(Item::Symbol("="));
        if is_rule || fact.count > 1 {
            rules.sized(text_of(fact.bytes, fact.variables())?.as_bytes())?;
            rules.word(fact.count);
            rules.records += 1;
        }
    }
    Ok(Tables { layout: Layout::Tuples, space: writing.space.finish(), other: rules.finish(), order: None })
}

/// Writes tables that have more facts than these.
pub(super) fn append(tables: &Tables, facts: &[Fact<'_>]) -> Result<Option<Tables>, SpaceError> {
    let space = Growing::resume(&tables.space, SPACE_BEGINNING);
    let (Ok(space), Ok(large)) = (space, Growing::resume(&tables.other, LARGE)) else { return Ok(None) };
    let total = space.records + large.records;
    let Ok(places) = places(tables.order.as_ref(), large.records, total) else { return Ok(None) };
    let mut writing = Writing::new(space, large, places);
    facts.iter().try_for_each(|fact| writing.push(fact, true))?;
    Ok(Some(writing.finish()))
}

impl Writing {
    fn new(space: Growing, large: Growing, places: Vec<u64>) -> Self {
        Writing { space, large, places, path: Writer::with_capacity(256), word: String::new() }
    }

    fn push(&mut self, fact: &Fact<'_>, with_copies: bool) -> Result<(), SpaceError> {
        let place = self.space.records + self.large.records;
        let table = if self.narrow(fact)? {
            self.space.sized(self.path.bytes())?;
            &mut self.space
        } else {
            let wide = self.wide(fact);
            self.large.sized(&wide)?;
            self.places.push(place);
            &mut self.large
        };
        if with_copies {
            table.word(fact.count);
        }
        table.records += 1;
        Ok(())
    }

    /// Writes the path of a fact; reports whether MORK has one for it.
    fn narrow(&mut self, fact: &Fact<'_>) -> Result<bool, SpaceError> {
        self.path.clear();
        let mut introduced = 0;
        let mut fits = true;
        for item in Reader::new(fact.bytes) {
            if let Item::Arity(n) = item {
                fits &= n < BEYOND;
                self.path.arity(n);
                continue;
            }
            let word = word(&item, fact.variables(), &mut introduced, &mut self.word)?;
            fits &= (1..BEYOND).contains(&word.len());
            self.path.symbol(word);
        }
        Ok(fits)
    }

    /// Writes a fact that was looked over before as a large expression.
    fn wide(&mut self, fact: &Fact<'_>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(fact.bytes.len() + fact.bytes.len() / 4);
        let mut introduced = 0;
        for item in Reader::new(fact.bytes) {
            if let Item::Arity(n) = item {
                wide::number(wide::ARITY, n, &mut bytes);
            } else if let Ok(word) = word(&item, fact.variables(), &mut introduced, &mut self.word) {
                wide::number(wide::SYMBOL, word.len(), &mut bytes);
                bytes.extend_from_slice(word.as_bytes());
            }
        }
        bytes
    }

    fn finish(self) -> Tables {
        let total = self.space.records + self.large.records;
        let last = total - self.large.records..total;
        let order = (!last.eq(self.places.iter().copied())).then(|| {
            let mut order = Growing::new(ORDER);
            self.places.iter().for_each(|place| order.word(*place));
            order.records = self.large.records;
            order.finish()
        });
        Tables { layout: Layout::Lists, space: self.space.finish(), other: self.large.finish(), order }
    }
}

/// Reports whether the words of these facts mean them.
pub(super) fn reads_as(facts: &[Fact<'_>], library: &Library) -> bool {
    let mut writing = Writing::new(Growing::new(SPACE_BEGINNING), Growing::new(LARGE), Vec::new());
    let mut read = Facts::new(0);
    let mut paths = Vec::with_capacity(facts.len());
    for fact in facts {
        let is_large = writing.narrow(fact) != Ok(true);
        paths.push((if is_large { writing.wide(fact) } else { writing.path.bytes().to_vec() }, is_large));
    }
    let mut words = Meanings::new(library, None);
    facts.iter().zip(&paths).all(|(fact, (path, is_large))| {
        words.translate(path, *is_large, &mut read).is_ok()
            && words.writer.bytes() == fact.bytes
            && words.names == fact.variables()
    })
}

/// Returns the text of a leaf, which may be put into `room`.
fn word<'a>(
    item: &'a Item<'a>,
    variables: &[Variable],
    introduced: &mut usize,
    room: &'a mut String,
) -> Result<&'a str, SpaceError> {
    check_reference(item)?;
    room.clear();
    let mut variable = |i: usize| {
        // A fact has a name for each of its variables.
        let name = variables.get(i).cloned().unwrap_or_else(|| Variable::new("_"));
        write!(room, "{name}").ok();
    };
    match item {
        Item::Symbol(name) | Item::Operation(name) => return Ok(name),
        Item::NewVar => {
            variable(*introduced);
            *introduced += 1;
        }
        Item::VarRef(i) => variable(*i),
        Item::Int(value) => write!(room, "{value}").unwrap_or_default(),
        Item::Bool(true) => return Ok("True"),
        Item::Bool(false) => return Ok("False"),
        Item::Big(value) => write!(room, "{value}").unwrap_or_default(),
        Item::Float(value) => write!(room, "{}", Number::Float(*value)).unwrap_or_default(),
        Item::Text(value) => room.push_str(&text::quote(value)),
        Item::Space(id) => room.push_str(&text::of(&Grounded::Space(*id)).unwrap_or_default()),
        Item::Arity(_) | Item::State(_) | Item::Handle(_) => {}
    }
    Ok(room)
}

/// Returns an atom as the text that its words make.
fn text_of(bytes: &[u8], variables: &[Variable]) -> Result<String, SpaceError> {
    let mut text = String::new();
    let mut room = String::new();
    let mut introduced = 0;
    // How many elements are to come in each expression that is open.
    let mut open: Vec<usize> = Vec::new();
    for item in Reader::new(bytes) {
        if let Some(left) = open.last_mut() {
            *left -= 1;
            text.push_str(if text.ends_with('(') { "" } else { " " });
        }
        if let Item::Arity(n) = item {
            text.push('(');
            open.push(n);
        } else {
            text.push_str(word(&item, variables, &mut introduced, &mut room)?);
        }
        while open.pop_if(|left| *left == 0).is_some() {
            text.push(')');
        }
    }
    Ok(text)
}

/// Returns the table of large expressions that says there are none.
pub(super) fn no_large_expressions() -> Bytes {
    Growing::new(LARGE).finish()
}

/// Returns the table of copies that says there are none.
pub(super) fn no_copies() -> Bytes {
    Growing::new(RULES).finish()
}

/// Checks that there is nothing in the tables beside the space.
pub(super) fn check_empty(tables: &Tables) -> Result<(), SpaceError> {
    let mut cursor = Cursor::new(&tables.other, if tables.layout == Layout::Lists { LARGE } else { RULES })?;
    if cursor.word()? > 0 || tables.order.is_some() {
        return Err(SpaceError::Order);
    }
    cursor.end()
}

pub(super) fn read(tables: &Tables, library: &Library, facts: &mut Facts) -> Result<(), SpaceError> {
    let mut cursor = Cursor::new(&tables.space, SPACE)?;
    let size = usize::try_from(cursor.word()?).unwrap_or(usize::MAX);
    let symbols = match cursor.take(size)? {
        [] => None,
        archive => Some(Symbols::read(archive)?),
    };
    let mut words = Meanings::new(library, symbols.as_ref());
    match tables.layout {
        Layout::Lists => read_both(cursor, tables, &mut words, facts),
        Layout::Tuples if tables.order.is_some() => Err(SpaceError::Order),
        Layout::Tuples => read_older(cursor, &tables.other, &mut words, facts),
    }
}

/// Reads the space and the large expressions, each fact when its place comes.
fn read_both<'b>(
    mut space: Cursor<'b>,
    tables: &'b Tables,
    words: &mut Meanings<'b>,
    facts: &mut Facts,
) -> Result<(), SpaceError> {
    let mut large = Cursor::new(&tables.other, LARGE)?;
    let narrow = space.records(4 + 8)?;
    let n_large = large.records(4 + 8)?;
    let total = (narrow + n_large) as u64;
    let mut places = places(tables.order.as_ref(), n_large as u64, total)?.into_iter().peekable();
    for place in 0..total {
        let is_large = places.next_if_eq(&place).is_some();
        let cursor = if is_large { &mut large } else { &mut space };
        let path = cursor.sized()?;
        let copies = cursor.word()?;
        words.translate(path, is_large, facts)?;
        facts.add(words.writer.bytes(), &words.names, copies)?;
    }
    space.end()?;
    large.end()
}

/// Returns the places of large expressions: they come last, unless a table says otherwise.
fn places(order: Option<&Bytes>, n: u64, total: u64) -> Result<Vec<u64>, SpaceError> {
    let Some(order) = order else { return Ok((total - n..total).collect()) };
    let mut cursor = Cursor::new(order, ORDER)?;
    let count = cursor.records(8)?;
    let places = (0..count).map(|_| cursor.word()).collect::<Result<Vec<_>, _>>()?;
    cursor.end()?;
    let rising = places.is_sorted_by(|a, b| a < b) && places.last().is_none_or(|last| *last < total);
    if rising && places.len() as u64 == n { Ok(places) } else { Err(SpaceError::Order) }
}

/// Reads a space without copies, and the copies of rules.
fn read_older<'b>(
    mut space: Cursor<'b>,
    copies: &[u8],
    words: &mut Meanings<'b>,
    facts: &mut Facts,
) -> Result<(), SpaceError> {
    let n = space.records(4)?;
    let mut records: Vec<(Vec<u8>, Vec<Variable>, u64)> = Vec::new();
    // Rules are compared as they are written, and up to the names of their variables, as bytes are.
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut written: HashMap<String, usize> = HashMap::new();
    for i in 0..n {
        words.record = i;
        words.translate(space.sized()?, false, facts)?;
        known.insert(words.writer.bytes().to_vec(), i);
        written.insert(text_of(words.writer.bytes(), &words.names)?, i);
        records.push((words.writer.bytes().to_vec(), words.names.clone(), 1));
    }
    space.end()?;
    let mut cursor = Cursor::new(copies, RULES)?;
    for _ in 0..cursor.records(4 + 8)? {
        let rule = cursor.sized()?;
        let copies = cursor.word()?;
        let rule = String::from_utf8_lossy(rule);
        let found = written.get(&*rule).or_else(|| {
            let parsed = metta_syntax::parse(&rule, words.library);
            known.get(&facts.space.encode(&parsed.forms.first()?.atom).bytes)
        });
        match found {
            Some(&i) => records[i].2 = copies,
            None => return Err(SpaceError::UnknownRule { rule: rule.into_owned() }),
        }
    }
    cursor.end()?;
    records.iter().try_for_each(|(bytes, names, copies)| facts.add(bytes, names, *copies))
}

/// What a word means.
enum Meaning {
    /// A symbol of this name.
    Symbol,
    /// An operation of this name.
    Operation,
    Integer(i64),
    Variable(Variable),
    /// An encoded leaf.
    Leaf(Box<[u8]>),
}

fn meaning(word: &str, library: &Library, facts: &mut Facts) -> Meaning {
    match text::word(word, library) {
        Atom::Variable(variable) => Meaning::Variable(variable),
        Atom::Symbol(symbol) if symbol.name() == word => Meaning::Symbol,
        Atom::Grounded(Grounded::Operation(name)) if name.name() == word => Meaning::Operation,
        Atom::Grounded(Grounded::Number(Number::Int(value))) => Meaning::Integer(value),
        atom @ (Atom::Symbol(_) | Atom::Expression(_) | Atom::Grounded(_)) => {
            Meaning::Leaf(facts.space.encode(&atom).bytes.into())
        }
    }
}

/// How many words are remembered, as a power of two.
const SLOTS_LOG: u32 = 12;

/// Puts values in the place of words.
struct Meanings<'b> {
    library: &'b Library,
    /// The words of paths that have numbers for them.
    symbols: Option<&'b Symbols>,
    /// Words met lately, each at a place that its hash says: a bad hash costs time only.
    recent: Vec<Option<(&'b str, Meaning)>>,
    /// The last atom.
    writer: Writer,
    /// The variables that it introduces.
    names: Vec<Variable>,
    /// For the tags of variables without a name: which of `names` each is.
    tagged: Vec<usize>,
    /// Where each of `names` is, when there are many.
    places: HashMap<Variable, usize>,
    /// Names that cannot be invented for the atom.
    taken: HashSet<String>,
    /// How many names were tried.
    invented: usize,
    record: usize,
}

impl<'b> Meanings<'b> {
    fn new(library: &'b Library, symbols: Option<&'b Symbols>) -> Self {
        Meanings {
            library,
            symbols,
            recent: (0..1 << SLOTS_LOG).map(|_| None).collect(),
            writer: Writer::with_capacity(256),
            names: Vec::new(),
            tagged: Vec::new(),
            places: HashMap::new(),
            taken: HashSet::new(),
            invented: 0,
            record: 0,
        }
    }

    /// Leaves the atom of a record in `writer` and `names`.
    fn translate(&mut self, path: &'b [u8], is_large: bool, facts: &mut Facts) -> Result<(), SpaceError> {
        let record = self.record;
        self.record += 1;
        if is_large {
            let items = wide::items(path).ok_or(SpaceError::Record { record })?;
            return self.items(items.into_iter(), record, facts);
        }
        if let Some(symbols) = self.symbols {
            let items = symbols.items(path).ok_or(SpaceError::Record { record })?;
            return self.items(items.into_iter(), record, facts);
        }
        metta_space::bytes::validate(path).map_err(|error| SpaceError::Path { record, error })?;
        self.items(Reader::new(path), record, facts)
    }

    fn items(
        &mut self,
        mut items: impl Iterator<Item = Item<'b>> + Clone,
        record: usize,
        facts: &mut Facts,
    ) -> Result<(), SpaceError> {
        self.writer.clear();
        self.names.clear();
        self.tagged.clear();
        self.places.clear();
        while let Some(item) = items.next() {
            match item {
                Item::Arity(n) => {
                    // `(match & self p t)`, as the node reads it, is another way to write `(match &self p t)`.
                    let mut ahead = items.clone();
                    let words = n == 5
                        && ["match", "&", "self"].iter().all(|word| ahead.next() == Some(Item::Symbol(word)));
                    if words {
                        self.writer.arity(4);
                        self.word("match", facts);
                        self.word("&self", facts);
                        items = ahead;
                    } else {
                        self.writer.arity(n);
                    }
                }
                Item::NewVar => {
                    let name = self.unused_name(items.clone());
                    self.tagged.push(self.names.len());
                    self.variable(&name);
                }
                Item::VarRef(i) => {
                    let i = *self.tagged.get(i).ok_or(SpaceError::Record { record })?;
                    self.writer.var_ref(i);
                }
                Item::Symbol(name) => self.word(name, facts),
                Item::Operation(_)
                | Item::Int(_)
                | Item::Big(_)
                | Item::Float(_)
                | Item::Text(_)
                | Item::Bool(_)
                | Item::Space(_)
                | Item::State(_)
                | Item::Handle(_) => return Err(SpaceError::Record { record }),
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &'b str, facts: &mut Facts) {
        let mut hasher = FxHasher::default();
        hasher.write(word.as_bytes());
        let slot = &mut self.recent[(hasher.finish() >> (64 - SLOTS_LOG)) as usize];
        let known = match slot {
            Some((known, meaning)) if *known == word => meaning,
            _ => &mut slot.insert((word, meaning(word, self.library, facts))).1,
        };
        match known {
            Meaning::Symbol => self.writer.symbol(word),
            Meaning::Operation => self.writer.operation(word),
            Meaning::Integer(value) => self.writer.int(*value),
            Meaning::Leaf(bytes) => self.writer.ground_term(bytes),
            Meaning::Variable(variable) => {
                let variable = variable.clone();
                self.variable(&variable);
            }
        }
    }

    fn variable(&mut self, variable: &Variable) {
        let known = if self.names.len() <= FEW {
            self.names.iter().position(|known| known == variable)
        } else {
            if self.places.is_empty() {
                self.places.extend(self.names.iter().cloned().zip(0..));
            }
            self.places.get(variable).copied()
        };
        if let Some(i) = known {
            return self.writer.var_ref(i);
        }
        if !self.places.is_empty() {
            self.places.insert(variable.clone(), self.names.len());
        }
        self.names.push(variable.clone());
        self.writer.new_var();
    }

    /// Makes a name for a variable without one, that no other variable of the atom has.
    fn unused_name(&mut self, ahead: impl Iterator<Item = Item<'b>>) -> Variable {
        if self.tagged.is_empty() {
            let variable = |item| if let Item::Symbol(name) = item { name.strip_prefix('$') } else { None };
            self.taken = ahead.filter_map(variable).map(str::to_owned).collect();
            self.taken.extend(self.names.iter().map(|variable| variable.name().name().to_owned()));
            self.invented = 0;
        }
        loop {
            let name = invented_name(self.invented);
            self.invented += 1;
            if !self.taken.contains(name.name().name()) {
                return name;
            }
        }
    }
}

/// Names the `i`-th variable: `a` to `z`, then with numbers.
fn invented_name(i: usize) -> Variable {
    let letter = char::from(b'a' + (i % 26) as u8);
    match i / 26 {
        0 => Variable::new(letter.to_string().as_str()),
        round => Variable::new(format!("{letter}{round}").as_str()),
    }
}
