//! All sides of a scenario, in all kinds, by turns: round by round, so that a change of the machine's mood meets all of them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::arrivals::{Ask, Fresh, Kind, schedule};
use super::drive::{probe, until_answered};
use super::measure::{Latencies, Round, measure};
use super::results::{Figures, Measured, Role};
use super::side::{Paces, Scenario, Side};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::stats::median;

/// Part of a measurement that is run before it and thrown away, and its least length: connections are opened, and what is known becomes so.
const WARM_UP: f64 = 0.1;
const LEAST_WARM_UP: Duration = Duration::from_millis(300);

/// How much is measured.
#[derive(Clone, Debug)]
pub(super) struct Effort {
    pub(super) kinds: Vec<Kind>,
    pub(super) rounds: usize,
    pub(super) length: Duration,
    pub(super) seed: u64,
}

impl Effort {
    fn warm_up(&self) -> Duration {
        self.length.mul_f64(WARM_UP).max(LEAST_WARM_UP)
    }

    /// How many unknown things one side is asked for at these paces, for what has to be made ahead.
    pub(super) fn fresh_needed(&self, paces: &Paces) -> u64 {
        let (mut fresh, mut dice) = (Fresh::default(), self.dice("needed", 0));
        for kind in &self.kinds {
            for _ in 0..self.rounds {
                for length in [self.warm_up(), self.length] {
                    schedule(*kind, paces.of(*kind), length, &mut fresh, &mut dice);
                }
            }
        }
        // People begin by chance, so that another time there may be a few more.
        fresh.given() + fresh.given() / 10 + 100
    }

    fn dice(&self, purpose: &str, round: usize) -> Dice {
        Dice::new(self.seed, purpose, round)
    }
}

/// What is kept of a side between its turns.
struct Turns<'s> {
    side: &'s Side,
    pool: Arc<Pool>,
    fresh: Fresh,
    rounds: Vec<Round>,
}

/// Measures a scenario. `tell` hears what is done now.
///
/// # Errors
/// When a side does not answer at all; answers that are wrong now and then are figures.
pub(super) async fn run(
    scenario: &Scenario,
    effort: &Effort,
    tell: &dyn Fn(&str),
) -> anyhow::Result<Vec<Measured>> {
    let mut sides: Vec<Turns<'_>> = Vec::new();
    for side in &scenario.sides {
        let pool = Arc::new(Pool::new(side.target.addr));
        until_answered(&pool, &side.target, Ask::Known(0))
            .await
            .with_context(|| format!("{}, {}", scenario.name, side.name))?;
        sides.push(Turns { side, pool, fresh: Fresh::default(), rounds: Vec::new() });
    }
    let mut measured = Vec::new();
    for kind in effort.kinds.iter().filter(|kind| scenario.kinds.contains(kind)) {
        for round in 0..effort.rounds {
            for turn in 0..sides.len() {
                // The order turns by one each round, so that no side always comes after the same one.
                let place = (turn + round) % sides.len();
                let turns = sides.get_mut(place).context("no side")?;
                if !turns.side.kinds.contains(kind) {
                    continue;
                }
                tell(&format!(
                    "{}, {}, round {} of {}: {}",
                    scenario.name,
                    kind.label(),
                    round + 1,
                    effort.rounds,
                    turns.side.name
                ));
                let one = turns.take(scenario, *kind, effort, round).await;
                turns.rounds.push(one.with_context(|| format!("{}, {}", scenario.name, turns.side.name))?);
            }
        }
        for turns in sides.iter_mut().filter(|turns| turns.side.kinds.contains(kind)) {
            measured.push(gathered(scenario.name, *kind, turns.side, &std::mem::take(&mut turns.rounds))?);
        }
    }
    Ok(measured)
}

