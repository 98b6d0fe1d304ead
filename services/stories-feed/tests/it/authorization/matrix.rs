//! What every route answers to everybody who asks for something that belongs to Ada, in a gym that she is a plain member of.

use std::collections::BTreeSet;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Without a token.
    Nobody,
    /// An owner of another gym.
    Stranger,
    /// A plain member of the gym.
    Member,
    Moderator,
    Owner,
    /// Ada: a plain member, whose it is.
    Author,
    /// An administrator, who is no member.
    Administrator,
}

impl Caller {
    pub(super) const ALL: [Self; 7] = [
        Self::Nobody,
        Self::Stranger,
        Self::Member,
        Self::Moderator,
        Self::Owner,
        Self::Author,
        Self::Administrator,
    ];
}

/// A method of a path, and the statuses in the order of [`Caller::ALL`].
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    statuses: [u16; 7],
}

impl Route {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn expected(&self) -> impl Iterator<Item = (Caller, u16)> {
        Caller::ALL.into_iter().zip(self.statuses)
    }

    /// What a member is answered.
    pub(super) fn as_member(&self) -> u16 {
        self.statuses[2]
    }
}

/// The paths of all routes.
pub(super) fn paths() -> BTreeSet<&'static str> {
    ROUTES.iter().map(|route| route.path).collect()
}

const fn route(method: &'static str, path: &'static str, statuses: [u16; 7]) -> Route {
    Route { method, path, statuses }
}

/// The columns: nobody, stranger, member, moderator, owner, author, administrator.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    // The one that nobody needs a token for.
    route("GET",    "/openapi.json",                          [200, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/gyms",                               [401, 200, 200, 200, 200, 200, 200]),
    route("POST",   "/v1/gyms",                               [401, 403, 403, 403, 403, 403, 201]),
    route("GET",    "/v1/gyms/{gym}",                         [401, 404, 200, 200, 200, 200, 200]),
    route("PATCH",  "/v1/gyms/{gym}",                         [401, 404, 403, 403, 200, 403, 200]),
    route("GET",    "/v1/gyms/{gym}/members",                 [401, 404, 200, 200, 200, 200, 200]),
    route("PUT",    "/v1/gyms/{gym}/members/{user}",          [401, 404, 403, 403, 201, 403, 201]),
    route("DELETE", "/v1/gyms/{gym}/members/{user}",          [401, 404, 403, 403, 204, 403, 204]),
    route("GET",    "/v1/gyms/{gym}/members/{user}/stories",  [401, 404, 200, 200, 200, 200, 404]),
    route("GET",    "/v1/follows",                            [401, 200, 200, 200, 200, 200, 200]),
    route("PUT",    "/v1/follows/{user}",                     [401, 404, 204, 204, 204, 204, 404]),
    route("DELETE", "/v1/follows/{user}",                     [401, 204, 204, 204, 204, 204, 204]),
    route("GET",    "/v1/close-friends",                      [401, 200, 200, 200, 200, 200, 200]),
    route("PUT",    "/v1/close-friends/{user}",               [401, 404, 204, 204, 204, 204, 404]),
    route("DELETE", "/v1/close-friends/{user}",               [401, 204, 204, 204, 204, 204, 204]),
    route("GET",    "/v1/blocks",                             [401, 200, 200, 200, 200, 200, 200]),
    route("PUT",    "/v1/blocks/{user}",                      [401, 204, 204, 204, 204, 204, 204]),
    route("DELETE", "/v1/blocks/{user}",                      [401, 204, 204, 204, 204, 204, 204]),
    route("PUT",    "/v1/me/avatar",                          [401, 204, 204, 204, 204, 204, 204]),
    route("DELETE", "/v1/me/avatar",                          [401, 204, 204, 204, 204, 204, 204]),
    route("GET",    "/v1/gyms/{gym}/reports",                 [401, 404, 403, 200, 200, 403, 200]),
    route("POST",   "/v1/gyms/{gym}/reports/{story}/decide",  [401, 404, 403, 200, 200, 403, 200]),
    route("GET",    "/v1/gyms/{gym}/highlights",              [401, 404, 200, 200, 200, 200, 404]),
    route("POST",   "/v1/gyms/{gym}/highlights",              [401, 404, 201, 201, 201, 201, 404]),
    route("GET",    "/v1/highlights/{id}",                    [401, 404, 200, 200, 200, 200, 404]),
    route("PATCH",  "/v1/highlights/{id}",                    [401, 404, 403, 403, 403, 200, 404]),
    route("DELETE", "/v1/highlights/{id}",                    [401, 404, 403, 403, 403, 204, 404]),
    route("GET",    "/v1/gyms/{gym}/stories/archive",         [401, 404, 200, 200, 200, 200, 404]),
    route("GET",    "/v1/gyms/{gym}/stories/feed",            [401, 404, 200, 200, 200, 200, 404]),
    route("POST",   "/v1/gyms/{gym}/stories",                 [401, 404, 201, 201, 201, 201, 404]),
    route("POST",   "/v1/gyms/{gym}/stories/tickets",         [401, 404, 201, 201, 201, 201, 404]),
    // Whoever may go through to the handshake is told that there is none.
    route("GET",    "/ws/stories/{gym}",                      [401, 404, 400, 400, 400, 400, 404]),
    route("GET",    "/v1/stories/{id}",                       [401, 404, 200, 200, 200, 200, 404]),
    route("PATCH",  "/v1/stories/{id}",                       [401, 404, 403, 403, 403, 200, 404]),
    route("DELETE", "/v1/stories/{id}",                       [401, 404, 403, 204, 204, 204, 204]),
    // Nobody but the author knows of a draft.
    route("POST",   "/v1/stories/{id}/publish",               [401, 404, 404, 404, 404, 200, 404]),
    // Of one that has not failed: the author is told so.
    route("POST",   "/v1/stories/{id}/retry",                 [401, 404, 403, 403, 403, 409, 404]),
    route("POST",   "/v1/stories/views:batch",                [401, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/stories/{id}/viewers",               [401, 404, 403, 403, 403, 200, 404]),
    route("PUT",    "/v1/stories/{id}/reaction",              [401, 404, 200, 200, 200, 200, 404]),
    route("DELETE", "/v1/stories/{id}/reaction",              [401, 404, 204, 204, 204, 204, 404]),
    route("GET",    "/v1/stories/{id}/replies",               [401, 404, 200, 200, 200, 200, 404]),
    route("POST",   "/v1/stories/{id}/replies",               [401, 404, 201, 201, 201, 201, 404]),
    // Nobody reports their own.
    route("POST",   "/v1/stories/{id}/reports",               [401, 404, 201, 201, 201, 422, 404]),
    // Who sees what of it is decided as above: each of its fields has tests of its own.
    route("GET",    "/graphql",                               [401, 200, 200, 200, 200, 200, 200]),
    route("POST",   "/graphql",                               [401, 200, 200, 200, 200, 200, 200]),
];
