//! Who reads: steady readers that are paced, late ones that go on asking a part that stands still, and those that look
//! everywhere right after a write.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};

use super::dice::Dice;
use super::herd::{self, ANIMALS, MODELS, Record, Who};
use super::reads::{About, Question};
use super::scan;
use super::world::World;

/// Longest wait for an answer; beyond every limit of the gateway.
const PATIENCE: Duration = Duration::from_secs(15);
/// Reads of one reader between two looks at the clock.
const BURST: u32 = 8;
/// Tags one reader remembers.
const TAGS: usize = 2_000;
/// So many reads in a hundred present a tag that the reader has.
const CONDITIONAL: u64 = 40;
/// So many item reads and writes in a hundred go to hot records.
pub(crate) const HOT_PERCENT: u64 = 85;
/// How often deltas go on from a newer position.
const DELTA_EVERY: Duration = Duration::from_millis(1500);

/// Reads from one target at a steady rate until the run stops.
pub(crate) async fn steady(world: Arc<World>, target: usize, mut dice: Dice, rate: f64) {
    let Some(from) = world.targets.get(target) else { return };
    let mut tags: HashMap<(String, u8), HeaderValue> = HashMap::new();
    let pause = Duration::from_secs_f64(f64::from(BURST) / rate.max(0.1));
    let mut due = Instant::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !world.is_stopping() {
        sleep_until(due).await;
        // What a standstill has delayed is not made up for: it would come as a flood.
        due = (due + pause).max(Instant::now());
        for _ in 0..BURST {
            let Some((question, who)) = choose(&world, &mut dice) else { continue };
            let key = (question.path.to_string(), who as u8);
            let presented = tags.get(&key).filter(|_| dice.percent(CONDITIONAL));
            let answer = world.ask(from, &question, who, presented, PATIENCE).await;
            let Some(answer) = answer.filter(|answer| answer.reply.status == StatusCode::OK) else {
                continue;
            };
            // A copy: the value itself would keep the whole answer's buffer alive.
            let tag = HeaderValue::from_str(answer.reply.header("etag"));
            if tags.len() >= TAGS {
                tags.clear();
            }
            if let Ok(tag) = tag {
                tags.insert(key, tag);
            }
        }
    }
}

/// Begins a read every so often whether the one before was answered or not: while a gateway stands still, what is asked of
/// it waits, and is answered when it goes on.
pub(crate) async fn late(world: Arc<World>, target: usize, mut dice: Dice, every: Duration) {
    while !world.is_stopping() {
        sleep(every).await;
        if let Some((question, who)) = choose(&world, &mut dice) {
            ask_beside(&world, target, question, who);
        }
    }
}

/// Asks every gateway, and one replica, for what a write has just changed.
pub(crate) fn everywhere(world: &Arc<World>, record: &Record, dice: &mut Dice) {
    let Some(model) = MODELS.get(record.model) else { return };
    let list = dice.pick(model.lists).map(|list| format!("?{list}")).unwrap_or_default();
    let whole = match dice.below(4) {
        0 => Question::model(record.model, ""),
        1 => Question::model(record.model, "/metadata"),
        2 => delta(world, record.model),
        _ => Question::model(record.model, &list),
    };
    let replica = world.gateways + dice.below(world.targets.len() - world.gateways);
    for target in (0..world.gateways).chain([replica]) {
        for question in [Question::record(record), whole.clone()].into_iter().flatten() {
            if let Some(who) = dice.pick(model.readers) {
                ask_beside(world, target, question, *who);
            }
        }
    }
}

fn ask_beside(world: &Arc<World>, target: usize, question: Question, who: Who) {
    let Ok(room) = Arc::clone(&world.extra).try_acquire_owned() else { return };
    let world = Arc::clone(world);
    // Not kept: it ends with its answer or its patience, and the run waits for the room to be given back.
    tokio::spawn(async move {
        if let Some(target) = world.targets.get(target) {
            world.ask(target, &question, who, None, PATIENCE).await;
        }
        drop(room);
    });
}

/// Asks every target for every record and model once more when nobody writes any longer: what is stale now stays so.
pub(crate) async fn last_look(world: &World) {
    let everywhere = world.targets.iter().map(|target| async move {
        for (number, model) in MODELS.iter().enumerate() {
            let records = world.herd.of(number).iter().filter(|record| world.ledger.floor(record.slot) > 0);
            let wholes = ["", "/metadata", "/stats"].map(|rest| Question::model(number, rest));
            for question in records.map(Question::record).chain(wholes).flatten() {
                for who in model.readers {
                    world.ask(target, &question, *who, None, PATIENCE).await;
                }
            }
        }
    });
    futures_util::future::join_all(everywhere).await;
}

/// Moves the position from which deltas are asked for, model by model.
pub(crate) async fn move_deltas(world: Arc<World>, mut dice: Dice) {
    while !world.is_stopping() {
        for model in 0..MODELS.len() {
            sleep(DELTA_EVERY / 5).await;
            let target = world.targets.get(dice.below(world.targets.len()));
            let (Some(target), Some(question)) = (target, delta(&world, model)) else { continue };
            let answer = world.ask(target, &question, Who::Administrator, None, PATIENCE).await;
            let token = answer.as_ref().and_then(|answer| scan::sync_token(&answer.reply.body));
            let next = token
                .and_then(|token| format!("/v1/{}?since={token}&limit=20", herd::path(model)).parse().ok());
            if let Some(next) = next {
                world.set_delta(model, next);
            }
        }
    }
}

fn delta(world: &World, model: usize) -> Option<Question> {
    let path = world.delta(model)?;
    Some(Question { path: path.as_ref().clone(), about: About::Model { slot: model } })
}

/// What to ask next, and as whom.
fn choose(world: &World, dice: &mut Dice) -> Option<(Question, Who)> {
    let (model, question) = match dice.below(100) {
        0..55 => {
            let record = world.herd.pick(dice, HOT_PERCENT)?;
            (record.model, Question::record(record)?)
        }
        55..58 => {
            let record = world.herd.pick_frontier(dice)?;
            (record.model, Question::record(record)?)
        }
        58..66 => {
            let animal = world.herd.first(ANIMALS).get(dice.below(12))?;
            (ANIMALS, Question::animal_with_breed(&world.herd, animal)?)
        }
        66..82 => {
            let model = dice.below(MODELS.len());
            let lists = MODELS.get(model)?.lists;
            let list = lists.get(dice.below(lists.len() + 1)).map(|list| format!("?{list}"));
            (model, Question::model(model, &list.unwrap_or_default())?)
        }
        82..84 => (ANIMALS, Question::model(ANIMALS, &format!("?limit=7&page={}", 1 + dice.below(60)))?),
        84..90 => {
            let model = dice.below(MODELS.len());
            (model, delta(world, model)?)
        }
        90..97 => {
            let model = dice.below(MODELS.len());
            (model, Question::model(model, "/metadata")?)
        }
        _ => {
            let model = dice.below(MODELS.len());
            (model, Question::model(model, "/stats")?)
        }
    };
    Some((question, *dice.pick(MODELS.get(model)?.readers)?))
}
