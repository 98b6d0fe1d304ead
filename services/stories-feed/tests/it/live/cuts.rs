//! Clients that are cut anywhere, at any time, and go on from where they were, while stories come and go and people change how they
//! stand to each other (S-D4): in the end each shows what a fresh read of the feed shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Error;
use uuid::Uuid;

use super::socket::{FENCE, Listener, fence, query};
use crate::harness::Harness;

const CHANGES: usize = 150;
const SETTINGS: &str = "[live]\npoll_ms = 100\n";
const PRIVACIES: [&str; 4] = ["public", "followers", "close_friends", "private"];

/// What a client shows of a story.
type Shown = (String, bool, Json);

/// A client: what it shows, and from where it goes on.
struct Client<'a> {
    app: &'a Harness,
    gym: Uuid,
    person: Uuid,
    dice: StdRng,
    shown: BTreeMap<Uuid, Shown>,
    /// Nothing: the feed is to be read first.
    position: Option<String>,
    /// What an event has to lie beyond to be news.
    read_at: i64,
}

/// How often what happened.
#[derive(Default)]
struct Tally {
    cuts: AtomicUsize,
    recovered: AtomicUsize,
    reads: AtomicUsize,
}

fn seq(position: &str) -> i64 {
    position.split_once(':').unwrap().1.parse().unwrap()
}

fn shown(story: &Json) -> Shown {
    (
        story["privacy"].as_str().unwrap().to_owned(),
        story["is_pinned"].as_bool().unwrap(),
        story["reactions"].clone(),
    )
}

/// What a fresh read shows, and its position. Nothing to who is no member.
async fn fresh(app: &Harness, gym: Uuid, person: Uuid) -> Option<(BTreeMap<Uuid, Shown>, String)> {
    let answer = app.get(&format!("/v1/gyms/{gym}/stories/feed?limit=500"), &app.token(person)).await;
    if answer.status == 404 {
        return None;
    }
    let feed = answer.expect(200).json();
    assert!(feed["next"].is_null(), "the test is too large");
    let people = feed["user_stories"].as_array().unwrap().iter();
    let stories = people.flat_map(|person| person["stories"].as_array().unwrap());
    let stories = stories.map(|story| (story["id"].as_str().unwrap().parse().unwrap(), shown(story)));
    Some((stories.collect(), feed["position"].as_str().unwrap().to_owned()))
}

