//! `cloister sandbox` as a newcomer meets it: the program itself, with everything that it starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use cloister::sandbox::control_plane::ASSETS;
use tempfile::TempDir;

use crate::cluster::{assets, checkout};

/// A sandbox with a cache folder of its own, so that what it leaves there can be seen.
struct Sandbox {
    program: Child,
    cache: TempDir,
}

impl Sandbox {
    fn start(args: &[&str]) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let output = File::create(cache.path().join("output")).unwrap();
        let program = Command::new(env!("CARGO_BIN_EXE_cloister"))
            .arg("sandbox")
            .args(args)
            .current_dir(checkout())
            .env(ASSETS, assets())
            .env("XDG_CACHE_HOME", cache.path())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { program, cache }
    }

    fn output(&self) -> String {
        fs::read_to_string(self.cache.path().join("output")).unwrap()
    }

    fn run_folders(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.cache.path().join("cloister/run")).unwrap();
        all.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    }

    async fn until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            assert!(began.elapsed() < Duration::from_mins(5), "not {what}:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        self.until("ended", |it| {
            status = it.program.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Of interest only when a test fails half-way.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Processes that have this folder in their command line: what a sandbox has started.
fn processes_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok())
        .filter(|command| String::from_utf8_lossy(command).contains(folder))
        .count()
}

#[tokio::test]
async fn two_sandboxes_side_by_side_make_the_example_come_true_and_leave_nothing() {
    let mut both = [Sandbox::start(&["--once"]), Sandbox::start(&["--once"])];
    for sandbox in &mut both {
        let status = sandbox.ended().await;
        assert!(status.success(), "{}", sandbox.output());
        assert!(sandbox.output().contains("everything was deleted again without a leftover"));
        assert_eq!(sandbox.run_folders(), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn a_sandbox_that_cannot_get_ready_ends_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("identity.yaml");
    let permissive = fs::read_to_string(checkout().join("examples/identity.yaml")).unwrap();
    let strict = permissive.replace("names: [data-science]", "names: [somebody-else]");
    assert_ne!(strict, permissive);
    fs::write(&identity, strict).unwrap();

    let mut sandbox = Sandbox::start(&["--once", "--identity", identity.to_str().unwrap()]);
    let status = sandbox.ended().await;
    assert!(!status.success(), "{}", sandbox.output());
    assert!(sandbox.output().contains("error: [7/9] converge: stalled"), "{}", sandbox.output());
}

#[tokio::test]
async fn a_sandbox_stays_up_until_it_is_told_to_end_and_takes_everything_with_it() {
    let mut sandbox = Sandbox::start(&[]);
    sandbox
        .until("up", |it| it.output().contains("Everything is up") || it.program.try_wait().unwrap().is_some())
        .await;
    let output = sandbox.output();
    assert!(output.contains("  export KUBECONFIG="), "{output}");
    let folders = sandbox.run_folders();
    let [folder] = folders.as_slice() else { panic!("one folder while it runs, not {folders:?}") };
    assert!(processes_of(folder) >= 4, "etcd, two of Kubernetes and their keepers");

    let down = Command::new(checkout().join("hack/sandbox-down.sh"))
        .env("XDG_CACHE_HOME", sandbox.cache.path())
        .output()
        .unwrap();
    let said = String::from_utf8(down.stderr).unwrap();
    assert!(down.status.success() && said.ends_with("1 ended\n"), "{said}");
    assert!(sandbox.ended().await.success(), "{}", sandbox.output());
    assert!(!folder.exists());
    assert_eq!(processes_of(folder), 0);
}
