//! In which format a picture is sent: whatever clients write in `Accept`, it comes down to one of three (S-D8).

/// A format that pictures are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PictureFormat {
    /// The smallest; what newer browsers read.
    Avif,
    /// Smaller than JPEG; what all browsers of the last years read.
    Webp,
    /// What everything reads.
    Jpg,
}

impl PictureFormat {
    /// All of them, the most wanted first.
    pub(crate) const ALL: [Self; 3] = [Self::Avif, Self::Webp, Self::Jpg];

    /// File extension, as in `rendition.format`.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::Webp => "webp",
            Self::Jpg => "jpg",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::Webp => "image/webp",
            Self::Jpg => "image/jpeg",
        }
    }
}

/// Of the formats that are there, the one that the client names outright and wants most, our order breaking the tie; else
/// the one that everything reads. Wildcards count for nothing: those who cannot read the newer formats send them too.
/// `None` when there is no format to choose from.
pub(crate) fn choose<'a>(
    accept: impl Iterator<Item = &'a str> + Clone,
    is_there: impl Fn(PictureFormat) -> bool,
) -> Option<PictureFormat> {
    let mut best: Option<(u16, PictureFormat)> = None;
    for format in PictureFormat::ALL.into_iter().filter(|format| is_there(*format)) {
        let weight = weight_of(format, accept.clone());
        if weight > best.map_or(0, |(weight, _)| weight) {
            best = Some((weight, format));
        }
    }
    let last = || PictureFormat::ALL.into_iter().rev().find(|format| is_there(*format));
    best.map(|(_, format)| format).or_else(last)
}

/// How much a client wants a format that it names, in thousandths; 0 when it does not, or refuses it.
fn weight_of<'a>(format: PictureFormat, accept: impl Iterator<Item = &'a str>) -> u16 {
    let members = accept.flat_map(|line| line.split(','));
    let named = members.filter_map(|member| {
        let mut parts = member.split(';').map(str::trim);
        parts.next()?.eq_ignore_ascii_case(format.media_type()).then_some(())?;
        let mut weights = parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        // A weight that nobody can read is no wish at all.
        Some(weights.next().map_or(1000, |(_, weight)| thousandths(weight.trim()).unwrap_or(0)))
    });
    named.max().unwrap_or(0)
}

/// A weight by RFC 9110 §12.4.2: 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &str) -> Option<PictureFormat> {
        choose(std::iter::once(accept), |_| true)
    }

    #[test]
    fn the_format_a_client_names_and_wants_most_is_sent() {
        use PictureFormat::{Avif, Jpg, Webp};
        for (accept, expected) in [
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", Avif),
            ("image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", Webp),
            ("image/webp, image/avif;q=0.9", Webp),
            ("IMAGE/AVIF ; Q=0.5", Avif),
            ("image/jpeg, image/webp;q=0.1", Jpg),
            ("image/avif;q=0, image/webp;q=0.001", Webp),
            ("image/avif;q=0.4, image/jpeg;q=0.4", Avif),
            ("image/avif;q=2", Jpg),
            ("image/avif;q=0.1234", Jpg),
            ("image/avifx, ximage/webp", Jpg),
        ] {
            assert_eq!(chosen(accept), Some(expected), "{accept}");
        }
    }

    #[test]
    fn who_names_none_gets_what_everything_reads() {
        for accept in ["", "*/*", "image/*", "text/html", "image/png", "image/jpeg;q=0", "\u{fffd};;,=,q"] {
            assert_eq!(chosen(accept), Some(PictureFormat::Jpg), "{accept}");
        }
        assert_eq!(choose(std::iter::empty(), |_| true), Some(PictureFormat::Jpg));
    }

    #[test]
    fn only_what_is_there_is_sent() {
        let webp_only = |format| format == PictureFormat::Webp;
        assert_eq!(choose(std::iter::once("image/avif"), webp_only), Some(PictureFormat::Webp));
        assert_eq!(choose(std::iter::once("image/avif"), |_| false), None);
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = ["image/webp;q=0.5", "image/avif;q=0.4"];
        assert_eq!(choose(lines.into_iter(), |_| true), Some(PictureFormat::Webp));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// S-D8: a cache that keys by the answer keeps three of each name at most, whatever is asked.
        #[test]
        fn any_accept_leads_to_one_of_three(
            junk in prop::collection::vec(".{0,60}", 0..40),
            lists in prop::collection::vec(
                prop::collection::vec(("(image|\\*|text)/(avif|webp|jpeg|png|\\*)", "(;q=[0-9.]{0,5})?"), 0..6), 0..40
            ),
        ) {
            let made = lists.iter().map(|list| {
                list.iter().map(|(range, weight)| format!("{range}{weight}")).collect::<Vec<_>>().join(", ")
            });
            let answers: HashSet<_> = junk.iter().cloned().chain(made).map(|accept| chosen(&accept)).collect();
            prop_assert!(answers.len() <= 3, "{answers:?}");
            prop_assert!(!answers.contains(&None));
        }
    }
}
