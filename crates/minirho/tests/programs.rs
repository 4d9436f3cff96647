//! Small programs: what they print, what is wrong with them and where, and that all of them end.

mod lines;

use lines::Lines;
use minirho::{Interpreter, Limits, ProgramError, Report};
use proptest::prelude::*;

fn run_within(limits: Limits, text: &str) -> (String, Result<Report, ProgramError>) {
    let lines = Lines::new();
    // One thread, so that what is beside each other has an order too.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let result = runtime.block_on(Interpreter::new().limits(limits).run(text, lines.printer()));
    (lines.text(), result)
}

/// Runs the body of a program that may print.
fn printed(body: &str) -> String {
    let text = format!("new out(`rho:io:stdout`), ack(`rho:io:stdoutAck`), a, b, c in {{ {body} }}");
    let (output, result) = run_within(Limits::default(), &text);
    result.unwrap_or_else(|error| panic!("{body}: {error}"));
    output.trim_end().replace('\n', " ")
}

fn error(text: &str) -> String {
    run_within(Limits::default(), text).1.expect_err("a mistake").to_string()
}

#[test]
fn messages_meet_receivers() {
    assert_eq!(printed("a!(1) | for (@x <- a) { out!(x) }"), "1");
    assert_eq!(printed("for (@x <- a) { out!(x) } | a!(1) | a!(2)"), "1");
    assert_eq!(
        printed("for (@x, @y ...@z <- a) { out!([x, y, z]) } | a!(1) | a!(1, 2, 3, 4)"),
        "[1, 2, [3, 4]]"
    );
    assert_eq!(printed("a!(1) | b!(2) | for (@x <- a & @y <- b) { out!(x + y) }"), "3");
    assert_eq!(printed("a!(1) | a!(2) | for (@x <- a; @y <- a) { out!([x, y]) }"), "[1, 2]");
    assert_eq!(printed("a!(2) | a!(1) | for (@x <- a; @1 <- a) { out!(x) }"), "2");
    assert_eq!(
        printed("a!(1) | for (@x <<- a) { for (@y <- a) { for (@z <- a) { out!(0) } | out!(x + y) } }"),
        "2"
    );
    assert_eq!(printed("a!!(1) | for (@x <- a) { for (@y <- a) { out!(x + y) } }"), "2");
    assert_eq!(printed("for (@x <= a) { out!(x) } | a!(1) | a!(2) | a!(3)"), "1 2 3");
    assert_eq!(printed("@\"name\"!(5) | for (@x <- @\"name\") { out!(x) }"), "5");
    assert_eq!(printed("@[1, {2}]!(5) | for (@x <- @[1, 2]) { out!(x) }"), "5");
    assert_eq!(printed("a!?(1); out!(2) | for (r, @x <- a) { r!(x) }"), "2");
    assert_eq!(printed("for (@x <- a?!) { out!(x) } | a!?(1); out!(2)"), "1 2");
    assert_eq!(printed("a!(*b) | for (x <- a) { x!(3) } | for (@y <- b) { out!(y) }"), "3");
    assert_eq!(printed("bundle+ { out!(1) } | Nil | { Nil }"), "1");
}

#[test]
fn patterns_take_values_apart() {
    let cases = [
        ("[1, 2, 3]", "[x ...rest] => out!([x, rest])", "[1, [2, 3]]"),
        ("(1, \"a\")", "(Int, String) => out!(1)", "1"),
        ("Set(1, 2)", "Set(2, x) => out!(x)", "1"),
        ("{\"a\" : 1, \"b\" : 2}", "{\"b\" : x, ...rest} => out!([x, rest])", "[2, {\"a\" : 1}]"),
        ("{| [1, 2], [3, 4] |}", "{| [3, x], _ |} => out!(x)", "4"),
        ("5", "x /\\ ~6 => out!(x)", "5"),
        ("6", "x /\\ ~6 => out!(x) _ => out!(\"six\")", "six"),
        ("`rho:id`", "Uri => out!(1)", "1"),
        ("\"00ff\".hexToBytes()", "ByteArray => out!(1)", "1"),
        ("true", "false => out!(0) Bool => out!(1)", "1"),
        ("-1", "-1 => out!(1)", "1"),
        ("Nil", "Nil => out!(1)", "1"),
        ("1", "2 => out!(1)", ""),
        ("3", "1 \\/ 3 => out!(1)", "1"),
    ];
    for (value, cases, expected) in cases {
        assert_eq!(printed(&format!("match {value} {{ {cases} }}")), expected, "{value}");
    }
    assert_eq!(printed("a!(2) | for (@x <- a) { match 2 { =x => out!(\"same\") } }"), "same");
}

