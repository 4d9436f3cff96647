//! What is found in a program without running it.

use mettatron::Library;
use mettatron::check::check;
use mettatron::diagnosis::{Severity, Texts};
use mettatron::modules::ModuleTexts;

/// Lists the findings in a text, each with its code, what it points at and its message.
#[cfg(test)]
fn found(text: &str) -> Vec<String> {
    let mut texts = Texts::new(Library::new());
    texts.add("program", text.as_bytes().to_vec());
    let modules =
        ModuleTexts::from([("colors", "(: shade (-> Color Number Color)) (= (light $c) (shade $c 1))")]);
    let findings = check(&mut texts, &modules);
    let shown = findings.iter().map(|finding| {
        let place = finding.place().unwrap();
        let mark = if finding.severity == Severity::Warning { "?" } else { "" };
        format!("{}{mark} `{}`: {}", finding.code, &text[place.span.start..place.span.end], finding.message)
    });
    shown.collect()
}

const FUNCTIONS: &str = "(: double (-> Number Number)) (= (double $x) (* 2 $x))
    (= (area (Circle $r)) (double $r)) (= (area (Square $a) $unit) (pair $a $unit))
    !(area (Circle 1)) ";

#[test]
fn calls_that_no_type_allows_are_errors() {
    let cases = [
        ("!(double \"x\")", "E0502 `\"x\"`: expected `Number` as argument 1 of `double`, found `String`"),
        ("!(double 1 2)", "E0503 `(double 1 2)`: expected 1 argument of `double`, found 2"),
        (
            "(= (f $x) (+ $x True)) !(f 1)",
            "E0502 `True`: expected `Number` as argument 2 of `+`, found `Bool`",
        ),
        (
            "!(tuple (double \"x\"))",
            "E0502 `\"x\"`: expected `Number` as argument 1 of `double`, found `String`",
        ),
        ("!(if 1 2 3)", "E0502 `1`: expected `Bool` as argument 1 of `if`, found `Number`"),
        (
            "!(let $x 1 (double \"y\"))",
            "E0502 `\"y\"`: expected `Number` as argument 1 of `double`, found `String`",
        ),
        ("!(double (== 1 2))", "E0502 `(== 1 2)`: expected `Number` as argument 1 of `double`, found `Bool`"),
        (
            "!(import! &self colors) (: red Color) !(shade red red)",
            "E0502 `red`: expected `Number` as argument 2 of `shade`, found `Color`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&format!("{FUNCTIONS}{text}")), [expected], "{text}");
    }
}

#[test]
fn what_may_be_right_is_not_an_error() {
    for text in [
        "!(double $x)",
        "!(double something)",
        "(= (f $g) (double ($g 1))) !(f double)",
        "!(quote (double \"x\"))",
        "!(assertEqualToResult (double \"x\") ((Error (double \"x\") (BadArgType 1 Number String))))",
        "(: double (-> String String)) !(double \"x\")",
        "!(add-atom &self (: double (-> String String))) !(double \"x\")",
        "!(later \"x\") (: later (-> Number Number))",
        "(double \"x\") !(match &self (double $x) $x)",
    ] {
        assert_eq!(found(&format!("{FUNCTIONS}{text}")), [""; 0], "{text}");
    }
}

#[test]
fn slips_are_warnings() {
    let cases = [
        ("!(area 1 2 3)", "E0602? `(area 1 2 3)`: no rule of `area` takes 3 arguments"),
        ("(= (idle) 1) (= (lazy) (idle))", "E0603? `(= (lazy) (idle))`: `lazy` is never used"),
        ("!(duoble 2)", "E0604? `duoble`: `duoble` is not defined"),
        ("(= (g $x) (duoble $x)) !(g 1)", "E0604? `duoble`: `duoble` is not defined"),
        ("!(import! &self colours)", "E0601 `colours`: there is no module `colours`"),
        ("!(import! &self rnadom)", "E0601 `rnadom`: there is no module `rnadom`"),
        ("(open", "E0101 `(`: expected `)`, found the end of the text"),
    ];
    for (text, expected) in cases {
        assert!(found(&format!("{FUNCTIONS}{text}")).contains(&expected.to_owned()), "{text}");
    }
}

#[test]
fn data_is_no_slip() {
    for text in [
        "(area 1 2 3) !(area 1 2 3)",
        "(= (grow $x) (grow more $x)) !(grow 1)",
        "(doubled 2) !(match &self (doubled $x) $x)",
        "(= (unused) 1) !(match &self (= ($f) $x) $f)",
        "(= (unused) 1) !(get-atoms &self)",
        "(= (even $n) (odd $n)) (= (odd $n) (even $n)) !(even 1)",
    ] {
        assert_eq!(found(&format!("{FUNCTIONS}{text}")), [""; 0], "{text}");
    }
    assert_eq!(found("(= (of-a-module) 1) !(import! &self colors)"), [""; 0]);
}

#[test]
fn endless_and_deep_programs_are_checked() {
    assert_eq!(found("(= (loop) (loop)) !(loop) !(+ 1 (loop))"), [""; 0]);
    let deep = format!("!{}1{}", "(+ 1 ".repeat(20_000), ")".repeat(20_000));
    assert_eq!(found(&deep), [""; 0]);
}
