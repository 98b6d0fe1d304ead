//! The code that fetches a package: eight characters, made and never stored.
//!
//! A code is 40 bits of keyed BLAKE3 over the package, its customer and a random nonce. The database has the nonce alone: whoever
//! reads it cannot make the code without the server's key. Five wrong guesses lock a code, so that a guesser has a chance of
//! 5 in 2⁴⁰; a customer's codes together take twenty wrong guesses in an hour, so that no one tries them in turn (P-D7).

use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// Wrong guesses that lock a code; a new one has to be issued then.
pub(crate) const MAX_WRONG_PER_CODE: u32 = 5;
/// Wrong guesses in an hour after which none of a customer's codes is taken.
pub(crate) const MAX_WRONG_PER_CUSTOMER_HOUR: u32 = 20;
/// Codes that are issued on demand for one package in a day: each sends its customer a message.
pub(crate) const MAX_ISSUED_PER_DAY: usize = 5;
/// Fewest bytes of a secret that codes are made from.
pub(crate) const MIN_SECRET_BYTES: usize = 32;

const LENGTH: usize = 8;
const CONTEXT: &str = "aldia package-ledger 2026-12 pickup code";
/// Crockford's base32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What codes are made with.
#[derive(Debug)]
pub(crate) struct PickupKey(SecretBox<[u8; 32]>);

/// A secret is too short to make codes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of pickup codes has fewer than {MIN_SECRET_BYTES} bytes")]
pub(crate) struct WeakSecret;

impl PickupKey {
    /// The key of a secret, for this purpose alone.
    ///
    /// # Errors
    /// [`WeakSecret`] if it is too short.
    pub(crate) fn derive(secret: &SecretString) -> Result<Self, WeakSecret> {
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < MIN_SECRET_BYTES {
            return Err(WeakSecret);
        }
        Ok(Self(SecretBox::new(Box::new(blake3::derive_key(CONTEXT, bytes)))))
    }
}

/// A code, as it is told to a customer or typed at the desk. It is shown to nobody by accident: see [`PickupCode::reveal`].
#[derive(Clone)]
pub(crate) struct PickupCode([u8; LENGTH]);

/// The code of a package for its customer. The nonce comes from a secure source, and is new for every code.
pub(crate) fn code(key: &PickupKey, package_id: Uuid, customer_id: Uuid, nonce: [u8; 16]) -> PickupCode {
    let mut hasher = blake3::Hasher::new_keyed(key.0.expose_secret());
    // All three have 16 bytes: nothing of one can pass for the beginning of the next.
    hasher.update(package_id.as_bytes()).update(customer_id.as_bytes()).update(&nonce);
    let mut bits = [0; 8];
    hasher.finalize_xof().fill(&mut bits);
    let bits = u64::from_le_bytes(bits);
    // Five bits each: every character is as likely as any other.
    let mut shift = 0;
    PickupCode([b'0'; LENGTH].map(|_| {
        let symbol = symbol(bits >> shift);
        shift += 5;
        symbol
    }))
}

fn symbol(bits: u64) -> u8 {
    usize::try_from(bits & 31).ok().and_then(|index| ALPHABET.get(index)).copied().unwrap_or(b'0')
}

impl PickupCode {
    /// What a person has typed: in any case, with blanks and dashes, with an O for a zero and an I or L for a one. None if it
    /// cannot be a code, which is no guess either.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let mut characters =
            typed.chars().filter(|character| !character.is_whitespace() && *character != '-');
        let mut code = [b'0'; LENGTH];
        for place in &mut code {
            let byte = match characters.next()?.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                other => u8::try_from(other).ok()?,
            };
            *place = ALPHABET.contains(&byte).then_some(byte)?;
        }
        characters.next().is_none().then_some(Self(code))
    }

    /// The code in two groups, for its customer's eyes.
    pub(crate) fn reveal(&self) -> String {
        let mut shown = String::with_capacity(LENGTH + 1);
        for (index, byte) in self.0.iter().enumerate() {
            if index == LENGTH / 2 {
                shown.push('-');
            }
            shown.push(char::from(*byte));
        }
        shown
    }

    /// Whether it is the same, in a time that does not tell how much of it is.
    fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for PickupCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PickupCode(…)")
    }
}

/// What was made of one code until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Wrong guesses.
    pub(crate) wrong: u32,
    /// It takes no more of them.
    pub(crate) locked: bool,
    /// It has fetched its package.
    pub(crate) used: bool,
}

/// What a guess came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is right, and used now.
    Accepted,
    /// It is wrong.
    Wrong {
        /// Guesses that are left.
        left: u32,
    },
    /// Was not looked at: the code took its wrong guesses; a new one has to be issued.
    Locked,
    /// Was not looked at: the code was used.
    Used,
    /// Was not looked at: the customer's codes took their wrong guesses of this hour.
    Throttled,
}

/// Judges a guess, and tells what the code's budget is from now on; the caller keeps it, and counts [`Outcome::Wrong`] for the
/// customer, before it answers.
pub(crate) fn attempt(
    expected: &PickupCode,
    typed: &PickupCode,
    budget: Budget,
    customer_wrong_in_hour: u32,
) -> (Outcome, Budget) {
    if budget.used {
        return (Outcome::Used, budget);
    }
    if budget.locked || budget.wrong >= MAX_WRONG_PER_CODE {
        return (Outcome::Locked, Budget { locked: true, ..budget });
    }
    if customer_wrong_in_hour >= MAX_WRONG_PER_CUSTOMER_HOUR {
        return (Outcome::Throttled, budget);
    }
    if expected.matches(typed) {
        return (Outcome::Accepted, Budget { used: true, ..budget });
    }
    let wrong = budget.wrong.saturating_add(1);
    let left = MAX_WRONG_PER_CODE.saturating_sub(wrong);
    (Outcome::Wrong { left }, Budget { wrong, locked: left == 0, ..budget })
}

#[cfg(test)]
mod tests;
