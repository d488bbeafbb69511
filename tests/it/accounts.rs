//! Identities side by side: what one of them waits for, the others do not.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cloister::{
    aws::account::{Accounts, Connection},
    model::port::Identity,
    sandbox::{
        Delays, Settings, Simulator,
        clock::TokioClock,
        faults::{Fault, Kind, Occurrence},
        in_process::InProcess,
        wire::Service,
    },
};
use tokio::time::Instant;

use crate::world::ACCOUNT;

fn identity(role: Option<&str>) -> Identity {
    Identity {
        name: role.unwrap_or("own").to_owned(),
        account: ACCOUNT.to_owned(),
        role_arn: role.map(|role| format!("arn:aws:iam::{ACCOUNT}:role/{role}")),
        external_id: None,
        session_tags: BTreeMap::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_gets_no_answer_keeps_no_other_one_waiting() {
    let simulator = Simulator::new(Settings::with_delays(Delays::none()), Arc::new(TokioClock::default()));
    simulator.faults().add(Fault::on(Service::Sts, "AssumeRole", Occurrence::All, Kind::Hang));
    let accounts = Accounts::new(Connection {
        http_client: Some(InProcess::shared(simulator)),
        access_key_id: Some(ACCOUNT.to_owned()),
        ..Connection::default()
    });
    let begun = Instant::now();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        accounts.open(&identity(None), "eu-west-1").await.expect("usable");
        begun.elapsed()
    };
    let silent = identity(Some("silent"));
    let (silent, took) = tokio::join!(accounts.open(&silent, "eu-west-1"), other);
    assert!(silent.is_err());
    assert!(took < Duration::from_secs(2), "the other one took {took:?}");
    assert!(begun.elapsed() > Duration::from_secs(2), "the first one was waited for");
}

/// What is said of an identity whose role STS does not hand out, for this reason; and whether a person has to do something.
async fn said_when(trouble: Option<Kind>) -> (String, bool) {
    let simulator = Simulator::new(Settings::with_delays(Delays::none()), Arc::new(TokioClock::default()));
    if let Some(kind) = trouble {
        simulator.faults().add(Fault::on(Service::Sts, "AssumeRole", Occurrence::All, kind));
    }
    let accounts = Accounts::new(Connection {
        http_client: Some(InProcess::shared(simulator)),
        access_key_id: Some(ACCOUNT.to_owned()),
        ..Connection::default()
    });
    let problem = accounts.open(&identity(Some("role")), "eu-west-1").await.err().expect("a problem");
    (problem.message, problem.class.needs_person())
}

#[tokio::test(start_paused = true)]
async fn sts_that_is_out_of_reach_is_no_fault_of_the_role() {
    for trouble in [Kind::Throttle, Kind::ServerError(500), Kind::ServerError(503), Kind::LostReply, Kind::Hang] {
        let (message, person) = said_when(Some(trouble)).await;
        assert!(!person, "{trouble:?}: {message}");
    }
    let (message, person) = said_when(None).await;
    assert!(person, "there is no such role: {message}");
}
