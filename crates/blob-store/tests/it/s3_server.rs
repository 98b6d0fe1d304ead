//! An S3 server in this process: `s3s-fs` on a port of its own, over a folder of its own, with faults on demand.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

pub(crate) const BUCKET: &str = "bucket";
pub(crate) const KEY_ID: &str = "test-key";
pub(crate) const SECRET: &str = "test-secret";

pub(crate) struct S3Server {
    pub(crate) url: String,
    faults: Arc<Faults>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Faults {
    refuse_part_copies: AtomicBool,
}

impl S3Server {
    pub(crate) async fn start(folder: &Path) -> Self {
        std::fs::create_dir(folder.join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let (service, faults) = (service.build(), Arc::<Faults>::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepting = tokio::spawn(accept(listener, service, Arc::clone(&faults)));
        Self { url, faults, accepting }
    }

    /// Answers the copying of segments with status 500 from now on, or no longer.
    pub(crate) fn refuse_part_copies(&self, refuse: bool) {
        self.faults.refuse_part_copies.store(refuse, Ordering::SeqCst);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, service: S3Service, faults: Arc<Faults>) {
    while let Ok((connection, _)) = listener.accept().await {
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let is_part_copy = request.headers().contains_key("x-amz-copy-source")
                && request.uri().query().is_some_and(|query| query.contains("partNumber"));
            let refused = is_part_copy && faults.refuse_part_copies.load(Ordering::SeqCst);
            let answering = hyper::service::Service::call(&service, request);
            async move {
                if refused {
                    let answer = hyper::Response::builder().status(500).body(s3s::Body::empty());
                    return Ok(answer.unwrap());
                }
                answering.await
            }
        });
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), answer);
        // Ends with the connection, or with the test's runtime.
        drop(tokio::spawn(serving));
    }
}
