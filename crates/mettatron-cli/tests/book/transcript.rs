//! Running programs and commands, and comparing what they print.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use tempfile::TempDir;

/// The folder that a page's commands run in, which has the examples of the repository.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let folder = Self(TempDir::new()?);
        fs::create_dir(folder.path("examples"))?;
        for entry in fs::read_dir(root.join("examples"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), folder.path("examples").join(entry.file_name()))?;
            }
        }
        Ok(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a file that commands use.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, text)
    }

    /// Runs a program by itself, and returns what it prints if that is not what is expected.
    pub(crate) fn program(&self, program: &str, expected: &str) -> Result<Option<String>, Failed> {
        let mut command = self.command(env!("CARGO_BIN_EXE_mettatron"));
        let mut child = command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(program.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        // An error among the results is a result like others.
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(format!("{}:\n{program}{}", output.status, text(&output.stderr)).into());
        }
        let found = text(&output.stdout);
        Ok((!matches(expected, &found)).then_some(found))
    }

    /// Runs the commands of a transcript, and returns what it should be if it is not that.
    pub(crate) fn transcript(&self, body: &str, exit: i32) -> Result<Option<String>, Failed> {
        let mut commands = body.split("\n$ ").map(|it| it.split_once('\n').unwrap_or((it, ""))).peekable();
        let mut right = String::new();
        let mut differs = false;
        while let Some((line, expected)) = commands.next() {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let output = self.shell(line)?;
            let wanted = if commands.peek().is_none() { exit } else { 0 };
            let found = text(&output.stdout);
            if output.status.code() != Some(wanted) {
                return Err(format!("`{line}`: {}, not {wanted}\n{found}", output.status).into());
            }
            let holds = matches(expected, &found);
            differs |= !holds;
            let shown = if holds { expected } else { &found };
            right += &format!(
                "$ {line}\n{}",
                if shown.is_empty() { String::new() } else { format!("{}\n", shown.trim_end()) }
            );
        }
        Ok(differs.then_some(right))
    }

    /// Runs a line as one would type it; both streams are one.
    fn shell(&self, line: &str) -> io::Result<Output> {
        let folder = Path::new(env!("CARGO_BIN_EXE_mettatron")).parent().unwrap_or(Path::new("."));
        let script = format!("exec 2>&1\nPATH=\"{}:$PATH\"\n{line}", folder.display());
        self.command("sh").args(["-c", &script]).stdin(Stdio::null()).output()
    }

    /// A command in this folder, without the settings of who runs the tests.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env("HOME", self.0.path()).env("LANG", "C.UTF-8");
        for variable in ["METTA_PATH", "METTA_PROFILE", "XDG_CONFIG_HOME", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command.stderr(Stdio::piped());
        command
    }
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// Whether a text is what is expected, but for white space at the ends of lines.
fn matches(expected: &str, found: &str) -> bool {
    let lines = |text: &str| text.trim_end().lines().map(|it| it.trim_end().to_owned()).collect::<Vec<_>>();
    fits(&lines(expected), &lines(found))
}

/// Whether lines fit a pattern of lines.
fn fits(pattern: &[String], lines: &[String]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..]))
        }
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, lines)| line_fits(first, line) && fits(rest, lines))
        }
    }
}

/// Whether a line fits one in which `[..]` stands for anything.
fn line_fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("[..]") else { return pattern == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    line.char_indices().map(|(at, _)| at).chain([line.len()]).any(|at| line_fits(rest, &line[at..]))
}
