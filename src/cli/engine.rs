//! `--engine`: where spans are aggregated, with credentials from the environment or a file.

use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};

use unbraid::config::Config;
use unbraid::engines::{self, Address, Answer, Credentials, Program, Window};
use unbraid::error::Error;
use unbraid::ingest::rows::MOST_SPANS;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Spans that an engine holds")]
pub struct EngineOptions {
    /// Where spans are aggregated: local (the inputs alone), spark=sc://host:port, clickhouse=http://host:port or
    /// adbc=driver:uri. Credentials come from UNBRAID_ENGINE_USER, _PASSWORD, _TOKEN and _URI, or from the file that
    /// the same name with _FILE names
    #[arg(long, value_name = "ENGINE", env = "UNBRAID_ENGINE", hide_env_values = true)]
    engine: Option<String>,
    /// Only traces that begin then or later: 2026-11-26, 2026-11-26T08:00:00Z or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = engines::moment, requires = "engine")]
    from: Option<i64>,
    /// Only traces that begin before
    #[arg(long, value_name = "TIME", value_parser = engines::moment, requires = "engine")]
    until: Option<i64>,
    /// In how many parts the table is read, by hash of the trace id: what bounds memory and is tried again
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    slices: u32,
    /// The program that Spark's executors run, where they cannot run this one
    #[arg(long, value_name = "PATH", requires = "engine")]
    fold_binary: Option<PathBuf>,
    /// Send no program to Spark: join in SQL, which sees less
    #[arg(long, requires = "engine")]
    spark_join: bool,
}

impl EngineOptions {
    /// The engine as it may be shown.
    pub fn name(&self) -> Option<String> {
        self.address().ok().flatten().map(|address| address.to_string())
    }

    /// Read here and not with the other arguments: their errors repeat what was given, and it may hold a secret.
    fn address(&self) -> Result<Option<Address>, Error> {
        let fail = |reason| Error::Engine { engine: "--engine".to_owned(), reason };
        let address = self.engine.as_deref().map(Address::parse).transpose().map_err(fail)?;
        Ok(address.filter(|a| *a != Address::Local))
    }

    /// What the engine holds, if one was given.
    pub fn ask(&self, config: &Config, memory: u64, tell: &dyn Fn(&str)) -> Result<Vec<(String, Answer)>, Error> {
        let Some(address) = self.address()? else { return Ok(Vec::new()) };
        let engine = engines::open(&address, &credentials()?)?;
        let sent = matches!(address, Address::Spark(_)) && !self.spark_join;
        let program = if sent { Some(Sent::new(self.fold_binary.as_deref())?) } else { None };
        let request = engines::Request {
            table: config.engine.clone(),
            window: Window { from: self.from, until: self.until },
            slices: self.slices,
            memory,
            most_spans: MOST_SPANS,
            program: program.as_ref().map(|p| p.program.clone()),
            join: self.spark_join,
        };
        let answer = engine.aggregate(&request, tell)?;
        let name = address.feature().unwrap_or("engine");
        Ok(vec![(name.to_owned(), answer)])
    }
}

/// From the environment, or from the files that it names.
fn credentials() -> Result<Credentials, Error> {
    let of = |name: &str| -> Result<Option<String>, Error> {
        let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let name = format!("UNBRAID_ENGINE_{name}");
        match set(&format!("{name}_FILE")) {
            Some(path) => unbraid::files::read_text(Path::new(&path)).map(|text| Some(text.trim_end().to_owned())),
            None => Ok(set(&name)),
        }
    };
    Ok(Credentials { user: of("USER")?, password: of("PASSWORD")?, token: of("TOKEN")?, uri: of("URI")? })
}

/// A program under the name of its content, as long as it is needed.
struct Sent {
    program: Program,
    folder: PathBuf,
}

impl Sent {
    fn new(given: Option<&Path>) -> Result<Self, Error> {
        let fail =
            |path: &Path, e: std::io::Error| Error::Input { path: path.display().to_string(), reason: e.to_string() };
        let own = || std::env::current_exe().map_err(|e| fail(Path::new("this program"), e));
        let path = given.map_or_else(own, |p| Ok(p.to_path_buf()))?;
        let bytes = std::fs::read(&path).map_err(|e| fail(&path, e))?;
        let hash: String = Sha256::digest(&bytes).iter().take(8).map(|b| format!("{b:02x}")).collect();
        let name = format!("unbraid-{hash}");
        let folder = std::env::temp_dir().join(format!("unbraid-{}-{hash}", std::process::id()));
        std::fs::create_dir(&folder).map_err(|e| fail(&folder, e))?;
        let copy = folder.join(&name);
        let sent = Self { program: Program { path: copy.display().to_string(), name }, folder };
        std::fs::write(&copy, &bytes).map_err(|e| fail(&copy, e))?;
        Ok(sent)
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        // What cannot be taken away stays in the folder for temporary files.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
