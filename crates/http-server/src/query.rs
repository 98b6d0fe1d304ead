//! What stands in the query of a request.

use actix_web::{HttpRequest, web};
use problem::{Problem, registry};

/// Most parameters of one query.
const MAX_PARAMETERS: usize = 64;

/// The decoded pairs of the query in their order, 64 at most.
///
/// # Errors
/// `invalid_parameter` where it is not well formed, or has more.
pub fn query_pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map(web::Query::into_inner)
        .map_err(|error| {
            Problem::new(&registry::INVALID_PARAMETER)
                .detail("the query is not well formed")
                .cause(error.to_string())
        })?;
    if pairs.len() > MAX_PARAMETERS {
        let detail = format!("at most {MAX_PARAMETERS} parameters are read");
        return Err(Problem::new(&registry::INVALID_PARAMETER).detail(detail));
    }
    Ok(pairs)
}
