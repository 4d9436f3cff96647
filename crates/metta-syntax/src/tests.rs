//! Tables of texts with what they are read as.

use std::io::Cursor;

use metta_atom::Atom;

use crate::{
    FormReader, LineIndex, Parsed, ReadError, TokenKind, Words, is_complete, parse, parse_bytes, tokens,
};

/// `+` and `match` are operations, as with the standard library.
struct Operations;

impl Words for Operations {
    fn atom(&self, word: &str) -> Option<Atom> {
        matches!(word, "+" | "match" | "PI").then(|| Atom::operation(word))
    }
}

/// Writes forms with metatypes where the text does not show them, and diagnostics
/// with their place.
fn shown(text: &[u8], parsed: &Parsed) -> String {
    let index = LineIndex::new(text);
    let mut lines = Vec::new();
    for form in &parsed.forms {
        lines.push(format!("{}{}", if form.run { "! " } else { "" }, form.atom));
    }
    for diagnostic in &parsed.diagnostics {
        let (line, column) = index.position(diagnostic.span.start);
        let length = diagnostic.span.end - diagnostic.span.start;
        lines.push(format!("{} {line}:{column}+{length} {}", diagnostic.code, diagnostic.message));
    }
    lines.join("\n")
}

/// Reads the text whole and as a stream and compares what both found.
#[track_caller]
fn check_bytes(text: &[u8], expected: &str) {
    let parsed = parse_bytes(text, &());
    assert_eq!(shown(text, &parsed), expected, "{}", String::from_utf8_lossy(text));
    let mut streamed = Parsed::default();
    for item in FormReader::new(text) {
        match item {
            Ok(form) => streamed.forms.push(form),
            Err(ReadError::Syntax { diagnostic, .. }) => streamed.diagnostics.push(diagnostic),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(streamed, parsed, "{}", String::from_utf8_lossy(text));
}

#[track_caller]
fn check(text: &str, expected: &str) {
    check_bytes(text.as_bytes(), expected);
}

#[test]
fn expressions_and_comments() {
    check("", "");
    check(" \n;nothing", "");
    check("(a (b c) ())d", "(a (b c) ())\nd");
    check("(a;note\nb)", "(a b)");
    check("a;note\nb", "a\nb");
    check("(a ; one (\n; two \"\n b)", "(a b)");
    check("(\"x;y\" $x;y\nz)", "(\"x;y\" $x;y z)");
    check("(a)(b)c(d)", "(a)\n(b)\nc\n(d)");
    check("a\u{a0}b\u{3000}(c\u{2028}d\u{85}e)\u{1680}f", "a\nb\n(c d e)\nf");
    // White space is what Unicode calls so; a zero-width space is not.
    check("a\u{200b}b", "a\u{200b}b");
    check("a\r\nb\x0bc\x0cd", "a\nb\nc\nd");
}

#[test]
fn words() {
    check("a\"b \"c\"d \"e\"\"f\"g\"h", "a\"b\n\"c\"\nd\n\"e\"\n\"f\"\ng\"h");
    check(
        "-> = : , :< ' # @ & | { } [ ] ~ ^ ? / % 'c' 'a",
        "->\n=\n:\n,\n:<\n'\n#\n@\n&\n|\n{\n}\n[\n]\n~\n^\n?\n/\n%\n'c'\n'a",
    );
    check("$x $ $x\"y $a.b $", "$x\n$\n$x\"y\n$a.b\n$");
    check("\"a\"$b\"c\"", "\"a\"\n$b\"c\"");
}

/// Reads one word and compares its metatype and text.
#[track_caller]
fn check_word(word: &str, expected: &str) {
    let parsed = parse(word, &());
    assert_eq!(parsed.diagnostics, [], "{word}");
    let [form] = &parsed.forms[..] else { panic!("{word}") };
    assert_eq!(format!("{} {}", form.atom.metatype().name(), form.atom), expected, "{word}");
}

#[test]
fn literals() {
    for (word, expected) in [
        ("42", "Grounded 42"),
        ("+5", "Grounded 5"),
        ("-0", "Grounded 0"),
        ("007", "Grounded 7"),
        ("9223372036854775808", "Grounded 9223372036854775808"),
        ("-9223372036854775808", "Grounded -9223372036854775808"),
        ("-99999999999999999999", "Grounded -99999999999999999999"),
        ("+99999999999999999999", "Grounded 99999999999999999999"),
        ("0000000000000000000000000000001", "Grounded 1"),
        ("1.50", "Grounded 1.5"),
        ("-0.0", "Grounded -0.0"),
        ("1e3", "Grounded 1000.0"),
        ("1E-3", "Grounded 0.001"),
        ("+1.5e+2", "Grounded 150.0"),
        ("1e400", "Grounded inf"),
        ("-1e400", "Grounded -inf"),
        ("True", "Grounded True"),
        ("False", "Grounded False"),
        ("true", "Symbol true"),
        ("PI", "Grounded 3.141592653589793"),
        ("EXP", "Grounded 2.718281828459045"),
        ("&self", "Grounded GroundingSpace-0x0"),
        ("inf", "Symbol inf"),
        ("NaN", "Symbol NaN"),
        (".5", "Symbol .5"),
        ("1.", "Symbol 1."),
        ("1.e5", "Symbol 1.e5"),
        ("1e", "Symbol 1e"),
        ("1e+", "Symbol 1e+"),
        ("1e5x", "Symbol 1e5x"),
        ("1.5.2", "Symbol 1.5.2"),
        ("0x10", "Symbol 0x10"),
        ("1_000", "Symbol 1_000"),
        ("+x", "Symbol +x"),
        ("+", "Symbol +"),
        ("--1", "Symbol --1"),
        ("٣", "Symbol ٣"),
        ("", ""),
    ] {
        if word.is_empty() {
            assert_eq!(parse(word, &()).forms, []);
        } else {
            check_word(word, expected);
        }
    }
}

#[test]
fn words_of_the_caller_come_first() {
    let parsed = parse("(+ PI $+ \"+\" match (match & self p t))", &Operations);
    let [form] = &parsed.forms[..] else { panic!() };
    let kinds: Vec<_> =
        form.atom.children().unwrap().iter().map(|atom| format!("{:?}", atom.metatype())).collect();
    assert_eq!(kinds, ["Grounded", "Grounded", "Variable", "Grounded", "Grounded", "Expression"]);
    assert_eq!(form.atom.to_string(), "(+ PI $+ \"+\" match (match GroundingSpace-0x0 p t))");
}

#[test]
fn strings() {
    check(r#""\n\r\t\\\"\'""#, r#""\n\r\t\\\"'""#);
    check(r#""\x41\x7F\u{41}\u{0000041}\u{1F600}\u{10ffff}""#, "\"A\\u{7f}AA😀\\u{10ffff}\"");
    check("\"a\nb\"", r#""a\nb""#);
    check("\"(;)\"", r#""(;)""#);
    check("\"\"", "\"\"");
}

#[test]
fn bad_escapes_cost_their_form_only() {
    check(r#"(a "\q") b"#, "b\nE0104 1:5+2 expected an escape, found `\\q`");
    check(r#""\0" b"#, "b\nE0104 1:2+2 expected an escape, found `\\0`");
    check(r#""é\é" b"#, "b\nE0104 1:3+3 expected an escape, found `\\é`");
    check("\"\\\n\" b", "b\nE0104 1:2+2 expected an escape, found `\\` and U+000A");
    let byte = r"expected `\x` and two hexadecimal digits from 00 to 7F, found";
    for (text, found) in
        [(r"\x80", r"\x80"), (r"\x8", r"\x8"), (r"\xg", r"\x"), (r"\x", r"\x"), (r"\xé", r"\x")]
    {
        check(&format!("\"{text}\" b"), &format!("b\nE0105 1:2+{} {byte} `{found}`", found.len()));
    }
    let unicode = "expected `\\u{` 1 to 8 hexadecimal digits `}`, found";
    for (text, found) in [
        (r"\u{}", r"\u{}"),
        (r"\u{D800}", r"\u{D800}"),
        (r"\u{110000}", r"\u{110000}"),
        (r"\u{000000041}", r"\u{000000041}"),
        (r"\u{4", r"\u{4"),
        (r"\u{4 }", r"\u{4"),
        (r"\u41", r"\u"),
        (r"\u", r"\u"),
    ] {
        check(&format!("\"{text}\" b"), &format!("b\nE0105 1:2+{} {unicode} `{found}`", found.len()));
    }
    check(
        "(\"\\q\"\n \"\\0\") \"\\w\"",
        "E0104 1:3+2 expected an escape, found `\\q`\n\
         E0104 2:3+2 expected an escape, found `\\0`\n\
         E0104 2:9+2 expected an escape, found `\\w`",
    );
}

#[test]
fn exclamation_marks() {
    check("!(f) !x !5 !$x !\"s\" (! b)", "! (f)\n!x\n!5\n!$x\n!\"s\"\n(! b)");
    check("! x ! ! y !\n;c\n 5 !\"", "! x\n! y\n! 5\n!\"");
    check("!! (a)", "!!\n(a)");
    check("!;note\n(f)", "! (f)");
    let nothing = "expected an atom after `!`, found the end of the text";
    check("(a) !", &format!("(a)\nE0107 1:5+1 {nothing}"));
    check("! ; end\n", &format!("E0107 1:1+1 {nothing}"));
    check("! ! ", &format!("E0107 1:1+1 {nothing}"));
    check("!)(a)", "! (a)\nE0102 1:2+1 expected a form, found `)`");
    check("! (\"\\q\") a", "a\nE0104 1:5+2 expected an escape, found `\\q`");
}

#[test]
fn match_with_a_split_self() {
    check("(match & self (a) b)", "(match GroundingSpace-0x0 (a) b)");
    check(
        "!(x (match & self (a) (match & self b c)))",
        "! (x (match GroundingSpace-0x0 (a) (match GroundingSpace-0x0 b c)))",
    );
    check("(match & self a)", "(match & self a)");
    check("(match & self a b c)", "(match & self a b c)");
    check("(matches & self a b)", "(matches & self a b)");
    check("(match & other a b)", "(match & other a b)");
    check("(match \"&\" self a b)", "(match \"&\" self a b)");
}

#[test]
fn spans_are_bytes() {
    let spans = |text: &str| -> Vec<_> {
        parse(text, &()).forms.iter().map(|form| text[form.span.start..form.span.end].to_owned()).collect()
    };
    assert_eq!(spans("é (a é) ! ;x\n (b) \"é\""), ["é", "(a é)", "! ;x\n (b)", "\"é\""]);
}

#[test]
fn stray_brackets_are_skipped() {
    check("a) b", "a\nb\nE0102 1:2+1 expected a form, found `)`");
    check(
        "(a))) (b) )",
        "(a)\n(b)\nE0102 1:4+2 expected a form, found 2 `)`\nE0102 1:11+1 expected a form, found `)`",
    );
}

#[test]
fn open_forms_end_before_the_next_line_that_begins_a_form() {
    let end = "expected `)`, found the end of the text";
    let line = "expected `)`, found another form at the start of a line";
    check("(a", &format!("E0101 1:1+1 {end}"));
    check("x (a (b", &format!("x\nE0101 1:3+1 {end}"));
    check("!(a\n(b)\n!(c)", &format!("(b)\n! (c)\nE0101 1:2+1 {line}"));
    check("(a\n  (b)\n;c\n(d) e", &format!("(d)\ne\nE0101 1:1+1 {line}"));
    check("(a\n! b\n(c", &format!("! b\nE0101 1:1+1 {line}\nE0101 3:1+1 {end}"));
    check("(\n(\n(", &format!("E0101 1:1+1 {line}\nE0101 2:1+1 {line}\nE0101 3:1+1 {end}"));
    // A closed form may have lines that look like the start of one.
    check("(a\n(b)\n(c))\n(d)", "(a (b) (c))\n(d)");
    // The bracket in the last line closes one that is reported already.
    check("(a\n (b\n(c)\n)\n(d)", &format!("(c)\n(d)\nE0101 1:1+1 {line}"));
    // A line within a string is not the start of a form.
    check("(a \"\n(b)\n\"\n(c)", &format!("(c)\nE0101 1:1+1 {line}"));
    // Other mistakes in the open form and after it are reported once.
    check(
        "(a \"\\q\"\n(b \"\\w\")\n(c)",
        &format!(
            "(c)\nE0101 1:1+1 {line}\nE0104 1:5+2 expected an escape, found `\\q`\n\
             E0104 2:5+2 expected an escape, found `\\w`"
        ),
    );
    check("(a\n !", &format!("E0101 1:1+1 {end}"));
    check(
        "(a\n!",
        &format!("E0101 1:1+1 {line}\nE0107 2:1+1 expected an atom after `!`, found the end of the text"),
    );
}

#[test]
fn the_help_counts_open_brackets() {
    let help = |text: &str| parse(text, &()).diagnostics[0].help.clone().unwrap();
    assert_eq!(help("(a (b c)"), "add `)` where the form ends");
    assert_eq!(help("(a (b (c)\n(d"), "2 brackets are open: add 2 `)` where the form ends");
}

#[test]
fn open_strings_end_before_the_next_line_that_begins_a_form() {
    let string = "expected `\"`, found the end of the text";
    let line = "expected `)`, found another form at the start of a line";
    check("a \"b", &format!("a\nE0103 1:3+1 {string}"));
    check("\"b\n(c)", &format!("(c)\nE0103 1:1+1 {string}"));
    check(
        "(a \"b)\n c\n(d) e\n)",
        &format!("(d)\ne\nE0103 1:4+1 {string}\nE0102 4:1+1 expected a form, found `)`"),
    );
    check("(a\n(b)\n(c \"d\n!(e)", &format!("(b)\n! (e)\nE0101 1:1+1 {line}\nE0103 3:4+1 {string}"));
    check("\"\\\"", &format!("E0103 1:1+1 {string}"));
    check("\"a\\", &format!("E0103 1:1+1 {string}"));
}

#[test]
fn hash_is_reserved_in_variables() {
    let hash = "expected a variable name without `#`, found `#`";
    check("(a $b#c) d", &format!("d\nE0106 1:6+1 {hash}"));
    check("$#", &format!("E0106 1:2+1 {hash}"));
    check("a#b", "a#b");
}

#[test]
fn other_bytes_than_utf8() {
    check_bytes(b"(a \xE9t\xE9) b", "b\nE0108 1:4+1 expected UTF-8, found the byte 0xe9");
    check_bytes(b"\"\xC3\" b", "b\nE0108 1:2+1 expected UTF-8, found the byte 0xc3");
    check_bytes(b"$\xF0\x9F b", "b\nE0108 1:2+2 expected UTF-8, found the byte 0xf0");
    check_bytes(
        b"(a) ;\xFF\n(b ;\xFE\n)",
        "(a)\n(b)\nE0108 1:6+1 expected UTF-8, found the byte 0xff\nE0108 2:5+1 expected UTF-8, found the byte 0xfe",
    );
    check_bytes(b"a \xE2\x80", "a\nE0108 1:3+2 expected UTF-8, found the byte 0xe2");
    check_bytes(b"\xC2", "E0108 1:1+1 expected UTF-8, found the byte 0xc2");
    check_bytes(
        b"(\xE2\x80",
        "E0101 1:1+1 expected `)`, found the end of the text\nE0108 1:2+2 expected UTF-8, found the byte 0xe2",
    );
}

#[test]
fn a_byte_order_mark_at_the_start_is_skipped() {
    check("\u{feff}!(a)", "! (a)");
    check("\u{feff}", "");
    check("a \u{feff}b", "a\n\u{feff}b");
    check_bytes(b"\xEF\xBB", "E0108 1:1+2 expected UTF-8, found the byte 0xef");
}

#[test]
fn complete_texts() {
    for (text, complete) in [
        ("", true),
        ("(a) b ; (", true),
        ("(a", false),
        ("(a \"b)\n", false),
        ("a)", true),
        (") (", false),
        ("!", false),
        ("! ; c\n", false),
        ("! x", true),
        ("(!)", true),
        ("!x", true),
    ] {
        assert_eq!(is_complete(text), complete, "{text:?}");
    }
}

#[test]
fn a_stream_knows_lines_and_goes_on_after_mistakes() {
    let text = "\u{feff}é (a)\n (\"\\q\") b)\n(c\n\n  ! \"é\" $é#";
    let index = LineIndex::new(text);
    let mut places = Vec::new();
    for item in FormReader::new(Cursor::new(text)) {
        match item {
            Ok(form) => places.push(form.atom.to_string()),
            Err(ReadError::Syntax { diagnostic, line, column }) => {
                assert_eq!((line, column), index.position(diagnostic.span.start));
                places.push(format!("{} {line}:{column}", diagnostic.code));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(places, ["é", "(a)", "E0104 2:4", "b", "E0102 2:10", "E0101 3:1", "E0106 5:11"]);
}

#[test]
fn a_stream_can_limit_forms() {
    let items = |text: &str, limit| -> Vec<_> {
        let reader = FormReader::new(text.as_bytes()).max_form_bytes(limit);
        reader.map(|item| item.map_or_else(|error| error.to_string(), |form| form.atom.to_string())).collect()
    };
    let long = "2:1: more than 5 bytes without the end of a form or comment";
    assert_eq!(items("(abc)         d\n(abcd) e", 5), ["(abc)", "d", long]);
    assert_eq!(items("a\n(b\nc d", 5), ["a", long]);
    assert_eq!(items("a\n(b\nc d", 6), ["a", "2:1: expected `)`, found the end of the text"]);
}

#[test]
fn a_stream_that_fails_ends() {
    struct Broken(usize);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => {
                    buffer[..5].copy_from_slice(b"(a) (");
                    Ok(5)
                }
                2 => Err(std::io::ErrorKind::Interrupted.into()),
                _ => Err(std::io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
    let mut reader = FormReader::new(std::io::BufReader::new(Broken(0)));
    assert_eq!(reader.next().unwrap().unwrap().atom.to_string(), "(a)");
    assert_eq!(reader.offset(), 3);
    assert!(
        matches!(reader.next(), Some(Err(ReadError::Io(error))) if error.kind() == std::io::ErrorKind::BrokenPipe)
    );
    assert!(reader.next().is_none());
}

#[test]
fn tokens_are_told_of_any_text() {
    let shown = |text: &str| {
        let letter = |kind| match kind {
            TokenKind::Open => '(',
            TokenKind::Close => ')',
            TokenKind::Text => 't',
            TokenKind::Variable => 'v',
            TokenKind::Run => '!',
            TokenKind::Word => 'w',
            TokenKind::Comment => ';',
        };
        let token = |token: crate::Token| {
            format!("{} {}", letter(token.kind), &text[token.span.start..token.span.end])
        };
        tokens(text.as_bytes()).map(token).collect::<Vec<_>>().join("|")
    };
    assert_eq!(shown("!(f $x 1) ; end"), "! !|( (|w f|v $x|w 1|) )|; ; end");
    assert_eq!(shown("(! a) !b ! c"), "( (|w !|w a|) )|w !b|! !|w c");
    assert_eq!(shown("))! \"a\\\"b (c"), ") )|) )|! !|t \"a\\\"b (c");
    assert_eq!(shown(" \n"), "");
}
