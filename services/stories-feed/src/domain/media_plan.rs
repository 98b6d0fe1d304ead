//! Which rendition of each story a client is to load, so that all of them together stay within a number of bytes (S-D5).
//!
//! In the order of the feed each story gets the best rendition that still lets every later story have its smallest. Where not even the
//! smallest of all fit, the first get theirs as far as the budget reaches.

use serde::{Deserialize, Serialize};

use super::hints::Formats;

/// A file format, as far as choosing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    /// A picture that everything reads.
    Jpeg,
    /// A smaller one.
    Webp,
    /// The smallest.
    Avif,
    /// A video in one file.
    Mp4,
    /// What is not loaded as a whole, or not known here: never planned.
    Other,
}

impl Format {
    /// The format of this file extension.
    pub(crate) fn of(extension: &str) -> Self {
        match extension {
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            "avif" => Self::Avif,
            "mp4" => Self::Mp4,
            _ => Self::Other,
        }
    }
}

/// What is known of a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rendition {
    /// Its format.
    pub(crate) format: Format,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its width in pixels.
    pub(crate) width: u32,
}

/// What a client can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// How many bytes all of it may have together.
    pub(crate) budget: u64,
    /// Which formats it reads.
    pub(crate) formats: Formats,
    /// How wide it shows them, in pixels: more than that is no better.
    pub(crate) max_width: Option<u32>,
}

/// For each story, in order, the index of the rendition chosen. `of` tells what is known of one.
pub(crate) fn plan<R>(stories: &[&[R]], wanted: Wanted, of: impl Fn(&R) -> Rendition) -> Vec<Option<usize>> {
    let usable: Vec<Vec<(usize, Rendition)>> = stories
        .iter()
        .map(|renditions| {
            let known = renditions.iter().map(&of).enumerate();
            known.filter(|(_, rendition)| wanted.formats.read(rendition.format)).collect()
        })
        .collect();
    let smallest = |renditions: &[(usize, Rendition)]| renditions.iter().map(|(_, one)| one.bytes).min();
    let mut owed = usable.iter().filter_map(|renditions| smallest(renditions)).fold(0, u64::saturating_add);
    let mut left = wanted.budget;
    let choose = |renditions: &Vec<(usize, Rendition)>| {
        let least = smallest(renditions)?;
        owed = owed.saturating_sub(least);
        // What later stories are owed is kept back, unless not even this one's smallest would be left.
        let may_spend = left.saturating_sub(owed).max(least).min(left);
        let (index, chosen) = best(renditions, may_spend, wanted.max_width)?;
        left = left.saturating_sub(chosen.bytes);
        Some(index)
    };
    usable.iter().map(choose).collect()
}

