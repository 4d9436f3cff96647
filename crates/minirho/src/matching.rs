//! Patterns against values.

use std::sync::Arc;

use crate::ast::{Collection, Kind, Name, NameKind, Proc, Rest, Shared, Type};
use crate::scope::Scope;
use crate::value::Value;

/// What matching costs: sets and joins have exponentially many attempts, and remainders are copied.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) done: u64,
    /// From here on nothing matches any more.
    pub(crate) limit: u64,
}

impl Work {
    /// Counts work; `None` when it is too much.
    pub(crate) fn count(&mut self, units: usize) -> Option<()> {
        self.done = self.done.saturating_add(units as u64);
        (!self.is_too_much()).then_some(())
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.done > self.limit
    }
}

/// Matches values, one pattern for each; returns the scope with what was bound.
pub(crate) fn match_all(
    patterns: &[Name],
    rest: Option<&Rest>,
    values: &[Value],
    scope: &Scope,
    work: &mut Work,
) -> Option<Scope> {
    work.count(1)?;
    let surplus = values.len().checked_sub(patterns.len())?;
    if surplus > 0 && rest.is_none() {
        return None;
    }
    let mut matching = Matching { work };
    let mut bound = scope.clone();
    for (pattern, value) in patterns.iter().zip(values) {
        bound = matching.name(pattern, value, bound)?;
    }
    matching.work.count(surplus)?;
    let remaining = Value::list(values[patterns.len()..].to_vec()).ok()?;
    Some(bind_rest(rest, remaining, bound))
}

/// Matches a value; returns the scope with what was bound.
pub(crate) fn match_one(pattern: &Proc, value: &Value, scope: &Scope, work: &mut Work) -> Option<Scope> {
    Matching { work }.process(pattern, value, scope.clone())
}

fn bind_rest(rest: Option<&Rest>, value: Value, scope: Scope) -> Scope {
    match rest {
        Some(Rest(Some(name))) => scope.with(Arc::clone(name), value),
        _ => scope,
    }
}

struct Matching<'w> {
    work: &'w mut Work,
}

impl Matching<'_> {
    fn name(&mut self, pattern: &Name, value: &Value, scope: Scope) -> Option<Scope> {
        match &pattern.kind {
            NameKind::Wildcard => Some(scope),
            NameKind::Variable(name) => Some(scope.with(Arc::clone(name), value.clone())),
            NameKind::Quote(process) => self.process(process, value, scope),
        }
    }

    fn process(&mut self, pattern: &Proc, value: &Value, scope: Scope) -> Option<Scope> {
        self.work.count(1)?;
        let same = |same: bool| same.then_some(scope.clone());
        match (&pattern.kind, value) {
            (Kind::Wildcard, _) => Some(scope),
            (Kind::Variable(name), _) => Some(scope.with(Arc::clone(name), value.clone())),
            (Kind::Eval(name), _) => self.name(name, value, scope),
            (Kind::Reference(name), _) => same(scope.get(name) == Some(value)),
            (Kind::Nil, Value::Nil) => Some(scope),
            (Kind::Bool(a), Value::Bool(b)) => same(a == b),
            (Kind::Int(a), Value::Int(b)) => same(a == b),
            (Kind::String(a), Value::String(b)) | (Kind::Uri(a), Value::Uri(b)) => same(a == b),
            (Kind::Type(kind), value) => same(is_of(*kind, value)),
            (Kind::Both(a, b), value) => {
                let scope = self.process(a, value, scope)?;
                self.process(b, value, scope)
            }
            (Kind::Either(a, b), value) => {
                self.process(a, value, scope.clone()).or_else(|| self.process(b, value, scope))
            }
            (Kind::Not(pattern), value) => match self.process(pattern, value, scope.clone()) {
                None => Some(scope),
                Some(_) => None,
            },
            (Kind::Collection { kind, elements, rest }, Value::Sequence(of, sequence)) if kind == of => {
                match kind {
                    Collection::List | Collection::Tuple => {
                        self.ordered(*kind, elements, rest.as_ref(), &sequence.elements, scope)
                    }
                    Collection::Set | Collection::PathMap => {
                        let values: Vec<&Value> = sequence.elements.iter().collect();
                        self.unordered(*kind, elements, rest.as_ref(), values, scope)
                    }
                }
            }
            (Kind::Map { entries, rest }, Value::Map(map)) => {
                self.work.count(map.entries.len())?;
                let mut left = map.entries.clone();
                let mut scope = scope;
                for (key, pattern) in entries {
                    let key = ground(key, &scope)?;
                    let value = left.remove(&key)?;
                    scope = self.process(pattern, &value, scope)?;
                }
                (rest.is_some() || left.is_empty()).then_some(())?;
                Some(bind_rest(rest.as_ref(), Value::map(left).ok()?, scope))
            }
            _ => None,
        }
    }

    fn ordered(
        &mut self,
        kind: Collection,
        patterns: &[Shared],
        rest: Option<&Rest>,
        values: &[Value],
        mut scope: Scope,
    ) -> Option<Scope> {
        let surplus = values.len().checked_sub(patterns.len())?;
        if surplus > 0 && rest.is_none() {
            return None;
        }
        for (pattern, value) in patterns.iter().zip(values) {
            scope = self.process(pattern, value, scope)?;
        }
        self.work.count(surplus)?;
        let remaining = Value::sequence(kind, values[patterns.len()..].to_vec()).ok()?;
        Some(bind_rest(rest, remaining, scope))
    }

    /// Tries every value for the first pattern, in order, and the others for the rest.
    fn unordered(
        &mut self,
        kind: Collection,
        patterns: &[Shared],
        rest: Option<&Rest>,
        values: Vec<&Value>,
        scope: Scope,
    ) -> Option<Scope> {
        let Some((first, others)) = patterns.split_first() else {
            (rest.is_some() || values.is_empty()).then_some(())?;
            self.work.count(values.len())?;
            let remaining = Value::sequence(kind, values.into_iter().cloned().collect()).ok()?;
            return Some(bind_rest(rest, remaining, scope));
        };
        if values.len() < patterns.len() {
            return None;
        }
        (0..values.len()).find_map(|i| {
            let bound = self.process(first, values[i], scope.clone())?;
            self.work.count(values.len())?;
            let mut left = values.clone();
            left.remove(i);
            self.unordered(kind, others, rest, left, bound)
        })
    }
}

/// The value of a key in a pattern.
fn ground(pattern: &Proc, scope: &Scope) -> Option<Value> {
    match &pattern.kind {
        Kind::Int(value) => Some(Value::Int(*value)),
        Kind::Bool(value) => Some(Value::Bool(*value)),
        Kind::String(text) => Some(Value::String(Arc::clone(text))),
        Kind::Uri(uri) => Some(Value::Uri(Arc::clone(uri))),
        Kind::Nil => Some(Value::Nil),
        Kind::Reference(name) => scope.get(name).cloned(),
        _ => None,
    }
}

fn is_of(kind: Type, value: &Value) -> bool {
    matches!(
        (kind, value),
        (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::String, Value::String(_))
            | (Type::Uri, Value::Uri(_))
            | (Type::ByteArray, Value::Bytes(_))
    )
}
