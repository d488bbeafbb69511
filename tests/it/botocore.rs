//! The simulated AWS held against botocore's service models, for every operation that it has.
//! The judge is written in Python, because the models and boto3 are; see `tests/botocore`.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::simulator::Served;

async fn python(arguments: &[&str]) -> (Option<i32>, String) {
    let python = std::env::var("CLOISTER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/botocore");
    let run = Command::new(python)
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output();
    let done = tokio::time::timeout(Duration::from_mins(5), run).await;
    let done = done.expect("an end within five minutes").expect("python3 with boto3");
    let output = [done.stdout, done.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned()).concat();
    (done.status.code(), output)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_simulator_fits_botocores_models() {
    let aws = Served::start().await;
    let (code, output) = python(&["check.py", &aws.url]).await;
    assert_eq!(code, Some(0), "{output}");
    println!("{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_finds_each_kind_of_deviation() {
    let (code, output) = python(&["test_shapes.py"]).await;
    assert_eq!(code, Some(0), "{output}");
}
