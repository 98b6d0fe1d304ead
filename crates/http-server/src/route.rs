//! The name of a route in spans, metrics and log lines.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::{HttpMessage as _, HttpRequest};

/// What a request without a registered pattern is filed under; a label must not hold what clients make up.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Shared between the request, where a handler may name its route, and the exchange that reports it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteSlot(Rc<RefCell<Option<String>>>);

impl RouteSlot {
    pub(crate) fn take(&self) -> Option<String> {
        self.0.borrow_mut().take()
    }
}

/// Names the route of a request that no pattern describes, for example one a proxy forwards. The set of names must
/// be small and fixed: each becomes a label of the metrics.
pub fn name_route(request: &HttpRequest, name: impl Into<String>) {
    if let Some(slot) = request.extensions().get::<RouteSlot>() {
        let name = name.into();
        stall_detector::name_route(&std::sync::Arc::from(name.as_str()));
        *slot.0.borrow_mut() = Some(name);
    }
}
