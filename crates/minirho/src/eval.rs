//! Expressions to values.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ProgramError;
use crate::ast::*;
use crate::machine::Machine;
use crate::matching::match_one;
use crate::scope::Scope;
use crate::value::{MOST_BYTES, TooMuch, Value, as_set, too_large};

pub(crate) type Evaluated = Result<Value, ProgramError>;

impl Machine {
    pub(crate) fn error(&self, span: Span, message: &str) -> ProgramError {
        ProgramError::at(&self.text, span, message)
    }

    pub(crate) fn made(&self, span: Span, made: Result<Value, TooMuch>) -> Evaluated {
        made.map_err(|TooMuch(message)| self.error(span, &message))
    }

    pub(crate) fn name(&self, name: &Name, scope: &Scope) -> Evaluated {
        match &name.kind {
            NameKind::Variable(variable) => self.variable(variable, name.span, scope),
            NameKind::Quote(process) => self.value(process, scope),
            NameKind::Wildcard => Err(self.error(name.span, "`_` is for patterns")),
        }
    }

    fn variable(&self, name: &str, span: Span, scope: &Scope) -> Evaluated {
        scope.get(name).cloned().ok_or_else(|| self.error(span, &format!("unknown variable `{name}`")))
    }

    pub(crate) fn values(&self, processes: &[Shared], scope: &Scope) -> Result<Vec<Value>, ProgramError> {
        processes.iter().map(|process| self.value(process, scope)).collect()
    }

