//! How each peer is started: its program found or installed, its configuration written, and when it is ready.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{ETAG, HOST};
use http::{HeaderValue, Request};
use http_body_util::Full;
use nix::unistd::geteuid;
use tokio::process::Command;

use super::install::{HAPROXY, NGINX, Tool, Unavailable, VARNISH};
use super::peer::Peer;
use super::schema::Schema;
use super::stage::Stage;
use super::started::{Running, Started};
use super::{asks, yardstick};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::freshness::server::{Ready, Server, command};
use crate::origin::kept;
use crate::port;
use crate::process::own_program;
use crate::upload;

const NGINX_CONF: &str = include_str!("../../peers/nginx.conf");
const NGINX_FILES_CONF: &str = include_str!("../../peers/nginx-files.conf");
const HAPROXY_CFG: &str = include_str!("../../peers/haproxy.cfg");
const VARNISH_VCL: &str = include_str!("../../peers/varnish.vcl");
/// As many as ours has where the benchmark is run.
pub(super) const WORKERS: usize = 2;
/// What a first answer may take.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// Starts a peer and asks it once for the tag by which it will be asked.
pub(super) async fn start(stage: &mut Stage, peer: Peer) -> anyhow::Result<Started> {
    let running = match peer {
        Peer::Nginx => nginx(stage, "nginx", "off").await?,
        Peer::NginxLock => nginx(stage, "nginx-lock", "on").await?,
        Peer::Varnish => varnish(stage).await?,
        Peer::Haproxy => haproxy(stage).await?,
        Peer::StoriesBefore => yardstick::start(stage, "stories-before", "stories", Schema::Stories).await?,
        Peer::StoriesAfter => yardstick::start(stage, "stories-after", "stories", Schema::Stories).await?,
        Peer::PackagesAfter => {
            yardstick::start(stage, "packages-after", "packages", Schema::Packages).await?
        }
        Peer::CatalogAfter => yardstick::start_catalog(stage).await?,
        Peer::UploadFastapi => yardstick::start(stage, "upload-fastapi", "upload", Schema::Uploads).await?,
        Peer::UploadNginx => {
            stage.installer.tool(NGINX).await?;
            let home = stage.home("upload-nginx")?;
            let found = upload::peers::nginx(&home).await?;
            taking_files(stage, found.context("nginx is there and cannot be run")?)?
        }
        Peer::UploadTus => {
            let (home, tools) = (stage.home("upload-tus")?, stage.tools.clone());
            let found = upload::peers::tus_server(&home, &tools).await?;
            let reason =
                "it needs node and npm (20 or later) in PATH, and the registry of npm at the first start";
            taking_files(stage, found.ok_or_else(|| Unavailable(reason.to_owned()))?)?
        }
        Peer::CeilingActix => ceiling(stage).await?,
        Peer::CeilingNginx => nginx_files(stage).await?,
    };
    let tag = tag_of(peer, running.addr).await?;
    Ok(Started::new(peer, running, tag))
}

/// Starts a program in its folder and waits until it says that it is ready.
pub(super) async fn serve(
    stage: &Stage,
    name: &str,
    addr: SocketAddr,
    make: impl Fn() -> Command + Send + Sync + 'static,
) -> anyhow::Result<Running> {
    let log = stage.path().join(format!("{name}.log"));
    let server = Server::start(name, log, Ready::Http(addr), make).await?;
    running(stage, server, addr, None)
}

fn taking_files(stage: &Stage, peer: upload::peers::Peer) -> anyhow::Result<Running> {
    running(stage, peer.server, peer.addr, Some(peer.received))
}

fn running(
    stage: &Stage,
    server: Server,
    addr: SocketAddr,
    received: Option<PathBuf>,
) -> anyhow::Result<Running> {
    let workers = stage.guard.watch(server.pid().context("it ended at once")?)?;
    Ok(Running { server, addr, received, _workers: workers })
}

/// A template with its `@NAMES@` replaced.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// Finds a program, and a place for it to listen.
async fn program(stage: &mut Stage, tool: Tool) -> anyhow::Result<(PathBuf, SocketAddr)> {
    Ok((stage.installer.tool(tool).await?, port::free()?))
}

async fn nginx(stage: &mut Stage, name: &str, lock: &str) -> anyhow::Result<Running> {
    let (program, addr) = program(stage, NGINX).await?;
    let origin = stage.origin().await?.to_string();
    let home = stage.home(name)?;
    let conf = nginx_conf(NGINX_CONF, &home, addr, &[("ORIGIN", &origin), ("LOCK", lock)])?;
    serve(stage, name, addr, nginx_command(program, home, conf)).await
}

