//! JSON texts to atoms, without recursion.

use metta_atom::Atom;
use num_bigint::BigInt;

use super::{SYMBOL, VARIABLE};
use crate::World;

/// Where a text is no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    expected: &'static str,
    /// The byte.
    at: usize,
}

/// An array or object whose end is not reached.
enum Open {
    Array(Vec<Atom>),
    Object { pairs: Vec<(Atom, Atom)>, key: Atom },
}

/// Reads the one value of a text; objects become new spaces of `world`. Cost: O(bytes), but for objects
/// O(keys²) where keys recur.
pub(super) fn read(text: &str, world: &mut World) -> Result<Atom, Mistake> {
    let mut reader = Reader { text, at: 0 };
    let mut open: Vec<Open> = Vec::new();
    loop {
        let Some(mut value) = reader.begin(&mut open, world)? else { continue };
        // A value is complete, and with it every array or object that it ends.
        loop {
            let Some(inner) = open.pop() else {
                return if reader.peek().is_none() {
                    Ok(value)
                } else {
                    Err(reader.expected("the end of the text"))
                };
            };
            match reader.go_on(inner, value, world)? {
                Next::Open(inner) => {
                    open.push(inner);
                    break;
                }
                Next::Value(outer) => value = outer,
            }
        }
    }
}

enum Next {
    Open(Open),
    Value(Atom),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn expected(&self, expected: &'static str) -> Mistake {
        Mistake { expected, at: self.at }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Reads a value; `None` when it is an array or object with something in it, which is then open.
    fn begin(&mut self, open: &mut Vec<Open>, world: &mut World) -> Result<Option<Atom>, Mistake> {
        match self.peek() {
            Some(b'[') => {
                self.at += 1;
                if self.take(b']') {
                    return Ok(Some(Atom::unit()));
                }
                open.push(Open::Array(Vec::new()));
                Ok(None)
            }
            Some(b'{') => {
                self.at += 1;
                if self.take(b'}') {
                    return Ok(Some(Atom::space(world.new_space())));
                }
                let key = self.key()?;
                open.push(Open::Object { pairs: Vec::new(), key });
                Ok(None)
            }
            Some(b'"') => Ok(Some(word(self.string()?))),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            _ => self.literal().map(Some),
        }
    }

    /// Puts a value into the array or object that it stands in.
    fn go_on(&mut self, open: Open, value: Atom, world: &mut World) -> Result<Next, Mistake> {
        match open {
            Open::Array(mut elements) => {
                elements.push(value);
                if self.take(b',') {
                    Ok(Next::Open(Open::Array(elements)))
                } else if self.take(b']') {
                    Ok(Next::Value(Atom::expression(elements)))
                } else {
                    Err(self.expected("`,` or `]`"))
                }
            }
            Open::Object { mut pairs, key } => {
                match pairs.iter_mut().find(|pair| pair.0 == key) {
                    Some(pair) => pair.1 = value,
                    None => pairs.push((key, value)),
                }
                if self.take(b',') {
                    let key = self.key()?;
                    Ok(Next::Open(Open::Object { pairs, key }))
                } else if self.take(b'}') {
                    let space = world.new_space();
                    for (key, value) in pairs {
                        world.add(space, &Atom::expression([key, value]));
                    }
                    Ok(Next::Value(Atom::space(space)))
                } else {
                    Err(self.expected("`,` or `}`"))
                }
            }
        }
    }

    fn key(&mut self) -> Result<Atom, Mistake> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let key = Atom::text(self.string()?);
        if self.take(b':') { Ok(key) } else { Err(self.expected("`:`")) }
    }

    fn literal(&mut self) -> Result<Atom, Mistake> {
        let rest = &self.text[self.at..];
        let words =
            [("true", Atom::bool(true)), ("false", Atom::bool(false)), ("null", Atom::symbol("null"))];
        let found = words.into_iter().find(|(name, _)| rest.starts_with(name));
        let (name, atom) = found.ok_or_else(|| self.expected("a value"))?;
        self.at += name.len();
        Ok(atom)
    }

    fn number(&mut self) -> Result<Atom, Mistake> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        self.at += self.text.as_bytes()[start..].iter().take_while(|byte| is_part(byte)).count();
        let digits = &self.text[start..self.at];
        let mistake = Mistake { expected: "a number in range", at: start };
        let whole = digits.strip_prefix('-').unwrap_or(digits);
        let plain = !whole.starts_with('+')
            && (whole == "0"
                || !whole.starts_with('0')
                || whole.starts_with("0.")
                || whole.starts_with("0e")
                || whole.starts_with("0E"));
        if !plain || whole.ends_with('.') || whole.contains(".e") || whole.contains(".E") {
            return Err(mistake);
        }
        if whole.bytes().all(|byte| byte.is_ascii_digit()) {
            let value: BigInt = digits.parse().map_err(|_| mistake)?;
            return Ok(Atom::number(metta_atom::Number::from_big(value)));
        }
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Atom::float(value)),
            _ => Err(mistake),
        }
    }

    /// Reads a string from its opening quote on.
    fn string(&mut self) -> Result<String, Mistake> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let stop = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(&rest[..stop]);
            self.at += stop;
            match rest.as_bytes().get(stop) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.expected("a character, where control characters are escaped")),
                None => return Err(self.expected("`\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Mistake> {
        let mistake = self.expected("an escape");
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.four_digits().ok_or(mistake)?;
                let pair = matches!(first, 0xD800..0xDC00) && self.text[self.at..].starts_with("\\u");
                let code = if pair {
                    self.at += 2;
                    let second = self.four_digits().filter(|code| matches!(code, 0xDC00..0xE000));
                    let second =
                        second.ok_or_else(|| self.expected("the second half of a pair of escapes"))?;
                    0x10000 + (first - 0xD800) * 0x400 + (second - 0xDC00)
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.expected("the escape of a character"))?
            }
            _ => return Err(mistake),
        })
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let code =
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16));
        self.at += 4;
        code?.ok()
    }
}

/// The atom of a string: symbols and variables are marked.
fn word(text: String) -> Atom {
    match (text.strip_prefix(SYMBOL), text.strip_prefix(VARIABLE)) {
        (Some(name), _) => Atom::symbol(name),
        (None, Some(name)) => Atom::variable(name),
        (None, None) => Atom::text(text),
    }
}

impl Mistake {
    /// Describes it: what was expected, and what stands there.
    pub(super) fn describe(&self, text: &str) -> String {
        let rest = text.get(self.at.min(text.len())..).unwrap_or_default();
        let place = text.len() - rest.len();
        let (before, column) = text[..place]
            .rsplit_once('\n')
            .map_or((0, place), |(above, line)| (above.matches('\n').count() + 1, line.chars().count()));
        let column = if before == 0 { text[..place].chars().count() } else { column };
        let found = rest.chars().next().map_or("the end of the text".to_owned(), |c| format!("`{c}`"));
        format!("expected {}, found {found} at line {} column {}", self.expected, before + 1, column + 1)
    }
}
