//! How often a rule calls its own function.

use super::compiler::{Compiler, MOST_NESTING};
use crate::terms::cell::{Cell, SymbolId, View};

impl Compiler<'_> {
    /// How many calls of the clause's own function one evaluation of its body makes, as far as the text of
    /// the body tells: of the branches of a condition the one with most calls counts.
    pub(super) fn calls_itself(&self, symbol: SymbolId) -> u32 {
        self.calls_of(symbol, self.clause.body(), 0)
    }

    fn calls_of(&self, symbol: SymbolId, node: Cell, depth: u32) -> u32 {
        let length = self.length(node);
        if length == 0 || depth > MOST_NESTING {
            return 0;
        }
        let calls = |index: u32| self.calls_of(symbol, self.child(node, index), depth + 1);
        let View::Symbol(head) = self.child(node, 0).view() else {
            return (0..length).map(calls).sum();
        };
        match (self.machine.heap.symbols.name(head), length) {
            ("if", 4) => calls(1) + calls(2).max(calls(3)),
            ("case" | "switch", 3) => {
                let cases = self.child(node, 2);
                let branches = (0..self.length(cases)).map(|index| self.child(cases, index));
                calls(1) + branches.map(|case| self.calls_of(symbol, case, depth + 1)).max().unwrap_or(0)
            }
            ("quote", _) => 0,
            _ => u32::from(head == symbol && length == self.arity + 1) + (1..length).map(calls).sum::<u32>(),
        }
    }
}
