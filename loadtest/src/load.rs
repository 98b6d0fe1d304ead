//! Open-loop load: requests leave by the clock, whether or not earlier ones were answered, and latency counts from the
//! instant a request was due. A slow server therefore cannot hide its slowness by slowing the client down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self as sync_mpsc, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use tokio::sync::mpsc;

use crate::client::{Client, Outcome, Reply};

/// Ids are unique over all loads of a run; the records of the origins speak of them.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer of a few kilobytes; may be asked for twice.
    Get,
    /// Has an effect that must not happen twice.
    Post,
    /// An answer that takes one and a half seconds to come whole.
    Drip,
}

/// How the kinds are mixed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mix {
    Gets,
    /// Equal parts.
    GetsAndPosts,
    /// Equal parts, and one in 50 takes long.
    WithDrips,
}

impl Mix {
    fn kind(self, sequence: u64) -> Kind {
        match self {
            Self::WithDrips if sequence % 50 == 49 => Kind::Drip,
            Self::Gets => Kind::Get,
            _ if sequence.is_multiple_of(2) => Kind::Get,
            _ => Kind::Post,
        }
    }
}

/// One request and how it ended.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    /// When it was due.
    pub(crate) scheduled: Instant,
    /// From when it was due to the last byte of the answer.
    pub(crate) latency: Duration,
    pub(crate) reply: Reply,
}

/// A load that runs until it is stopped.
pub(crate) struct Load {
    stop: sync_mpsc::Sender<()>,
    samples: mpsc::UnboundedReceiver<Sample>,
}

impl Load {
    /// Sends `rate` requests a second.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(client: Arc<Client>, rate: u32, mix: Mix) -> anyhow::Result<Self> {
        let (stop, stopped) = sync_mpsc::channel();
        let (tick, mut ticks) = mpsc::unbounded_channel();
        let (sampled, samples) = mpsc::unbounded_channel();
        // Timers of the runtime are good to a millisecond, as long as half the latencies here; a thread's are finer.
        std::thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || {
                let step = |number: u64| Duration::from_nanos(number * 1_000_000_000 / u64::from(rate));
                keep_pace((0..).map(step), &stopped, &tick);
            })
            .context("cannot start the pacer")?;
        tokio::spawn(async move {
            let mut sequence = 0;
            while let Some(scheduled) = ticks.recv().await {
                let (client, sampled) = (Arc::clone(&client), sampled.clone());
                let kind = mix.kind(sequence);
                sequence += 1;
                tokio::spawn(async move {
                    // Nobody listens when the drill has failed already.
                    let _ = sampled.send(request(&client, kind, scheduled).await);
                });
            }
        });
        Ok(Self { stop, samples })
    }

    /// Sends no more, waits for the answers that are still due, and returns everything in the order it was due.
    pub(crate) async fn stop(mut self) -> Vec<Sample> {
        drop(self.stop);
        let mut samples = Vec::new();
        while let Some(sample) = self.samples.recv().await {
            samples.push(sample);
        }
        samples.sort_by_key(|sample| sample.scheduled);
        samples
    }
}

/// Tells of each instant when it has come, however late the one before was told; until `stopped`, or nobody listens. For a thread of its
/// own.
pub(crate) fn keep_pace(
    dues: impl Iterator<Item = Duration>,
    stopped: &sync_mpsc::Receiver<()>,
    tick: &mpsc::UnboundedSender<Instant>,
) {
    let start = Instant::now();
    for due in dues.map(|due| start + due) {
        let ahead = due.saturating_duration_since(Instant::now());
        if stopped.recv_timeout(ahead) != Err(RecvTimeoutError::Timeout) || tick.send(due).is_err() {
            return;
        }
    }
}

/// Sends one request of this kind, due now or a moment ago.
pub(crate) async fn request(client: &Client, kind: Kind, scheduled: Instant) -> Sample {
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let (method, path, body) = match kind {
        Kind::Get => (Method::GET, format!("/work/{id}"), Bytes::new()),
        Kind::Post => (Method::POST, format!("/work/{id}"), Bytes::from_static(&[b'x'; 200])),
        Kind::Drip => (Method::GET, format!("/drip/{id}"), Bytes::new()),
    };
    let mut reply = client.send(&method, &path, body).await;
    // An answer to somebody else's request is worse than none.
    if let Outcome::Answered(answer) = &mut reply.outcome
        && answer.status == 200
        && answer.id != Some(id)
    {
        answer.code = Some("ANSWER TO ANOTHER REQUEST".to_owned());
        answer.status = 0;
    }
    Sample { id, kind, scheduled, latency: scheduled.elapsed(), reply }
}

/// How often requests ended how.
pub(crate) fn by_label<'s>(samples: impl IntoIterator<Item = &'s Sample>) -> BTreeMap<String, u64> {
    let mut labels = BTreeMap::new();
    for sample in samples {
        *labels.entry(sample.reply.outcome.label()).or_default() += 1;
    }
    labels
}
