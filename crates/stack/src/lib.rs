#![doc = include_str!("../README.md")]

mod archive;
mod build;
mod cli;
mod commands;
mod health;
mod interrupt;
pub mod lock;
mod logs;
pub mod ports;
pub mod process;
mod render;
mod run;
mod secrets;
mod servers;
mod services;
mod site;
mod tools;
mod ui;
mod url;

pub use cli::run;
