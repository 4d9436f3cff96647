//! A session at a terminal: what the screen shows when keys are pressed.

#![cfg(all(test, unix))]

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// Long enough for a busy machine; a test that waits for all of it fails.
const PATIENCE: Duration = Duration::from_secs(60);
const ROWS: u16 = 200;
const COLUMNS: u16 = 110;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";

/// A terminal with a session in it.
struct Session {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _terminal: Box<dyn MasterPty + Send>,
    /// How many prompts were seen.
    prompts: usize,
}

#[cfg(test)]
impl Session {
    /// Starts one whose history and current folder are in `folder`, and waits for the first prompt.
    fn start(folder: &Path, args: &[&str]) -> Session {
        let mut session = Session::open(folder, args);
        session.sees("Ctrl-D ends");
        session.ready();
        session
    }

    /// Starts the command in a terminal.
    fn open(folder: &Path, args: &[&str]) -> Session {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mettatron"));
        command.args(args);
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env("METTA_HISTORY", folder.join("state").join("history"));
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        Session { screen, output, keys, child, _terminal: pair.master, prompts: 0 }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line and waits for what it is answered with, and for the next prompt.
    fn asks(&mut self, line: &str, answer: &str) {
        self.adds(line);
        self.sees(answer);
    }

    /// Types a line and waits for the next prompt.
    fn adds(&mut self, line: &str) {
        self.types(line);
        self.types("\r");
        self.ready();
    }

    fn waits_until(&mut self, what: &str, mut seen: impl FnMut(&str) -> bool) {
        loop {
            // Looked at from time to time, also while there is no end of it.
            for bytes in self.output.try_iter().take(64) {
                self.screen.process(&bytes);
            }
            let contents = self.screen.screen().contents();
            if seen(&contents) {
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("no {what} on this screen:\n{contents}"),
            }
        }
    }

    fn sees(&mut self, text: &str) {
        self.waits_until(text, |contents| contents.contains(text));
    }

    /// Waits for another prompt, with nothing behind it: only then are keys read.
    fn ready(&mut self) {
        self.prompts += 1;
        let wanted = self.prompts;
        self.waits_until("prompt", |contents| {
            prompts(contents) == wanted && contents.trim_end().ends_with("\n>")
        });
    }

    /// Waits for a prompt behind a text, however many have left the screen.
    fn ready_behind(&mut self, text: &str) {
        let end = format!("{text}\n>");
        self.waits_until("prompt", |contents| contents.trim_end().ends_with(&end));
        self.prompts = prompts(&self.contents());
    }

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Types the last keys of a session and waits for its end.
    fn ends(self, keys: &str) {
        self.ends_with(keys, 0);
    }

    fn ends_with(mut self, keys: &str, code: u32) {
        self.types(keys);
        // The terminal is closed by the end of the process.
        let closed = loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(end) => break end == RecvTimeoutError::Disconnected,
            }
        };
        assert!(closed, "the session goes on:\n{}", self.contents());
        let status = self.child.wait().unwrap();
        assert_eq!(status.exit_code(), code, "{}", self.contents());
    }
}

fn prompts(contents: &str) -> usize {
    contents.lines().filter(|line| line.starts_with('>')).count()
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn forms_are_added_and_evaluated() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.adds("(= (double $x) (* 2 $x))");
    session.asks("!(double 21)", "[42]");
    session.asks("!(double 4) !(double 5)", "[8]\n[10]");
    session.ends(CTRL_D);
}

#[test]
fn no_argument_begins_a_session() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.asks("!(+ 1 2)", "[3]");
    session.ends(":quit\r");
}

#[test]
fn open_brackets_go_on_in_the_next_line_indented() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.types("(= (fact $n)\r");
    session.sees("> (= (fact $n)\n");
    session.types("(if (== $n 0) 1\r");
    session.sees("\n    (if (== $n 0) 1\n");
    session.types("(* $n (fact (- $n 1)))))\r");
    session.sees("\n      (* $n (fact (- $n 1)))))");
    session.ready();
    session.asks("!(fact 20)", "[2432902008176640000]");
    session.ends(CTRL_D);
}

#[test]
fn names_are_completed_with_their_types() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.adds("(: elephant-weight (-> Animal Number))");
    session.adds("(= (elephant-weight $x) 5000)");
    session.adds("(elephant-name Dumbo)");
    session.types("!(elephant-\t");
    session.sees("elephant-name");
    session.sees("elephant-weight : (-> Animal Number)");
    // The line is written again below the names.
    session.prompts += 1;
    session.types("w\t");
    session.sees("!(elephant-weight");
    session.types(" Dumbo)\r");
    session.sees("[5000]");
    session.ready();
    // Of the library, too.
    session.types("!(cdr-ato\t");
    session.sees("!(cdr-atom");
    session.types(" (1 2 3))\r");
    session.sees("[(2 3)]");
    session.ready();
    session.ends(CTRL_D);
}

