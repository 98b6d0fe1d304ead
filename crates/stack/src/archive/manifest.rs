//! The list of a backup: every file with its length and digest.
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Archive;
use crate::site::write_private;

/// Of the layout in the module above; another one is refused.
const FORMAT: u32 = 1;
const PIECE_BYTES: usize = 128 * 1024;
/// Faults that are told; more of them tell no more.
const MAX_TOLD: usize = 10;

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) made_unix_secs: u64,
    /// The version of the server that was dumped.
    pub(crate) postgres: String,
    /// In the order in which they were dumped.
    pub(crate) databases: Vec<Dumped>,
    pub(crate) files: Vec<Entry>,
}

/// A database of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dumped {
    pub(crate) name: String,
    /// The newest migration it has.
    pub(crate) schema: String,
}

/// A file of a backup.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the backup, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

impl Manifest {
    /// Reads every file of a backup, as they are on the disk, and writes the list. The digest of the list itself is returned: kept
    /// elsewhere, it shows whether anybody has changed the backup together with its list.
    pub(crate) async fn write(
        archive: &Archive,
        postgres: String,
        databases: Vec<Dumped>,
    ) -> Result<(Self, String)> {
        let mut files = Vec::new();
        for path in paths(archive.root())? {
            let (bytes, sha256) = digest(&archive.root().join(&path))?;
            files.push(Entry { path, bytes, sha256 });
            tokio::task::yield_now().await;
        }
        let made_unix_secs =
            SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let manifest = Self { format: FORMAT, made_unix_secs, postgres, databases, files };
        let text = serde_json::to_string_pretty(&manifest)?;
        write_private(&archive.manifest(), &text)?;
        Ok((manifest, hex(&Sha256::digest(text.as_bytes()))))
    }

    /// Reads the list of a backup.
    pub(crate) fn read(archive: &Archive) -> Result<Self> {
        let file = archive.manifest();
        let text = fs::read_to_string(&file).with_context(|| {
            format!("{} cannot be read: what has no manifest is no whole backup", file.display())
        })?;
        let manifest: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "this is a backup of format {}; this program reads {FORMAT}",
            manifest.format
        );
        Ok(manifest)
    }

    /// Holds every file against the list: one that is missing, other or too much is a fault. `keys.json` may have been taken away.
    pub(crate) async fn check(&self, archive: &Archive) -> Result<()> {
        let mut faults = Vec::new();
        for entry in &self.files {
            let file = archive.root().join(inside(&entry.path)?);
            if !file.exists() && file == archive.keys() {
                continue;
            }
            match digest(&file) {
                Ok((bytes, sha256)) if (bytes, &sha256) == (entry.bytes, &entry.sha256) => {}
                Ok((bytes, _)) if bytes != entry.bytes => {
                    faults.push(format!("{} has {bytes} bytes instead of {}", entry.path, entry.bytes));
                }
                Ok(_) => faults.push(format!("{} is not what it was", entry.path)),
                Err(error) => faults.push(format!("{error:#}")),
            }
            tokio::task::yield_now().await;
        }
        let known = |path: &String| self.files.iter().any(|entry| entry.path == *path);
        faults.extend(
            paths(archive.root())?
                .into_iter()
                .filter(|path| !known(path))
                .map(|path| format!("{path} is not in the manifest")),
        );
        if faults.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = faults.iter().take(MAX_TOLD).cloned().collect();
        bail!("the backup is damaged, nothing was changed: {} faults\n{}", faults.len(), told.join("\n"))
    }
}

/// A path that leads nowhere else.
fn inside(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(is_inside, "the manifest names {}, which is not in the backup", path.display());
    Ok(path)
}

/// All files below, but for the list itself, in order.
fn paths(root: &Path) -> Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = entry.path();
            let relative = path.strip_prefix(root)?.to_str().context("a name that is no text")?.to_owned();
            if relative != "manifest.json" {
                found.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn digest(file: &Path) -> Result<(u64, String)> {
    let failed = || format!("cannot read {}", file.display());
    let mut open = File::open(file).with_context(failed)?;
    let (mut hasher, mut piece, mut bytes) = (Sha256::new(), vec![0; PIECE_BYTES], 0u64);
    loop {
        let length = open.read(&mut piece).with_context(failed)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
        bytes += read.len() as u64;
    }
    Ok((bytes, hex(&hasher.finalize())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn backup(name: &str) -> (Archive, Manifest) {
        let root = std::env::temp_dir().join(format!("stack-manifest-{name}-{}", std::process::id()));
        let archive = Archive::at(&root);
        fs::create_dir_all(archive.objects()).unwrap();
        fs::create_dir_all(root.join("databases")).unwrap();
        fs::write(archive.objects().join("a"), "one").unwrap();
        fs::write(archive.dump("catalog"), "dump").unwrap();
        fs::write(archive.keys(), "{}").unwrap();
        let dumped = vec![Dumped { name: "catalog".to_owned(), schema: "1".to_owned() }];
        Manifest::write(&archive, "17".to_owned(), dumped).await.unwrap();
        let manifest = Manifest::read(&archive).unwrap();
        (archive, manifest)
    }

    async fn fault(archive: &Archive, manifest: &Manifest) -> String {
        manifest.check(archive).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_backup_is_what_its_manifest_says() {
        let (archive, manifest) = backup("whole").await;
        manifest.check(&archive).await.unwrap();
        // Whoever keeps the keys apart takes them out.
        fs::remove_file(archive.keys()).unwrap();
        manifest.check(&archive).await.unwrap();
        fs::remove_dir_all(archive.root()).unwrap();
    }

    #[tokio::test]
    async fn a_flipped_bit_a_missing_and_a_strange_file_are_found() {
        let (archive, manifest) = backup("damaged").await;
        fs::write(archive.objects().join("a"), "onf").unwrap();
        assert!(fault(&archive, &manifest).await.contains("objects/object/a is not what it was"));
        fs::write(archive.objects().join("a"), "one").unwrap();
        fs::write(archive.objects().join("b"), "").unwrap();
        assert!(fault(&archive, &manifest).await.contains("b is not in the manifest"));
        fs::remove_file(archive.objects().join("b")).unwrap();
        fs::remove_file(archive.dump("catalog")).unwrap();
        assert!(fault(&archive, &manifest).await.contains("catalog.dump"));
        fs::remove_dir_all(archive.root()).unwrap();
    }

    #[tokio::test]
    async fn what_has_no_manifest_is_no_backup_and_none_leads_out_of_it() {
        let (archive, mut manifest) = backup("outside").await;
        manifest.files.push(Entry { path: "../secret".to_owned(), bytes: 0, sha256: String::new() });
        assert!(fault(&archive, &manifest).await.contains("not in the backup"));
        fs::remove_file(archive.manifest()).unwrap();
        assert!(Manifest::read(&archive).unwrap_err().to_string().contains("no whole backup"));
        fs::remove_dir_all(archive.root()).unwrap();
    }
}
