//! Who reads stories: steady readers that are paced, late ones that go on asking a part that stands still, and those that look
//! everywhere right after a write.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::book::Story;
use super::cast::{GYMS, PERSONS};
use super::{Had, Question, Stories};
use crate::freshness::dice::Dice;

/// Longest wait for an answer; beyond every limit of the gateway.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Readers of each gateway and of each replica, and what share of all reads goes straight to replicas.
const READERS: usize = 8;
const DIRECT_READERS: usize = 2;
const DIRECT_SHARE: f64 = 0.05;
/// Reads of one reader between two looks at the clock.
const BURST: u32 = 4;
/// Answers one reader remembers.
const REMEMBERED: usize = 300;
/// So many reads in a hundred present a tag that the reader has.
const CONDITIONAL: u64 = 40;
/// How often a read begins at each gateway whatever became of the one before.
const LATE_EVERY: Duration = Duration::from_millis(40);
/// So many reads in a hundred are by and of the first few persons, and of the newest few stories: what is asked for once is in no memory.
const HOT_PERCENT: u64 = 85;
const HOT_PERSONS: usize = 2;
const HOT_STORIES: usize = 4;
/// So many in a hundred of those who ask for a story are its author, who is answered from no memory, or may not see it.
const STRANGE_PERCENT: u64 = 25;
/// Queries of feeds: all that the gym shows, in one page or more, or some of it.
const FEEDS: [&str; 4] = ["", "?limit=500", "?filter_type=unseen&limit=500", "?filter_type=following"];

pub(super) fn start(
    stories: &Arc<Stories>,
    tasks: &mut JoinSet<()>,
    dice: &impl Fn(&'static str, usize) -> Dice,
    reads: f64,
) {
    let gateways = stories.gateways as f64;
    let replicas = stories.targets.len().saturating_sub(stories.gateways) as f64;
    for (target, of) in stories.targets.iter().enumerate() {
        let (readers, rate) = if of.is_gateway {
            tasks.spawn(late(Arc::clone(stories), target, dice("late of stories", target)));
            (READERS, reads * (1.0 - DIRECT_SHARE) / gateways)
        } else {
            (DIRECT_READERS, reads * DIRECT_SHARE / replicas)
        };
        for number in 0..readers {
            let dice = dice("reader of stories", target * 1_000 + number);
            tasks.spawn(steady(Arc::clone(stories), target, dice, rate / readers as f64));
        }
    }
}

/// Reads from one target at a steady rate until the run stops.
async fn steady(stories: Arc<Stories>, target: usize, mut dice: Dice, rate: f64) {
    let Some(from) = stories.targets.get(target) else { return };
    let mut known: HashMap<(String, usize), Had> = HashMap::new();
    let pause = Duration::from_secs_f64(f64::from(BURST) / rate.max(0.1));
    let mut due = Instant::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !stories.is_stopping() {
        sleep_until(due).await;
        // What a standstill has delayed is not made up for: it would come as a flood.
        due = (due + pause).max(Instant::now());
        for _ in 0..BURST {
            let Some((question, viewer)) = choose(&stories, &mut dice) else { continue };
            let key = (question.path.to_string(), viewer);
            let had = known.get(&key).filter(|_| dice.percent(CONDITIONAL));
            let answer = stories.ask(from, &question, viewer, had, PATIENCE).await;
            let Some(answer) = answer.filter(|answer| answer.status == StatusCode::OK) else { continue };
            if known.len() >= REMEMBERED {
                known.clear();
            }
            if let Some(tag) = answer.tag {
                known.insert(key, (tag, answer.seen));
            }
        }
    }
}

/// Begins a read every so often whether the one before was answered or not: while a gateway stands still, what is asked of
/// it waits, and is answered when it goes on.
async fn late(stories: Arc<Stories>, target: usize, mut dice: Dice) {
    while !stories.is_stopping() {
        sleep(LATE_EVERY).await;
        if let Some((question, viewer)) = choose(&stories, &mut dice) {
            ask_beside(&stories, target, question, viewer);
        }
    }
}

/// Asks every gateway, and one replica, as somebody whom a write of this story concerns.
pub(super) fn everywhere(stories: &Arc<Stories>, story: &Story, viewer: usize, dice: &mut Dice) {
    let book = &stories.book;
    let feed = Question::feed(book, story.gym, dice.pick(&FEEDS).copied().unwrap_or_default());
    let questions = [feed, Question::member(book, story.gym, story.author), Question::story(story)];
    look_around(stories, &questions, viewer, dice);
}

/// Asks every gateway, and one replica, what one person sees of another.
pub(super) fn of_each_other(stories: &Arc<Stories>, author: usize, viewer: usize, dice: &mut Dice) {
    let gym = dice.below(GYMS);
    let mut of_author = stories.book.current(gym);
    of_author.retain(|story| story.author == author);
    let questions = [
        Question::feed(&stories.book, gym, ""),
        Question::member(&stories.book, gym, author),
        dice.pick(&of_author).and_then(|story| Question::story(story)),
    ];
    look_around(stories, &questions, viewer, dice);
}

fn look_around(stories: &Arc<Stories>, questions: &[Option<Question>], viewer: usize, dice: &mut Dice) {
    let replica = stories.gateways + dice.below(stories.targets.len() - stories.gateways);
    for target in (0..stories.gateways).chain([replica]) {
        for question in questions.iter().flatten() {
            ask_beside(stories, target, question.clone(), viewer);
        }
    }
}

fn ask_beside(stories: &Arc<Stories>, target: usize, question: Question, viewer: usize) {
    let Ok(room) = Arc::clone(&stories.extra).try_acquire_owned() else { return };
    let stories = Arc::clone(stories);
    // Not kept: it ends with its answer or its patience.
    tokio::spawn(async move {
        if let Some(target) = stories.targets.get(target) {
            stories.ask(target, &question, viewer, None, PATIENCE).await;
        }
        drop(room);
    });
}

/// What to ask next, and as whom.
fn choose(stories: &Stories, dice: &mut Dice) -> Option<(Question, usize)> {
    let (gym, viewer) = (dice.below(GYMS), hot(dice, HOT_PERSONS, PERSONS));
    let book = &stories.book;
    let question = match dice.below(100) {
        0..42 => Question::feed(book, gym, "")?,
        42..50 => Question::feed(book, gym, dice.pick(&FEEDS)?)?,
        50..62 => Question::member(book, gym, hot(dice, HOT_PERSONS, PERSONS))?,
        _ => {
            let mut current = book.current(gym);
            if !dice.percent(STRANGE_PERCENT) {
                let now = std::time::Instant::now();
                current
                    .retain(|story| story.author != viewer && book.sight(story, viewer, true, now, now).must);
            }
            let number = hot(dice, HOT_STORIES, current.len());
            Question::story(current.get(current.len().checked_sub(number + 1)?)?)?
        }
    };
    Some((question, viewer))
}

/// One of so many; mostly of the first.
fn hot(dice: &mut Dice, first: usize, all: usize) -> usize {
    if dice.percent(HOT_PERCENT) { dice.below(first.min(all)) } else { dice.below(all) }
}
