//! A frame that stands for the video.

use std::path::Path;

use crate::error::MediaError;
use crate::find::Ffmpeg;
use crate::fit::Size;
use crate::invocation::Job;
use crate::output::Unfinished;
use crate::probe::Examined;

/// The longer side is at most this, in pixels.
const ROOM: Size = Size::new(1920, 1920);

/// Frames among which the most typical one is chosen.
const CANDIDATES: u32 = 25;

/// Mean brightness up to which a frame counts as black; black itself is 16 of 235.
const DARK: u32 = 32;

/// Seconds from the wanted moment in which a bright frame is looked for.
const NEARBY_SECS: &str = "10";

/// Where a frame is looked for, one after the other until there is one.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    /// Bright, near the wanted moment.
    Nearby,
    /// Bright, anywhere; only frames that can be decoded alone, so that a long video does not take long.
    Anywhere,
    /// Any, at the wanted moment: the video is dark.
    Dark,
    /// Any at all: the wanted moment is behind the last frame.
    First,
}

impl Ffmpeg {
    /// Writes a typical frame from about `at_ms` (milliseconds from the beginning) as PNG, upright, its longer side at most
    /// 1920 pixels. A black frame is taken only from a video that has no other.
    ///
    /// # Errors
    /// [`MediaError`]. Then, and when the future is dropped, there is no file.
    pub async fn poster(&self, input: &Path, at_ms: u64, output: &Path) -> Result<(), MediaError> {
        let examined = self.examine(input).await?;
        let made = Unfinished::create(output)?;
        for attempt in [Attempt::Nearby, Attempt::Anywhere, Attempt::Dark, Attempt::First] {
            let job = self.poster_job(&examined, attempt, at_ms, &made)?;
            self.run(&job, |_| ()).await?;
            if !made.is_empty() {
                made.keep();
                return Ok(());
            }
        }
        Err(MediaError::Damaged { detail: "no frame can be decoded".to_owned() })
    }

    fn poster_job(
        &self,
        examined: &Examined,
        attempt: Attempt,
        at_ms: u64,
        made: &Unfinished,
    ) -> Result<Job, MediaError> {
        let mut job = Job::ffmpeg(self, "/");
        let at = format!("{}ms", at_ms.min(examined.probe.duration_ms));
        match attempt {
            Attempt::Nearby => job.arguments(&["-ss", &at, "-t", NEARBY_SECS]),
            Attempt::Anywhere => job.arguments(&["-skip_frame", "nokey"]),
            Attempt::Dark => job.arguments(&["-ss", &at]),
            Attempt::First => {}
        }
        job.arguments(&["-threads", &self.config().threads.to_string()]);
        job.input(&examined.source)?;
        job.arguments(&["-map", &format!("0:{}", examined.video_index), "-vf", &filter(examined, attempt)]);
        job.arguments(&["-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1"]);
        job.output(made.path())?;
        Ok(job)
    }
}

fn filter(examined: &Examined, attempt: Attempt) -> String {
    let video = &examined.probe.video;
    let size = Size::new(video.width, video.height).shrunk_into(ROOM);
    let scale = format!("scale={}:{},setsar=1", size.width, size.height);
    match attempt {
        Attempt::Nearby | Attempt::Anywhere => format!(
            "{scale},format=yuv420p,signalstats,\
             metadata=mode=select:key=lavfi.signalstats.YAVG:value={DARK}:function=greater,\
             thumbnail=n={CANDIDATES},format=rgb24"
        ),
        Attempt::Dark | Attempt::First => format!("{scale},thumbnail=n={CANDIDATES},format=rgb24"),
    }
}