impl Client<'_> {
    /// Listens and is cut, again and again, until a fence is heard.
    async fn live(mut self, is_over: &AtomicBool, tally: &Tally) -> Self {
        loop {
            let path = format!("/ws/stories/{}{}", self.gym, query(self.position.as_deref()));
            match Listener::connect(&self.app.base, &path, Some(&self.app.token(self.person))).await {
                Ok(listener) => {
                    tally.recovered.fetch_add(usize::from(listener.recovered), Ordering::Relaxed);
                    if self.listen(listener, is_over, tally).await {
                        return self;
                    }
                }
                // Not a member for the moment.
                Err(Error::Http(answer)) => assert_eq!(answer.status(), 404),
                Err(other) => panic!("{other}"),
            }
            tally.cuts.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(self.dice.random_range(0..60))).await;
        }
    }

    /// Whether a fence was heard.
    async fn listen(&mut self, mut listener: Listener, is_over: &AtomicBool, tally: &Tally) -> bool {
        if !listener.recovered && !self.read(tally).await {
            return false;
        }
        // When it is all over, nobody is cut any more.
        let lasts = Duration::from_millis(self.dice.random_range(1..250));
        let listening = async {
            loop {
                match listener.event().await {
                    Ok(event) if event["story_id"] == FENCE.to_string() => return Some(true),
                    Ok(event) => {
                        if !self.apply(&event, tally).await {
                            return Some(false);
                        }
                    }
                    // Sent away for being no member: what it has is void, whoever it may be when it comes back.
                    Err(frame) => {
                        assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(1008));
                        self.position = None;
                        return Some(false);
                    }
                }
            }
        };
        if is_over.load(Ordering::Relaxed) {
            return listening.await == Some(true);
        }
        timeout(lasts, listening).await.ok().flatten() == Some(true)
    }

    /// Reads the feed; false for who may not.
    async fn read(&mut self, tally: &Tally) -> bool {
        tally.reads.fetch_add(1, Ordering::Relaxed);
        self.position = None;
        let Some((shown, position)) = fresh(self.app, self.gym, self.person).await else { return false };
        self.shown = shown;
        self.read_at = seq(&position);
        self.position = Some(position);
        true
    }

    /// Does as it is told; false where that cannot be done.
    async fn apply(&mut self, event: &Json, tally: &Tally) -> bool {
        let position = event["position"].as_str().unwrap();
        let action = event["action"].as_str().unwrap();
        if action == "refetch" {
            // Cut in the middle of it, the client has nothing.
            self.position = None;
            return self.read(tally).await;
        }
        if seq(position) > self.read_at {
            let story: Uuid = event["story_id"].as_str().unwrap().parse().unwrap();
            match action {
                "remove_story" => drop(self.shown.remove(&story)),
                "reaction_counts" => {
                    if let Some(known) = self.shown.get_mut(&story) {
                        known.2 = event["data"]["reactions"].clone();
                    }
                }
                // What only its author is told, for it is not shown.
                "update_story" if event["data"].get("state").is_some() => {}
                _ => self.look_at(story).await,
            }
            self.position = Some(position.to_owned());
        }
        true
    }

    /// A preview is no story.
    async fn look_at(&mut self, story: Uuid) {
        let answer = self.app.get(&format!("/v1/stories/{story}"), &self.app.token(self.person)).await;
        match answer.status.as_u16() {
            200 => drop(self.shown.insert(story, shown(&answer.json()))),
            404 => drop(self.shown.remove(&story)),
            other => panic!("{other}"),
        }
    }
}

/// Those who change things.
struct World<'a> {
    app: &'a Harness,
    gym: Uuid,
    owner: Uuid,
    people: Vec<Uuid>,
    stories: Vec<(Uuid, Uuid)>,
    dice: StdRng,
}

impl World<'_> {
    fn person(&mut self) -> Uuid {
        self.people[self.dice.random_range(0..self.people.len())]
    }

    async fn change(&mut self) {
        let (one, other) = (self.person(), self.person());
        let roll = self.dice.random_range(0..100);
        match roll {
            0..25 => self.post(one).await,
            25..75 if !self.stories.is_empty() => self.touch(one, roll).await,
            _ => self.relate(one, other, roll).await,
        }
    }

    async fn post(&mut self, author: Uuid) {
        let privacy = PRIVACIES[self.dice.random_range(0..4)];
        let body = json!({"type": "text", "caption": "done", "privacy": privacy});
        let path = format!("/v1/gyms/{}/stories", self.gym);
        let answer = self.app.post(&path, &self.app.token(author), &body).await;
        if answer.status == 404 {
            return; // Not a member for the moment.
        }
        let id = answer.expect(201).json()["id"].as_str().unwrap().parse().unwrap();
        self.stories.push((id, author));
    }

    async fn touch(&mut self, viewer: Uuid, roll: u32) {
        let number = self.dice.random_range(0..self.stories.len());
        let (story, author) = self.stories[number];
        let path = format!("/v1/stories/{story}");
        let answer = match roll {
            25..40 => {
                let privacy = PRIVACIES[self.dice.random_range(0..4)];
                let body = json!({"privacy": privacy, "is_pinned": self.dice.random_bool(0.3)});
                self.app.patch(&path, &self.app.token(author), "*", &body).await
            }
            40..50 => {
                self.stories.swap_remove(number);
                self.app.delete(&path, &self.app.token(author)).await
            }
            50..65 => {
                let emoji = ["💪", "🔥", "👏"][self.dice.random_range(0..3)];
                let body = json!({"emoji": emoji});
                self.app.put(&format!("{path}/reaction"), &self.app.token(viewer), Some(&body)).await
            }
            _ => self.app.delete(&format!("{path}/reaction"), &self.app.token(viewer)).await,
        };
        let is_fine = answer.status.is_success() || matches!(answer.status.as_u16(), 403 | 404 | 409 | 422);
        assert!(is_fine, "{path}: {}", answer.text());
    }

    async fn relate(&mut self, one: Uuid, other: Uuid, roll: u32) {
        if roll >= 95 {
            // Out of the gym and into it again.
            let path = format!("/v1/gyms/{}/members/{one}", self.gym);
            let owner = self.app.token(self.owner);
            self.app.delete(&path, &owner).await.expect(204);
            sleep(Duration::from_millis(self.dice.random_range(0..30))).await;
            let back = self.app.put(&path, &owner, Some(&json!({"role": "member"}))).await;
            assert!(back.status.is_success(), "{back:?}");
            return;
        }
        let what = match roll % 3 {
            0 => "follows",
            1 => "close-friends",
            _ => "blocks",
        };
        // Blocks go more often than they come.
        let gone = if what == "blocks" { 0.7 } else { 0.3 };
        let method = if self.dice.random_bool(gone) { Method::DELETE } else { Method::PUT };
        let path = format!("/v1/{what}/{other}");
        let request = self.app.request(method, &path, Some(&self.app.token(one)));
        let status = self.app.send(request).await.status;
        assert!(status.is_success() || matches!(status.as_u16(), 404 | 409 | 422), "{path}: {status}");
    }
}

