//! Ladders of segments.

use std::path::Path;

use ffmpeg::{HlsSpec, Preset, Rung, Segments};

use crate::support::{clip, decode, ffmpeg, is_empty, media, stream};

fn rung(name: &str, width: u32, height: u32, max_kbps: u32) -> Rung {
    Rung { name: name.to_owned(), width, height, max_kbps }
}

fn ladder() -> Vec<Rung> {
    vec![rung("360p", 640, 360, 800), rung("180p", 320, 180, 300), rung("1080p", 1920, 1080, 5000)]
}

fn spec(segments: Segments) -> HlsSpec {
    HlsSpec { segments, segment_secs: 2, preset: Preset::Ultrafast, ..HlsSpec::default() }
}

/// Makes the ladder and checks what holds for both kinds of segments.
async fn made(segments: Segments, directory: &Path) -> Vec<String> {
    let mut told = Vec::new();
    let input = media("bigbuckbunny.mp4");
    let spec = spec(segments);
    let files = ffmpeg().hls(&input, directory, &ladder(), &spec, |part| told.push(part)).await.unwrap();
    assert!(told.is_sorted() && told.last() == Some(&1.0), "{told:?}");
    let master = directory.join("master.m3u8");
    let text = std::fs::read_to_string(&master).unwrap();
    assert!(text.contains("RESOLUTION=640x360") && text.contains("RESOLUTION=320x180"), "{text}");
    assert!(text.contains("BANDWIDTH=") && text.contains("CODECS=\"avc1."), "{text}");
    assert!(!text.contains("1080p"), "nothing is made larger: {text}");
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "m3u8")) {
        let text = std::fs::read_to_string(directory.join(file)).unwrap();
        let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert!(names.clone().count() > 0, "{text}");
        assert!(
            names.clone().all(|name| !name.starts_with('/') && !name.contains("..") && !name.contains(':')),
            "{text}"
        );
        let folder = directory.join(file);
        assert!(names.clone().all(|name| folder.with_file_name(name).is_file()), "{text}");
        assert!(!text.contains(directory.to_str().unwrap()), "{text}");
    }
    for rung in ["360p", "180p"] {
        assert!(decode(&directory.join(rung).join("index.m3u8")) >= 125);
    }
    assert!(stream(&directory.join("180p/index.m3u8"), "v", "width,height").starts_with("320 180"));
    files.iter().map(|file| file.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn fragments_of_mp4_play() {
    let directory = tempfile::tempdir().unwrap();
    let files = made(Segments::Fmp4, directory.path()).await;
    assert!(files.contains(&"master.m3u8".to_owned()), "{files:?}");
    assert_eq!(
        files.iter().filter(|file| file.contains("init") && file.ends_with(".mp4")).count(),
        2,
        "{files:?}"
    );
    assert_eq!(files.iter().filter(|file| file.ends_with(".m4s")).count(), 6, "{files:?}");
}

#[tokio::test]
async fn transport_streams_play() {
    let directory = tempfile::tempdir().unwrap();
    let files = made(Segments::MpegTs, directory.path()).await;
    assert_eq!(files.iter().filter(|file| file.ends_with(".ts")).count(), 6, "{files:?}");
}

#[tokio::test]
async fn a_video_without_sound_has_a_ladder_too() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mp4", "160x90", 1, &[]);
    let out = tempfile::tempdir().unwrap();
    ffmpeg().hls(&input, out.path(), &ladder(), &spec(Segments::Fmp4), |_| ()).await.unwrap();
    assert!(stream(&out.path().join("180p/index.m3u8"), "v", "width,height").starts_with("160 90"));
}

#[tokio::test]
async fn a_directory_that_is_not_empty_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine"), "").unwrap();
    let input = media("bigbuckbunny.mp4");
    let result = ffmpeg().hls(&input, directory.path(), &ladder(), &spec(Segments::Fmp4), |_| ()).await;
    assert_eq!(result.unwrap_err().code(), "processing_unavailable");
    assert!(directory.path().join("mine").exists());
}

#[tokio::test]
async fn a_failure_leaves_the_directory_empty() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mkv", "320x180", 6, &[]);
    let length = input.metadata().unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&input).unwrap().set_len(length / 2).unwrap();
    let out = tempfile::tempdir().unwrap();
    let result = ffmpeg().hls(&input, out.path(), &ladder(), &spec(Segments::Fmp4), |_| ()).await;
    assert_eq!(result.unwrap_err().code(), "damaged");
    assert!(is_empty(out.path()));
}
