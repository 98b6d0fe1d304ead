//! `Age` as a field value (RFC 9111 §5.1).

use http::HeaderValue;

/// Ages below this are not made anew for each answer.
const READY: usize = 1000;

/// The digits of each ready age, right-aligned.
static DIGITS: [[u8; 3]; READY] = digits();

const fn digits() -> [[u8; 3]; READY] {
    let mut all = [[b'0'; 3]; READY];
    let (mut hundreds, mut at) = (b'0', 0);
    while hundreds <= b'9' {
        let mut tens = b'0';
        while tens <= b'9' {
            let mut ones = b'0';
            while ones <= b'9' {
                #[expect(clippy::indexing_slicing, reason = "reckoned by the compiler, which would refuse")]
                {
                    all[at] = [hundreds, tens, ones];
                }
                (ones, at) = (ones + 1, at + 1);
            }
            tens += 1;
        }
        hundreds += 1;
    }
    all
}

/// The value for an age in seconds.
pub(super) fn value(seconds: u64) -> HeaderValue {
    ready(seconds).map_or_else(|| HeaderValue::from(seconds), HeaderValue::from_static)
}

fn ready(seconds: u64) -> Option<&'static str> {
    let digits = DIGITS.get(usize::try_from(seconds).ok()?)?;
    let start = match seconds {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    std::str::from_utf8(digits.get(start..)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_is_written_in_seconds() {
        for seconds in (0..2 * READY as u64).chain([123_456, 2_147_483_648]) {
            assert_eq!(value(seconds), seconds.to_string());
        }
    }
}
