//! No story outside its audience, whatever is kept where (T6, S-D2): random graphs of people who follow, trust and block each other,
//! changed while two replicas answer from memory; each answer is held against a judge that knows nothing of the service's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use uuid::Uuid;

use super::random::Random;
use super::{feed_of, id, stories};
use crate::fixtures::StoryRow;
use crate::harness::Harness;

const PEOPLE: usize = 7;
const STEPS: usize = 40;

type Pairs = BTreeSet<(Uuid, Uuid)>;

/// What is true.
#[derive(Default)]
struct Truth {
    members: BTreeSet<Uuid>,
    follows: Pairs,
    /// Who counts whom among the close friends.
    trusts: Pairs,
    blocks: Pairs,
    /// Author and privacy of each story that is shown.
    stories: BTreeMap<Uuid, (Uuid, &'static str)>,
    /// Viewer and story.
    seen: Pairs,
}

impl Truth {
    fn may_see(&self, viewer: Uuid, author: Uuid, privacy: &str) -> bool {
        if !self.members.contains(&author) {
            return false;
        }
        if viewer == author {
            return true;
        }
        if self.blocks.contains(&(viewer, author)) || self.blocks.contains(&(author, viewer)) {
            return false;
        }
        match privacy {
            "public" => true,
            "followers" => self.follows.contains(&(viewer, author)),
            "close_friends" => self.trusts.contains(&(author, viewer)),
            _ => false,
        }
    }

    fn expected(&self, viewer: Uuid) -> BTreeSet<Uuid> {
        let sees = |(author, privacy): &(Uuid, &str)| self.may_see(viewer, *author, privacy);
        self.stories.iter().filter(|(_, story)| sees(story)).map(|(story, _)| *story).collect()
    }
}

struct World {
    gym: Uuid,
    people: Vec<Uuid>,
    truth: Truth,
    random: Random,
}

const PRIVACIES: [&str; 4] = ["public", "followers", "close_friends", "private"];

impl World {
    async fn new(app: &Harness, seed: u64) -> Self {
        let (gym, mut random, mut truth) = (app.gym().await, Random::new(seed), Truth::default());
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let person = app.new_member(gym, &format!("Person {number}")).await;
            truth.members.insert(person);
            people.push(person);
        }
        for one in people.clone() {
            for other in people.clone().into_iter().filter(|other| *other != one) {
                if random.once_in(3) {
                    app.follow(one, other).await;
                    truth.follows.insert((one, other));
                }
                if random.once_in(4) {
                    app.close_friend(one, other).await;
                    truth.trusts.insert((one, other));
                }
                if random.once_in(10) {
                    app.block(one, other).await;
                    truth.blocks.insert((one, other));
                }
            }
        }
        let mut world = Self { gym, people, truth, random };
        for _ in 0..12 {
            world.post(app).await;
        }
        world
    }

    async fn post(&mut self, app: &Harness) {
        let (author, privacy) = (self.random.of(&self.people), self.random.of(&PRIVACIES));
        let story = app.story(StoryRow { privacy, ..StoryRow::text(self.gym, author) }).await;
        self.truth.stories.insert(story, (author, privacy));
    }

    fn pair(&mut self) -> (Uuid, Uuid) {
        let one = self.random.of(&self.people);
        let others: Vec<Uuid> = self.people.iter().copied().filter(|other| *other != one).collect();
        (one, self.random.of(&others))
    }

