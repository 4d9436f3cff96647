//! Leaves as the text of a Rholang string.

use metta_atom::{Atom, Grounded, Symbol, Variable};
use metta_sched::Library;
use metta_syntax::Words as _;

/// Puts a string into quotes; only quotes and backslashes are escaped.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Takes a quoted string apart; `None` when it is not one that [`quote`] makes.
pub(crate) fn unquote(quoted: &str) -> Option<String> {
    let inside = inside(quoted)?;
    let mut text = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => text.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            c => text.push(c),
        }
    }
    Some(text)
}

fn inside(quoted: &str) -> Option<&str> {
    quoted.strip_prefix('"')?.strip_suffix('"')
}

/// Reads a word as the parser reads it in a program.
pub(crate) fn word(text: &str, library: &Library) -> Atom {
    if let Some(inside) = inside(text) {
        // The node accepts any text between quotes, and knows no other escapes.
        return Atom::text(unquote(text).unwrap_or_else(|| inside.to_owned()));
    }
    if let Some(name) = text.strip_prefix('$') {
        return variable(name);
    }
    if is_plain(text) {
        return library.atom(text).unwrap_or_else(|| Atom::symbol(text));
    }
    if let Some(value) = integer(text) {
        return library.atom(text).unwrap_or_else(|| Atom::integer(value));
    }
    let is_word = |c: char| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | ';');
    if text.is_empty() || !text.chars().all(is_word) {
        return Atom::symbol(text);
    }
    let mut parsed = metta_syntax::parse(text, library);
    match (parsed.forms.pop(), parsed.forms.is_empty() && parsed.diagnostics.is_empty()) {
        (Some(form), true) if !form.run => form.atom,
        _ => Atom::symbol(text),
    }
}

/// Reads an integer in 64 bits.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+');
    text.as_bytes().first().filter(|first| is_digit(first)).and_then(|_| text.parse().ok())
}

/// Reports whether a text is a word that no parser takes for anything but a name, unless the library knows it.
///
/// Most words are, and reading them with the parser takes ten times as long.
pub(crate) fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, b'=' | b',' | b'_'))
        && bytes.all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'_' | b'>' | b'?' | b'!' | b'=' | b':' | b'.')
        })
        && !matches!(text, "True" | "False" | "PI" | "EXP")
}

/// Makes the variable that prints as `$` and this name.
fn variable(name: &str) -> Atom {
    let renamed = name
        .rsplit_once('#')
        .and_then(|(name, number)| Some(Variable::renamed(Symbol::new(name), number.parse().ok()?)));
    Atom::Variable(renamed.unwrap_or_else(|| Variable::new(Symbol::new(name))))
}

/// Returns the text of a host value as a word of a program; `None` when no word makes it.
pub(crate) fn of(value: &Grounded) -> Option<String> {
    match value {
        Grounded::Bool(_) | Grounded::Number(_) | Grounded::Operation(_) => Some(value.to_string()),
        Grounded::Text(text) => Some(quote(text)),
        Grounded::Space(metta_atom::SpaceId::TOP) => Some("&self".to_owned()),
        Grounded::Space(_) | Grounded::State(_) | Grounded::Bindings(_) | Grounded::Foreign(_) => None,
    }
}
