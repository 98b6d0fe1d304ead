//! The parcel desk: its people announce, receive, store, price, hand over and give back packages, change names and put up slots, and
//! read through every way; and the clock makes packages dearer and overdue meanwhile.

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

pub(crate) mod assets;
mod desk;
mod facts;
mod readers;
pub(crate) mod seed;
mod sight;
mod steps;
mod writers;

use desk::{ADMIN, Desk, OPERATOR, Package, STAFF, VIEWERS};
use facts::Status;
use sight::{About, Filter, Finding, Look, Seen};

/// Answers that cannot be read, of which so many are told.
const TOLD: u64 = 5;
/// What is put away is looked for so often.
const PUT_AWAY_EVERY: Duration = Duration::from_secs(1);

/// What readers and writers of packages share.
pub(crate) struct Packages {
    /// Gateways first, then replicas of the service.
    targets: Vec<Target>,
    gateways: usize,
    desk: Desk,
    /// By viewer.
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
    /// A list; `rest` leaves nobody out.
    fn list(desk: &Desk, filter: Filter, rest: &str) -> Option<Self> {
        let query = match filter {
            Filter::All => String::new(),
            Filter::In(statuses) => {
                let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
                format!("status={}", names.join(","))
            }
            Filter::Overdue => "status=overdue".to_owned(),
            Filter::Of(customer) => format!("customer_id={}", desk.customers.get(customer)?.id),
            Filter::Unidentified => "unidentified=true".to_owned(),
            Filter::Numbered(number) => format!("q={}", desk.package(number)?.guide),
        };
        let parts = [query.as_str(), rest];
        let query: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("/v1/packages{mark}{}", query.join("&")).parse().ok()?;
        Some(Self { path, about: About::List { filter, is_first: !rest.contains("page=") } })
    }

    fn package(package: &Package) -> Option<Self> {
        let path = format!("/v1/packages/{}", package.id()?).parse().ok()?;
        Some(Self { path, about: About::Package { number: package.number } })
    }

    fn announcements(only_pending: bool) -> Self {
        let path = if only_pending { "/v1/announcements?status=pending" } else { "/v1/announcements" };
        Self { path: PathAndQuery::from_static(path), about: About::Announcements { only_pending } }
    }

    fn figures() -> Self {
        Self { path: PathAndQuery::from_static("/v1/packages/stats"), about: About::Figures }
    }
}

