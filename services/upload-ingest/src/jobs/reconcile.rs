//! Holds the object store against the database (U-D12): every object has a row, every row an object, every unfinished upload
//! an upload that goes on.
//!
//! What nothing refers to is removed once it is old enough and nothing works on its asset any more: an object is put before
//! the transaction that refers to it, and attempts of one stage may put the same object under the same key. What a row refers
//! to and is not there is reported, never forgotten.
//!
//! Memory does not grow with the store: objects and rows are looked at in batches. One process does it at a time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use blob_store::{BlobStore, ObjectKey, ObjectMeta, PartialMeta, StorageError};
use chrono::{DateTime, TimeDelta, Utc};
use clap::ValueEnum;
use futures_util::{Stream, StreamExt as _, stream};
use pg_pool::{PgError, PgPool, QueryError};
use serde::Serialize;
use telemetry::metrics::Metrics;
use uuid::Uuid;

use super::orphans;
use crate::config::Config;
use crate::domain::layout;
use crate::store::maintenance::Turn;
use crate::store::{objects, uploads};

/// What is looked at together.
const BATCH: usize = 500;
/// Objects asked for at the same time.
const AT_ONCE: usize = 16;
/// How long the command waits for a pass of the service to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries of it.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line each.
    #[default]
    Text,
    /// One object.
    Json,
}

/// What was found, and removed unless it was only looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Objects in the store.
    pub(crate) objects: u64,
    /// Rows that are not doomed.
    pub(crate) rows: u64,
    /// Uploads that take up room in the store.
    pub(crate) partials: u64,
    /// Objects without a row, old enough to be nobody's.
    pub(crate) orphan_objects: u64,
    /// Rows without an object.
    pub(crate) missing_objects: u64,
    /// Bytes of uploads that have ended or never were.
    pub(crate) orphan_partials: u64,
    /// Objects of deleted assets, with their rows.
    pub(crate) doomed_removed: u64,
}

impl Report {
    /// Every number with its name.
    pub(crate) fn numbers(&self) -> [(&'static str, u64); 7] {
        [
            ("objects", self.objects),
            ("rows", self.rows),
            ("partials", self.partials),
            ("orphan_objects", self.orphan_objects),
            ("missing_objects", self.missing_objects),
            ("orphan_partials", self.orphan_partials),
            ("doomed_removed", self.doomed_removed),
        ]
    }

    fn print(&self, format: Format) -> Result<String, serde_json::Error> {
        Ok(match format {
            Format::Json => serde_json::to_string(self)? + "\n",
            Format::Text => {
                self.numbers().into_iter().map(|(what, number)| format!("{what}: {number}\n")).collect()
            }
        })
    }
}

/// Why a pass did not come to its end. What it has done stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The database did not answer.
    #[error("the database failed")]
    Database(#[from] PgError),
    /// The store could not be listed.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// Another process was at it for longer than this one waits.
    #[error("another process reconciles")]
    Busy,
}

impl From<QueryError> for ReconcileError {
    fn from(error: QueryError) -> Self {
        Self::Database(error.into())
    }
}

/// One pass by hand, for the command `reconcile`; with `dry_run` nothing is removed. Returns what is to be printed.
///
/// # Errors
/// Of the settings, the database and the store.
pub(crate) async fn run_once(config: &Config, dry_run: bool, format: Format) -> anyhow::Result<String> {
    let pool = PgPool::new(&config.postgres, &Metrics::new("upload-ingest"))?;
    let blobs = BlobStore::open(&config.storage).await?;
    let reconciler = Reconciler::new(config, &pool, &blobs, pg_pool::now);
    let began = Instant::now();
    let mut turn = loop {
        match Turn::take(&pool).await? {
            Some(turn) => break turn,
            None if began.elapsed() > PATIENCE => return Err(ReconcileError::Busy.into()),
            None => tokio::time::sleep(TRY_AGAIN).await,
        }
    };
    let report = Box::pin(reconciler.pass(&mut turn, dry_run)).await?;
    Ok(report.print(format)?)
}

/// Holds store and database against each other.
pub(crate) struct Reconciler {
    /// The database.
    pub(super) pool: PgPool,
    blobs: BlobStore,
    now: fn() -> DateTime<Utc>,
    orphan_after: TimeDelta,
}

/// A pass that runs.
struct Pass<'a> {
    reconciler: &'a Reconciler,
    turn: &'a mut Turn,
    dry_run: bool,
    began: DateTime<Utc>,
    report: Report,
}

