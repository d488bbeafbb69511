//! What a look may be taken for, when writes take their time and permissions are missing.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use cloister::sandbox::{Simulator, in_process::InProcess, world::Delays};

use crate::world::{Tenant, World, assert_ready};

/// How long a write is under way before it has its effect.
const UNDER_WAY: Duration = Duration::from_secs(2);

/// A network in which requests that mention `slow` take their time until they arrive.
#[derive(Debug, Clone)]
struct SlowNetwork {
    simulator: Arc<Simulator>,
    slow: &'static str,
}

impl SlowNetwork {
    fn shared(simulator: &Arc<Simulator>, slow: &'static str) -> SharedHttpClient {
        SharedHttpClient::new(Self { simulator: Arc::clone(simulator), slow })
    }
}

impl HttpClient for SlowNetwork {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SlowNetwork {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let slow = body.contains(self.slow);
        let arrives = SharedHttpConnector::new(InProcess::new(Arc::clone(&self.simulator)));
        HttpConnectorFuture::new(async move {
            if slow {
                tokio::time::sleep(UNDER_WAY).await;
            }
            arrives.call(request).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_somebody_began_during_a_write_is_not_taken_for_a_look_after_it() {
    let mut world = World::new(Delays::real());
    world.with_boundary().await;
    let slow = SlowNetwork::shared(&world.simulator, "AuthorizeSecurityGroupIngress");
    world.through(slow);
    let mut ours = Tenant::of("closed-network.yaml", |_| {});
    assert_ready(&world.settle(&mut ours).await.report);
    let mut theirs = Tenant::of("closed-network.yaml", |object| {
        object.metadata.name = Some("other".into());
        object.metadata.uid = Some("uid-of-other".into());
        object.spec.packages.domain.name = "other-domain".into();
        object.spec.notebooks[0].name = "other-notebook".into();
    });
    assert_ready(&world.settle(&mut theirs).await.report);
    world.check(&mut ours).await;
    world.simulator.clear_log();

    ours.edit(|object| object.spec.network.client_cidrs = vec!["192.168.0.0/16".into()]);
    theirs.edit(|_| {});
    let during = async {
        tokio::time::sleep(UNDER_WAY / 2).await;
        world.visit(&mut theirs).await
    };
    tokio::join!(world.visit(&mut ours), during);
    assert_ready(&world.settle(&mut ours).await.report);
    assert_eq!(world.writes(), ["AuthorizeSecurityGroupIngress"], "once is enough");
}
