//! Copying a tree of files that never change under their names.
use std::fs::{self, File, FileTimes};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::site::make_private_dir;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Copies what is in `from` and not, with that length, in `to`. Times of change go along: by them the service tells what nobody
/// refers to yet from what nobody refers to any more. What vanishes meanwhile is left out.
pub(crate) async fn copy_new(from: &Path, to: &Path) -> Result<Copied> {
    let (mut copied, mut folders) = (Copied::default(), vec![(from.to_owned(), to.to_owned())]);
    while let Some((from, to)) = folders.pop() {
        let entries = match fs::read_dir(&from) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", from.display())),
        };
        make_private_dir(&to)?;
        for entry in entries {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                folders.push((source, target));
            } else if let Some(bytes) = copy_file(&source, &target)? {
                copied.files += 1;
                copied.bytes += bytes;
            }
            // Here an interruption is noticed.
            tokio::task::yield_now().await;
        }
    }
    Ok(copied)
}

/// Its length; `None` when it is there already, or not here any more.
fn copy_file(source: &Path, target: &Path) -> Result<Option<u64>> {
    let failed = || format!("cannot copy {} to {}", source.display(), target.display());
    let found = match fs::metadata(source) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
    };
    if fs::metadata(target).is_ok_and(|there| there.len() == found.len()) {
        return Ok(None);
    }
    let copied = fs::copy(source, target);
    match copied {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        copied => copied.with_context(failed)?,
    };
    let file = File::options().write(true).open(target).with_context(failed)?;
    file.set_times(FileTimes::new().set_modified(found.modified()?)).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    Ok(Some(found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_pass_copies_what_is_new_and_times_go_along() {
        let home = std::env::temp_dir().join(format!("stack-copy-{}", std::process::id()));
        let (from, to) = (home.join("from"), home.join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/one"), "1").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let one = File::options().write(true).open(from.join("a/b/one")).unwrap();
        one.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        assert_eq!(copy_new(&from, &to).await.unwrap(), Copied { files: 1, bytes: 1 });
        fs::write(from.join("two"), "22").unwrap();
        assert_eq!(copy_new(&from, &to).await.unwrap(), Copied { files: 1, bytes: 2 });
        assert_eq!(fs::metadata(to.join("a/b/one")).unwrap().modified().unwrap(), long_ago);
        assert_eq!(copy_new(&home.join("nowhere"), &to).await.unwrap(), Copied::default());
        fs::remove_dir_all(home).unwrap();
    }
}
