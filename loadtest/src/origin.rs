//! The server behind the gateway, as a process of its own so that it can be killed and stopped.
//!
//! It appends one line for each request it has begun (`b ID`) and for each effect it has made (`e ID`) to a file, before it
//! answers; a line that was written survives SIGKILL. `/health` is always answered well: a process that is alive but
//! wrong is what the drills are about.

use std::convert::Infallible;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket};

mod answers;
mod handle;
pub(crate) mod kept;
mod record;
mod wire;

pub(crate) use handle::{DRIP, Fault, Origin};
pub(crate) use record::Records;

use record::Recorder;
use wire::Wire;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address and port; port 0 takes a free one.
    #[arg(long)]
    bind: SocketAddr,
    /// How it answers `/work/ID` at first; a line `MODE` on standard input changes it.
    #[arg(long, value_enum, default_value_t = Mode::Normal)]
    mode: Mode,
    /// The file of what was begun and done.
    #[arg(long)]
    record: PathBuf,
    /// What an answer to `/work/ID` takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// The same in mode `slow`.
    #[arg(long, default_value_t = 3000)]
    slow_ms: u64,
}

/// How `/work/ID` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// 200.
    Normal,
    /// 200, too late.
    Slow,
    /// Bytes that are not HTTP.
    Garbage,
    /// A head that announces more than comes before the connection is closed.
    Cut,
    /// The connection is closed without an answer.
    Silent,
}

/// What all connections share.
pub(crate) struct State {
    mode: Mutex<Mode>,
    recorder: Recorder,
    delay: Duration,
    slow: Duration,
    asked: kept::Asked,
}

impl State {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until standard input is closed.
pub(crate) async fn serve(args: Args) -> anyhow::Result<()> {
    let state = Arc::new(State {
        mode: Mutex::new(args.mode),
        recorder: Recorder::append_to(&args.record)?,
        delay: Duration::from_millis(args.delay_ms),
        slow: Duration::from_millis(args.slow_ms),
        asked: kept::Asked::default(),
    });
    let listener = listen(args.bind).with_context(|| format!("cannot bind {}", args.bind))?;
    println!("{}", listener.local_addr()?);
    let obeying = Arc::clone(&state);
    std::thread::spawn(move || obey(&obeying));
    loop {
        // A connection that is gone before it is accepted is nobody's loss.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let (wire, spoiler) = Wire::new(stream);
            let service = service_fn(|request| answers::answer(&state, &spoiler, request));
            // Broken connections are the point of some modes.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(wire), service)
                .await;
        });
    }
}

/// With a long queue: while the process is stopped, the kernel goes on accepting, which is what makes that hard to notice.
fn listen(bind: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    socket.listen(4096)
}

/// Each line names a mode and is repeated when it holds. The end of the input is the end of the drill.
fn obey(state: &State) -> Infallible {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Ok(mode) = Mode::from_str(&line, true) {
            *state.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
            println!("{line}");
            let _ = std::io::stdout().flush();
        }
    }
    std::process::exit(0)
}
