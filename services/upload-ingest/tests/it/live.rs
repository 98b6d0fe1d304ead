//! Timelines as they change.

mod events;
mod socket;

use async_nats::Client;

use crate::shelf::Shelf;

/// A worker that gets on, without one.
struct Worker<'a> {
    shelf: Shelf<'a>,
    nats: Client,
    asset: String,
}

impl<'a> Worker<'a> {
    async fn at(shelf: Shelf<'a>, asset: &str) -> Self {
        let nats = async_nats::connect(test_harness::nats_url()).await.unwrap();
        Self { shelf, nats, asset: asset.to_owned() }
    }

    /// Says that there is something to look at.
    async fn note(&self) {
        let subject = format!("upload_ingest.progress.{}", self.asset);
        self.nats.publish(subject, "".into()).await.unwrap();
        self.nats.flush().await.unwrap();
    }

    async fn reaches(&mut self, stage: &str, progress: f32) {
        self.shelf
            .run(&format!(
                "UPDATE job SET state = 'running', worker = 'w', lease_until = now() + interval '1 hour', started_at = now(), \
                 progress = {progress} WHERE asset_id = '{}' AND kind = '{stage}'",
                self.asset
            ))
            .await;
        self.note().await;
    }

    async fn finishes(&mut self) {
        self.shelf
            .run(&format!(
                "UPDATE job SET state = 'done', worker = NULL, lease_until = NULL, ended_at = now() WHERE asset_id = '{0}'; \
                 UPDATE asset SET status = 'processed', version = version + 1 WHERE id = '{0}'",
                self.asset
            ))
            .await;
        self.note().await;
    }
}
