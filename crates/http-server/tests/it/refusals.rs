//! Every way a request can be refused ends in a problem with the usual headers.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use http_server::JsonBody;
use problem::{Problem, registry};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::support::{Served, header, json, lines, serve};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Animal {
    age: u32,
}

fn animals() -> Served {
    serve(|app| {
        app.service(
            web::resource("/animals/{id}")
                .route(web::get().to(async |id: web::Path<u32>| id.to_string()))
                .route(web::put().to(async |animal: web::Json<Animal>| animal.age.to_string())),
        )
        .service(
            web::resource("/query")
                .route(web::get().to(async |animal: web::Query<Animal>| animal.age.to_string())),
        )
        .service(
            web::resource("/bytes").route(web::post().to(async |bytes: web::Bytes| bytes.len().to_string())),
        )
        .service(
            web::resource("/panic")
                .route(web::get().to(async || -> &'static str { panic!("secret of the handler") })),
        )
        .service(
            web::resource("/pointer")
                .route(web::put().to(async |body: JsonBody<Animal>| body.0.age.to_string())),
        )
        .service(web::resource("/plain").route(web::get().to(async || HttpResponse::Conflict().body("mine"))))
        .service(web::resource("/empty").route(web::get().to(async || HttpResponse::Gone().finish())))
        .service(web::resource("/actix").route(
            web::get().to(async || {
                Err::<&str, _>(actix_web::error::ErrorInternalServerError("secret of the store"))
            }),
        ))
        .service(
            web::resource("/guarded")
                .wrap(from_fn(
                    async |_: actix_web::dev::ServiceRequest, _: actix_web::middleware::Next<_>| {
                        let refused = Problem::new(&registry::UNAUTHENTICATED).cause("token of nobody");
                        Err::<actix_web::dev::ServiceResponse<actix_web::body::BoxBody>, _>(refused.into())
                    },
                ))
                .route(web::get().to(HttpResponse::Ok)),
        )
        .service(web::resource("/helper").default_service(http_server::method_not_allowed(&["GET", "POST"])));
    })
}

async fn refused(response: reqwest::Response, status: u16, code: &str) -> Value {
    let request_id = header(&response, "x-request-id").to_owned();
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(header(&response, "cache-control"), "no-store");
    for name in ["x-request-id", "server-timing", "x-process-time", "x-api-version"] {
        assert_ne!(header(&response, name), "", "{name}");
    }
    let body = json(response).await;
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["instance"], format!("urn:request:{request_id}"));
    assert_eq!(body["trace_id"].as_str().unwrap().len(), 32);
    let logged = lines("access", &request_id).await;
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0]["code"], code);
    body
}

async fn put(served: &Served, content_type: &str, body: &str) -> reqwest::Response {
    let request = served.client.put(served.url("/animals/1")).header("content-type", content_type);
    request.body(body.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_apart() {
    let served = animals();
    assert_eq!(put(&served, "application/json", r#"{"age":3}"#).await.status(), 200);
    let body = refused(put(&served, "application/json", r#"{"age":"#).await, 400, "malformed_json").await;
    assert!(body["detail"].as_str().unwrap().contains("line 1"), "{body}");
    let body =
        refused(put(&served, "application/json", r#"{"age":"x"}"#).await, 422, "validation_failed").await;
    assert_eq!(body["errors"][0]["pointer"], "");
    refused(put(&served, "application/json", r#"{"age":3,"b":1}"#).await, 422, "validation_failed").await;
    refused(put(&served, "text/plain", "{}").await, 415, "unsupported_media_type").await;
    refused(put(&served, "application/json", &" ".repeat(2000)).await, 413, "payload_too_large").await;
    let request = served.client.post(served.url("/bytes")).body("x".repeat(2000));
    refused(request.send().await.unwrap(), 413, "payload_too_large").await;
}

#[tokio::test]
async fn a_json_body_names_its_fault_by_pointer() {
    let served = animals();
    let put = async |content_type: &str, body: String| {
        let request = served.client.put(served.url("/pointer")).header("content-type", content_type);
        request.body(body).send().await.unwrap()
    };
    assert_eq!(
        put("application/merge-patch+json; charset=utf-8", r#"{"age":3}"#.to_owned()).await.status(),
        200
    );
    let body =
        refused(put("application/json", r#"{"age":-1}"#.to_owned()).await, 422, "validation_failed").await;
    assert_eq!(body["errors"][0]["pointer"], "/age");
    refused(put("application/json", "{".to_owned()).await, 400, "malformed_json").await;
    refused(put("text/json", "{}".to_owned()).await, 415, "unsupported_media_type").await;
    refused(put("application/json", " ".repeat(2000)).await, 413, "payload_too_large").await;
}

#[tokio::test]
async fn parameters_that_are_not_valid_are_named() {
    let served = animals();
    assert_eq!(served.get("/query?age=3").await.status(), 200);
    refused(served.get("/query?age=x").await, 400, "invalid_parameter").await;
    let body = refused(served.get("/query?age=1&colour=2").await, 400, "invalid_parameter").await;
    assert_eq!(body["errors"][0]["pointer"], "?colour");
    let body = refused(served.get("/query").await, 400, "invalid_parameter").await;
    assert_eq!(body["errors"][0]["pointer"], "?age");
    refused(served.get("/animals/x").await, 400, "invalid_parameter").await;
}

#[tokio::test]
async fn unknown_paths_are_404_and_unknown_methods_405() {
    let served = animals();
    refused(served.get("/nowhere").await, 404, "not_found").await;
    let response = served.client.delete(served.url("/animals/1")).send().await.unwrap();
    let allow = header(&response, "allow").to_owned();
    assert!(allow.contains("GET") && allow.contains("PUT"), "{allow}");
    refused(response, 405, "method_not_allowed").await;
    let response = served.client.delete(served.url("/helper")).send().await.unwrap();
    assert_eq!(header(&response, "allow"), "GET, POST");
    refused(response, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_only_the_log_and_the_server_lives_on() {
    let served = animals();
    for _ in 0..3 {
        let response = served.get("/panic").await;
        let request_id = header(&response, "x-request-id").to_owned();
        let body = refused(response, 500, "internal").await;
        assert!(!body.to_string().contains("secret"), "{body}");
        let line = &lines("access", &request_id).await[0];
        assert_eq!(line["level"], "ERROR");
        assert!(line["cause"].contains("secret of the handler"));
    }
    assert_eq!(served.get("/animals/1").await.status(), 200);
}

#[tokio::test]
async fn errors_of_a_library_keep_their_text_to_the_log() {
    let served = animals();
    let response = served.get("/actix").await;
    let request_id = header(&response, "x-request-id").to_owned();
    let body = refused(response, 500, "internal").await;
    assert!(!body.to_string().contains("secret"), "{body}");
    assert!(lines("access", &request_id).await[0]["cause"].contains("secret of the store"));
}

#[tokio::test]
async fn a_refusal_by_an_inner_middleware_gets_the_same_headers_and_line() {
    let served = animals();
    let response = served.get("/guarded").await;
    assert_eq!(header(&response, "www-authenticate"), "Bearer");
    let request_id = header(&response, "x-request-id").to_owned();
    refused(response, 401, "unauthenticated").await;
    assert_eq!(lines("access", &request_id).await[0]["cause"], "token of nobody");
}

#[tokio::test]
async fn an_error_body_that_a_handler_wrote_is_left_alone() {
    let served = animals();
    let response = served.get("/plain").await;
    assert_eq!(response.status(), 409);
    assert_eq!(response.text().await.unwrap(), "mine");
    refused(served.get("/empty").await, 410, "gone").await;
}
