//! Who writes of stories: each write with an idempotency key, tried again under the same key while nobody can tell whether it was done.
//! What is still not known then rests until nothing of it can be under way any longer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant as Clock, sleep_until};

use super::Stories;
use super::book::{Standing, Story};
use super::cast::{EMOJIS, GYMS, PERSONS, Privacy, Tie};
use super::readers::{everywhere, of_each_other};
use crate::freshness::chronicle::WriteNote;
use crate::freshness::dice::Dice;
use crate::freshness::register::{Register, Sent};
use crate::freshness::send::{self, End, FOR_GOOD, REST, Write, key};

const WRITERS: usize = 16;
/// When stories were seen, by a clock that is wrong: taken for the instant of their publication.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";
/// Stories that a gym shows at once, beside those that expire.
const SHOWN_AT_ONCE: usize = 14;

pub(super) fn start(
    stories: &Arc<Stories>,
    tasks: &mut JoinSet<()>,
    dice: &impl Fn(&'static str, usize) -> Dice,
    writes: f64,
) {
    for number in 0..WRITERS {
        let dice = dice("writer of stories", number);
        tasks.spawn(steady(Arc::clone(stories), dice, writes / WRITERS as f64));
    }
}

async fn steady(stories: Arc<Stories>, mut dice: Dice, rate: f64) {
    let pause = Duration::from_secs_f64(1.0 / rate.max(0.01));
    let mut due = Clock::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !stories.is_stopping() {
        sleep_until(due).await;
        due = (due + pause).max(Clock::now());
        let gym = dice.below(GYMS);
        match dice.below(100) {
            0..18 => post_or_delete(&stories, gym, &mut dice).await,
            18..22 => delete(&stories, gym, &mut dice).await,
            22..34 => change(&stories, gym, &mut dice).await,
            34..58 => react(&stories, gym, &mut dice).await,
            58..78 => look(&stories, gym, &mut dice).await,
            _ => tie(&stories, &mut dice).await,
        }
    }
}

/// One that others may write of: it does not expire.
fn some_story(stories: &Stories, gym: usize, dice: &mut Dice) -> Option<Arc<Story>> {
    let mut current = stories.book.current(gym);
    current.retain(|story| !story.vanishes());
    dice.pick(&current).cloned()
}

async fn post_or_delete(stories: &Arc<Stories>, gym: usize, dice: &mut Dice) {
    let shown = stories.book.current(gym).iter().filter(|story| !story.vanishes()).count();
    if shown >= SHOWN_AT_ONCE {
        return delete(stories, gym, dice).await;
    }
    let (author, privacy) = (dice.below(PERSONS), Privacy::any(dice));
    let story = stories.book.open(gym, author, Standing::Away, None);
    let write = Write {
        method: Method::POST,
        path: format!("/v1/gyms/{}/stories", stories.book.cast.gym(gym)),
        body: Some(json!({"type": "text", "caption": story.caption(0), "privacy": privacy.as_str()})),
        key: key(dice),
        by: author,
        if_match: None,
    };
    let sent = story.standing.send(Standing::There { privacy, wording: 0 }, Instant::now());
    let end = stories.write(&write, dice, |note| story.note(note)).await;
    if let End::Acknowledged(reply) = &end {
        let posted: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if let Some(id) = posted.get("id").and_then(Value::as_str) {
            story.named(id);
        }
        story.set_version(posted.get("version").and_then(Value::as_i64).unwrap_or(1));
    }
    if settle(&story.standing, sent, &end) {
        stories.book.is_there(&story);
        everywhere(stories, &story, dice.below(PERSONS), dice);
        everywhere(stories, &story, dice.below(PERSONS), dice);
    }
}

async fn delete(stories: &Arc<Stories>, gym: usize, dice: &mut Dice) {
    let Some(story) = some_story(stories, gym, dice).filter(|story| story.standing.take()) else { return };
    if let Some(id) = story.id().filter(|_| story.standing.latest() != Some(Standing::Away)) {
        let write = Write {
            method: Method::DELETE,
            path: format!("/v1/stories/{id}"),
            body: None,
            key: key(dice),
            by: story.author,
            if_match: Some(format!("\"{}\"", story.version())),
        };
        let sent = story.standing.send(Standing::Away, Instant::now());
        let end = stories.write(&write, dice, |note| story.note(note)).await;
        let done = settle(&story.standing, sent, &end);
        // Whatever became of it: nobody can say any more that it must be there.
        stories.book.is_gone(&story);
        if done {
            everywhere(stories, &story, dice.below(PERSONS), dice);
            everywhere(stories, &story, dice.below(PERSONS), dice);
        }
    }
    story.standing.give_back();
}

/// Another privacy, or other words.
async fn change(stories: &Arc<Stories>, gym: usize, dice: &mut Dice) {
    let Some(story) = some_story(stories, gym, dice).filter(|story| story.standing.take()) else { return };
    if let (Some(id), Some(Standing::There { privacy, wording })) = (story.id(), story.standing.latest()) {
        let (privacy, wording, body) = if dice.percent(70) {
            let privacy = Privacy::any(dice);
            (privacy, wording, json!({"privacy": privacy.as_str()}))
        } else {
            (privacy, wording + 1, json!({"caption": story.caption(wording + 1)}))
        };
        let write = Write {
            method: Method::PATCH,
            path: format!("/v1/stories/{id}"),
            body: Some(body),
            key: key(dice),
            by: story.author,
            if_match: Some(format!("\"{}\"", story.version())),
        };
        let sent = story.standing.send(Standing::There { privacy, wording }, Instant::now());
        let end = stories.write(&write, dice, |note| story.note(note)).await;
        match &end {
            End::Acknowledged(reply) => {
                let changed: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                story.set_version(changed.get("version").and_then(Value::as_i64).unwrap_or_default());
            }
            // Its version is not known any more.
            End::Refused(_) | End::Unknown => stories.book.is_gone(&story),
        }
        if settle(&story.standing, sent, &end) {
            everywhere(stories, &story, dice.below(PERSONS), dice);
            everywhere(stories, &story, dice.below(PERSONS), dice);
        }
    }
    story.standing.give_back();
}

async fn react(stories: &Arc<Stories>, gym: usize, dice: &mut Dice) {
    let (Some(story), person) = (some_story(stories, gym, dice), dice.below(PERSONS)) else { return };
    let Some(register) = story.reactions.get(person).filter(|register| register.take()) else { return };
    if let Some(id) = story.id().filter(|_| sees(stories, &story, person)) {
        let emoji = if dice.percent(25) { None } else { Some(dice.below(EMOJIS.len())) };
        let name = emoji.and_then(|emoji| EMOJIS.get(emoji));
        let write = Write {
            method: if emoji.is_some() { Method::PUT } else { Method::DELETE },
            path: format!("/v1/stories/{id}/reaction"),
            body: name.map(|name| json!({ "emoji": name })),
            key: key(dice),
            by: person,
            if_match: None,
        };
        let sent = register.send(emoji, Instant::now());
        let end = stories.write(&write, dice, |note| story.note(note)).await;
        if settle(register, sent, &end) {
            everywhere(stories, &story, person, dice);
            everywhere(stories, &story, dice.below(PERSONS), dice);
        }
    }
    register.give_back();
}

/// Tells that somebody has seen a few stories of a gym.
async fn look(stories: &Arc<Stories>, gym: usize, dice: &mut Dice) {
    let person = dice.below(PERSONS);
    let mut taken: Vec<Arc<Story>> = Vec::new();
    for _ in 0..3 {
        let unseen = |story: &Arc<Story>| {
            story.author != person
                && story.id().is_some()
                && story.seen.get(person).is_some_and(|seen| seen.latest() == Some(false) && seen.take())
        };
        taken.extend(some_story(stories, gym, dice).filter(unseen));
    }
    let seen = |story: &Arc<Story>| story.seen.get(person).map(|seen| seen.send(true, Instant::now()));
    let sent: Vec<Option<Sent>> = taken.iter().map(seen).collect();
    if !taken.is_empty() {
        let views: Vec<Value> = taken
            .iter()
            .map(|story| json!({"story_id": story.id(), "seen_at": LONG_AGO, "watch_ms": 900}))
            .collect();
        let write = Write {
            method: Method::POST,
            path: "/v1/stories/views:batch".to_owned(),
            body: Some(json!({ "views": views })),
            key: key(dice),
            by: person,
            if_match: None,
        };
        let note = |note: WriteNote| taken.iter().for_each(|story| story.note(note.clone()));
        let end = stories.write(&write, dice, note).await;
        let merged = match &end {
            End::Acknowledged(reply) => {
                let merged: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                merged.get("merged").and_then(Value::as_u64)
            }
            _ => None,
        };
        for (story, sent) in taken.iter().zip(sent) {
            let (Some(register), Some(sent)) = (story.seen.get(person), sent) else { continue };
            match (&end, merged) {
                (End::Acknowledged(_), Some(0)) => register.withdraw(sent),
                // Which of them could be seen is not told: either may be so, until one is told of alone.
                (End::Acknowledged(_), Some(some)) if some < taken.len() as u64 => {}
                _ => {
                    settle(register, sent, &end);
                }
            }
        }
    }
    for story in &taken {
        if let Some(register) = story.seen.get(person) {
            register.give_back();
        }
        everywhere(stories, story, person, dice);
    }
}

async fn tie(stories: &Arc<Stories>, dice: &mut Dice) {
    let (one, other) = (dice.below(PERSONS), dice.below(PERSONS));
    let Some((register, side)) = stories.book.cast.ties(one, other) else { return };
    if !register.take() {
        return;
    }
    if let Some(ties) = register.latest() {
        let tie = match dice.below(10) {
            // A block does not last long.
            _ if ties.has(Tie::Block, side) => Tie::Block,
            0..5 => Tie::Follow,
            5..8 => Tie::CloseFriend,
            _ => Tie::Block,
        };
        let is_on = !ties.has(tie, side);
        if tie == Tie::Block || !ties.is_blocked() {
            let write = Write {
                method: if is_on { Method::PUT } else { Method::DELETE },
                path: format!("/v1/{}/{}", tie.path(), stories.book.cast.person(other)),
                body: None,
                key: key(dice),
                by: one,
                if_match: None,
            };
            let sent = register.send(ties.after(tie, side, is_on), Instant::now());
            let told = |mut note: WriteNote| {
                note.what = format!("{} (person {other})", note.what);
                stories.book.note(note);
            };
            let end = stories.write(&write, dice, told).await;
            if matches!(end, End::Unknown) {
                // The next write might be about another list of the two, and would leave this one as unknown as it is.
                register.rest(FOR_GOOD);
            } else if settle(register, sent, &end) {
                of_each_other(stories, one, other, dice);
                of_each_other(stories, other, one, dice);
            }
        }
    }
    register.give_back();
}

/// Whether the person sees it as far as anybody knows.
fn sees(stories: &Stories, story: &Story, person: usize) -> bool {
    let now = Instant::now();
    stories.book.sight(story, person, true, now, now).must
}

/// Enters what became of a write; whether it was done.
fn settle<T: Copy + PartialEq>(register: &Register<T>, sent: Sent, end: &End) -> bool {
    send::settle(register, sent, end, REST)
}
