//! What texts look like when they are laid out.

use super::format;

/// Lays a text out twice.
fn check(width: usize, text: &str, expected: &str) {
    let once = format(text, width).unwrap();
    assert_eq!(once, expected, "{text:?}");
    // F2
    assert_eq!(format(&once, width).unwrap(), once, "{text:?} again");
}

#[test]
fn breaks_stay_and_indentation_is_put_in_order() {
    check(80, "(=  (f $x)\n\n\n (g   $x) )", "(= (f $x)\n\n   (g $x))\n");
    check(80, "(if a\nb\n      c\n)", "(if a\n    b\n    c)\n");
    check(80, "(let $x 1\n (f\n$x))", "(let $x 1\n  (f\n    $x))\n");
    check(80, "(let* (($a 1)\n($b 2))\n(f $a $b))", "(let* (($a 1)\n       ($b 2))\n  (f $a $b))\n");
    check(80, "(case (f $x)\n ((A 1)\n (B 2)))", "(case (f $x)\n  ((A 1)\n   (B 2)))\n");
    check(80, "(some-long-function-name a\n b)", "(some-long-function-name a\n  b)\n");
    check(80, "((a b)\n   (c d))", "((a b)\n (c d))\n");
    check(80, "(a)\n\n\n\n(b) (c)", "(a)\n\n(b) (c)\n");
    check(80, "\n\n", "");
}

#[test]
fn long_lines_are_broken() {
    check(20, "(= (f $x) (if $x (g $x) (h $x)))", "(= (f $x)\n   (if $x\n       (g $x)\n       (h $x)))\n");
    check(20, "(1 22 333 4444 55555 666666)", "(1 22 333 4444 55555\n 666666)\n");
    check(20, "(let $x (f 1) (g $x $x $x))", "(let $x (f 1)\n  (g $x $x $x))\n");
    check(20, "(edge a b) (edge c d) (x)", "(edge a b)\n(edge c d) (x)\n");
    check(10, "(aaaaaaaaaaaa)", "(aaaaaaaaaaaa)\n");
    check(10, "(((((((((((a b c)))))))))))", "(((((((((((a b\n      c)))))))))))\n");
}

#[test]
fn comments_stay_where_they_are() {
    check(80, "; top  \n(a);x\n   ; own\n(b)    ; y\n;end", "; top\n(a) ;x\n; own\n(b)    ; y\n;end\n");
    check(80, "(f ; why\n a ; b\n; own\n c\n ; last\n)", "(f ; why\n  a ; b\n  ; own\n  c\n  ; last\n)\n");
    check(80, "(\n; first\n a)", "( ; first\n a)\n");
    check(80, "! ; run\n (f)", "! ; run\n(f)\n");
}

#[test]
fn words_stay_what_they_are() {
    check(80, "! (f)", "!(f)\n");
    check(80, "! x !y (! (f) $v;w)", "! x !y (! (f) $v;w)\n");
    check(80, "! ! ! (f)", "! ! !(f)\n");
    check(80, "\"a b\"c(d)$e", "\"a b\" c (d) $e\n");
    check(80, "(f \"two\n lines\" b)", "(f \"two\n lines\"\n   b)\n");
    check(80, "\u{FEFF}(a\u{A0}b)\r\n(c)\r\n", "\u{FEFF}(a b)\n(c)\n");
}

#[test]
fn a_malformed_text_is_refused() {
    assert_eq!(format("(a", 80).unwrap_err()[0].code, "E0101");
}

#[test]
fn deep_and_wide_texts_are_laid_out() {
    let deep = format!("{}x{}", "(+ (f ".repeat(50_000), ") 1)".repeat(50_000));
    for text in [deep, format!("({})", "word ".repeat(100_000))] {
        let once = format(&text, 80).unwrap();
        assert!(format(&once, 80).unwrap() == once);
    }
}
