#![doc = include_str!("../README.md")]

mod acceptor;
mod at_once;
mod body_refused;
mod census;
mod client;
mod closing;
mod config;
mod connection;
mod drive;
mod error;
mod framing;
mod guard;
mod handler;
mod http1;
mod http2;
mod informational;
mod server;
mod service;
mod state;
mod tls;
mod worker;

pub use at_once::{PlainHead, ReadyAnswer};
pub use body_refused::BodyRefused;
pub use client::ClientConnection;
pub use config::{EdgeConfig, Http2Config, TlsConfig};
pub use error::EdgeError;
pub use framing::{Refusal, check_authority, is_forbidden_trailer};
pub use handler::{EdgeObserver, Handler};
pub use informational::Informational;
pub use server::{Server, ServerHandle};
