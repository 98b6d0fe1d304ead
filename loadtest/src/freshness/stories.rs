//! The feed of stories: its members post, delete, change who sees, react, look, follow and block, and read through every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::chronicle::{Violation, WriteNote};
use super::dice::Dice;
use super::parts::Domain;
use super::pool::{Failure, Reply};
use super::send::{End, Post, Write};
use super::stage::Stage;
use super::tally::Tally;
use super::world::{EXTRA_READS, Target};

mod book;
mod cast;
mod readers;
pub(crate) mod seed;
mod sight;
mod writers;

use book::{Book, Story};
use cast::{GYMS, PERSONS};
use sight::{About, Look, Seen};

/// Answers that cannot be read, of which so many are told.
const TOLD: u64 = 5;

/// What readers and writers of stories share.
pub(crate) struct Stories {
    /// Gateways first, then replicas of the service.
    targets: Vec<Target>,
    gateways: usize,
    book: Book,
    /// By person.
    bearers: Vec<HeaderValue>,
    tally: Arc<Tally>,
    pub(crate) stage: Arc<Stage>,
    extra: Arc<Semaphore>,
    /// Answers that show something that cannot be judged.
    pub(crate) unreadable: AtomicU64,
}

/// One thing to ask.
#[derive(Clone, Debug)]
struct Question {
    path: PathAndQuery,
    about: About,
}

/// What came of a read.
struct Answer {
    status: StatusCode,
    tag: Option<HeaderValue>,
    seen: Arc<Seen>,
}

/// What the asker has already: its tag, and what it shows.
type Had = (HeaderValue, Arc<Seen>);

impl Question {
    /// `rest` is a query that leaves nobody out.
    fn feed(book: &Book, gym: usize, rest: &str) -> Option<Self> {
        let path = format!("/v1/gyms/{}/stories/feed{rest}", book.cast.gym(gym)).parse().ok()?;
        let all = !rest.contains("filter_type");
        Some(Self { path, about: About::Feed { gym, all } })
    }

    fn member(book: &Book, gym: usize, author: usize) -> Option<Self> {
        let (gym_id, author_id) = (book.cast.gym(gym), book.cast.person(author));
        let path = format!("/v1/gyms/{gym_id}/members/{author_id}/stories").parse().ok()?;
        Some(Self { path, about: About::Member { gym, author } })
    }

    fn story(story: &Story) -> Option<Self> {
        let path = format!("/v1/stories/{}", story.id()?).parse().ok()?;
        Some(Self { path, about: About::Story { number: story.number } })
    }
}

impl Stories {
    fn is_stopping(&self) -> bool {
        self.stage.is_stopping()
    }

    /// Asks as somebody, judges and counts. None when nothing came that shows a state.
    async fn ask(
        &self,
        target: &Target,
        question: &Question,
        viewer: usize,
        had: Option<&Had>,
        longest: Duration,
    ) -> Option<Answer> {
        let phase = self.tally.now();
        let request = self.request(target, question, viewer, had.map(|(tag, _)| tag))?;
        let began = Instant::now();
        let reply = match target.pool.exchange(request, longest).await {
            Ok(reply) => reply,
            Err(failure) => {
                // What the end of the run cuts off says nothing.
                if !(self.is_stopping() && failure == Failure::TimedOut) {
                    self.tally.over(phase).read_failed(failure.label());
                }
                return None;
            }
        };
        let look = Look { viewer, began, ended: Instant::now() };
        let seen = match (reply.status, question.about) {
            (StatusCode::OK, about) => match Seen::of(about, &reply.body) {
                Some(seen) => Arc::new(seen),
                None => {
                    self.cannot_read(question, "its body has another form");
                    return None;
                }
            },
            // It shows what the asker has.
            (StatusCode::NOT_MODIFIED, _) => Arc::clone(&had?.1),
            (StatusCode::NOT_FOUND, About::Story { .. }) => Arc::new(Seen::nothing()),
            (status, _) => {
                self.tally.over(phase).read_failed(status.as_u16().to_string());
                return None;
            }
        };
        self.tally.over(phase).read(target.is_gateway, began, &reply);
        match self.book.judge(question.about, &seen, look) {
            Ok(None) => {}
            Ok(Some(finding)) => {
                let presented = had.and_then(|(tag, _)| tag.to_str().ok()).unwrap_or_default();
                self.tally.over(phase).stale.fetch_add(1, Ordering::Relaxed);
                self.stage.chronicle.accuse(Domain::Stories.label(), || Violation {
                    domain: Domain::Stories.label(),
                    question: question.path.to_string(),
                    asked_by: format!("person {viewer}"),
                    through: target.name.clone(),
                    status: reply.status.as_u16(),
                    finding: finding.what,
                    began_at: self.stage.seconds(look.began),
                    ended_at: self.stage.seconds(look.ended),
                    cache_status: reply.header("cache-status").to_owned(),
                    age: reply.header("age").to_owned(),
                    tag: reply.header("etag").to_owned(),
                    presented: presented.to_owned(),
                    phase: self.tally.over(phase).label.clone(),
                    writes: self.book.notes(&finding.story),
                    faults: Vec::new(),
                });
            }
            Err(why) => self.cannot_read(question, &why),
        }
        Some(Answer { status: reply.status, tag: copied_tag(&reply), seen })
    }

