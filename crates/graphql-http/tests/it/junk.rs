//! Whatever comes, there is an answer, and it is one of GraphQL.

use graphql_http::{Edition, Format, Kind};
use proptest::prelude::*;

use crate::support::{Ask, GRAPHQL, JSON};

fn answered(ask: &Ask) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let told = runtime.block_on(ask.told());
    if told.status == 406 {
        return Ok(());
    }
    prop_assert!([GRAPHQL, JSON].contains(&told.media_type()));
    let has_data = told.body.get("data").is_some();
    prop_assert!(has_data || told.is_a_request_error());
    prop_assert_eq!(ask.method == "PUT", told.status == 405 && !has_data);
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_as_a_body(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        answered(&Ask::post_bytes(body))?;
    }

    #[test]
    fn any_text_as_a_document(text in "[{}()\\[\\]$!:.@\"#a-z0-9 \\\\\n]{0,80}") {
        answered(&Ask::post(&text))?;
        answered(&Ask::get(&text.replace("mutation", "")))?;
    }

    #[test]
    fn any_text_as_an_address(query_string in "(query|variables|operationName|x|&|=|%|%7B|\\{|hello|\\}|\\+|é){0,20}") {
        answered(&Ask { query_string, ..Ask::get("") })?;
    }

    #[test]
    fn any_text_as_accept(accept in "(application/|json|graphql-response\\+json|\\*|/|;|q=|0|1|\\.|,| |\"|charset=utf-8){0,12}") {
        answered(&Ask::post("{ hello }").accept(&accept))?;
    }

    #[test]
    fn any_text_as_a_content_type(content_type in "(application/json|;|charset|=|utf-8|\"|\\\\| |,){0,8}") {
        answered(&Ask::post("{ hello }").content_type(&content_type))?;
    }
}

/// What both editions demand of every kind of outcome.
#[test]
fn no_status_breaks_a_must_of_either_edition() {
    for edition in [Edition::Draft, Edition::September2026] {
        for kind in Kind::ALL {
            for format in Format::ALL {
                let status = kind.status(edition, format);
                match (kind.is_executed(), kind.answered_in(edition, format)) {
                    (true, _) => assert!((200..300).contains(&status), "{kind:?} {edition:?} {format:?}"),
                    (false, Format::GraphqlResponse) => assert!((400..600).contains(&status), "{kind:?}"),
                    (false, Format::Json) => assert!(status == 200 || status >= 400, "{kind:?}"),
                }
            }
        }
    }
}
