//! The worker: claims the stages of assets one by one, makes what they ask for, and settles each in one transaction.
//!
//! A message only wakes it. What is to be done, and who does it, is decided in the database: a job is claimed under an epoch
//! and a lease, the lease is prolonged while the work runs, and every statement names the epoch (U-D5). A worker that was
//! paused, cut off or killed therefore changes nothing any more once another has taken over.
//!
//! Objects are put into the store before the transaction that refers to them. What a worker leaves behind without a row is
//! removed by the reconciler when nothing works on the asset any more.
//!
//! | module | what it does |
//! |---|---|
//! | `app`, `cli` | build a running worker from its configuration |
//! | `run` | the work on one asset: claim, run, settle, until nothing is left to do |
//! | `lease` | signs of life; tells when the job is no longer ours |
//! | `settle` | the transactions that end an attempt |
//! | `stages` | what is made in each stage |
//! | `workshop` | what stages work with: store, ffmpeg, the budget of pixels |
//! | `scratch` | folders that are gone when the work is |
//! | `meters` | what is counted |

mod app;
pub mod cli;
mod error;
mod lease;
mod meters;
mod run;
mod scratch;
pub(crate) mod settle;
mod stages;
mod workshop;

#[cfg(test)]
mod tests;
