//! What files hold.

use std::path::Path;

use ffmpeg::{Ffmpeg, MediaError, Probe};

use crate::support::{clip, ffmpeg, make, media};

async fn probe(path: &Path) -> Result<Probe, MediaError> {
    ffmpeg().probe(path).await
}

async fn code(path: &Path) -> &'static str {
    probe(path).await.unwrap_err().code()
}

#[tokio::test]
async fn this_machine_has_what_is_needed() {
    let enforced = ffmpeg().check().await.unwrap();
    assert!(enforced.files() && enforced.network(), "{enforced:?}");
}

#[tokio::test]
async fn a_real_clip_is_described() {
    let probe = probe(&media("bigbuckbunny.mp4")).await.unwrap();
    assert_eq!((probe.container.as_str(), probe.video.codec.as_str()), ("mp4", "h264"));
    assert_eq!((probe.video.width, probe.video.height, probe.video.rotation), (1280, 720, 0));
    assert!((5_000..6_000).contains(&probe.duration_ms), "{}", probe.duration_ms);
    assert!((probe.video.frame_rate - 25.0).abs() < f64::EPSILON);
    assert!(probe.video.bit_rate.unwrap() > 500_000);
    let audio = probe.audio.unwrap();
    assert_eq!((audio.codec.as_str(), audio.channels), ("aac", 6));
}

#[tokio::test]
async fn an_upright_clip_is_upright() {
    let video = probe(&media("bigbuckbunny-9x16-derived.mp4")).await.unwrap().video;
    assert_eq!((video.width, video.height), (720, 1280));
}

#[tokio::test]
async fn a_clip_is_described_as_a_player_turns_it() {
    let directory = tempfile::tempdir().unwrap();
    let lying = clip(directory.path(), "lying.mp4", "320x180", 1, &[]);
    let turned = directory.path().join("turned.mp4");
    let input = lying.to_str().unwrap();
    make(&["-i", input, "-c", "copy", "-metadata:s:v", "rotate=270"], &turned);
    let video = probe(&turned).await.unwrap().video;
    assert_eq!((video.width, video.height, video.rotation), (180, 320, 90));
}

#[tokio::test]
async fn the_name_of_a_file_says_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let clip =
        clip(directory.path(), "clip.webm", "320x180", 1, &["-c:v", "libvpx", "-deadline", "realtime"]);
    let renamed = directory.path().join("clip.jpg");
    std::fs::rename(clip, &renamed).unwrap();
    let probe = probe(&renamed).await.unwrap();
    assert_eq!((probe.container.as_str(), probe.video.codec.as_str()), ("matroska", "vp8"));
}

#[tokio::test]
async fn a_recording_that_does_not_know_its_length_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let live = ["-c:v", "libvpx", "-deadline", "realtime", "-live", "1", "-f", "webm"];
    let path = clip(directory.path(), "live.webm", "320x180", 2, &live);
    let probe = probe(&path).await.unwrap();
    assert!((1_900..=2_100).contains(&probe.duration_ms), "{}", probe.duration_ms);
}

#[tokio::test]
async fn what_is_no_video_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("upload.mp4");
    std::fs::write(&path, "").unwrap();
    assert_eq!(code(&path).await, "empty_file");
    std::fs::copy(media("chelsea.png"), &path).unwrap();
    assert_eq!(code(&path).await, "not_a_video");
    make(&["-i", media("chelsea.png").to_str().unwrap(), "-f", "mjpeg"], &path);
    assert_eq!(code(&path).await, "not_a_video");
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    assert_eq!(code(&path).await, "not_a_video");
}

#[tokio::test]
async fn sound_alone_is_no_video() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("song.mp4");
    make(&["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"], &path);
    assert_eq!(code(&path).await, "no_video_stream");
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let index_last = clip(directory.path(), "last.mp4", "320x180", 2, &[]);
    let index_first = clip(directory.path(), "first.mp4", "320x180", 2, &["-movflags", "+faststart"]);
    for path in [index_last, index_first] {
        assert!(probe(&path).await.is_ok());
        let length = path.metadata().unwrap().len();
        for part in [length - 1, length / 2, 100] {
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(part).unwrap();
            assert_eq!(code(&path).await, "damaged", "{} cut to {part}", path.display());
        }
    }
}

#[tokio::test]
async fn an_index_of_nonsense_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = clip(directory.path(), "clip.mp4", "320x180", 1, &["-movflags", "+faststart"]);
    let mut bytes = std::fs::read(&path).unwrap();
    let index = bytes.windows(4).position(|window| window == b"moov").unwrap();
    bytes[index + 4..index + 200].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let code = code(&path).await;
    assert!(["damaged", "no_video_stream"].contains(&code), "{code}");
}

#[tokio::test]
async fn codecs_and_formats_that_are_not_taken_are_named_to_the_uploader() {
    let directory = tempfile::tempdir().unwrap();
    let old = clip(directory.path(), "old.mov", "320x180", 1, &["-c:v", "cinepak"]);
    let error = probe(&old).await.unwrap_err();
    assert!(matches!(&error, MediaError::UnsupportedCodec { codec } if codec == "cinepak"), "{error:?}");
    let avi = clip(directory.path(), "old.avi", "320x180", 1, &["-c:v", "mpeg4"]);
    assert!(probe(&avi).await.unwrap_err().human().contains("AVI"));
    let stream = clip(directory.path(), "stream.mp4", "320x180", 1, &["-f", "mpegts"]);
    assert!(probe(&stream).await.unwrap_err().human().contains("MPEG-TS"));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_nobodys_fault() {
    let error = Ffmpeg::probe(&ffmpeg(), Path::new("/not/there")).await.unwrap_err();
    assert_eq!((error.code(), error.is_final()), ("processing_unavailable", false));
}
