//! Renditions.

use std::path::{Path, PathBuf};

use ffmpeg::{Corner, Fit, MediaError, Preset, RenditionSpec, Watermark};

use crate::support::{clip, decode, ffmpeg, ffprobe, frame, is_empty, make, mean, media, stream};

fn quick() -> RenditionSpec {
    RenditionSpec { preset: Preset::Ultrafast, ..RenditionSpec::default() }
}

async fn made(input: &Path, spec: &RenditionSpec) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("out.mp4");
    ffmpeg().rendition(input, &output, spec, |_| ()).await.unwrap();
    (directory, output)
}

fn size(path: &Path) -> String {
    stream(path, "v", "width,height")
}

#[tokio::test]
async fn a_clip_becomes_what_everything_plays() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("out.mp4");
    let mut told = Vec::new();
    let spec = RenditionSpec::default();
    let input = media("bigbuckbunny.mp4");
    ffmpeg().rendition(&input, &output, &spec, |part| told.push(part)).await.unwrap();

    assert_eq!(stream(&output, "v", "codec_name,profile,width,height,pix_fmt"), "h264 High 1280 720 yuv420p");
    assert_eq!(stream(&output, "a", "codec_name"), "");
    assert!(decode(&output) >= 125);
    assert!(told.is_sorted() && told.len() > 1 && told.last() == Some(&1.0), "{told:?}");
}

#[tokio::test]
async fn the_index_is_first_and_nothing_is_told_of_where_it_came_from() {
    let directory = tempfile::tempdir().unwrap();
    let told = [
        "-metadata",
        "title=secret",
        "-metadata",
        "location=+52+013/",
        "-metadata:s:v",
        "handler_name=secret",
    ];
    let input = clip(directory.path(), "in.mp4", "320x180", 1, &told);
    let (_kept, output) = made(&input, &quick()).await;
    let bytes = std::fs::read(&output).unwrap();
    let at = |name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    assert!(at(b"moov") < at(b"mdat"));
    let tags = ffprobe(&["-show_entries", "format_tags:stream_tags"], &output);
    for word in ["secret", "+52", "Lavf"] {
        assert!(!tags.contains(word), "{tags}");
    }
}

#[tokio::test]
async fn every_group_of_pictures_begins_with_one_that_stands_alone() {
    let (_kept, output) = made(&media("bigbuckbunny.mp4"), &quick()).await;
    let kinds = ffprobe(&["-select_streams", "v", "-show_entries", "frame=pict_type"], &output);
    let kinds: Vec<&str> = kinds.split(' ').collect();
    let starts: Vec<usize> = (0..kinds.len()).filter(|index| kinds[*index] == "I").collect();
    assert_eq!(starts.first(), Some(&0));
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] <= 50) && starts.len() >= 3, "{starts:?}");
}

#[tokio::test]
async fn another_shape_is_padded_or_kept() {
    let upright = media("bigbuckbunny-9x16-derived.mp4");
    let (_kept, padded) = made(&upright, &quick()).await;
    assert_eq!(size(&padded), "1280 720");
    let picture = frame(&padded, "2");
    assert!(picture.get_pixel(10, 360).0.iter().all(|value| *value < 8), "black on the left");
    assert!(picture.get_pixel(1270, 360).0.iter().all(|value| *value < 8), "black on the right");
    let (_kept, inside) = made(&upright, &RenditionSpec { fit: Fit::Inside, ..quick() }).await;
    assert_eq!(size(&inside), "406 720");
    let turned = quick().turned_for(&ffmpeg().probe(&upright).await.unwrap());
    let (_kept, turned) = made(&upright, &turned).await;
    assert_eq!(size(&turned), "720 1280");
}

#[tokio::test]
async fn a_clip_that_a_player_turns_is_turned_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let lying = clip(directory.path(), "lying.mp4", "320x180", 1, &[]);
    let turned = directory.path().join("turned.mp4");
    make(&["-i", lying.to_str().unwrap(), "-c", "copy", "-metadata:s:v", "rotate=270"], &turned);
    let (_kept, output) = made(&turned, &RenditionSpec { fit: Fit::Inside, ..quick() }).await;
    assert_eq!(size(&output), "180 320");
    assert_eq!(ffmpeg().probe(&output).await.unwrap().video.rotation, 0);
    let difference = mean(&frame(&turned, "0.5")).into_iter().zip(mean(&frame(&output, "0.5")));
    assert!(difference.into_iter().all(|(one, other)| (one - other).abs() < 4.0));
}

