//! The ends of chains as lines of text.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::custody::Head;
use crate::domain::custody::export::{hex, unhex};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    hash: String,
    package_id: Uuid,
    seq: i32,
}

/// The line of a head, without its end.
pub(super) fn write(head: &Head) -> String {
    json!({"hash": hex(&head.hash), "package_id": head.package_id, "seq": head.seq}).to_string()
}

/// The heads of a file.
///
/// # Errors
/// Where a line is none, or two are of the same package: nobody could say which one counts.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<Head>> {
    let mut heads = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (line, number) in text.lines().zip(1..) {
        let read: Line =
            serde_json::from_str(line).with_context(|| format!("line {number} is not the end of a chain"))?;
        let hash = unhex(&read.hash)
            .with_context(|| format!("line {number}: the hash is not 64 hexadecimal digits"))?;
        if !seen.insert(read.package_id) {
            bail!("line {number}: the chain of package {} has two ends", read.package_id);
        }
        heads.push(Head { package_id: read.package_id, seq: read.seq, hash });
    }
    Ok(heads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written_and_each_chain_has_one() {
        let head = Head { seq: 3, ..Head::genesis(Uuid::from_u128(7)) };
        let line = write(&head);
        assert_eq!(read(&format!("{line}\n")).unwrap(), [head]);
        assert!(read(&format!("{line}\n{line}\n")).unwrap_err().to_string().contains("two ends"));
        for wrong in
            ["", "{}", r#"{"hash":"00","package_id":"00000000-0000-0000-0000-000000000007","seq":1}"#]
        {
            assert!(read(&format!("{wrong}\n")).is_err(), "{wrong}");
        }
    }
}
