//! AWS as it may answer and the simulator does not: answers that lack something, come in other pages, or are given in other words.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use cloister::sandbox::{in_process::InProcess, world::Delays};

use crate::world::{Tenant, World};

/// A world in which `change` is done to the answers while the switch is on.
pub async fn world(change: impl Fn(&mut Exchange) + Send + 'static) -> (World, Arc<AtomicBool>) {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let on = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&on);
    world.answers(move |exchange| {
        if switch.load(Ordering::Relaxed) {
            change(exchange);
        }
    });
    (world, on)
}

/// The closed network without its notebooks.
pub fn closed_network() -> Tenant {
    Tenant::of("closed-network.yaml", |object| object.spec.notebooks.clear())
}

/// A call of EC2 with the answer of the simulator.
pub struct Exchange {
    /// The operation.
    pub operation: String,
    /// The parameters as they were sent.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// The answer.
    pub body: String,
}

impl Exchange {
    /// Whether all of a kind are asked for, and not some by their ids.
    pub fn is_list(&self, of: &str) -> bool {
        self.operation == of && !self.asks_by_id()
    }

    /// Whether things are asked for by their ids.
    pub fn asks_by_id(&self) -> bool {
        self.request.split('&').any(|pair| pair.split_once("Id.1=").is_some_and(|(name, _)| !name.contains('.')))
    }

    /// Leave out everything between the tags of this element, and the element itself.
    pub fn leave_out(&mut self, element: &str) {
        let (opening, closing) = (format!("<{element}>"), format!("</{element}>"));
        while let Some(at) = self.body.find(&opening) {
            let Some(end) = self.body[at..].find(&closing) else { return };
            self.body.replace_range(at..at + end + closing.len(), "");
        }
        self.body = self.body.replace(&format!("<{element}/>"), "");
    }

    fn into_answer(self) -> HttpResponse {
        let status = http::StatusCode::from_u16(self.status).expect("a status");
        HttpResponse::new(status.into(), SdkBody::from(self.body))
    }

    /// Refuse the call instead.
    pub fn refuse(&mut self, code: &str, message: &str) {
        self.status = 400;
        self.body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>0</RequestID></Response>"
        );
    }
}

type Change = dyn FnMut(&mut Exchange) + Send;

/// What is done to calls.
#[derive(Clone)]
struct FarSide {
    inner: SharedHttpClient,
    /// Before they get to the simulator, if they do.
    before: Arc<Mutex<Box<Change>>>,
    /// To its answers.
    after: Arc<Mutex<Box<Change>>>,
}

impl fmt::Debug for FarSide {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FarSide")
    }
}

impl HttpClient for FarSide {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connection {
            inner: self.inner.http_connector(settings, parts),
            before: Arc::clone(&self.before),
            after: Arc::clone(&self.after),
        })
    }
}

struct Connection {
    inner: SharedHttpConnector,
    before: Arc<Mutex<Box<Change>>>,
    after: Arc<Mutex<Box<Change>>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connection")
    }
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = request.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let operation = sent.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned();
        let mut exchange = Exchange { operation, request: sent, status: 0, body: String::new() };
        self.before.lock().unwrap_or_else(PoisonError::into_inner)(&mut exchange);
        if exchange.status != 0 {
            return HttpConnectorFuture::ready(Ok(exchange.into_answer()));
        }
        let (answer, after) = (self.inner.call(request), Arc::clone(&self.after));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let body = answer.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            exchange.status = answer.status().as_u16();
            exchange.body = body.unwrap_or_default();
            let before = (exchange.status, exchange.body.clone());
            after.lock().unwrap_or_else(PoisonError::into_inner)(&mut exchange);
            let same = before.0 == exchange.status && before.1 == exchange.body;
            Ok(if same { answer } else { exchange.into_answer() })
        })
    }
}

impl World {
    /// From now on the controller, which restarts, gets the answers of the simulator as `change` leaves them.
    pub fn answers(&mut self, change: impl FnMut(&mut Exchange) + Send + 'static) {
        self.far_side(Box::new(|_| {}), Box::new(change));
    }

    /// From now on the calls of the controller, which restarts, get to the simulator only as far as `refusal` does not refuse them.
    pub fn refuses(&mut self, refusal: impl FnMut(&mut Exchange) + Send + 'static) {
        self.far_side(Box::new(refusal), Box::new(|_| {}));
    }

    fn far_side(&mut self, before: Box<Change>, after: Box<Change>) {
        let inner = InProcess::shared(Arc::clone(&self.simulator));
        let (before, after) = (Arc::new(Mutex::new(before)), Arc::new(Mutex::new(after)));
        self.through(SharedHttpClient::new(FarSide { inner, before, after }));
    }
}
