//! What a client tells of itself in its request: how much it wants to load, and what it can show (S-A15). Whatever cannot be read
//! counts as not told.

use super::media_plan::Format;

/// Bytes of media of a feed unless the client tells something (S-A22: 500 KB to 1 MB).
pub(crate) const DEFAULT_BUDGET: u64 = 1_000_000;
/// The same for clients that save data.
const SAVING_BUDGET: u64 = 250_000;
/// What a feed has at least, however slow the line: placeholders of a page.
const LEAST_BUDGET: u64 = 20_000;
/// Most that a client can ask for.
pub(crate) const MAX_BUDGET: u64 = 100_000_000;

/// The fields of a request that hints are read from, as they stand in `Accept-CH`.
pub(crate) const FIELDS: &str = "DPR, Downlink, ECT, Save-Data, Width";

/// The formats that a client names outright. JPEG, and MP4 for videos, are read by all. Wildcards count for nothing: those who cannot read
/// the newer formats send them too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Formats {
    /// AVIF.
    pub(crate) avif: bool,
    /// WebP.
    pub(crate) webp: bool,
}

impl Formats {
    /// Those named in the lines of `Accept`, unless with a weight of zero.
    pub(crate) fn accepted<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut formats = Self::default();
        for member in lines.flat_map(|line| line.split(',')) {
            let mut parts = member.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let is_refused = parts.any(|parameter| {
                let (name, weight) = parameter.split_once('=').unwrap_or_default();
                let is_weight = name.trim().eq_ignore_ascii_case("q");
                // A weight that nobody can read is no wish at all.
                is_weight && !weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)
            });
            formats.avif |= !is_refused && name.eq_ignore_ascii_case("image/avif");
            formats.webp |= !is_refused && name.eq_ignore_ascii_case("image/webp");
        }
        formats
    }

    /// Whether it reads this one.
    pub(crate) fn read(self, format: Format) -> bool {
        match format {
            Format::Jpeg | Format::Mp4 => true,
            Format::Webp => self.webp,
            Format::Avif => self.avif,
            Format::Other => false,
        }
    }
}

/// How good the client takes its connection to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Slow2g,
    Second,
    Third,
    Fourth,
}

/// What was told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Hints {
    /// The client saves data (`Save-Data: on`).
    pub(crate) saves_data: bool,
    connection: Option<Connection>,
    /// In megabits a second.
    downlink: Option<f64>,
    /// Pixels of the screen for one of the page.
    density: Option<f64>,
    /// In pixels of the page.
    width: Option<f64>,
    /// What it reads.
    pub(crate) formats: Formats,
}

impl Hints {
    /// Read from the values of header fields: `field` gives that of a name, in lower case.
    pub(crate) fn read<'a>(field: impl Fn(&str) -> Option<&'a str>, formats: Formats) -> Self {
        let number = |name: &str, least: f64, most: f64| {
            let value: f64 = field(name)?.trim().parse().ok()?;
            (least..=most).contains(&value).then_some(value)
        };
        Self {
            saves_data: field("save-data").is_some_and(|value| value.trim().eq_ignore_ascii_case("on")),
            connection: field("ect").and_then(|value| match value.trim() {
                "slow-2g" => Some(Connection::Slow2g),
                "2g" => Some(Connection::Second),
                "3g" => Some(Connection::Third),
                "4g" => Some(Connection::Fourth),
                _ => None,
            }),
            downlink: number("downlink", 0.0, 10_000.0),
            density: number("dpr", 0.1, 10.0),
            width: number("width", 1.0, 20_000.0),
            formats,
        }
    }

    /// How many bytes the media of one page may have: what a line like this brings in two seconds, less for who saves data.
    pub(crate) fn budget(&self) -> u64 {
        let by_connection = match self.connection {
            Some(Connection::Slow2g) => 50_000,
            Some(Connection::Second) => 100_000,
            Some(Connection::Third) => 400_000,
            Some(Connection::Fourth) | None => DEFAULT_BUDGET,
        };
        let by_saving = if self.saves_data { SAVING_BUDGET } else { DEFAULT_BUDGET };
        // A megabit a second brings 250,000 bytes in two.
        let by_line = self.downlink.map_or(DEFAULT_BUDGET, |megabits| whole(megabits * 250_000.0));
        by_connection.min(by_saving).min(by_line).max(LEAST_BUDGET)
    }

    /// How wide media are shown, in pixels of the screen: `Width` times `DPR`, which is 1 where it is not told.
    pub(crate) fn max_width(&self) -> Option<u32> {
        let width = self.width? * self.density.unwrap_or(1.0);
        Some(u32::try_from(whole(width.ceil())).unwrap_or(u32::MAX))
    }
}

/// The whole part of a number that lies between zero and 2⁵³, which the bounds above take care of.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded: an `as` saturates")]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(fields: &[(&str, &'static str)]) -> Hints {
        let field = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Hints::read(field, Formats::default())
    }

    #[test]
    fn a_worse_line_never_has_the_larger_budget() {
        let budget = |fields: &[(&str, &'static str)]| hints(fields).budget();
        assert_eq!(budget(&[]), DEFAULT_BUDGET);
        assert_eq!(budget(&[("save-data", "on")]), 250_000);
        assert_eq!(budget(&[("save-data", "off"), ("ect", "5g"), ("downlink", "fast")]), DEFAULT_BUDGET);
        assert_eq!(budget(&[("ect", "3g"), ("save-data", "on")]), 250_000);
        assert_eq!(budget(&[("ect", "4g"), ("downlink", "0.7")]), 175_000);
        assert_eq!(budget(&[("downlink", "0")]), LEAST_BUDGET);
        assert_eq!(budget(&[("downlink", "NaN")]), DEFAULT_BUDGET);
        let by_kind = ["slow-2g", "2g", "3g", "4g"].map(|kind| budget(&[("ect", kind)]));
        assert!(by_kind.is_sorted());
    }

    #[test]
    fn the_width_is_that_of_the_screen() {
        assert_eq!(hints(&[]).max_width(), None);
        assert_eq!(hints(&[("dpr", "2")]).max_width(), None);
        assert_eq!(hints(&[("width", "360")]).max_width(), Some(360));
        assert_eq!(hints(&[("width", "360"), ("dpr", "2.625")]).max_width(), Some(945));
        assert_eq!(hints(&[("width", "-1")]).max_width(), None);
        assert_eq!(hints(&[("width", "360"), ("dpr", "1e99")]).max_width(), Some(360));
    }

    #[test]
    fn only_formats_that_are_named_are_sent() {
        let accepted = |line: &'static str| Formats::accepted(std::iter::once(line));
        let both = Formats { avif: true, webp: true };
        assert_eq!(accepted("image/avif,image/webp,*/*;q=0.8"), both);
        assert_eq!(Formats::accepted(["IMAGE/WEBP ; q=0.5", "image/avif"].into_iter()), both);
        for line in ["", "*/*", "image/*", "application/json", "image/avif;q=0, image/webp;q=x"] {
            assert_eq!(accepted(line), Formats::default(), "{line}");
        }
    }
}
