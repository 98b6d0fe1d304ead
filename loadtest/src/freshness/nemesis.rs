//! What breaks the system: kills, stops and continues, cuts, slows and silences each part in turn and in combination, with
//! calm between. The same seed breaks the same things in the same order.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::time::sleep;

use super::dice::Dice;
use super::link::Line;
use super::parts::{Domain, Part, Wire};
use super::scrape::Metrics;
use super::stage::Stage;
use super::system::System;
use super::tally::{CALM, RECOVERY};

/// How a line is hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strain {
    Cut,
    Slow,
    Silent,
}

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and started again. Redis is empty then.
    Kill(Part),
    /// SIGSTOP and SIGCONT, up to three times.
    Pause(Part),
    Wire(Wire, Strain),
}

/// The label of two or three at once.
pub(crate) const COMBINATION: &str = "combination";
/// Until health checks and leases have had their turn.
const BREATH: Duration = Duration::from_millis(2000);

impl Fault {
    /// Every kind there is where these domains are checked.
    pub(crate) fn all(domains: &[Domain]) -> Vec<Self> {
        let has = |domain: Option<Domain>| domain.is_none_or(|domain| domains.contains(&domain));
        let parts = Part::ALL.into_iter().filter(|part| has(part.domain()));
        let wires = Wire::ALL.into_iter().filter(|wire| has(wire.domain()));
        let parts = parts.flat_map(|part| [Self::Kill(part), Self::Pause(part)]);
        let wires = wires.flat_map(|wire| {
            [Strain::Cut, Strain::Slow, Strain::Silent].map(|strain| Self::Wire(wire, strain))
        });
        parts.chain(wires).collect()
    }

    pub(crate) fn label(self) -> String {
        match self {
            Self::Kill(part) => format!("kill-{}", part.label()),
            Self::Pause(part) => format!("pause-{}", part.label()),
            Self::Wire(wire, Strain::Cut) => format!("cut-{}", wire.label()),
            Self::Wire(wire, Strain::Slow) => format!("slow-{}", wire.label()),
            Self::Wire(wire, Strain::Silent) => format!("silent-{}", wire.label()),
        }
    }

    /// What it is done to: no two faults of a combination do something to the same.
    fn place(self) -> &'static str {
        match self {
            Self::Kill(part) | Self::Pause(part) => part.label(),
            Self::Wire(wire, _) => wire.label(),
        }
    }
}

/// One thing to do, and when, counted from the start of the fault.
struct Step {
    after: Duration,
    what: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Kill(Part, usize),
    Start(Part, usize),
    Stop(Part, usize),
    Continue(Part, usize),
    Line(Wire, Option<usize>, Line),
}

impl Act {
    /// Begins a spell, or ends the one with the same name.
    fn tells(self) -> (String, bool) {
        let which =
            |number: Option<usize>| number.map_or_else(|| "all".to_owned(), |number| number.to_string());
        match self {
            Self::Kill(part, number) => (format!("{} {number} killed", part.label()), true),
            Self::Start(part, number) => (format!("{} {number} killed", part.label()), false),
            Self::Stop(part, number) => (format!("{} {number} stopped", part.label()), true),
            Self::Continue(part, number) => (format!("{} {number} stopped", part.label()), false),
            Self::Line(wire, number, line) => {
                (format!("line {} of {} hurt", wire.label(), which(number)), line != Line::Open)
            }
        }
    }
}

/// Runs through faults until the run is over.
pub(crate) struct Nemesis<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) system: &'a mut System,
    pub(crate) dice: Dice,
    /// None: nothing is broken.
    pub(crate) faults: Vec<Fault>,
    pub(crate) calm: Duration,
    pub(crate) until: Instant,
    pub(crate) metrics: &'a mut Metrics,
}

