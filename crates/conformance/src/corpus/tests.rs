use super::CorpusFile;
use crate::{Answer, Order, Outcome};

fn results(results: &[&str]) -> Answer {
    Answer { printed: Vec::new(), outcome: Outcome::Results(results.iter().map(|&r| r.to_owned()).collect()) }
}

const SAMPLE: &str = "\
; A comment.
;@ source: here
;@ keep-going
(= (f) 1) ; a rule
!(f)
;=> 1
!(g
  x) ; behind
; between
;print> a
;print>
;=> (g x)
;=> $y

;@ order: bag
;@ differs: ADR-0007
!(h)
;=>none
;@ source: there
! last
;=>not-run
";

#[test]
fn a_file_is_read() {
    let file = CorpusFile::parse_complete(SAMPLE).unwrap();
    assert!(file.keep_going);
    assert_eq!(file.assertions(), 4);
    let atoms: Vec<_> = file.forms.iter().map(|form| (form.line, form.atom.as_str(), form.run)).collect();
    assert_eq!(
        atoms,
        [
            (4, "(= (f) 1)", false),
            (5, "(f)", true),
            (7, "(g\n  x)", true),
            (17, "(h)", true),
            (20, "last", true)
        ]
    );
    assert_eq!(file.forms[0].expected, None);
    assert_eq!(file.forms[0].required(), Answer::nothing());
    assert_eq!(file.forms[1].expected, Some(results(&["1"])));
    let printed = vec!["a".to_owned(), String::new()];
    assert_eq!(file.forms[2].expected, Some(Answer { printed, ..results(&["(g x)", "$y"]) }));
    assert_eq!(file.forms[3].expected, Some(results(&[])));
    assert_eq!(file.forms[4].expected, Some(Answer::not_run()));
    assert_eq!(
        file.forms.iter().map(|form| form.order).collect::<Vec<_>>()[2..],
        [Order::Sequence, Order::Bag, Order::Sequence]
    );
    assert_eq!(file.forms[3].differs.as_deref(), Some("ADR-0007"));
    assert_eq!(file.forms[4].differs, None);
    let sources: Vec<_> = file.forms.iter().map(|form| form.source.as_deref().unwrap()).collect();
    assert_eq!(sources, ["here", "here", "here", "here", "there"]);
}

#[test]
fn without_the_word_a_run_stops_at_an_error() {
    assert!(!CorpusFile::parse("! a\n;=> a\n").unwrap().keep_going);
}

#[test]
fn a_file_that_cannot_be_meant_is_refused() {
    for (text, line) in [
        (";=> 1\n!(f)\n;=> 1\n", 1),
        ("!(f)\n;=>none\n;=> 1\n", 3),
        ("!(f)\n;=> 1\n;=>none\n", 3),
        ("!(f)\n;=>not-run\n;=> 1\n", 3),
        ("!(f)\n;print> a\n;=>not-run\n", 3),
        ("!(f)\n;=> 1\n;print> a\n", 3),
        ("!(f)\n;=>1\n", 2),
        ("!(f)\n;@ oder: bag\n;=> 1\n", 2),
        ("!(f)\n;=> 1\n;@ order: bag\n", 4),
        ("!(f)\n;=> 1\n(f\n", 3),
        ("(= (f) 1)\n!(f)\n\n!(g)\n;=>none\n", 2),
        ("!(f) ;=> 1\n", 1),
    ] {
        let error = CorpusFile::parse_complete(text).expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

#[test]
fn rewriting_with_what_is_expected_changes_nothing() {
    let file = CorpusFile::parse(SAMPLE).unwrap();
    let answers: Vec<_> = file.forms.iter().map(|form| form.expected.clone()).collect();
    let moved = SAMPLE.replace(
        "; between\n;print> a\n;print>\n;=> (g x)\n;=> $y\n",
        ";print> a\n;print>\n;=> (g x)\n;=> $y\n; between\n",
    );
    assert_eq!(file.rewrite(&answers), moved);
    assert_eq!(file.rewrite(&vec![None; file.forms.len()]), SAMPLE);
}

#[test]
fn rewriting_replaces_the_answers_of_some_forms() {
    let file =
        CorpusFile::parse("(fact)\n!(f)\n;=> 1\n; note\n!(g) ; behind\n!(h)\n;print> a\n;=>none").unwrap();
    let answers =
        [Some(Answer::nothing()), Some(results(&["2", "3"])), Some(results(&[])), Some(Answer::not_run())];
    let text = "(fact)\n!(f)\n;=> 2\n;=> 3\n; note\n!(g) ; behind\n;=>none\n!(h)\n;=>not-run\n";
    assert_eq!(file.rewrite(&answers), text);
    let again = CorpusFile::parse_complete(text).unwrap();
    assert_eq!(again.forms.iter().map(|form| form.expected.clone()).collect::<Vec<_>>()[1..], answers[1..]);
}

#[test]
fn rewriting_says_nothing_of_what_was_not_stored() {
    let text = "!(f)\n;=> (Error a b)\n(fact)\n(known)\n;=>not-run\n!(g)\n;=>not-run\n";
    let file = CorpusFile::parse(text).unwrap();
    let not_run = || Some(Answer::not_run());
    let answers = [Some(results(&["(Error a b)"])), not_run(), not_run(), not_run()];
    assert_eq!(file.rewrite(&answers), text);
}