#[tokio::test]
async fn what_is_too_long_is_cut_and_what_is_too_fast_is_slowed_down() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mp4", "320x180", 4, &[]);
    let spec = RenditionSpec { max_secs: Some(2), max_fps: 10, ..quick() };
    let mut told = Vec::new();
    let output = directory.path().join("out.mp4");
    ffmpeg().rendition(&input, &output, &spec, |part| told.push(part)).await.unwrap();
    assert_eq!(decode(&output), 20);
    assert_eq!(stream(&output, "v", "avg_frame_rate"), "10/1");
    assert_eq!(told.last(), Some(&1.0));
}

#[tokio::test]
async fn sound_is_kept_only_if_it_is_wanted() {
    let (_kept, output) = made(&media("bigbuckbunny.mp4"), &RenditionSpec { audio: true, ..quick() }).await;
    assert_eq!(stream(&output, "a", "codec_name,channels"), "aac 2");
    decode(&output);
    let directory = tempfile::tempdir().unwrap();
    let silent = clip(directory.path(), "silent.mp4", "320x180", 1, &[]);
    let (_kept, output) = made(&silent, &RenditionSpec { audio: true, ..quick() }).await;
    assert_eq!(stream(&output, "a", "codec_name"), "");
}

#[tokio::test]
async fn a_watermark_is_in_its_corner() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("mark.png");
    image::RgbaImage::from_pixel(40, 20, image::Rgba([255, 0, 0, 255])).save(&image).unwrap();
    let input = directory.path().join("grey.mp4");
    make(&["-f", "lavfi", "-i", "color=gray:s=320x180:r=10:d=1", "-pix_fmt", "yuv420p"], &input);
    let mark = Watermark { image, corner: Corner::BottomRight, margin: 16, opacity: 1.0 };
    let spec = RenditionSpec { width: 320, height: 180, watermark: Some(mark.clone()), ..quick() };
    let (_kept, output) = made(&input, &spec).await;
    let picture = frame(&output, "0.5");
    let red = |x, y| picture.get_pixel(x, y).0[0] > 200 && picture.get_pixel(x, y).0[1] < 60;
    assert!(red(320 - 16 - 20, 180 - 16 - 10));
    assert!(!red(310, 175) && !red(20, 20) && !red(240, 154));

    let faint = Watermark { opacity: 0.25, ..mark };
    let (_kept, output) = made(&input, &RenditionSpec { watermark: Some(faint), ..spec }).await;
    let [red, green, _] = frame(&output, "0.5").get_pixel(284, 154).0;
    assert!(red > 140 && red < 200 && green > 70, "{red} {green}");
}

#[tokio::test]
async fn content_that_was_destroyed_is_damaged_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mp4", "320x180", 2, &["-movflags", "+faststart"]);
    let mut bytes = std::fs::read(&input).unwrap();
    let content = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
    bytes[content..].fill(0xa5);
    std::fs::write(&input, bytes).unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let result =
        ffmpeg().rendition(&input, &out.path().join("x.mp4"), &quick(), |part| told.push(part)).await;
    assert_eq!(result.unwrap_err().code(), "damaged");
    assert!(is_empty(out.path()));
    assert!(!told.contains(&1.0));
}

#[tokio::test]
async fn a_matroska_that_was_cut_off_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mkv", "320x180", 4, &[]);
    let length = input.metadata().unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&input).unwrap().set_len(length / 2).unwrap();
    let out = tempfile::tempdir().unwrap();
    let result = ffmpeg().rendition(&input, &out.path().join("x.mp4"), &quick(), |_| ()).await;
    assert_eq!(result.unwrap_err().code(), "damaged");
    assert!(is_empty(out.path()));
}

#[tokio::test]
async fn what_cannot_be_made_is_said_before_anything_is_done() {
    let out = tempfile::tempdir().unwrap();
    let spec = RenditionSpec { height: 719, ..quick() };
    let result =
        ffmpeg().rendition(&media("bigbuckbunny.mp4"), &out.path().join("x.mp4"), &spec, |_| ()).await;
    assert!(matches!(result, Err(MediaError::BadSpec { fault }) if fault.starts_with("height")));
    assert!(is_empty(out.path()));
}
