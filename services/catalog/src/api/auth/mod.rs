//! Signing in: tokens, sessions, and the keys that others check our tokens with.

pub(crate) mod attempts;
mod body;
mod change_password;
mod client_address;
pub(crate) mod config;
mod create_token;
mod end_sessions;
pub(crate) mod error;
mod get_key_set;
mod hasher;
mod issue;
pub(crate) mod keyring;
pub(crate) mod problems;
mod revoke_token;
pub(crate) mod sealing;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use actix_web::web;
use utoipa::OpenApi;

/// Paths under which a token in the request is not looked at: a client must be able to replace, or give back, one that has
/// expired, and to learn how. For `identity::Authenticate::except`.
pub(crate) const PATHS_WITHOUT_TOKEN: [&str; 4] =
    ["/v1/auth/token", "/v1/auth/revoke", "/.well-known/", "/openapi.json"];

/// Adds the routes. They need `web::Data<state::AuthState>`.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/v1/auth/token").route(web::post().to(create_token::create_token)))
        .service(web::resource("/v1/auth/password").route(web::post().to(change_password::change_password)))
        .service(web::resource("/v1/auth/revoke").route(web::post().to(revoke_token::revoke_token)))
        .service(web::resource("/v1/auth/logout_all").route(web::post().to(end_sessions::end_sessions)))
        .service(
            web::resource("/.well-known/jwks.json")
                .route(web::get().to(get_key_set::get_key_set))
                .route(web::head().to(get_key_set::get_key_set)),
        )
        .service(
            web::resource("/.well-known/openid-configuration")
                .route(web::get().to(get_key_set::get_openid_configuration))
                .route(web::head().to(get_key_set::get_openid_configuration)),
        );
}

/// What the above looks like from outside. Refers to the schema `Problem` and the security scheme `bearer`, which the
/// service's document declares once for all.
#[derive(OpenApi)]
#[openapi(
    paths(
        create_token::create_token,
        change_password::change_password,
        revoke_token::revoke_token,
        end_sessions::end_sessions,
        get_key_set::get_key_set,
        get_key_set::get_openid_configuration,
    ),
    components(schemas(
        create_token::TokenRequest,
        change_password::PasswordRequest,
        issue::TokenResponse,
        revoke_token::RevokeRequest,
        get_key_set::KeySetResponse,
        get_key_set::PublicKey,
        get_key_set::ConfigurationResponse,
    )),
    tags((name = "auth", description = "Signing in, sessions, and the keys behind the tokens"))
)]
pub(crate) struct AuthApi;
