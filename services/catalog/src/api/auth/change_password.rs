//! `POST /v1/auth/password`: a person's own password, for whoever knows the present one. An access token alone is not enough:
//! it may have been borrowed for a minute.

use actix_web::{HttpRequest, HttpResponse, web};
use identity::Principal;
use problem::Problem;
use secrecy::SecretString;
use service_error::ServiceError;
use utoipa::ToSchema;

use super::body::Body;
use super::client_address::client_key;
use super::end_sessions::own_user;
use super::error::AuthError;
use super::state::AuthState;
use crate::domain::access;
use crate::domain::credential::{MAX_CHARS, Verification};
use crate::operations::perform;
use crate::operations::set_password::SetPassword;
use crate::state::AppState;
use crate::store::auth::users;

/// Fewest characters of a new password.
const MIN_CHARS: usize = 8;
const MEMBERS: [&str; 2] = ["current_password", "new_password"];

/// The present and the next password.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the API's document is made of it; the body is read by `Body`, which keeps secrets secret"
)]
pub(crate) struct PasswordRequest {
    /// The password that is valid now.
    #[schema(max_length = 1024)]
    current_password: String,
    /// The password from now on.
    #[schema(min_length = 8, max_length = 1024)]
    new_password: String,
}

/// Change your password.
///
/// All your sessions end; sign in again with the new password.
#[utoipa::path(
    post,
    path = "/v1/auth/password",
    operation_id = "change_password",
    tag = "auth",
    request_body(content((PasswordRequest = "application/json"))),
    responses(
        (status = 204, description = "Changed"),
        (status = 400, description = "`malformed_json`, `malformed_request`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 401, description = "`unauthenticated`, `token_expired`, `invalid_credentials`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 403, description = "`forbidden`: the token is of another issuer", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 413, description = "`payload_too_large`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 415, description = "`unsupported_media_type`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 422, description = "`validation_failed`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 429, description = "`too_many_requests`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds until the next attempt"))),
        (status = 503, description = "`unavailable`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn change_password(
    state: web::Data<AppState>,
    auth: web::Data<AuthState>,
    principal: Principal,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ServiceError> {
    let user = own_user(&principal, &auth.config().issuer)?;
    let mut body = Body::read(&request, payload, &MEMBERS).await.map_err(Problem::from)?;
    let current = body.required("current_password", MAX_CHARS);
    let next = body.required("new_password", MAX_CHARS);
    body.at_least("new_password", &next, MIN_CHARS);
    body.finish().map_err(Problem::from)?;
    let address = client_key(&request, &auth.config().trusted_proxies);
    let hash = hash_if_right(&auth, &address, user, current, next).await.map_err(Problem::from)?;
    let Some(model) = state.context.registry.model("user") else { return Err(service_error::not_found()) };
    let change = SetPassword { model, id: user, hash, actor: access::actor(&principal) };
    Ok(perform(&state.context, None, change).await?.to_response())
}

async fn hash_if_right(
    auth: &AuthState,
    address: &str,
    user: uuid::Uuid,
    current: SecretString,
    next: SecretString,
) -> Result<String, AuthError> {
    auth.attempts().count(address, &user.to_string()).await?;
    let account = {
        let mut conn = auth.pool().read().await?;
        users::by_id(&mut conn, user).await?.filter(|account| account.active)
    };
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    if auth.hasher().verify(current, stored).await? == Verification::Wrong {
        return Err(AuthError::InvalidCredentials);
    }
    auth.attempts().succeed(&user.to_string()).await;
    auth.hasher().hash(next).await
}