#[test]
fn expressions_have_values() {
    let cases = [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("7 % 3 == 1 and not false", "true"),
        ("\"a\" ++ \"b\"", "ab"),
        ("[1] ++ [2, 3]", "[1, 2, 3]"),
        ("Set(1, 2, 3) -- Set(2)", "Set(1, 3)"),
        ("\"${x} ${y}\" %% {\"x\" : 1}", "1 ${y}"),
        ("\"a\\\"b\".length()", "4"),
        ("(1,)", "(1,)"),
        ("{}.size()", "0"),
        ("{\"a\" : 1}.union == 2", "error"),
        ("[1, 2, 3].nth(1)", "2"),
        ("\"abcd\".slice(1, 3)", "bc"),
        ("{\"a\" : 1}.getOrElse(\"b\", 2)", "2"),
        ("{| 1, 2 |}.union({| 2, 3 |})", "{|1, 2, 3|}"),
        (
            "[1, \"a\", {\"k\" : (1, 2)}].toByteArray().bytesToHex()",
            "2a33a201300a042a0210020a052a031a01610a212a1fba011c0a1a0a052a031a016b12112a0faa010c0a042a0210020a042a021004",
        ),
    ];
    for (expression, expected) in cases {
        if expected == "error" {
            let text = format!("new out(`rho:io:stdout`) in {{ out!({expression}) }}");
            assert!(error(&text).starts_with("1:"), "{expression}");
        } else {
            assert_eq!(printed(&format!("out!({expression})")), expected, "{expression}");
        }
    }
}

