//! The control plane that everything else stands on is a real one, and ends when it is told to.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use cloister::sandbox::control_plane::ControlPlane;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

use crate::cluster::{assets, cluster};

#[test]
fn a_deleted_namespace_really_goes() {
    let cluster = cluster();
    if !cluster.collects_garbage() {
        eprintln!("skipped: KUBEBUILDER_ASSETS has no kube-controller-manager");
        return;
    }
    let namespace = cluster.namespace("going");
    cluster.kubectl(["delete", "namespace", &namespace, "--timeout=60s"]);
    assert!(!cluster.try_kubectl(["get", "namespace", &namespace]).status.success());
}

#[test]
fn a_service_account_gets_a_token_that_its_roles_limit() {
    let cluster = cluster();
    let namespace = cluster.namespace("tokens");
    cluster.kubectl(["create", "serviceaccount", "nobody", "--namespace", &namespace]);
    let token = cluster.kubectl(["create", "token", "nobody", "--namespace", &namespace]);
    assert_eq!(token.trim().split('.').count(), 3, "a JSON web token has three parts");
    let user = format!("system:serviceaccount:{namespace}:nobody");
    let may = cluster.try_kubectl(["auth", "can-i", "get", "secrets", "--as", &user]);
    assert_eq!(String::from_utf8(may.stdout).unwrap().trim(), "no");
}

#[tokio::test]
async fn the_client_of_the_controller_gets_along_with_it() {
    let cluster = cluster();
    let namespaces: Api<Namespace> = Api::all(cluster.client().await);
    let system = namespaces.get("kube-system").await.unwrap();
    assert!(system.metadata.uid.is_some(), "the uid of kube-system is the id of the cluster");
}

#[test]
fn a_second_one_runs_beside_the_first_and_its_end_concerns_only_itself() {
    let first = cluster();
    let dir = tempfile::tempdir().unwrap();
    let second = ControlPlane::start(&assets(), dir.path()).unwrap();
    let address = second.server().trim_start_matches("https://").to_owned();
    let secrets = std::fs::metadata(second.kubeconfig()).unwrap().permissions().mode();
    assert_eq!(secrets & 0o077, 0, "others on the machine must not become administrators");
    assert!(TcpStream::connect(&address).is_ok());
    second.stop();
    assert!(TcpStream::connect(&address).is_err());
    first.kubectl(["get", "--raw", "/readyz"]);
}
