//! Writes the chains of custody into a directory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use pg_pool::{Connection, PgPool};
use serde_json::json;
use uuid::Uuid;

use super::{EVENTS, FILES, HEADS, files, heads};
use crate::cli::{books, print};
use crate::config::Config;
use crate::domain::custody::export::export_line;
use crate::domain::custody::{EventRecord, Head};
use crate::store::custody::EventRow;
use crate::store::custody_export::{self, RawChain};

/// Packages read at a time.
const PAGE: i64 = 500;

pub(super) async fn run(
    config: &Config,
    out: &Path,
    package: Option<Uuid>,
    files_from: Option<&str>,
) -> anyhow::Result<()> {
    let pool = books::pool(config)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut writer = Writer::new(out)?;
    let mut conn = pool.read().await.context("the database")?;
    match package {
        Some(id) => {
            writer.page(&mut conn, &[id]).await?;
            ensure!(writer.packages == 1, "there is no package {id}");
        }
        None => writer.all(&mut conn).await?,
    }
    drop(conn);
    let (packages, events) = writer.finish()?;
    print(&format!("{packages} packages, {events} events\n"))?;
    if let Some(source) = files_from {
        let (written, missing) = files(&pool, out, package, source).await?;
        print(&format!("{written} files, {missing} of them no longer there or not to be seen\n"))?;
    }
    Ok(())
}

async fn files(pool: &PgPool, out: &Path, package: Option<Uuid>, source: &str) -> anyhow::Result<(u64, u64)> {
    let directory = out.join(FILES);
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let source = files::Source::new(source)?;
    let (mut written, mut missing, mut after) = (0, 0, Vec::new());
    loop {
        let some = custody_export::next_files(&mut *pool.read().await?, package, &after, PAGE).await?;
        let Some(last) = some.last() else { return Ok((written, missing)) };
        after.clone_from(&last.sha256);
        for file in &some {
            let is_there = source.fetch(file, &directory).await?;
            written += u64::from(is_there);
            missing += u64::from(!is_there);
        }
    }
}

struct Writer {
    events: BufWriter<File>,
    heads: BufWriter<File>,
    packages: u64,
    links: u64,
}

impl Writer {
    fn new(out: &Path) -> anyhow::Result<Self> {
        let create = |name: &str| {
            let path = out.join(name);
            File::create(&path)
                .map(BufWriter::new)
                .with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self { events: create(EVENTS)?, heads: create(HEADS)?, packages: 0, links: 0 })
    }

    async fn all(&mut self, conn: &mut Connection) -> anyhow::Result<()> {
        let mut after = Uuid::nil();
        loop {
            let ids = custody_export::next_packages(conn, after, PAGE).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = *last;
            self.page(conn, &ids).await?;
        }
    }

    async fn page(&mut self, conn: &mut Connection, ids: &[Uuid]) -> anyhow::Result<()> {
        for chain in custody_export::chains(conn, ids).await? {
            self.chain(chain)?;
        }
        Ok(())
    }

    fn chain(&mut self, chain: RawChain) -> anyhow::Result<()> {
        let genesis = Head::genesis(chain.package_id);
        let hash = match chain.head_hash {
            Some(bytes) => bytes.try_into().ok().context("a head that is no hash")?,
            None => genesis.hash,
        };
        let head = Head { seq: chain.event_count, hash, ..genesis };
        writeln!(self.heads, "{}", heads::write(&head))?;
        for event in chain.events {
            writeln!(self.events, "{}", line(event))?;
            self.links += 1;
        }
        self.packages += 1;
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<(u64, u64)> {
        self.events.flush()?;
        self.heads.flush()?;
        Ok((self.packages, self.links))
    }
}

/// An event as it is verified; one that is none any more as it stands, so that whoever verifies it sees that.
fn line(row: EventRow) -> String {
    let raw = raw_line(&row);
    EventRecord::try_from(row).ok().and_then(|event| export_line(&event).ok()).unwrap_or(raw)
}

fn raw_line(row: &EventRow) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    json!({
        "package_id": row.package_id, "seq": row.seq, "kind": row.kind, "from": row.from_status, "to": row.to_status,
        "actor_id": row.actor_id, "actor_role": row.actor_role, "at_micros": row.occurred_at.timestamp_micros(),
        "data": row.data, "digests": row.digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>(),
        "prev_hash": hex(&row.prev_hash), "hash": hex(&row.hash),
    })
    .to_string()
}
