//! `cargo xtask reference`: the pages of the book about the library.
//!
//! What a function means is written beside the library, as descriptions in MeTTa; its types are
//! asked of the engine. The pages are kept in the tree, and checked to be what would be written.

mod markdown;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use mettatron::eval::{Area, Description};
use mettatron::{Engine, Library};

use crate::workspace;
use markdown::{anchor, escape, program};

/// Where the pages stand, from the root.
const PAGES: &str = "docs/book/src/reference";

/// Writes the pages; with `--check` says which are stale instead.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args {
        [] => write(),
        [flag] if flag == "--check" => {
            let stale = stale()?;
            ensure!(stale.is_empty(), "{}\n    mend: cargo xtask reference", stale.join("\n"));
            println!("reference: the pages are what the library says");
            Ok(())
        }
        _ => bail!("`reference` takes only `--check`"),
    }
}

fn write() -> Result<()> {
    let folder = workspace::root().join(PAGES);
    fs::create_dir_all(&folder)?;
    for path in workspace::files(&folder, "md")? {
        fs::remove_file(path)?;
    }
    let pages = pages()?;
    for (path, text) in &pages {
        fs::write(path, text)?;
    }
    println!("reference: {} pages in {PAGES}", pages.len());
    Ok(())
}

/// Which pages are not what would be written now, and which the summary of the book lacks.
pub(crate) fn stale() -> Result<Vec<String>> {
    let root = workspace::root();
    let summary = fs::read_to_string(root.join("docs/book/src/SUMMARY.md"))?;
    let pages = pages()?;
    let mut found = Vec::new();
    for (path, text) in &pages {
        let shown = path.strip_prefix(root).unwrap_or(path).display();
        if fs::read_to_string(path).ok().as_ref() != Some(text) {
            found.push(format!("{shown} is not what the library says"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !summary.contains(&format!("(reference/{name})")) {
            found.push(format!("{shown} is not in the summary of the book"));
        }
    }
    for path in workspace::files(&root.join(PAGES), "md")? {
        if !pages.iter().any(|(page, _)| *page == path) {
            found.push(format!("{} belongs to no area", path.display()));
        }
    }
    Ok(found)
}

/// All pages: their places and texts.
fn pages() -> Result<Vec<(PathBuf, String)>> {
    let folder = workspace::root().join(PAGES);
    let areas = Library::areas();
    let mut pages = vec![(folder.join("index.md"), index(&areas))];
    let mut engine = Engine::new();
    for area in &areas {
        pages.push((folder.join(format!("{}.md", area.name)), page(area, &mut engine)?));
    }
    Ok(pages)
}

/// The page that leads to the others.
fn index(areas: &[Area]) -> String {
    let mut out = String::from(
        "# Reference\n\n\
         Every function of the library. The pages are made by `cargo xtask reference` of what `help!` shows;\n\
         the examples are run by the tests. A type `Atom`, `Expression` or `Variable` of a parameter means that\n\
         the argument is not evaluated before the call.\n\n\
         | area | functions |\n|---|---|\n",
    );
    for area in areas {
        let link = |description: &Description| {
            let name = description.item.to_string();
            format!("[{}]({}.md#{})", markdown::code(&name), area.name, anchor(&name))
        };
        let links: Vec<String> = area.descriptions.iter().map(link).collect();
        out.push_str(&format!("| [{}]({}.md) | {} |\n", area.title, area.name, links.join(", ")));
    }
    out
}

/// The page of an area.
fn page(area: &Area, engine: &mut Engine) -> Result<String> {
    let sections = area.descriptions.iter().map(|description| section(description, engine));
    let sections: Vec<String> = sections.collect::<Result<_>>()?;
    let mut anchors: Vec<String> = area.descriptions.iter().map(|it| anchor(&it.item.to_string())).collect();
    anchors.sort_unstable();
    if let Some(pair) = anchors.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two functions of the area {} have the anchor {}", area.name, pair[0]);
    }
    Ok(format!("# {}\n\n{}", area.title, sections.join("\n")))
}

/// What the page says about one function or atom.
fn section(description: &Description, engine: &mut Engine) -> Result<String> {
    let name = description.item.to_string();
    let types = types(&name, engine)?;
    let mut out = format!("## {} {{#{}}}\n\n", markdown::code(&name), anchor(&name));
    let shown: Vec<String> = types.iter().map(|it| markdown::code(it)).collect();
    out.push_str(&format!("Type: {}\n\n{}.\n\n", shown.join(", "), escape(&description.meaning)));
    if let Some((parameters, result)) = &description.signature {
        let types = markdown::signature(&types, parameters.len());
        if !parameters.is_empty() {
            out.push_str("| parameter | type | meaning |\n|---|---|---|\n");
        }
        for (index, (meaning, of_parameter)) in parameters.iter().zip(&types).enumerate() {
            let (number, of_parameter) = (index + 1, markdown::code(of_parameter));
            out.push_str(&format!("| {number} | {of_parameter} | {} |\n", escape(meaning)));
        }
        let of_result = types.last().map(|it| format!(" {}", markdown::code(it))).unwrap_or_default();
        let gap = if parameters.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{gap}Result{of_result}: {}.\n\n", escape(result)));
    }
    for (text, results) in &description.examples {
        out.push_str(&format!("```metta\n{}\n```\n\n```text\n{results}\n```\n\n", program(text)));
    }
    if let Some(cost) = &description.cost {
        out.push_str(&format!("Cost: {}.\n\n", escape(cost)));
    }
    if let Some(differs) = &description.differs {
        out.push_str(&format!("Other than on the reference engine: {}.\n\n", records(&escape(differs))?));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok(out)
}

/// The types of an atom, as the engine prints them.
fn types(name: &str, engine: &mut Engine) -> Result<Vec<String>> {
    let lists = engine.run(&format!("!(get-type {name})"))?;
    let print = |atom| markdown::without_numbers(&engine.print(atom));
    Ok(lists.iter().flatten().map(print).collect())
}

/// The text with each `ADR-nnnn` turned into a link to the record.
fn records(text: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("ADR-") {
        let end = start + "ADR-nnnn".len();
        ensure!(rest.is_char_boundary(end), "no record is named in `{text}`");
        let number = &rest[start + "ADR-".len()..end];
        let records = workspace::files(&workspace::root().join("docs/adr"), "md")?;
        let names = records.iter().filter_map(|path| path.file_name()?.to_str());
        let Some(file) = names.into_iter().find(|name| name.starts_with(number)) else {
            bail!("there is no record {number}, which a description names");
        };
        out.push_str(&format!("{}[ADR-{number}](../../../adr/{file})", &rest[..start]));
        rest = &rest[end..];
    }
    Ok(out + rest)
}
