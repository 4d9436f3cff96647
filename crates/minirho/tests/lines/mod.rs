//! What a program prints, kept.

use std::sync::Arc;

use metta_sync::{Held, Ranked};

/// The lines that were printed so far.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Ranked<String, 1>>);

impl Lines {
    pub(crate) fn new() -> Self {
        Lines(Arc::new(Ranked::new(String::new())))
    }

    /// What a program prints with.
    pub(crate) fn printer(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let lines = self.clone();
        move |line| {
            let mut held = Held::root();
            let (mut printed, _) = lines.0.lock(&mut held);
            printed.push_str(line);
            printed.push('\n');
        }
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock(&mut Held::root()).0.clone()
    }
}
