//! Pictures as AVIF.

use std::path::Path;

use ffmpeg::AvifSpec;

use crate::support::{ffmpeg, frame, is_empty, mean, media, stream};

/// `tolerance` is of 255. Few pixels lose more of their colours to the encoder.
async fn is_shown_right(input: &Path, tolerance: f64) {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("out.avif");
    ffmpeg().avif(input, &output, &AvifSpec::default()).await.unwrap();
    let before = image::open(input).unwrap().into_rgb8();
    let after = frame(&output, "0");
    assert_eq!(after.dimensions(), before.dimensions());
    for (one, other) in mean(&before).into_iter().zip(mean(&after)) {
        assert!((one - other).abs() < tolerance, "{:?} became {:?}", mean(&before), mean(&after));
    }
    let facts =
        stream(&output, "v", "codec_name,pix_fmt,color_range,color_space,color_transfer,color_primaries");
    assert_eq!(facts, "av1 yuv420p pc bt709 iec61966-2-1 bt709");
}

#[tokio::test]
async fn colours_are_those_of_the_picture() {
    let directory = tempfile::tempdir().unwrap();
    let even = directory.path().join("even.png");
    image::open(media("chelsea.png")).unwrap().crop_imm(0, 0, 450, 300).save(&even).unwrap();
    is_shown_right(&even, 1.0).await;
    for (name, colour) in
        [("red", [250, 10, 10]), ("green", [10, 250, 10]), ("white", [255; 3]), ("black", [0; 3])]
    {
        let path = directory.path().join(format!("{name}.png"));
        image::RgbImage::from_pixel(128, 64, image::Rgb(colour)).save(&path).unwrap();
        is_shown_right(&path, 2.0).await;
    }
}

#[tokio::test]
async fn odd_and_small_pictures_keep_their_size() {
    is_shown_right(&media("chelsea.png"), 1.0).await;
    let directory = tempfile::tempdir().unwrap();
    for (width, height) in [(2, 2), (17, 33), (65, 64)] {
        let path = directory.path().join("small.png");
        image::RgbImage::from_pixel(width, height, image::Rgb([200, 100, 50])).save(&path).unwrap();
        is_shown_right(&path, 5.0).await;
    }
}

#[tokio::test]
async fn what_is_no_png_is_refused_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("in.png");
    let out = tempfile::tempdir().unwrap();
    let output = out.path().join("out.avif");
    let svg = "<svg xmlns:xlink=\"http://www.w3.org/1999/xlink\"><image xlink:href=\"/etc/passwd\"/></svg>";
    std::fs::write(&input, svg).unwrap();
    let refused = ffmpeg().avif(&input, &output, &AvifSpec::default()).await;
    assert_eq!(refused.unwrap_err().code(), "not_a_picture");

    let whole = std::fs::read(media("chelsea.png")).unwrap();
    std::fs::write(&input, &whole[..100]).unwrap();
    let refused = ffmpeg().avif(&input, &output, &AvifSpec::default()).await;
    assert_eq!(refused.unwrap_err().code(), "damaged");
    assert!(is_empty(out.path()));
}
