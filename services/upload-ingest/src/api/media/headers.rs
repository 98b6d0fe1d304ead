//! What is said of media beside their bytes: who may keep them and for how long, and that nothing in them is to be run.

use actix_web::HttpResponseBuilder;
use actix_web::http::header;
use service_error::ServiceError;
use uuid::Uuid;

use super::admission::Admission;
use crate::cache;

/// A year, as long as HTTP has use for.
const YEAR_SECS: u32 = 31_536_000;
/// How long what is negotiated may be used without asking: another format of it may be made.
const DAY_SECS: u32 = 86_400;

/// Who may keep it (RFC 9111, RFC 9213, RFC 9875, RFC 8246).
///
/// The lifetime in `CDN-Cache-Control` is for gateways: they hear when it is taken from view.
pub(super) fn keeping(
    response: &mut HttpResponseBuilder,
    admission: Admission,
    asset_id: Uuid,
    negotiated: bool,
) -> Result<(), ServiceError> {
    let (kept, by_gateways) = match admission {
        Admission::Public if negotiated => {
            (format!("public, max-age={DAY_SECS}"), format!("public, max-age={DAY_SECS}"))
        }
        Admission::Public => {
            (format!("public, max-age={YEAR_SECS}, immutable"), format!("public, max-age={YEAR_SECS}"))
        }
        Admission::Link(rest) => (format!("private, max-age={rest}"), "no-store".to_owned()),
        Admission::Caller => ("private, no-cache".to_owned(), "no-store".to_owned()),
    };
    response.insert_header((header::CACHE_CONTROL, kept)).insert_header(("CDN-Cache-Control", by_gateways));
    match admission {
        Admission::Public => {
            response
                .insert_header(("Cache-Groups", cache::group(asset_id)?.render()))
                .insert_header(("Cross-Origin-Resource-Policy", "cross-origin"));
        }
        Admission::Caller => {
            response.append_header((header::VARY, "Authorization"));
        }
        Admission::Link(_) => {}
    }
    Ok(())
}

/// Takes back what was said of keeping: neither the client nor a gateway is to keep this.
pub(super) fn kept_by_nobody(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("CDN-Cache-Control", "no-store"));
}

/// What was uploaded by anybody is shown and never run: not as another type than it has, not with scripts, not with rights of
/// this origin.
pub(super) fn harmless(response: &mut HttpResponseBuilder) {
    response
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
}

/// `Content-Disposition` of an original: what to call it when it is saved (RFC 6266).
pub(super) fn disposition(title: Option<&str>, extension: &str) -> String {
    let name = title.unwrap_or("original");
    let plain: String = name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    let simple = format!("inline; filename=\"{plain}.{extension}\"");
    if plain == name {
        return simple;
    }
    let encoded: String = format!("{name}.{extension}").bytes().map(encoded).collect();
    format!("{simple}; filename*=UTF-8''{encoded}")
}

/// No quotes, no separators of paths.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | ',' | '(' | ')')
}

/// A byte as RFC 8187 writes it.
fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_sent_in_letters_that_every_client_reads() {
        assert_eq!(disposition(None, "mp4"), "inline; filename=\"original.mp4\"");
        assert_eq!(disposition(Some("My song (2)"), "mp4"), "inline; filename=\"My song (2).mp4\"");
        assert_eq!(
            disposition(Some("Lärm\"/x"), "jpg"),
            "inline; filename=\"L_rm__x.jpg\"; filename*=UTF-8''L%C3%A4rm%22%2Fx.jpg"
        );
    }
}
