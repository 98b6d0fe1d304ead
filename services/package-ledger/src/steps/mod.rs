//! What happens to a package, step by step: used by requests and by the clock alike.

pub(crate) mod announcing;
pub(crate) mod books;
pub(crate) mod claims;
pub(crate) mod codes;
pub(crate) mod ending;
pub(crate) mod identity;
pub(crate) mod incidents;
pub(crate) mod messages;
pub(crate) mod price;
pub(crate) mod reception;
pub(crate) mod scene;
pub(crate) mod shelf;
pub(crate) mod stay;
pub(crate) mod timing;