#[test]
fn ctrl_c_stops_the_evaluation_and_keeps_the_session() {
    for jobs in ["1", "2"] {
        let folder = TempDir::new().unwrap();
        let mut session = Session::start(folder.path(), &["repl", "--jobs", jobs]);
        session.adds("(= (forever) (forever))");
        session.adds("(kept)");
        session.types("!(let $x (println! begun) (forever))\r");
        session.sees("\nbegun");
        session.types(CTRL_C);
        session.sees("interrupted");
        session.ready();
        session.asks("!(match &self (kept) still)", "[still]");
        // A line that is being written is dropped.
        session.types("!(forever");
        session.sees("!(forever");
        session.types(CTRL_C);
        session.ready();
        session.asks("!(+ 20 22)", "[42]");
        session.ends(CTRL_D);
    }
}

#[test]
fn results_are_shown_as_they_come() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl", "--jobs", "1"]);
    session.adds("(= (from $n) $n)");
    session.adds("(= (slowly $n) (if (== $n 0) 1 (slowly (- $n 1))))");
    session.adds("(= (from $n) (from (+ $n (slowly 200000))))");
    session.types("!(from 7000)\r");
    session.sees("7000, 7001, 7002");
    session.types(CTRL_C);
    session.ready_behind(", ...\ninterrupted");
    session.asks("!(+ 1 1)", "[2]");
    session.ends(CTRL_D);
}

#[test]
fn the_history_outlives_the_session() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.asks("!(+ 100 11)", "[111]");
    session.types("!(+ 100\r");
    session.sees("!(+ 100\n");
    session.types("22)\r");
    session.sees("[122]");
    session.ready();
    session.ends(CTRL_D);
    let mut session = Session::start(folder.path(), &["repl"]);
    session.types(UP);
    session.sees("22)");
    session.types(UP);
    session.types(UP);
    session.sees("> !(+ 100 11)");
    session.types("\r");
    session.sees("[111]");
    session.ready();
    session.ends(CTRL_D);
}

#[test]
fn commands_answer() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.adds("(: age (-> Person Number))");
    session.adds("(= (age Ann) 33)");
    session.asks(":type (age Ann)", "\nNumber\n");
    session.asks(":doc car-atom", "Takes the first element of a list");
    session.asks(":space (= $call $body)", "(= (age Ann) 33)\n1 found");
    session.asks(":space", "2 atoms, 2 distinct");
    session.asks(":save kept.space", "2 atoms saved");
    session.asks(":save kept.metta", "2 atoms saved");
    session.asks(":limits steps 1000", "steps              1000");
    session.adds("(= (forever) (forever))");
    session.asks("!(forever)", "stopped after 1000 reductions");
    session.asks(":limits steps off", "steps               off");
    session.asks(":jobs 2", "2 threads evaluate");
    session.asks(":time (age Ann)", "[33]");
    session.asks(":nonsense", "`:nonsense` is no command");
    session.ends(":quit\r");
    let mut session = Session::start(folder.path(), &["repl"]);
    session.asks(":load kept.space", "2 atoms added");
    session.asks("!(age Ann)", "[33]");
    session.ends(CTRL_D);
    assert!(
        std::fs::read_to_string(folder.path().join("kept.metta")).unwrap().contains("(= (age Ann) 33)\n")
    );
}

#[test]
fn a_long_run_says_that_it_goes_on() {
    let folder = TempDir::new().unwrap();
    let program = "(= (forever) (forever)) !(+ 1 2) !(forever)";
    for (args, shown) in [(&["--jobs", "1"], "1 of 2 expressions done"), (&["--jobs", "2"], "1 of 2")] {
        let mut session = Session::open(folder.path(), &[&["-e", program][..], args].concat());
        session.sees("[3]");
        session.sees(shown);
        session.ends_with(CTRL_C, 130);
    }
    let mut session = Session::open(folder.path(), &["-e", "!(+ 1 2)"]);
    session.sees("[3]");
    session.ends("");
}

#[test]
fn mistakes_and_errors_are_drawn_and_the_session_goes_on() {
    let folder = TempDir::new().unwrap();
    let mut session = Session::start(folder.path(), &["repl"]);
    session.asks("!(+ 1 \"two\")", "metta::E05");
    session.sees("expected");
    session.asks("(a))", "metta::E0102");
    session.asks("!(+ 1 2)", "[3]");
    assert!(session.contents().contains("input 2:1"), "{}", session.contents());
    session.ends(CTRL_D);
}
