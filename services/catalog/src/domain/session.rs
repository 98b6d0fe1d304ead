//! Sessions: refresh tokens, and what the use of one means.
//!
//! Every use of a refresh token hands out its successor. A token that comes a second time was copied, by a thief or from
//! one, and nobody can tell which: the whole session ends. There is no grace for a double submit in the same second,
//! because a thief's request looks the same; a client that lost the answer signs in again.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// Lets secret scanners recognise a token that ended up where it should not be.
const PREFIX: &str = "aldia_rt_";
/// Bytes of randomness in a token.
pub(crate) const TOKEN_BYTES: usize = 32;

/// What is stored of a refresh token.
pub(crate) type TokenHash = [u8; 32];

/// A refresh token as a client holds it: 256 random bits. `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct RefreshToken(SecretString);

impl RefreshToken {
    /// The token made of these bytes, which the caller takes from the system's random source.
    pub(crate) fn from_random(bytes: &[u8; TOKEN_BYTES]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
    }

    /// The token a client presents; `None` when it cannot be one, which saves asking the database.
    pub(crate) fn parse(text: &SecretString) -> Option<Self> {
        let encoded = text.expose_secret().strip_prefix(PREFIX)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        (bytes.len() == TOKEN_BYTES).then(|| Self(text.clone()))
    }

    /// What to store or look up. A plain hash is enough: there is no guessing 256 bits.
    pub(crate) fn hash(&self) -> TokenHash {
        *blake3::hash(self.0.expose_secret().as_bytes()).as_bytes()
    }

    /// The text for the client.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([REDACTED])")
    }
}

/// How long tokens and sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// Of a refresh token.
    pub(crate) refresh: Duration,
    /// Of a session, however often it is refreshed.
    pub(crate) session: Duration,
}

impl Lifetimes {
    /// When a session that begins now ends.
    pub(crate) fn session_end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.session
    }

    /// When a refresh token handed out now ends: never later than its session.
    pub(crate) fn token_end(self, now: DateTime<Utc>, session_end: DateTime<Utc>) -> DateTime<Utc> {
        session_end.min(now + self.refresh)
    }
}

/// The session of a refresh token, and its person as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The session.
    pub(crate) id: Uuid,
    /// When it ends at the latest.
    pub(crate) expires_at: DateTime<Utc>,
    /// Whether it was ended.
    pub(crate) revoked: bool,
    /// The mark of the password it began with.
    pub(crate) credential_mark: Vec<u8>,
    /// Whose it is.
    pub(crate) user_id: Uuid,
    /// What the person may do now.
    pub(crate) role: String,
    /// Whether the person may sign in now: active, and not deleted.
    pub(crate) may_sign_in: bool,
    /// The mark of the person's password now.
    pub(crate) current_mark: Option<[u8; 32]>,
}

/// Whether a session may hand out tokens.
pub(crate) fn is_open(session: &Session, now: DateTime<Utc>) -> bool {
    !session.revoked
        && now < session.expires_at
        && session.may_sign_in
        && session.current_mark.is_some_and(|mark| mark.as_slice() == session.credential_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Session {
        Session {
            id: Uuid::from_u128(1),
            expires_at: DateTime::from_timestamp(1_000, 0).unwrap(),
            revoked: false,
            credential_mark: vec![7; 32],
            user_id: Uuid::from_u128(2),
            role: "apprentice".to_owned(),
            may_sign_in: true,
            current_mark: Some([7; 32]),
        }
    }

    #[test]
    fn a_token_survives_the_way_to_the_client_and_back() {
        let token = RefreshToken::from_random(&[9; TOKEN_BYTES]);
        let back = RefreshToken::parse(&token.expose().to_owned().into()).unwrap();
        assert_eq!(back.hash(), token.hash());
        assert_eq!(format!("{token:?}"), "RefreshToken([REDACTED])");
    }

    #[test]
    fn what_cannot_be_a_token_is_told_without_asking() {
        for text in ["", "aldia_rt_", "aldia_rt_AAAA", "CQkJ", &"x".repeat(10_000)] {
            assert!(RefreshToken::parse(&text.into()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_session_closes_for_each_of_its_reasons() {
        let now = DateTime::from_timestamp(999, 0).unwrap();
        assert!(is_open(&open(), now));
        assert!(!is_open(&open(), DateTime::from_timestamp(1_000, 0).unwrap()));
        assert!(!is_open(&Session { revoked: true, ..open() }, now));
        assert!(!is_open(&Session { may_sign_in: false, ..open() }, now));
        assert!(!is_open(&Session { current_mark: Some([8; 32]), ..open() }, now), "a new password");
        assert!(!is_open(&Session { current_mark: None, ..open() }, now), "no password any more");
    }

    #[test]
    fn a_token_never_outlives_its_session() {
        let lifetimes = Lifetimes { refresh: Duration::seconds(100), session: Duration::seconds(150) };
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let end = lifetimes.session_end(start);
        assert_eq!(lifetimes.token_end(start, end).timestamp(), 100);
        assert_eq!(lifetimes.token_end(start + Duration::seconds(90), end).timestamp(), 150);
    }
}
