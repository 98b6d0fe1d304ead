//! The problems that refusals of this service become.

use service_error::{ServiceError, forbidden, unauthenticated};

use crate::domain::access::Denial;

impl From<Denial> for ServiceError {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Unauthenticated => unauthenticated(),
            Denial::Role(role) => forbidden(&format!("the role {role} is needed")),
            Denial::Owner => forbidden("only its owner or an administrator may do this"),
        }
    }
}
