//! Says what a video file holds, or why it would be refused: `inspect-video FILE`.

use std::path::Path;
use std::process::ExitCode;

use ffmpeg::{Ffmpeg, FfmpegConfig};
use sandbox::Launcher;

fn main() -> ExitCode {
    sandbox::intercept();
    let Some(file) = std::env::args_os().nth(1) else {
        eprintln!("usage: inspect-video FILE");
        return ExitCode::from(2);
    };
    match inspect(Path::new(&file)) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn inspect(file: &Path) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let ffmpeg =
        Ffmpeg::find(Launcher::current_exe(), &FfmpegConfig::default()).map_err(|error| error.to_string())?;
    let probe = runtime
        .block_on(ffmpeg.probe(file))
        .map_err(|error| format!("{}: {} ({error})\n{}", error.code(), error.human(), error.detail()))?;
    serde_json::to_string_pretty(&probe).map_err(|error| error.to_string())
}
