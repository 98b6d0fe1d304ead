//! A backup as a directory, and what is in it.
//!
//! ```text
//! databases/NAME.dump   one database, as `pg_dump` writes it for `pg_restore`
//! objects/object/KEY    the objects of upload-ingest
//! keys.json             all secrets of the run; whoever has them and the rest has everything
//! demo.json             the demo accounts, where there are some
//! manifest.json         all of the above with lengths and digests; written last, so that what has one is whole
//! ```
pub(crate) mod copy;
pub(crate) mod manifest;

use std::path::{Path, PathBuf};

/// Names within a backup.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    root: PathBuf,
}

impl Archive {
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn dump(&self, database: &str) -> PathBuf {
        self.root.join("databases").join(format!("{database}.dump"))
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects").join("object")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys.json")
    }

    pub(crate) fn demo(&self) -> PathBuf {
        self.root.join("demo.json")
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.root.join("manifest.json")
    }
}
