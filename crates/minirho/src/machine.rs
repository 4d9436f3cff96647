//! Running a program: each process is a task of the current Tokio runtime.
//!
//! A task runs one process to its end: it sends, listens, decides, and starts tasks for what runs beside it. It never
//! waits; what waits is in the tuple space. The program ends when no task is left.
//!
//! Invariant M1: every task counts its steps, so a program that goes on for ever meets the limit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use metta_rholang::Bridge;
use metta_rholang::par::Par;
use metta_sched::RunLimits;
use metta_sync::{Counter, Flag, Held, Ranked};
use tokio::sync::mpsc;

use crate::ProgramError;
use crate::ast::*;
use crate::check::check;
use crate::matching::{Work, match_one};
use crate::parser::parse;
use crate::scope::Scope;
use crate::tuplespace::{Message, Met, Receiver, TupleSpace};
use crate::value::{System, Value};

/// How far a program may go.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Processes that are run.
    pub steps: u64,
    /// Attempts to match a pattern, and elements that are copied then.
    pub matching: u64,
    /// Bytes of values that are made of others.
    pub made_bytes: u64,
    /// Limits of each `.run`.
    pub metta: RunLimits,
}

impl Default for Limits {
    /// Returns a million steps, a hundred million attempts to match, 1 GiB of values, and for each `.run` ten million reductions and 1 GiB.
    fn default() -> Self {
        let metta = RunLimits {
            steps: Some(10_000_000),
            memory_bytes: Some(1 << 30),
            results: Some(1_000_000),
            ..RunLimits::default()
        };
        Limits { steps: 1_000_000, matching: 100_000_000, made_bytes: 1 << 30, metta }
    }
}

/// What a program left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Processes that were run.
    pub steps: u64,
    /// Reductions of all `.run` calls.
    pub reductions: u64,
    /// Messages that nobody received.
    pub messages: usize,
    /// Receivers that got nothing, contracts among them.
    pub receivers: usize,
}

/// Runs programs.
#[derive(Clone, Debug, Default)]
pub struct Interpreter {
    limits: Limits,
    bridge: Option<Bridge>,
}

impl Interpreter {
    /// Makes an interpreter with the default limits and a bridge of its own.
    pub fn new() -> Self {
        Interpreter::default()
    }

    /// Sets the limits; those of `.run` are for a bridge that is not given.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what `rho:metta:compile` and `.run` call. The default undoes escapes in sources.
    pub fn bridge(mut self, bridge: Bridge) -> Self {
        self.bridge = Some(bridge);
        self
    }

    /// Runs a program to its end on the current Tokio runtime, and calls `print` with each line of its output.
    ///
    /// # Errors
    /// When the text is no program, and at the first thing that goes wrong while it runs.
    ///
    /// # Panics
    /// When there is no current Tokio runtime.
    pub async fn run(
        &self,
        text: &str,
        print: impl FnMut(&str) + Send + 'static,
    ) -> Result<Report, ProgramError> {
        let program = parse(text)?;
        check(text, &program)?;
        let bridge = self.bridge.clone().unwrap_or_else(|| {
            Bridge::builder().limits(self.limits.metta.clone()).undo_escapes(true).keep_going(true).build()
        });
        // Nothing is sent: the last task to end drops the last sender.
        let (alive, mut ended) = mpsc::channel(1);
        let machine = Arc::new(Machine {
            text: text.into(),
            bridge,
            limits: self.limits.clone(),
            space: Ranked::new(TupleSpace::default()),
            print: Ranked::new(Box::new(print)),
            failure: Ranked::new(None),
            failed: Flag::new(),
            steps: Counter::new(0),
            matched: Counter::new(0),
            made: Counter::new(0),
            names: Counter::new(0),
            reductions: Counter::new(0),
        });
        let guard = StopOnDrop(Arc::clone(&machine));
        machine.start(program, Scope::default(), &alive);
        drop(alive);
        while ended.recv().await.is_some() {}
        drop(guard);
        match machine.failure.lock(&mut Held::root()).0.take() {
            Some(error) => Err(error),
            None => Ok(machine.report()),
        }
    }
}

