//! Assets as their owners read, list, change and delete them.

mod changing;
mod deleting;
mod judging;
mod listing;
mod reading;
mod retrying;
