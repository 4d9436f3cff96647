//! What a run tells while it goes on.

use metta_atom::Atom;
use metta_eval::Fault;

/// Something a run has to show, in program order.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A line printed by the program.
    Printed(String),
    /// A line of the program's trace.
    Traced(String),
    /// Results of the form whose turn it is, before its end, for a run that [streams](crate::Run::stream).
    Found {
        /// The position of the form in the program, from 0.
        index: usize,
        /// The results since the last such event, as text.
        text: Vec<String>,
    },
    /// The result list of one form, with what was found before.
    Results {
        /// The position of the form in the program, from 0.
        index: usize,
        /// The results in order.
        atoms: Vec<Atom>,
        /// The results as text: states by content, spaces by name.
        text: Vec<String>,
        /// Where the errors among the results came from, one for each that the evaluation gave.
        faults: Vec<Fault>,
    },
}

/// Receives the events of a run on the thread that coordinates it.
pub(crate) type Sink = Box<dyn FnMut(Event) + Send>;
