//! `cargo xtask book`: the manual as pages for a browser, and whether their links lead anywhere.
//!
//! mdbook makes the pages. It calls `cargo xtask book links` for what it does not do itself: links out of the
//! book, which lead to files beside it, become links to the repository.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::tidy::links::targets;
use crate::{shell, tools, workspace};

/// The version is fixed because a later one may need a later toolchain.
const MDBOOK_VERSION: &str = "0.5.1";
const BOOK: &str = "docs/book";
const PAGES: &str = "target/book";

/// Builds the book and checks it; `links` is the part that mdbook calls.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => build(),
        ["links"] => preprocess(),
        // Asked by mdbook before; a link to the repository is one in every output.
        ["links", "supports", _] => Ok(()),
        _ => bail!("`book` takes no arguments but those that mdbook gives it"),
    }
}

fn build() -> Result<()> {
    let mdbook =
        tools::find_or_install("mdbook", MDBOOK_VERSION, &["--no-default-features", "--features=search"])?;
    let mut command = std::process::Command::new(mdbook);
    command.args(["build", BOOK]).current_dir(workspace::root());
    shell::announce(&command);
    let output = command.output().context("cannot start mdbook")?;
    let said = String::from_utf8_lossy(&output.stderr);
    io::stdout().write_all(&output.stderr)?;
    let complaints = said.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count();
    ensure!(output.status.success() && complaints == 0, "mdbook complains, see above");
    let root = workspace::root().join(PAGES);
    let pages = read(&root)?;
    let broken: Vec<String> = pages.iter().flat_map(|page| page.broken(&pages)).collect();
    ensure!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
    let n_links: usize = pages.iter().map(|page| page.links.len()).sum();
    println!("book: {} pages, {n_links} links, in {PAGES}", pages.len());
    Ok(())
}

/// A page as made by mdbook.
struct Page {
    path: PathBuf,
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// All pages, but for those that repeat others.
fn read(root: &Path) -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for path in workspace::files(root, "html")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if matches!(&*name, "print.html" | "404.html" | "toc.html") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let links = [" href=\"", " src=\""].iter().flat_map(|name| values(&text, name)).collect();
        let anchors = values(&text, " id=\"").collect();
        pages.push(Page { path, links, anchors });
    }
    Ok(pages)
}

/// The values of an attribute, given with what stands before them.
fn values<'a>(text: &'a str, attribute: &'a str) -> impl Iterator<Item = String> + 'a {
    let parts = text.split(attribute).skip(1);
    parts.filter_map(|part| Some(part.split_once('"')?.0.replace("&amp;", "&")))
}

impl Page {
    /// The links that lead nowhere, with this page's name. Other hosts are not asked.
    fn broken(&self, pages: &[Page]) -> Vec<String> {
        let is_broken = |link: &&String| !self.leads_somewhere(link, pages).unwrap_or(false);
        self.links.iter().filter(is_broken).map(|link| format!("{}: {link}", self.path.display())).collect()
    }

    fn leads_somewhere(&self, link: &str, pages: &[Page]) -> Option<bool> {
        if let Some((_, file)) = link.split_once("/blob/main/") {
            return Some(workspace::root().join(file.split('#').next()?).exists());
        }
        if link.contains("://") || link.starts_with("mailto:") {
            return Some(true);
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let path = match file {
            "" => self.path.clone(),
            _ => normal(&self.path.parent()?.join(file))?,
        };
        if anchor.is_empty() {
            return Some(path.exists());
        }
        let page = pages.iter().find(|page| page.path == path)?;
        Some(page.anchors.contains(anchor))
    }
}

/// A path without `.` and `..`; `None` if it leads out of everything.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => found.pop().then_some(())?,
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => found.push(part),
        }
    }
    Some(found)
}

/// What mdbook asks for: reads the context and the book, and writes the book with other links.
fn preprocess() -> Result<()> {
    let (context, mut book): (Value, Value) = serde_json::from_reader(io::stdin().lock())?;
    let repository = &context["config"]["output"]["html"]["git-repository-url"];
    let repository = repository.as_str().context("book.toml names no `git-repository-url`")?;
    rewrite(&mut book, &format!("{repository}/blob/main"));
    serde_json::to_writer(io::stdout().lock(), &book)?;
    Ok(())
}

/// Changes all chapters in a part of the book.
fn rewrite(part: &mut Value, repository: &str) {
    if let (Some(content), Some(path)) = (part["content"].as_str(), part["source_path"].as_str()) {
        part["content"] = outward(content, Path::new(path), repository).into();
    }
    match part {
        Value::Array(parts) => parts.iter_mut().for_each(|part| rewrite(part, repository)),
        Value::Object(parts) => parts.values_mut().for_each(|part| rewrite(part, repository)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A chapter whose links out of the book lead to the repository.
fn outward(content: &str, page: &Path, repository: &str) -> String {
    let source = Path::new(BOOK).join("src");
    let folder = source.join(page.parent().unwrap_or(Path::new("")));
    let mut text = content.to_owned();
    let links: BTreeSet<&str> = targets(content).into_iter().map(|(_, target)| target).collect();
    for target in links.into_iter().filter(|target| target.starts_with("../")) {
        let Some(path) = normal(&folder.join(target)) else { continue };
        if !path.starts_with(&source) {
            text = text.replace(&format!("]({target})"), &format!("]({repository}/{})", path.display()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_book_lead_to_the_repository() {
        let text = "[a](../../../adr/1.md#why) [b](../c.md) [d](e.md)";
        let found = outward(text, Path::new("reference/x.md"), "https://example.org/blob/main");
        assert_eq!(found, "[a](https://example.org/blob/main/docs/adr/1.md#why) [b](../c.md) [d](e.md)");
    }

    #[test]
    fn a_link_needs_a_page_and_an_anchor() {
        let page = |name: &str, anchors: &[&str]| Page {
            path: Path::new("/nowhere").join(name),
            links: Vec::new(),
            anchors: anchors.iter().map(|&it| it.to_owned()).collect(),
        };
        let pages = [page("a.html", &["here"]), page("b/c.html", &["there"])];
        let holds = |link| pages[1].leads_somewhere(link, &pages) == Some(true);
        assert!(holds("#there") && holds("../a.html#here") && holds("https://example.org/x"));
        assert!(
            !holds("#here") && !holds("../a.html#there") && !holds("../d.html") && !holds("x/blob/main/no")
        );
    }
}
