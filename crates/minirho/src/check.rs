//! What can be said against a program before it runs: unknown variables, and patterns that are none.

use std::sync::Arc;

use crate::ProgramError;
use crate::ast::*;

/// How many elements a set in a pattern, and how many joined patterns a `for`, may have: they are matched by trying.
const MOST_TRIED: usize = 64;

/// Checks a whole program.
pub(crate) fn check(text: &str, program: &Proc) -> Result<(), ProgramError> {
    Checker { text, known: Vec::new() }.process(program)
}

struct Checker<'t> {
    text: &'t str,
    /// The variables that are known here, the innermost last.
    known: Vec<Arc<str>>,
}

type Checked = Result<(), ProgramError>;

impl Checker<'_> {
    fn error(&self, span: Span, message: &str) -> Checked {
        Err(ProgramError::at(self.text, span, message))
    }

    /// Checks what stands where the variables from `start` on are known, and forgets them.
    fn inside(&mut self, start: usize, check: impl FnOnce(&mut Self) -> Checked) -> Checked {
        check(self)?;
        self.known.truncate(start);
        Ok(())
    }

    fn variable(&self, name: &Arc<str>, span: Span) -> Checked {
        if self.known.contains(name) {
            Ok(())
        } else {
            self.error(span, &format!("unknown variable `{name}`"))
        }
    }

    fn name(&mut self, name: &Name) -> Checked {
        match &name.kind {
            NameKind::Variable(variable) => self.variable(variable, name.span),
            NameKind::Quote(process) => self.process(process),
            NameKind::Wildcard => self.error(name.span, "`_` is for patterns"),
        }
    }

    fn all(&mut self, processes: &[Shared]) -> Checked {
        processes.iter().try_for_each(|process| self.process(process))
    }

    fn process(&mut self, process: &Proc) -> Checked {
        let start = self.known.len();
        match &process.kind {
            Kind::Nil | Kind::Bool(_) | Kind::Int(_) | Kind::String(_) | Kind::Uri(_) => Ok(()),
            Kind::Par(parts) => self.all(parts),
            Kind::New { names, body } => {
                self.known.extend(names.iter().map(|declared| Arc::clone(&declared.name)));
                self.inside(start, |checker| checker.process(body))
            }
            Kind::Send { channel, arguments, .. } => {
                self.name(channel)?;
                self.all(arguments)
            }
            Kind::Ask { channel, arguments, then } => {
                self.name(channel)?;
                self.all(arguments)?;
                then.iter().try_for_each(|then| self.process(then))
            }
            Kind::For { binds, body, .. } => self.receive(process.span, binds, body),
            Kind::Match { target, cases } => {
                self.process(target)?;
                cases.iter().try_for_each(|(pattern, body)| {
                    self.pattern(pattern, start)?;
                    self.inside(start, |checker| checker.process(body))
                })
            }
            Kind::If { condition, then, otherwise } => {
                self.process(condition)?;
                self.process(then)?;
                otherwise.iter().try_for_each(|otherwise| self.process(otherwise))
            }
            Kind::Eval(name) => self.name(name),
            Kind::Variable(name) => self.variable(name, process.span),
            Kind::Collection { elements, rest, .. } => {
                self.rest(rest.as_ref(), process.span)?;
                self.all(elements)
            }
            Kind::Map { entries, rest } => {
                self.rest(rest.as_ref(), process.span)?;
                entries.iter().try_for_each(|(key, value)| {
                    self.process(key)?;
                    self.process(value)
                })
            }
            Kind::Unary(_, operand) => self.process(operand),
            Kind::Binary(Binary::Matches, target, pattern) => {
                self.process(target)?;
                self.pattern(pattern, start)?;
                self.known.truncate(start);
                Ok(())
            }
            Kind::Binary(_, left, right) => {
                self.process(left)?;
                self.process(right)
            }
            Kind::Method { target, arguments, .. } => {
                self.process(target)?;
                self.all(arguments)
            }
            Kind::Wildcard
            | Kind::Both(..)
            | Kind::Either(..)
            | Kind::Not(_)
            | Kind::Type(_)
            | Kind::Reference(_) => self.error(process.span, "this is for patterns"),
        }
    }

    /// What remains of a collection that is no pattern is a collection too.
    fn rest(&mut self, rest: Option<&Rest>, span: Span) -> Checked {
        match rest {
            None => Ok(()),
            Some(_) => self.error(span, "`...` is for patterns"),
        }
    }

    fn receive(&mut self, span: Span, binds: &[Bind], body: &Proc) -> Checked {
        let start = self.known.len();
        if binds.len() > MOST_TRIED {
            return self.error(span, &format!("more than {MOST_TRIED} joined receives"));
        }
        for bind in binds {
            self.name(&bind.channel)?;
            if let From::Answer(arguments) = &bind.from {
                self.all(arguments)?;
            }
        }
        for bind in binds {
            for pattern in &bind.patterns {
                self.name_pattern(pattern, start)?;
            }
            self.bind_rest(bind.rest.as_ref(), span, start)?;
        }
        self.inside(start, |checker| checker.process(body))
    }

    fn bind(&mut self, name: &Arc<str>, span: Span, start: usize) -> Checked {
        if self.known[start..].contains(name) {
            return self.error(span, &format!("`{name}` is twice in a pattern"));
        }
        self.known.push(Arc::clone(name));
        Ok(())
    }

    fn bind_rest(&mut self, rest: Option<&Rest>, span: Span, start: usize) -> Checked {
        match rest {
            Some(Rest(Some(name))) => self.bind(name, span, start),
            _ => Ok(()),
        }
    }

    fn name_pattern(&mut self, pattern: &Name, start: usize) -> Checked {
        match &pattern.kind {
            NameKind::Wildcard => Ok(()),
            NameKind::Variable(name) => self.bind(name, pattern.span, start),
            NameKind::Quote(process) => self.pattern(process, start),
        }
    }

    /// Checks a pattern and adds what it binds; those from `start` on are of the same pattern.
    fn pattern(&mut self, pattern: &Proc, start: usize) -> Checked {
        match &pattern.kind {
            Kind::Nil
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::String(_)
            | Kind::Uri(_)
            | Kind::Wildcard
            | Kind::Type(_) => Ok(()),
            Kind::Variable(name) => self.bind(name, pattern.span, start),
            Kind::Eval(name) => self.name_pattern(name, start),
            Kind::Reference(name) => {
                let outer = self.known[..start].contains(name);
                if outer { Ok(()) } else { self.variable(name, pattern.span) }
            }
            Kind::Collection { kind, elements, rest } => {
                let is_tried = matches!(kind, Collection::Set | Collection::PathMap);
                if is_tried && elements.len() > MOST_TRIED {
                    let message = format!("more than {MOST_TRIED} elements of a set in a pattern");
                    return self.error(pattern.span, &message);
                }
                elements.iter().try_for_each(|element| self.pattern(element, start))?;
                self.bind_rest(rest.as_ref(), pattern.span, start)
            }
            Kind::Map { entries, rest } => {
                for (key, value) in entries {
                    self.key(key)?;
                    self.pattern(value, start)?;
                }
                self.bind_rest(rest.as_ref(), pattern.span, start)
            }
            Kind::Both(left, right) => {
                self.pattern(left, start)?;
                self.pattern(right, start)
            }
            Kind::Either(left, right) => {
                self.binds_nothing(left)?;
                self.binds_nothing(right)
            }
            Kind::Not(inner) => self.binds_nothing(inner),
            Kind::Par(_)
            | Kind::New { .. }
            | Kind::Send { .. }
            | Kind::Ask { .. }
            | Kind::For { .. }
            | Kind::Match { .. }
            | Kind::If { .. }
            | Kind::Unary(..)
            | Kind::Binary(..)
            | Kind::Method { .. } => self.error(pattern.span, "this cannot be part of a pattern"),
        }
    }

    /// A pattern of which only one side, or none, matches has no values for variables.
    fn binds_nothing(&mut self, pattern: &Proc) -> Checked {
        let start = self.known.len();
        self.pattern(pattern, start)?;
        if self.known.len() > start {
            return self.error(pattern.span, "a variable has no value here: write `_`");
        }
        Ok(())
    }

    fn key(&mut self, key: &Proc) -> Checked {
        match &key.kind {
            Kind::Nil | Kind::Bool(_) | Kind::Int(_) | Kind::String(_) | Kind::Uri(_) => Ok(()),
            Kind::Reference(name) => self.variable(name, key.span),
            _ => self.error(key.span, "a key in a pattern is a literal or `=x`"),
        }
    }
}
