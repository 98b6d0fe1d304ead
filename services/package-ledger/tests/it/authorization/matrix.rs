//! What every operation answers to everybody who asks for something that is Ada's, who is a customer.

use std::collections::BTreeSet;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Without a token.
    Nobody,
    /// Somebody who is no customer yet.
    Stranger,
    /// Another customer.
    Other,
    /// Ada.
    Own,
    Operator,
    Admin,
    Auditor,
}

impl Caller {
    pub(super) const ALL: [Self; 7] =
        [Self::Nobody, Self::Stranger, Self::Other, Self::Own, Self::Operator, Self::Admin, Self::Auditor];

    /// Works at the desk, and may change something.
    pub(super) fn moves_packages(self) -> bool {
        matches!(self, Self::Operator | Self::Admin)
    }
}

/// An operation, and the statuses in the order of [`Caller::ALL`].
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

    /// What Ada is answered.
    pub(super) fn as_own(&self) -> u16 {
        self.statuses[3]
    }
}

/// The paths of all operations.
pub(super) fn paths() -> BTreeSet<&'static str> {
    ROUTES.iter().map(|route| route.path).collect()
}

const fn route(method: &'static str, path: &'static str, statuses: [u16; 7]) -> Route {
    Route { method, path, statuses }
}

/// The columns: nobody, stranger, other customer, Ada, operator, admin, auditor.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    // The one that nobody needs a token for.
    route("GET",    "/openapi.json",                               [200, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/me",                                      [401, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/customers",                               [401, 403, 403, 403, 200, 200, 200]),
    // Whoever is a customer does not become one again.
    route("POST",   "/v1/customers",                               [401, 201, 409, 409, 201, 201, 403]),
    route("GET",    "/v1/customers/{customer}",                    [401, 404, 404, 200, 200, 200, 200]),
    route("PATCH",  "/v1/customers/{customer}",                    [401, 404, 404, 200, 200, 200, 403]),
    route("GET",    "/v1/customers/{customer}/balance",            [401, 404, 404, 200, 200, 200, 200]),
    route("GET",    "/v1/operators",                               [401, 403, 403, 403, 403, 200, 200]),
    route("PUT",    "/v1/operators/{user}",                        [401, 403, 403, 403, 403, 201, 403]),
    route("DELETE", "/v1/operators/{user}",                        [401, 403, 403, 403, 403, 204, 403]),
    route("GET",    "/v1/announcements",                           [401, 200, 200, 200, 200, 200, 200]),
    // Customers for themselves, the desk for Ada.
    route("POST",   "/v1/announcements",                           [401, 403, 201, 201, 201, 201, 403]),
    route("POST",   "/v1/announcements/match",                     [401, 403, 403, 403, 200, 200, 403]),
    route("GET",    "/v1/announcements/{announcement}",            [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/announcements/{announcement}/cancel",     [401, 404, 404, 200, 200, 200, 403]),
    route("GET",    "/v1/packages",                                [401, 200, 200, 200, 200, 200, 200]),
    route("POST",   "/v1/packages",                                [401, 403, 403, 403, 201, 201, 403]),
    route("GET",    "/v1/packages/stats",                          [401, 403, 403, 403, 200, 200, 200]),
    route("GET",    "/v1/packages/{package}",                      [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/packages/{package}/receive",              [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/identify",             [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/store",                [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/notify",               [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/deliver",              [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/return",               [401, 403, 403, 403, 200, 200, 403]),
    // It has not been here for long enough: the desk is told so.
    route("POST",   "/v1/packages/{package}/abandon",              [401, 403, 403, 403, 409, 409, 403]),
    route("POST",   "/v1/packages/{package}/cancel",               [401, 403, 403, 403, 403, 200, 403]),
    route("POST",   "/v1/packages/{package}/incidents",            [401, 403, 403, 403, 200, 200, 403]),
    route("POST",   "/v1/packages/{package}/files",                [401, 403, 403, 403, 200, 200, 403]),
    route("GET",    "/v1/packages/{package}/fee",                  [401, 404, 404, 200, 200, 200, 200]),
    route("GET",    "/v1/packages/{package}/events",               [401, 404, 404, 200, 200, 200, 200]),
    route("GET",    "/v1/packages/{package}/custody",              [401, 404, 404, 200, 200, 200, 200]),
    route("GET",    "/v1/packages/{package}/deadlines",            [401, 404, 404, 200, 200, 200, 200]),
    route("GET",    "/v1/packages/{package}/notifications",        [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/notifications/{notification}/delivered",  [401, 403, 403, 403, 200, 200, 403]),
    // The code is its customer's alone; the desk has a new one sent for whoever shows the customer's document.
    route("GET",    "/v1/packages/{package}/code",                 [401, 404, 404, 200, 403, 403, 403]),
    route("POST",   "/v1/packages/{package}/code",                 [401, 404, 404, 201, 201, 201, 403]),
    route("GET",    "/v1/packages/{package}/payments",             [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/packages/{package}/payments",             [401, 403, 403, 403, 201, 201, 403]),
    route("GET",    "/v1/packages/{package}/waivers",              [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/packages/{package}/waivers",              [401, 403, 403, 403, 403, 201, 403]),
    route("GET",    "/v1/packages/{package}/receipt",              [401, 404, 404, 200, 200, 200, 200]),
    route("POST",   "/v1/packages/{package}/claims",               [401, 404, 404, 201, 201, 201, 403]),
    route("POST",   "/v1/payments/{payment}/refund",               [401, 403, 403, 403, 403, 200, 403]),
    route("GET",    "/v1/slots",                                   [401, 403, 403, 403, 200, 200, 200]),
    route("POST",   "/v1/slots",                                   [401, 403, 403, 403, 403, 201, 403]),
    route("PATCH",  "/v1/slots/{slot}",                            [401, 403, 403, 403, 403, 200, 403]),
    route("GET",    "/v1/tariffs",                                 [401, 200, 200, 200, 200, 200, 200]),
    route("POST",   "/v1/tariffs",                                 [401, 403, 403, 403, 403, 201, 403]),
    route("GET",    "/v1/tariffs/{tariff}",                        [401, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/ledger/accounts",                         [401, 403, 403, 403, 200, 200, 200]),
    route("GET",    "/v1/ledger/transfers",                        [401, 403, 403, 403, 200, 200, 200]),
    route("POST",   "/v1/ledger/corrections",                      [401, 403, 403, 403, 403, 201, 403]),
    route("GET",    "/v1/claims",                                  [401, 200, 200, 200, 200, 200, 200]),
    route("GET",    "/v1/claims/{claim}",                          [401, 404, 404, 200, 200, 200, 200]),
    route("PATCH",  "/v1/claims/{claim}",                          [401, 403, 403, 403, 200, 200, 403]),
    route("GET",    "/debug/cache-stats",                          [401, 403, 403, 403, 403, 200, 403]),
    route("GET",    "/debug/db-pool",                              [401, 403, 403, 403, 403, 200, 403]),
];
