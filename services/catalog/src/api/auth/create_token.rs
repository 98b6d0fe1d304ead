//! Sign in, or exchange a refresh token for the next pair.
//!
//! The answer says nothing about which users there are: not by its text, not by its status, and as far as we can not by the
//! time it takes. Access tokens are signed before anything is stored, so an answer that cannot be given costs nothing.

use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use problem::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::client_address::client_key;
use super::error::AuthError;
use super::issue::{Bearer, TokenResponse, access_token, new_refresh_token};
use super::keyring::Ring;
use super::problems::UNSUPPORTED_GRANT_TYPE;
use super::state::AuthState;
use crate::domain::credential::{MAX_CHARS, Verification, credential_mark};
use crate::domain::session::{RefreshToken, is_open};
use crate::store::auth::sessions::{self, NewSession, Reason, Use};
use crate::store::auth::users::{self, Account};

/// An e-mail address has at most 254 characters.
const MAX_USERNAME_CHARS: usize = 254;
/// Ours have 52; others cannot be ours.
const MAX_REFRESH_TOKEN_CHARS: usize = 512;
/// The members of a request. The last two are of RFC 6749; they change nothing here.
const MEMBERS: [&str; 6] = ["grant_type", "username", "password", "refresh_token", "client_id", "scope"];

/// A request for tokens, as JSON or as a form: user name and password, or a refresh token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// `password`, which is also what it is when it is left out, or `refresh_token`.
    #[schema(example = "password")]
    grant_type: Option<String>,
    /// Identification or e-mail address.
    #[schema(max_length = 254)]
    username: Option<String>,
    /// The password.
    #[schema(max_length = 1024, format = Password)]
    password: Option<String>,
    /// The last refresh token, with `grant_type` `refresh_token`.
    #[schema(max_length = 512)]
    refresh_token: Option<String>,
    /// Ignored; clients are not registered.
    client_id: Option<String>,
    /// Ignored; what a token may do follows from the person's role.
    scope: Option<String>,
}

/// What is asked for.
enum Grant {
    Password { username: SecretString, password: SecretString },
    Refresh { token: SecretString },
}

/// Get an access token and a refresh token.
///
/// With user name and password this begins a session; with a refresh token it goes on. Each refresh token works once. One that
/// comes a second time, even at the same moment, ends its session for everybody.
#[utoipa::path(
    post,
    path = "/v1/auth/token",
    operation_id = "create_token",
    tag = "auth",
    request_body(content(
        (TokenRequest = "application/json"),
        (TokenRequest = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "Tokens", body = TokenResponse, headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = 400, description = "`malformed_json`, `malformed_request`, `unsupported_grant_type`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 401, description = "`invalid_credentials`, `invalid_grant`, `refresh_token_reused`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 413, description = "`payload_too_large`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 415, description = "`unsupported_media_type`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 422, description = "`validation_failed`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 429, description = "`too_many_requests`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds until the next attempt"))),
        (status = 503, description = "`unavailable`", content_type = "application/problem+json", body = ref("#/components/schemas/Problem"), headers(("Retry-After" = u32, description = "Seconds"))),
    ),
    security(()),
)]
pub(crate) async fn create_token(
    auth: web::Data<AuthState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let grant = read_grant(Body::read(&request, payload, &MEMBERS).await?)?;
    let tokens = match grant {
        Grant::Password { username, password } => {
            let address = client_key(&request, &auth.config().trusted_proxies);
            sign_in(&auth, &address, username.expose_secret(), password).await?
        }
        Grant::Refresh { token } => refresh(&auth, &token).await?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .json(tokens))
}

fn read_grant(mut body: Body) -> Result<Grant, AuthError> {
    let grant_type = body.optional("grant_type");
    let grant = match grant_type.as_ref().map_or("password", |text| text.expose_secret()) {
        "password" => Grant::Password {
            username: body.required("username", MAX_USERNAME_CHARS),
            password: body.required("password", MAX_CHARS),
        },
        "refresh_token" => Grant::Refresh { token: body.required("refresh_token", MAX_REFRESH_TOKEN_CHARS) },
        _ => {
            let problem = Problem::new(&UNSUPPORTED_GRANT_TYPE);
            let fault = problem.field("/grant_type", "not_allowed", "must be password or refresh_token");
            return Err(AuthError::Request(fault));
        }
    };
    body.finish()?;
    Ok(grant)
}

