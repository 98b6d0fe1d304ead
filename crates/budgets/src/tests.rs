//! Tests of lookups and faults.

use super::*;

const TEXT: &str = r#"
[classes.list]
about = "a page of things"
p95_seconds = 0.25
bytes = 1000

[classes.upload]
about = "bytes come in"
waiting_share = 0.3
blocking_ms = 25

[services.catalog]
availability_percent = 99.9
runbook = "x"
caller_statements = 1
budgets = [
    { operations = ["list_users"], class = "list", statements = 2, p95_seconds = 0.5, alert = "UsersSlow" },
    { operations = ["list_*", "get_*"], class = "list", statements = 1 },
    { operations = ["put_*"], class = "upload", statements = 4 },
]
"#;

fn refused(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    Budgets::parse(&TEXT.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn the_first_line_counts_and_the_class_says_the_rest() {
    let budgets = Budgets::parse(TEXT).unwrap();
    let users = budgets.of("catalog", "list_users").unwrap();
    assert_eq!((users.statements, users.p95_seconds, users.bytes), (2, Some(0.5), Some(1000)));
    assert_eq!(users.most_statements(), 3, "and one to know who asks");
    assert_eq!(users.alert.as_deref(), Some("UsersSlow"));
    let breeds = budgets.of("catalog", "list_breeds").unwrap();
    assert_eq!((breeds.statements, breeds.p95_seconds), (1, Some(0.25)));
    let put = budgets.of("catalog", "put_file").unwrap();
    assert_eq!((put.p95_seconds, put.waiting_share, put.blocking_ms), (None, Some(0.3), 25));
    assert_eq!(breeds.blocking_ms, BLOCKING_MS);
    assert_eq!(budgets.of("catalog", "post_file"), None);
    assert_eq!(budgets.of("other", "list_users"), None);
}

#[test]
fn an_operation_without_a_line_and_a_line_without_an_operation_are_faults() {
    let budgets = Budgets::parse(TEXT).unwrap();
    assert!(budgets.faults("catalog", &["list_users", "list_breeds", "get_user", "put_x"]).is_empty());
    let faults = budgets.faults("catalog", &["list_users", "get_user", "put_x", "post_x"]);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("post_x has no budget") && faults[1].contains("`list_*`"), "{faults:?}");
    assert!(budgets.faults("other", &[])[0].contains("no section"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (from, to, said) in [
        ("p95_seconds = 0.25", "p95_seconds = 0.3", "bound of the histogram"),
        ("p95_seconds = 0.5", "p95_seconds = 10.0", "bound of the histogram"),
        ("waiting_share = 0.3", "waiting_share = 1.5", "waiting_share"),
        ("blocking_ms = 25", "blocking_ms = 30", "blocking_ms is a bound"),
        ("blocking_ms = 25", "blocking_ms = 2500", "blocking_ms is a bound"),
        ("= 99.9", "= 100.0", "availability_percent"),
        ("class = \"upload\"", "class = \"list\"", "no line is of it"),
        ("class = \"upload\"", "class = \"uplaod\"", "no class uplaod"),
        ("statements = 4", "statments = 4", "statments"),
    ] {
        let fault = refused(from, to);
        assert!(fault.contains(said), "{fault}");
    }
}
