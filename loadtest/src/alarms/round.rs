//! One fault from its beginning until nothing tells of it any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::load::Load;
use super::logs;
use super::prometheus::{Alert, Rule};
use super::system::System;
use super::table::{Fault, Sign, Witness};
use super::watch::{Spell, Watch};

/// Beyond the `for` of an alert and the window of its rule: until what it compares has passed the bound (events have to wait for a minute
/// before that is too long), and until the next scrape and evaluation.
const SLACK: Duration = Duration::from_secs(120);
/// For a line of the log, once all alerts have fired.
const HEARING: Duration = Duration::from_secs(30);
/// Longest wait for what is pending and does not fire.
const PENDING: Duration = Duration::from_secs(150);
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What faults have in common.
pub(crate) struct Stage {
    pub(crate) system: Arc<Mutex<System>>,
    pub(crate) load: Load,
    pub(crate) watch: Watch,
    pub(crate) rules: Vec<Rule>,
    pub(crate) began: Instant,
}

/// What became of an alert that was expected.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) sign: Sign,
    /// The `for` and the window of its rule.
    pub(crate) holds: Duration,
    pub(crate) window: Duration,
    /// After the fault began; none: it did not fire in time.
    pub(crate) fired: Option<Duration>,
    /// After the fault ended; none: it was not over in time.
    pub(crate) resolved: Option<Duration>,
}

/// What the logs said.
#[derive(Clone, Debug)]
pub(crate) struct Hearing {
    pub(crate) witness: Witness,
    pub(crate) lines: usize,
    pub(crate) first: Option<String>,
}

/// One fault as it went.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) fault: Fault,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) hearings: Vec<Hearing>,
}

impl Course {
    /// Whether the logs named the cause.
    pub(crate) fn is_named(&self) -> bool {
        self.hearings.iter().any(|hearing| hearing.lines > 0)
    }
}

impl Stage {
    /// Makes a fault, waits until everything expected has fired, mends it, and waits until that is over.
    pub(crate) async fn run(&self, fault: Fault) -> anyhow::Result<Course> {
        let expectation = fault.expectation();
        let mut outcomes = Vec::new();
        for sign in expectation.expected {
            let rule = self.rules.iter().find(|rule| rule.name == sign.alert);
            let rule = rule.with_context(|| format!("prometheus has no alert {}", sign.alert))?;
            let (holds, window) = (rule.holds(), rule.window());
            outcomes.push(Outcome { sign: *sign, holds, window, fired: None, resolved: None });
        }
        let mut ends = Vec::new();
        for witness in expectation.witnesses {
            let log = self.system.lock().await.log(witness.process());
            ends.push((*witness, logs::end(&log), log));
        }

        self.say(fault, "begins");
        let began = Instant::now();
        let broken = fault.begin(&self.system, &self.load).await.with_context(|| fault.label())?;
        self.until_fired(fault, began, &mut outcomes).await?;
        let hearings = self.listen(&ends).await?;
        broken.mend(&self.system).await.with_context(|| format!("{} cannot be mended", fault.label()))?;
        let ended = Instant::now();
        self.say(fault, "ends");
        self.until_resolved(fault, ended, &mut outcomes).await?;
        Ok(Course { fault, began, ended, outcomes, hearings })
    }

    async fn until_fired(
        &self,
        fault: Fault,
        began: Instant,
        outcomes: &mut [Outcome],
    ) -> anyhow::Result<()> {
        loop {
            self.must_look()?;
            let spells = self.watch.spells();
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.fired.is_none()) {
                // One that fires still, of an earlier fault, tells nothing of this one.
                let spell = spells.iter().find(|spell| spell.from >= began && matches(&outcome.sign, spell));
                if let Some(spell) = spell {
                    outcome.fired = Some(spell.from - began);
                    self.say(fault, &format!("{} fires", outcome.sign.text()));
                }
            }
            let waits = |outcome: &Outcome| {
                outcome.fired.is_none() && began.elapsed() < outcome.holds + outcome.window + SLACK
            };
            if !outcomes.iter().any(waits) {
                return Ok(());
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn listen(&self, ends: &[(Witness, u64, std::path::PathBuf)]) -> anyhow::Result<Vec<Hearing>> {
        let until = Instant::now() + HEARING;
        loop {
            let mut hearings = Vec::new();
            for (witness, end, log) in ends {
                let (lines, first) = logs::heard(witness, log, *end)?;
                hearings.push(Hearing { witness: *witness, lines, first });
            }
            if hearings.iter().any(|hearing| hearing.lines > 0) || Instant::now() > until {
                return Ok(hearings);
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn until_resolved(
        &self,
        fault: Fault,
        ended: Instant,
        outcomes: &mut [Outcome],
    ) -> anyhow::Result<()> {
        loop {
            self.must_look()?;
            let spells = self.watch.spells();
            for outcome in
                outcomes.iter_mut().filter(|outcome| outcome.fired.is_some() && outcome.resolved.is_none())
            {
                let fires = spells.iter().any(|spell| spell.until.is_none() && matches(&outcome.sign, spell));
                if !fires {
                    outcome.resolved = Some(ended.elapsed());
                    self.say(fault, &format!("{} is over", outcome.sign.text()));
                }
            }
            let waits = |outcome: &Outcome| {
                outcome.fired.is_some()
                    && outcome.resolved.is_none()
                    && ended.elapsed() < outcome.window + SLACK
            };
            if !outcomes.iter().any(waits) {
                return Ok(());
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Waits until nothing fires but what may linger, and nothing is pending that may come of the same; says what fires still when it
    /// has waited for long enough.
    pub(crate) async fn until_quiet(
        &self,
        lingering: &[Sign],
        longest: Duration,
    ) -> anyhow::Result<Option<String>> {
        let until = Instant::now() + longest;
        let mut silent_since = None;
        loop {
            self.must_look()?;
            let alerts = self.watch.now().unwrap_or_default();
            let concern = |alert: &&Alert| !lingering.iter().any(|sign| sign.is(alert.name(), &alert.labels));
            let loud = alerts.iter().filter(concern).find(|alert| alert.is_firing());
            match loud {
                Some(alert) if Instant::now() > until => return Ok(Some(alert.name().to_owned())),
                Some(_) => silent_since = None,
                None => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    // What comes and goes without firing is none of a fault's.
                    if !alerts.iter().any(|alert| concern(&alert)) || since.elapsed() > PENDING {
                        return Ok(None);
                    }
                }
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Fails when Prometheus has not been asked for a while: nothing would be seen, and nothing seen is what is hoped for.
    fn must_look(&self) -> anyhow::Result<()> {
        let age = self.watch.age().unwrap_or_else(|| self.began.elapsed());
        anyhow::ensure!(age < SLACK, "prometheus has not answered for {} s", age.as_secs());
        Ok(())
    }

    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.began).as_secs_f64()
    }

    fn say(&self, fault: Fault, what: &str) {
        eprintln!("{:>7.1} s  {}: {what}", self.seconds(Instant::now()), fault.label());
    }
}

fn matches(sign: &Sign, spell: &Spell) -> bool {
    sign.is(spell.name(), &spell.labels)
}
