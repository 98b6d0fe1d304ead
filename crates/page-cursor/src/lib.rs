#![doc = include_str!("../README.md")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest token that [`CursorKey::open`] looks at, in bytes. It leaves 1,496 bytes for the position's JSON: a text of 200
/// characters of any script and an id fit, even if JSON has to escape every one of them. A sort key that can be longer has
/// to be shortened by its caller, or its list ends in a cursor that cannot be opened.
pub const MAX_TOKEN_BYTES: usize = 2048;

/// Bytes of the scope's digest in a token: enough to tell scopes apart, since the MAC already stops anyone from choosing it.
const SCOPE_BYTES: usize = 8;

/// Separates this key from every other use of the same secret; changing it voids all cursors.
const KEY_CONTEXT: &str = "aldia page-cursor 2026-11 token mac";

/// The key under which one deployment seals and opens its cursors. Cloning is cheap.
#[derive(Clone)]
pub struct CursorKey {
    mac: [u8; blake3::KEY_LEN],
}

/// Why a token was not accepted. All of them are the client's fault and mean `invalid_cursor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a token at all, too long, or signed by us for a position of another shape (an older release).
    #[error("cursor is malformed")]
    Malformed,
    /// The signature does not fit: made up, altered, or sealed under another key.
    #[error("cursor was not issued by this service")]
    Forged,
    /// Genuine, but issued for other filters or another sort order.
    #[error("cursor belongs to another query")]
    OtherScope,
}

impl CursorKey {
    /// Derives the key from a deployment's secret. Every replica needs the same secret, or its cursors are [`CursorError::Forged`] elsewhere.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        Self { mac: blake3::derive_key(KEY_CONTEXT, secret.expose_secret().as_bytes()) }
    }

    /// Seals `position` for `scope` into a token fit for a query string.
    ///
    /// A position that JSON cannot express (a map with keys that are not strings), or one so long that the token passes
    /// [`MAX_TOKEN_BYTES`], gives a token that `open` refuses as [`CursorError::Malformed`].
    #[must_use]
    pub fn seal<T: Serialize + ?Sized>(&self, scope: &str, position: &T) -> String {
        let mut body = self.scope_digest(scope).to_vec();
        body.extend(serde_json::to_vec(position).unwrap_or_default());
        let mut token = self.tag(&body).as_bytes().to_vec();
        token.extend(body);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens a token sealed for `scope`.
    ///
    /// # Errors
    /// See [`CursorError`]; the order of the checks is malformed, forged, other scope, position of another shape.
    pub fn open<T: DeserializeOwned>(&self, scope: &str, token: &str) -> Result<T, CursorError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(CursorError::Malformed);
        }
        let raw = URL_SAFE_NO_PAD.decode(token).map_err(|_| CursorError::Malformed)?;
        let (tag, body) = raw.split_first_chunk::<{ blake3::OUT_LEN }>().ok_or(CursorError::Malformed)?;
        let (sealed_scope, position) =
            body.split_first_chunk::<SCOPE_BYTES>().ok_or(CursorError::Malformed)?;
        // `blake3::Hash` compares in constant time; plain arrays do not.
        if self.tag(body) != blake3::Hash::from_bytes(*tag) {
            return Err(CursorError::Forged);
        }
        if *sealed_scope != self.scope_digest(scope) {
            return Err(CursorError::OtherScope);
        }
        serde_json::from_slice(position).map_err(|_| CursorError::Malformed)
    }

    fn tag(&self, body: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.mac, body)
    }

    fn scope_digest(&self, scope: &str) -> [u8; SCOPE_BYTES] {
        // Keyed with a prefix no body can have been signed with by chance: bodies start with a digest, not with text.
        let mut hasher = blake3::Hasher::new_keyed(&self.mac);
        hasher.update(b"scope\0").update(scope.as_bytes());
        let mut digest = [0; SCOPE_BYTES];
        hasher.finalize_xof().fill(&mut digest);
        digest
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> CursorKey {
        CursorKey::new(&"secret of a test".into())
    }

    #[test]
    fn another_secret_does_not_open_a_token() {
        let token = key().seal("s", &1);
        let other = CursorKey::new(&"another secret".into());
        assert_eq!(other.open::<i64>("s", &token), Err(CursorError::Forged));
    }

    #[test]
    fn a_position_of_another_shape_is_malformed() {
        let token = key().seal("s", &"text");
        assert_eq!(key().open::<i64>("s", &token), Err(CursorError::Malformed));
    }

    #[test]
    fn a_token_over_the_limit_is_refused_unread() {
        let token = key().seal("s", &"x".repeat(1500));
        assert!(token.len() > MAX_TOKEN_BYTES);
        assert_eq!(key().open::<String>("s", &token), Err(CursorError::Malformed));
    }

    #[test]
    fn a_sort_key_of_200_characters_of_any_script_fits() {
        for character in ['x', 'ß', '牛', '🐄', '"', '\u{1}'] {
            let id = "018f5e7a-0000-7000-8000-000000000001".to_owned();
            let position = (character.to_string().repeat(200), id, true);
            assert_eq!(key().open::<(String, String, bool)>("s", &key().seal("s", &position)), Ok(position));
        }
    }

    #[test]
    fn debug_output_keeps_the_key_to_itself() {
        assert_eq!(format!("{:?}", key()), "CursorKey([REDACTED])");
    }

    proptest! {
        #[test]
        fn every_position_comes_back_in_its_own_scope_only(scope in ".{0,40}", other in ".{0,40}", name in ".{0,20}", id: i64) {
            let token = key().seal(&scope, &(&name, id));
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(key().open::<(String, i64)>(&scope, &token), Ok((name, id)));
            if other != scope {
                prop_assert_eq!(key().open::<(String, i64)>(&other, &token), Err(CursorError::OtherScope));
            }
        }

        #[test]
        fn a_token_altered_anywhere_never_opens(at: prop::sample::Index, with in "[A-Za-z0-9_-]") {
            let token = key().seal("s", &("Alma", 42));
            let mut altered: Vec<char> = token.chars().collect();
            let at = at.index(altered.len());
            altered[at] = with.chars().next().unwrap_or('A');
            let altered: String = altered.into_iter().collect();
            prop_assume!(altered != token);
            prop_assert!(key().open::<(String, i64)>("s", &altered).is_err());
        }

        #[test]
        fn arbitrary_text_never_opens(token in ".{0,200}") {
            prop_assert!(key().open::<serde_json::Value>("s", &token).is_err());
        }
    }
}
