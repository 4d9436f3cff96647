//! What programs are evaluated with: flags, environment and defaults put together.

use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::Context;
use mettatron::config::{EvalConfig, apply_to_runtime_builder};
use mettatron::modules::{Files, file_module};
use mettatron::{Forking, Library, MettaState, Outcome, Run, RunLimits, SpaceFiles, Tabling};
use tokio::runtime;

use crate::args::{Engine, EngineArgs};
use crate::memory::default_limit;
use crate::seen::{Seen, SeenFiles};

/// What programs are evaluated with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: EvalConfig,
    pub(crate) limits: RunLimits,
    engine: Engine,
    tabling: Tabling,
    forking: Forking,
    seed: u64,
    modules: Files,
    /// Whether programs may read and write files.
    files: bool,
}

impl Settings {
    /// Puts the settings together for a program whose first file is `file`.
    ///
    /// # Errors
    /// A setting of the environment that means nothing.
    pub(crate) fn of(args: &EngineArgs, file: Option<&Path>) -> anyhow::Result<Self> {
        let given = &args.limits;
        Ok(Settings {
            config: configuration(args)?,
            limits: RunLimits {
                steps: given.steps,
                depth: given.depth,
                memory_bytes: given.memory.or_else(default_limit),
                results: given.results,
                time: given.time,
            },
            engine: args.engine.unwrap_or(Engine::Compiled),
            tabling: if args.no_tabling { Tabling::Off } else { Tabling::default() },
            forking: if args.no_forking { Forking::Off } else { Forking::Automatic },
            seed: args.seed.unwrap_or_else(any_number),
            modules: modules(args, file),
            files: !args.no_files,
        })
    }

    /// Makes the library of a program; the texts of its modules go to `seen`.
    pub(crate) fn library(&self, seen: &Seen) -> Library {
        let mut library = Library::new();
        library.compile_rules(self.engine == Engine::Compiled);
        library.set_tabling(self.tabling);
        library.set_modules(Arc::new(SeenFiles { files: self.modules.clone(), seen: seen.clone() }));
        library.set_random_seed(self.seed);
        if self.files {
            library.add_module(file_module());
            library.set_store(Arc::new(SpaceFiles::default()));
        }
        library
    }

    /// Where modules are looked for.
    pub(crate) fn modules(&self) -> &Files {
        &self.modules
    }

    /// Begins a run with these settings.
    pub(crate) fn run(&self) -> Run {
        Run::new().config(self.config).limits(self.limits.clone()).forking(self.forking)
    }

    /// Runs what was compiled, on as many threads as the settings say.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub(crate) fn execute(
        &self,
        run: Run,
        accumulated: MettaState,
        compiled: MettaState,
    ) -> anyhow::Result<Outcome> {
        if self.config.max_blocking_threads < 2 {
            return Ok(run.sequential(accumulated, compiled));
        }
        // Only the blocking pool is used: it needs no other threads.
        let runtime = apply_to_runtime_builder(runtime::Builder::new_current_thread(), self.config)
            .build()
            .context("cannot start threads")?;
        let outcome = run.on(runtime.handle(), accumulated, compiled);
        // A helper in a long host operation is not waited for.
        runtime.shutdown_background();
        Ok(outcome)
    }
}

/// Chooses threads and chunks: `--jobs`, then `METTA_PROFILE`, then the processors.
fn configuration(args: &EngineArgs) -> anyhow::Result<EvalConfig> {
    let mut config = match variable("METTA_PROFILE") {
        Some(name) => EvalConfig::from_profile(&name.to_string_lossy())
            .with_context(|| format!("`{}` is not a profile for METTA_PROFILE", name.display()))?,
        None => {
            let max_blocking_threads = available_parallelism().map_or(1, usize::from);
            EvalConfig { max_blocking_threads, ..EvalConfig::default() }
        }
    };
    if let Some(jobs) = args.jobs {
        config.max_blocking_threads = jobs.get();
    }
    Ok(config)
}

/// Where the program's modules are: beside the first file, or in the current folder.
fn modules(args: &EngineArgs, file: Option<&Path>) -> Files {
    let beside = match file {
        Some(file) if file.as_os_str() != "-" => file.parent().map(Path::to_owned).unwrap_or_default(),
        _ => PathBuf::new(),
    };
    let listed = variable("METTA_PATH").unwrap_or_default();
    let listed = std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
    let files = args.include.iter().cloned().chain(listed).fold(Files::beside(beside), Files::search);
    if args.allow_git { files.allow_git(cache()) } else { files }
}

/// Where clones of repositories are kept.
fn cache() -> PathBuf {
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("mettatron").join("modules")
}

/// Returns a variable of the environment that is not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the binary passes its environment on to libraries that do not look"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A number that differs from run to run.
fn any_number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
