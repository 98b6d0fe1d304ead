//! What the gateway speaks to clients beside plain requests: TLS, HTTP/2, WebSocket, event streams, uploads, CORS; and its command line.

mod command;
mod cors;
mod events;
mod h2;
mod secure;
mod tls;
mod uploads;
mod websocket;
