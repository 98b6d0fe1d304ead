//! `uploads.rules.yml`.
use super::words::{Above, Absent, Below, In, Increase, Less, Max, Rate, Ratio, Rule, TARGET, of};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "upload_waiting",
        alert: Some("UploadWaitingShareHigh"),
        by: &["dialect"],
        window_secs: 600,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of("upload_waiting_seconds_sum", &[])),
                    &Rate(of("upload_duration_seconds_sum", &[])),
                ),
                0.3,
            ),
            Above(
                Ratio(
                    &Rate(of("upload_waiting_seconds_sum", &[])),
                    &Rate(of("upload_waiting_seconds_count", &[])),
                ),
                0.25,
            ),
        ],
        says: "share of the time of uploads that is waiting for the answer",
    },
    Rule {
        code: "uploads_fail",
        alert: Some("UploadsFail"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of("uploads_ended_total", &[("outcome", In(&["internal", "unavailable"]))])),
                    &Rate(of("uploads_ended_total", &[])),
                ),
                0.01,
            ),
            Above(Increase(of("uploads_ended_total", &[("outcome", In(&["internal", "unavailable"]))])), 5.0),
        ],
        says: "share of uploads that fail by our fault",
    },
    Rule {
        code: "uploads_break_off",
        alert: Some("UploadsBreakOff"),
        by: &[],
        window_secs: 1800,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of(
                        "uploads_ended_total",
                        &[("outcome", In(&["malformed_request", "upload_stalled"]))],
                    )),
                    &Rate(of("uploads_ended_total", &[])),
                ),
                0.2,
            ),
            Above(
                Increase(of(
                    "uploads_ended_total",
                    &[("outcome", In(&["malformed_request", "upload_stalled"]))],
                )),
                50.0,
            ),
        ],
        says: "share of requests with bytes that break off",
    },
    Rule {
        code: "uploads_without_place",
        alert: Some("UploadsWithoutPlace"),
        by: &[TARGET],
        window_secs: 120,
        conditions: &[
            Above(
                Rate(of(
                    "http_server_request_duration_seconds_count",
                    &[
                        ("service", In(&["upload-ingest"])),
                        ("method", In(&["POST", "PUT", "PATCH"])),
                        ("status", In(&["503"])),
                    ],
                )),
                0.1,
            ),
            Above(Max(of("uploads_receiving", &[])), 230.4),
        ],
        says: "uploads refused each second for want of a place",
    },
    Rule {
        code: "storage_full",
        alert: Some("StorageFull"),
        by: &[TARGET],
        window_secs: 300,
        conditions: &[Above(
            Increase(of(
                "http_server_request_duration_seconds_count",
                &[("service", In(&["upload-ingest"])), ("status", In(&["507"]))],
            )),
            0.0,
        )],
        says: "uploads refused because the store is full",
    },
    Rule {
        code: "outbox_lag",
        alert: Some("UploadOutboxLag"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("outbox_lag_seconds", &[("service", In(&["upload-ingest"]))])), 60.0)],
        says: "seconds that an event has waited to be published",
    },
    Rule {
        code: "processing_queue_old",
        alert: Some("ProcessingQueueOld"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("processing_queue_age_seconds", &[])), 300.0)],
        says: "seconds that an asset has waited for a worker",
    },
    Rule {
        code: "processing_stands",
        alert: Some("ProcessingStands"),
        by: &[],
        window_secs: 0,
        conditions: &[
            Above(Max(of("processing_queue_age_seconds", &[])), 600.0),
            Below(
                Less(
                    &Max(of("processing_jobs", &[("state", In(&["running"]))])),
                    &Max(of("processing_jobs_lost", &[])),
                ),
                1.0,
            ),
        ],
        says: "seconds that an asset has waited, and no worker works",
    },
    Rule {
        code: "no_worker",
        alert: Some("NoWorker"),
        by: &[],
        window_secs: 0,
        conditions: &[Absent(of("processing_running", &[]), "upload-ingest")],
        says: "no worker tells anything",
    },
    Rule {
        code: "jobs_lost",
        alert: Some("ProcessingJobsLost"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("processing_jobs_lost", &[])), 0.0)],
        says: "jobs of workers that are gone",
    },
    Rule {
        code: "stage_fails",
        alert: Some("ProcessingStageFails"),
        by: &["stage"],
        window_secs: 900,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of("processing_attempts_total", &[("outcome", In(&["retry", "unsettled"]))])),
                    &Rate(of(
                        "processing_attempts_total",
                        &[("outcome", In(&["done", "retry", "dead", "unsettled"]))],
                    )),
                ),
                0.1,
            ),
            Above(
                Increase(of("processing_attempts_total", &[("outcome", In(&["retry", "unsettled"]))])),
                5.0,
            ),
        ],
        says: "share of attempts that fail and are made again",
    },
    Rule {
        code: "objects_missing",
        alert: Some("StorageObjectsMissing"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("storage_reconciled", &[("what", In(&["missing_objects"]))])), 0.0)],
        says: "objects that rows refer to and that are not in the store",
    },
];
