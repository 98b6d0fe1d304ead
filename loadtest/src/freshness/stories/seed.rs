//! The gyms, their members, and stories that expire while the run goes on: made in the database before anybody asks, since no story can
//! be posted for less than an hour.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Stories;
use super::book::{Book, Standing};
use super::cast::{Cast, EMOJIS, GYMS, PERSONS, Privacy};
use crate::freshness::dice::Dice;
use crate::freshness::parts::Domain;
use crate::freshness::stage::Stage;
use crate::freshness::system::System;
use crate::freshness::world::Target;

/// Pause between two stories of a gym that expire.
const EXPIRES_EVERY: Duration = Duration::from_secs(9);

/// Everything that there is before the first read; stories go on expiring for so long.
pub(crate) async fn populate(
    seed: u64,
    lasts: Duration,
    system: &System,
    targets: Vec<Target>,
    stage: &Arc<Stage>,
) -> anyhow::Result<Stories> {
    let mut dice = Dice::new(seed, "stories", 0);
    let book = Book::new(Cast::new(&mut dice));
    let mut sql = people(&book.cast);
    let start = Instant::now();
    let times = lasts.as_secs() / EXPIRES_EVERY.as_secs() + 1;
    for turn in 1..=u32::try_from(times)? {
        for gym in 0..GYMS {
            let after = EXPIRES_EVERY * turn + Duration::from_millis(dice.between(0, 4_000));
            let (author, privacy) = (dice.below(PERSONS), Privacy::any(&mut dice));
            let standing = Standing::There { privacy, wording: 0 };
            let story = book.open(gym, author, standing, Some(start + after));
            story.named(&dice.uuid());
            sql.push_str(&vanishing(&book, &story, privacy, after)?);
            book.is_there(&story);
        }
    }
    // The instants were taken here; the database computes from the instant at which the file is written.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)? - start.elapsed();
    let sql = sql.replace("$start", &format!("to_timestamp({}.{:06})", now.as_secs(), now.subsec_micros()));
    system.sql(Domain::Stories, &sql).await?;
    let bearers = book.cast.persons.iter().map(|person| system.members.bearer(person));
    let bearers = bearers.collect::<anyhow::Result<Vec<_>>>()?;
    let tally = stage.tally(Domain::Stories).context("stories are not checked")?;
    Ok(Stories::new(targets, book, bearers, Arc::clone(stage), tally))
}

fn people(cast: &Cast) -> String {
    let emojis: Vec<String> = EMOJIS.iter().map(|emoji| format!("'{emoji}'")).collect();
    let mut sql = String::new();
    for gym in &cast.gyms {
        sql.push_str(&format!(
            "INSERT INTO gym (id, name, emojis, max_stories_per_day, created_at, updated_at) \
               VALUES ('{gym}', 'Checked', ARRAY[{}], 1000, now(), now());\n\
             INSERT INTO feed_clock (gym_id, epoch, seq) VALUES ('{gym}', gen_random_uuid(), 0);\n",
            emojis.join(", ")
        ));
    }
    for (number, person) in cast.persons.iter().enumerate() {
        sql.push_str(&format!(
            "INSERT INTO person (id, name, is_active, catalog_version, updated_at) \
               VALUES ('{person}', 'Person {number}', true, 1, now());\n"
        ));
        for gym in &cast.gyms {
            sql.push_str(&format!(
                "INSERT INTO member (gym_id, user_id, role, joined_at) VALUES ('{gym}', '{person}', 'member', now());\n"
            ));
        }
    }
    sql
}

fn vanishing(book: &Book, story: &super::Story, privacy: Privacy, after: Duration) -> anyhow::Result<String> {
    let (id, gym, author) = (
        story.id().context("a story without an id")?,
        book.cast.gym(story.gym),
        book.cast.person(story.author),
    );
    let (caption, privacy) = (story.caption(0), privacy.as_str());
    let expires = format!("$start + interval '{} milliseconds'", after.as_millis());
    let posted = format!("{expires} - interval '1 hour'");
    Ok(format!(
        "INSERT INTO story (id, gym_id, author_id, kind, caption, privacy, state, duration_hours, display_secs, created_at, \
           updated_at, published_at, expires_at) \
           VALUES ('{id}', '{gym}', '{author}', 'text', '{caption}', '{privacy}', 'active', 1, 7, {posted}, {posted}, {posted}, \
           {expires});\n\
         INSERT INTO story_count (story_id) VALUES ('{id}');\n"
    ))
}
