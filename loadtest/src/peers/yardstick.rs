//! The Python apps, with two workers each, in the virtual environment that this program makes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::schema::Schema;
use super::stage::Stage;
use super::start::{WORKERS, serve};
use super::started::Running;
use crate::freshness::server::command;
use crate::port;

/// Each is a module by its name.
const APPS: [(&str, &str); 5] = [
    ("stores.py", include_str!("../../peers/stores.py")),
    ("stories.py", include_str!("../../peers/stories.py")),
    ("packages.py", include_str!("../../peers/packages.py")),
    ("catalog.py", include_str!("../../peers/catalog.py")),
    ("upload.py", include_str!("../../peers/upload.py")),
];
/// Threads of each gunicorn worker, so that a kept connection does not keep the worker.
const THREADS: usize = 4;
/// Longest wait for the last worker after the first.
const READY_WITHIN: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// A module of FastAPI under uvicorn with uvloop and httptools, which writes no log of requests.
pub(super) async fn start(
    stage: &mut Stage,
    name: &'static str,
    module: &str,
    schema: Schema,
) -> anyhow::Result<Running> {
    let mut arguments = vec!["-m".to_owned(), "uvicorn".to_owned(), format!("{module}:app")];
    arguments.extend(["--loop", "uvloop", "--http", "httptools", "--no-access-log"].map(str::to_owned));
    arguments.extend(["--log-level", "warning", "--timeout-keep-alive", "3600"].map(str::to_owned));
    arguments.extend(["--workers".to_owned(), WORKERS.to_string()]);
    run(stage, name, schema, |addr| {
        arguments.extend(["--host".to_owned(), addr.ip().to_string()]);
        arguments.extend(["--port".to_owned(), addr.port().to_string()]);
        arguments
    })
    .await
}

/// The catalog under gunicorn, which writes no log of requests either.
pub(super) async fn start_catalog(stage: &mut Stage) -> anyhow::Result<Running> {
    let mut arguments =
        ["-m", "gunicorn", "--worker-class", "gthread", "--keep-alive", "3600"].map(str::to_owned).to_vec();
    arguments.extend(["--workers".to_owned(), WORKERS.to_string()]);
    arguments.extend(["--threads".to_owned(), THREADS.to_string()]);
    arguments.extend(["--log-level".to_owned(), "warning".to_owned()]);
    run(stage, "catalog-after", Schema::Catalog, |addr| {
        arguments.extend(["--bind".to_owned(), addr.to_string(), "catalog:app".to_owned()]);
        arguments
    })
    .await
}

async fn run(
    stage: &mut Stage,
    name: &'static str,
    schema: Schema,
    arguments: impl FnOnce(SocketAddr) -> Vec<String>,
) -> anyhow::Result<Running> {
    let tools = stage.tools.clone();
    let python = stage.installer.python(&tools).await?;
    let at = stage.stores(schema).await?;
    let (addr, home) = (port::free()?, stage.home(name)?);
    let (received, ready) = (home.join("received"), home.join("ready"));
    fs::create_dir_all(&received)?;
    fs::create_dir_all(&ready)?;
    let apps = apps(&home)?;
    let arguments = arguments(addr);
    let database = Stage::database_url(at);
    let (redis, files, told) = (format!("redis://{}", at.memory), received.clone(), ready.clone());
    let running = serve(stage, name, addr, move || {
        let mut command = command(&python, None);
        command.args(&arguments).current_dir(&apps);
        // What is set on this machine for other programs of Python must not reach into these.
        command.env_remove("PYTHONPATH").env_remove("WEB_CONCURRENCY").env_remove("GUNICORN_CMD_ARGS");
        command.env("DATABASE_URL", &database).env("REDIS_URL", &redis).env("RECEIVED", &files);
        command.env("READY", &told);
        command
    })
    .await?;
    until_all_serve(&ready).await?;
    Ok(Running { received: Some(received), ..running })
}

/// Waits for every worker: the first one answers before the others can.
async fn until_all_serve(ready: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    while fs::read_dir(ready)?.count() < WORKERS {
        anyhow::ensure!(Instant::now() < deadline, "not all workers serve after {READY_WITHIN:?}");
        sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}

/// The folder of the modules.
fn apps(home: &Path) -> anyhow::Result<PathBuf> {
    let folder = home.join("apps");
    fs::create_dir_all(&folder)?;
    for (name, text) in APPS {
        fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}
