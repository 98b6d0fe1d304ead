//! Runs checks one after another and prints what cargo's own harness prints.

use std::pin::Pin;
use std::process::ExitCode;

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// A named check. It passes if it does not panic.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) start: fn() -> Running,
}

/// A list of async functions as [`Check`]s.
macro_rules! checks {
    ($($check:path),* $(,)?) => {
        vec![$($crate::runner::Check { name: stringify!($check), start: || Box::pin($check()) }),*]
    };
}
pub(crate) use checks;

/// Runs those whose name contains one of the words given, or all.
pub(crate) fn run(arguments: &[String], checks: Vec<Check>) -> ExitCode {
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |check: &Check| words.is_empty() || words.iter().any(|word| check.name.contains(*word));
    let (chosen, others): (Vec<_>, Vec<_>) = checks.into_iter().partition(wanted);
    println!("\nrunning {} tests", chosen.len());
    let failed = chosen.iter().filter(|check| !passes(check)).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let passed = chosen.len() - failed;
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out\n",
        others.len()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn passes(check: &Check) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    let passed = tasks.block_on(&runtime, async { tokio::task::spawn_local((check.start)()).await.is_ok() });
    println!("test {} ... {}", check.name, if passed { "ok" } else { "FAILED" });
    passed
}
