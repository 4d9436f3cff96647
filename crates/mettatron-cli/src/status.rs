//! How a command went, and the exit code that says so.

/// How a command went, worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Status {
    Fine,
    /// An `Error` among the results, a failed test, a finding.
    Wrong,
    /// Wrong usage, an unreadable file, a malformed program, output that cannot be written.
    Input,
    Limit,
    Interrupted,
}

impl Status {
    pub(crate) fn code(self) -> u8 {
        match self {
            Status::Fine => 0,
            Status::Wrong => 1,
            Status::Input => 2,
            Status::Limit => 3,
            Status::Interrupted => 130,
        }
    }

    /// Ends the process, without taking a big environment apart first.
    pub(crate) fn end(self) -> ! {
        std::process::exit(i32::from(self.code()))
    }
}
