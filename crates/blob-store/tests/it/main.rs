//! Every promise of the store, against a folder and against a real S3 server.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail the test like the tests themselves"
)]

mod bench;
mod completion;
mod durable;
mod faults;
mod fencing;
mod memory;
mod objects;
mod s3_server;
mod uploads;

/// Runs each test against both backends.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::bench::Bench::local().await).await;
            })+
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::bench::Bench::s3().await).await;
            })+
        }
    };
}
pub(crate) use on_both;
