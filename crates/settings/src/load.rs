//! From a file and the environment to settings that can be used, or to everything that is wrong with them.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::UncasedStr;
use serde::de::DeserializeOwned;

/// What a program can be told: a TOML file overlaid by the environment.
pub trait Settings: DeserializeOwned {
    /// TOML: where this program differs from the defaults of the shared sections.
    const DEFAULTS: &'static str;

    /// Fills in what follows from other settings.
    fn complete(&mut self) {}

    /// Everything wrong, each with its key.
    fn faults(&self) -> Vec<String>;
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not valid:\n{0}")]
pub struct InvalidSettings(String);

impl InvalidSettings {
    /// Everything wrong, a line each, with its key.
    #[must_use]
    pub fn faults(&self) -> &str {
        &self.0
    }
}

/// Reads a file, if one is named, and the environment over it: `ALDIA_<SECTION>__<KEY>`.
///
/// # Errors
/// [`InvalidSettings`] with every fault, also where there is no such file.
pub fn load<S: Settings>(file: Option<&Path>) -> Result<S, InvalidSettings> {
    let mut figment = Figment::new();
    if let Some(file) = file {
        if !file.is_file() {
            return Err(InvalidSettings(format!("there is no configuration file {}", file.display())));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    extract(figment.merge(Env::prefixed("ALDIA_").filter(is_section).split("__")))
}

/// Reads settings from TOML alone, as tests do.
///
/// # Errors
/// [`InvalidSettings`] with every fault.
pub fn from_toml<S: Settings>(text: &str) -> Result<S, InvalidSettings> {
    extract(Figment::from(Toml::string(text)))
}

/// Variables like `ALDIA_CONFIG` name no section; what does is `ALDIA_<SECTION>__<KEY>`.
fn is_section(name: &UncasedStr) -> bool {
    name.as_str().contains("__")
}

fn extract<S: Settings>(told: Figment) -> Result<S, InvalidSettings> {
    let mut settings: S =
        Figment::from(Toml::string(S::DEFAULTS)).merge(told).extract().map_err(|error| {
            InvalidSettings(error.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n"))
        })?;
    settings.complete();
    let faults = settings.faults();
    if faults.is_empty() { Ok(settings) } else { Err(InvalidSettings(faults.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        shop: Shop,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Shop {
        name: String,
        title: String,
        tables: u8,
        chairs: u8,
    }

    impl Default for Shop {
        fn default() -> Self {
            Self { name: "no name".to_owned(), title: String::new(), tables: 4, chairs: 16 }
        }
    }

    impl Settings for Config {
        const DEFAULTS: &'static str = "[shop]\nname = \"corner\"";

        fn complete(&mut self) {
            if self.shop.title.is_empty() {
                self.shop.title = format!("the {}", self.shop.name);
            }
        }

        fn faults(&self) -> Vec<String> {
            let Shop { title, tables, chairs, .. } = &self.shop;
            let mut faults = Vec::new();
            if *tables == 0 {
                faults.push(format!("shop.tables: {title} must have one"));
            }
            if *chairs == 0 {
                faults.push("shop.chairs: must not be zero".to_owned());
            }
            faults
        }
    }

    #[test]
    fn what_is_told_lies_over_the_programs_defaults_and_those_over_the_sections() {
        let shop = from_toml::<Config>("[shop]\ntables = 2").unwrap().shop;
        assert_eq!((shop.name.as_str(), shop.tables, shop.chairs), ("corner", 2, 16));
        assert_eq!(from_toml::<Config>("[shop]\nname = \"market\"").unwrap().shop.name, "market");
    }

    #[test]
    fn what_follows_is_filled_in_before_the_check() {
        assert_eq!(from_toml::<Config>("").unwrap().shop.title, "the corner");
        assert_eq!(from_toml::<Config>("[shop]\ntitle = \"own\"").unwrap().shop.title, "own");
        let without = from_toml::<Config>("[shop]\ntables = 0").unwrap_err();
        assert_eq!(without.faults(), "shop.tables: the corner must have one");
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let invalid = from_toml::<Config>("[shop]\ntables = 0\nchairs = 0").unwrap_err();
        assert_eq!(
            invalid.to_string(),
            "the configuration is not valid:\nshop.tables: the corner must have one\nshop.chairs: must not be zero"
        );
        assert!(from_toml::<Config>("[shop]\ndoors = 1").unwrap_err().faults().contains("doors"));
        assert!(from_toml::<Config>("[shop").is_err());
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.toml");
        let missing = load::<Config>(Some(&file)).unwrap_err();
        assert_eq!(missing.faults(), format!("there is no configuration file {}", file.display()));
        std::fs::write(&file, "[shop]\ntables = 7").unwrap();
        assert_eq!(load::<Config>(Some(&file)).unwrap().shop.chairs, 16);
    }

    /// Variables cannot be set in a process with threads, so this runs itself once more with them.
    #[test]
    fn the_environment_lies_over_the_file() {
        const NAME: &str = "load::tests::the_environment_lies_over_the_file";
        if std::env::var_os("ALDIA_SHOP__TABLES").is_some() {
            let file = std::env::var_os("ALDIA_CONFIG").unwrap();
            let shop = load::<Config>(Some(Path::new(&file))).unwrap().shop;
            assert_eq!((shop.name.as_str(), shop.tables, shop.chairs), ("corner", 9, 3));
            return;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[shop]\ntables = 2\nchairs = 3").unwrap();
        let told = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("ALDIA_CONFIG", file.path())
            .env("ALDIA_SHOP__TABLES", "9")
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&told.stdout);
        assert!(told.status.success() && output.contains("1 passed"), "{output}");
    }
}
