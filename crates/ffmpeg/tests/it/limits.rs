//! What is cut short.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ffmpeg::{FfmpegConfig, MediaError, Preset, RenditionSpec};
use sandbox::SandboxError;

use crate::support::{clip, ffmpeg, is_empty, media, with};

/// Minutes of work.
fn slow() -> RenditionSpec {
    RenditionSpec {
        width: 3840,
        height: 2160,
        preset: Preset::Veryslow,
        max_fps: 240,
        ..RenditionSpec::default()
    }
}

async fn limit(config: FfmpegConfig, input: &Path, spec: &RenditionSpec) -> SandboxError {
    let out = tempfile::tempdir().unwrap();
    let result = with(&config).rendition(input, &out.path().join("x.mp4"), spec, |_| ()).await;
    assert!(is_empty(out.path()));
    let error = result.unwrap_err();
    assert_eq!(error.code(), "processing_limit", "{error:?}: {}", error.detail());
    match error {
        MediaError::ProcessingLimit { source } => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn too_much_work_is_ended() {
    let config = FfmpegConfig { cpu_secs: 1, ..FfmpegConfig::default() };
    let source = limit(config, &media("bigbuckbunny.mp4"), &slow()).await;
    assert!(matches!(source, SandboxError::CpuTime { .. }), "{source:?}");
    let config = FfmpegConfig { wall_secs: 1, ..FfmpegConfig::default() };
    let source = limit(config, &media("bigbuckbunny.mp4"), &slow()).await;
    assert!(matches!(source, SandboxError::WallTime { .. }), "{source:?}");
}

#[tokio::test]
async fn too_much_memory_is_refused() {
    let config = FfmpegConfig { memory_bytes: 700 << 20, ..FfmpegConfig::default() };
    let source = limit(config, &media("bigbuckbunny.mp4"), &slow()).await;
    // Which of ffmpeg's parts notices first, and how it says so, is not always the same.
    assert!(matches!(source, SandboxError::Memory { .. } | SandboxError::Exit { .. }), "{source:?}");
}

#[tokio::test]
async fn too_long_a_file_is_cut_off() {
    let config = FfmpegConfig { max_output_bytes: 100_000, ..FfmpegConfig::default() };
    let spec = RenditionSpec { preset: Preset::Ultrafast, crf: 1, ..RenditionSpec::default() };
    let source = limit(config, &media("bigbuckbunny.mp4"), &spec).await;
    assert!(matches!(source, SandboxError::FileSize { .. }), "{source:?}");
}

#[tokio::test]
async fn what_would_be_too_much_is_refused_before_it_is_begun() {
    let directory = tempfile::tempdir().unwrap();
    let input = clip(directory.path(), "in.mp4", "640x360", 2, &[]);
    let small = with(&FfmpegConfig { max_pixels: 640 * 360 - 1, ..FfmpegConfig::default() });
    assert_eq!(small.probe(&input).await.unwrap_err().code(), "too_large");
    let out = directory.path().join("x.png");
    assert_eq!(small.poster(&input, 0, &out).await.unwrap_err().code(), "too_large");
    let short = with(&FfmpegConfig { max_duration_secs: 1, ..FfmpegConfig::default() });
    assert_eq!(short.probe(&input).await.unwrap_err().code(), "too_long");
}

#[tokio::test]
async fn a_dropped_future_leaves_no_process_and_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("dropped.mp4");
    let (told, mut progress) = tokio::sync::mpsc::unbounded_channel();
    let path = output.clone();
    let running = tokio::spawn(async move {
        let spec =
            RenditionSpec { preset: Preset::Veryslow, width: 1920, height: 1080, ..RenditionSpec::default() };
        ffmpeg().rendition(&media("bigbuckbunny.mp4"), &path, &spec, |part| told.send(part).unwrap()).await
    });
    progress.recv().await.expect("it makes progress");
    assert_eq!(processes_with(&output).len(), 1);
    running.abort();
    let began = Instant::now();
    while !processes_with(&output).is_empty() || output.exists() {
        assert!(began.elapsed() < Duration::from_secs(10), "something stays");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Processes that have `path` among their arguments.
fn processes_with(path: &Path) -> Vec<PathBuf> {
    let wanted = path.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names_it = |process: &PathBuf| {
        std::fs::read(process.join("cmdline"))
            .is_ok_and(|arguments| String::from_utf8_lossy(&arguments).contains(wanted))
    };
    entries.map(|entry| entry.path()).filter(names_it).collect()
}
