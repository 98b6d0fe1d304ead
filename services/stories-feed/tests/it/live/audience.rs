//! Events arrive at those who may see, and at nobody else (T6).

use serde_json::json;
use uuid::Uuid;

use super::socket::{Entry, Listener, QUICK, fence};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

const PRIVACIES: [&str; 4] = ["public", "followers", "close_friends", "private"];

/// Somebody who listens, and which of [`PRIVACIES`] may be seen.
struct Viewer {
    name: &'static str,
    listener: Listener,
    sees: [bool; 4],
}

struct Gym {
    id: Uuid,
    author: Uuid,
    stories: [Uuid; 4],
    persons: Vec<(&'static str, Uuid, [bool; 4])>,
}

impl Gym {
    async fn of(app: &Harness) -> Self {
        let id = app.gym().await;
        let author = app.new_member(id, "Author").await;
        let mut persons = vec![("the author", author, [true; 4])];
        for (name, follows, is_friend, blocks, sees) in [
            ("a stranger", false, false, None, [true, false, false, false]),
            ("a follower", true, false, None, [true, true, false, false]),
            ("a close friend", false, true, None, [true, false, true, false]),
            ("both", true, true, None, [true, true, true, false]),
            ("who blocked the author", true, true, Some(true), [false; 4]),
            ("who is blocked by the author", true, true, Some(false), [false; 4]),
        ] {
            let person = app.new_member(id, name).await;
            if follows {
                app.follow(person, author).await;
            }
            if is_friend {
                app.close_friend(author, person).await;
            }
            match blocks {
                Some(true) => app.block(person, author).await,
                Some(false) => app.block(author, person).await,
                None => {}
            }
            persons.push((name, person, sees));
        }
        let mut stories = Vec::new();
        for privacy in PRIVACIES {
            stories.push(app.story(StoryRow { privacy, ..StoryRow::text(id, author) }).await);
        }
        Self { id, author, stories: stories.try_into().unwrap(), persons }
    }

    async fn listen(&self, app: &Harness, position: Option<&str>) -> Vec<Viewer> {
        let mut viewers = Vec::new();
        for (name, person, sees) in &self.persons {
            let listener = Listener::open(app, self.id, *person, position).await;
            viewers.push(Viewer { name, listener, sees: *sees });
        }
        viewers
    }

    /// Every action for every privacy, and what is for the author alone.
    fn entries(&self) -> Vec<Entry> {
        let of = |action| {
            let stories = self.stories.iter().zip(PRIVACIES);
            stories.map(move |(story, privacy)| Entry::story(action, *story, self.author, privacy))
        };
        let mut entries: Vec<_> = of("prepend_story").chain(of("update_story")).collect();
        let counts = json!({"reactions": {"💪": 2}});
        entries.extend(of("reaction_counts").map(|entry| entry.with(counts.clone())));
        entries.extend(of("remove_story"));
        entries.push(of("update_story").next().unwrap().for_author());
        entries.push(fence());
        entries
    }

    fn expected(&self, viewer: &Viewer) -> Vec<(String, Uuid)> {
        let mut expected = Vec::new();
        for action in ["prepend_story", "update_story", "reaction_counts", "remove_story"] {
            let seen = self.stories.iter().zip(viewer.sees).filter(|(_, sees)| *sees);
            expected.extend(seen.map(|(story, _)| (action.to_owned(), *story)));
        }
        if viewer.name == "the author" {
            expected.push(("update_story".to_owned(), self.stories[0]));
        }
        expected
    }
}

#[tokio::test]
async fn each_hears_what_it_may_see_at_once_and_after_a_cut() {
    let app = Harness::with(QUICK).await;
    let gym = Gym::of(&app).await;
    let mut viewers = gym.listen(&app, None).await;
    let before = viewers[0].listener.position.clone();
    app.append(gym.id, &gym.entries()).await;
    for viewer in &mut viewers {
        assert_eq!(viewer.listener.until_fence().await, gym.expected(viewer), "{}", viewer.name);
    }
    for mut viewer in gym.listen(&app, Some(&before)).await {
        assert!(viewer.listener.recovered);
        assert_eq!(viewer.listener.until_fence().await, gym.expected(&viewer), "{}", viewer.name);
    }
    app.stop().await;
}

/// What changes how a viewer stands to an author is in the log, and counts from there on.
#[tokio::test]
async fn who_is_seen_differently_hears_differently_from_there_on() {
    let app = Harness::with(QUICK).await;
    let gym = app.gym().await;
    let [author, viewer, other] =
        [app.new_member(gym, "A").await, app.new_member(gym, "B").await, app.new_member(gym, "C").await];
    let story = app.story(StoryRow { privacy: "followers", ..StoryRow::text(gym, author) }).await;
    let said = || Entry::story("prepend_story", story, author, "followers");
    let mut listener = Listener::open(&app, gym, viewer, None).await;
    let mut bystander = Listener::open(&app, gym, other, None).await;
    let refetch = ("refetch".to_owned(), Uuid::nil());
    let prepend = ("prepend_story".to_owned(), story);
    for (change, sees) in [
        (format!("INSERT INTO follow VALUES ('{viewer}', '{author}', now())"), true),
        (format!("INSERT INTO block VALUES ('{author}', '{viewer}', now())"), false),
        (format!("DELETE FROM block WHERE blocker_id = '{author}'"), true),
        (format!("DELETE FROM follow WHERE follower_id = '{viewer}'"), false),
    ] {
        let entries = [Entry::refetch(Some(viewer)), said(), fence()];
        app.sql(&format!("{change}; {}", super::socket::append_sql(gym, &entries))).await;
        let mut expected = vec![refetch.clone()];
        expected.extend(sees.then(|| prepend.clone()));
        assert_eq!(listener.until_fence().await, expected, "{change}");
        assert_eq!(bystander.until_fence().await, [], "it is nobody else's business");
    }
    // To all at once.
    app.follow(other, author).await;
    app.append(gym, &[Entry::refetch(None), said(), fence()]).await;
    assert_eq!(bystander.until_fence().await, [refetch.clone(), prepend]);
    assert_eq!(listener.until_fence().await, [refetch]);
    app.stop().await;
}

#[tokio::test]
async fn one_gym_hears_nothing_of_another() {
    let app = Harness::with(QUICK).await;
    let (one, other) = (Gym::of(&app).await, Gym::of(&app).await);
    app.member(other.id, one.author, "member").await;
    let mut here = Listener::open(&app, one.id, one.author, None).await;
    let mut there = Listener::open(&app, other.id, one.author, None).await;
    app.append(other.id, &other.entries()).await;
    app.append(one.id, &[fence()]).await;
    assert_eq!(here.until_fence().await, []);
    assert_eq!(there.until_fence().await.len(), 4, "the public one");
    app.stop().await;
}
