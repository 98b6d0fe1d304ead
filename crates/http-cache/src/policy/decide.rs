//! Whether an answer is stored, and under which terms (RFC 9111 §3).

use std::time::{Duration, SystemTime};

use http::{HeaderName, Method, StatusCode, header};

use crate::date;
use crate::directives::{RequestDirectives, ResponseDirectives, Restriction};
use crate::groups;
use crate::policy::{Audience, NotStored, Options, RequestView, ResponseView, Terms, Times, lifetime};
use crate::vary::VarySpec;

/// Statuses whose caching RFC 9110 §15 describes and this cache follows: what `must-understand` asks for.
const UNDERSTOOD: [u16; 17] =
    [200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 501];

/// Statuses that may be stored without a stated lifetime (RFC 9110 §15.1), without 206, of which nothing is stored.
const HEURISTICALLY_CACHEABLE: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// Statuses that RFC 6585 says no cache must store.
const NEVER_CACHEABLE: [u16; 4] = [428, 429, 431, 511];

/// Judges an answer.
///
/// # Errors
/// The reason for which it must not, or need not, be stored.
pub fn decide(
    options: &Options,
    request: RequestView<'_>,
    response: ResponseView<'_>,
    times: Times,
) -> Result<Terms, NotStored> {
    if *request.method != Method::GET {
        return Err(NotStored::Method);
    }
    let directives = ResponseDirectives::parse(response.headers, &options.targeted);
    may_store_status(response.status, &directives)?;
    if RequestDirectives::parse(request.headers).no_store {
        return Err(NotStored::RequestNoStore);
    }
    let vary = VarySpec::parse(response.headers, options.encodes).map_err(|_any| NotStored::VaryAny)?;
    let audience = audience(request, &directives, &vary)?;
    let omit = omitted(&directives);
    if response.headers.contains_key(header::SET_COOKIE) && !omit.contains(&header::SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    let groups = groups::parse(response.headers).map_err(|_fault| NotStored::Groups)?;

    let date = date::field(response.headers, &header::DATE).unwrap_or(times.received);
    let explicit = lifetime::explicit(&directives, response.headers, date);
    let guessed = match explicit {
        None => guess(options, request, response, &directives, date)?,
        Some(_) => None,
    };
    let terms = Terms {
        lifetime: explicit.or(guessed).unwrap_or_default(),
        age_at_receipt: lifetime::age_at_receipt(response.headers, date, times),
        date,
        stale_while_revalidate: stated_or(directives.stale_while_revalidate, options.agreed.while_revalidate),
        stale_if_error: stated_or(directives.stale_if_error, options.agreed.if_error),
        must_revalidate: directives.must_revalidate
            || directives.proxy_revalidate
            || directives.s_maxage.is_some(),
        always_validate: directives.no_cache == Restriction::Whole,
        immutable: directives.immutable,
        no_transform: directives.no_transform,
        audience,
        vary,
        groups,
        omit,
        heuristic: guessed.is_some(),
    };
    if is_of_use(&terms, response) { Ok(terms) } else { Err(NotStored::NothingToReuse) }
}

fn may_store_status(status: StatusCode, directives: &ResponseDirectives) -> Result<(), NotStored> {
    let code = status.as_u16();
    let stands_alone = !status.is_informational()
        && !matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
        && !NEVER_CACHEABLE.contains(&code);
    let understood = UNDERSTOOD.contains(&code);
    if !stands_alone || (directives.must_understand && !understood) {
        return Err(NotStored::Status);
    }
    // §5.2.2.3: who understands the status ignores the no-store that keeps others from it.
    if directives.no_store && !directives.must_understand {
        return Err(NotStored::NoStore);
    }
    Ok(())
}

/// Who may be answered, by `private` (§5.2.2.7), `Authorization` (§3.5) and `Vary: Authorization`.
fn audience(
    request: RequestView<'_>,
    directives: &ResponseDirectives,
    vary: &VarySpec,
) -> Result<Audience, NotStored> {
    if directives.private == Restriction::Whole {
        let per_principal = directives.principal && request.principal;
        return if per_principal { Ok(Audience::Principal) } else { Err(NotStored::Private) };
    }
    if !request.principal && !request.headers.contains_key(header::AUTHORIZATION) {
        return Ok(Audience::Shared);
    }
    let shareable = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    match (shareable, vary.on_authorization(), request.principal) {
        (false, ..) => Err(NotStored::Authorized),
        (true, true, false) => Err(NotStored::VaryAuthorization),
        (true, true, true) => Ok(Audience::Principal),
        (true, false, _) => Ok(Audience::Shared),
    }
}

/// The fields that the qualified forms of `private` and `no-cache` name: they are not stored.
fn omitted(directives: &ResponseDirectives) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = Vec::new();
    for restriction in [&directives.private, &directives.no_cache] {
        if let Restriction::Fields(fields) = restriction {
            names.extend(fields.iter().filter(|&name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
    }
    names
}

/// A lifetime for an answer that states none (§4.2.2), or `Ok(None)` when it is to be kept without one.
fn guess(
    options: &Options,
    request: RequestView<'_>,
    response: ResponseView<'_>,
    directives: &ResponseDirectives,
    date: SystemTime,
) -> Result<Option<Duration>, NotStored> {
    let by_status = HEURISTICALLY_CACHEABLE.contains(&response.status.as_u16());
    let validated = directives.no_cache == Restriction::Whole;
    if !directives.public && !(by_status && (options.heuristic || validated)) {
        return Err(NotStored::NoLifetime);
    }
    // An answer that speaks of no cache at all may be one person's: nothing is guessed where a cookie was sent.
    if !directives.public && !validated && request.headers.contains_key(header::COOKIE) {
        return Err(NotStored::Cookie);
    }
    Ok(if options.heuristic { lifetime::guessed(options, response.headers, date) } else { None })
}

/// Whether an entry could ever be answered: fresh or stale as it is, or after its validation.
fn is_of_use(terms: &Terms, response: ResponseView<'_>) -> bool {
    let validator =
        response.headers.contains_key(header::ETAG) || response.headers.contains_key(header::LAST_MODIFIED);
    let stale = terms.stale_while_revalidate.max(terms.stale_if_error);
    let allowance = if terms.must_revalidate { Duration::ZERO } else { stale };
    let lasts = terms.lifetime.saturating_add(allowance) > terms.age_at_receipt;
    validator || (lasts && !terms.always_validate)
}

fn stated_or(stated: Option<u32>, agreed: Duration) -> Duration {
    stated.map_or(agreed, |seconds| Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
