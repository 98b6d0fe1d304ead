//! The outermost layer of every service: observes each exchange and makes every failure an answer.

use std::any::Any;
use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::InternalError;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use problem::{Problem, registry};
use stall_detector::StallDetector;
use tracing::Instrument as _;

use crate::exchange::{Exchange, Observer};
use crate::refusal;

/// Wraps the whole application.
#[derive(Clone, Debug)]
pub(crate) struct Observe {
    pub(crate) observer: Arc<Observer>,
    pub(crate) stalls: StallDetector,
}

impl<S, B> Transform<S, ServiceRequest> for Observe
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = ObserveService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let Self { observer, stalls } = self.clone();
        // Called once on each thread that serves.
        stalls.observe_worker();
        ready(Ok(ObserveService { service: Rc::new(service), observer, stalls }))
    }
}

#[derive(Debug)]
pub(crate) struct ObserveService<S> {
    service: Rc<S>,
    observer: Arc<Observer>,
    stalls: StallDetector,
}

impl<S, B> Service<ServiceRequest> for ObserveService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let exchange = Exchange::begin(Arc::clone(&self.observer), &mut request);
        let (span, stats) = (exchange.span.clone(), Arc::clone(&exchange.stats));
        let (method, route) = (exchange.method, Arc::clone(&exchange.route));
        let service = Rc::clone(&self.service);
        let exchanged = async move {
            // Called inside, so that a panic before the first await is caught as well. What a panic leaves behind is
            // dropped with its request; state shared between requests guards itself.
            let outcome = AssertUnwindSafe(async move { service.call(request).await }).catch_unwind().await;
            match outcome {
                Ok(Ok(response)) => {
                    let mut response = refusal::ensure_problem(response.map_into_boxed_body());
                    exchange.finish(response.response_mut());
                    Ok(response)
                }
                Ok(Err(error)) => {
                    let response = refusal::response_of(&error);
                    Err(answer(exchange, error, response))
                }
                Err(panic) => {
                    let problem = Problem::new(&registry::INTERNAL).cause(panic_text(panic.as_ref()));
                    let response = problem.to_response();
                    Err(answer(exchange, problem, response))
                }
            }
        };
        let watched = self.stalls.request(method, &route, exchanged);
        Box::pin(telemetry::request::scope(stats, watched.instrument(span)))
    }
}

/// An error that carries its complete answer: the request is consumed by now, and without it actix lets a middleware
/// return nothing else.
fn answer<E>(exchange: Exchange, error: E, mut response: HttpResponse) -> Error
where
    E: std::fmt::Debug + std::fmt::Display + 'static,
{
    exchange.finish(&mut response);
    InternalError::from_response(error, response).into()
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("handler panicked: {text}")
}
