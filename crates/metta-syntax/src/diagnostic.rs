//! What is wrong with a text, as data.
//!
//! | code | meaning |
//! | --- | --- |
//! | E0101 | a bracket is not closed |
//! | E0102 | a `)` closes nothing |
//! | E0103 | a string is not closed |
//! | E0104 | an unknown escape in a string |
//! | E0105 | an escape that names no character |
//! | E0106 | `#` in a variable name |
//! | E0107 | `!` with no atom after it |
//! | E0108 | bytes that are not UTF-8 |

/// A range of bytes in a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// One thing that is wrong with a text.
///
/// It is plain data; drawing it is left to the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// The kind of mistake, stable across releases: `E0101`.
    pub code: &'static str,
    /// What was expected and what was found, in lower case and without a full stop.
    pub message: String,
    /// Where it is.
    pub span: Span,
    /// A few words to write beside the place.
    pub label: String,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    fn new(
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) -> Self {
        Diagnostic { code, message: message.into(), span, label: label.to_owned(), help: Some(help.into()) }
    }

    /// `open` brackets are not closed, the outermost at `span`.
    pub(crate) fn unclosed_bracket(span: Span, open: usize, at_end: bool) -> Self {
        let found = if at_end { "the end of the text" } else { "another form at the start of a line" };
        let help = match open {
            1 => "add `)` where the form ends".to_owned(),
            n => format!("{n} brackets are open: add {n} `)` where the form ends"),
        };
        Self::new("E0101", span, format!("expected `)`, found {found}"), "this bracket is not closed", help)
    }

    /// One or more `)` in a row close nothing.
    pub(crate) fn stray_bracket(span: Span) -> Self {
        let found = match span.end - span.start {
            1 => "`)`".to_owned(),
            n => format!("{n} `)`"),
        };
        let help = "remove it, or look for a bracket closed too early";
        Self::new("E0102", span, format!("expected a form, found {found}"), "no bracket is open here", help)
    }

    /// The string that starts at `span` never ends.
    pub(crate) fn unclosed_string(span: Span) -> Self {
        let help = "add `\"` where the string ends, or look for an earlier string without its closing quote";
        Self::new(
            "E0103",
            span,
            "expected `\"`, found the end of the text",
            "this string is not closed",
            help,
        )
    }

    /// `found` starts with a backslash and is no escape.
    pub(crate) fn unknown_escape(span: Span, found: &str) -> Self {
        let found = match found.chars().nth(1) {
            Some(c) if c.is_control() => format!("`\\` and U+{:04X}", u32::from(c)),
            _ => format!("`{found}`"),
        };
        let help = r#"the escapes are `\n`, `\r`, `\t`, `\\`, `\"`, `\'`, `\xHH` and `\u{H..}`; a backslash is `\\`"#;
        Self::new("E0104", span, format!("expected an escape, found {found}"), "unknown escape", help)
    }

    /// `\x` without two hexadecimal digits up to 7F.
    pub(crate) fn bad_byte_escape(span: Span, found: &str) -> Self {
        let message = format!(r"expected `\x` and two hexadecimal digits from 00 to 7F, found `{found}`");
        Self::new("E0105", span, message, "not a character", r"write `\u{H..}` for other characters")
    }

    /// `\u` without a code point in braces.
    pub(crate) fn bad_unicode_escape(span: Span, found: &str) -> Self {
        let message = format!(r"expected `\u{{` 1 to 8 hexadecimal digits `}}`, found `{found}`");
        let help = "code points go from 0 to 10FFFF, without D800 to DFFF";
        Self::new("E0105", span, message, "not a character", help)
    }

    /// `#` in a variable name.
    pub(crate) fn hash_in_variable(span: Span) -> Self {
        let help = "use another character; the engine writes `#` in the names of renamed variables";
        Self::new("E0106", span, "expected a variable name without `#`, found `#`", "`#` is reserved", help)
    }

    /// `!` at the end of the text.
    pub(crate) fn nothing_to_run(span: Span) -> Self {
        let help = "write the atom to evaluate after `!`, or remove it";
        Self::new(
            "E0107",
            span,
            "expected an atom after `!`, found the end of the text",
            "nothing to evaluate",
            help,
        )
    }

    /// Bytes that are not UTF-8, the first of them `byte`.
    pub(crate) fn not_utf8(span: Span, byte: u8) -> Self {
        let message = format!("expected UTF-8, found the byte {byte:#04x}");
        Self::new("E0108", span, message, "not UTF-8", "save the file in the encoding UTF-8")
    }
}
