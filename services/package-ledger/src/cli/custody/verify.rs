//! Checks an export, line by line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::{EVENTS, FILES, HEADS, heads};
use crate::cli::print;
use crate::domain::custody::audit::{Audit, Finding, Verdict};
use crate::domain::custody::export::{hex, read_line};
use crate::domain::custody::verify::check_files;
use crate::domain::custody::{Break, EventRecord, Fault, Head};

pub(super) fn run(directory: &Path, kept_heads: Option<&Path>) -> anyhow::Result<()> {
    let own = directory.join(HEADS);
    let audit = if own.exists() { Audit::with_heads(read_heads(&own)?) } else { Audit::without_heads() };
    let audit = match kept_heads {
        Some(path) => audit.and_earlier(read_heads(path)?),
        None => audit,
    };
    let mut reader = Reader::new(audit, directory);
    reader.read(&directory.join(EVENTS))?;
    let (verdict, faults) = reader.finish()?;
    print(&format!("{} packages, {} events, {faults} faults\n", verdict.packages, verdict.events))?;
    if faults > 0 || !verdict.is_whole() {
        bail!("the chain of custody is broken: {faults} faults");
    }
    if !verdict.knows_heads {
        bail!("events may be missing at the ends of chains: there is no {HEADS}");
    }
    Ok(())
}

fn read_heads(path: &Path) -> anyhow::Result<Vec<Head>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    heads::read(&text).with_context(|| format!("{}", path.display()))
}

struct Reader {
    audit: Audit,
    files: Files,
    lines: u64,
    told: usize,
    faults: u64,
}

impl Reader {
    fn new(audit: Audit, directory: &Path) -> Self {
        Self { audit, files: Files::in_directory(directory.join(FILES)), lines: 0, told: 0, faults: 0 }
    }

    fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            self.lines += 1;
            // The last line has an end too: without it, something is cut off.
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            self.line(text)?;
            line.clear();
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.audit.line(line);
        self.tell(|finding| shown(finding, line))?;
        if self.files.is_there
            && let Ok(record) = read_line(line)
            && let Err(broken) = self.files.check(&record)?
        {
            self.faults += 1;
            print(&format!("line {}: {broken}\n", self.lines))?;
        }
        Ok(())
    }

    /// Prints what was found since.
    fn tell(&mut self, show: impl Fn(&Finding) -> String) -> anyhow::Result<()> {
        for finding in self.audit.findings().iter().skip(self.told) {
            let line = match finding {
                Finding::Unreadable { line, .. } => *line,
                // What is wrong with an end is found out at the line after it.
                Finding::Broken(broken) => self.lines - u64::from(is_of_end(&broken.fault)),
            };
            print(&format!("line {line}: {}\n", show(finding)))?;
        }
        self.told = self.audit.findings().len();
        Ok(())
    }

    fn finish(self) -> anyhow::Result<(Verdict, u64)> {
        let (told, lines) = (self.told, self.lines);
        let verdict = self.audit.finish();
        for finding in verdict.findings.iter().skip(told) {
            print(&format!("line {lines}: {}\n", shown(finding, b"")))?;
        }
        let faults = self.faults + u64::try_from(verdict.findings.len()).unwrap_or(u64::MAX);
        Ok((verdict, faults))
    }
}

fn is_of_end(fault: &Fault) -> bool {
    matches!(fault, Fault::MissingTail { .. } | Fault::BeyondHead | Fault::Head | Fault::UnknownHead)
}

fn shown(finding: &Finding, line: &[u8]) -> String {
    match finding {
        Finding::Broken(broken) => broken.to_string(),
        Finding::Unreadable { cause, .. } => format!("{}: {cause}", said(line)),
    }
}

/// Which event a line that is none says to be.
fn said(line: &[u8]) -> String {
    let read: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
    let package = read.get("package_id").and_then(|id| id.as_str());
    match (package, read.get("seq").and_then(|seq| seq.as_i64())) {
        (Some(package), Some(seq)) => format!("package {package}, event {seq}"),
        _ => "it does not say which event it is".to_owned(),
    }
}

/// The files of an export.
struct Files {
    directory: PathBuf,
    is_there: bool,
    found: HashMap<[u8; 32], Option<[u8; 32]>>,
}

impl Files {
    fn in_directory(directory: PathBuf) -> Self {
        Self { is_there: directory.is_dir(), directory, found: HashMap::new() }
    }

    /// Checks those of an event as far as they are there.
    fn check(&mut self, record: &EventRecord) -> anyhow::Result<Result<(), Break>> {
        let mut found = Vec::with_capacity(record.digests.len());
        for digest in &record.digests {
            found.push(self.digest(digest)?);
        }
        Ok(check_files(record, &found))
    }

    fn digest(&mut self, recorded: &[u8; 32]) -> anyhow::Result<Option<[u8; 32]>> {
        if let Some(known) = self.found.get(recorded) {
            return Ok(*known);
        }
        let path = self.directory.join(hex(recorded));
        let found = match File::open(&path) {
            Ok(file) => Some(hashed(file).with_context(|| format!("cannot read {}", path.display()))?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        self.found.insert(*recorded, found);
        Ok(found)
    }
}

fn hashed(file: File) -> std::io::Result<[u8; 32]> {
    let (mut reader, mut hasher) = (BufReader::new(file), Sha256::new());
    loop {
        let some = reader.fill_buf()?;
        if some.is_empty() {
            return Ok(hasher.finalize().into());
        }
        hasher.update(some);
        let length = some.len();
        reader.consume(length);
    }
}
