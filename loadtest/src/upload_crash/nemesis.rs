//! What breaks: service, worker, gateway and NATS are killed in random order at random moments, now and then two at once, and
//! started again. The same seed kills in the same order.

use std::time::Duration;

use tokio::time::sleep;

use super::world::World;
use crate::freshness::dice::Dice;
use crate::freshness::server::Server;
use crate::upload::system::System;

/// Two at once so often in a hundred, and so often the next kill does not wait until the last one's victim is ready.
const TWO: u64 = 15;
const AT_ONCE: u64 = 20;

/// What can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Service,
    Worker,
    Gateway,
    Nats,
}

impl Victim {
    pub(super) const ALL: [Self; 4] = [Self::Service, Self::Worker, Self::Gateway, Self::Nats];

    fn label(self) -> &'static str {
        match self {
            Self::Service => "upload-ingest",
            Self::Worker => "upload-worker",
            Self::Gateway => "gateway",
            Self::Nats => "nats",
        }
    }

    fn server(self, system: &mut System) -> Option<&mut Server> {
        match self {
            Self::Service => Some(&mut system.service),
            Self::Worker => system.workers.first_mut(),
            Self::Gateway => system.gateways.first_mut().map(|gateway| &mut gateway.server),
            Self::Nats => Some(&mut system.nats),
        }
    }
}

/// Each victim so many times, in random order.
fn deck(kills: usize, dice: &mut Dice) -> Vec<Victim> {
    let mut deck: Vec<Victim> = Victim::ALL.into_iter().flat_map(|victim| vec![victim; kills]).collect();
    dice.shuffle(&mut deck);
    deck
}

/// Kills until each victim has been killed so many times; everything runs again when it returns.
pub(super) async fn run(
    world: &World,
    system: &mut System,
    kills: usize,
    mut dice: Dice,
) -> anyhow::Result<()> {
    let mut deck = deck(kills, &mut dice);
    let all = deck.len();
    while let Some(victim) = deck.pop() {
        sleep(Duration::from_millis(dice.between(50, 1_200))).await;
        let mut victims = vec![victim];
        // Another one, if one is left.
        if dice.percent(TWO)
            && let Some(place) = deck.iter().rposition(|other| *other != victim)
        {
            victims.push(deck.swap_remove(place));
        }
        strike(world, system, &victims, &mut dice).await?;
        if dice.percent(100 - AT_ONCE) {
            ready(system).await?;
        }
        if (all - deck.len()).is_multiple_of(20) {
            let told = world.told();
            let (uploads, breaches) = (told.stories.len(), told.violations.len());
            let killed = all - deck.len();
            eprintln!(
                "{:>7.1} s  {killed} of {all} kills, {uploads} uploads, {breaches} breaches",
                world.seconds()
            );
        }
    }
    ready(system).await
}

async fn strike(
    world: &World,
    system: &mut System,
    victims: &[Victim],
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let from = world.seconds();
    for victim in victims {
        if let Some(server) = victim.server(system) {
            server.kill().await?;
        }
    }
    sleep(Duration::from_millis(dice.between(0, 800))).await;
    for victim in victims {
        if let Some(server) = victim.server(system) {
            server.launch()?;
        }
    }
    let names: Vec<&str> = victims.iter().map(|victim| victim.label()).collect();
    world.told().kills.push((from, world.seconds(), names.join(" and ")));
    Ok(())
}

async fn ready(system: &mut System) -> anyhow::Result<()> {
    for victim in Victim::ALL {
        if let Some(server) = victim.server(system) {
            server.until_ready().await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_victim_is_killed_as_often_as_told_and_a_seed_gives_one_order() {
        let drawn = |seed| deck(5, &mut Dice::new(seed, "nemesis", 0));
        for victim in Victim::ALL {
            assert_eq!(drawn(1).iter().filter(|other| **other == victim).count(), 5);
        }
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
