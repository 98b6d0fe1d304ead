//! Where in its write-ahead log a cluster stands, and how a client carries that around.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use problem::{Problem, registry};

/// The header field that carries a [`Position`], in answers to writes and in requests to read.
pub const CONSISTENCY_TOKEN: &str = "Consistency-Token";

/// First byte of every token: another layout gets another number, and old tokens then are malformed, not misread.
const LAYOUT: u8 = 1;

/// Layout, system identifier, timeline, place.
const TOKEN_BYTES: usize = 1 + 8 + 4 + 8;

/// A place in the write-ahead log, written as Postgres writes it: `16/B374D848`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

impl FromStr for Lsn {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, MalformedPosition> {
        let (high, low) = text.split_once('/').ok_or(MalformedPosition)?;
        Ok(Self(u64::from(hexadecimal(high)?) << 32 | u64::from(hexadecimal(low)?)))
    }
}

/// One to eight digits: `from_str_radix` alone would take a sign and leading zeros without end.
fn hexadecimal(digits: &str) -> Result<u32, MalformedPosition> {
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(MalformedPosition);
    }
    u32::from_str_radix(digits, 16).map_err(|_| MalformedPosition)
}

/// Everything a cluster had committed at one moment: who has replayed up to here shows all of it.
///
/// `Display` and `FromStr` are the token of the header field [`CONSISTENCY_TOKEN`]: opaque to clients and not signed. Who
/// makes one up gets his own reads from the primary, or from a replica that lacks his writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    pub(crate) lineage: Lineage,
    pub(crate) lsn: Lsn,
}

impl Position {
    /// The place in the log.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }
}

/// Whose log it is. Places are comparable only within one lineage: another cluster has another system identifier, and after
/// a failover the log goes on along another timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lineage {
    pub(crate) system_identifier: u64,
    pub(crate) timeline: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(LAYOUT);
        bytes.extend(self.lineage.system_identifier.to_be_bytes());
        bytes.extend(self.lineage.timeline.to_be_bytes());
        bytes.extend(self.lsn.0.to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Position {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, MalformedPosition> {
        let mut buffer = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).map_err(|_| MalformedPosition)?;
        let parts = || {
            let (layout, rest) = buffer.get(..length)?.split_first()?;
            let (system_identifier, rest) = rest.split_first_chunk()?;
            let (timeline, rest) = rest.split_first_chunk()?;
            let (lsn, rest) = rest.split_first_chunk()?;
            let lineage = Lineage {
                system_identifier: u64::from_be_bytes(*system_identifier),
                timeline: u32::from_be_bytes(*timeline),
            };
            let position = Self { lineage, lsn: Lsn(u64::from_be_bytes(*lsn)) };
            (*layout == LAYOUT && rest.is_empty()).then_some(position)
        };
        parts().ok_or(MalformedPosition)
    }
}

/// The text is no position of ours: not a matter of age or of another cluster, which are answered by the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position in a write-ahead log")]
pub struct MalformedPosition;

/// 400: the client sends something it was never given.
impl From<MalformedPosition> for Problem {
    fn from(error: MalformedPosition) -> Self {
        Self::new(&registry::MALFORMED_REQUEST)
            .detail("the Consistency-Token is not one this service has given out")
            .cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        let lineage = Lineage { system_identifier: 7_293_456_789_012_345_678, timeline: 3 };
        Position { lineage, lsn: Lsn(0x16_B374_D848) }
    }

    #[test]
    fn a_place_reads_and_prints_as_in_postgres() {
        assert_eq!("16/B374D848".parse::<Lsn>(), Ok(Lsn(0x16_B374_D848)));
        assert_eq!("0/3000060".parse::<Lsn>().unwrap().to_string(), "0/3000060");
        assert_eq!(Lsn(u64::MAX).to_string(), "FFFFFFFF/FFFFFFFF");
        assert!(Lsn(0x1_0000_0000) > Lsn(0xFFFF_FFFF));
        for text in ["", "/", "16", "16/", "+16/0", "16/B374D8480", "16/G", "16/1/2", " 16/1"] {
            assert_eq!(text.parse::<Lsn>(), Err(MalformedPosition), "{text:?}");
        }
    }

    #[test]
    fn a_token_comes_back_as_the_position_it_was_made_of() {
        let token = position().to_string();
        assert_eq!(token.parse::<Position>(), Ok(position()));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let token = position().to_string();
        let cut: String = token.chars().skip(1).collect();
        let other_layout = token.replacen('A', "B", 1);
        assert_ne!(other_layout, token);
        for text in
            ["", "16/B374D848", "!", &cut, &format!("{token}A"), &format!("{token}AAAA"), &other_layout]
        {
            assert_eq!(text.parse::<Position>(), Err(MalformedPosition), "{text:?}");
        }
        assert_eq!(Problem::from(MalformedPosition).kind().status, 400);
    }
}