    /// Changes something through the service, or behind its back as a service would.
    async fn change(&mut self, app: &Harness) {
        let gym = self.gym;
        match self.random.below(8) {
            0 => {
                self.post(app).await;
                app.stamp(&[format!("gyms/{gym}/stories")]).await;
            }
            1 => {
                let known: Vec<Uuid> = self.truth.stories.keys().copied().collect();
                let (story, privacy) = (self.random.of(&known), self.random.of(&PRIVACIES));
                let author = self.truth.stories[&story].0;
                app.sql(&format!("UPDATE story SET privacy = '{privacy}' WHERE id = '{story}'")).await;
                app.stamp(&[format!("gyms/{gym}/stories")]).await;
                self.truth.stories.insert(story, (author, privacy));
            }
            2 => {
                let known: Vec<Uuid> = self.truth.stories.keys().copied().collect();
                let story = self.random.of(&known);
                app.sql(&format!(
                    "UPDATE story SET state = 'removed', ended_at = now() WHERE id = '{story}'"
                ))
                .await;
                app.stamp(&[format!("gyms/{gym}/stories")]).await;
                self.truth.stories.remove(&story);
            }
            3 => {
                let person = self.random.of(&self.people);
                if self.truth.members.remove(&person) {
                    app.sql(&format!("DELETE FROM member WHERE user_id = '{person}'")).await;
                } else {
                    app.member(gym, person, "member").await;
                    self.truth.members.insert(person);
                }
                app.stamp(&[format!("gyms/{gym}/stories"), format!("gyms/{gym}/viewers/{person}")]).await;
            }
            4 => {
                let (viewer, known) = (self.random.of(&self.people), self.truth.stories.clone());
                let known: Vec<Uuid> = known.into_keys().collect();
                let story = self.random.of(&known);
                if self.truth.stories[&story].0 != viewer && self.truth.seen.insert((viewer, story)) {
                    app.view(gym, story, viewer, app.clock.now()).await;
                    app.stamp(&[format!("gyms/{gym}/viewers/{viewer}")]).await;
                }
            }
            kind => self.relate(app, kind).await,
        }
    }

    async fn relate(&mut self, app: &Harness, kind: usize) {
        let (one, other) = self.pair();
        let (path, pairs) = match kind {
            5 => ("follows", &mut self.truth.follows),
            6 => ("close-friends", &mut self.truth.trusts),
            _ => ("blocks", &mut self.truth.blocks),
        };
        let (path, token) = (format!("/v1/{path}/{other}"), app.token(one));
        if pairs.contains(&(one, other)) {
            app.delete(&path, &token).await.expect(204);
            pairs.remove(&(one, other));
            return;
        }
        let answer = app.put(&path, &token, None).await;
        // Whom nobody can follow any more: one has left, or a block stands between them.
        if answer.status.as_u16() != 204 {
            return;
        }
        pairs.insert((one, other));
        if kind == 7 {
            for pair in [(one, other), (other, one)] {
                self.truth.follows.remove(&pair);
                self.truth.trusts.remove(&pair);
            }
        }
    }

    async fn check(&mut self, app: &Harness, context: &str) {
        let viewer = self.random.of(&self.people);
        let (path, token) = (format!("{}?limit=500", feed_of(self.gym)), app.token(viewer));
        let answer = app.get(&path, &token).await;
        if !self.truth.members.contains(&viewer) {
            answer.expect_problem(404, "not_found");
            return;
        }
        let page = answer.expect(200).json();
        let shown: BTreeSet<Uuid> = stories(&page).iter().map(|story| id(&story["id"])).collect();
        assert_eq!(shown, self.truth.expected(viewer), "{context}: {viewer} in {}", self.gym);
        for author in page["user_stories"].as_array().unwrap() {
            let is_own = id(&author["user"]["id"]) == viewer;
            let mut has_unseen = false;
            for story in author["stories"].as_array().unwrap() {
                let has_viewed = is_own || self.truth.seen.contains(&(viewer, id(&story["id"])));
                assert_eq!(story["has_viewed"], has_viewed, "{context}");
                has_unseen |= !has_viewed;
            }
            assert_eq!(author["has_unseen"], json!(has_unseen), "{context}");
        }
        let author = self.random.of(&self.people);
        let list =
            app.get(&format!("/v1/gyms/{}/members/{author}/stories", self.gym), &token).await.expect(200);
        let mut expected = self.truth.expected(viewer);
        expected.retain(|story| self.truth.stories[story].0 == author);
        let items: BTreeSet<Uuid> =
            list.json()["items"].as_array().unwrap().iter().map(|story| id(&story["id"])).collect();
        assert_eq!(items, expected, "{context}: what {author} shows to {viewer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_shown_a_story_outside_its_audience() {
    let app = Harness::start().await;
    let other = app.replica("").await;
    let forgetful = app.replica("[freshness]\nlocal_bytes = 0\nlocal_family_bytes = 0\n").await;
    for seed in 0..5 {
        let mut world = World::new(&app, seed).await;
        for step in 0..STEPS {
            for _ in 0..world.random.below(3) {
                world.change(&app).await;
            }
            let context = format!("seed {seed}, step {step}");
            for replica in [&app, &other, &forgetful] {
                world.check(replica, &context).await;
            }
        }
    }
    forgetful.stop().await;
    other.stop().await;
    app.stop().await;
}