impl Reconciler {
    /// With the service's settings.
    pub(crate) fn new(config: &Config, pool: &PgPool, blobs: &BlobStore, now: fn() -> DateTime<Utc>) -> Self {
        let secs = i64::try_from(config.ingest.orphan_secs).ok();
        let orphan_after = secs.and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX);
        Self { pool: pool.clone(), blobs: blobs.clone(), now, orphan_after }
    }

    /// One pass. With `dry_run` nothing is removed.
    ///
    /// # Errors
    /// Of the database, or when the store cannot be listed. An object that cannot be removed is for the next pass.
    pub(crate) async fn pass(&self, turn: &mut Turn, dry_run: bool) -> Result<Report, ReconcileError> {
        let began = (self.now)();
        let mut pass = Pass { reconciler: self, turn, dry_run, began, report: Report::default() };
        pass.remove_doomed().await?;
        let with_object = pass.objects().await?;
        pass.rows(with_object).await?;
        pass.partials().await?;
        let report = pass.report;
        let found = report.orphan_objects + report.missing_objects + report.orphan_partials;
        if found + report.doomed_removed > 0 {
            tracing::info!(?report, dry_run, "reconciled");
        }
        Ok(report)
    }

    /// Whether something was last changed so long ago that nobody is about to refer to it.
    fn is_old(&self, modified: SystemTime, began: DateTime<Utc>) -> bool {
        DateTime::<Utc>::from(modified) < began - self.orphan_after
    }
}

