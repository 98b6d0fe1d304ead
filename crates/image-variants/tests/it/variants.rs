//! Every variant has its size and looks like the original.

use image::ExtendedColorType;
use image_variants::{Fit, Format, VARIANTS, VariantSpec};

use crate::support::{decode, jpeg, media, photo, pixels, png_of, psnr, scene};

#[test]
fn a_photo_has_every_variant_in_exactly_its_size() {
    let picture = decode(&photo()).unwrap();
    for spec in &VARIANTS {
        let variant = picture.variant(spec).unwrap();
        let size = (variant.width(), variant.height());
        assert_eq!(size, spec.size_of(picture.width(), picture.height()), "{}", spec.name);
        for format in [Format::Jpeg, Format::Webp] {
            let encoded = image::load_from_memory(&variant.encode(format).unwrap()).unwrap();
            assert_eq!((encoded.width(), encoded.height()), size, "{} {format:?}", spec.name);
        }
        assert_eq!(variant.name(), spec.name);
    }
}

#[test]
fn nothing_is_ever_enlarged() {
    let picture = decode(&jpeg(&scene(150, 90))).unwrap();
    let sizes = VARIANTS.map(|spec| {
        let variant = picture.variant(&spec).unwrap();
        (variant.width(), variant.height())
    });
    assert_eq!(sizes, [(20, 12), (90, 90), (150, 90), (150, 90)]);
    let dot = decode(&png_of(&[1, 2, 3], 1, 1, ExtendedColorType::Rgb8)).unwrap();
    for spec in &VARIANTS {
        let variant = dot.variant(spec).unwrap();
        assert_eq!((variant.width(), variant.height()), (1, 1));
        variant.encode(Format::Webp).unwrap();
        variant.encode(Format::Jpeg).unwrap();
    }
}

#[test]
fn a_thumb_is_the_middle_of_the_picture() {
    // Red, green, blue in three squares beside each other.
    let stripes = image::RgbImage::from_fn(900, 300, |x, _| {
        image::Rgb([[255, 0, 0], [0, 255, 0], [0, 0, 255]][x as usize / 300])
    });
    let picture = decode(&png_of(stripes.as_raw(), 900, 300, ExtendedColorType::Rgb8)).unwrap();
    let thumb = pixels(&picture.variant(&VARIANTS[1]).unwrap()).to_rgb8();
    assert_eq!(thumb.dimensions(), (200, 200));
    for (x, y) in [(5, 5), (100, 100), (194, 194)] {
        assert_eq!(thumb.get_pixel(x, y).0, [0, 255, 0]);
    }
}

#[test]
fn encoded_photos_look_like_the_original_and_webp_is_smaller() {
    for name in ["picosdeeuropa-9x16-derived.jpg", "chelsea.png"] {
        let picture = decode(&media(name)).unwrap();
        let variant = picture.variant(&VARIANTS[2]).unwrap();
        let original = pixels(&variant).to_rgb8();
        let jpeg = variant.encode(Format::Jpeg).unwrap();
        let webp = variant.encode(Format::Webp).unwrap();
        for (format, bytes) in [("JPEG", &jpeg), ("WebP", &webp)] {
            let db = psnr(&image::load_from_memory(bytes).unwrap().to_rgb8(), &original);
            assert!(db > 30.0, "{name} as {format}: {db} dB");
        }
        assert!(webp.len() < jpeg.len(), "{name}: WebP {} JPEG {}", webp.len(), jpeg.len());
    }
}

#[test]
fn a_large_photo_loses_nothing_by_being_reduced_in_two_steps() {
    // Twelve megapixels with detail at every size: a photo beside itself.
    let photo = image::load_from_memory(&photo()).unwrap();
    let large = photo.resize_exact(3000, 4000, image::imageops::FilterType::Triangle).to_rgb8();
    let picture = decode(&png_of(large.as_raw(), 3000, 4000, ExtendedColorType::Rgb8)).unwrap();
    let made = pixels(&picture.variant(&VARIANTS[3]).unwrap()).to_rgb8();
    let expected = image::imageops::resize(&large, 1080, 1440, image::imageops::FilterType::Lanczos3);
    let db = psnr(&made, &expected);
    assert!(db > 40.0, "{db} dB");
}

#[test]
fn a_jpeg_is_progressive() {
    let variant = decode(&jpeg(&scene(300, 200))).unwrap().variant(&VARIANTS[2]).unwrap();
    let bytes = variant.encode(Format::Jpeg).unwrap();
    assert!(bytes.windows(2).any(|marker| marker == [0xff, 0xc2]));
}

#[test]
fn avif_is_left_to_somebody_else_who_gets_the_pixels() {
    let image = scene(60, 40);
    let picture = decode(&png_of(image.as_raw(), 60, 40, ExtendedColorType::Rgb8)).unwrap();
    let variant = picture.variant(&VARIANTS[3]).unwrap();
    assert_eq!(variant.encode(Format::Avif).unwrap_err().code(), "not_processed");
    assert_eq!(pixels(&variant).to_rgb8(), image);
}

#[test]
fn a_thin_picture_has_its_thumb() {
    let image = scene(30_000, 300);
    let picture = decode(&png_of(image.as_raw(), 30_000, 300, ExtendedColorType::Rgb8)).unwrap();
    let sizes = VARIANTS.map(|spec| {
        let variant = picture.variant(&spec).unwrap();
        (variant.width(), variant.height())
    });
    assert_eq!(sizes, [(20, 1), (200, 200), (640, 6), (1080, 11)]);
    picture.placeholders().unwrap();
}

#[test]
fn quality_is_what_the_spec_says() {
    let picture = decode(&photo()).unwrap();
    let length = |quality, format| {
        let spec = VariantSpec { name: "q", width: 300, height: 300, fit: Fit::Inside, quality };
        picture.variant(&spec).unwrap().encode(format).unwrap().len()
    };
    for format in [Format::Jpeg, Format::Webp] {
        assert!(length(40, format) < length(80, format) && length(80, format) < length(95, format));
    }
}
