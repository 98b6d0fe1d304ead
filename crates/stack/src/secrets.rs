//! Secrets of a local system: made once, kept in one file that only its owner can read.
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::site::{make_private_dir, write_private};

/// The secrets by name.
pub(crate) struct Secrets {
    path: PathBuf,
    known: BTreeMap<String, String>,
}

impl Secrets {
    /// Opens `keys/secrets.json` of a state directory; it need not exist yet.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let keys = state.join("keys");
        make_private_dir(&keys)?;
        let path = keys.join("secrets.json");
        let known = if path.exists() {
            let text = fs::read_to_string(&path)?;
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?
        } else {
            BTreeMap::new()
        };
        Ok(Self { path, known })
    }

    /// A password of 32 URL-safe characters (192 bits).
    pub(crate) fn password(&mut self, name: &str) -> Result<String> {
        self.get_or_make(name, || Ok(URL_SAFE_NO_PAD.encode(random::<24>()?)))
    }

    /// A key of 32 bytes in base64.
    pub(crate) fn key(&mut self, name: &str) -> Result<String> {
        self.get_or_make(name, || Ok(STANDARD.encode(random::<32>()?)))
    }

    fn get_or_make(&mut self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let made = make()?;
        self.known.insert(name.to_owned(), made.clone());
        // Written before it is used: a secret that a server has learnt and we have lost would lock us out.
        write_private(&self.path, &serde_json::to_string_pretty(&self.known)?)?;
        Ok(made)
    }
}

/// Bytes from the kernel's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes)
}

/// A name nothing else has: 128 random bits in hexadecimal.
pub(crate) fn unique_name() -> Result<String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}