async fn nginx_files(stage: &mut Stage) -> anyhow::Result<Running> {
    let (program, addr) = program(stage, NGINX).await?;
    let home = stage.home("nginx-files")?;
    let folder = home.join("files/kept");
    fs::create_dir_all(&folder)?;
    for size in [asks::SMALL, asks::LARGE] {
        let body = usize::try_from(size).ok().and_then(kept::body).context("no answer of that size")?;
        fs::write(folder.join(size.to_string()), body)?;
    }
    let conf = nginx_conf(NGINX_FILES_CONF, &home, addr, &[])?;
    serve(stage, "nginx-files", addr, nginx_command(program, home, conf)).await
}

/// Writes the configuration of an nginx into its folder.
fn nginx_conf(
    template: &str,
    home: &Path,
    addr: SocketAddr,
    more: &[(&str, &str)],
) -> anyhow::Result<PathBuf> {
    // Started by root, workers would become somebody who may not read the folder.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let (home_text, listen) = (home.display().to_string(), addr.to_string());
    let own = [("HOME", home_text.as_str()), ("LISTEN", &listen), ("USER", user)];
    let file = home.join("nginx.conf");
    fs::write(&file, filled(template, &[own.as_slice(), more].concat()))?;
    Ok(file)
}

fn nginx_command(program: PathBuf, home: PathBuf, conf: PathBuf) -> impl Fn() -> Command + Send + Sync {
    move || {
        let mut command = command(&program, None);
        command.arg("-c").arg(&conf).arg("-p").arg(&home);
        command
    }
}

async fn haproxy(stage: &mut Stage) -> anyhow::Result<Running> {
    let (program, addr) = program(stage, HAPROXY).await?;
    let origin = stage.origin().await?.to_string();
    let file = stage.home("haproxy")?.join("haproxy.cfg");
    fs::write(&file, filled(HAPROXY_CFG, &[("LISTEN", &addr.to_string()), ("ORIGIN", &origin)]))?;
    serve(stage, "haproxy", addr, move || {
        let mut command = command(&program, None);
        // In the foreground, as one process.
        command.arg("-db").arg("-f").arg(&file);
        command
    })
    .await
}

async fn varnish(stage: &mut Stage) -> anyhow::Result<Running> {
    let (program, addr) = program(stage, VARNISH).await?;
    let origin = stage.origin().await?;
    let home = stage.home("varnish")?;
    let file = home.join("default.vcl");
    let (host, port) = (origin.ip().to_string(), origin.port().to_string());
    fs::write(&file, filled(VARNISH_VCL, &[("ORIGIN_HOST", &host), ("ORIGIN_PORT", &port)]))?;
    serve(stage, "varnish", addr, move || {
        let mut command = command(&program, None);
        // Unjailed: its users would have no access to the folder.
        command.args(["-F", "-j", "none", "-a", &addr.to_string(), "-s", "malloc,128m"]);
        command.args(["-p", &format!("thread_pools={WORKERS}")]).args(["-p", "timeout_idle=3600"]);
        command.arg("-n").arg(home.join("work")).arg("-f").arg(&file);
        command
    })
    .await
}

/// This program in the role of the smallest server that could be written with our framework.
async fn ceiling(stage: &mut Stage) -> anyhow::Result<Running> {
    let (program, addr) = (own_program()?, port::free()?);
    serve(stage, "ceiling", addr, move || {
        let mut command = command(&program, None);
        command.args(["ceiling", "--bind", &addr.to_string(), "--workers", &WORKERS.to_string()]);
        command
    })
    .await
}

/// The tag of the answer that this peer will be asked for by its tag.
async fn tag_of(peer: Peer, addr: SocketAddr) -> anyhow::Result<Option<HeaderValue>> {
    let Some(ask) = asks::tagged(peer).and_then(|workload| asks::of(peer, workload, None)) else {
        return Ok(None);
    };
    let path = ask.path(&mut Dice::new(0, "tags", 0));
    let request = Request::get(&path).header(HOST, addr.to_string()).body(Full::<Bytes>::default())?;
    let reply = Pool::new(addr).exchange(request, LONGEST_ANSWER).await;
    let reply = reply.map_err(|failure| anyhow::anyhow!("GET {path}: {}", failure.label()))?;
    let tag = reply.headers.get(ETAG).with_context(|| format!("GET {path}: {} and no tag", reply.status))?;
    Ok(Some(tag.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_template_has_exactly_the_places_that_are_filled() {
        let of_nginx = ["HOME", "LISTEN", "USER"];
        for (template, names) in [
            (NGINX_CONF, [of_nginx.as_slice(), &["ORIGIN", "LOCK"]].concat()),
            (NGINX_FILES_CONF, of_nginx.to_vec()),
            (HAPROXY_CFG, vec!["LISTEN", "ORIGIN"]),
            (VARNISH_VCL, vec!["ORIGIN_HOST", "ORIGIN_PORT"]),
        ] {
            let values: Vec<(&str, &str)> = names.iter().map(|name| (*name, "value")).collect();
            assert!(!filled(template, &values).contains('@'), "a place is left in:\n{template}");
            for name in names {
                assert!(template.contains(&format!("@{name}@")), "{name} has no place in:\n{template}");
            }
        }
    }
}