impl Packages {
    pub(crate) fn new(
        targets: Vec<Target>,
        desk: Desk,
        bearers: Vec<HeaderValue>,
        stage: Arc<Stage>,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            gateways: targets.iter().filter(|target| target.is_gateway).count(),
            targets,
            desk,
            bearers,
            tally,
            stage,
            extra: Arc::new(Semaphore::new(EXTRA_READS)),
            unreadable: AtomicU64::new(0),
        }
    }

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
            (StatusCode::NOT_FOUND, About::Package { .. }) => Arc::new(Seen::nothing()),
            (status, _) => {
                self.tally.over(phase).read_failed(status.as_u16().to_string());
                return None;
            }
        };
        self.tally.over(phase).read(target.is_gateway, began, &reply);
        match self.desk.judge(question.about, &seen, look) {
            Ok(None) => {}
            Ok(Some(finding)) => {
                self.tally.over(phase).stale.fetch_add(1, Ordering::Relaxed);
                let presented = had.and_then(|(tag, _)| tag.to_str().ok()).unwrap_or_default();
                self.stage.chronicle.accuse(Domain::Packages.label(), || Violation {
                    phase: self.tally.over(phase).label.clone(),
                    presented: presented.to_owned(),
                    ..self.violation(target, question, look, &reply, &finding)
                });
            }
            Err(why) => self.cannot_read(question, &why),
        }
        Some(Answer { status: reply.status, tag: copied_tag(&reply), seen })
    }

    fn violation(
        &self,
        target: &Target,
        question: &Question,
        look: Look,
        reply: &Reply,
        finding: &Finding,
    ) -> Violation {
        Violation {
            domain: Domain::Packages.label(),
            question: question.path.to_string(),
            asked_by: viewer_name(look.viewer),
            through: target.name.clone(),
            status: reply.status.as_u16(),
            finding: finding.what.clone(),
            began_at: self.stage.seconds(look.began),
            ended_at: self.stage.seconds(look.ended),
            cache_status: reply.header("cache-status").to_owned(),
            age: reply.header("age").to_owned(),
            tag: reply.header("etag").to_owned(),
            presented: String::new(),
            phase: String::new(),
            writes: self.desk.notes(finding.package.as_deref()),
            faults: Vec::new(),
        }
    }

    fn cannot_read(&self, question: &Question, why: &str) {
        if self.unreadable.fetch_add(1, Ordering::Relaxed) < TOLD {
            eprintln!("{} cannot be judged: {why}", question.path);
        }
    }

    /// A write did something else than what everything is judged by.
    fn misjudged(&self, why: &str) {
        if self.unreadable.fetch_add(1, Ordering::Relaxed) < TOLD {
            eprintln!("{why}");
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

    /// Starts readers and writers.
    pub(crate) fn start(self: &Arc<Self>, tasks: &mut JoinSet<()>, seed: u64, reads: f64, writes: f64) {
        let dice = |purpose, number| Dice::new(seed, purpose, number);
        readers::start(self, tasks, &dice, reads);
        writers::start(self, tasks, &dice, writes);
        tasks.spawn(put_away(Arc::clone(self)));
    }

    /// Asks everywhere for everything once more when nobody writes any longer: what is stale now stays so.
    pub(crate) async fn last_look(&self) {
        let everywhere = self.targets.iter().map(|target| async move {
            for viewer in 0..VIEWERS {
                for question in self.everything(viewer) {
                    self.ask(target, &question, viewer, None, readers::PATIENCE).await;
                }
            }
        });
        futures_util::future::join_all(everywhere).await;
    }

    fn everything(&self, viewer: usize) -> Vec<Question> {
        let desk = &self.desk;
        let statuses = [
            Filter::In(&[Status::Announced]),
            Filter::In(&[Status::Received]),
            Filter::In(&[Status::Stored, Status::Notified]),
            Filter::In(&[Status::Delivered, Status::Returned, Status::Cancelled]),
            Filter::In(&[Status::Lost, Status::Damaged]),
            Filter::Overdue,
            Filter::All,
        ];
        let customers = (0..desk.customers.len()).map(Filter::Of);
        let filters: Vec<Filter> =
            if viewer < STAFF { statuses.into_iter().chain(customers).collect() } else { vec![Filter::All] };
        let lists = filters.into_iter().filter_map(|filter| Question::list(desk, filter, "limit=100"));
        let figures = (viewer < STAFF).then(Question::figures);
        let announcements = [true, false].map(Question::announcements);
        let (live, _) = desk.live();
        let packages = live.iter().filter_map(|package| Question::package(package));
        lists.chain(figures).chain(announcements).chain(packages).collect()
    }
}

async fn put_away(packages: Arc<Packages>) {
    while !packages.is_stopping() {
        tokio::time::sleep(PUT_AWAY_EVERY).await;
        packages.desk.put_away(Instant::now());
    }
}

fn viewer_name(viewer: usize) -> String {
    match viewer {
        OPERATOR => "an operator".to_owned(),
        ADMIN => "an admin".to_owned(),
        _ => desk::customer_of(viewer)
            .map_or_else(|| "an auditor".to_owned(), |customer| format!("customer {customer}")),
    }
}

/// A copy: the value itself would keep the whole answer's buffer alive.
fn copied_tag(reply: &Reply) -> Option<HeaderValue> {
    let tag = reply.header("etag");
    if tag.is_empty() { None } else { HeaderValue::from_str(tag).ok() }
}
