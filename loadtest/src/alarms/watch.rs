//! What fired when: the alerts of Prometheus looked at every second, and each spell of each of them kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::prometheus::{Alert, Prometheus};

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The labels of an alert, its name among them.
pub(crate) type Labels = BTreeMap<String, String>;

/// From when to when an alert fired; without an end it fires still.
#[derive(Clone, Debug)]
pub(crate) struct Spell {
    pub(crate) labels: Labels,
    pub(crate) from: Instant,
    pub(crate) until: Option<Instant>,
}

impl Spell {
    pub(crate) fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    /// Whether it fired at any time since then.
    pub(crate) fn is_since(&self, instant: Instant) -> bool {
        self.until.is_none_or(|until| until >= instant)
    }
}

#[derive(Default)]
struct Seen {
    spells: Vec<Spell>,
    /// Pending or firing at the last look.
    now: Vec<Alert>,
    looked: Option<Instant>,
}

/// Looks until it is dropped.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    looking: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn begin(prometheus: Arc<Prometheus>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            loop {
                // A look that fails is made again; how old the last one is, is asked below.
                if let Ok(alerts) = prometheus.alerts().await {
                    lock(&shared).note(alerts, Instant::now());
                }
                sleep(BETWEEN_LOOKS).await;
            }
        });
        Self { seen, looking }
    }

    /// All spells so far, the first begun first.
    pub(crate) fn spells(&self) -> Vec<Spell> {
        lock(&self.seen).spells.clone()
    }

    /// What is pending or fires, as of the last look; `None` before there was one.
    pub(crate) fn now(&self) -> Option<Vec<Alert>> {
        let seen = lock(&self.seen);
        seen.looked.map(|_| seen.now.clone())
    }

    /// How long ago the last look was.
    pub(crate) fn age(&self) -> Option<Duration> {
        lock(&self.seen).looked.map(|at| at.elapsed())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Seen {
    fn note(&mut self, alerts: Vec<Alert>, at: Instant) {
        let firing: Vec<&Alert> = alerts.iter().filter(|alert| alert.is_firing()).collect();
        for spell in self.spells.iter_mut().filter(|spell| spell.until.is_none()) {
            if !firing.iter().any(|alert| alert.labels == spell.labels) {
                spell.until = Some(at);
            }
        }
        for alert in firing {
            let known = self.spells.iter().any(|spell| spell.until.is_none() && spell.labels == alert.labels);
            if !known {
                self.spells.push(Spell { labels: alert.labels.clone(), from: at, until: None });
            }
        }
        self.now = alerts;
        self.looked = Some(at);
    }
}

/// Every change leaves it whole, so poison is ignored.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, state: &str) -> Alert {
        Alert { labels: Labels::from([("alertname".to_owned(), name.to_owned())]), state: state.to_owned() }
    }

    #[test]
    fn a_spell_lasts_from_the_look_that_sees_it_fire_to_the_one_that_does_not() {
        let mut seen = Seen::default();
        let at = |seconds| Instant::now() + Duration::from_secs(seconds);
        seen.note(vec![alert("a", "pending")], at(0));
        assert!(seen.spells.is_empty());
        let (fires, over) = (at(10), at(20));
        seen.note(vec![alert("a", "firing"), alert("b", "pending")], fires);
        seen.note(vec![alert("a", "firing")], at(15));
        seen.note(Vec::new(), over);
        seen.note(vec![alert("a", "firing")], at(30));
        let spells: Vec<_> =
            seen.spells.iter().map(|spell| (spell.name(), spell.from, spell.until)).collect();
        assert_eq!((spells.len(), spells[0]), (2, ("a", fires, Some(over))));
        assert_eq!(spells[1].2, None);
    }
}
