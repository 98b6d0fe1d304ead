//! Files: those that the policy names, and the few without which no program starts.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

use crate::policy::Policy;

/// The newest version whose rights are asked for. An older kernel gives what it knows, a newer one no more than this.
const NEWEST: ABI = ABI::V10;

/// What a dynamically linked program reads to start. What is not there is left out.
const LIBRARIES: [&str; 6] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"];

/// The loader of the C library, which the kernel executes for the program.
const LOADERS: [&str; 4] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];

/// Sources and sinks without any content of the machine's.
const SOURCES: [&str; 3] = ["/dev/zero", "/dev/random", "/dev/urandom"];
const SINK: &str = "/dev/null";

/// Refuses everything else from now on: files, ports, abstract sockets of others, signals to others. Returns the version
/// of Landlock that is in force, 0 for none.
pub(crate) fn keep_to(policy: Option<&Policy>) -> Result<u32, String> {
    let rules = start().map_err(|error| format!("files cannot be kept apart: {error}"))?;
    let rules = match policy {
        Some(policy) => allow_named(rules, policy)?,
        None => rules,
    };
    let status = rules.restrict_self().map_err(|error| format!("files cannot be kept apart: {error}"))?;
    Ok(version(&status))
}

/// The rules that are the same for all programs. Landlock refuses what is handled and not allowed, so all is handled.
fn start() -> Result<RulesetCreated, landlock::RulesetError> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let rules = allow_present(rules, &LIBRARIES, reading())?;
    let rules = allow_present(rules, &LOADERS, AccessFs::Execute.into())?;
    let rules = allow_present(rules, &SOURCES, AccessFs::ReadFile.into())?;
    allow_present(rules, &[SINK], AccessFs::ReadFile | AccessFs::WriteFile)
}

fn allow_present(
    rules: RulesetCreated,
    paths: &[&str],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    rules.add_rules(landlock::path_beneath_rules(paths, access))
}

fn allow_named(mut rules: RulesetCreated, policy: &Policy) -> Result<RulesetCreated, String> {
    rules = allow(rules, &policy.program, AccessFs::Execute | AccessFs::ReadFile)?;
    for path in &policy.read {
        rules = allow(rules, path, reading())?;
    }
    for path in &policy.write {
        rules = allow(rules, path, writing())?;
    }
    Ok(rules)
}

/// What the caller named has to be there: a path that is left out in silence is a program that fails for no visible reason.
fn allow(
    rules: RulesetCreated,
    path: &PathBuf,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{} cannot be allowed: {error}", path.display());
    let access = if is_directory(path) { access } else { access & AccessFs::from_file(NEWEST) };
    let opened = PathFd::new(path).map_err(|error| fault(&error))?;
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|error| fault(&error))
}

fn is_directory(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn reading() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Plain files and directories only: no devices, sockets, pipes or links.
fn writing() -> BitFlags<AccessFs> {
    reading()
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
}

fn version(status: &RestrictionStatus) -> u32 {
    match (&status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => effective_abi as u32,
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => 0,
    }
}
