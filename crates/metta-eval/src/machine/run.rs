//! The loop.

use crate::EvalError;
use crate::machine::{Machine, Step, Task};
use crate::terms::cell::Cell;

/// Tasks between two looks at the limits that need counting.
const CHECK_INTERVAL: u64 = 1024;
/// Work inside tasks between two such looks.
const CHECK_WORK: u64 = 1 << 16;

/// Tasks, and work inside tasks, of one step, whatever its budget.
const MOST_TICKS: u64 = 1 << 12;
const MOST_WORK: u64 = 1 << 16;

impl Machine {
    /// Goes on for about `budget` reductions.
    ///
    /// Cost: a reduction takes well below a microsecond on small terms; one that
    /// builds or compares a big term takes time in proportion to it.
    pub fn step(&mut self, budget: u64) -> Step {
        if let Some(effect) = self.blocked {
            return Step::Blocked(effect);
        }
        // U1
        if self.failure == Some(EvalError::Interrupted) {
            return Step::Failed(EvalError::Interrupted);
        }
        let end = self.stats.reductions.saturating_add(budget);
        self.step_end = end;
        let mut ticks = 0;
        self.work = 0;
        let (mut checked, mut check_at) = (0, CHECK_INTERVAL);
        self.pause_at = self.next_pause();
        loop {
            if let Some(scope) = self.exceeded.take() {
                self.give_up(scope);
            }
            match self.task {
                Task::Eval { term, expected } => self.eval(term, expected),
                Task::Exec(term) => self.exec(term),
                Task::Return(value) => {
                    self.return_value(value);
                    ticks += self.run_on();
                }
                Task::Deliver(value) => self.deliver(value),
                Task::Run { pc, base } => self.run_code(pc, base),
                Task::Enter { function, base, kept } => self.resume_call(function, base, kept),
                Task::Fail => {
                    self.backtrack();
                    ticks += self.run_on();
                }
                Task::Wait => return Step::Waits,
                Task::Done => return self.stop(),
            }
            ticks += 1;
            // What code has in its slots is only known at a call.
            let at_call = !matches!(self.task, Task::Run { .. });
            if at_call && (self.heap.cells.len() >= self.collect_at || self.is_stressed()) {
                self.collect_if_due();
            }
            if self.stats.reductions > self.last_step && self.exceeded.is_none() {
                self.out_of_steps();
            }
            let due = ticks >= check_at || self.stats.reductions >= self.pause_at;
            if due || self.heap.full || self.work - checked > CHECK_WORK {
                (checked, check_at) = (self.work, ticks + CHECK_INTERVAL);
                self.check_limits();
                self.pause_at = self.next_pause();
            }
            if self.failure.is_some() || self.blocked.is_some() {
                return self.stop();
            }
            // Failing through alternatives and finding types cost time without a reduction. And a budget may have been
            // found out while code ran, where a reduction costs a twentieth of a task.
            let over = ticks >= MOST_TICKS || ticks + self.work >= MOST_WORK.min(budget.saturating_mul(16));
            if self.stats.reductions >= end || over {
                return if matches!(self.task, Task::Done) { self.stop() } else { Step::Yield };
            }
        }
    }

    /// Goes on in code at once, if that is the next task; how many tasks that were.
    #[inline(always)]
    fn run_on(&mut self) -> u64 {
        let Task::Run { pc, base } = self.task else { return 0 };
        if self.exceeded.is_some() || self.failure.is_some() || self.blocked.is_some() {
            return 0;
        }
        self.run_code(pc, base);
        1
    }

    /// The number of reductions at which code comes back to the loop.
    pub(super) fn next_pause(&self) -> u64 {
        self.step_end.min(self.stats.reductions + CHECK_INTERVAL).min(self.last_step.saturating_add(1))
    }

    /// Tests collect garbage all the time.
    #[inline]
    pub(super) fn is_stressed(&self) -> bool {
        #[cfg(test)]
        return self.stress;
        #[cfg(not(test))]
        false
    }

    /// What the caller is told when the machine does not go on.
    fn stop(&mut self) -> Step {
        self.note_peak();
        if let Some(effect) = self.blocked {
            return Step::Blocked(effect);
        }
        match &self.failure {
            Some(failure) => Step::Failed(failure.clone()),
            None => Step::Done,
        }
    }

    /// Stops the machine at a limit.
    pub(crate) fn fail(&mut self, error: EvalError) {
        self.failure = Some(error);
    }

    /// Counts a reduction and enforces the step limit.
    pub(super) fn count_reduction(&mut self) {
        self.stats.reductions += 1;
        if self.stats.reductions > self.last_step {
            self.out_of_steps();
        }
    }

    /// Makes alternatives of several ready results.
    pub(super) fn return_all(&mut self, values: &[Cell]) {
        match values {
            [] => self.task = Task::Fail,
            [value] => self.task = Task::Return(*value),
            _ => {
                let list = self.heap.expression(values);
                self.choose_results(list, 0);
            }
        }
    }
}
