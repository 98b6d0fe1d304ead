//! Draws everything that is made of a picture on one sheet, to be looked at.
//!
//! `cargo run -p image-variants --example contact_sheet -- sheet.png photo.jpg …` writes `sheet.png` with one row for each
//! picture: the variants from small to large, each as JPEG above and WebP below, then the decoded BlurHash, the decoded
//! ThumbHash and the dominant colour. Byte sizes and times are printed in the same order.
#![expect(clippy::unwrap_used, reason = "a tool for looking: what fails is shown by where it fails")]

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use image::imageops::{FilterType, overlay, resize};
use image::{DynamicImage, Rgb, RgbImage, RgbaImage};
use image_variants::{Format, Limits, Picture, VARIANTS, inspect};

/// Pixels between pictures.
const GAP: u32 = 10;
/// The longest side that is drawn; what is larger is scaled down.
const SIDE: u32 = 480;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let sheet = arguments.next().unwrap_or_else(|| "contact_sheet.png".to_owned());
    let rows: Vec<RgbImage> = arguments.map(|path| row(&path)).collect();
    stacked(&rows, false).save(&sheet).unwrap();
    println!("{sheet}");
}

/// One picture and all that is made of it.
fn row(path: &str) -> RgbImage {
    let open = || BufReader::new(File::open(path).unwrap());
    let header = inspect(open()).unwrap();
    let megapixels = f64::from(header.width) * f64::from(header.height) / 1e6;
    println!("{path}: {} {} x {}, {megapixels:.1} MP", header.format, header.width, header.height);
    let picture = timed("decode", || Picture::decode(open(), &Limits::default()).unwrap());
    let placeholders = timed("placeholders", || picture.placeholders().unwrap());
    let mut cells = Vec::new();
    for spec in &VARIANTS {
        let variant = timed(spec.name, || picture.variant(spec).unwrap());
        let encoded = [Format::Jpeg, Format::Webp].map(|format| {
            let bytes = timed(format.extension(), || variant.encode(format).unwrap());
            println!("    {} bytes, {} x {}", bytes.len(), variant.width(), variant.height());
            drawable(&image::load_from_memory(&bytes).unwrap())
        });
        cells.push(stacked(&encoded, false));
    }
    println!("  blurhash {} bytes {}", placeholders.blurhash.len(), placeholders.blurhash);
    println!("  thumbhash {} bytes {}", placeholders.thumbhash.len(), placeholders.thumbhash_base64());
    println!("  dominant colour {}", placeholders.dominant_color_hex());
    let (across, down) = if header.height > header.width { (120, 160) } else { (160, 120) };
    let blur = blurhash::decode(&placeholders.blurhash, across, down, 1.0).unwrap();
    let (width, height, thumb) = thumbhash::thumb_hash_to_rgba(&placeholders.thumbhash).unwrap();
    let (width, height) = (u32::try_from(width).unwrap(), u32::try_from(height).unwrap());
    let thumb = RgbaImage::from_raw(width, height, thumb).unwrap();
    cells.push(stacked(
        &[
            DynamicImage::from(RgbaImage::from_raw(across, down, blur).unwrap()).to_rgb8(),
            DynamicImage::from(resize(&thumb, width * 5, height * 5, FilterType::Triangle)).to_rgb8(),
            RgbImage::from_pixel(120, 60, Rgb(placeholders.dominant_color)),
        ],
        false,
    ));
    stacked(&cells, true)
}

fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    println!("  {name}: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    done
}

fn drawable(image: &DynamicImage) -> RgbImage {
    let fits = image.width() <= SIDE && image.height() <= SIDE;
    if fits { image.to_rgb8() } else { image.resize(SIDE, SIDE, FilterType::Triangle).to_rgb8() }
}

/// Pictures beside each other, or below each other.
fn stacked(images: &[RgbImage], beside: bool) -> RgbImage {
    let sum = |sizes: &dyn Fn(&RgbImage) -> u32| images.iter().map(|image| sizes(image) + GAP).sum::<u32>();
    let most = |sizes: &dyn Fn(&RgbImage) -> u32| images.iter().map(sizes).max().unwrap_or(1);
    let (width, height) = if beside {
        (sum(&RgbImage::width), most(&RgbImage::height))
    } else {
        (most(&RgbImage::width), sum(&RgbImage::height))
    };
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([70, 70, 70]));
    let (mut x, mut y) = (0, 0);
    for image in images {
        overlay(&mut sheet, image, x, y);
        if beside { x += i64::from(image.width() + GAP) } else { y += i64::from(image.height() + GAP) }
    }
    sheet
}
