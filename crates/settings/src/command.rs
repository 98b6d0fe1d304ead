//! What binaries share: the option that names the file, and how they end.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{InvalidSettings, Settings};

/// Exit code for faults of the configuration (`EX_CONFIG` of sysexits.h).
const EX_CONFIG: u8 = 78;

/// Where the configuration is.
#[derive(Debug, clap::Args)]
pub struct ConfigFile {
    /// Configuration file (TOML). The environment goes over it: ALDIA_POSTGRES__URL sets `url` of `[postgres]`.
    #[arg(long, short, env = "ALDIA_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// Reads it, if one is named, and the environment over it.
    ///
    /// # Errors
    /// As [`load`](fn@crate::load).
    pub fn load<S: Settings>(&self) -> Result<S, InvalidSettings> {
        crate::load(self.config.as_deref())
    }
}

/// Says on standard error what went wrong, and gives it an exit code: 78 where it is [`InvalidSettings`].
#[must_use]
pub fn exit(program: &str, ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let invalid = error.is::<InvalidSettings>();
            // Standard error may be closed; there is nobody left to tell.
            let _ = writeln!(std::io::stderr().lock(), "{program}: {error:#}");
            if invalid { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

/// Prints what a command is asked for on standard output.
///
/// # Errors
/// Where nobody reads it to the end.
pub fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Prints which migrations were applied.
///
/// # Errors
/// As [`print()`].
pub fn print_applied(migrations: &[String]) -> anyhow::Result<()> {
    match migrations {
        [] => print("the schema is up to date\n"),
        some => print(&format!("applied: {}\n", some.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Faulty {}

    impl Settings for Faulty {
        const DEFAULTS: &'static str = "";

        fn faults(&self) -> Vec<String> {
            vec!["everything".to_owned()]
        }
    }

    #[test]
    fn faults_of_the_configuration_have_an_exit_code_of_their_own() {
        let invalid = || crate::from_toml::<Faulty>("").map(|_| ());
        assert_eq!(exit("test", Ok(())), ExitCode::SUCCESS);
        assert_eq!(exit("test", Err(anyhow::anyhow!("the port is taken"))), ExitCode::FAILURE);
        assert_eq!(exit("test", invalid().map_err(Into::into)), ExitCode::from(78));
        assert_eq!(exit("test", invalid().context("at the start")), ExitCode::from(78));
    }
}
