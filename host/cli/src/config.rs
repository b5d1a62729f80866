//! The configuration of a host: one TOML file, overridden by `CORDON_*` variables, checked as a
//! whole before anything is opened. All problems are reported at once, each with its key.
//!
//! Deliberately the only module of the program that reads the environment. A value is never
//! repeated in a problem: some are secrets. Called by the commands, and by tests, which fill
//! [`Config`] in themselves.

mod check;
mod environment;
mod limits;
mod plugins;
mod secrets;
mod setting;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

pub use environment::Environment;
pub use secrets::{Kept, SecretsEntry};

use crate::built_in::{self, BuiltIn};

/// Where `cordon serve` listens, and where the other commands look for it, when nobody says.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

/// Where a host keeps its data when nobody says, below the working directory.
pub const DEFAULT_DATA_DIRECTORY: &str = "cordon-data";

/// The file that is read when nobody names one, if it is there.
const DEFAULT_FILE: &str = "cordon.toml";

/// Everything a host is started with. Checked: whatever is in here can be used.
#[derive(Clone)]
pub struct Config {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Everything the host remembers lies below this directory.
    pub data_directory: PathBuf,
    /// Directories for packages, by the name that policies use, beside `local`.
    pub destinations: BTreeMap<String, PathBuf>,
    /// Credentials that the operator keeps outside the host, by the name that connections use.
    pub secrets: BTreeMap<String, SecretsEntry>,
    /// SHA-256 of the operator's key, when the operator made the key himself.
    pub operator_key_hash: Option<[u8; 32]>,
    /// The HTTP API.
    pub api: cordon_api::Options,
    /// Plugins that are admitted at the start as part of the host: the built-in ones. No key of
    /// the file; tests add a connector that misbehaves.
    pub plugins: Vec<BuiltIn>,
    /// A folder whose plugins are installed at the start and on SIGHUP.
    pub plugin_folder: Option<PathBuf>,
    /// The way out.
    pub egress: cordon_egress::Options,
    /// Running connectors. Its keys and its cache directory are set when the parts are wired.
    pub runtime: cordon_runtime::Options,
    /// The application.
    pub engine: cordon_engine::Options,
    /// Packages.
    pub package: cordon_package::Options,
    /// What is logged, and how.
    pub log: Log,
    /// Keys of the file that were given, by a variable too: so that it can be told which limits
    /// the operator set.
    pub given: BTreeSet<String>,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// How much of Cordon's own.
    pub level: tracing::Level,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the command line says about the configuration. It goes before file and environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The file to read.
    pub file: Option<PathBuf>,
    /// Takes the place of `data.directory`.
    pub data_directory: Option<PathBuf>,
    /// Takes the place of `server.listen`.
    pub listen: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new(DEFAULT_DATA_DIRECTORY)
    }
}

impl Config {
    /// Every default, for a data directory.
    pub fn new(data_directory: impl Into<PathBuf>) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            data_directory: data_directory.into(),
            destinations: BTreeMap::new(),
            secrets: BTreeMap::new(),
            operator_key_hash: None,
            plugins: built_in::plugins().to_vec(),
            plugin_folder: None,
            api: cordon_api::Options::default(),
            egress: cordon_egress::Options::default(),
            runtime: cordon_runtime::Options::default(),
            engine: cordon_engine::Options::default(),
            package: cordon_package::Options::default(),
            log: Log { format: LogFormat::Text, level: tracing::Level::INFO },
            given: BTreeSet::new(),
        }
    }

    /// Reads the file and the environment, and checks everything.
    ///
    /// # Errors
    /// Every problem there is, or that the file cannot be read.
    pub fn load(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let named =
            overrides.file.clone().or_else(|| environment.get("CORDON_CONFIG").map(PathBuf::from));
        let text = match &named {
            Some(path) => read(path)?,
            None if Path::new(DEFAULT_FILE).exists() => read(Path::new(DEFAULT_FILE))?,
            None => String::new(),
        };
        let mut config = Self::parse(&text, environment)?;
        if let Some(directory) = &overrides.data_directory {
            config.data_directory.clone_from(directory);
        }
        if let Some(listen) = overrides.listen {
            config.listen = listen;
        }
        Ok(config)
    }

    /// The same, from the text of a file.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let table = text.parse::<toml::Table>().map_err(|error| {
            // The library's own display quotes the line, and the line may hold a secret.
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            ConfigError::Syntax { line, message: error.message().to_owned() }
        })?;
        let mut source = source::Source::new(table, environment);
        let config = check::check(&mut source);
        source.finish()?;
        Ok(config)
    }

    /// Every key that a file may hold, in the order they are read.
    pub fn keys() -> Vec<String> {
        let environment = Environment::default();
        let mut source = source::Source::new(toml::Table::new(), &environment);
        check::check(&mut source);
        source.known().to_vec()
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration is no TOML: line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Some keys have problems: all of them.
    #[error("the configuration has {} problem(s):{}", .0.len(), lines(.0))]
    Invalid(Vec<ConfigProblem>),
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The key, dotted: `egress.connect_timeout_seconds`.
    pub key: String,
    /// The variable that the value came from, when it was one.
    pub variable: Option<String>,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variable {
            Some(variable) if self.key.is_empty() => write!(f, "{variable}: {}", self.message),
            Some(variable) => write!(f, "{} (from {variable}): {}", self.key, self.message),
            None => write!(f, "{}: {}", self.key, self.message),
        }
    }
}

fn lines(problems: &[ConfigProblem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

#[cfg(test)]
mod tests;
