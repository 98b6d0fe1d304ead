//! `Accept-Encoding` (RFC 9110 §12.5.3): the coding a client likes best, ours breaking the tie.

use conditional::Coding;

/// Our order where the client has none: zstd is the cheapest for its size, gzip is for those that know nothing else.
const PREFERENCE: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// The best coding for the lines of `Accept-Encoding`; without any, or with nothing we have, the body stays as it is.
pub(crate) fn negotiate<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Coding {
    let mut weights = Weights::default();
    for line in lines {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        for element in line.split(',') {
            weights.read(element);
        }
    }
    let mut best = (Coding::Identity, weights.of_identity());
    for coding in PREFERENCE.into_iter().rev() {
        let weight = weights.of(coding);
        if weight > 0 && weight >= best.1 {
            best = (coding, weight);
        }
    }
    best.0
}

/// Weights in thousandths.
#[derive(Default)]
struct Weights {
    zstd: Option<u16>,
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

impl Weights {
    fn read(&mut self, element: &str) {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut weight = 1000;
        for parameter in parts {
            if let Some((key, value)) = parameter.split_once('=')
                && key.trim().eq_ignore_ascii_case("q")
            {
                // A weight nobody can read is no wish at all.
                weight = thousandths(value.trim()).unwrap_or(0);
            }
        }
        let slot = match name.as_str() {
            "zstd" => &mut self.zstd,
            "br" => &mut self.brotli,
            "gzip" | "x-gzip" => &mut self.gzip,
            "identity" => &mut self.identity,
            "*" => &mut self.others,
            _ => return,
        };
        *slot = Some(weight);
    }

    fn of(&self, coding: Coding) -> u16 {
        let own = match coding {
            Coding::Zstd => self.zstd,
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
            Coding::Identity => self.identity,
        };
        own.or(self.others).unwrap_or(0)
    }

    /// Always acceptable unless refused by name or by `*`; then it is still sent when there is nothing else. Without a
    /// weight of its own it loses to any coding that is acceptable.
    fn of_identity(&self) -> u16 {
        self.identity.unwrap_or(0)
    }
}

/// A weight, `0`…`1` with up to three decimals, in thousandths.
pub(crate) fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_decide_and_our_order_breaks_ties() {
        for (accepted, expected) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("gzip, br", Coding::Brotli),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("GZIP;q=0.8, BR;Q=0.5", Coding::Gzip),
            ("gzip;q=1.0, br;q=0.999, zstd;q=0", Coding::Gzip),
            ("*", Coding::Zstd),
            ("*;q=0.5, zstd;q=0", Coding::Brotli),
            ("*;q=0", Coding::Identity),
            ("identity", Coding::Identity),
            ("identity;q=0.9, gzip;q=0.2", Coding::Identity),
            ("identity;q=0, gzip;q=0.2", Coding::Gzip),
            ("identity;q=0", Coding::Identity),
            ("deflate, compress", Coding::Identity),
            ("br;q=2, gzip;q=0.1", Coding::Gzip),
            ("br;q=, gzip;q=0.1", Coding::Gzip),
        ] {
            assert_eq!(negotiate([accepted.as_bytes()]), expected, "{accepted}");
        }
        assert_eq!(negotiate([]), Coding::Identity);
        assert_eq!(negotiate([b"br;q=0.1".as_slice(), b"gzip"]), Coding::Gzip);
        assert_eq!(negotiate([b"\xff".as_slice(), b"gzip"]), Coding::Gzip);
    }
}
