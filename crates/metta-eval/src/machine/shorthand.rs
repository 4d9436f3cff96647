//! The short forms of `map-atom`, `filter-atom` and `foldl-atom` (ADR-0013).

use crate::machine::Machine;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols;

impl Machine {
    /// Writes a short form out; any other term stays as it is.
    ///
    /// `(map-atom list f)` becomes `(map-atom list $x (f $x))`, and `(foldl-atom list init f)` becomes
    /// `(foldl-atom list init $folded $x (f $folded $x))`.
    #[inline]
    pub(crate) fn written_out(&mut self, term: Cell) -> Cell {
        match (self.heap.head_symbol(term), term.slice()) {
            (Some(id @ (symbols::MAP_ATOM | symbols::FILTER_ATOM)), Some((address, length @ 3)))
            | (Some(id @ symbols::FOLDL_ATOM), Some((address, length @ 4))) => {
                self.write_out(term, id, address, length)
            }
            _ => term,
        }
    }

    fn write_out(&mut self, short: Cell, head: SymbolId, address: u32, length: u32) -> Cell {
        let declared = self.head(head);
        let function = self.heap.element(address, length - 1);
        // A program's own rules decide what the call means, and an open function is a mistake.
        if declared.builtin.is_none() || declared.own || function.is_reference() {
            return short;
        }
        let mut elements: Vec<Cell> =
            (0..length - 1).map(|index| self.heap.element(address, index)).collect();
        let names: &[&str] = if head == symbols::FOLDL_ATOM { &["folded", "x"] } else { &["x"] };
        let mut variables = Vec::new();
        for name in names {
            let name = self.heap.symbols.intern(name);
            variables.push(self.heap.new_variable(name, false));
        }
        let application = self.applied(function, &variables);
        elements.extend(variables);
        elements.push(application);
        self.heap.expression(&elements)
    }

    /// A function applied to arguments; an expression is applied to further ones.
    fn applied(&mut self, function: Cell, arguments: &[Cell]) -> Cell {
        let mut elements = match function.view() {
            View::Expression { address, length } if length > 0 => {
                (0..length).map(|index| self.heap.element(address, index)).collect()
            }
            _ => vec![function],
        };
        elements.extend(arguments);
        self.heap.expression(&elements)
    }
}
