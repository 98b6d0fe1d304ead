//! A small HTTP server inside the test's process, on a thread and a port of its own.

use std::net::SocketAddr;
use std::sync::mpsc;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, rt};

/// A running server, stopped when dropped.
pub(crate) struct LocalServer {
    addr: SocketAddr,
    handle: ServerHandle,
}

impl LocalServer {
    /// Starts a server of one worker that answers as `configure` says.
    pub(crate) fn start(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Self {
        let (started, start) = mpsc::channel();
        // A thread with a runtime of its own: it answers whatever the test's runtime is, and whatever keeps that busy.
        // Not joined: it ends with the server, which is stopped on drop.
        std::thread::spawn(move || {
            let server = async move {
                let server = HttpServer::new(move || App::new().configure(configure.clone()))
                    .workers(1)
                    .disable_signals()
                    .shutdown_timeout(0)
                    .bind(("127.0.0.1", 0));
                let running = server.map(|server| (server.addrs(), server.run()));
                let (addrs, running) = running.unwrap_or_else(|error| panic!("cannot bind: {error}"));
                // Fails only when the test is gone already.
                let _ = started.send((addrs, running.handle()));
                running.await
            };
            // What it returns is the end of the server, which nobody waits for.
            let _ = rt::System::new().block_on(server);
        });
        match start.recv() {
            Ok((addrs, handle)) => {
                let addr = addrs.first().copied();
                Self { addr: addr.unwrap_or_else(|| panic!("bound to no address")), handle }
            }
            Err(_) => panic!("a local server did not start"),
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl std::fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalServer({})", self.addr)
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        // The command is sent at once; the future only reports that it was carried out.
        drop(self.handle.stop(false));
    }
}
