//! Building the binaries with cargo.
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::run::Run;
use crate::site::Site;

/// Which of cargo's profiles the binaries are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub(crate) enum Profile {
    /// Optimised.
    Release,
    /// Quick to build, slow to run.
    Dev,
}

impl Profile {
    fn directory(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}

/// Where the binaries come from.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) profile: Profile,
    /// The directory that has them already.
    pub(crate) given: Option<PathBuf>,
}

impl Binaries {
    /// Builds them, unless they are given, and says where they are.
    pub(crate) async fn provide(&self, site: &Site, run: &Run) -> Result<PathBuf> {
        match &self.given {
            Some(given) => {
                given.canonicalize().with_context(|| format!("there is no directory {}", given.display()))
            }
            None => build(site, run, self.profile).await,
        }
    }
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Builds all binaries of the workspace; cargo's own progress is shown.
async fn build(site: &Site, run: &Run, profile: Profile) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--workspace", "--bins"];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    let step = site.ui.stage("build", format!("cargo {}", arguments.join(" ")));
    let mut command = run.helper(cargo());
    command.args(&arguments).current_dir(&site.root).stdin(Stdio::null());
    let status = command.status().await.context(
        "cannot run cargo; the Rust toolchain is at https://rustup.rs: \
         `curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh`",
    )?;
    ensure!(status.success(), "the build failed ({status}); what cargo said is above");
    let bin = bin_dir(site, profile).await?;
    step.done("");
    Ok(bin)
}

/// Where cargo puts the binaries.
pub(crate) async fn bin_dir(site: &Site, profile: Profile) -> Result<PathBuf> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(&site.root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "`cargo metadata` failed in {}", site.root.display());
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = metadata
        .get("target_directory")
        .and_then(|value| value.as_str())
        .context("cargo names no target directory")?;
    Ok(PathBuf::from(target).join(profile.directory()))
}
