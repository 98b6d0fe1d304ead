//! What others use for uploads, for comparison: nginx with WebDAV, and the reference server of tus. Neither asks who sends,
//! looks at what is sent, keeps a database or makes anything durable before it answers.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores;
use crate::port;

/// A server to compare with.
pub(crate) struct Peer {
    pub(crate) server: Server,
    pub(crate) addr: SocketAddr,
    /// What it has received lies here.
    pub(crate) received: PathBuf,
}

/// nginx that takes `PUT /put/…`; none where there is no such program.
pub(crate) async fn nginx(folder: &Path) -> anyhow::Result<Option<Peer>> {
    if !is_there("nginx", "-v").await {
        return Ok(None);
    }
    let (addr, home) = (port::free()?, folder.join("nginx"));
    let received = home.join("put");
    fs::create_dir_all(&received)?;
    let file = home.join("nginx.conf");
    fs::write(&file, nginx_config(&home, addr))?;
    let server = Server::start("nginx", folder.join("nginx.log"), Ready::Http(addr), move || {
        let mut command = command(Path::new("nginx"), None);
        command.arg("-c").arg(&file).arg("-p").arg(&home);
        command
    })
    .await?;
    Ok(Some(Peer { server, addr, received }))
}

/// One process and no master, so that killing it leaves nothing behind. A body goes to a file in the folder that it ends in.
fn nginx_config(home: &Path, addr: SocketAddr) -> String {
    let home = home.display();
    let temporary: String = ["proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {home}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {home}/pid;\nerror_log {home}/error.log;\n\
         events {{ worker_connections 512; }}\nhttp {{\n  access_log off;\n  client_max_body_size 0;\n\
         \x20 client_body_temp_path {home}/body;\n  client_body_buffer_size 256k;\n{temporary}\
         \x20 server {{\n    listen {addr};\n    location = /readyz {{ return 200; }}\n\
         \x20   location /put/ {{ root {home}; dav_methods PUT; }}\n  }}\n}}\n"
    )
}

/// Versions that were current when this was written; a run installs them below the target folder.
const PACKAGES: [&str; 2] = ["@tus/server@2", "@tus/file-store@2"];

const TUS_SERVER: &str = r"import http from 'node:http'
import { Server } from '@tus/server'
import { FileStore } from '@tus/file-store'

const [host, port, directory] = process.argv.slice(2)
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) })
const answer = (request, response) =>
  request.url === '/readyz' ? response.end() : tus.handle(request, response)
http.createServer(answer).listen(Number(port), host)
";

/// `@tus/server` with its files on disk; none where there is no Node.js, or its packages cannot be had.
pub(crate) async fn tus_server(folder: &Path, cache: &Path) -> anyhow::Result<Option<Peer>> {
    if !is_there("node", "--version").await || !is_there("npm", "--version").await {
        return Ok(None);
    }
    let home = cache.join("tus-server");
    if let Err(error) = install(&home).await {
        eprintln!("the packages of tus cannot be installed: {error:#}");
        return Ok(None);
    }
    let script = home.join("serve.mjs");
    fs::write(&script, TUS_SERVER)?;
    let (addr, received) = (port::free()?, folder.join("tus"));
    fs::create_dir_all(&received)?;
    let (script, to) = (script.canonicalize()?, received.clone());
    let server = Server::start("tus-server", folder.join("tus-server.log"), Ready::Http(addr), move || {
        let mut command = command(Path::new("node"), None);
        command.arg(&script).arg(addr.ip().to_string()).arg(addr.port().to_string()).arg(&to);
        command
    })
    .await?;
    Ok(Some(Peer { server, addr, received }))
}

async fn install(home: &Path) -> anyhow::Result<()> {
    if home.join("node_modules/@tus/file-store").is_dir() {
        return Ok(());
    }
    fs::create_dir_all(home)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(home).args(PACKAGES);
    stores::run(&mut npm).await.context("npm install").map(|_| ())
}

async fn is_there(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    let asked = command.arg(version).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    !asked.status().await.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Removes what was received, so that it is never written to the disk while something else is measured.
pub(crate) fn empty(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        fs::remove_file(entry.path())?;
    }
    Ok(())
}
