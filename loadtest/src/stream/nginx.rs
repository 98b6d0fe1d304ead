//! nginx as a plain reverse proxy, with a generated configuration.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::sleep;

use crate::port;
use crate::process::Process;

pub(super) struct Nginx {
    pub(super) addr: SocketAddr,
    pub(super) process: Process,
}

impl Nginx {
    /// None when there is no such program.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        origin: SocketAddr,
        buffering: bool,
    ) -> anyhow::Result<Option<Self>> {
        let addr = port::free()?;
        let folder = folder.join(if buffering { "nginx-on" } else { "nginx-off" });
        fs::create_dir_all(&folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, config(&folder, addr, origin, buffering))?;
        let version = Command::new(program).arg("-v").stderr(Stdio::null()).status().await;
        if version.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).arg("-p").arg(&folder);
        let mut process = Process::spawn("nginx", &mut command)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(addr).await.is_err() {
            anyhow::ensure!(!process.has_ended() && Instant::now() < deadline, "nginx does not start");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Some(Self { addr, process }))
    }
}

/// One process and no master, so that killing it leaves nothing behind; one body at a time needs no more.
fn config(folder: &Path, addr: SocketAddr, origin: SocketAddr, buffering: bool) -> String {
    let folder = folder.display();
    let on_off = if buffering { "on" } else { "off" };
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n  access_log off;\n  client_max_body_size 0;\n\
         \x20 client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n\
         \x20 fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n\
         \x20 upstream origin {{ server {origin}; keepalive 16; }}\n\
         \x20 server {{\n    listen {addr};\n    location / {{\n      proxy_pass http://origin;\n\
         \x20     proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n\
         \x20     proxy_buffering {on_off};\n      proxy_request_buffering {on_off};\n    }}\n  }}\n}}\n"
    )
}
