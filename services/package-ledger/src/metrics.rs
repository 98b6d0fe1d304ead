//! What the desk counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::domain::status::Action;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StepLabels {
    action: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct GuessLabels {
    outcome: &'static str,
}

/// What became of a pickup code that somebody named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// It was the right one.
    Right,
    /// It was a wrong one.
    Wrong,
    /// It was not even looked at: there were too many wrong ones.
    Locked,
    /// There is none, or it was used already.
    Void,
}

impl Guess {
    const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Locked, Self::Void];

    fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Locked => "locked",
            Self::Void => "void",
        }
    }
}

/// The desk's measurements. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    steps: Family<StepLabels, Counter>,
    guesses: Family<GuessLabels, Counter>,
}

impl Metrics {
    /// Registers them.
    pub(crate) fn new(registry: &telemetry::metrics::Metrics) -> Self {
        let metrics = Self::default();
        for action in Action::ALL {
            let _ = metrics.steps.get_or_create(&StepLabels { action: action.as_str() });
        }
        for guess in Guess::ALL {
            let _ = metrics.guesses.get_or_create(&GuessLabels { outcome: guess.as_str() });
        }
        registry.register("package_steps", "Steps taken with packages", None, metrics.steps.clone());
        registry.register("pickup_guesses", "Pickup codes named, by outcome", None, metrics.guesses.clone());
        metrics
    }

    /// A step was taken.
    pub(crate) fn stepped(&self, action: Action) {
        self.steps.get_or_create(&StepLabels { action: action.as_str() }).inc();
    }

    /// A pickup code was named.
    pub(crate) fn guessed(&self, guess: Guess) {
        self.guesses.get_or_create(&GuessLabels { outcome: guess.as_str() }).inc();
    }
}
