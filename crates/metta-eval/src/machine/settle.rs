//! Finds out whether a term is data, and marks it and its parts as evaluated.
//!
//! Ground parts are marked where they stand, so each is looked at once. A part with variables is looked at each
//! time, since its variables may have got values: of such parts only a bounded number is.

use smallvec::SmallVec;

use crate::machine::Machine;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::symbols::{self, cell};

/// Elements of expressions not known to be ground that are looked at before a term is left to the general evaluator.
const MOST_OPEN: u32 = 512;
/// How deep parts with variables are looked into to see that their marks hold.
const DEEPEST: u32 = 64;

/// Storage of [`Machine::settled`].
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// The elements of all open parts so far.
    elements: Vec<Cell>,
    parts: Vec<Part>,
    closed: Vec<Closed>,
}

/// An expression without variables some of whose elements have been looked at.
#[derive(Debug)]
struct Closed {
    address: u32,
    length: u32,
    index: u32,
    head: Head,
}

/// The head of data.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// The function type whose parameters take the elements.
    parameters: Option<u32>,
    /// It has a type with variables.
    open: Option<SymbolId>,
}

/// An expression some of whose elements have been looked at.
#[derive(Debug)]
struct Part {
    address: u32,
    length: u32,
    index: u32,
    /// Where its elements begin.
    start: u32,
    /// The function type of its head, whose parameters take the elements.
    parameters: Option<u32>,
    /// Its head, if its type has variables.
    open: Option<SymbolId>,
    /// Its elements are not what stands in its place.
    moved: bool,
    /// Some element got a mark.
    marked: bool,
    ground: bool,
    inert: bool,
}

impl Part {
    #[inline(always)]
    fn push(&mut self, elements: &mut Vec<Cell>, element: Cell) {
        self.ground &= element.is_ground();
        self.inert &= element.is_inert_element();
        self.index += 1;
        elements.push(element);
    }

    /// The expression with what was found out, in its place or in a new one.
    #[inline(always)]
    fn finish(self, heap: &mut Heap, elements: &[Cell]) -> Cell {
        let Part { mut address, length, .. } = self;
        if self.moved && (self.marked || address & CODE == 0 || !self.ground) {
            address = heap.top();
            heap.cells.extend_from_slice(elements);
        } else if self.marked {
            heap.cells[address as usize..][..length as usize].copy_from_slice(elements);
        }
        let term = Cell::expression(address, length, self.ground).evaluated();
        if self.inert { term.with_evaluated_elements() } else { term }
    }
}

impl Machine {
    /// The value of an expression if evaluation would only copy it: all its parts are data.
    ///
    /// It bears the mark of an evaluated one, as do its parts, and mentions no bound variable.
    pub(super) fn settled(&mut self, value: Cell) -> Option<Cell> {
        let mut budget = MOST_OPEN;
        if self.is_settled(value, 0, &mut budget) {
            return Some(value);
        }
        let mut settling = std::mem::take(&mut self.settling);
        let in_place = value.is_ground() && value.address().is_some_and(|address| address & CODE == 0);
        let settled = match in_place {
            true => self.settle_in_place(value, &mut settling.closed),
            false => self.settle(value, &mut settling),
        };
        settling.elements.clear();
        settling.parts.clear();
        settling.closed.clear();
        self.settling = settling;
        settled
    }

    /// Reports whether an element of data needs no look: it is a value, bears the mark and mentions no bound variable.
    #[inline]
    pub(super) fn is_settled_element(&self, value: Cell, is_inert: bool) -> bool {
        match value.is_expression() {
            false => is_inert || value.is_reference(),
            true if self.heap.is_error(value) => false,
            true => is_inert || self.is_settled(value, 0, &mut MOST_OPEN.clone()),
        }
    }

    /// Reports whether an expression and all its parts bear the mark, and mention no bound variable.
    fn is_settled(&self, value: Cell, depth: u32, budget: &mut u32) -> bool {
        let View::Expression { address, length } = value.view() else { return false };
        if !value.is_evaluated() || length > *budget || depth > DEEPEST {
            return false;
        }
        *budget -= length;
        let parts = self.heap.slice(address, length).iter().filter(|element| !element.is_ground());
        parts.copied().all(|element| match element.view() {
            View::Ref(variable) => matches!(self.heap.get(variable).view(), View::Variable { .. }),
            _ => self.is_settled(element, depth + 1, budget),
        })
    }

    /// The value of an expression without variables, if it is data. What is found out is noted in its place.
    fn settle_in_place(&mut self, value: Cell, pending: &mut Vec<Closed>) -> Option<Cell> {
        let mut part = self.open_closed(value)?;
        loop {
            if part.index < part.length {
                let element = self.heap.get(part.address + part.index);
                match element.view() {
                    View::Expression { .. } if !is_done(element) => {
                        let inner = self.open_closed(element)?;
                        pending.push(std::mem::replace(&mut part, inner));
                        continue;
                    }
                    View::Expression { length: 1.., .. } if self.heap.is_error(element) => return None,
                    View::Symbol(symbols::EMPTY) | View::Bindings { .. } => return None,
                    _ => {}
                }
                self.pass_element(&mut part, element, Machine::fits_parameter)?;
                continue;
            }
            let Closed { address, length, head, .. } = part;
            if let Some(id) = head.open {
                let elements = SmallVec::<[Cell; 8]>::from_slice(self.heap.slice(address + 1, length - 1));
                if !self.takes_values(id, &elements) {
                    return None;
                }
            }
            let settled = Cell::expression(address, length, true).evaluated().with_evaluated_elements();
            let Some(outer) = pending.pop() else { return Some(settled) };
            part = outer;
            self.heap.cells[(part.address + part.index) as usize] = settled;
            self.pass_element(&mut part, settled, Machine::settled_fits)?;
        }
    }

