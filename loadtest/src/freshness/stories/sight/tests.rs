use std::time::Duration;

use super::super::cast::{Cast, Tie, Ties};
use super::*;
use crate::freshness::dice::Dice;

const PUBLIC: Standing = Standing::There { privacy: Privacy::Public, wording: 0 };
const FEED: About = About::Feed { gym: 0, all: true };
const AUTHOR: usize = 0;
const VIEWER: usize = 1;

/// A history in which everything that is written is acknowledged 10 ms later.
struct Tale {
    book: Book,
    start: Instant,
}

impl Tale {
    fn new() -> Self {
        Self { book: Book::new(Cast::new(&mut Dice::new(1, "tale", 0))), start: Instant::now() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn post(&self, millis: u64) -> Arc<Story> {
        let story = self.book.open(0, AUTHOR, Standing::Away, None);
        self.stand(&story, PUBLIC, millis);
        self.book.is_there(&story);
        story
    }

    fn stand(&self, story: &Story, standing: Standing, millis: u64) {
        let sent = story.standing.send(standing, self.at(millis));
        story.standing.acknowledge(sent, self.at(millis + 10));
    }

    fn tie(&self, ties: Ties, millis: u64) {
        let (register, _) = self.book.cast.ties(AUTHOR, VIEWER).unwrap();
        let sent = register.send(ties, self.at(millis));
        register.acknowledge(sent, self.at(millis + 10));
    }

    fn look(&self, about: About, seen: &Seen, from: u64, to: u64) -> Option<String> {
        let look = Look { viewer: VIEWER, began: self.at(from), ended: self.at(to) };
        self.book.judge(about, seen, look).unwrap().map(|finding| finding.what)
    }
}

fn shown(story: &Story) -> Shown {
    Shown {
        caption: story.caption(0),
        privacy: "public".to_owned(),
        has_viewed: false,
        reaction: None,
        reactions: HashMap::new(),
        views: None,
    }
}

fn whole(stories: Vec<Shown>) -> Seen {
    Seen { stories, is_whole: true }
}

#[test]
fn a_story_that_was_acknowledged_is_missed() {
    let tale = Tale::new();
    let story = tale.post(100);
    assert_eq!(tale.look(FEED, &Seen::nothing(), 105, 120), None, "its answer had not come yet");
    let missing = tale.look(FEED, &Seen::nothing(), 110, 120).unwrap();
    assert!(missing.contains("is not there"), "{missing}");
    assert_eq!(tale.look(FEED, &whole(vec![shown(&story)]), 110, 120), None);
    let part = Seen { stories: Vec::new(), is_whole: false };
    assert_eq!(tale.look(FEED, &part, 110, 120), None, "it may be on the next page");
    assert!(tale.look(About::Story { number: story.number }, &Seen::nothing(), 110, 120).is_some());
}

#[test]
fn a_story_that_was_deleted_is_there_no_more() {
    let tale = Tale::new();
    let story = tale.post(100);
    tale.stand(&story, Standing::Away, 200);
    let seen = whole(vec![shown(&story)]);
    assert_eq!(tale.look(FEED, &seen, 205, 230), None, "it was asked for before the answer");
    let stale = tale.look(FEED, &seen, 210, 230).unwrap();
    assert!(stale.contains("it was gone"), "{stale}");
    assert_eq!(tale.look(FEED, &Seen::nothing(), 210, 230), None);
}

#[test]
fn a_story_that_shows_itself_before_its_answer_is_judged_as_well() {
    let tale = Tale::new();
    let story = tale.book.open(0, AUTHOR, Standing::Away, None);
    let seen = whole(vec![shown(&story)]);
    assert!(tale.look(FEED, &seen, 50, 60).is_some(), "nobody has posted it");
    story.standing.send(PUBLIC, tale.at(100));
    assert_eq!(tale.look(FEED, &seen, 50, 110), None);
    assert_eq!(tale.look(FEED, &Seen::nothing(), 50, 110), None);
}

#[test]
fn who_was_blocked_or_lost_sight_sees_nothing() {
    let tale = Tale::new();
    let story = tale.post(100);
    let seen = whole(vec![shown(&story)]);
    tale.tie(Ties::default().after(Tie::Block, 1, true), 200);
    assert_eq!(tale.look(FEED, &seen, 205, 230), None);
    assert!(tale.look(FEED, &seen, 210, 230).is_some_and(|what| what.contains("may not see it")));
    assert_eq!(tale.look(FEED, &Seen::nothing(), 210, 230), None);
    tale.tie(Ties::default(), 300);
    assert!(tale.look(FEED, &Seen::nothing(), 310, 330).is_some());
    tale.stand(&story, Standing::There { privacy: Privacy::Followers, wording: 0 }, 400);
    assert!(tale.look(FEED, &seen, 410, 430).is_some());
    tale.tie(Ties::default().after(Tie::Follow, 1, true), 500);
    assert!(
        tale.look(FEED, &seen, 510, 530).is_some_and(|what| what.contains("is public")),
        "an old privacy"
    );
    assert!(tale.look(FEED, &Seen::nothing(), 510, 530).is_some());
}

#[test]
fn reactions_and_views_are_at_least_as_new() {
    let tale = Tale::new();
    let story = tale.post(100);
    let old = whole(vec![shown(&story)]);
    let sent = story.reactions[VIEWER].send(Some(1), tale.at(200));
    story.reactions[VIEWER].acknowledge(sent, tale.at(210));
    assert_eq!(tale.look(FEED, &old, 205, 220), None);
    assert!(tale.look(FEED, &old, 210, 220).is_some_and(|what| what.contains("the reaction None")));
    let mut own = shown(&story);
    own.reaction = Some(EMOJIS[1].to_owned());
    let wrong = tale.look(FEED, &whole(vec![own.clone()]), 210, 220).unwrap();
    assert!(wrong.contains("has 0 ×"), "{wrong}");
    own.reactions.insert(EMOJIS[1].to_owned(), 1);
    assert_eq!(tale.look(FEED, &whole(vec![own.clone()]), 210, 220), None);
    // Another one's, on its way.
    story.reactions[2].send(Some(1), tale.at(300));
    own.reactions.insert(EMOJIS[1].to_owned(), 2);
    assert_eq!(tale.look(FEED, &whole(vec![own.clone()]), 305, 320), None);
    assert!(tale.look(FEED, &whole(vec![own.clone()]), 210, 220).is_some());

    let sent = story.seen[VIEWER].send(true, tale.at(400));
    story.seen[VIEWER].acknowledge(sent, tale.at(410));
    assert!(
        tale.look(FEED, &whole(vec![own.clone()]), 410, 420)
            .is_some_and(|what| what.contains("has_viewed false"))
    );
    own.has_viewed = true;
    assert_eq!(tale.look(FEED, &whole(vec![own]), 410, 420), None);
}

#[test]
fn an_author_is_told_of_every_view() {
    let tale = Tale::new();
    let story = tale.post(100);
    let sent = story.seen[VIEWER].send(true, tale.at(200));
    story.seen[VIEWER].acknowledge(sent, tale.at(210));
    let mut own = shown(&story);
    (own.has_viewed, own.views) = (true, Some(0));
    let look = |seen: Shown| {
        let look = Look { viewer: AUTHOR, began: tale.at(210), ended: tale.at(220) };
        let about = About::Story { number: story.number };
        tale.book.judge(about, &whole(vec![seen]), look).unwrap().map(|finding| finding.what)
    };
    assert!(look(own.clone()).is_some_and(|what| what.contains("has 0 views")));
    own.views = Some(1);
    assert_eq!(look(own), None);
}

#[test]
fn what_has_expired_is_gone_by_itself() {
    let tale = Tale::new();
    let story = tale.book.open(0, AUTHOR, PUBLIC, Some(tale.at(500)));
    tale.book.is_there(&story);
    let seen = whole(vec![shown(&story)]);
    assert!(tale.look(FEED, &Seen::nothing(), 100, 400).is_some());
    assert_eq!(tale.look(FEED, &seen, 100, 400), None);
    assert_eq!(tale.look(FEED, &seen, 490, 600), None, "it was there when it was asked for");
    assert!(tale.look(FEED, &seen, 510, 600).is_some_and(|what| what.contains("had expired")));
    assert_eq!(tale.look(FEED, &Seen::nothing(), 490, 600), None);
}

#[test]
fn what_nobody_posted_is_no_answer_and_another_gym_is_no_place() {
    let tale = Tale::new();
    let story = tale.post(100);
    let mut stranger = shown(&story);
    stranger.caption = "7.0".to_owned();
    let look = Look { viewer: VIEWER, began: tale.at(110), ended: tale.at(120) };
    assert!(tale.book.judge(FEED, &whole(vec![stranger]), look).is_err());
    let elsewhere = About::Feed { gym: 1, all: true };
    assert!(tale.look(elsewhere, &whole(vec![shown(&story)]), 110, 120).is_some());
}

#[test]
fn answers_are_read_as_they_are_sent() {
    let item = r#"{"id":"x","type":"text","caption":"3.1","privacy":"public","has_viewed":true,"reaction":null,"reactions":{"💪":2}}"#;
    let feed = format!(
        r#"{{"gym_id":"g","user_stories":[{{"user":{{}},"has_unseen":true,"stories":[{item}]}}],"next":null}}"#
    );
    let seen = Seen::of(FEED, feed.as_bytes()).unwrap();
    assert!(seen.is_whole && seen.stories[0].reactions["💪"] == 2);
    let member = format!(r#"{{"user":{{}},"items":[{item}],"next":"more"}}"#);
    assert!(!Seen::of(About::Member { gym: 0, author: 0 }, member.as_bytes()).unwrap().is_whole);
    assert_eq!(Seen::of(About::Story { number: 3 }, item.as_bytes()).unwrap().stories.len(), 1);
    assert_eq!(Seen::of(FEED, b"{}"), None);
}
