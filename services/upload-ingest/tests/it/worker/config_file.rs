//! Configuration files of the real binaries.

use tempfile::TempPath;

/// A file that goes when the test does.
pub(super) struct ConfigFile(TempPath);

impl ConfigFile {
    /// The service's settings with more TOML over them.
    pub(super) fn new(config: &str, more: &str) -> Self {
        let mut table: toml::Table = toml::from_str(config).unwrap();
        for (section, settings) in toml::from_str::<toml::Table>(more).unwrap() {
            let entry = table.entry(section).or_insert_with(|| toml::Table::new().into());
            entry.as_table_mut().unwrap().extend(settings.as_table().unwrap().clone());
        }
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), table.to_string()).unwrap();
        Self(file.into_temp_path())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}
