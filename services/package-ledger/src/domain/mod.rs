//! What a parcel desk decides: pure, without IO.

pub(crate) mod announcement;
pub(crate) mod claim;
pub(crate) mod custody;
pub(crate) mod customer;
pub(crate) mod deadlines;
pub(crate) mod fee;
pub(crate) mod ledger;
pub(crate) mod matching;
pub(crate) mod money;
pub(crate) mod named;
pub(crate) mod parcel;
pub(crate) mod person;
pub(crate) mod pickup_code;
pub(crate) mod search;
pub(crate) mod shelf;
pub(crate) mod status;
pub(crate) mod tariff;
