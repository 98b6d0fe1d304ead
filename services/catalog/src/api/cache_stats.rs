//! `GET /debug/cache-stats`: what the cache of this replica has done for each model (C-A10, C-D10).

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use freshness::Stats;
use serde_json::{Map, Value as Json, json};

use super::incoming;
use crate::domain::access::{self, ADMINISTRATOR};
use crate::error::ServiceError;
use crate::state::AppState;

/// What an answer is taken to need while there is none to measure: a thousand of them fill a model's share.
const EXPECTED_BYTES: u64 = 7 * 1024;

/// For administrators, and in development for anybody.
pub(crate) async fn get_cache_stats(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    if !state.settings.open_cache_stats {
        access::at_least(&incoming::required_principal(&request, &state)?, ADMINISTRATOR)?;
    }
    incoming::no_parameters(&request)?;
    let mut models = Map::new();
    for model in state.context.registry.models() {
        models.insert(model.path.to_owned(), shown(&state.context.records.stats(model.path).await));
    }
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "private, no-store")).json(models))
}

fn shown(stats: &Stats) -> Json {
    // The bound is in bytes; as a number of answers it depends on how large they are.
    let mean = stats.bytes.checked_div(stats.entries).filter(|mean| *mean > 0).unwrap_or(EXPECTED_BYTES);
    json!({
        "size": stats.entries,
        "max_size": stats.max_bytes / mean,
        "hits": stats.hits,
        "misses": stats.misses,
        "hit_rate": hit_rate(stats.hits, stats.misses),
        "bytes": stats.bytes,
        "max_bytes": stats.max_bytes,
        "evictions": stats.evictions,
        "oldest_age_seconds": stats.oldest.unwrap_or_default().as_secs(),
        "lease_waits": stats.lease_waits,
    })
}

/// As people read it: `83.5%`.
fn hit_rate(hits: u64, misses: u64) -> String {
    let asked = hits.saturating_add(misses).max(1);
    let permille = u128::from(hits) * 1000 / u128::from(asked);
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::hit_rate;

    #[test]
    fn a_rate_has_one_digit_behind_its_point() {
        assert_eq!(hit_rate(835, 165), "83.5%");
        assert_eq!(hit_rate(0, 0), "0.0%");
        assert_eq!(hit_rate(7, 0), "100.0%");
        assert_eq!(hit_rate(u64::MAX, 1), "100.0%");
    }
}
