//! The commands, one file each.
pub(crate) mod backup;
pub(crate) mod down;
pub(crate) mod restore;
pub(crate) mod seed;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod tour;
pub(crate) mod up;
