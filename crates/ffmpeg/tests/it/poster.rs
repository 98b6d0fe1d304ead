//! Posters.

use std::path::Path;

use crate::support::{clip, ffmpeg, is_empty, make, mean, media};

async fn poster(input: &Path, at_ms: u64) -> image::RgbImage {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("poster.png");
    ffmpeg().poster(input, at_ms, &output).await.unwrap();
    image::open(output).unwrap().into_rgb8()
}

fn is_black(picture: &image::RgbImage) -> bool {
    mean(picture).into_iter().all(|value| value < 20.0)
}

#[tokio::test]
async fn a_poster_is_upright_and_has_the_size_of_the_video() {
    let lying = poster(&media("bigbuckbunny.mp4"), 1_000).await;
    assert_eq!(lying.dimensions(), (1280, 720));
    assert!(!is_black(&lying));
    assert_eq!(poster(&media("bigbuckbunny-9x16-derived.mp4"), 0).await.dimensions(), (720, 1280));
}

#[tokio::test]
async fn a_large_video_has_a_poster_of_1920_pixels() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mp4", "2560x1440", 1, &[]);
    assert_eq!(poster(&input, 0).await.dimensions(), (1920, 1080));
}

/// Black for the given seconds, then a picture for one.
fn dark_for(directory: &Path, seconds: u32) -> std::path::PathBuf {
    let path = directory.join("dark.mp4");
    let black = format!("color=black:s=320x180:r=10:d={seconds}");
    let both = "[0:v][1:v]concat=n=2:v=1,format=yuv420p";
    let bright = "testsrc2=s=320x180:r=10:d=1";
    make(
        &["-f", "lavfi", "-i", &black, "-f", "lavfi", "-i", bright, "-filter_complex", both, "-g", "10"],
        &path,
    );
    path
}

#[tokio::test]
async fn a_video_that_begins_in_the_dark_has_a_bright_poster() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!is_black(&poster(&dark_for(directory.path(), 2), 0).await), "nearby");
    assert!(!is_black(&poster(&dark_for(directory.path(), 20), 0).await), "far away");
}

#[tokio::test]
async fn a_video_without_light_has_a_black_poster() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dark.mp4");
    make(&["-f", "lavfi", "-i", "color=black:s=320x180:r=10:d=1", "-pix_fmt", "yuv420p"], &path);
    assert!(is_black(&poster(&path, 0).await));
    assert!(is_black(&poster(&path, 99_000).await));
}

#[tokio::test]
async fn a_moment_behind_the_end_still_gives_a_poster() {
    assert!(!is_black(&poster(&media("bigbuckbunny.mp4"), 3_600_000).await));
}

#[tokio::test]
async fn a_failure_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let result = ffmpeg().poster(&media("chelsea.png"), 0, &directory.path().join("poster.png")).await;
    assert_eq!(result.unwrap_err().code(), "not_a_video");
    assert!(is_empty(directory.path()));
}
