//! What must hold, and how it can fail. Pure: it is given what clients know and what was found afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use super::story::{Ended, Story};

/// Where all stages of a private asset are done.
const PROCESSED: &str = "processed";

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// An offset is less than what was acknowledged (U-D3).
    WentBack { acknowledged: u64, told: u64 },
    /// An offset is more than was ever sent.
    NeverSent { sent: u64, told: u64 },
    /// An upload that was acknowledged is not there any more.
    Lost(u16),
    /// Something good was refused for good.
    Refused(String),
    /// It does not come to its end although nothing is broken any longer, or for too long.
    Stuck(String),
    /// One idempotency key gave two assets.
    Replayed { first: String, then: String },
    /// There is not exactly one asset of it.
    Assets(usize),
    /// One that was cancelled became an asset all the same.
    Cancelled(String),
    /// One that was deleted is not gone, or another is there in its place.
    Kept(String),
    /// The database says something else of the asset than was sent.
    Recorded(String),
    /// The original cannot be read back, or is not what was sent (U-C1).
    Original(String),
    /// It is not processed.
    Unprocessed(String),
    /// A stage was not done exactly once.
    Stage { kind: String, state: String, done: u64 },
    /// Other renditions than others of the same file have.
    Renditions(String),
    /// Not one object for the original and each rendition.
    Objects { expected: usize, found: usize },
    /// Not told of exactly once.
    Events(u64),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WentBack { acknowledged, told } => {
                write!(f, "offset {told} after {acknowledged} had been acknowledged")
            }
            Self::NeverSent { sent, told } => write!(f, "offset {told}, of which only {sent} were ever sent"),
            Self::Lost(status) => write!(f, "acknowledged, and then answered {status}"),
            Self::Refused(answer) => write!(f, "refused: {answer}"),
            Self::Stuck(what) => write!(f, "stuck: {what}"),
            Self::Replayed { first, then } => write!(f, "one key, two answers: {first} and {then}"),
            Self::Assets(count) => write!(f, "{count} assets of one upload"),
            Self::Cancelled(id) => write!(f, "cancelled, and became asset {id}"),
            Self::Kept(what) => write!(f, "deleted, and there is {what}"),
            Self::Recorded(what) => write!(f, "recorded otherwise than sent: {what}"),
            Self::Original(what) => write!(f, "the original: {what}"),
            Self::Unprocessed(status) => write!(f, "not processed but {status}"),
            Self::Stage { kind, state, done } => write!(f, "stage {kind} is {state}, done {done} times"),
            Self::Renditions(what) => write!(f, "renditions: {what}"),
            Self::Objects { expected, found } => write!(f, "{found} objects where {expected} belong"),
            Self::Events(count) => write!(f, "told of {count} times as processed"),
        }
    }
}

/// A breach with the upload it befell.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) breach: Breach,
    pub(crate) story: Story,
}

/// An asset as the database has it after the run.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asset {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) status: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) stages: Vec<Stage>,
    /// `name.format`, sorted.
    pub(crate) renditions: Vec<String>,
    /// Objects that it refers to.
    pub(crate) objects: usize,
    /// How often others were told that it is processed.
    pub(crate) processed_events: u64,
    /// From its last byte to its last change, in seconds.
    pub(crate) seconds: f64,
}

/// A stage of its processing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Stage {
    pub(crate) kind: String,
    pub(crate) state: String,
    /// Attempts that ended well.
    pub(crate) done: u64,
    /// Attempts whose worker was lost.
    pub(crate) lost: u64,
}

/// What reading an original back gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadBack {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl ReadBack {
    /// Holds it against what was sent.
    ///
    /// # Errors
    /// When it is not that.
    pub(crate) fn check(&self, story: &Story) -> Result<(), Breach> {
        if self.status != 200 {
            return Err(Breach::Original(format!("answered {}", self.status)));
        }
        if self.bytes != story.bytes || self.sha256 != story.sha256 {
            let told = format!("{} of {} bytes, digest {}", self.bytes, story.bytes, self.sha256);
            return Err(Breach::Original(told));
        }
        Ok(())
    }
}

/// Everything that was found after the run.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By title.
    pub(crate) assets: BTreeMap<String, Vec<Asset>>,
    /// By id.
    pub(crate) originals: BTreeMap<String, ReadBack>,
    /// What most assets of a file have, by the file.
    pub(crate) usual: BTreeMap<String, BTreeSet<String>>,
}