impl Nemesis<'_> {
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        self.nap(BREATH).await;
        let (mut deck, mut turn) = (Vec::new(), 0u32);
        while !self.is_over() {
            self.spend(CALM, self.calm).await;
            self.metrics.scrape(self.system).await;
            if let Some(name) = self.system.ended() {
                anyhow::bail!("{name} ended by itself");
            }
            if self.faults.is_empty() || self.is_over() {
                continue;
            }
            if deck.is_empty() {
                deck.clone_from(&self.faults);
                self.dice.shuffle(&mut deck);
            }
            turn += 1;
            let faults = if turn.is_multiple_of(3) && self.faults.len() > 1 {
                self.combination()
            } else {
                deck.pop().into_iter().collect()
            };
            self.afflict(&faults).await?;
        }
        self.stage.enter(RECOVERY);
        Ok(())
    }

    fn combination(&mut self) -> Vec<Fault> {
        let mut chosen: Vec<Fault> = Vec::new();
        let size = if self.dice.percent(70) { 2 } else { 3 };
        for _ in 0..20 {
            if let Some(fault) = self.dice.pick(&self.faults).copied()
                && chosen.len() < size
                && chosen.iter().all(|other| other.place() != fault.place())
            {
                chosen.push(fault);
            }
        }
        chosen
    }

    async fn afflict(&mut self, faults: &[Fault]) -> anyhow::Result<()> {
        let label = match faults {
            [one] => one.label(),
            _ => COMBINATION.to_owned(),
        };
        let phase = self.stage.labelled(&label);
        let mut steps: Vec<Step> = Vec::new();
        for fault in faults {
            self.plan(*fault, &mut steps);
        }
        steps.sort_by_key(|step| step.after);
        let labels: Vec<String> = faults.iter().map(|fault| fault.label()).collect();
        eprintln!("{:>7.1} s  {}", self.stage.seconds(Instant::now()), labels.join(" + "));

        self.stage.enter(phase);
        let start = Instant::now();
        let mut open: Vec<(String, usize)> = Vec::new();
        for step in steps {
            self.nap((start + step.after).saturating_duration_since(Instant::now())).await;
            let (name, begins) = step.what.tells();
            if begins {
                let told = match step.what {
                    Act::Line(_, _, line) => format!("{name}: {line:?}"),
                    _ => name.clone(),
                };
                open.push((name, self.stage.chronicle.begin(told)));
                self.act(step.what).await?;
            } else {
                self.act(step.what).await?;
                if let Some(place) = open.iter().position(|(other, _)| *other == name) {
                    self.stage.chronicle.end(open.swap_remove(place).1);
                }
            }
        }
        self.stage.lasted(phase, start.elapsed());
        self.recover().await
    }

    async fn recover(&mut self) -> anyhow::Result<()> {
        self.stage.enter(RECOVERY);
        let start = Instant::now();
        for part in Part::ALL {
            for number in 0..self.system.count(part) {
                self.system.server(part, number)?.until_ready().await?;
            }
        }
        self.nap(BREATH).await;
        self.stage.lasted(RECOVERY, start.elapsed());
        Ok(())
    }

    fn plan(&mut self, fault: Fault, steps: &mut Vec<Step>) {
        let mut at = Duration::from_millis(self.dice.between(0, 400));
        let mut step = |after, what| steps.push(Step { after, what });
        match fault {
            Fault::Kill(part) => {
                let number = self.dice.below(self.system.count(part));
                step(at, Act::Kill(part, number));
                step(at + Duration::from_millis(self.dice.between(20, 2_500)), Act::Start(part, number));
            }
            Fault::Pause(part) => {
                let number = self.dice.below(self.system.count(part));
                for _ in 0..self.dice.between(1, 3) {
                    // Often about as long as a lease, where a moment decides.
                    let long = self.dice.percent(35);
                    let pause =
                        if long { self.dice.between(1_500, 5_000) } else { self.dice.between(300, 1_500) };
                    step(at, Act::Stop(part, number));
                    at += Duration::from_millis(pause);
                    step(at, Act::Continue(part, number));
                    at += Duration::from_millis(self.dice.between(50, 1_200));
                }
            }
            Fault::Wire(wire, strain) => {
                let one = self.dice.below(self.system.count(wire.owner()));
                let number = if self.dice.percent(30) { None } else { Some(one) };
                let (line, longest) = match strain {
                    Strain::Cut => (Line::Cut, 4_000),
                    Strain::Silent => (Line::Silent, 6_000),
                    Strain::Slow => {
                        let delay = self.dice.pick(&[10, 40, 120, 250, 400]).copied().unwrap_or(40);
                        (Line::Slow(Duration::from_millis(delay)), 6_000)
                    }
                };
                step(at, Act::Line(wire, number, line));
                at += Duration::from_millis(self.dice.between(300, longest));
                step(at, Act::Line(wire, number, Line::Open));
            }
        }
    }

    async fn act(&mut self, what: Act) -> anyhow::Result<()> {
        match what {
            Act::Kill(part, number) => self.system.server(part, number)?.kill().await,
            // Not waited for: what it needs may be away at the moment, and comes back by a later step.
            Act::Start(part, number) => self.system.server(part, number)?.launch(),
            Act::Stop(part, number) => self.system.server(part, number)?.signal(Signal::SIGSTOP),
            Act::Continue(part, number) => self.system.server(part, number)?.signal(Signal::SIGCONT),
            Act::Line(wire, number, line) => {
                self.system.set_line(wire, number, line);
                Ok(())
            }
        }
    }

    async fn spend(&self, phase: usize, time: Duration) {
        self.stage.enter(phase);
        let start = Instant::now();
        self.nap(time).await;
        self.stage.lasted(phase, start.elapsed());
    }

    /// Waits, but not beyond the end of the run.
    async fn nap(&self, time: Duration) {
        let mut stopped = Box::pin(self.stage.stopped.notified());
        stopped.as_mut().enable();
        if !self.stage.is_stopping() {
            tokio::select! {
                () = sleep(time) => {}
                () = stopped => {}
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stage.is_stopping() || Instant::now() >= self.until
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_label_of_its_own() {
        let all = Fault::all(&Domain::ALL);
        let labels: BTreeSet<String> = all.iter().map(|fault| fault.label()).collect();
        assert_eq!(labels.len(), all.len());
        assert!(labels.contains("kill-redis") && labels.contains("silent-gateway-nats"));
        assert!(labels.contains("kill-stories-feed") && labels.contains("cut-stories-redis"));
        assert!(labels.contains("kill-package-ledger") && labels.contains("slow-gateway-packages"));
    }

    #[test]
    fn what_is_not_there_is_not_broken() {
        let labels = Fault::all(&[Domain::Stories]).into_iter().map(Fault::label);
        assert!(labels.clone().all(|label| !label.contains("catalog")));
        assert!(labels.clone().any(|label| label == "slow-gateway-stories"));
        assert_eq!(labels.count(), 28);
    }

    #[test]
    fn what_ends_a_fault_names_the_spell_that_it_began() {
        let cut = Act::Line(Wire::GatewayNats, Some(1), Line::Cut);
        let open = Act::Line(Wire::GatewayNats, Some(1), Line::Open);
        assert_eq!((cut.tells().0, true), (open.tells().0, !open.tells().1));
        assert_eq!(Act::Kill(Part::Redis, 0).tells().0, Act::Start(Part::Redis, 0).tells().0);
    }
}
