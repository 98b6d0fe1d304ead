//! One entry of the registry.

use actix_web::http::StatusCode;

/// A kind of problem: what clients may branch on.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Stable name in snake case, unique over all services.
    pub code: &'static str,
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Short and the same for every occurrence.
    pub title: &'static str,
    /// What happened and what to do about it, for the published page.
    pub doc: &'static str,
}

impl ProblemType {
    /// The `type` of RFC 9457, a reference relative to the gateway: `/problems/<code>`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("/problems/{}", self.code)
    }

    /// The status as actix has it; a number that is none is a server error.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
