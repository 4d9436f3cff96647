//! What programs are evaluated with: flags, environment, `mettatron.toml` and defaults put together.

#![expect(clippy::wildcard_enum_match_arm, reason = "a setting takes values of one kind")]

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context;
use mettatron::config::{EvalConfig, apply_to_runtime_builder};
use mettatron::diagnosis::nearest;
use mettatron::modules::{Files, file_module};
use mettatron::{Forking, Library, MettaState, Outcome, Run, RunLimits, SpaceFiles, Tabling};
use tokio::runtime;

use crate::args::{Engine, EngineArgs};
use crate::config::{ConfigFile, Value};
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
    /// Every setting as `mettatron.toml` writes it, and where it comes from.
    listed: Vec<(&'static str, String, Origin)>,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    Flag(&'static str),
    Environment(&'static str),
    File(PathBuf, usize),
    Profile(String),
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::Default("") => f.write_str("default"),
            Origin::Default(what) => write!(f, "default: {what}"),
        }
    }
}

/// Where settings are looked up, and a list of what was found.
struct Sources<'a> {
    file: Option<&'a ConfigFile>,
    listed: Vec<(&'static str, String, Origin)>,
}

impl Sources<'_> {
    /// The value of a flag, or else that of the file, or else another one.
    fn choose<T>(
        &mut self,
        key: &'static str,
        flag: Option<(T, &'static str)>,
        read: impl Fn(&Value) -> Option<T>,
        otherwise: (T, Origin),
        show: impl Fn(&T) -> String,
    ) -> T {
        let of_file = self.file.and_then(|file| {
            let (value, line) = file.get(key)?;
            Some((read(value)?, Origin::File(file.path.clone(), line)))
        });
        let of_flag = flag.map(|(value, flag)| (value, Origin::Flag(flag)));
        let (value, origin) = of_flag.or(of_file).unwrap_or(otherwise);
        self.listed.push((key, show(&value), origin));
        value
    }

    fn number(
        &mut self,
        key: &'static str,
        flag: Option<(u64, &'static str)>,
        otherwise: (Option<u64>, &'static str),
    ) -> Option<u64> {
        let flag = flag.map(|(number, flag)| (Some(number), flag));
        let otherwise = (otherwise.0, Origin::Default(otherwise.1));
        self.choose(key, flag, |value| number(value).map(Some), otherwise, |it| shown(it.as_ref()))
    }

    /// A truth value; a flag only says the opposite of the default.
    fn truth(&mut self, key: &'static str, flag: bool, name: &'static str, default: bool) -> bool {
        let flag = flag.then_some((!default, name));
        let read = |value: &Value| match value {
            Value::Truth(truth) => Some(*truth),
            _ => None,
        };
        self.choose(key, flag, read, (default, Origin::Default("")), bool::to_string)
    }

    fn engine(&mut self, flag: Option<Engine>) -> Engine {
        let read = |value: &Value| match value {
            Value::Text(name) if name == "general" => Some(Engine::General),
            Value::Text(_) => Some(Engine::Compiled),
            _ => None,
        };
        let show = |engine: &Engine| match engine {
            Engine::General => "\"general\"".to_owned(),
            Engine::Compiled => "\"compiled\"".to_owned(),
        };
        let flag = flag.map(|engine| (engine, "--engine"));
        self.choose("engine", flag, read, (Engine::Compiled, Origin::Default("")), show)
    }

    /// Threads and portions: flag, file, profile, processors. The profile is that of `METTA_PROFILE`, or of the file.
    fn threads(&mut self, args: &EngineArgs) -> anyhow::Result<EvalConfig> {
        let name = variable("METTA_PROFILE").map(|name| name.to_string_lossy().into_owned());
        let of_file = self.file.and_then(|file| match file.get("profile")? {
            (Value::Text(name), line) => Some((name.clone(), Origin::File(file.path.clone(), line))),
            _ => None,
        });
        let named = name.map(|name| (name, Origin::Environment("METTA_PROFILE"))).or(of_file);
        let (config, origin) = match &named {
            None => {
                let threads = available_parallelism().map_or(1, usize::from);
                let config = EvalConfig { max_blocking_threads: threads, ..EvalConfig::default() };
                (config, Origin::Default("the processors"))
            }
            Some((name, _)) => {
                let config = EvalConfig::from_profile(name).with_context(|| no_profile(name))?;
                (config, Origin::Profile(name.clone()))
            }
        };
        let (name, whence) = named.unwrap_or_else(|| (String::new(), Origin::Default("none")));
        self.listed.push((
            "profile",
            if name.is_empty() { String::new() } else { format!("{name:?}") },
            whence,
        ));
        let portion = if let Origin::Default(_) = origin { Origin::Default("") } else { origin.clone() };
        let flag = args.jobs.map(|jobs| (jobs.get(), "--jobs"));
        let threads = |value: &Value| number(value).and_then(|number| usize::try_from(number).ok());
        let max_blocking_threads =
            self.choose("jobs", flag, threads, (config.max_blocking_threads, origin), usize::to_string);
        let batch_size_hint =
            self.choose("batch-size", None, threads, (config.batch_size_hint, portion), usize::to_string);
        Ok(EvalConfig { max_blocking_threads, batch_size_hint })
    }

    /// The folders of modules besides that of the program: flags, environment and file together.
    fn folders(&mut self, args: &EngineArgs) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut add = |folders: Vec<PathBuf>, origin: Origin| {
            let names: Vec<String> =
                folders.iter().map(|folder| format!("{:?}", folder.display().to_string())).collect();
            if !names.is_empty() {
                self.listed.push(("include", format!("[{}]", names.join(", ")), origin));
            }
            all.extend(folders);
        };
        add(args.include.clone(), Origin::Flag("--include"));
        let listed = variable("METTA_PATH").unwrap_or_default();
        let listed = std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
        add(listed.collect(), Origin::Environment("METTA_PATH"));
        if let Some(file) = self.file
            && let Some((Value::Folders(folders), line)) = file.get("include")
        {
            add(folders.clone(), Origin::File(file.path.clone(), line));
        }
        all
    }

    fn limits(&mut self, args: &EngineArgs) -> RunLimits {
        let given = &args.limits;
        let flag = |value: Option<u64>, name| value.map(|value| (value, name));
        let none = (None, "no limit");
        let time = given.time.map(|time| (Some(time), "--time"));
        let read = |value: &Value| match value {
            Value::Time(time) => Some(Some(*time)),
            _ => None,
        };
        let show = |time: &Option<Duration>| time.map_or_else(String::new, |time| format!("\"{time:?}\""));
        RunLimits {
            steps: self.number("limits.steps", flag(given.steps, "--steps"), none),
            depth: self.number("limits.depth", flag(given.depth, "--depth"), none),
            memory_bytes: self.number(
                "limits.memory",
                flag(given.memory, "--memory"),
                (default_limit(), "half of the memory"),
            ),
            results: self.number("limits.results", flag(given.results, "--results"), none),
            time: self.choose("limits.time", time, read, (None, Origin::Default("no limit")), show),
            ..RunLimits::default()
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Truth(_) | Value::Text(_) | Value::Folders(_) | Value::Time(_) => None,
    }
}

fn shown(number: Option<&u64>) -> String {
    number.map_or_else(String::new, u64::to_string)
}

fn no_profile(name: &str) -> String {
    let profiles = EvalConfig::PROFILES;
    match nearest(name, profiles).first() {
        Some(near) => format!("METTA_PROFILE: there is no profile `{name}`; did you mean `{near}`?"),
        None => {
            format!("METTA_PROFILE: there is no profile `{name}`; the profiles are {}", profiles.join(", "))
        }
    }
}

impl Settings {
    /// Puts the settings together for a program whose first file is `file`.
    ///
    /// # Errors
    /// A setting of the environment or of a file that means nothing.
    pub(crate) fn of(args: &EngineArgs, file: Option<&Path>) -> anyhow::Result<Self> {
        let beside = match file {
            Some(file) if file.as_os_str() != "-" => file.parent().map(Path::to_owned).unwrap_or_default(),
            _ => PathBuf::new(),
        };
        let found = config_file(args, &beside)?;
        let mut sources = Sources { file: found.as_ref(), listed: Vec::new() };
        let config = sources.threads(args)?;
        let folders = sources.folders(args);
        let engine = sources.engine(args.engine);
        let tables = sources.truth("tabling", args.no_tabling, "--no-tabling", true);
        let forks = sources.truth("forking", args.no_forking, "--no-forking", true);
        let files = sources.truth("files", args.no_files, "--no-files", true);
        let git = sources.truth("allow-git", args.allow_git, "--allow-git", false);
        let seed =
            sources.number("seed", args.seed.map(|seed| (seed, "--seed")), (None, "another one each run"));
        let limits = sources.limits(args);
        let modules = folders.into_iter().fold(Files::beside(beside), Files::search);
        let listed = sources.listed;
        Ok(Settings {
            config,
            limits,
            engine,
            tabling: if tables { Tabling::default() } else { Tabling::Off },
            forking: if forks { Forking::Automatic } else { Forking::Off },
            seed: seed.unwrap_or_else(any_number),
            modules: if git { modules.allow_git(cache()) } else { modules },
            files,
            listed,
        })
    }

    /// Lists every setting and where it comes from, as a file of settings.
    pub(crate) fn list(&self) -> String {
        let mut out = String::new();
        for (key, value, origin) in &self.listed {
            // What is not set is a comment. Writing to a String cannot fail.
            let setting = if value.is_empty() { format!("# {key}") } else { format!("{key} = {value}") };
            let _ = writeln!(out, "{setting:<32} # {origin}");
        }
        out
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

/// The settings of the folder in which a program is.
fn config_file(args: &EngineArgs, beside: &Path) -> anyhow::Result<Option<ConfigFile>> {
    match &args.config {
        _ if args.no_config => Ok(None),
        Some(path) => ConfigFile::read(path).map(Some),
        None => ConfigFile::above(beside),
    }
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
