//! What the cache can say to a request at once: the same look-up and the same decisions as on the long way, and only what comes
//! wholly from memory.

use std::sync::Arc;

use coherence::Tracker;
use coherence::clock::{self, Instant};
use http::{HeaderMap, HeaderName, Method, header};
use http_cache::answer::{self, Wire, wants_coding};
use http_cache::{BodyFile, CacheStatus, Stored};

use super::asked::{Asked, Asker};
use super::lookup::{Found, look_up, sets_conditions_for_origin};
use super::{Cache, reply};
use crate::cors;
use crate::forward::Addressed;
use crate::route::Route;
use conditional::Coding;

const X_API_VERSION: HeaderName = HeaderName::from_static("x-api-version");
/// The targeted field that stands apart in what is stored.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Bits of [`Stored::marks`].
const SAYS_VERSION: u8 = 1;
const SAYS_DATE: u8 = 1 << 1;
const SAYS_CORS: u8 = 1 << 2;
const VARIES_BY_ORIGIN: u8 = 1 << 3;
const TARGETED: u8 = 1 << 4;

/// A request that might be answered at once. Its fields are as those of a request that may be forwarded.
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a Method,
    pub(crate) fields: &'a HeaderMap,
    /// Path and query; the path is in its normal form.
    pub(crate) target: &'a str,
    pub(crate) addressed: Addressed<'a>,
    pub(crate) asker: Option<Asker<'a>>,
}

/// A stored answer that a request is answered with.
pub(crate) struct Hit<'a> {
    asking: &'a Asking<'a>,
    stored: Arc<Stored>,
    coding: Coding,
    marks: u8,
    now: Instant,
}

impl Cache {
    /// What is stored for a request, if it may be answered with as it is.
    pub(crate) fn hit<'a>(
        &self,
        tracker: &Tracker,
        route: &Route,
        asking: &'a Asking<'a>,
    ) -> Option<Hit<'a>> {
        if sets_conditions_for_origin(asking.fields) {
            return None;
        }
        let now = clock::now();
        let Asking { method, fields, target, addressed, asker } = asking;
        let asked = Asked::read(method, fields, addressed, target, *asker);
        let (_key, Found::Usable(stored)) = look_up(self, tracker, &asked, now) else { return None };
        let coding = reply::coding_of(route, &stored, &asked);
        let marks = stored.marks(|stored| self.mark(stored));
        let hit = Hit { asking, stored, coding, marks, now };
        let lacks_coding = wants_coding(&hit.stored, &hit.asked()) && hit.stored.coding(coding).is_none();
        (!lacks_coding).then_some(hit)
    }

    /// Where the kernel finds the body that is sent, if it lies in a file; one that is asked for again is put into one for those who
    /// come later.
    pub(crate) fn file(&self, hit: &Hit<'_>, wire: &Wire<'_>) -> Option<Arc<BodyFile>> {
        let files = self.files.as_ref()?;
        let content = wire.sent()?;
        if content.wants_file() {
            let (files, stored, coding) = (Arc::clone(files), Arc::clone(&hit.stored), hit.coding);
            // Nobody waits for it.
            drop(tokio::task::spawn_blocking(move || {
                if let Err(error) = stored.content_in(coding).put_into(&files) {
                    tracing::warn!(%error, "a body cannot be put into a file; it is sent from memory");
                }
            }));
        }
        content.file().map(Arc::clone)
    }

    fn mark(&self, stored: &Stored) -> u8 {
        let fields = stored.headers();
        let is_cors = |name: &HeaderName| name.as_str().starts_with("access-control-");
        let targeted = &self.coding_here.targeted;
        let mut others = targeted.iter().filter(|name| **name != CDN_CACHE_CONTROL);
        let stays = !targeted.contains(&CDN_CACHE_CONTROL) && fields.contains_key(CDN_CACHE_CONTROL);
        let targeted = stays || others.any(|name| fields.contains_key(name));
        [
            (SAYS_VERSION, fields.contains_key(X_API_VERSION)),
            (SAYS_DATE, fields.contains_key(header::DATE)),
            (SAYS_CORS, fields.keys().any(is_cors)),
            (VARIES_BY_ORIGIN, cors::varies_by_origin(&fields)),
            (TARGETED, targeted),
        ]
        .into_iter()
        .fold(0, |marks, (mark, holds)| if holds { marks | mark } else { marks })
    }
}

impl Hit<'_> {
    fn asked(&self) -> answer::Asked<'_> {
        answer::Asked { method: self.asking.method, headers: self.asking.fields, coding: self.coding }
    }

    /// The answer, where it is the whole or a 304, and has no fields that are to be left out one by one: `governed` are all those
    /// targeted at caches, which a gateway that hears of writes keeps to itself; `cors` those that give permission to pages.
    pub(crate) fn wire(&self, governed: bool, cors: bool) -> Option<Wire<'_>> {
        let unfit = if governed { TARGETED } else { 0 } | if cors { SAYS_CORS } else { 0 };
        if self.marks & unfit != 0 {
            return None;
        }
        Wire::of(&self.stored, &self.asked())
    }

    /// The time as of which it was found good.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// What this cache says of itself.
    pub(crate) fn status(&self) -> CacheStatus<'static> {
        CacheStatus::hit(self.stored.terms().ttl_seconds(self.stored.resident(self.now)))
    }

    /// Whether the answer has an `X-Api-Version`.
    pub(crate) fn says_version(&self) -> bool {
        self.marks & SAYS_VERSION != 0
    }

    /// Whether the answer has a `Date`.
    pub(crate) fn says_date(&self) -> bool {
        self.marks & SAYS_DATE != 0
    }

    /// Whether the answer says by itself that it depends on the origin of the page.
    pub(crate) fn varies_by_origin(&self) -> bool {
        self.marks & VARIES_BY_ORIGIN != 0
    }
}
