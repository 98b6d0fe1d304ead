//! Why a program ended, from what is known afterwards. Pure.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::SandboxError;
use crate::policy::Policy;

/// What the C library and the runtimes of C++ and Rust say when there is no memory left.
const OUT_OF_MEMORY: [&str; 4] =
    ["Cannot allocate memory", "std::bad_alloc", "memory allocation of", "out of memory"];

/// How far below its bound the processor time of an ended program may be read: clocks tick a hundred times a second, and
/// the kernel looks at the bound when they do.
const CPU_TOLERANCE: Duration = Duration::from_millis(100);

/// Says how it ended; `Ok` when it ended well.
pub(crate) fn judge(
    policy: &Policy,
    status: ExitStatus,
    cpu: Option<Duration>,
    stderr: String,
) -> Result<String, SandboxError> {
    if status.success() {
        return Ok(stderr);
    }
    let signal = status.signal();
    if signal == Some(Signal::SIGXFSZ as i32) {
        return Err(SandboxError::FileSize { limit_bytes: policy.file_bytes, stderr });
    }
    // A program may catch SIGXCPU and end in its own way. Then the time tells, and so it does for the kill that follows.
    if signal == Some(Signal::SIGXCPU as i32) || used_up(policy.cpu_secs, cpu) {
        return Err(SandboxError::CpuTime { limit_secs: policy.cpu_secs, stderr });
    }
    if OUT_OF_MEMORY.iter().any(|words| stderr.contains(words)) {
        return Err(SandboxError::Memory { limit_bytes: policy.memory_bytes, stderr });
    }
    match signal {
        Some(signal) => Err(SandboxError::Signal { signal, stderr }),
        None => Err(SandboxError::Exit { code: status.code().unwrap_or(-1), stderr }),
    }
}

fn used_up(limit_secs: u64, cpu: Option<Duration>) -> bool {
    cpu.is_some_and(|used| used + CPU_TOLERANCE >= Duration::from_secs(limit_secs))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn policy() -> Policy {
        Policy {
            program: PathBuf::from("/bin/true"),
            arguments: Vec::new(),
            working_directory: PathBuf::from("/"),
            read: Vec::new(),
            write: Vec::new(),
            cpu_secs: 10,
            memory_bytes: 1,
            file_bytes: 2,
            open_files: 3,
            threads: 4,
            wall: Duration::from_secs(5),
            max_stdout_bytes: 6,
            max_stderr_bytes: 7,
        }
    }

    fn judged(raw: i32, cpu_millis: u64, stderr: &str) -> Result<String, SandboxError> {
        let cpu = Some(Duration::from_millis(cpu_millis));
        judge(&policy(), ExitStatus::from_raw(raw), cpu, stderr.to_owned())
    }

    #[test]
    fn the_signal_of_a_bound_names_the_bound() {
        assert!(matches!(
            judged(Signal::SIGXCPU as i32, 0, ""),
            Err(SandboxError::CpuTime { limit_secs: 10, .. })
        ));
        assert!(matches!(
            judged(Signal::SIGXFSZ as i32, 0, ""),
            Err(SandboxError::FileSize { limit_bytes: 2, .. })
        ));
    }

    #[test]
    fn a_program_that_catches_the_signal_is_judged_by_its_time() {
        let status = 255 << 8;
        assert!(matches!(judged(status, 9_950, ""), Err(SandboxError::CpuTime { .. })));
        assert!(matches!(judged(status, 9_000, ""), Err(SandboxError::Exit { code: 255, .. })));
        assert!(matches!(judged(Signal::SIGKILL as i32, 11_000, ""), Err(SandboxError::CpuTime { .. })));
    }

    #[test]
    fn success_is_success_whatever_was_used_and_said() {
        assert_eq!(judged(0, 11_000, "Cannot allocate memory").unwrap(), "Cannot allocate memory");
    }

    #[test]
    fn last_words_about_memory_are_believed() {
        let said = "x264: malloc failed: Cannot allocate memory";
        assert!(matches!(judged(1 << 8, 0, said), Err(SandboxError::Memory { .. })));
        assert!(matches!(
            judged(Signal::SIGABRT as i32, 0, "memory allocation of 8 bytes failed"),
            Err(SandboxError::Memory { .. })
        ));
    }

    #[test]
    fn other_ends_are_told_as_they_are() {
        assert!(matches!(
            judged(Signal::SIGSEGV as i32, 0, "x"),
            Err(SandboxError::Signal { signal: 11, .. })
        ));
        assert!(matches!(judged(3 << 8, 0, "x"), Err(SandboxError::Exit { code: 3, .. })));
    }
}
