#![doc = include_str!("../README.md")]

pub use prost::{DecodeError, Message, Name};
pub use prost_types::Timestamp;

/// What the catalog publishes.
pub mod catalog {
    /// Version 1: subjects `catalog.<model>.<created|updated|deleted|restored>` on stream `CATALOG`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/aldia.catalog.v1.rs"));
    }
}

#[cfg(test)]
mod tests {
    use super::catalog::v1::{Change, RecordChanged};
    use super::{Message, Name};

    #[test]
    fn the_travelling_name_carries_the_package() {
        assert_eq!(RecordChanged::full_name(), "aldia.catalog.v1.RecordChanged");
    }

    /// The numbers are the contract: a generator that renumbers would pass every test that encodes and decodes.
    #[test]
    fn fields_keep_their_numbers() {
        let event = RecordChanged {
            model: "m".into(),
            version: 7,
            change: Change::Deleted.into(),
            ..Default::default()
        };
        assert_eq!(event.encode_to_vec(), [0x12, 1, b'm', 0x20, 7, 0x28, 3]);
    }

    #[test]
    fn an_unknown_change_reads_as_unspecified() {
        let event = RecordChanged::decode([0x28, 99].as_slice()).unwrap();
        assert_eq!(event.change(), Change::Unspecified);
    }
}