/// What all tasks of a program share.
pub(crate) struct Machine {
    pub(crate) text: Arc<str>,
    pub(crate) bridge: Bridge,
    limits: Limits,
    space: Ranked<TupleSpace, 1>,
    print: Ranked<Print, 1>,
    failure: Ranked<Option<ProgramError>, 1>,
    failed: Flag,
    steps: Counter,
    matched: Counter,
    made: Counter,
    names: Counter,
    pub(crate) reductions: Counter,
}

/// Takes a line of output.
type Print = Box<dyn FnMut(&str) + Send>;

/// Held by each task while it lives.
type Alive = mpsc::Sender<()>;

/// Ends the tasks of a program whose future is dropped.
struct StopOnDrop(Arc<Machine>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.failed.raise();
    }
}

impl Machine {
    fn report(&self) -> Report {
        let (messages, receivers) = self.space.lock(&mut Held::root()).0.waiting();
        Report { steps: self.steps.get(), reductions: self.reductions.get(), messages, receivers }
    }

    fn start(self: &Arc<Self>, process: Shared, scope: Scope, alive: &Alive) {
        let (machine, alive) = (Arc::clone(self), alive.clone());
        tokio::spawn(async move {
            let span = process.span;
            // A panic is a mistake of ours, and must not look like an end.
            let work = AssertUnwindSafe(|| machine.execute(process, scope, &alive));
            let ended =
                catch_unwind(work).unwrap_or_else(|_| Err(machine.error(span, "this process panicked")));
            if let Err(error) = ended {
                machine.failure.lock(&mut Held::root()).0.get_or_insert(error);
                machine.failed.raise();
            }
        });
    }

    /// Counts bytes that were made of others.
    pub(crate) fn spend(&self, span: Span, bytes: usize) -> Result<(), ProgramError> {
        if self.made.add(bytes as u64) > self.limits.made_bytes {
            let limit = self.limits.made_bytes;
            return Err(self.error(span, &format!("more than {limit} bytes of values were made, the limit")));
        }
        Ok(())
    }

    /// Matches and counts the work (M1).
    pub(crate) fn matching<T>(
        &self,
        span: Span,
        attempt: impl FnOnce(&mut Work) -> Option<T>,
    ) -> Result<Option<T>, ProgramError> {
        let mut work = Work { done: 0, limit: self.limits.matching.saturating_sub(self.matched.get()) };
        let found = attempt(&mut work);
        self.matched.add(work.done);
        if work.is_too_much() {
            let limit = self.limits.matching;
            return Err(self.error(span, &format!("stopped after {limit} attempts to match, the limit")));
        }
        Ok(found)
    }

    /// M1
    fn step(&self, span: Span) -> Result<(), ProgramError> {
        if self.steps.add(1) >= self.limits.steps {
            return Err(self.error(span, &format!("stopped after {} steps, the limit", self.limits.steps)));
        }
        Ok(())
    }

    /// Runs a process to its end, or until the program has failed.
    fn execute(self: &Arc<Self>, process: Shared, scope: Scope, alive: &Alive) -> Result<(), ProgramError> {
        let mut next = Some((process, scope));
        while let Some((process, scope)) = next.take() {
            if self.failed.is_raised() {
                return Ok(());
            }
            self.step(process.span)?;
            next = self.reduce(&process, scope, alive)?;
        }
        Ok(())
    }