impl Found {
    /// Assets whose stages are all done.
    pub(crate) fn processed(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values().flatten().filter(|asset| asset.status == PROCESSED)
    }

    /// Notes what is usual: of each file, the renditions that most of its assets have.
    pub(crate) fn learn(&mut self, stories: &[Story]) {
        let mut votes: BTreeMap<String, BTreeMap<BTreeSet<String>, usize>> = BTreeMap::new();
        for story in stories {
            let assets = self.assets.get(&story.title).into_iter().flatten();
            for asset in assets.filter(|asset| asset.status == PROCESSED) {
                let set = asset.renditions.iter().cloned().collect();
                *votes.entry(story.media.clone()).or_default().entry(set).or_default() += 1;
            }
        }
        let most = |sets: BTreeMap<BTreeSet<String>, usize>| sets.into_iter().max_by_key(|(_, count)| *count);
        self.usual = votes.into_iter().filter_map(|(media, sets)| Some((media, most(sets)?.0))).collect();
    }

    /// Holds what a client knows of an upload against what was found.
    pub(crate) fn judge(&self, story: &Story) -> Vec<Breach> {
        let assets = self.assets.get(&story.title).map(Vec::as_slice).unwrap_or_default();
        match (&story.ended, assets) {
            (Some(Ended::Finished(id)), [asset]) if asset.id == *id => self.judge_asset(story, asset),
            (Some(Ended::Finished(id)), [asset]) => {
                vec![Breach::Replayed { first: id.clone(), then: asset.id.clone() }]
            }
            (Some(Ended::Finished(_)), assets) => vec![Breach::Assets(assets.len())],
            (Some(Ended::Deleted(id)), [asset])
                if asset.id == *id && asset.status == "deleted" && asset.objects == 0 =>
            {
                Vec::new()
            }
            (Some(Ended::Deleted(_)), assets) => {
                let kept =
                    |asset: &Asset| format!("{} {} with {} objects", asset.id, asset.status, asset.objects);
                vec![Breach::Kept(assets.iter().map(kept).collect::<Vec<_>>().join(", "))]
            }
            (Some(Ended::Cancelled), assets) => {
                assets.iter().map(|asset| Breach::Cancelled(asset.id.clone())).collect()
            }
            (Some(Ended::Broken), _) => Vec::new(),
            (None, _) => vec![Breach::Stuck("its client never heard of its end".to_owned())],
        }
    }

    fn judge_asset(&self, story: &Story, asset: &Asset) -> Vec<Breach> {
        let mut breaches = Vec::new();
        if asset.bytes != story.bytes || asset.sha256 != story.sha256 {
            let told = format!(
                "{} bytes {}, sent {} bytes {}",
                asset.bytes, asset.sha256, story.bytes, story.sha256
            );
            breaches.push(Breach::Recorded(told));
        }
        match self.originals.get(&asset.id) {
            None => breaches.push(Breach::Original("not read back".to_owned())),
            Some(read) => breaches.extend(read.check(story).err()),
        }
        breaches.extend(self.judge_processing(story, asset));
        breaches
    }

    fn judge_processing(&self, story: &Story, asset: &Asset) -> Vec<Breach> {
        if asset.status != PROCESSED {
            return vec![Breach::Unprocessed(asset.status.clone())];
        }
        let mut breaches: Vec<Breach> = asset
            .stages
            .iter()
            .filter(|stage| stage.state != "done" || stage.done != 1)
            .map(|stage| Breach::Stage {
                kind: stage.kind.clone(),
                state: stage.state.clone(),
                done: stage.done,
            })
            .collect();
        let renditions: BTreeSet<String> = asset.renditions.iter().cloned().collect();
        if renditions.len() != asset.renditions.len() || renditions.is_empty() {
            breaches.push(Breach::Renditions(format!("{:?}", asset.renditions)));
        } else if self.usual.get(&story.media).is_some_and(|usual| *usual != renditions) {
            breaches.push(Breach::Renditions(format!("{renditions:?}, unlike others of {}", story.media)));
        }
        if asset.objects != renditions.len() + 1 {
            breaches.push(Breach::Objects { expected: renditions.len() + 1, found: asset.objects });
        }
        if asset.processed_events != 1 {
            breaches.push(Breach::Events(asset.processed_events));
        }
        breaches
    }
}

#[cfg(test)]
mod tests;
