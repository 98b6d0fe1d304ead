//! What an answer shows, and whether that is as new as what was acknowledged before it was asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;

use super::book::{Book, Standing, Story, numbers};
use super::cast::{EMOJIS, PERSONS, Privacy};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A gym's feed; with `all`, of everybody that it shows.
    Feed { gym: usize, all: bool },
    /// What one member shows in a gym.
    Member { gym: usize, author: usize },
    /// One story.
    Story { number: usize },
}

/// One story as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Shown {
    caption: String,
    privacy: String,
    has_viewed: bool,
    reaction: Option<String>,
    reactions: HashMap<String, u32>,
    /// Of one's own story, asked for by itself.
    #[serde(default)]
    views: Option<u32>,
}

#[derive(Deserialize)]
struct Feed {
    user_stories: Vec<OfUser>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct OfUser {
    stories: Vec<Shown>,
}

#[derive(Deserialize)]
struct Member {
    items: Vec<Shown>,
    next: Option<String>,
}

/// All that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    stories: Vec<Shown>,
    /// What is not there is not shown at all.
    is_whole: bool,
}

impl Seen {
    /// The body of a 200; none when it cannot be read.
    pub(crate) fn of(about: About, body: &[u8]) -> Option<Self> {
        match about {
            About::Feed { all, .. } => {
                let feed: Feed = serde_json::from_slice(body).ok()?;
                let stories = feed.user_stories.into_iter().flat_map(|user| user.stories).collect();
                Some(Self { stories, is_whole: all && feed.next.is_none() })
            }
            About::Member { .. } => {
                let member: Member = serde_json::from_slice(body).ok()?;
                Some(Self { stories: member.items, is_whole: member.next.is_none() })
            }
            About::Story { .. } => {
                Some(Self { stories: vec![serde_json::from_slice(body).ok()?], is_whole: true })
            }
        }
    }

    /// There is nothing.
    pub(crate) fn nothing() -> Self {
        Self { stories: Vec::new(), is_whole: true }
    }
}

/// What is wrong, and with which story.
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) story: Arc<Story>,
}

/// Who asked, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) viewer: usize,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

impl Book {
    /// The first thing that is older than what was acknowledged before the look began; an error says that a story cannot be recognised.
    pub(crate) fn judge(&self, about: About, seen: &Seen, look: Look) -> Result<Option<Finding>, String> {
        let mut shown_numbers = Vec::with_capacity(seen.stories.len());
        for shown in &seen.stories {
            let known =
                numbers(&shown.caption).and_then(|(number, wording)| Some((self.story(number)?, wording)));
            let (story, wording) =
                known.ok_or_else(|| format!("a story that nobody posted: {:?}", shown.caption))?;
            shown_numbers.push(story.number);
            let wrong = belongs(about, &story)
                .or_else(|| self.wrongly_there(about, &story, look))
                .or_else(|| outdated(&story, shown, wording, look));
            if let Some(what) = wrong {
                return Ok(Some(Finding { what: format!("story {} {what}", story.number), story }));
            }
        }
        if !seen.is_whole {
            return Ok(None);
        }
        let alone = matches!(about, About::Story { .. });
        let missing = self.expected(about).into_iter().find(|story| {
            !shown_numbers.contains(&story.number)
                && self.sight(story, look.viewer, alone, look.began, look.ended).must
        });
        Ok(missing.map(|story| {
            let what = format!(
                "story {} of person {} is not there, which the asker had to see",
                story.number, story.author
            );
            Finding { what, story }
        }))
    }

    /// Those that may be missed.
    fn expected(&self, about: About) -> Vec<Arc<Story>> {
        match about {
            About::Feed { gym, .. } => self.current(gym),
            About::Member { gym, author } => {
                let mut stories = self.current(gym);
                stories.retain(|story| story.author == author);
                stories
            }
            About::Story { number } => self.story(number).into_iter().collect(),
        }
    }

    fn wrongly_there(&self, about: About, story: &Story, look: Look) -> Option<String> {
        let alone = matches!(about, About::Story { .. });
        let Look { viewer, began, ended } = look;
        if self.sight(story, viewer, alone, began, ended).may {
            return None;
        }
        let standings = story.standing.possible(began, ended);
        Some(if standings.is_surely(Standing::Away) {
            "is there although it was gone".to_owned()
        } else if story.has_surely_expired(began) {
            "is there although it had expired".to_owned()
        } else {
            let ties = self.cast.ties(story.author, viewer);
            let ties = ties.map(|(register, side)| (register.possible(began, ended), side));
            format!("is there although the asker may not see it: {standings:?}, {ties:?}")
        })
    }
}

fn belongs(about: About, story: &Story) -> Option<String> {
    let fits = match about {
        About::Feed { gym, .. } => story.gym == gym,
        About::Member { gym, author } => story.gym == gym && story.author == author,
        About::Story { number } => story.number == number,
    };
    (!fits).then(|| "does not belong there".to_owned())
}

/// What the story shows that is older than it may be.
fn outdated(story: &Story, shown: &Shown, wording: u32, look: Look) -> Option<String> {
    let Look { viewer, began, ended } = look;
    let standings = story.standing.possible(began, ended);
    let standing = Privacy::parse(&shown.privacy).map(|privacy| Standing::There { privacy, wording });
    if standing.is_none_or(|standing| !standings.has(standing)) {
        return Some(format!("is {} in wording {wording}; possible were {standings:?}", shown.privacy));
    }
    if story.author != viewer {
        let seen = story.seen.get(viewer)?.possible(began, ended);
        if !seen.has(shown.has_viewed) {
            return Some(format!("has has_viewed {}; possible were {seen:?}", shown.has_viewed));
        }
    }
    let own = story.reactions.get(viewer)?.possible(began, ended);
    let reaction = shown.reaction.as_deref();
    if !own.iter().any(|emoji| emoji.and_then(|emoji| EMOJIS.get(emoji).copied()) == reaction) {
        return Some(format!("has the reaction {reaction:?} of the asker; possible were {own:?}"));
    }
    let all: Vec<_> = story.reactions.iter().map(|reaction| reaction.possible(began, ended)).collect();
    // The parts of an answer are of different instants within the read: what is shown may have been deleted by the time it was counted.
    let may_be_gone = standings.has(Standing::Away);
    for (emoji, name) in EMOJIS.iter().enumerate() {
        let sure = all.iter().filter(|reaction| reaction.is_surely(Some(emoji))).count();
        let least = if may_be_gone { 0 } else { sure };
        let most = all.iter().filter(|reaction| reaction.has(Some(emoji))).count();
        let count = shown.reactions.get(*name).copied().unwrap_or_default();
        if !(least..=most).contains(&usize::try_from(count).unwrap_or(usize::MAX)) {
            return Some(format!("has {count} × {name}; possible were {least} to {most}"));
        }
    }
    let views = shown.views?;
    let others =
        || (0..PERSONS).filter(|person| *person != story.author).filter_map(|person| story.seen.get(person));
    let least = others().filter(|seen| seen.possible(began, ended).is_surely(true)).count();
    let most = others().filter(|seen| seen.possible(began, ended).has(true)).count();
    let outside = !(least..=most).contains(&usize::try_from(views).unwrap_or(usize::MAX));
    outside.then(|| format!("has {views} views; possible were {least} to {most}"))
}

#[cfg(test)]
mod tests;
