//! The actix middleware that authenticates: it puts the principal where the extractors look for it.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage};
use futures_util::future::LocalBoxFuture;
use problem::Problem;

use crate::credentials::bearer;
use crate::verifier::Verifier;

/// Authenticates every request that carries a bearer token: a good one leaves a [`crate::Principal`] in the request's
/// extensions, a bad one ends in a problem before any handler runs. Requests without a token, or with credentials of another
/// scheme, pass as anonymous; a handler that needs somebody asks for [`crate::Principal`].
#[derive(Clone)]
pub struct Authenticate {
    verifier: Verifier,
    except: Arc<[String]>,
}

impl Authenticate {
    /// Authenticates with this verifier.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, except: Arc::default() }
    }

    /// Leaves paths that begin with `prefix` alone. Meant for the endpoints that hand out tokens: a client that sends its
    /// expired token along with everything must still be able to get a new one.
    #[must_use]
    pub fn except(mut self, prefix: &str) -> Self {
        self.except = self.except.iter().cloned().chain([prefix.to_owned()]).collect();
        self
    }
}

impl<S, B> Transform<S, ServiceRequest> for Authenticate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthenticateService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(AuthenticateService { service: Rc::new(service), authenticate: self.clone() }))
    }
}

/// [`Authenticate`] in front of a service.
pub struct AuthenticateService<S> {
    service: Rc<S>,
    authenticate: Authenticate,
}

impl<S, B> Service<ServiceRequest> for AuthenticateService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let service = self.service.clone();
        let authenticate = self.authenticate.clone();
        Box::pin(async move {
            if let Err(refusal) = authenticate.admit(&request).await {
                // As a response with its error inside, so that outer middleware sees both.
                return Ok(request.error_response(refusal).map_into_right_body());
            }
            service.call(request).await.map(ServiceResponse::map_into_left_body)
        })
    }
}

impl Authenticate {
    async fn admit(&self, request: &ServiceRequest) -> Result<(), Problem> {
        if self.except.iter().any(|prefix| request.path().starts_with(prefix.as_str())) {
            return Ok(());
        }
        let Some(token) = bearer(request.headers())? else { return Ok(()) };
        let principal = self.verifier.verify(token).await.map_err(|error| error.to_problem())?;
        if let Some(stats) = telemetry::request::current() {
            stats.set_principal(&principal.subject);
        }
        request.extensions_mut().insert(principal);
        Ok(())
    }
}