/// The best of those that do not have more bytes: a video is better than its picture, a wider one better than a narrower as far as it
/// is shown, and of equals the one with fewer bytes.
fn best(
    renditions: &[(usize, Rendition)],
    may_spend: u64,
    max_width: Option<u32>,
) -> Option<(usize, Rendition)> {
    let shown_width = |rendition: &Rendition| rendition.width.min(max_width.unwrap_or(u32::MAX));
    let worth = |rendition: &Rendition| {
        (rendition.format == Format::Mp4, shown_width(rendition), std::cmp::Reverse(rendition.bytes))
    };
    let affordable = renditions.iter().filter(|(_, rendition)| rendition.bytes <= may_spend);
    affordable.max_by_key(|(_, rendition)| worth(rendition)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Formats = Formats { avif: true, webp: true };

    fn picture(format: Format, bytes: u64, width: u32) -> Rendition {
        Rendition { format, bytes, width }
    }

    fn ladder() -> Vec<Rendition> {
        vec![
            picture(Format::Webp, 100, 20),
            picture(Format::Avif, 4_000, 200),
            picture(Format::Webp, 5_000, 200),
            picture(Format::Jpeg, 8_000, 200),
            picture(Format::Avif, 40_000, 1080),
            picture(Format::Jpeg, 90_000, 1080),
        ]
    }

    fn chosen(stories: &[Vec<Rendition>], wanted: Wanted) -> Vec<Option<u64>> {
        let slices: Vec<&[Rendition]> = stories.iter().map(Vec::as_slice).collect();
        let picks = plan(&slices, wanted, |one| *one);
        picks.iter().zip(stories).map(|(pick, story)| pick.map(|index| story[index].bytes)).collect()
    }

    #[test]
    fn the_first_get_the_best_and_the_last_are_not_forgotten() {
        let stories = vec![ladder(); 3];
        let wanted = |budget| Wanted { budget, formats: ALL, max_width: None };
        assert_eq!(chosen(&stories, wanted(1_000_000)), [Some(40_000); 3]);
        assert_eq!(chosen(&stories, wanted(45_000)), [Some(40_000), Some(4_000), Some(100)]);
        assert_eq!(chosen(&stories, wanted(250)), [Some(100), Some(100), None]);
        assert_eq!(chosen(&stories, wanted(0)), [None; 3]);
    }

    #[test]
    fn nobody_is_sent_what_he_cannot_read_or_show() {
        let stories = vec![ladder()];
        let plain =
            Wanted { budget: 1_000_000, formats: Formats { avif: false, webp: false }, max_width: None };
        assert_eq!(chosen(&stories, plain), [Some(90_000)]);
        let narrow = Wanted { max_width: Some(150), formats: ALL, ..plain };
        assert_eq!(chosen(&stories, narrow), [Some(4_000)]);
        assert_eq!(chosen(&stories, Wanted { max_width: Some(400), ..narrow }), [Some(40_000)]);
    }

    #[test]
    fn a_video_is_better_than_its_picture_where_it_can_be_afforded() {
        let video = vec![
            picture(Format::Jpeg, 9_000, 1080),
            picture(Format::Mp4, 600_000, 720),
            picture(Format::Other, 1, 1080),
        ];
        let wanted = Wanted { budget: 1_000_000, formats: ALL, max_width: None };
        assert_eq!(chosen(std::slice::from_ref(&video), wanted), [Some(600_000)]);
        assert_eq!(chosen(&[video], Wanted { budget: 500_000, ..wanted }), [Some(9_000)]);
    }

    #[test]
    fn what_has_no_media_takes_nothing() {
        let stories = [Vec::new(), ladder()];
        let wanted = Wanted { budget: 40_000, formats: ALL, max_width: None };
        assert_eq!(chosen(&stories, wanted), [None, Some(40_000)]);
    }

    fn any_rendition() -> impl Strategy<Value = Rendition> {
        let formats = [Format::Jpeg, Format::Webp, Format::Avif, Format::Mp4, Format::Other];
        (prop::sample::select(formats.to_vec()), 0u64..100_000, 1u32..2_000)
            .prop_map(|(format, bytes, width)| Rendition { format, bytes, width })
    }

    proptest! {
        #[test]
        fn the_sum_is_never_above_the_budget(
            stories in prop::collection::vec(prop::collection::vec(any_rendition(), 0..8), 0..30),
            budget in 0u64..2_000_000, avif: bool, webp: bool, max_width in prop::option::of(1u32..3_000),
        ) {
            let formats = Formats { avif, webp };
            let picks = chosen(&stories, Wanted { budget, formats, max_width });
            prop_assert_eq!(picks.len(), stories.len());
            prop_assert!(picks.iter().flatten().sum::<u64>() <= budget);
            // Where the smallest of all fit, nobody goes without.
            let usable = |story: &Vec<Rendition>| story.iter().filter(|one| formats.read(one.format)).map(|one| one.bytes).min();
            if stories.iter().filter_map(usable).sum::<u64>() <= budget {
                for (pick, story) in picks.iter().zip(&stories) {
                    prop_assert_eq!(pick.is_some(), usable(story).is_some());
                }
            }
        }
    }
}
