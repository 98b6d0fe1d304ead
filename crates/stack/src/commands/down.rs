//! `stack down`.
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::lock::StateLock;
use crate::run::Run;
use crate::servers::postgres::remove_data;
use crate::site::Site;

/// Stops what `up` started, and on demand removes all it kept.
pub(crate) async fn down(site: &Site, data: bool) -> Result<ExitCode> {
    if !site.state.exists() {
        site.ui.say("nothing runs");
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = StateLock::take(&site.state)?;
    let stopped = match Run::load(site.run_dir(), site.logs())? {
        Some(run) => run.stop(site.ui).await?,
        None => 0,
    };
    super::test::sweep(site).await?;
    if stopped == 0 {
        site.ui.say("nothing runs");
    } else {
        site.ui.say("stopped");
    }
    if data {
        remove_data(&site.state)?;
        fs::remove_dir_all(&site.state).with_context(|| format!("cannot remove {}", site.state.display()))?;
        site.ui.say(format!("removed {}", site.state.display()));
    }
    Ok(ExitCode::SUCCESS)
}
