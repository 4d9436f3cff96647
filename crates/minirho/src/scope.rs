//! The values of variables.

use std::sync::Arc;

use crate::value::Value;

/// Variables with their values, the innermost first. A clone costs O(1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Option<Arc<Binding>>);

#[derive(Debug)]
struct Binding {
    name: Arc<str>,
    value: Value,
    /// How deep the values here and outside of here nest.
    depth: usize,
    outer: Scope,
}

impl Scope {
    pub(crate) fn with(self, name: Arc<str>, value: Value) -> Self {
        let depth = self.depth().max(value.depth());
        Scope(Some(Arc::new(Binding { name, value, depth, outer: self })))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let mut scope = self;
        while let Some(binding) = &scope.0 {
            if &*binding.name == name {
                return Some(&binding.value);
            }
            scope = &binding.outer;
        }
        None
    }

    pub(crate) fn depth(&self) -> usize {
        self.0.as_ref().map_or(0, |binding| binding.depth)
    }
}
