//! From the colours of a picture's own profile to sRGB, which is what everybody takes a picture without a profile for.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::raster::Raster;

/// Profiles of photos have a few kilobytes; what is longer is a table for printing.
const PROFILE_BYTES: usize = 1 << 20;

/// Brings RGB or RGBA to sRGB. A profile that is broken, or that describes grey or ink, changes nothing: the decoder has
/// made RGB of such pixels already, and they look right without it.
pub(crate) fn to_srgb(raster: &mut Raster, profile: &[u8]) {
    if profile.len() > PROFILE_BYTES {
        return;
    }
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let layout = if raster.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, TransformOptions::default())
    else {
        return;
    };
    let row_bytes = raster.row_bytes();
    let mut before = vec![0; row_bytes];
    for row in raster.data.chunks_exact_mut(row_bytes) {
        before.copy_from_slice(row);
        // Fails only for rows of two lengths, which these are not.
        if transform.transform(&before, row).is_err() {
            return;
        }
    }
}
