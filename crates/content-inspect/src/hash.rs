//! SHA-256 whose state can be put away and taken up again.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha2::{Digest as _, Sha256};

use crate::encoded;

/// A running SHA-256. Serialised as base64 of its state, whose shape `sha2` keeps within 0.11; with another `sha2` the
/// version of checkpoints has to change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hash {
    state: Sha256,
}

impl Hash {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.state.update(piece);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.state.finalize().into()
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encoded::serialize(&self.state.serialize(), serializer)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = encoded::deserialize(deserializer)?;
        let state = SerializedState::<Sha256>::try_from(bytes.as_slice()).map_err(de::Error::custom)?;
        let state = <Sha256 as sha2::digest::common::hazmat::SerializableState>::deserialize(&state)
            .map_err(de::Error::custom)?;
        Ok(Self { state })
    }
}
