//! Give a refresh token back (RFC 7009): its session ends, whichever of its tokens it is.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::error::AuthError;
use super::state::AuthState;
use crate::domain::session::RefreshToken;
use crate::store::auth::sessions::{self, Reason};

/// Access tokens come here too, and are longer.
const MAX_TOKEN_CHARS: usize = 8 * 1024;

/// A token to give back, as JSON or as a form.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevokeRequest {
    /// The refresh token.
    #[schema(max_length = 8192)]
    token: String,
    /// Ignored: tokens are told apart by their form.
    token_type_hint: Option<String>,
    /// Ignored; clients are not registered.
    client_id: Option<String>,
}

/// Give a refresh token back.
///
/// Its whole session ends. Tokens that are unknown or have ended are fine too, so the answer is always the same. An access
/// token cannot be taken back and goes on until it expires; give back the refresh token it came with.
#[utoipa::path(
    post,
    path = "/v1/auth/revoke",
    operation_id = "revoke_token",
    tag = "auth",
    request_body(content(
        (RevokeRequest = "application/json"),
        (RevokeRequest = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "The token is of no use any longer, if it ever was"),
        (status = 400, description = "`malformed_json`, `malformed_request`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 413, description = "`payload_too_large`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 415, description = "`unsupported_media_type`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 422, description = "`validation_failed`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 503, description = "`unavailable`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(()),
)]
pub(crate) async fn revoke_token(
    auth: web::Data<AuthState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut body = Body::read(&request, payload, &["token", "token_type_hint", "client_id"]).await?;
    let token = body.required("token", MAX_TOKEN_CHARS);
    body.finish()?;
    if let Some(token) = RefreshToken::parse(&token) {
        revoke(&auth, &token).await?;
    }
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish())
}

async fn revoke(auth: &AuthState, token: &RefreshToken) -> Result<(), AuthError> {
    let now = auth.now();
    auth.pool()
        .tx("revoke_session", async |conn| {
            if let Some(family) = sessions::family_of(conn, &token.hash()).await? {
                sessions::revoke(conn, family, Reason::Revoked, now).await?;
            }
            Ok(())
        })
        .await
}
