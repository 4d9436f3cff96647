//! Programs that are measured, with the answers they must give.
//!
//! The same answers are checked by `cargo test` at small sizes and by the benchmarks at the
//! measured sizes, before any time is taken.

use mettatron::{Engine, EngineError};

/// A program with the result lists it prints.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is measured.
    pub name: &'static str,
    /// The text.
    pub text: String,
    /// One line for each `!`.
    pub answer: Vec<String>,
}

/// Runs a program on one thread and returns its result lists as they are printed.
///
/// # Errors
/// When the text is malformed or the engine stops before its end.
pub fn run(text: &str) -> Result<Vec<String>, EngineError> {
    let mut engine = Engine::new();
    let lists = engine.run(text)?;
    let show = |list: &Vec<_>| list.iter().map(|atom| engine.print(atom)).collect::<Vec<_>>().join(", ");
    Ok(lists.iter().map(|list| format!("[{}]", show(list))).collect())
}

/// Naive Fibonacci numbers: calls, arithmetic and `if`, without memory of earlier calls.
pub fn fibonacci(n: u32) -> Program {
    let text = format!(
        "(: fib (-> Number Number))
         (= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
         !(fib {n})"
    );
    let value = (0..n).fold((0u64, 1u64), |(a, b), _| (b, a + b)).0;
    Program { name: "fibonacci", text, answer: vec![format!("[{value}]")] }
}

/// All triples over `n` values, collected and counted: choice points and collection.
pub fn triples(n: u32) -> Program {
    let mut text: String = (0..n).map(|i| format!("(= (pick) {i})\n")).collect();
    text.push_str("!(let $all (collapse ((pick) (pick) (pick))) (size-atom $all))");
    Program { name: "triples", text, answer: vec![format!("[{}]", n.pow(3))] }
}

/// A join of two relations of `n` facts each, every fact with one partner.
pub fn join(n: u32) -> Program {
    let mut text = String::new();
    for i in 0..n {
        text.push_str(&format!("(left k{i} a{i})\n(right k{i} b{i})\n"));
    }
    text.push_str(
        "!(let $all (collapse (match &self (, (left $k $a) (right $k $b)) ($a $b))) (size-atom $all))",
    );
    Program { name: "join", text, answer: vec![format!("[{n}]")] }
}

/// Recursion of depth `n` that is not in tail position.
pub fn deep(n: u32) -> Program {
    let text = format!("(= (count $n) (if (== $n 0) 0 (+ 1 (count (- $n 1)))))\n!(count {n})");
    Program { name: "deep recursion", text, answer: vec![format!("[{n}]")] }
}

/// Facts as text, `n` of them.
pub fn facts(n: u32) -> String {
    (0..n).map(|i| format!("(edge node{} node{} {i})\n", i % 100, (i * 7) % 1000)).collect()
}

/// The Rust examples of the book are compiled and run as examples of this item.
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/embedding.md")]
struct Embedding;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sizes_give_the_right_answers() {
        for program in [fibonacci(10), triples(4), join(20), deep(100)] {
            assert_eq!(run(&program.text).unwrap(), program.answer, "{}", program.name);
        }
    }
}
