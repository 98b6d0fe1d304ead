//! A picture over each frame.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::MediaError;

/// A picture over each frame, in its own size.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// A PNG, transparent where nothing is to be seen. It is ours, not the uploader's.
    pub image: PathBuf,
    /// Where.
    pub corner: Corner,
    /// Distance from both edges, in pixels.
    pub margin: u32,
    /// From 0 (not to be seen) to 1 (as the picture is).
    pub opacity: f32,
}

/// A corner of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// At the top, on the left.
    TopLeft,
    /// At the top, on the right.
    TopRight,
    /// At the bottom, on the left.
    BottomLeft,
    /// At the bottom, on the right.
    BottomRight,
}

impl Watermark {
    pub(crate) fn check(&self) -> Result<(), MediaError> {
        check(&[
            ((0.0..=1.0).contains(&self.opacity), "watermark.opacity: must be from 0 to 1"),
            (self.margin <= 4096, "watermark.margin: must be at most 4096"),
        ])
    }

    /// Filters that lay input 1 over `frames`.
    pub(crate) fn filter(&self, frames: &str) -> String {
        let margin = self.margin;
        let (left, right) = (format!("{margin}"), format!("W-w-{margin}"));
        let (top, bottom) = (format!("{margin}"), format!("H-h-{margin}"));
        let (x, y) = match self.corner {
            Corner::TopLeft => (left, top),
            Corner::TopRight => (right, top),
            Corner::BottomLeft => (left, bottom),
            Corner::BottomRight => (right, bottom),
        };
        let opacity = self.opacity;
        format!(
            "{frames}[frames];[1:v]format=rgba,colorchannelmixer=aa={opacity:.3}[mark];\
             [frames][mark]overlay=x={x}:y={y}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_is_a_place_from_its_edges() {
        let mark = |corner| {
            Watermark { image: PathBuf::from("/w.png"), corner, margin: 8, opacity: 0.5 }.filter("[0:v]null")
        };
        assert!(mark(Corner::TopLeft).ends_with("overlay=x=8:y=8"));
        assert!(mark(Corner::BottomRight).ends_with("overlay=x=W-w-8:y=H-h-8"));
        assert!(mark(Corner::TopRight).contains("aa=0.500"));
    }
}