    /// Goes on behind an element, if the head takes it.
    #[inline(always)]
    fn pass_element(
        &mut self,
        part: &mut Closed,
        element: Cell,
        fits: impl Fn(&mut Machine, Cell, Cell) -> bool,
    ) -> Option<()> {
        if let Some(parameters) = part.head.parameters
            && part.index > 0
        {
            let parameter = self.heap.element(parameters, part.index);
            if !fits(self, element, parameter) {
                return None;
            }
        }
        part.index += 1;
        Some(())
    }

    /// Begins an expression without variables, if its head is that of data.
    #[inline(always)]
    fn open_closed(&mut self, value: Cell) -> Option<Closed> {
        let (address, length) = value.slice().filter(|(address, _)| address & CODE == 0)?;
        self.work += 1;
        let head = self.head_of_data(address, length)?;
        Some(Closed { address, length, index: 0, head })
    }

    fn settle(&mut self, value: Cell, settling: &mut Settling) -> Option<Cell> {
        let Settling { elements, parts, .. } = settling;
        let mut budget = MOST_OPEN;
        if is_done(value) {
            return Some(value);
        }
        let mut part = self.open_part(value, 0, &mut budget)?;
        loop {
            if part.index < part.length {
                let stored = self.heap.get(part.address + part.index);
                if stored.is_canonical() && stored != cell(symbols::EMPTY) && part.parameters.is_none() {
                    part.index += 1;
                    elements.push(stored);
                    continue;
                }
                let element = self.heap.deref(stored);
                part.moved |= stored != element;
                match element.view() {
                    View::Expression { .. } if !is_done(element) => {
                        let inner = self.open_part(element, elements.len() as u32, &mut budget)?;
                        parts.push(std::mem::replace(&mut part, inner));
                    }
                    // An error in a tuple takes the place of the tuple. It is none of data as it stands.
                    View::Expression { length: 1.., .. } if self.heap.is_error(element) => return None,
                    View::Symbol(symbols::EMPTY) | View::Bindings { .. } => return None,
                    _ => self.take_element(&mut part, elements, element)?,
                }
                continue;
            }
            let (written, start) = (part.address, part.start as usize);
            if let Some(id) = part.open
                && !(part.ground && self.takes_values(id, &elements[start + 1..]))
            {
                return None;
            }
            let Some(outer) = parts.pop() else {
                return Some(part.finish(&mut self.heap, &elements[start..]));
            };
            let known = self.heap.element(outer.address, outer.index);
            let settled = part.finish(&mut self.heap, &elements[start..]);
            elements.truncate(start);
            part = outer;
            part.moved |= settled.address() != Some(written);
            part.marked |= settled != known;
            self.take_element(&mut part, elements, settled)?;
        }
    }

    /// Adds an element to a part, if the head takes it.
    #[inline(always)]
    fn take_element(&mut self, part: &mut Part, elements: &mut Vec<Cell>, element: Cell) -> Option<()> {
        if let Some(parameters) = part.parameters.filter(|_| part.index > 0) {
            let parameter = self.heap.element(parameters, part.index);
            if !self.fits_parameter(element, parameter) {
                return None;
            }
        }
        part.push(elements, element);
        Some(())
    }

    /// Begins an expression, if its head is that of data.
    #[inline(always)]
    fn open_part(&mut self, value: Cell, start: u32, budget: &mut u32) -> Option<Part> {
        let (address, length) = value.slice()?;
        self.work += 1;
        if !value.is_ground() {
            *budget = budget.checked_sub(length)?;
        }
        let Head { parameters, open } = self.head_of_data(address, length)?;
        // Where the elements are is not where they may be marked: others see code.
        let moved = address & CODE != 0;
        Some(Part {
            address,
            length,
            index: 0,
            start,
            parameters,
            open,
            moved,
            marked: false,
            ground: true,
            inert: true,
        })
    }

    /// What the head of an expression takes, if it is that of data.
    #[inline(always)]
    fn head_of_data(&mut self, address: u32, length: u32) -> Option<Head> {
        const ANY: Head = Head { parameters: None, open: None };
        let head = self.heap.element(address, 0);
        match head.view() {
            View::Symbol(id) if self.is_constructor(id, length - 1) => Some(ANY),
            View::Symbol(id) => match self.constructor_type(id, length - 1) {
                Some(function) => Some(Head { parameters: function.address(), open: None }),
                None => {
                    self.open_constructor(id, length - 1)?;
                    Some(Head { parameters: None, open: Some(id) })
                }
            },
            View::Int(_) | View::Float(_) | View::Bool(_) => (!self.has_open_rules(length)).then_some(ANY),
            View::Ref(_) => Some(ANY),
            View::Expression { length: 1.., .. } => {
                let data =
                    self.has_plain_head(head) && self.has_no_open_types() && !self.has_open_rules(length);
                data.then_some(ANY)
            }
            _ => None,
        }
    }
}

/// Reports whether a value is settled by what is noted about it.
fn is_done(value: Cell) -> bool {
    value == Cell::UNIT || value.is_evaluated() && value.is_ground()
}