#[test]
fn mistakes_have_a_place() {
    let cases = [
        ("new x in {\n  x!(1\n}", "3:1: expected `,`"),
        ("x!(1)", "1:1: unknown variable `x`"),
        ("new x in { for (@y, @y <- x) { Nil } }", "1:22: `y` is twice in a pattern"),
        ("new x in { for (@(1 + 2) <- x) { Nil } }", "1:19: this cannot be part of a pattern"),
        ("new x(`rho:no:such`) in { Nil }", "1:5: nothing is known as `rho:no:such`"),
        ("new x in { x!(1 + \"a\") }", "1:15: this operator is not for an integer and a string"),
        ("new x in {\n\n  x!([1].nth(5)) }", "3:6: there is no element 5"),
        ("new x in { x!(9223372036854775807 + 1) }", "1:15: the result does not fit"),
        ("new x in { x!(99999999999999999999) }", "1:15: this number does not fit"),
        ("new x in { if (1) { Nil } }", "1:16: expected a truth value, found an integer"),
        ("\"open", "1:1: this string has no end"),
        ("/* open", "1:1: this comment has no end"),
        (
            "new c(`rho:metta:compile`) in { c!(\"!(+ 1 2)\") }",
            "1:33: this channel takes (name, source), found 1",
        ),
        ("new c(`rho:metta:compile`) in { for (@x <- c) { Nil } }", "1:44: nothing can be received"),
        ("new x in { x!(1) } }", "1:20: expected `|` or the end"),
        ("new x in { x!({|1|}.run(2)) }", "1:15: a path map has no method `run` for (an integer)"),
        ("#", "1:1: unexpected `#`"),
    ];
    for (text, expected) in cases {
        let error = error(text);
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

/// M1, V1 and V2.
#[test]
fn programs_without_end_meet_a_limit() {
    let mut limits = Limits::default();
    limits.steps = 2_000;
    limits.made_bytes = 1 << 20;
    limits.metta.steps = Some(1_000);
    for (text, expected) in [
        ("new x in { x!(0) | for (@n <= x) { x!(n + 1) } }", "stopped after 2000 steps"),
        ("new x in { x!!(0) | for (@n <= x) { Nil } }", "stopped after 2000 steps"),
        ("new x in { contract x(@s) = { x!(s ++ s) } | x!(\"abcdefgh\") }", "bytes of values"),
        ("new x in { contract x(@s) = { x!([s]) } | x!(1) }", "levels inside each other"),
        ("new x in { contract x(@s) = { x!({ s | s }) } | x!({ Nil | Nil }) }", "levels inside each other"),
    ] {
        let error = run_within(limits.clone(), text).1.expect_err("a limit").to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    limits.steps = 100_000;
    limits.made_bytes = 1 << 30;
    limits.matching = 200_000;
    let joins = "for (@a <- x; @b <- x; @c <- x; @d <- x; @0 <- x) { Nil }";
    let sends = vec!["x!(1)"; 200].join(" | ");
    let elements = (0..40).map(|i| format!("({i}, 1)")).collect::<Vec<_>>().join(", ");
    let patterns = vec!["(_, 1)"; 20].join(", ");
    for text in [
        format!("new x in {{ {joins} | {sends} }}"),
        "new x, y in { for (@0 <- y) { Nil } | contract x(@n) = { y!(1) | x!(n + 1) } | x!(0) }".to_owned(),
        format!("match Set({elements}) {{ Set({patterns}, (_, 2) ..._) => Nil }}"),
    ] {
        let error = run_within(limits.clone(), &text).1.expect_err("a limit").to_string();
        assert!(error.contains("attempts to match"), "{error}");
    }
    let endless = "new c(`rho:metta:compile`), out(`rho:io:stdout`) in {
        for (@p <- c!?(\"(= (f) (f)) !(f)\")) { match {||}.run(p) { [code, _] => out!(code) } } }";
    assert_eq!(run_within(limits, endless).0, "evaluation_failed\n");
}

/// D1.
#[test]
fn deep_and_long_texts_are_errors_or_run() {
    for open in [
        "[",
        "(",
        "{",
        "new x in ",
        "@@",
        "-",
        "not ",
        "~",
        "x!(",
        "for (_ <- x) ",
        "if (true) ",
        "1 + (",
        "{|",
    ] {
        assert!(!error(&open.repeat(100_000)).is_empty(), "{open}");
    }
    let sum = vec!["1"; 100_000].join(" + ");
    assert!(error(&format!("new x in {{ x!({sum}) }}")).contains("in a row"));
    let wide = vec!["Nil"; 20_000].join(" | ");
    let (_, result) = run_within(Limits::default(), &wide);
    assert_eq!(result.expect("it runs").steps, 20_001);
    let set = (0..1_000).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    assert!(error(&format!("match Nil {{ Set({set}) => Nil }}")).contains("elements of a set"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_a_program_or_a_mistake(text in "\\PC{0,40}") {
        drop(run_within(Limits::default(), &text));
    }

    #[test]
    fn any_words_are_a_program_or_a_mistake(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "new", "x", "in", "{", "}", "(", ")", "[", "]", "|", "!", "!!", "!?", "for", "<-", "<=", "<<-", "@",
                "*", "contract", "=", "match", "=>", "if", "else", "1", "\"a\"", "Nil", "_", "...", ",", ";", ":", ".",
                "{|", "|}", "Set", "++", "-", "not", "/\\", "~", "true", "`rho:io:stdout`", "run",
            ]),
            0..30,
        ),
    ) {
        let mut limits = Limits::default();
        limits.steps = 1_000;
        drop(run_within(limits.clone(), &words.join(" ")));
        drop(run_within(limits, &format!("new x in {{ {} }}", words.join(" "))));
    }
}
