//! Where the texts of modules come from. The evaluator itself reads no files.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The text of a module, and what its host wants to know about it later.
#[derive(Clone, Debug, Default)]
pub struct ModuleText {
    /// The name under which it can be imported, without the modules above it.
    pub name: String,
    /// What makes it the same module under another name, such as the absolute path of its file.
    pub identity: String,
    /// How it is named in messages.
    pub shown: String,
    /// Where modules below this one are looked for first; the source chooses the form.
    pub place: Option<String>,
    /// The program; `None` for a folder that only holds other modules.
    pub text: Option<Vec<u8>>,
}

/// Why a source has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no such module.
    #[error("not found")]
    NotFound {
        /// The places that were looked at.
        looked_at: Vec<String>,
    },
    /// There is one that cannot be had.
    #[error("{0}")]
    Unavailable(String),
}

/// Finds the texts of modules for [`Library::set_modules`](crate::Library::set_modules).
///
/// A module is asked for once; what a program imports again is remembered. Calls may come from
/// any thread, and they come in program order.
pub trait ModuleSource: Send + Sync {
    /// Finds the module `name`, one part of a path, as seen from the module whose
    /// [`place`](ModuleText::place) is given; `None` stands for the main program.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn find(&self, name: &str, place: Option<&str>) -> Result<ModuleText, SourceError>;

    /// Opens the module at a path that the program names (`register-module!`).
    ///
    /// # Errors
    /// See [`SourceError`]; by default there are no paths.
    fn open(&self, path: &str) -> Result<ModuleText, SourceError> {
        let _ = path;
        Err(SourceError::NotFound { looked_at: Vec::new() })
    }

    /// Fetches a module from a repository (`git-module!`), at a commit if one is given.
    ///
    /// # Errors
    /// See [`SourceError`]; by default there are no repositories.
    fn fetch(&self, url: &str, commit: Option<&str>) -> Result<ModuleText, SourceError> {
        let _ = (url, commit);
        Err(SourceError::Unavailable("this engine fetches no modules".to_owned()))
    }
}

/// Modules held in memory, by path: `a` is imported as `a`, and `a:b` is below it.
///
/// ```
/// use metta_eval::ModuleTexts;
///
/// let texts = ModuleTexts::from([("colors", "(color red)"), ("shapes:round", "(shape circle)")]);
/// # let _: std::sync::Arc<dyn metta_eval::ModuleSource> = std::sync::Arc::new(texts);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModuleTexts {
    texts: BTreeMap<String, Arc<str>>,
}

impl ModuleTexts {
    /// Makes a source without modules.
    pub fn new() -> Self {
        ModuleTexts::default()
    }

    /// Adds a module; one with the same path is replaced.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) {
        self.texts.insert(path.into(), text.into());
    }

    fn at(&self, path: &str) -> Option<ModuleText> {
        let text = self.texts.get(path).map(|text| text.as_bytes().to_vec());
        let below = format!("{path}:");
        if text.is_none() && !self.texts.keys().any(|known| known.starts_with(&below)) {
            return None;
        }
        let name = path.rsplit(':').next().unwrap_or(path).to_owned();
        Some(ModuleText {
            name,
            identity: path.to_owned(),
            shown: path.to_owned(),
            place: Some(path.to_owned()),
            text,
        })
    }
}

impl<const N: usize> From<[(&str, &str); N]> for ModuleTexts {
    fn from(texts: [(&str, &str); N]) -> Self {
        let mut all = ModuleTexts::new();
        for (path, text) in texts {
            all.insert(path, text);
        }
        all
    }
}

impl ModuleSource for ModuleTexts {
    fn find(&self, name: &str, place: Option<&str>) -> Result<ModuleText, SourceError> {
        let below = place.map(|place| format!("{place}:{name}"));
        let looked_at: Vec<String> = below.into_iter().chain([name.to_owned()]).collect();
        match looked_at.iter().find_map(|path| self.at(path)) {
            Some(found) => Ok(found),
            None => Err(SourceError::NotFound { looked_at }),
        }
    }

    fn open(&self, path: &str) -> Result<ModuleText, SourceError> {
        self.at(path).ok_or_else(|| SourceError::NotFound { looked_at: vec![path.to_owned()] })
    }
}