async fn story_of(seed: u64) {
    let app = Harness::with(SETTINGS).await;
    let replica = app.replica(SETTINGS).await;
    let gym = app.gym().await;
    let owner = app.new_member(gym, "Owner").await;
    app.sql(&format!("UPDATE member SET role = 'owner' WHERE user_id = '{owner}'")).await;
    let mut people = Vec::new();
    for name in ["Ada", "Bob", "Cleo", "Dan"] {
        people.push(app.new_member(gym, name).await);
    }
    let (is_over, tally) = (AtomicBool::new(false), Tally::default());
    let clients = people.iter().flat_map(|person| [(&app, *person), (&replica, *person)]).enumerate();
    let clients: Vec<_> = clients
        .map(|(number, (app, person))| {
            let dice = StdRng::seed_from_u64(seed * 100 + number as u64);
            let (shown, position, read_at) = (BTreeMap::new(), None, 0);
            Client { app, gym, person, dice, shown, position, read_at }.live(&is_over, &tally)
        })
        .collect();
    let dice = StdRng::seed_from_u64(seed);
    let mut world = World { app: &app, gym, owner, people, stories: Vec::new(), dice };
    let changing = async {
        for _ in 0..CHANGES {
            world.change().await;
        }
        is_over.store(true, Ordering::Relaxed);
        // Who was cut after it had read the feed, with a fence in it, but not heard of that fence yet, hears of the next.
        loop {
            app.append(gym, &[fence()]).await;
            sleep(Duration::from_millis(100)).await;
        }
    };
    let clients = tokio::select! {
        clients = futures_util::future::join_all(clients) => clients,
        () = changing => unreachable!("it goes on until all have heard"),
    };
    for client in clients {
        let (expected, _) = fresh(&app, gym, client.person).await.unwrap();
        assert_eq!(client.shown, expected, "seed {seed}, {}", client.person);
    }
    let [cuts, recovered, reads] =
        [&tally.cuts, &tally.recovered, &tally.reads].map(|count| count.load(Ordering::Relaxed));
    assert!(cuts > 50 && recovered > cuts / 4, "{cuts} cuts, {recovered} recovered, {reads} reads");
    replica.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn after_any_cuts_a_client_shows_what_a_fresh_read_shows() {
    for seed in 1..=3 {
        story_of(seed).await;
    }
}
