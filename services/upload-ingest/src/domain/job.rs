//! The stages of processing: which an asset needs, in which order, and what follows from a failure.

use std::time::Duration;

use super::kind::MediaKind;

/// Attempts that a stage is granted.
pub(crate) const MAX_ATTEMPTS: i32 = 5;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum JobKind {
    /// What the file holds: size, length, codec.
    Probe,
    /// A still of a video, its sizes and placeholders.
    Poster,
    /// The 1280×720 rendition of a video.
    Transcode,
    /// The HLS ladder of a video.
    Playlist,
    /// The sizes and formats of a picture, and its placeholders.
    Variants,
    /// The end: the asset is finished, and others are told.
    Publish,
}

impl JobKind {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Probe, Self::Poster, Self::Transcode, Self::Playlist, Self::Variants, Self::Publish];

    /// As it is stored, shown and addressed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Poster => "poster",
            Self::Transcode => "transcode",
            Self::Playlist => "playlist",
            Self::Variants => "variants",
            Self::Publish => "publish",
        }
    }

    /// The stage of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A stage as it is planned when an asset comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The stage.
    pub(crate) kind: JobKind,
    /// Its place in the order.
    pub(crate) position: i16,
    /// Whether the asset fails with it.
    pub(crate) required: bool,
}

/// The stages of an asset, in order. `playlists` is whether videos get an HLS ladder.
pub(crate) fn plan(kind: MediaKind, playlists: bool) -> Vec<Planned> {
    let stage = |kind, position, required| Planned { kind, position, required };
    match kind {
        MediaKind::Image => vec![
            stage(JobKind::Probe, 0, true),
            stage(JobKind::Variants, 1, true),
            stage(JobKind::Publish, 9, true),
        ],
        MediaKind::Video => {
            let mut stages = vec![
                stage(JobKind::Probe, 0, true),
                stage(JobKind::Poster, 1, true),
                stage(JobKind::Transcode, 2, true),
            ];
            if playlists {
                stages.push(stage(JobKind::Playlist, 3, false));
            }
            stages.push(stage(JobKind::Publish, 9, true));
            stages
        }
    }
}

/// Pause after so many attempts: 2 s, 8 s, 32 s, … at most ten minutes. Spread by a fraction of itself (`spread`, 0 to 1), so
/// that what failed together does not come back together.
pub(crate) fn pause_after(attempt: i32, spread: f64) -> Duration {
    let exponent = attempt.clamp(1, 6) - 1;
    let secs = 2.0 * 4_f64.powi(exponent);
    Duration::from_secs_f64((secs * (1.0 + 0.25 * spread.clamp(0.0, 1.0))).min(600.0))
}

/// What follows from a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// Once more, later.
    Retry,
    /// Given up.
    Dead,
}

/// Whether a failed stage is tried again. What is `is_final` would fail the same way again.
pub(crate) fn after_failure(attempt: i32, max_attempts: i32, is_final: bool) -> AfterFailure {
    if is_final || attempt >= max_attempts { AfterFailure::Dead } else { AfterFailure::Retry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_begins_with_a_probe_and_ends_with_the_publication() {
        for kind in MediaKind::ALL {
            for playlists in [false, true] {
                let plan = plan(kind, playlists);
                assert_eq!(plan.first().unwrap().kind, JobKind::Probe);
                assert_eq!(plan.last().unwrap().kind, JobKind::Publish);
                assert!(plan.is_sorted_by_key(|stage| stage.position));
            }
        }
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let secs = |attempt| pause_after(attempt, 0.0).as_secs();
        assert_eq!([1, 2, 3, 4].map(secs), [2, 8, 32, 128]);
        assert_eq!(secs(99), 600);
        assert_eq!(pause_after(1, 1.0), Duration::from_millis(2500));
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        assert_eq!(after_failure(1, 5, true), AfterFailure::Dead);
        assert_eq!(after_failure(4, 5, false), AfterFailure::Retry);
        assert_eq!(after_failure(5, 5, false), AfterFailure::Dead);
    }
}
