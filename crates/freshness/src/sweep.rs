//! Finishes what writers that died left: their groups are stamped and the edges told, once, whoever is alive to do it.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::{Freshness, FreshnessError};

/// The family that is said in figures: the writer's own is not known any more.
const FAMILY: &str = "swept";

impl Freshness {
    /// Begins to look for writers that died, in a task that runs until it is aborted. Every replica does; each write is
    /// finished by one of them. Call it once in a process, or what a writer that died had committed is not shown by
    /// edges until its lifetime is over.
    pub fn spawn_sweep(&self) -> JoinHandle<()> {
        let freshness = self.clone();
        tokio::spawn(async move {
            let mut ticks = interval(Duration::from_millis(freshness.inner.config.sweep_interval_ms));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                freshness.inner.settle_figures().await;
                if freshness.inner.config.enabled
                    && !freshness.inner.registry.is_resting()
                    && let Err(error) = freshness.sweep().await
                {
                    // The connection says once that Redis is away; the next pass tries again.
                    tracing::debug!(error = &error as &dyn std::error::Error, "the sweep is put off");
                }
            }
        })
    }

    /// One pass; gives the number of writes it finished.
    pub(crate) async fn sweep(&self) -> Result<usize, FreshnessError> {
        let orphans = self.inner.registry.expired().await?;
        let finishing = orphans.iter().map(|orphan| self.finish_once(&orphan.groups, FAMILY, &orphan.token));
        let finished =
            futures_util::future::join_all(finishing).await.iter().filter(|done| done.is_ok()).count();
        if finished > 0 {
            tracing::warn!(finished, "writes that nobody finished are stamped and announced");
        }
        Ok(finished)
    }
}
