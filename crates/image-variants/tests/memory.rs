//! What decoding takes of memory, measured in a process of its own.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use image_variants::{Limits, PEAK_BYTES_PER_PIXEL, PEAK_FIXED_BYTES, Picture, VARIANTS, inspect};

/// 49.5 megapixels: whole blocks across, whole strips down.
const WIDTH: u32 = 5296;
const HEIGHT: u32 = 73 * STRIP;
/// Of this 16 bit PNG each pixel takes so much that fewer are enough.
const DEEP: (u32, u32) = (4000, 5000);
/// A photo whose colours have a quarter of its pixels, as most photos have.
const PROGRESSIVE: &str = "../../data/media/seeding_by_Clements_Engelhardt.jpg";
/// What may come on top of the pixels: the kept ones, a band, the allocator.
const SLACK: u64 = 40 << 20;
/// Eight rows of blocks, as many as there are numbers for restart markers.
const STRIP: u32 = 128;

/// Bytes of memory: `VmRSS` now, `VmHWM` at most since the last [`forget_peak`].
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// What decoding adds to the memory of the process at most, and what then stays. In bytes.
fn peak_of_decoding(path: &Path, size: (u32, u32)) -> (u64, u64) {
    forget_peak();
    let before = memory("VmRSS");
    let picture = Picture::decode(BufReader::new(File::open(path).unwrap()), &Limits::default()).unwrap();
    let (peak, kept) = (memory("VmHWM") - before, memory("VmRSS").saturating_sub(before));
    assert_eq!((picture.width(), picture.height()), size);
    picture.placeholders().unwrap();
    for spec in &VARIANTS {
        picture.variant(spec).unwrap();
    }
    (peak, kept)
}

/// A JPEG of that size without the time to encode one: rows of blocks that can be decoded by themselves are the same over
/// and over.
fn large_jpeg() -> Vec<u8> {
    let strip = RgbImage::from_fn(WIDTH, STRIP, |x, y| {
        let grain = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 28;
        image::Rgb([x * 220 / WIDTH + grain, y + grain, 90 + grain].map(|v| v.to_le_bytes()[0]))
    });
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
    encoder.set_restart_interval(u16::try_from(WIDTH / 16).unwrap());
    let (width, height) = (u16::try_from(WIDTH).unwrap(), u16::try_from(STRIP).unwrap());
    encoder.encode(&strip, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    let at = |marker: u8| bytes.windows(2).position(|pair| pair == [0xff, marker]).unwrap();
    let (frame, scan) = (at(0xc0), at(0xda));
    let rows = scan + 2 + usize::from(u16::from_be_bytes([bytes[scan + 2], bytes[scan + 3]]));
    let mut large = bytes[..rows].to_vec();
    large[frame + 5..frame + 7].copy_from_slice(&u16::try_from(HEIGHT).unwrap().to_be_bytes());
    let strips = vec![&bytes[rows..bytes.len() - 2]; (HEIGHT / STRIP) as usize];
    large.extend(strips.join(&[0xff, 0xd7][..]));
    large.extend([0xff, 0xd9]);
    large
}

fn check(name: &str, path: &Path, size: (u32, u32), bytes_per_pixel: u64) {
    let pixels = u64::from(size.0) * u64::from(size.1);
    let (peak, kept) = peak_of_decoding(path, size);
    let file = std::fs::metadata(path).unwrap().len();
    println!(
        "{name}: peak {} MiB, {:.2} bytes a pixel, {} MiB stay, file {} MiB",
        peak >> 20,
        peak as f64 / pixels as f64,
        kept >> 20,
        file >> 20,
    );
    assert!(bytes_per_pixel <= PEAK_BYTES_PER_PIXEL && SLACK <= PEAK_FIXED_BYTES);
    assert!(peak <= pixels * bytes_per_pixel + SLACK + file, "{name}: {peak}");
    assert!(kept <= PEAK_FIXED_BYTES, "{name}: {kept} bytes stay");
}

#[test]
fn fifty_megapixels_stay_within_the_stated_memory() {
    // First, while nothing lies in the heap that could be used again: three for the pixels, and two for each of one and a
    // half coefficients.
    let progressive = Path::new(env!("CARGO_MANIFEST_DIR")).join(PROGRESSIVE);
    check("progressive JPEG", &progressive, (5312, 2988), 6);
    let folder = folder();
    let (baseline, deep, bomb) = (folder.join("50mp.jpg"), folder.join("50mp.png"), folder.join("bomb.png"));
    std::fs::write(&baseline, large_jpeg()).unwrap();
    {
        // 16 bits a sample with alpha: what takes most in a PNG.
        let row: Vec<u8> =
            (0..DEEP.0 * 8).map(|at| (at / 8).to_le_bytes()[usize::from(at % 2 == 1)]).collect();
        let writer = BufWriter::new(File::create(&deep).unwrap());
        PngEncoder::new_with_quality(writer, CompressionType::Fast, FilterType::Up)
            .write_image(&row.repeat(DEEP.1 as usize), DEEP.0, DEEP.1, ExtendedColorType::Rgba16)
            .unwrap();
    }
    check("baseline JPEG", &baseline, (WIDTH, HEIGHT), 3);
    check("16 bit PNG with alpha", &deep, DEEP, 8);

    // A header alone allocates nothing, whatever it claims.
    let mut bytes = std::fs::read(&deep).unwrap();
    bytes.truncate(200);
    bytes[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let crc = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    File::create(&bomb).unwrap().write_all(&bytes).unwrap();
    forget_peak();
    let before = memory("VmRSS");
    let header = inspect(BufReader::new(File::open(&bomb).unwrap())).unwrap();
    assert_eq!((header.width, header.height), (50_000, 50_000));
    let refused = Picture::decode(BufReader::new(File::open(&bomb).unwrap()), &Limits::default());
    assert_eq!(refused.unwrap_err().code(), "too_many_pixels");
    assert!(memory("VmHWM") - before < 4 << 20, "a bomb took {} bytes", memory("VmHWM") - before);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn folder() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn crc(bytes: &[u8]) -> u32 {
    let shift =
        |crc: u32| (0..8).fold(crc, |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 });
    !bytes.iter().fold(!0, |crc, &byte| shift(crc ^ u32::from(byte)))
}