    /// Does one process; returns what it goes on as.
    fn reduce(
        self: &Arc<Self>,
        process: &Shared,
        scope: Scope,
        alive: &Alive,
    ) -> Result<Option<(Shared, Scope)>, ProgramError> {
        match &process.kind {
            Kind::Par(parts) => {
                parts.iter().for_each(|part| self.start(Arc::clone(part), scope.clone(), alive));
                Ok(None)
            }
            Kind::New { names, body } => Ok(Some((Arc::clone(body), self.declare(names, scope)?))),
            Kind::Send { channel, arguments, persistent } => {
                let channel = self.name(channel, &scope)?;
                let message = Message { values: self.values(arguments, &scope)?, persistent: *persistent };
                self.send(process.span, channel, message, alive)?;
                Ok(None)
            }
            Kind::Ask { channel, arguments, then } => {
                let channel = self.name(channel, &scope)?;
                let answer = self.private();
                if let Some(then) = then {
                    self.await_answer(answer.clone(), then, scope.clone());
                }
                self.ask(process.span, channel, answer, arguments, &scope, alive)?;
                Ok(None)
            }
            Kind::For { binds, arrow, body } => {
                self.receive(process.span, binds, *arrow, body, scope, alive)?;
                Ok(None)
            }
            Kind::Match { target, cases } => {
                let target = self.value(target, &scope)?;
                self.matching(process.span, |work| {
                    cases.iter().find_map(|(pattern, body)| {
                        Some((Arc::clone(body), match_one(pattern, &target, &scope, work)?))
                    })
                })
            }
            Kind::If { condition, then, otherwise } => {
                let chosen = if self.truth(condition, &scope)? { Some(then) } else { otherwise.as_ref() };
                Ok(chosen.map(|chosen| (Arc::clone(chosen), scope)))
            }
            _ => match self.value(process, &scope)? {
                Value::Process(inner) => Ok(Some((Arc::clone(&inner.body), inner.scope.clone()))),
                // Any other value is a process that does nothing.
                _ => Ok(None),
            },
        }
    }

    fn private(&self) -> Value {
        Value::Private(self.names.add(1))
    }

    fn declare(&self, names: &[Declared], mut scope: Scope) -> Result<Scope, ProgramError> {
        for declared in names {
            let value = match declared.uri.as_deref() {
                None => self.private(),
                Some("rho:io:stdout") => Value::System(System::Stdout),
                Some("rho:io:stdoutAck") => Value::System(System::StdoutAcknowledged),
                Some("rho:metta:compile") => Value::System(System::Compile),
                Some(uri) => return Err(self.error(declared.span, &format!("nothing is known as `{uri}`"))),
            };
            scope = scope.with(Arc::clone(&declared.name), value);
        }
        Ok(scope)
    }

    /// Sends an answer's name and arguments.
    fn ask(
        self: &Arc<Self>,
        span: Span,
        channel: Value,
        answer: Value,
        arguments: &[Shared],
        scope: &Scope,
        alive: &Alive,
    ) -> Result<(), ProgramError> {
        let mut values = vec![answer];
        values.extend(self.values(arguments, scope)?);
        self.send(span, channel, Message { values, persistent: false }, alive)
    }

    /// Lets a process wait for an answer, whatever it is.
    fn await_answer(&self, answer: Value, then: &Shared, scope: Scope) {
        let wildcard = Name { span: then.span, kind: NameKind::Wildcard };
        let bind =
            Bind { patterns: Vec::new(), rest: Some(Rest(None)), channel: wildcard, from: From::Channel };
        self.space.lock(&mut Held::root()).0.listen(Receiver {
            binds: Arc::new(vec![bind]),
            channels: vec![answer],
            arrow: Arrow::Once,
            body: Arc::clone(then),
            scope,
        });
    }

