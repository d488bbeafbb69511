//! The lifecycle hook of a notebook, run by a real shell in a folder that stands for the notebook's file system, with
//! the unmodified `aws` and `pip` against the simulated AWS. Only systemd is stood in for.

mod notebook;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use cloister::model::start_script::StartScript;

use crate::simulator::Served;
use notebook::Notebook;

const REPOSITORY: &str = "test-artifact-repository";
const INDEX_URL: &str = "https://test-artifact-domain-111122223333.d.codeartifact.ap-northeast-1.amazonaws.com/pypi/test-artifact-repository/simple/";

fn script() -> StartScript<'static> {
    StartScript {
        region: "ap-northeast-1",
        domain: "test-artifact-domain",
        domain_owner: "111122223333",
        repository: REPOSITORY,
        index_url: INDEX_URL,
        on_start: None,
        on_create: None,
    }
}

/// What scenario A has in CodeArtifact.
async fn make_repository(notebook: &Notebook) {
    notebook.aws("create-domain --domain test-artifact-domain").await;
    notebook.aws("create-repository --domain test-artifact-domain --repository pypi-store").await;
    let connection = "--repository pypi-store --external-connection public:pypi";
    notebook.aws(&format!("associate-external-connection --domain test-artifact-domain {connection}")).await;
    let upstream = format!("--repository {REPOSITORY} --upstreams repositoryName=pypi-store");
    notebook.aws(&format!("create-repository --domain test-artifact-domain {upstream}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pip_installs_from_the_repository_without_a_person() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);
    make_repository(&notebook).await;

    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.took < Duration::from_secs(3), "{:?}", hook.took);
    notebook.until_logged_in().await;

    let installed = notebook.pip("install --target site streamlit").await;
    assert_eq!(installed.code, Some(0), "{}", installed.output);
    assert!(notebook.root().join("site/streamlit").exists(), "{}", installed.output);
    assert!(installed.output.contains(&format!("Looking in indexes: {}/_pypi/", aws.url)), "{}", installed.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_in_one_file_that_only_its_owner_reads_and_nowhere_else() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);
    make_repository(&notebook).await;

    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    let netrc = notebook.until_logged_in().await;
    let first = netrc.split_whitespace().last().unwrap().to_owned();
    let traced = notebook.renew(&["-x"]).await;
    assert_eq!(traced.code, Some(0), "{}", traced.output);
    assert!(traced.output.contains("get-authorization-token"), "the trace shows the calls: {}", traced.output);
    let second = notebook.netrc().split_whitespace().last().unwrap().to_owned();
    assert_ne!(first, second);

    for token in [&first, &second] {
        assert!(token.len() > 100, "{token}");
        assert!(!hook.output.contains(token.as_str()));
        assert!(!traced.output.contains(token.as_str()), "in the trace");
        assert!(!notebook.arguments().contains(token.as_str()), "in the arguments of a program");
    }
    assert!(notebook.arguments().contains("get-authorization-token"), "{}", notebook.arguments());
    assert_eq!(notebook.files_with(&first), Vec::<String>::new());
    assert_eq!(notebook.files_with(&second), ["home/ec2-user/.netrc"]);
    let mode = |file: &str| fs::metadata(notebook.root().join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("home/ec2-user/.netrc"), 0o600);
    assert_eq!(mode("usr/local/bin/cloister-pip-refresh"), 0o755);
    assert!(!notebook.root().join("home/ec2-user/SageMaker").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_is_ended_in_the_middle_leaves_no_unfinished_file_for_good() {
    let aws = Served::start().await;
    make_repository(&Notebook::new(&aws.url)).await;
    for (file, name) in [("home/ec2-user/.config/pip/pip.conf", "pip.conf"), ("home/ec2-user/.netrc", ".netrc")] {
        let mut notebook = Notebook::new(&aws.url);
        notebook.run_hook(&script().on_start().unwrap()).await;
        notebook.until_logged_in().await;
        notebook = notebook.with_signal_before(name, "KILL");
        assert_eq!(notebook.renew(&[]).await.code, None);
        assert_eq!(notebook.versions(file).len(), 2, "killed, it could not clean up after itself");

        notebook = notebook.with_signal_before(name, "TERM");
        let ended = notebook.renew(&[]).await;
        assert_eq!(ended.code, Some(143), "{}", ended.output);
        assert_eq!(notebook.versions(file), [name], "neither its own nor that of the killed one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_comes_later_is_found_later() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);

    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.took < Duration::from_secs(3), "{:?}", hook.took);
    notebook.until("the first attempt has failed", || notebook.log().contains("trying again")).await;
    assert!(notebook.pip_conf().contains(&format!("index-url = {INDEX_URL}")));
    assert_eq!(notebook.netrc(), "");

    make_repository(&notebook).await;
    notebook.until_logged_in().await;
    let expected = format!("index-url = {}/_pypi/", aws.url);
    assert!(notebook.pip_conf().contains(&expected), "{}\n{}", notebook.pip_conf(), notebook.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_to_aws_the_hook_ends_well_and_soon() {
    let notebook = Notebook::new("http://127.0.0.1:9");
    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.took < Duration::from_secs(3), "{:?}", hook.took);
    notebook.until("the first attempt has failed", || notebook.log().contains("trying again")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_pip_fails_and_does_not_ask_for_a_password() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);
    make_repository(&notebook).await;
    notebook.run_hook(&script().on_start().unwrap()).await;
    notebook.until_logged_in().await;

    fs::remove_file(notebook.root().join("home/ec2-user/.netrc")).unwrap();
    let refused = notebook.pip("install --target site streamlit").await;
    assert_ne!(refused.code, Some(0), "{}", refused.output);
    assert!(!refused.output.contains("User for"), "{}", refused.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_has_in_netrc_and_in_pips_configuration_stays() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);
    make_repository(&notebook).await;
    let home = notebook.root().join("home/ec2-user");
    let own = "machine git.example login me password mine\nmachine 127.0.0.1\n  login old\n  password expired\n\
               macdef init\n  machine 127.0.0.1\n\ndefault login anonymous password none\n";
    fs::write(home.join(".netrc"), own).unwrap();
    fs::create_dir_all(home.join(".config/pip")).unwrap();
    let conf =
        "[global]\ntimeout = 5\nindex_url = https://old.example/simple/\nextra-index-url = https://mine.example/\n";
    fs::write(home.join(".config/pip/pip.conf"), conf).unwrap();

    notebook.run_hook(&script().on_start().unwrap()).await;
    notebook.until("the entry is replaced", || !notebook.netrc().contains("expired")).await;
    let netrc = notebook.netrc();
    let (ours, rest) = netrc.split_once('\n').unwrap();
    assert!(ours.starts_with("machine 127.0.0.1 login aws password "), "{netrc}");
    let kept = "machine git.example login me password mine\nmacdef init\n  machine 127.0.0.1\n\n\
                default login anonymous password none\n";
    assert_eq!(rest, kept);
    let index = format!("{}/_pypi/test-artifact-domain-111122223333/pypi/{REPOSITORY}/simple/", aws.url);
    let conf = format!(
        "[global]\ntimeout = 5\nindex-url = {index}\nextra-index-url = https://mine.example/\n[install]\nno-input = true\n"
    );
    assert_eq!(notebook.pip_conf(), conf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_runs_after_ours_and_its_failure_is_only_said() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url);
    make_repository(&notebook).await;
    let fragment =
        "echo \"netrc has $(wc -l <\"$CLOISTER_ROOT/home/ec2-user/.netrc\") line\"\r\nkill -9 0\r\nexit 3\r\n";
    let script = StartScript { on_start: Some(fragment), ..script() };

    let hook = notebook.run_hook(&script.on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.output.contains("netrc has 1 line"), "{}", hook.output);
    notebook.until_logged_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_fragment_is_said() {
    let notebook = Notebook::new("http://127.0.0.1:9");
    let script =
        StartScript { on_create: Some("#!/usr/bin/env python3\nprint('made')\nraise SystemExit(3)"), ..script() };
    let hook = notebook.with_patience(4).run_hook(&script.on_create().unwrap().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.output.contains("made\ncloister: the fragment ended with code 3\n"), "{}", hook.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_hangs_goes_on_in_the_background() {
    let notebook = Notebook::new("http://127.0.0.1:9").with_patience(4);
    let fragment = "echo begun\nsleep 6\ntouch \"$CLOISTER_ROOT/done\"\n";
    let script = StartScript { on_start: Some(fragment), ..script() };
    let hook = notebook.run_hook(&script.on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0), "{}", hook.output);
    assert!(hook.took < Duration::from_secs(6), "{:?}", hook.took);
    assert!(hook.output.contains("begun\ncloister: the fragment goes on in the background"), "{}", hook.output);
    notebook.until("the fragment is done", || notebook.root().join("done").exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_systemd_a_service_logs_in_now_and_a_timer_within_ten_hours() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url).with_systemd();
    make_repository(&notebook).await;

    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    assert!(hook.output.contains("by a systemd timer"), "{}", hook.output);
    notebook.until_logged_in().await;
    let asked: Vec<_> =
        notebook.arguments().lines().filter(|line| line.starts_with("systemctl")).map(str::to_owned).collect();
    assert_eq!(
        asked,
        [
            "systemctl daemon-reload",
            "systemctl --no-block start cloister-pip-refresh.service",
            "systemctl --no-block start cloister-pip-refresh.timer",
            "systemctl enable cloister-pip-refresh.service cloister-pip-refresh.timer",
        ]
    );
    let timer = notebook.read("etc/systemd/system/cloister-pip-refresh.timer");
    assert!(timer.contains("OnUnitInactiveSec=9h\nRandomizedDelaySec=1h\n"), "{timer}");
    notebook.verify_units().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_systemd_cron_logs_in_again_every_eight_hours() {
    let aws = Served::start().await;
    let notebook = Notebook::new(&aws.url).with_cron();
    make_repository(&notebook).await;

    let hook = notebook.run_hook(&script().on_start().unwrap()).await;
    assert!(hook.output.contains("by cron"), "{}", hook.output);
    notebook.until_logged_in().await;
    let table = notebook.read("etc/cron.d/cloister-pip-refresh");
    let line = table.lines().last().unwrap();
    let fields: Vec<_> = line.split_whitespace().collect();
    assert!(fields[0].parse::<u8>().unwrap() < 60, "{table}");
    assert_eq!(fields[1..5], ["*/8", "*", "*", "*"]);
    assert_eq!(fields[6], notebook.program());
}

#[tokio::test(flavor = "multi_thread")]
async fn as_root_the_program_becomes_the_notebooks_user_before_anything_else() {
    let notebook = Notebook::new("http://127.0.0.1:9").with_root_and_user("somebody");
    notebook.run_hook(&script().on_start().unwrap()).await;
    let change = format!("runuser -u somebody -- {} --loop", notebook.program());
    notebook.until("the change of user", || notebook.arguments().lines().any(|line| line == change)).await;
    assert_eq!(notebook.pip_conf(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_renewal_leaves_the_first_alone() {
    let notebook = Notebook::new("http://127.0.0.1:9");
    notebook.run_hook(&script().on_start().unwrap()).await;
    notebook.until("the first attempt has failed", || notebook.log().contains("trying again")).await;
    let second = notebook.run(&notebook.program(), &[]).await;
    assert_eq!(second.code, Some(0));
    assert!(second.output.contains("a renewal is under way already"), "{}", second.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn shellcheck_finds_nothing_in_what_a_notebook_gets() {
    let notebook = Notebook::new("http://127.0.0.1:9");
    let script = StartScript { on_start: Some("echo hello\n"), ..script() };
    let hook = notebook.run_hook(&script.on_start().unwrap()).await;
    assert_eq!(hook.code, Some(0));
    for file in ["hook".to_owned(), notebook.program()] {
        let parsed = notebook.run("bash", &["-n", &file]).await;
        assert_eq!((parsed.code, parsed.output.as_str()), (Some(0), ""));
        if notebook::is_installed("shellcheck") {
            let checked = notebook.run("shellcheck", &[&file]).await;
            assert_eq!(checked.code, Some(0), "{}", checked.output);
        } else {
            eprintln!("shellcheck is not installed: only the syntax was checked");
        }
    }
}
