//! A parcel as somebody at the desk describes it: its size, its condition, and texts about it.

use problem::FieldError;

use super::named::named;
use super::tariff::SizeClass;

/// Most of a side, in millimetres, and of the weight, in grams; the database has the same bounds.
const MAX_SIDE_MM: i32 = 10_000;
const MAX_WEIGHT_G: i32 = 1_000_000;

/// Crockford's base32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TRACKING_NO_CHARS: usize = 10;

named! {
    /// How a parcel came.
    Condition {
        /// Whole.
        Good = "good",
        /// Open.
        Opened = "opened",
        /// Broken.
        Damaged = "damaged",
    }
}

/// What is known of how large a parcel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measures {
    /// As somebody says.
    pub(crate) size_class: Option<SizeClass>,
    /// Its sides, in millimetres.
    pub(crate) dims_mm: Option<[i32; 3]>,
    /// Its weight, in grams.
    pub(crate) weight_g: Option<i32>,
}

impl Measures {
    /// The size of the parcel: the one that its measures give. One that somebody says has to agree with the measures that are known,
    /// since it decides on what is charged.
    pub(crate) fn size(&self, faults: &mut Vec<FieldError>) -> Option<SizeClass> {
        let before = faults.len();
        for (index, side) in self.dims_mm.into_iter().flatten().enumerate() {
            range(&format!("/dims_mm/{index}"), side, MAX_SIDE_MM, faults);
        }
        if let Some(weight_g) = self.weight_g {
            range("/weight_g", weight_g, MAX_WEIGHT_G, faults);
        }
        if faults.len() > before {
            return None;
        }
        match (self.size_class, self.dims_mm.zip(self.weight_g)) {
            (None, None) => {
                let message = "a size is expected, or sides and weight";
                fault("/size_class", "required", message, faults);
                None
            }
            (None, Some((dims_mm, weight_g))) => Some(SizeClass::of(dims_mm, weight_g)),
            (Some(size), Some((dims_mm, weight_g))) => {
                self.agreed(size, SizeClass::of(dims_mm, weight_g) == size, faults)
            }
            (Some(size), None) => {
                let fits = size.fits(self.dims_mm.unwrap_or_default(), self.weight_g.unwrap_or_default());
                self.agreed(size, fits, faults)
            }
        }
    }

    fn agreed(&self, size: SizeClass, agrees: bool, faults: &mut Vec<FieldError>) -> Option<SizeClass> {
        if agrees {
            return Some(size);
        }
        let message = format!("a parcel with these measures is not of size {}", size.as_str());
        fault("/size_class", "contradicts_measures", message, faults);
        None
    }
}

fn range(pointer: &str, number: i32, most: i32, faults: &mut Vec<FieldError>) {
    if !(1..=most).contains(&number) {
        fault(pointer, "out_of_range", format!("a whole number from 1 to {most} is expected"), faults);
    }
}

/// A text as it is stored: trimmed, none where nothing is left of it. Lines may be broken in it; other control characters are refused.
pub(crate) fn text(
    pointer: &str,
    text: Option<&str>,
    max_chars: usize,
    faults: &mut Vec<FieldError>,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.chars().any(|character| character.is_control() && character != '\n') {
        fault(pointer, "invalid_format", "control characters are not taken", faults);
        return None;
    }
    if text.chars().count() > max_chars {
        fault(pointer, "too_long", format!("at most {max_chars} characters are expected"), faults);
        return None;
    }
    Some(text.to_owned())
}

/// Adds a fault.
pub(crate) fn fault(
    pointer: &str,
    code: &'static str,
    message: impl Into<String>,
    faults: &mut Vec<FieldError>,
) {
    faults.push(FieldError { pointer: pointer.to_owned(), code, message: message.into() });
}

/// Our own number of a parcel, for its label: ten characters that nobody can guess from another one's.
pub(crate) fn tracking_no(random: [u8; 16]) -> String {
    let symbol = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('0', char::from);
    random.iter().take(TRACKING_NO_CHARS).map(symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(
        size_class: Option<SizeClass>,
        dims_mm: Option<[i32; 3]>,
        weight_g: Option<i32>,
    ) -> Result<SizeClass, Vec<String>> {
        let mut faults = Vec::new();
        let size = Measures { size_class, dims_mm, weight_g }.size(&mut faults);
        size.ok_or_else(|| faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect())
    }

    #[test]
    fn the_measures_give_the_size_to_the_millimetre_and_the_gram() {
        assert_eq!(size(None, Some([300, 300, 300]), Some(4_999)), Ok(SizeClass::Small));
        assert_eq!(size(None, Some([301, 1, 1]), Some(1)), Ok(SizeClass::Extra));
        assert_eq!(size(None, Some([1, 1, 1]), Some(5_000)), Ok(SizeClass::Extra));
    }

    #[test]
    fn a_size_that_somebody_says_agrees_with_what_was_measured() {
        let contradicts = Err(vec!["/size_class contradicts_measures".to_owned()]);
        assert_eq!(size(Some(SizeClass::Small), None, None), Ok(SizeClass::Small));
        assert_eq!(size(Some(SizeClass::Small), None, Some(5_000)), contradicts);
        assert_eq!(size(Some(SizeClass::Small), Some([1, 1, 301]), None), contradicts);
        assert_eq!(size(Some(SizeClass::Extra), Some([1, 1, 1]), Some(1)), contradicts);
        // With one of both missing nobody can say that it is not large.
        assert_eq!(size(Some(SizeClass::Extra), Some([1, 1, 1]), None), Ok(SizeClass::Extra));
    }

    #[test]
    fn every_fault_of_the_measures_is_told() {
        assert_eq!(size(None, None, Some(1)), Err(vec!["/size_class required".to_owned()]));
        let faults = ["/dims_mm/0 out_of_range", "/dims_mm/2 out_of_range", "/weight_g out_of_range"];
        assert_eq!(size(None, Some([0, 1, 10_001]), Some(0)), Err(faults.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_text_is_trimmed_and_bounded() {
        let mut faults = Vec::new();
        assert_eq!(text("/note", Some(" a\nb "), 3, &mut faults), Some("a\nb".to_owned()));
        assert_eq!(text("/note", Some("  "), 3, &mut faults), None);
        assert!(faults.is_empty());
        assert_eq!(text("/note", Some("abcd"), 3, &mut faults), None);
        assert_eq!(text("/note", Some("a\u{0}"), 3, &mut faults), None);
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too_long", "invalid_format"]);
    }

    #[test]
    fn a_tracking_number_has_what_a_label_can_be_read_by() {
        let number = tracking_no([255; 16]);
        assert_eq!(number, "ZZZZZZZZZZ");
        assert_ne!(tracking_no([1; 16]), tracking_no([2; 16]));
    }
}