async fn sign_in(
    auth: &AuthState,
    address: &str,
    username: &str,
    password: SecretString,
) -> Result<TokenResponse, AuthError> {
    auth.attempts().count(address, username).await?;
    let account = {
        // Given back before the password is hashed, which takes longer than any statement.
        let mut conn = auth.pool().read().await?;
        users::find(&mut conn, username).await?.filter(|account| account.active)
    };
    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let verification = auth.hasher().verify(password.clone(), stored).await?;
    let (Some(account), Some(stored)) = (&account, stored) else { return Err(AuthError::InvalidCredentials) };
    if verification == Verification::Wrong {
        return Err(AuthError::InvalidCredentials);
    }
    auth.attempts().succeed(username).await;
    if let Some(stats) = telemetry::request::current() {
        stats.set_principal(&account.id.to_string());
    }
    let stored = match verification {
        Verification::RightButOutdated => renew_hash(auth, account.id, stored, password).await?,
        _ => stored.to_owned(),
    };
    begin_session(auth, account, &stored).await
}

/// Stores a hash with today's parameters; returns the hash that is stored in the end.
async fn renew_hash(
    auth: &AuthState,
    user: Uuid,
    old: &str,
    password: SecretString,
) -> Result<String, AuthError> {
    // Best left for another day when the service is busy: the old hash is still right.
    let Ok(new) = auth.hasher().hash(password).await else { return Ok(old.to_owned()) };
    let marks = (credential_mark(old), credential_mark(&new));
    let replaced = auth
        .pool()
        .tx("renew_password_hash", async |conn| {
            Ok::<_, AuthError>(users::replace_hash(conn, user, (old, &marks.0), (&new, &marks.1)).await?)
        })
        .await?;
    Ok(if replaced { new } else { old.to_owned() })
}

async fn begin_session(
    auth: &AuthState,
    account: &Account,
    stored: &str,
) -> Result<TokenResponse, AuthError> {
    let now = auth.now();
    let lifetimes = auth.config().lifetimes();
    let id = Uuid::now_v7();
    let session_end = lifetimes.session_end(now);
    let token_end = lifetimes.token_end(now, session_end);
    let refresh_token = new_refresh_token()?;
    let bearer = Bearer { user_id: account.id, role: &account.role, session_id: id };
    let ring = auth.keyring().current().await?;
    let access = access_token(auth.config(), &ring, &bearer, now)?;
    let mark = credential_mark(stored);
    let session = NewSession { id, user_id: account.id, credential_mark: &mark, expires_at: session_end };
    auth.pool()
        .tx("begin_session", async |conn| {
            sessions::begin(conn, &session, now).await?;
            sessions::add_token(conn, id, &refresh_token.hash(), now, token_end).await?;
            Ok::<_, AuthError>(())
        })
        .await?;
    Ok(TokenResponse::new(auth.config(), access, &refresh_token, token_end - now))
}

/// How the use of a refresh token ended. A reuse is no error of the transaction: what it does must be kept.
enum Refreshed {
    Next(TokenResponse, Uuid),
    Reused(Uuid),
    Refused,
}

async fn refresh(auth: &AuthState, token: &SecretString) -> Result<TokenResponse, AuthError> {
    let token = RefreshToken::parse(token).ok_or(AuthError::InvalidGrant)?;
    let now = auth.now();
    // Before the transaction: it may need a connection of its own.
    let ring = auth.keyring().current().await?;
    let outcome = auth.pool().tx("refresh_session", async |conn| {
        match sessions::use_token(conn, &token.hash(), now).await? {
            Use::Unknown => Ok::<_, AuthError>(Refreshed::Refused),
            Use::Again { family } => {
                sessions::revoke(conn, family, Reason::Reuse, now).await?;
                Ok(Refreshed::Reused(family))
            }
            Use::First { expires_at, .. } if expires_at <= now => Ok(Refreshed::Refused),
            Use::First { family, .. } => go_on(auth, &ring, conn, family, now).await,
        }
    });
    match outcome.await? {
        Refreshed::Next(tokens, user) => {
            if let Some(stats) = telemetry::request::current() {
                stats.set_principal(&user.to_string());
            }
            Ok(tokens)
        }
        Refreshed::Reused(session) => {
            tracing::warn!(%session, "a refresh token was used twice; its session has ended");
            Err(AuthError::RefreshTokenReused)
        }
        Refreshed::Refused => Err(AuthError::InvalidGrant),
    }
}

async fn go_on(
    auth: &AuthState,
    ring: &Ring,
    conn: &mut pg_pool::Connection,
    family: Uuid,
    now: DateTime<Utc>,
) -> Result<Refreshed, AuthError> {
    let Some(session) = sessions::load(conn, family).await?.filter(|session| is_open(session, now)) else {
        return Ok(Refreshed::Refused);
    };
    let token_end = auth.config().lifetimes().token_end(now, session.expires_at);
    let next = new_refresh_token()?;
    let bearer = Bearer { user_id: session.user_id, role: &session.role, session_id: session.id };
    let access = access_token(auth.config(), ring, &bearer, now)?;
    sessions::add_token(conn, session.id, &next.hash(), now, token_end).await?;
    Ok(Refreshed::Next(TokenResponse::new(auth.config(), access, &next, token_end - now), session.user_id))
}
