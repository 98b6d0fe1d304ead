//! Real binaries as child processes: started, watched, stopped and killed.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::environment;
use crate::wait::wait_for;

/// A running binary of ours. Dropping it kills it; if the test is failing, the end of its log is printed first.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the binary `bin` of this build, with its output (both kinds) going to a file of its own.
    ///
    /// It inherits the environment without any `ALDIA_…` variable, which it would take for its configuration, and then
    /// gets `env`.
    ///
    /// # Panics
    /// When there is no such binary (`make test` builds it) or it cannot be started.
    #[must_use]
    pub fn spawn(bin: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::spawn_at(environment::binary(bin), args, env)
    }

    /// Starts any program by its path, the same way.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn_at(path: impl Into<PathBuf>, args: &[&str], env: &[(&str, &str)]) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log =
            std::env::temp_dir().join(format!("aldia-test-{name}-{}.log", uuid::Uuid::new_v4().simple()));
        let started = File::create(&log).and_then(|out| {
            let mut command = Command::new(&path);
            for (inherited, _) in std::env::vars_os() {
                if inherited.to_string_lossy().starts_with("ALDIA_") {
                    command.env_remove(inherited);
                }
            }
            let errors = out.try_clone()?;
            command.args(args).envs(env.iter().copied());
            command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn()
        });
        let child = started.unwrap_or_else(|error| panic!("cannot start {}: {error}", path.display()));
        Self { name, child, log }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything written so far.
    #[must_use]
    pub fn logs(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a whole line that contains `text`, and returns it: the address of a server that bound port 0, say.
    ///
    /// # Panics
    /// When there is none by the deadline, or the process ends without one.
    pub async fn wait_for_log(&mut self, text: &str, deadline: Duration) -> String {
        let line = wait_for(deadline, async || {
            // Asked before the log is read: what ended has written all it ever will.
            let ended = !self.is_running();
            let logs = self.logs();
            let complete = logs.split_inclusive('\n').filter(|line| ended || line.ends_with('\n'));
            let found = complete.map(|line| line.trim_end()).find(|line| line.contains(text));
            match (found, ended) {
                (None, true) => Some(None),
                (found, _) => found.map(|line| Some(line.to_owned())),
            }
        });
        let line = line.await.flatten();
        line.unwrap_or_else(|| panic!("{} wrote no line with {text:?}:\n{}", self.name, self.logs()))
    }

    /// Waits until a GET of `url` is answered with success, at most 30 seconds.
    ///
    /// # Panics
    /// When it is not, or the process ends.
    pub async fn wait_ready(&mut self, url: &str) {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
        let client = client.unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        let ready = wait_for(Duration::from_secs(30), async || {
            let answer = client.get(url).send().await;
            let ready = answer.is_ok_and(|answer| answer.status().is_success());
            if ready { Some(true) } else { (!self.is_running()).then_some(false) }
        });
        if ready.await != Some(true) {
            panic!("{} did not become ready at {url}:\n{}", self.name, self.logs());
        }
    }

    /// SIGKILL, and waits for the end: what a crash or a lost machine is to everybody else.
    pub fn kill9(&mut self) {
        // Fails only for a process that has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and waits for the process to drain and end.
    ///
    /// # Panics
    /// When it has not ended by the deadline.
    pub async fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait(deadline).await
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    /// When it has not ended by the deadline.
    pub async fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let status = wait_for(deadline, async || self.child.try_wait().ok().flatten()).await;
        status
            .unwrap_or_else(|| panic!("{} is still running after {deadline:?}:\n{}", self.name, self.logs()))
    }

    /// SIGSTOP: the process is there and does nothing, as in a long pause of its machine.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT: goes on after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGQUIT, and waits for the end: how Postgres is told to stop at once and take its children along.
    pub(crate) fn quit(&mut self) {
        // What has ended may have passed its number on.
        if self.is_running() {
            self.thaw();
            self.signal(Signal::SIGQUIT);
            // Postgres gives its children five seconds, and it is our own child: there is nothing to fail.
            let _ = self.child.wait();
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).map(Pid::from_raw);
        // Our own child, not reaped yet, so the number is still its own; one that has ended needs no signal.
        let _ = pid.map(|pid| kill(pid, signal));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            let logs = self.logs();
            let from = logs.lines().count().saturating_sub(40);
            let tail: Vec<&str> = logs.lines().skip(from).collect();
            eprintln!("--- last lines of {} ---\n{}", self.name, tail.join("\n"));
        }
        // A log that cannot be removed is the temporary directory's to clean.
        let _ = std::fs::remove_file(&self.log);
    }
}
