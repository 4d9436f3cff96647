//! `mettatron space`: what is in the file of a space.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use mettatron::space::Snapshot;
use mettatron::space::bytes::{Item, Reader};
use serde_json::json;

use crate::progress::{bytes, count};
use crate::report::{self, say};
use crate::status::Status;

/// Look at the file of a space
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Stats(StatsArgs),
}

/// Count the atoms of a space, and what they begin with
#[derive(Debug, clap::Args)]
struct StatsArgs {
    /// The file of the space
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// How many heads are listed, those with the most atoms first
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// Read all of the file and check every atom first
    #[arg(long)]
    check: bool,

    /// Write the counts as JSON
    #[arg(long)]
    json: bool,
}

/// Looks at a space.
pub(super) fn run(args: &Args) -> Result<Status> {
    match &args.command {
        Command::Stats(args) => stats(args),
    }
}

/// What is counted of the atoms with one head and so many elements.
#[derive(Default)]
struct Head {
    atoms: u64,
    distinct: u64,
    bytes: u64,
}

/// The counts of a space.
struct Counts {
    heads: Vec<((String, usize), Head)>,
    with_variables: u64,
    encoded_bytes: u64,
}

fn stats(args: &StatsArgs) -> Result<Status> {
    let (space, dropped) = Snapshot::open_and_tell(&args.path)?;
    if let Some(dropped) = dropped {
        say(&format!("note: {dropped}\n"));
    }
    if args.check {
        space.check()?;
    }
    let counts = counted(&space);
    if let Some(damage) = space.damage() {
        anyhow::bail!("{damage}");
    }
    let disk = on_disk(&args.path)?;
    let text =
        if args.json { as_json(args, &space, &counts, disk) } else { as_text(args, &space, &counts, disk) };
    report::print(text.as_bytes())
}

fn counted(space: &Snapshot) -> Counts {
    let mut heads: HashMap<(String, usize), Head> = HashMap::new();
    let (mut with_variables, mut encoded_bytes) = (0, 0);
    for fact in space.iter() {
        let known = heads.entry(head(fact.bytes)).or_default();
        known.atoms += fact.count;
        known.distinct += 1;
        known.bytes += fact.bytes.len() as u64;
        with_variables += u64::from(!fact.is_ground());
        encoded_bytes += fact.bytes.len() as u64;
    }
    let mut heads: Vec<_> = heads.into_iter().collect();
    heads.sort_by(|(a, x), (b, y)| (y.atoms, a).cmp(&(x.atoms, b)));
    Counts { heads, with_variables, encoded_bytes }
}

/// What an atom begins with, and how many elements it has; an atom that is no expression begins with its kind.
fn head(bytes: &[u8]) -> (String, usize) {
    let mut items = Reader::new(bytes);
    match items.next() {
        Some(Item::Arity(n)) => (items.next().map_or_else(|| "()".to_owned(), |item| kind(&item)), n),
        Some(item) => (kind(&item), 0),
        None => (String::new(), 0),
    }
}

fn kind(item: &Item<'_>) -> String {
    match item {
        Item::Symbol(name) | Item::Operation(name) => (*name).to_owned(),
        Item::Arity(_) => "(...)".to_owned(),
        Item::NewVar | Item::VarRef(_) => "$...".to_owned(),
        Item::Int(_) | Item::Big(_) | Item::Float(_) => "a number".to_owned(),
        Item::Text(_) => "a string".to_owned(),
        Item::Bool(_) => "a truth value".to_owned(),
        Item::Space(_) | Item::State(_) | Item::Handle(_) => "a reference".to_owned(),
    }
}

/// The bytes of the file, and of the journal beside it.
fn on_disk(path: &Path) -> Result<(u64, u64)> {
    let base = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?.len();
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".journal-");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut journal = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            journal += entry.metadata()?.len();
        }
    }
    Ok((base, journal))
}

fn as_text(args: &StatsArgs, space: &Snapshot, counts: &Counts, (base, journal): (u64, u64)) -> String {
    let rows = [
        ("atoms", count(space.len())),
        ("distinct", count(space.distinct())),
        ("with variables", count(counts.with_variables)),
        ("heads", count(counts.heads.len() as u64)),
        ("on disk", format!("{} and {} of journal", bytes(base), bytes(journal))),
        ("in memory", format!("{} beside the mapped file", bytes(space.size_bytes() as u64))),
        ("as encoded", bytes(counts.encoded_bytes)),
    ];
    let mut text = format!("{}\n", args.path.display());
    for (name, value) in rows {
        text += &format!("  {name:<15} {value}\n");
    }
    if counts.heads.is_empty() {
        return text;
    }
    let shown = &counts.heads[..counts.heads.len().min(args.top)];
    let width = shown.iter().map(|((name, _), _)| name.chars().count()).max().unwrap_or(0).clamp(4, 40);
    text += &format!(
        "\n  {:<width$} {:>8} {:>14} {:>14} {:>12}\n",
        "head", "elements", "atoms", "distinct", "bytes"
    );
    for ((name, arity), head) in shown {
        let (atoms, distinct) = (count(head.atoms), count(head.distinct));
        let bytes = bytes(head.bytes);
        text += &format!("  {name:<width$} {arity:>8} {atoms:>14} {distinct:>14} {bytes:>12}\n");
    }
    let left = counts.heads.len() - shown.len();
    if left > 0 {
        text += &format!("  and {} more; `--top N` lists N\n", count(left as u64));
    }
    text
}

fn as_json(args: &StatsArgs, space: &Snapshot, counts: &Counts, (base, journal): (u64, u64)) -> String {
    let heads = counts.heads.iter().take(args.top).map(|((name, arity), head)| {
        json!({
            "head": name, "elements": arity, "atoms": head.atoms, "distinct": head.distinct, "bytes": head.bytes,
        })
    });
    let value = json!({
        "path": args.path.display().to_string(),
        "atoms": space.len(),
        "distinct": space.distinct(),
        "with_variables": counts.with_variables,
        "file_bytes": base,
        "journal_bytes": journal,
        "memory_bytes": space.size_bytes(),
        "encoded_bytes": counts.encoded_bytes,
        "n_heads": counts.heads.len(),
        "heads": heads.collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}
