//! The part of a document that is written by a run, between two marks.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::files;
use super::results::Run;
use super::table;

const BEGIN: &str = "<!-- begin: written by `loadtest bench --write` -->";
const END: &str = "<!-- end: written by `loadtest bench --write` -->";

/// Puts the run's table in the place of the one that stands there.
///
/// # Errors
/// When the file has not exactly one such place.
pub(super) fn write(file: &Path, run: &Run) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let block = format!("{}\n\n{}\n{}", table::heading(run), table::table(run, true), table::notes(run));
    let replaced = replaced(&text, block.trim_end())
        .with_context(|| format!("{} has no place for it", file.display()))?;
    files::replace(file, &replaced)
}

fn replaced(text: &str, block: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    (!after.contains(BEGIN)).then(|| format!("{before}{BEGIN}\n{block}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Kind;
    use super::super::fixture::{measured, run};
    use super::super::results::Role;
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced_however_often() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.md");
        fs::write(&file, format!("# Head\n\n{BEGIN}\nleftover\n{END}\n\ntail\n")).unwrap();
        let found = run(vec![measured("feed", Kind::Cold, "gateway", Role::Ours, &[2_000])]);
        write(&file, &found).unwrap();
        let once = fs::read_to_string(&file).unwrap();
        assert!(
            once.starts_with("# Head\n\n<!--")
                && once.ends_with("-->\n\ntail\n")
                && !once.contains("leftover"),
            "{once}"
        );
        assert!(once.contains("| feed | cold | **gateway** |"), "{once}");
        write(&file, &found).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), once);
        fs::write(&file, "no place").unwrap();
        assert!(write(&file, &found).unwrap_err().to_string().contains("has no place"));
    }
}
