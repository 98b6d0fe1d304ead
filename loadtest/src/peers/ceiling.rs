//! The smallest server that can be written with the framework of our services: what it needs for a constant is what none of them can go below.

use std::net::SocketAddr;

use actix_web::http::KeepAlive;
use actix_web::http::header::{CacheControl, CacheDirective, ContentType};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context as _;

use super::asks::{LARGE, SMALL};
use crate::origin::kept;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port.
    #[arg(long)]
    bind: SocketAddr,
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

/// The same in every worker, made once.
struct Constants {
    small: Bytes,
    large: Bytes,
}

/// Serves until SIGTERM.
pub(crate) async fn serve(args: &Args) -> anyhow::Result<()> {
    let body = |size| usize::try_from(size).ok().and_then(kept::body).context("no answer of that size");
    let constants = Data::new(Constants { small: body(SMALL)?, large: body(LARGE)? });
    let app = move || {
        App::new()
            .app_data(Data::clone(&constants))
            .route("/readyz", web::get().to(HttpResponse::Ok))
            .route(&format!("/kept/{SMALL}"), web::get().to(small))
            .route(&format!("/kept/{LARGE}"), web::get().to(large))
    };
    let server = HttpServer::new(app).workers(args.workers).keep_alive(KeepAlive::Os).shutdown_timeout(1);
    let server = server.bind(args.bind).with_context(|| format!("cannot bind {}", args.bind))?;
    Ok(server.run().await?)
}

async fn small(constants: Data<Constants>) -> HttpResponse {
    answer(constants.small.clone())
}

async fn large(constants: Data<Constants>) -> HttpResponse {
    answer(constants.large.clone())
}

fn answer(body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(3_600)]))
        .content_type(ContentType::json())
        .body(body)
}
