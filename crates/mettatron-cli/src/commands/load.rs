//! `mettatron load`: texts and paths into the file of a space.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use mettatron::space::{FileError, Snapshot};
use mettatron::syntax::Words;
use mettatron::{Atom, CancelToken, Library, Loaded, load_text};

use super::run::interrupt;
use crate::progress::{Counted, Progress, bytes, count, rate, seconds};
use crate::report::{self, say};
use crate::spaces::save;
use crate::status::Status;

/// Put the atoms of files into the file of a space
///
/// Reads programs without `!`, files of paths that MORK writes, and files of spaces. The space is written
/// when all is read: before that, and when something is wrong, PATH stays as it is. Programs open it with
/// `(open-space "PATH")`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files with atoms
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The file of the space; in a folder it gets the name of the first FILE with the ending `.space`
    #[arg(long, value_name = "PATH")]
    into: PathBuf,

    /// What the files hold [default: `paths` for *.paths, else a space if it is one, else text]
    #[arg(long, value_enum)]
    from: Option<Kind>,

    /// Add to the space that is there
    #[arg(long, conflicts_with = "replace")]
    append: bool,

    /// Take the place of the space that is there
    #[arg(long)]
    replace: bool,

    /// Threads that parse text [default: processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A program without `!`
    Text,
    /// Paths as MORK writes them
    Paths,
    /// A space
    Space,
}

/// Loads files.
pub(super) fn run(args: &Args) -> Result<Status> {
    let target = target(args);
    let mut space = beginning(args, &target)?;
    let library = Library::new();
    let parsers =
        match args.jobs.map_or_else(|| available_parallelism().map_or(1, usize::from), NonZeroUsize::get) {
            1 => 0,
            jobs => jobs,
        };
    let lengths: Vec<u64> = args.files.iter().map(|path| length(path)).collect::<Result<_>>()?;
    let before = space.len();
    let mut progress = Progress::of_bytes(lengths.iter().sum(), "loading".to_owned());
    let mut done = 0;
    let cancel = CancelToken::new();
    interrupt(cancel.clone())?;
    for (path, length) in args.files.iter().zip(&lengths) {
        let earlier = space.len() - before;
        let added = add(path, args.from, &mut space, (&library, parsers), &cancel, |within, atoms| {
            progress.at(done + within, |elapsed| match atoms {
                // Of paths nobody counts the atoms before the end.
                0 => "reading".to_owned(),
                _ => {
                    let time = Duration::from_secs_f64(elapsed);
                    format!("{} atoms/s", count(rate(earlier + atoms, time)))
                }
            });
        });
        if cancel.is_cancelled() {
            progress.end();
            let (atoms, target) = (count(space.len() - before), target.display());
            say(&format!("interrupted after {atoms} atoms: `{target}` was not written\n"));
            return Ok(Status::Interrupted);
        }
        added.with_context(|| format!("`{}` was not written", target.display()))?;
        done += length;
    }
    progress.end();
    let read = progress.elapsed();
    space.settle();
    save(&space, &target)?;
    let total = progress.elapsed();
    let written = length(&target)?;
    let atoms = space.len() - before;
    let files =
        if args.files.len() == 1 { "1 file".to_owned() } else { format!("{} files", args.files.len()) };
    let line = format!(
        "loaded {} atoms from {files}, {} in {}: {} atoms/s, {}/s\n{} has {} atoms, {} distinct, {} on disk, written in {}\n",
        count(atoms),
        bytes(done),
        seconds(read),
        count(rate(atoms, read)),
        bytes(rate(done, read)),
        target.display(),
        count(space.len()),
        count(space.distinct()),
        bytes(written),
        seconds(total.saturating_sub(read)),
    );
    report::print(line.as_bytes())
}

/// The file that is to be written.
fn target(args: &Args) -> PathBuf {
    match args.files.first().and_then(|file| file.file_name()) {
        Some(name) if args.into.is_dir() => args.into.join(name).with_extension("space"),
        _ => args.into.clone(),
    }
}

/// The space that atoms are added to.
fn beginning(args: &Args, target: &Path) -> Result<Snapshot> {
    if !target.exists() {
        // A folder that is missing is better known before an hour of reading.
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            bail!("cannot write `{}`: `{}` is no folder", target.display(), folder.display());
        }
        return Ok(Snapshot::new());
    }
    if args.append {
        return Ok(Snapshot::open(target)?);
    }
    if args.replace {
        // What is no space is not written over, and it is better known now.
        Snapshot::open(target)?;
        return Ok(Snapshot::new());
    }
    bail!("`{}` is there already; `--append` adds to it, `--replace` writes it anew", target.display())
}

fn length(path: &Path) -> Result<u64> {
    let about = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if about.is_dir() {
        bail!("cannot read `{}`: it is a folder", path.display());
    }
    Ok(about.len())
}

/// Adds the atoms of a file; tells how many bytes of it are read, and how many atoms.
fn add(
    path: &Path,
    kind: Option<Kind>,
    space: &mut Snapshot,
    (library, parsers): (&Library, usize),
    cancel: &CancelToken,
    mut progress: impl FnMut(u64, u64),
) -> Result<()> {
    let named = |path: &Path| path.display().to_string();
    let kind = match kind {
        Some(kind) => kind,
        None if path.extension().is_some_and(|extension| extension == "paths") => Kind::Paths,
        None => match Snapshot::open(path) {
            Err(FileError::NotASpace { .. }) => Kind::Text,
            Ok(_) | Err(_) => Kind::Space,
        },
    };
    let open = || File::open(path).with_context(|| format!("cannot read `{}`", named(path)));
    match kind {
        Kind::Text => {
            let told = |Loaded { atoms, bytes }| progress(bytes, atoms);
            let input = Counted { input: open()?, bytes: 0, told: |_| (), cancel: cancel.clone() };
            load_text(space, input, library, parsers, told).with_context(|| named(path))?;
        }
        Kind::Paths => {
            let told = |bytes| progress(bytes, 0);
            let read = Counted { input: open()?, bytes: 0, told, cancel: cancel.clone() };
            let word = |word: &str| meant(word, library);
            space.read_paths(read, word).with_context(|| named(path))?;
        }
        Kind::Space => copy(&Snapshot::open(path)?, path, space, progress)?,
    }
    Ok(())
}

/// What a symbol of a file of paths means: what it would in a program.
fn meant(word: &str, library: &Library) -> Atom {
    let parsed = mettatron::syntax::parse(word, library as &dyn Words);
    match <[_; 1]>::try_from(parsed.forms) {
        Ok([form]) if parsed.diagnostics.is_empty() && !form.run && form.atom.children().is_none() => {
            form.atom
        }
        _ => Atom::symbol(word),
    }
}

/// Adds the atoms of a space.
fn copy(
    from: &Snapshot,
    path: &Path,
    space: &mut Snapshot,
    mut progress: impl FnMut(u64, u64),
) -> Result<()> {
    const EVERY: u64 = 4_096;
    let (all, length) = (from.distinct().max(1), length(path)?);
    for (n, fact) in (0_u64..).zip(from.iter()) {
        (0..fact.count).for_each(|_| space.add_encoded(fact.bytes, fact.variables()));
        if n % EVERY == 0 {
            progress(length / all * n, n);
        }
    }
    match from.damage() {
        Some(damage) => bail!("{damage}"),
        None => Ok(()),
    }
}
