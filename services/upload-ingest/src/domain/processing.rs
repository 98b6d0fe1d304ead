//! How a stage stands, how an attempt at it ended, and why one failed.

use std::borrow::Cow;

/// Where the job of a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum JobState {
    /// It waits for a worker, or for the stages before it.
    Queued,
    /// A worker has it under a lease.
    Running,
    /// The last attempt failed; the next one comes later.
    RetryWait,
    /// It has yielded what it should.
    Done,
    /// It was given up.
    Dead,
    /// Its asset was deleted before it was done.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::RetryWait, Self::Done, Self::Dead, Self::Cancelled];

    /// As it is stored and shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::RetryWait => "retry_wait",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// The stage is done.
    Done,
    /// It failed, and says why.
    Failed,
    /// Its worker gave no sign of life any more.
    Lost,
    /// It was broken off: its asset was deleted, or its worker had to stop.
    Cancelled,
}

impl Outcome {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Lost, Self::Cancelled];

    /// As it is stored, shown and counted.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// Why an attempt failed, in words for the asset's owner. What only operators may know is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// One or two sentences, without paths, commands or other insides.
    pub(crate) text: Cow<'static, str>,
    /// Whether the same file would fail again.
    pub(crate) is_final: bool,
}

impl Cause {
    /// The attempt's worker gave no sign of life any more.
    pub(crate) const LOST: Self = Self {
        code: "worker_lost",
        text: Cow::Borrowed("The machine that worked on this file stopped before it was done."),
        is_final: false,
    };

    /// Something of ours is away. Nothing is wrong with the file.
    pub(crate) const UNAVAILABLE: Self = Self {
        code: "processing_unavailable",
        text: Cow::Borrowed(
            "Processing was interrupted by a fault on our side. The file itself may be fine.",
        ),
        is_final: false,
    };

    /// The original is not in the store, although its row is.
    pub(crate) const ORIGINAL_MISSING: Self = Self {
        code: "original_missing",
        text: Cow::Borrowed("The uploaded file cannot be found on our side. Please upload it again."),
        is_final: true,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert!(JobState::ALL.into_iter().all(|state| JobState::parse(state.as_str()) == Some(state)));
        assert!(Outcome::ALL.into_iter().all(|outcome| Outcome::parse(outcome.as_str()) == Some(outcome)));
        assert_eq!((JobState::parse("other"), Outcome::parse("")), (None, None));
    }
}