    fn receive(
        self: &Arc<Self>,
        span: Span,
        binds: &Arc<Vec<Bind>>,
        arrow: Arrow,
        body: &Shared,
        scope: Scope,
        alive: &Alive,
    ) -> Result<(), ProgramError> {
        let mut channels = Vec::with_capacity(binds.len());
        let mut questions = Vec::new();
        for bind in binds.iter() {
            let channel = self.name(&bind.channel, &scope)?;
            if let Value::System(_) = channel
                && let From::Channel | From::Acknowledged = bind.from
            {
                return Err(self.error(bind.channel.span, "nothing can be received from this channel"));
            }
            match &bind.from {
                From::Channel | From::Acknowledged => channels.push(channel),
                From::Answer(arguments) => {
                    let answer = self.private();
                    questions.push((channel, answer.clone(), arguments));
                    channels.push(answer);
                }
            }
        }
        let receiver = Receiver {
            binds: Arc::clone(binds),
            channels: channels.clone(),
            arrow,
            body: Arc::clone(body),
            scope: scope.clone(),
        };
        self.space.lock(&mut Held::root()).0.listen(receiver);
        for (channel, answer, arguments) in questions {
            self.ask(span, channel, answer, arguments, &scope, alive)?;
        }
        // Its messages are on each of the channels, so one of them will do.
        match channels.first() {
            Some(channel) => self.meet(span, channel, alive),
            None => Ok(()),
        }
    }

    fn send(
        self: &Arc<Self>,
        span: Span,
        channel: Value,
        message: Message,
        alive: &Alive,
    ) -> Result<(), ProgramError> {
        if let Value::System(system) = channel {
            return self.call(span, system, message, alive);
        }
        self.space.lock(&mut Held::root()).0.send(channel.clone(), message);
        self.meet(span, &channel, alive)
    }

    /// Starts every receiver on a channel whose messages are there.
    fn meet(self: &Arc<Self>, span: Span, channel: &Value, alive: &Alive) -> Result<(), ProgramError> {
        loop {
            let met = self.matching(span, |work| self.space.lock(&mut Held::root()).0.meet(channel, work))?;
            let Some(Met { body, scope, acknowledged }) = met else { return Ok(()) };
            self.step(span)?;
            self.start(body, scope, alive);
            for name in acknowledged {
                self.send(span, name, Message { values: vec![Value::Nil], persistent: false }, alive)?;
            }
            if self.failed.is_raised() {
                return Ok(());
            }
        }
    }

    /// Does what a channel of the system is for.
    fn call(
        self: &Arc<Self>,
        span: Span,
        system: System,
        message: Message,
        alive: &Alive,
    ) -> Result<(), ProgramError> {
        if message.persistent {
            return Err(self.error(span, "`!!` on a channel of the system would never end"));
        }
        let answer = |name: &Value, value: Value| {
            let name = name.clone();
            self.send(span, name, Message { values: vec![value], persistent: false }, alive)
        };
        match (system, &message.values[..]) {
            (System::Stdout, [value]) => {
                self.print(value);
                Ok(())
            }
            (System::StdoutAcknowledged, [value, name]) => {
                self.print(value);
                answer(name, Value::Nil)
            }
            (System::Compile, [name, source]) => {
                // Only a string is a source; anything else is a state that says so.
                let source =
                    if let Value::String(text) = source { Par::string(&**text) } else { Par::default() };
                let state = Value::from_par(&self.bridge.compile_par(&source));
                answer(name, state.ok_or_else(|| self.error(span, "this source is too deep for a program"))?)
            }
            (System::Stdout, values) => Err(self.arity(span, "(value)", values)),
            (System::StdoutAcknowledged, values) => Err(self.arity(span, "(value, name)", values)),
            (System::Compile, values) => Err(self.arity(span, "(name, source)", values)),
        }
    }

    fn arity(&self, span: Span, expected: &str, values: &[Value]) -> ProgramError {
        self.error(span, &format!("this channel takes {expected}, found {} values", values.len()))
    }

    /// Prints a string as it is, and any other value as a program writes it.
    fn print(&self, value: &Value) {
        let line = if let Value::String(text) = value { text.to_string() } else { value.to_string() };
        (self.print.lock(&mut Held::root()).0)(&line);
    }
}