impl Pass<'_> {
    /// Removes objects of deleted assets, and then their rows: the other way round a crash would leave objects that nothing
    /// names.
    async fn remove_doomed(&mut self) -> Result<(), ReconcileError> {
        let mut after = String::new();
        loop {
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let page = objects::doomed_page(self.turn.conn(), &after, limit).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(last);
            if self.dry_run {
                self.report.doomed_removed += page.len() as u64;
                continue;
            }
            let mut gone = Vec::with_capacity(page.len());
            for key in page {
                if self.delete(&key).await {
                    gone.push(key);
                }
            }
            self.report.doomed_removed += objects::remove_doomed(self.turn.conn(), &gone).await? as u64;
        }
    }

    /// Removes objects without a row. Returns how many rows that were there at the beginning have their object.
    async fn objects(&mut self) -> Result<u64, ReconcileError> {
        let mut listed = batches(self.reconciler.blobs.objects());
        let mut with_object = 0;
        while let Some(batch) = listed.next().await {
            let batch: Vec<ObjectMeta> = batch.into_iter().collect::<Result<_, _>>()?;
            self.report.objects += batch.len() as u64;
            let keys: Vec<&str> = batch.iter().map(|object| object.key.as_str()).collect();
            let known: HashMap<_, _> = objects::known(self.turn.conn(), &keys)
                .await?
                .into_iter()
                .map(|row| (row.key, (row.is_live, row.created_at)))
                .collect();
            let counts = |row: &&(bool, DateTime<Utc>)| row.0 && row.1 < self.began;
            with_object += known.values().filter(counts).count() as u64;
            let strangers = batch.iter().filter(|object| {
                !known.contains_key(object.key.as_str())
                    && self.reconciler.is_old(object.modified, self.began)
            });
            self.remove_orphans(strangers.map(|object| object.key.clone()).collect()).await?;
        }
        Ok(with_object)
    }

    async fn remove_orphans(&mut self, keys: Vec<ObjectKey>) -> Result<(), ReconcileError> {
        let of = |key: &ObjectKey| layout::asset_of(key.as_str());
        let assets: Vec<Uuid> = keys.iter().filter_map(of).collect::<HashSet<_>>().into_iter().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut at_work = objects::at_work(self.turn.conn(), &assets).await?;
        // An upload has the id of the asset to be, and its object may be there before its end is written.
        at_work.extend(uploads::with_partials(self.turn.conn(), &assets).await?);
        let mut of_assets: BTreeMap<Option<Uuid>, Vec<ObjectKey>> = BTreeMap::new();
        for key in keys.into_iter().filter(|key| of(key).is_none_or(|asset| !at_work.contains(&asset))) {
            of_assets.entry(of(&key)).or_default().push(key);
        }
        for (asset, keys) in of_assets {
            for keys in keys.chunks(orphans::AT_A_LOCK) {
                self.report.orphan_objects += self.orphans_of(asset, keys).await?;
            }
        }
        Ok(())
    }

    /// Removes what nothing refers to of one asset, or counts it. Returns how many there were.
    async fn orphans_of(&self, asset: Option<Uuid>, keys: &[ObjectKey]) -> Result<u64, ReconcileError> {
        let Reconciler { pool, blobs, .. } = self.reconciler;
        let found = if self.dry_run {
            keys.len() as u64
        } else {
            let is_old = |modified| self.reconciler.is_old(modified, self.began);
            orphans::remove(pool, blobs, asset, keys, is_old).await?
        };
        if found > 0 {
            tracing::info!(?asset, found, dry_run = self.dry_run, "objects that nothing refers to");
        }
        Ok(found)
    }

    /// Counts rows, and when more of them should have an object than do, finds those that have none.
    async fn rows(&mut self, with_object: u64) -> Result<(), ReconcileError> {
        let rows = objects::live_count(self.turn.conn(), self.began).await?;
        self.report.rows = u64::try_from(rows).unwrap_or_default();
        if self.report.rows <= with_object {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let page = objects::live_page(self.turn.conn(), &after, limit).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let missing = self.without_object(page).await?;
            // One that was deleted meanwhile is not missed.
            for key in objects::still_live(self.turn.conn(), &missing).await? {
                self.report.missing_objects += 1;
                tracing::error!(key, "an object that a row refers to is not in the store");
            }
        }
    }

    async fn without_object(&self, page: Vec<String>) -> Result<Vec<String>, ReconcileError> {
        let blobs = &self.reconciler.blobs;
        let asked = stream::iter(page).map(|key| async move {
            // A key that the store does not allow cannot be there.
            let Ok(object) = ObjectKey::new(key.clone()) else { return Ok(Some(key)) };
            Ok::<_, StorageError>(blobs.stat(&object).await?.is_none().then_some(key))
        });
        let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
        Ok(answers.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    /// Removes the bytes of uploads that have ended or never were.
    async fn partials(&mut self) -> Result<(), ReconcileError> {
        let mut listed = batches(self.reconciler.blobs.partials());
        while let Some(batch) = listed.next().await {
            let batch: Vec<PartialMeta> = batch.into_iter().collect::<Result<_, _>>()?;
            self.report.partials += batch.len() as u64;
            let ids: Vec<Uuid> = batch.iter().map(|partial| partial.upload).collect();
            let wanted = uploads::with_partials(self.turn.conn(), &ids).await?;
            for partial in batch.iter().filter(|partial| !wanted.contains(&partial.upload)) {
                if !self.reconciler.is_old(partial.modified, self.began) {
                    continue;
                }
                self.report.orphan_partials += 1;
                let discarded = async { self.reconciler.blobs.discard(partial.upload, None).await };
                if !self.dry_run
                    && let Err(error) = discarded.await
                {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, upload = %partial.upload, "bytes of an upload left behind");
                }
            }
        }
        Ok(())
    }

    /// Removes an object; false when it is still there.
    async fn delete(&self, key: &str) -> bool {
        let Ok(object) = ObjectKey::new(key) else { return true };
        orphans::delete(&self.reconciler.blobs, &object).await
    }
}

/// The same in batches, none of them kept waiting for long.
fn batches<T>(
    listed: impl Stream<Item = Result<T, StorageError>> + Send + Unpin,
) -> impl Stream<Item = Vec<Result<T, StorageError>>> + Send + Unpin
where
    T: Send,
{
    listed.chunks(BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_printed_for_people_and_for_programs() {
        let report = Report { objects: 3, missing_objects: 1, ..Report::default() };
        let text = report.print(Format::Text).unwrap();
        assert!(text.starts_with("objects: 3\n") && text.contains("missing_objects: 1\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&report.print(Format::Json).unwrap()).unwrap();
        for (what, number) in report.numbers() {
            assert_eq!(json[what], number);
        }
        assert_eq!(json.as_object().unwrap().len(), report.numbers().len());
    }
}
