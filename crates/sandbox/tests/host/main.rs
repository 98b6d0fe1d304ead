//! The sandbox, run for real. One executable plays all parts: the checks, the host that a launcher starts anew, and the
//! program that tries what it must not be able to do.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

mod bounds;
mod lifetime;
mod misbehave;
mod ordinary;
mod reach;
mod runner;
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox::intercept();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("misbehave") => misbehave::run(arguments.get(1..).unwrap_or_default()),
        Some("host-a-sleeper") => lifetime::host_a_sleeper(),
        _ => runner::run(&arguments, checks()),
    }
}

fn checks() -> Vec<runner::Check> {
    runner::checks![
        ordinary::an_ordinary_program_reads_what_it_was_given,
        ordinary::a_program_writes_where_it_may,
        ordinary::lines_are_told_while_the_program_runs,
        ordinary::a_failure_is_told_with_its_last_words,
        ordinary::a_program_that_is_not_there_is_named,
        ordinary::a_path_that_is_not_there_is_refused,
        ordinary::the_probe_says_what_is_enforced,
        ordinary::an_executable_that_does_not_intercept_runs_nothing,
        ordinary::everything_holds_for_an_ordinary_user_too,
        reach::other_files_cannot_be_read,
        reach::a_link_leads_nowhere,
        reach::what_may_be_read_cannot_be_written,
        reach::nothing_is_written_outside,
        reach::no_listener_sees_a_connection,
        reach::no_datagram_leaves,
        reach::sockets_of_the_machine_are_out_of_reach,
        reach::there_are_no_capabilities,
        reach::the_environment_is_empty,
        reach::open_files_are_not_inherited,
        reach::nobody_else_can_be_signalled,
        bounds::a_fork_bomb_starts_nothing,
        bounds::threads_are_bounded,
        bounds::a_memory_hog_is_ended,
        bounds::a_loop_is_ended_by_its_processor_time,
        bounds::a_sleeper_is_ended_by_the_clock,
        bounds::a_flood_is_cut,
        bounds::a_flood_of_errors_keeps_its_end,
        bounds::a_file_that_grows_too_long_ends_its_program,
        lifetime::a_dropped_future_leaves_no_process,
        lifetime::a_killed_host_leaves_no_process,
        lifetime::a_program_outlives_the_thread_that_asked_for_it,
    ]
}
