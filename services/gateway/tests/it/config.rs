//! Every fault of a configuration is named, at once and with its key.

use std::process::Command;

use figment::Figment;
use figment::providers::{Format, Toml};
use gateway::Gateway;
use gateway::app::StartError;
use gateway::config::Config;
use telemetry::metrics::Metrics;

use crate::harness::ConfigFile;

fn faults(text: &str) -> String {
    let error = match Config::parse(text) {
        Err(error) => StartError::Config(error),
        Ok(config) => match Gateway::build(&config, &Metrics::new("test")) {
            Err(error) => error,
            Ok(_) => return "sound".to_owned(),
        },
    };
    error.to_string()
}

#[test]
fn what_cannot_be_read_is_named_key_by_key() {
    insta::assert_snapshot!(faults(
        r#"
        [htpp]
        bind = "127.0.0.1:0"
        [http]
        bnid = "127.0.0.1:0"
        workers = "two"
        [admin]
        port = 1
        [identity]
        audience = "aldia"
        issuer = "x"
        [upstream.a]
        ulr = "http://127.0.0.1:1"
        connect_timeout_ms = -1
        [[route]]
        name = "a"
        pth = "/a"
        auth = "perhaps"
        timeout = 1
        [[route]]
        name = 7
        methods = "GET"
        "#
    ));
}

#[test]
fn what_does_not_fit_together_is_named_key_by_key() {
    insta::assert_snapshot!(faults(
        r#"
        [http]
        bind = "everywhere"
        workers = 0
        receive_buffer_bytes = 1
        [admin]
        bind = "everywhere"
        [forwarded]
        trusted = ["10.0.0.0/8", "10.0.0.0/40", "proxy"]
        [upstream.a]
        url = "https://127.0.0.1:1"
        openapi = "openapi.json"
        [upstream.b]
        [upstream.c]
        url = "http://127.0.0.1:1/base"
        instances = ["127.0.0.1:2", "http://u:p@127.0.0.1:3", "http://127.0.0.1:4"]
        idle_timeout_ms = 0
        send_buffer_bytes = 1
        [[route]]
        name = "a"
        path = "/v1/a*"
        upstream = "a"
        auth = "none"
        [[route]]
        name = "a"
        path = ["/v1/b", "/v1/b", "v1/c", "/v1/../d", "/v1/%61"]
        methods = ["GET", "get", "GET", "TRACE", "G T"]
        upstream = "d"
        timeout_ms = 0
        formats = ["image/webp", "image/*", "Image/avif", "image/webp"]
        [[route]]
        path = ["/docs/*", "/problems"]
        auth = "none"
        upstream = "a"
        [[route]]
        name = "shadow"
        path = "/v1/b"
        methods = ["POST", "GET"]
        auth = "none"
        upstream = "a"
        [[route]]
        name = "nowhere"
        "#
    ));
}

#[test]
fn an_issuer_that_cannot_be_is_named() {
    insta::assert_snapshot!(faults(
        r#"
        [identity]
        audience = ""
        [[identity.issuers]]
        issuer = "nobody"
        [upstream.a]
        url = "http://127.0.0.1:1"
        [[route]]
        name = "a"
        path = "/*"
        upstream = "a"
        "#
    ));
}

#[test]
fn nothing_configured_is_a_fault_too() {
    assert_eq!(
        faults(""),
        "1 fault(s) in the configuration:\n  route: there is none: nothing would be forwarded"
    );
    assert!(faults("[http").starts_with("cannot read the configuration"));
}

#[test]
fn the_shipped_configuration_is_sound() {
    let text = include_str!("../../../../deploy/gateway.toml");
    assert_eq!(faults(text), "sound");
    insta::assert_snapshot!(gateway::explain(&Config::parse(text).unwrap()));
}

/// The largest body that the shipped gateway lets through to an upstream.
fn largest_body(upstream: &str) -> u64 {
    let gateway = Config::parse(include_str!("../../../../deploy/gateway.toml")).unwrap();
    let routes = gateway.routes.iter().filter(|route| route.upstream == upstream);
    routes.map(|route| route.body_limit_bytes).max().unwrap()
}

/// What one lets through and the other refuses would be a riddle to the client.
#[test]
fn the_shipped_gateway_and_catalog_agree_on_the_largest_body() {
    let catalog = Figment::from(Toml::string(include_str!("../../../../deploy/catalog.toml")));
    let read: u64 = catalog.extract_inner("http.max_body_bytes").unwrap();
    assert_eq!(largest_body("catalog"), read);
}

/// Of uploads the service counts the file, and the gateway the form around it as well.
#[test]
fn the_shipped_gateway_lets_through_the_largest_video_in_a_form() {
    let uploads = Figment::from(Toml::string(include_str!("../../../../deploy/upload-ingest.toml")));
    let taken: u64 = uploads.extract_inner("ingest.max_video_bytes").unwrap();
    assert_eq!(largest_body("upload_ingest"), taken + (1 << 20));
}

#[test]
fn check_explains_or_exits_with_78() {
    let check = |text: &str, env: &[(&str, &str)]| {
        let file = ConfigFile::new(text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.env_remove("ALDIA_HTTP__BIND").envs(env.iter().copied());
        let out = command.args(["check", file.path()]).output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let sound = "[upstream.u]\nurl = \"http://127.0.0.1:1\"\n\
                 [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n";
    let (code, out, _) = check(sound, &[("ALDIA_HTTP__BIND", "127.0.0.1:7"), ("ALDIA_TEST_PG_URL", "x")]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("listens on 127.0.0.1:7, privately on 127.0.0.1:8090\n"), "{out}");
    let (code, _, errors) =
        check("nonsense = 1\n", &[("ALDIA_HTTP__BNID", "x"), ("ALDIA_POSTGRES__URL", "x")]);
    assert_eq!(code, Some(78));
    assert!(
        errors.contains("nonsense: unknown section") && errors.contains("http.bnid: unknown key"),
        "{errors}"
    );
    assert!(!errors.contains("postgres"), "{errors}");
}

#[test]
fn problems_are_printed_for_the_documentation() {
    let out = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("problems").output().unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&out.stdout).unwrap();
    assert!(all.iter().any(|problem| problem["code"] == "upstream_unavailable" && problem["status"] == 503));
    assert!(all.iter().all(|problem| problem["title"].is_string() && problem["doc"].is_string()));
}
