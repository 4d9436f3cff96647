//! `mettatron explain`: the page of the book about a code.

use anyhow::bail;

use super::doc::wrapped;
use crate::report::{self, BOLD, Drawn, painted};
use crate::status::Status;

/// Explain a code such as E0502
///
/// Without a code, lists all of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, as errors and warnings show it
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// Takes the pages of the book into the program.
macro_rules! pages {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("../../errors/", $code, ".md")))),*]
    };
}

/// Every code with its page.
const PAGES: &[(&str, &str)] = pages! {
    "E0101" "E0102" "E0103" "E0104" "E0105" "E0106" "E0107" "E0108"
    "E0301" "E0302" "E0303" "E0304" "E0305" "E0306"
    "E0411" "E0412" "E0413" "E0414" "E0415" "E0416"
    "E0501" "E0502" "E0503" "E0504" "E0505" "E0506" "E0507" "E0508" "E0509"
    "E0601" "E0602" "E0603" "E0604"
    "E0701" "E0702"
    "E0801" "E0802" "E0803"
};

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let Some(code) = &args.code else { return list() };
    let wanted = code.to_uppercase();
    let wanted = wanted.strip_prefix("METTA::").unwrap_or(&wanted);
    match PAGES.iter().find(|(code, _)| *code == wanted) {
        Some((_, page)) => report::print(rendered(page, Drawn::Stdout.in_colour()).as_bytes()),
        None => bail!("there is no code `{code}`; `mettatron explain` lists them"),
    }
}

fn list() -> anyhow::Result<Status> {
    let titles = PAGES.iter().filter_map(|(_, page)| page.lines().next()?.strip_prefix("# "));
    let lines: String = titles.map(|title| format!("{}\n", title.replace('`', ""))).collect();
    report::print(lines.as_bytes())
}

/// A page for a terminal: code is indented, headings are bold.
fn rendered(page: &str, colours: bool) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            out += format!("    {line}").trim_end();
            out.push('\n');
        } else {
            let heading = line.strip_prefix("# ").or_else(|| line.strip_prefix("## "));
            match heading {
                Some(heading) => out += &format!("{}\n", painted(heading, BOLD, colours)),
                None => out += &format!("{}\n", wrapped(&without_links(line), "")),
            }
        }
    }
    out
}

/// A line of Markdown with the words of its links only.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once('[')
        && let Some((words, target)) = link.split_once("](")
        && let Some((_, after)) = target.split_once(')')
    {
        out += &format!("{before}{words}");
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The codes `E0000` in a text.
    fn codes(text: &str, quoted: bool) -> BTreeSet<String> {
        let is_code = |word: &&str| {
            word.len() == 5 && word.starts_with('E') && word[1..].bytes().all(|byte| byte.is_ascii_digit())
        };
        let split = |c: char| !(c.is_ascii_alphanumeric() || quoted && c == '"');
        let words = text.split(split).filter_map(|word| match quoted {
            true => word.strip_prefix('"')?.strip_suffix('"'),
            false => Some(word),
        });
        words.filter(is_code).map(str::to_owned).collect()
    }

    fn files(folder: &Path, extension: &str, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, extension, found);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }

    #[test]
    fn links_are_their_words() {
        assert_eq!(without_links("as for [E0301](E0301.md), `[1]`"), "as for E0301, `[1]`");
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Vec::new();
        for entry in std::fs::read_dir(crates).unwrap() {
            let source = entry.unwrap().path().join("src");
            if source.is_dir() {
                files(&source, "rs", &mut sources);
            }
        }
        sources.retain(|path| !path.ends_with("commands/explain.rs"));
        let used: BTreeSet<String> =
            sources.iter().flat_map(|path| codes(&std::fs::read_to_string(path).unwrap(), true)).collect();
        let explained: BTreeSet<String> = PAGES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(used, explained);
        let mut pages = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("errors"), "md", &mut pages);
        let named: BTreeSet<String> =
            pages.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(named, explained);
    }

    /// The test of the book runs the examples, so what they print is what comes out.
    #[test]
    fn every_page_has_an_example_that_gives_its_code() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            let mut blocks = page.split("```").skip(1).step_by(2);
            let gives = |block: &str| {
                let printed = block.starts_with("console") && !block.contains("norun");
                printed && block.contains(&format!("metta::{code}"))
                    || block.starts_with("rust") && block.contains(&format!("\"{code}\""))
            };
            assert!(blocks.any(gives), "{code}");
        }
    }
}