    /// Sends a write until its end is known, or for long enough.
    async fn write(&self, write: &Write, dice: &mut Dice, note: impl Fn(WriteNote)) -> End {
        let post = Post {
            targets: &self.targets,
            gateways: self.gateways,
            bearers: &self.bearers,
            tally: &self.tally,
            stage: &self.stage,
        };
        post.write(write, dice, note).await
    }

    fn cannot_read(&self, question: &Question, why: &str) {
        if self.unreadable.fetch_add(1, Ordering::Relaxed) < TOLD {
            eprintln!("{} cannot be judged: {why}", question.path);
        }
    }

    fn request(
        &self,
        target: &Target,
        question: &Question,
        viewer: usize,
        presented: Option<&HeaderValue>,
    ) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .uri(Uri::from(question.path.clone()))
            .header(header::HOST, target.host.clone())
            .header(header::AUTHORIZATION, self.bearers.get(viewer)?.clone());
        if let Some(tag) = presented {
            request = request.header(header::IF_NONE_MATCH, tag.clone());
        }
        request.body(Full::default()).ok()
    }

    /// Starts readers and writers.
    pub(crate) fn start(self: &Arc<Self>, tasks: &mut JoinSet<()>, seed: u64, reads: f64, writes: f64) {
        let dice = |purpose, number| Dice::new(seed, purpose, number);
        readers::start(self, tasks, &dice, reads);
        writers::start(self, tasks, &dice, writes);
    }

    /// Asks everywhere for everything once more when nobody writes any longer: what is stale now stays so.
    pub(crate) async fn last_look(&self) {
        let everywhere = self.targets.iter().map(|target| async move {
            for viewer in 0..PERSONS {
                for gym in 0..GYMS {
                    let feed = Question::feed(&self.book, gym, "?limit=500");
                    let members = (0..PERSONS).map(|author| Question::member(&self.book, gym, author));
                    let current = self.book.current(gym);
                    let stories = current.iter().map(|story| Question::story(story));
                    for question in std::iter::once(feed).chain(members).chain(stories).flatten() {
                        self.ask(target, &question, viewer, None, readers::PATIENCE).await;
                    }
                }
            }
        });
        futures_util::future::join_all(everywhere).await;
    }
}

/// A copy: the value itself would keep the whole answer's buffer alive.
fn copied_tag(reply: &Reply) -> Option<HeaderValue> {
    let tag = reply.header("etag");
    if tag.is_empty() { None } else { HeaderValue::from_str(tag).ok() }
}

impl Stories {
    pub(crate) fn new(
        targets: Vec<Target>,
        book: Book,
        bearers: Vec<HeaderValue>,
        stage: Arc<Stage>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            gateways: targets.iter().filter(|target| target.is_gateway).count(),
            targets,
            book,
            bearers,
            tally,
            stage,
            extra: Arc::new(Semaphore::new(EXTRA_READS)),
            unreadable: AtomicU64::new(0),
        }
    }
}
