//! What the private port says of the cache, and lets an operator do with it.
//!
//! - `GET /_cache/explain?url=…`: what would become of a request, and why. `header=Name: value`, any number of times, adds
//!   request fields; the asker's own `Authorization` is taken for the request's.
//! - `POST /_cache/purge`: forgets groups, one address, or everything.
//! - `GET /_cache/stats`: numbers.
//!
//! None of it is needed for answers to be fresh: services tell of their writes themselves.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{self, Data, PayloadConfig, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use http::HeaderValue;
use http_server::JsonBody;
use problem::{Problem, registry};
use serde::Serialize;

mod asked;
mod told;

pub use asked::{ExplainRequest, Purge, Target};
pub use told::{AudienceTold, Explained, GroupTold, LeaseTold, Purged, VariantTold};

/// A thousand names of groups fit in.
const MOST_PURGE_BYTES: usize = 256 << 10;

/// The cache as the private port sees it. Called on a thread that serves others as well: nothing here may block.
pub trait CacheAdmin: Send + Sync + 'static {
    /// What would become of this request. Asking changes nothing, counts included.
    fn explain(&self, request: &ExplainRequest) -> Explained;

    /// Forgets. When it has ended, nothing that was purged is answered by this gateway any more, nor by the others that are
    /// counted in its result.
    fn purge<'a>(&'a self, purge: &'a Purge) -> LocalBoxFuture<'a, Purged>;

    /// Numbers, as a JSON object.
    fn stats(&self) -> serde_json::Value;

    /// The domains that there are, in the order of their names.
    fn domains(&self) -> Vec<String>;
}

/// Registers the three endpoints.
pub fn configure(app: &mut ServiceConfig, cache: Arc<dyn CacheAdmin>) {
    app.app_data(Data::from(cache))
        .service(web::resource("/_cache/explain").route(web::get().to(explain)))
        .service(
            web::resource("/_cache/purge")
                .app_data(PayloadConfig::new(MOST_PURGE_BYTES))
                .route(web::post().to(purge)),
        )
        .service(web::resource("/_cache/stats").route(web::get().to(stats)));
}

async fn explain(
    request: HttpRequest,
    parameters: Query<Vec<(String, String)>>,
    cache: Data<dyn CacheAdmin>,
) -> Result<HttpResponse, Problem> {
    let own = request.headers().get(header::AUTHORIZATION);
    // actix has its own type for what is the same bytes.
    let own = own.map(|own| HeaderValue::from_bytes(own.as_bytes())).transpose();
    let own = own.map_err(|error| Problem::new(&registry::MALFORMED_REQUEST).cause(error))?;
    let asked = ExplainRequest::read(&parameters, own.as_ref())?;
    Ok(answer(&cache.explain(&asked)))
}

async fn purge(
    body: JsonBody<asked::PurgeBody>,
    cache: Data<dyn CacheAdmin>,
) -> Result<HttpResponse, Problem> {
    let purge = body.0.check(&cache.domains())?;
    let purged = cache.purge(&purge).await;
    tracing::info!(
        target = ?purge.target,
        soft = purge.soft,
        entries = purged.entries,
        groups = purged.groups,
        edges = ?purged.edges,
        "purged by an operator"
    );
    Ok(answer(&purged))
}

async fn stats(cache: Data<dyn CacheAdmin>) -> HttpResponse {
    answer(&cache.stats())
}

fn answer(told: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(told)
}
