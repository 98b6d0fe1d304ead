//! Sign out everywhere: every session of the caller ends.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use identity::Principal;
use problem::{Problem, registry};
use uuid::Uuid;

use super::error::AuthError;
use super::state::AuthState;
use crate::store::auth::sessions::{self, Reason};

/// Sign out everywhere.
///
/// No refresh token of yours works any longer. Access tokens go on until they expire.
#[utoipa::path(
    post,
    path = "/v1/auth/logout_all",
    operation_id = "end_sessions",
    tag = "auth",
    responses(
        (status = 204, description = "All sessions have ended"),
        (status = 401, description = "`unauthenticated`, `token_expired`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("WWW-Authenticate" = String, description = "RFC 6750"))),
        (status = 403, description = "`forbidden`: the token is of another issuer, which keeps its own sessions", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 503, description = "`unavailable`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn end_sessions(
    auth: web::Data<AuthState>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let user = own_user(&principal, &auth.config().issuer)?;
    end(&auth, user).await?;
    Ok(HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish())
}

/// Only our own tokens name our own users: another issuer may give the same subject to somebody else.
pub(super) fn own_user(principal: &Principal, issuer: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(&principal.subject).ok().filter(|_| principal.issuer == issuer).ok_or_else(|| {
        Problem::new(&registry::FORBIDDEN).detail("the token is of an issuer that keeps its own sessions")
    })
}

async fn end(auth: &AuthState, user: Uuid) -> Result<usize, AuthError> {
    let mut conn = auth.pool().write().await?;
    Ok(sessions::revoke_all(&mut conn, user, Reason::Logout, auth.now()).await?)
}