impl Turns<'_> {
    async fn take(
        &mut self,
        scenario: &Scenario,
        kind: Kind,
        effort: &Effort,
        round: usize,
    ) -> anyhow::Result<Round> {
        let pace = scenario.paces.of(kind);
        // The same for all sides, so that requests come to all of them at the same instants.
        let mut dice = effort.dice(kind.label(), round);
        if kind != Kind::Cold {
            for number in 0..scenario.known {
                probe(&self.pool, &self.side.target, Ask::Known(number)).await?;
            }
        }
        for length in [effort.warm_up(), effort.length] {
            let (fresh, dice) = (&mut self.fresh, &mut dice);
            let round = measure(self.side, &self.pool, kind, pace, length, fresh, dice).await?;
            if length == effort.length {
                return Ok(round);
            }
        }
        anyhow::bail!("nothing was measured")
    }
}

/// All rounds of one side in one kind.
pub(super) fn gathered(
    scenario: &str,
    kind: Kind,
    side: &Side,
    rounds: &[Round],
) -> anyhow::Result<Measured> {
    let (role, limit) = (side.role, side.limit.clone());
    summary(scenario, kind, (&side.name, role, limit), rounds)
}

/// The same for what is no side: uploads.
pub(super) fn summary(
    scenario: &str,
    kind: Kind,
    (side, role, limit): (&str, Role, String),
    rounds: &[Round],
) -> anyhow::Result<Measured> {
    let mut all = Latencies::new()?;
    let mut seconds: Vec<Latencies> = Vec::new();
    for round in rounds {
        all.merge(&round.latencies)?;
        for (second, latencies) in round.seconds.iter().enumerate() {
            if seconds.len() <= second {
                seconds.push(Latencies::new()?);
            }
            seconds.get_mut(second).context("no second")?.merge(latencies)?;
        }
    }
    let figures: Vec<Figures> = rounds.iter().map(|round| round.figures.clone()).collect();
    Ok(Measured {
        scenario: scenario.to_owned(),
        kind,
        side: side.to_owned(),
        role,
        limit,
        figures: typical(&figures),
        rounds: figures,
        histogram: all.pairs(),
        seconds: seconds.iter().enumerate().map(|(second, latencies)| latencies.second(second)).collect(),
    })
}

