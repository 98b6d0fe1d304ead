//! One read and its judgement: what it may not be older than is noted before the request leaves.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;

use super::chronicle::Violation;
use super::herd::{BREEDS, Herd, Record, Who, path};
use super::parts::Domain;
use super::pool::{Failure, Reply};
use super::scan;
use super::world::{Target, World};

/// What an answer is about, and so where its version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// One record.
    Record { slot: usize },
    /// One record with another one inside.
    RecordWith { slot: usize, inner: usize, inner_model: usize },
    /// A model as a whole: a list, a delta, its metadata, its statistics.
    Model { slot: usize },
}

/// One thing to ask.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) path: PathAndQuery,
    pub(crate) about: About,
}

impl Question {
    pub(crate) fn record(record: &Record) -> Option<Self> {
        Some(Self { path: record.path().parse().ok()?, about: About::Record { slot: record.slot } })
    }

    /// An animal with its breed.
    pub(crate) fn animal_with_breed(herd: &Herd, animal: &Record) -> Option<Self> {
        Some(Self {
            path: format!("{}?include=breed", animal.path()).parse().ok()?,
            about: About::RecordWith {
                slot: animal.slot,
                inner: herd.breed_of(animal)?.slot,
                inner_model: BREEDS,
            },
        })
    }

    /// `rest` follows the model's own path.
    pub(crate) fn model(model: usize, rest: &str) -> Option<Self> {
        Some(Self {
            path: format!("/v1/{}{rest}", path(model)).parse().ok()?,
            about: About::Model { slot: model },
        })
    }
}

/// The oldest states that an answer may show, taken before the request leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floors {
    own: u64,
    inner: u64,
    inner_model: u64,
}

/// What an answer showed where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    slot: usize,
    version: u64,
    floor: u64,
}

/// What came of a read, for whoever asked.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// The version shown of what was asked for.
    pub(crate) version: Option<u64>,
}

impl World {
    fn floors(&self, about: About) -> Floors {
        match about {
            About::Record { slot } | About::Model { slot } => {
                Floors { own: self.ledger.floor(slot), ..Floors::default() }
            }
            About::RecordWith { slot, inner, inner_model } => Floors {
                own: self.ledger.floor(slot),
                inner: self.ledger.floor(inner),
                inner_model: self.ledger.floor(inner_model),
            },
        }
    }

    /// Asks, judges and counts. None when nothing came that shows a state.
    pub(crate) async fn ask(
        &self,
        target: &Target,
        question: &Question,
        who: Who,
        presented: Option<&HeaderValue>,
        longest: Duration,
    ) -> Option<Answer> {
        let phase = self.tally.now();
        let request = self.request(target, question, who, presented)?;
        let floors = self.floors(question.about);
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
        let tag = presented.and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let Some(shown) = judge(question.about, floors, reply.status, &reply.body, tag) else {
            if reply.status.is_success() || reply.status == StatusCode::NOT_MODIFIED {
                self.unreadable.fetch_add(1, Ordering::Relaxed);
            }
            self.tally.over(phase).read_failed(reply.status.as_u16().to_string());
            return None;
        };
        self.tally.over(phase).read(target.is_gateway, began, &reply);
        for shown in shown.iter().flatten() {
            self.ledger.saw(shown.slot, shown.version);
            if shown.version < shown.floor {
                self.tally.over(phase).stale.fetch_add(1, Ordering::Relaxed);
                self.stage.chronicle.accuse(Domain::Catalog.label(), || Violation {
                    domain: Domain::Catalog.label(),
                    question: question.path.to_string(),
                    asked_by: who.label().to_owned(),
                    through: target.name.clone(),
                    status: reply.status.as_u16(),
                    finding: format!(
                        "with version {} although {} had been acknowledged",
                        shown.version, shown.floor
                    ),
                    began_at: self.stage.seconds(began),
                    ended_at: self.stage.seconds(Instant::now()),
                    cache_status: reply.header("cache-status").to_owned(),
                    age: reply.header("age").to_owned(),
                    tag: reply.header("etag").to_owned(),
                    presented: tag.to_owned(),
                    phase: self.tally.over(phase).label.clone(),
                    writes: self.ledger.writes(shown.slot),
                    faults: Vec::new(),
                });
            }
        }
        Some(Answer { version: shown.first().copied().flatten().map(|shown| shown.version), reply })
    }

