//! A position in the log of a gym's feed (S-D4): `<epoch>:<seq>`. The same pair stands in events, in the feed, and in its
//! validator.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Where a feed stands. Positions of different epochs cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Position {
    /// Changes when the log was lost or restored.
    pub(crate) epoch: Uuid,
    /// Rises by one with each event.
    pub(crate) seq: i64,
}

/// It is no position.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position has the form <epoch>:<seq>")]
pub(crate) struct NotAPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch.simple(), self.seq)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (epoch, seq) = text.split_once(':').ok_or(NotAPosition)?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or(NotAPosition)?;
        Ok(Self { epoch: Uuid::parse_str(epoch).map_err(|_| NotAPosition)?, seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let position = Position { epoch: Uuid::from_u128(3), seq: 17 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for wrong in ["", ":", "17", "x:1", "00000000000000000000000000000003:-1"] {
            assert_eq!(wrong.parse::<Position>(), Err(NotAPosition), "{wrong}");
        }
    }
}