/// Medians; counts and errors are sums, the greatest latency and body the greatest.
fn typical(rounds: &[Figures]) -> Figures {
    let middle = |of: fn(&Figures) -> f64| median(&mut rounds.iter().map(of).collect::<Vec<_>>());
    let micros = |of: fn(&Figures) -> u64| median(&mut rounds.iter().map(of).collect::<Vec<_>>());
    let sum = |of: fn(&Figures) -> u64| rounds.iter().map(of).sum();
    let greatest = |of: fn(&Figures) -> u64| rounds.iter().map(of).max().unwrap_or_default();
    let mut all = Figures {
        requests: sum(|one| one.requests),
        good: sum(|one| one.good),
        asked_per_sec: middle(|one| one.asked_per_sec),
        achieved_per_sec: middle(|one| one.achieved_per_sec),
        app_cpu_10k: middle(|one| one.app_cpu_10k),
        stores_cpu_10k: middle(|one| one.stores_cpu_10k),
        p50_us: micros(|one| one.p50_us),
        p95_us: micros(|one| one.p95_us),
        p99_us: micros(|one| one.p99_us),
        max_us: greatest(|one| one.max_us),
        bytes: greatest(|one| one.bytes),
        others_busy: middle(|one| one.others_busy),
        writes: sum(|one| one.writes),
        ..Figures::default()
    };
    for (what, count) in rounds.iter().flat_map(|one| &one.errors) {
        *all.errors.entry(what.clone()).or_default() += count;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::HeaderMap;

    use super::super::arrivals::{CROWD, Pace};
    use super::super::fixture::server;
    use super::super::side::{Make, Target, get};
    use super::*;

    #[test]
    fn figures_of_all_rounds_are_medians_sums_and_extremes() {
        let round = |p95_us, errors: u64| Figures {
            requests: 10,
            good: 10 - errors,
            p95_us,
            max_us: p95_us * 2,
            app_cpu_10k: p95_us as f64,
            errors: (errors > 0).then(|| ("503".to_owned(), errors)).into_iter().collect(),
            ..Figures::default()
        };
        let all = typical(&[round(30, 1), round(10, 0), round(20, 2)]);
        assert_eq!((all.requests, all.good, all.p95_us, all.max_us), (30, 27, 20, 60));
        assert_eq!(all.errors.get("503"), Some(&3));
        assert!((all.app_cpu_10k - 20.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_needed_covers_every_round_and_its_warm_up() {
        let effort = Effort {
            kinds: vec![Kind::Cold, Kind::Warm],
            rounds: 3,
            length: Duration::from_secs(2),
            seed: 1,
        };
        let rate = Pace::Rate(100.0);
        let needed = effort.fresh_needed(&Paces { cold: rate, warm: rate, contended: rate });
        // Three rounds of 200 and of 30 before them, and a margin.
        assert_eq!(needed, 690 + 69 + 100);
    }

    #[tokio::test]
    async fn sides_take_turns_and_what_is_cold_is_asked_for_once_or_by_a_crowd() {
        let (addr, asked) = server().await;
        let side = |name: &str, kinds| {
            let own = name.to_owned();
            let make: Make = Arc::new(move |ask| {
                let path = match ask {
                    Ask::Known(number) => format!("/{own}/known/{number}"),
                    Ask::Fresh(number) => format!("/{own}/fresh/{number}"),
                    Ask::Detail(number) => format!("/{own}/detail/{number}"),
                };
                get(addr, &path, &HeaderMap::new())
            });
            let target = Target { addr, make, good: |status| status == 200 };
            let (role, limit) = (Role::Ours, String::new());
            let (app, stores) = (vec![std::process::id()], Vec::new());
            Side {
                name: name.to_owned(),
                role,
                limit,
                target,
                writes: None,
                app,
                stores,
                kinds,
                most_per_sec: None,
            }
        };
        let pace = Pace::Rate(320.0);
        let scenario = Scenario {
            name: "trial",
            kinds: &Kind::ALL,
            sides: vec![side("all", &Kind::ALL), side("old", &[Kind::Cold])],
            paces: Paces { cold: pace, warm: pace, contended: pace },
            known: 3,
        };
        let length = Duration::from_millis(200);
        let effort = Effort { kinds: Kind::ALL.to_vec(), rounds: 2, length, seed: 1 };
        let told = std::cell::RefCell::new(Vec::new());
        let measured =
            run(&scenario, &effort, &|what| told.borrow_mut().push(what.to_owned())).await.unwrap();

        let of: Vec<(Kind, &str)> = measured.iter().map(|one| (one.kind, one.side.as_str())).collect();
        assert_eq!(
            of,
            [(Kind::Cold, "all"), (Kind::Cold, "old"), (Kind::Warm, "all"), (Kind::Contended, "all")]
        );
        for one in &measured {
            assert_eq!((one.rounds.len(), one.figures.good, one.figures.bytes), (2, one.figures.requests, 5));
            assert!(one.figures.app_cpu_10k > 0.0 && one.figures.p50_us > 0);
        }
        // 320 a second for 0.2 s, twice.
        assert_eq!(measured.first().map(|one| one.figures.requests), Some(128));
        let turns: Vec<String> = told
            .borrow()
            .iter()
            .take(4)
            .filter_map(|line| Some(line.rsplit_once(": ")?.1.to_owned()))
            .collect();
        assert_eq!(turns, ["all", "old", "old", "all"]);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for path in asked.lock().unwrap().iter().filter(|path| path.contains("/fresh/")) {
            *times.entry(path.clone()).or_default() += 1;
        }
        let crowd = usize::try_from(CROWD).unwrap();
        assert!(times.values().all(|times| *times == 1 || *times == crowd), "{times:?}");
        assert!(times.values().any(|times| *times == 1) && times.values().any(|times| *times == crowd));
    }
}