    /// The value of an expression; a process that is none is a value with its scope.
    pub(crate) fn value(&self, process: &Shared, scope: &Scope) -> Evaluated {
        let span = process.span;
        match &process.kind {
            Kind::Nil => Ok(Value::Nil),
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Int(value) => Ok(Value::Int(*value)),
            Kind::String(text) => Ok(Value::String(Arc::clone(text))),
            Kind::Uri(uri) => Ok(Value::Uri(Arc::clone(uri))),
            Kind::Variable(name) => self.variable(name, span, scope),
            Kind::Eval(name) => self.name(name, scope),
            Kind::Collection { kind, elements, .. } => {
                let elements = self.values(elements, scope)?;
                self.made(span, Value::sequence(*kind, elements))
            }
            Kind::Map { entries, .. } => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    map.insert(self.value(key, scope)?, self.value(value, scope)?);
                }
                self.made(span, Value::map(map))
            }
            Kind::Unary(Unary::Negate, operand) => match self.value(operand, scope)? {
                Value::Int(value) => self.integer(span, value.checked_neg()),
                other => {
                    Err(self.error(span, &format!("expected an integer behind `-`, found {}", other.kind())))
                }
            },
            Kind::Unary(Unary::Not, operand) => match self.value(operand, scope)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                other => {
                    Err(self
                        .error(span, &format!("expected a truth value behind `not`, found {}", other.kind())))
                }
            },
            Kind::Binary(Binary::Matches, target, pattern) => {
                let target = self.value(target, scope)?;
                let found = self.matching(span, |work| match_one(pattern, &target, scope, work))?;
                Ok(Value::Bool(found.is_some()))
            }
            Kind::Binary(operator @ (Binary::And | Binary::Or), left, right) => {
                self.connective(span, *operator, left, right, scope)
            }
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left, scope)?, self.value(right, scope)?);
                self.binary(span, *operator, left, right)
            }
            Kind::Method { target, name, arguments } => {
                let target = self.value(target, scope)?;
                let arguments = self.values(arguments, scope)?;
                self.method(span, target, name, &arguments)
            }
            Kind::Par(_)
            | Kind::New { .. }
            | Kind::Send { .. }
            | Kind::Ask { .. }
            | Kind::For { .. }
            | Kind::Match { .. }
            | Kind::If { .. } => self.made(span, Value::process(Arc::clone(process), scope.clone())),
            Kind::Wildcard
            | Kind::Both(..)
            | Kind::Either(..)
            | Kind::Not(_)
            | Kind::Type(_)
            | Kind::Reference(_) => Err(self.error(span, "this is for patterns")),
        }
    }

    pub(crate) fn truth(&self, process: &Shared, scope: &Scope) -> Result<bool, ProgramError> {
        match self.value(process, scope)? {
            Value::Bool(value) => Ok(value),
            other => {
                Err(self.error(process.span, &format!("expected a truth value, found {}", other.kind())))
            }
        }
    }

    fn connective(
        &self,
        _: Span,
        operator: Binary,
        left: &Shared,
        right: &Shared,
        scope: &Scope,
    ) -> Evaluated {
        let left = self.truth(left, scope)?;
        let decided = left == (operator == Binary::Or);
        Ok(Value::Bool(if decided { left } else { self.truth(right, scope)? }))
    }

    fn integer(&self, span: Span, value: Option<i64>) -> Evaluated {
        value
            .map(Value::Int)
            .ok_or_else(|| self.error(span, "the result does not fit 64 bits, or a division by zero"))
    }

    fn binary(&self, span: Span, operator: Binary, left: Value, right: Value) -> Evaluated {
        use Binary::*;
        match (operator, &left, &right) {
            (Equal, _, _) => Ok(Value::Bool(left == right)),
            (NotEqual, _, _) => Ok(Value::Bool(left != right)),
            (Plus, Value::Int(a), Value::Int(b)) => self.integer(span, a.checked_add(*b)),
            (Minus, Value::Int(a), Value::Int(b)) => self.integer(span, a.checked_sub(*b)),
            (Times, Value::Int(a), Value::Int(b)) => self.integer(span, a.checked_mul(*b)),
            (Divide, Value::Int(a), Value::Int(b)) => self.integer(span, a.checked_div(*b)),
            (Modulo, Value::Int(a), Value::Int(b)) => self.integer(span, a.checked_rem(*b)),
            (Less | LessEqual | Greater | GreaterEqual, Value::Int(_), Value::Int(_))
            | (Less | LessEqual | Greater | GreaterEqual, Value::String(_), Value::String(_))
            | (Less | LessEqual | Greater | GreaterEqual, Value::Bool(_), Value::Bool(_)) => {
                Ok(Value::Bool(match operator {
                    Less => left < right,
                    LessEqual => left <= right,
                    Greater => left > right,
                    _ => left >= right,
                }))
            }
            (Concatenate, _, _) => self.concatenate(span, &left, &right),
            (Without, Value::Sequence(Collection::Set, a), Value::Sequence(Collection::Set, b)) => {
                let without = as_set(b);
                let left = a.elements.iter().filter(|element| !without.contains(*element)).cloned().collect();
                self.made(span, Value::sequence(Collection::Set, left))
            }
            (Interpolate, Value::String(text), Value::Map(map)) => self.interpolate(span, text, &map.entries),
            _ => {
                let message = format!("this operator is not for {} and {}", left.kind(), right.kind());
                Err(self.error(span, &message))
            }
        }
    }

    fn concatenate(&self, span: Span, left: &Value, right: &Value) -> Evaluated {
        let room = |bytes: usize| {
            if bytes > MOST_BYTES {
                return Err(self.error(span, &too_large().0));
            }
            self.spend(span, bytes)
        };
        match (left, right) {
            (Value::String(a), Value::String(b)) => {
                room(a.len() + b.len())?;
                Ok(Value::string([&**a, &**b].concat()))
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                room(a.len() + b.len())?;
                Ok(Value::Bytes([&a[..], &b[..]].concat().into()))
            }
            (Value::Sequence(a, x), Value::Sequence(b, y)) if a == b && *a != Collection::Tuple => {
                room((x.elements.len() + y.elements.len()) * size_of::<Value>())?;
                self.made(span, Value::sequence(*a, [&x.elements[..], &y.elements[..]].concat()))
            }
            (Value::Map(a), Value::Map(b)) => {
                room((a.entries.len() + b.entries.len()) * 2 * size_of::<Value>())?;
                let entries = a.entries.iter().chain(&b.entries);
                let entries = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
                self.made(span, Value::map(entries))
            }
            _ => {
                let message = format!("`++` is not for {} and {}", left.kind(), right.kind());
                Err(self.error(span, &message))
            }
        }
    }

    /// Puts values in the place of `${key}`.
    fn interpolate(&self, span: Span, text: &str, values: &BTreeMap<Value, Value>) -> Evaluated {
        let mut result = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            result.push_str(before);
            let end = from.find('}');
            let value = end.and_then(|end| values.get(&Value::string(&from[2..end])));
            let (shown, length) = match (value, end) {
                (Some(Value::String(text)), Some(end)) => (text.to_string(), end + 1),
                (Some(value), Some(end)) => (value.to_string(), end + 1),
                _ => ("${".to_owned(), 2),
            };
            result.push_str(&shown);
            rest = &from[length..];
            if result.len() > MOST_BYTES {
                return Err(self.error(span, &too_large().0));
            }
        }
        result.push_str(rest);
        self.spend(span, result.len())?;
        Ok(Value::string(result))
    }
}
