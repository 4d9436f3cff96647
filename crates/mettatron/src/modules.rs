//! Modules of a program: files, repositories, texts in memory, and those that come with a host.

mod git;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

mod fileio;

pub use fileio::file_module;
pub use metta_eval::{BuiltinModule, ModuleSource, ModuleText, ModuleTexts, SourceError};

/// Modules in files, for [`Builder::modules`](crate::Builder::modules).
///
/// The module `name` is `name.metta`, or the folder `name` with its text in `module.metta`. It is looked
/// for where the module above it is, then beside the main program, then in the search folders in order.
/// Nothing is read before a program imports it.
///
/// ```
/// use mettatron::{Engine, modules::Files};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("colors.metta"), "(color red)")?;
/// let mut engine = Engine::builder().modules(Files::beside(folder.path())).build();
/// let lists = engine.run("!(import! &self colors) !(match &self (color $c) $c)")?;
/// assert_eq!(lists[1][0].to_string(), "red");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    main: PathBuf,
    search: Vec<PathBuf>,
    git: Option<PathBuf>,
}

impl Files {
    /// Makes a source for a main program in the folder `main`.
    pub fn beside(main: impl Into<PathBuf>) -> Self {
        Files { main: main.into(), search: Vec::new(), git: None }
    }

    /// Adds a folder in which modules are looked for last.
    pub fn search(mut self, folder: impl Into<PathBuf>) -> Self {
        self.search.push(folder.into());
        self
    }

    /// Allows `git-module!`: repositories are cloned by the `git` program into folders below `cache`.
    pub fn allow_git(mut self, cache: impl Into<PathBuf>) -> Self {
        self.git = Some(cache.into());
        self
    }
}

impl ModuleSource for Files {
    fn find(&self, name: &str, place: Option<&str>) -> Result<ModuleText, SourceError> {
        let own = place.map(Path::new).filter(|place| *place != self.main);
        let mut looked_at = Vec::new();
        let others = std::iter::once(&self.main).chain(&self.search).map(PathBuf::as_path);
        for folder in own.into_iter().chain(others) {
            let (file, inner) = (folder.join(format!("{name}.metta")), folder.join(name));
            if metadata(&file)?.is_some_and(|found| found.is_file()) {
                return read_file(&file, name);
            }
            if metadata(&inner)?.is_some_and(|found| found.is_dir()) {
                return read_folder(&inner, name);
            }
            looked_at.extend([shown(&file), shown(&inner.join(MODULE_FILE))]);
        }
        Err(SourceError::NotFound { looked_at })
    }

    fn open(&self, path: &str) -> Result<ModuleText, SourceError> {
        let path = self.main.join(path);
        match metadata(&path)? {
            Some(found) if found.is_file() => read_file(&path, &stem(&path)),
            Some(found) if found.is_dir() => read_folder(&path, &stem(&resolved(&path)?)),
            _ => Err(SourceError::NotFound { looked_at: vec![shown(&path)] }),
        }
    }

    fn fetch(&self, url: &str, commit: Option<&str>) -> Result<ModuleText, SourceError> {
        let Some(cache) = &self.git else {
            return Err(unavailable(
                "git is not allowed here: run with `--allow-git`, or use `Files::allow_git`",
            ));
        };
        let (folder, name) = git::checkout(cache, url, commit)?;
        read_folder(&folder, &name)
    }
}

/// The text of a folder that is a module.
const MODULE_FILE: &str = "module.metta";

fn unavailable(reason: impl Into<String>) -> SourceError {
    SourceError::Unavailable(reason.into())
}

fn trouble(action: &str, path: &Path, error: &std::io::Error) -> SourceError {
    unavailable(format!("cannot {action} `{}`: {error}", path.display()))
}

/// What there is at a path, if anything.
fn metadata(path: &Path) -> Result<Option<fs::Metadata>, SourceError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(trouble("look at", path, &error)),
    }
}

/// The absolute path, the same for all ways to write it.
fn resolved(path: &Path) -> Result<PathBuf, SourceError> {
    fs::canonicalize(path).map_err(|error| trouble("look at", path, &error))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    fs::read(path).map_err(|error| trouble("read", path, &error))
}

fn place(folder: &Path) -> Result<Option<String>, SourceError> {
    match folder.to_str() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(unavailable(format!("the path `{}` is not UTF-8", folder.display()))),
    }
}

fn read_file(path: &Path, name: &str) -> Result<ModuleText, SourceError> {
    Ok(ModuleText {
        name: name.to_owned(),
        identity: shown(&resolved(path)?),
        shown: shown(path),
        place: place(path.parent().unwrap_or(Path::new("")))?,
        text: Some(read(path)?),
    })
}

/// A folder is a module even without a text of its own: it has modules below it.
fn read_folder(folder: &Path, name: &str) -> Result<ModuleText, SourceError> {
    let file = folder.join(MODULE_FILE);
    let text = match metadata(&file)? {
        Some(_) => Some(read(&file)?),
        None => None,
    };
    Ok(ModuleText {
        name: name.to_owned(),
        identity: shown(&resolved(folder)?),
        shown: shown(if text.is_some() { &file } else { folder }),
        place: place(folder)?,
        text,
    })
}