    fn request(
        &self,
        target: &Target,
        question: &Question,
        who: Who,
        presented: Option<&HeaderValue>,
    ) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .uri(Uri::from(question.path.clone()))
            .header(header::HOST, target.host.clone());
        if let Some(token) = self.tokens.of(who) {
            request = request.header(header::AUTHORIZATION, token.clone());
        }
        if let Some(tag) = presented {
            request = request.header(header::IF_NONE_MATCH, tag.clone());
        }
        request.body(Full::default()).ok()
    }
}

/// Which versions an answer shows; none when it shows no state. What is not there is version 0, and a 304 shows what the
/// presented tag names.
fn judge(
    about: About,
    floors: Floors,
    status: StatusCode,
    body: &[u8],
    presented: &str,
) -> Option<[Option<Shown>; 2]> {
    let one = |slot, version| Some([Some(Shown { slot, version, floor: floors.own }), None]);
    match (status, about) {
        (StatusCode::OK, About::Record { slot } | About::Model { slot }) => {
            one(slot, scan::last_version(body)?)
        }
        (StatusCode::OK, About::RecordWith { slot, inner, .. }) => {
            let inside = Shown { slot: inner, version: scan::first_version(body)?, floor: floors.inner };
            Some([Some(Shown { slot, version: scan::last_version(body)?, floor: floors.own }), Some(inside)])
        }
        (StatusCode::NOT_FOUND, About::Record { slot } | About::RecordWith { slot, .. }) => one(slot, 0),
        (StatusCode::NOT_MODIFIED, about) => {
            let numbers = scan::tag_numbers(presented);
            match (about, numbers.as_slice()) {
                (About::Record { slot }, [version]) | (About::Model { slot }, [_, version, ..]) => {
                    one(slot, *version)
                }
                (About::RecordWith { slot, inner_model, .. }, [version, beside]) => {
                    let inside = Shown { slot: inner_model, version: *beside, floor: floors.inner_model };
                    Some([Some(Shown { slot, version: *version, floor: floors.own }), Some(inside)])
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: About = About::Record { slot: 9 };

    fn first(about: About, status: u16, body: &str, presented: &str) -> Option<u64> {
        let status = StatusCode::from_u16(status).unwrap();
        let shown = judge(about, Floors::default(), status, body.as_bytes(), presented)?;
        shown.first().copied().flatten().map(|shown| shown.version)
    }

    #[test]
    fn a_304_shows_the_state_of_the_tag_that_was_presented() {
        assert_eq!(first(RECORD, 304, "", "\"17\""), Some(17));
        assert_eq!(first(About::Model { slot: 1 }, 304, "", "\"1.40\""), Some(40));
        assert_eq!(first(RECORD, 304, "", ""), None);
    }

    #[test]
    fn what_is_not_there_is_older_than_every_version() {
        assert_eq!(first(RECORD, 404, "{}", ""), Some(0));
        assert_eq!(first(About::Model { slot: 1 }, 404, "{}", ""), None);
    }

    #[test]
    fn a_refusal_shows_no_state() {
        assert_eq!(first(RECORD, 503, "{\"version\":3}", ""), None);
        assert_eq!(first(RECORD, 200, "{}", ""), None);
    }

    #[test]
    fn an_included_record_is_judged_by_its_own_floor_and_a_304_by_that_of_its_model() {
        let about = About::RecordWith { slot: 9, inner: 5, inner_model: 0 };
        let floors = Floors { own: 41, inner: 3, inner_model: 40 };
        let body = br#"{"id":"a","breed":{"id":"b","version":2},"version":41}"#;
        let [own, inner] = judge(about, floors, StatusCode::OK, body, "").unwrap();
        assert_eq!(own, Some(Shown { slot: 9, version: 41, floor: 41 }));
        assert_eq!(inner, Some(Shown { slot: 5, version: 2, floor: 3 }));
        let [own, inner] = judge(about, floors, StatusCode::NOT_MODIFIED, b"", "\"41-39\"").unwrap();
        assert_eq!(own, Some(Shown { slot: 9, version: 41, floor: 41 }));
        assert_eq!(inner, Some(Shown { slot: 0, version: 39, floor: 40 }));
    }
}
