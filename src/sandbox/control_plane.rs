//! A real Kubernetes control plane of one's own: etcd, kube-apiserver and, where it is there, kube-controller-manager,
//! on free ports, with their data in one folder. There is no kubelet and no scheduler, so no pod ever runs.
//!
//! Starting blocks the caller for two or three seconds; below a runtime, start it on a thread that may block.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::program::{Plan, Program};

/// The variable that names the folder with the programs; the same as that of other Kubernetes test environments.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

const PATIENCE: Duration = Duration::from_mins(1);
/// Between choosing a free port and using it somebody else may take it.
const ATTEMPTS: usize = 3;
/// The one job each: an end to namespaces and owned objects, and ServiceAccounts with what they need.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
                           root-ca-certificate-publisher-controller";

/// A running control plane; it ends when this is dropped.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order of their end: who depends on another goes first.
    controllers: Option<Program>,
    api_server: Program,
    etcd: Program,
    server: String,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

/// The folder with the programs, as the environment names it.
///
/// # Errors
/// It does not name one.
pub fn assets() -> Result<PathBuf> {
    std::env::var_os(ASSETS).filter(|folder| !folder.is_empty()).map(PathBuf::from).with_context(|| {
        format!("no {ASSETS}: `export {ASSETS}=$(hack/build-control-plane.sh)` builds the programs once and names their folder")
    })
}

impl ControlPlane {
    /// Starts one from the programs in `assets`, with its data and logs in `dir`, and waits until it answers.
    ///
    /// # Errors
    /// A program is missing, ended, or was not ready in time; its last lines are in the error.
    pub fn start(assets: &Path, dir: &Path) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let folder = dir.join(format!("control-plane-{attempt}"));
            match Self::attempt(assets, &folder) {
                Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                    attempt += 1;
                }

                done => return done,
            }
        }
    }

    fn attempt(assets: &Path, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("folder {} not made", dir.display()))?;
        let dir = &fs::canonicalize(dir)?;
        let [etcd_port, peer_port, api_port] = free_ports()?;
        let token = random_token()?;
        write_private(&dir.join("tokens.csv"), &format!("{token},admin,admin,\"system:masters\"\n"))?;
        make_signing_key(&dir.join("sa.key"))?;

        let mut etcd = start(assets, dir, "etcd", etcd_flags(dir, etcd_port, peer_port))?;
        wait_for_port(&mut etcd, etcd_port)?;
        let mut api_server = start(assets, dir, "kube-apiserver", api_server_flags(dir, etcd_port, api_port))?;
        wait_for_port(&mut api_server, api_port)?;

        let server = format!("https://127.0.0.1:{api_port}");
        let kubeconfig = dir.join("kubeconfig");
        write_kubeconfig(&kubeconfig, &server, &fs::read(dir.join("apiserver.crt"))?, &token)?;
        let kubectl = find_kubectl(assets);
        wait_until_ready(&mut api_server, &kubectl, &kubeconfig)?;

        let has_controllers = assets.join("kube-controller-manager").exists();
        let controllers = has_controllers
            .then(|| start(assets, dir, "kube-controller-manager", controller_flags(dir, &kubeconfig)))
            .transpose()?;
        Ok(Self { controllers, api_server, etcd, server, kubeconfig, kubectl })
    }

    /// Credentials of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The `kubectl` of the same version, or the one on the `PATH` where there is none.
    #[must_use]
    pub fn kubectl(&self) -> &Path {
        &self.kubectl
    }

    /// Where kube-apiserver listens.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether namespaces and owned objects really go away, which takes kube-controller-manager.
    #[must_use]
    pub fn collects_garbage(&self) -> bool {
        self.controllers.is_some()
    }

    /// The programs that have ended although nobody told them to.
    #[must_use]
    pub fn casualties(&mut self) -> Vec<String> {
        [Some(&mut self.etcd), Some(&mut self.api_server), self.controllers.as_mut()]
            .into_iter()
            .flatten()
            .filter_map(|program| program.ended().ok().flatten().map(|status| epitaph(program, &status.to_string())))
            .collect()
    }

    /// Ends it. The folder stays for whoever wants to read the logs.
    pub fn stop(self) {
        drop(self);
    }
}

fn start(assets: &Path, dir: &Path, name: &str, flags: Vec<String>) -> Result<Program> {
    let executable = assets.join(name);
    ensure!(executable.exists(), "no {name} in {}", assets.display());
    Plan::new(name, &executable, dir.join(format!("{name}.log")), Duration::ZERO)
        .args(flags)
        .start()
        .with_context(|| format!("{name} not started"))
}

fn etcd_flags(dir: &Path, port: u16, peer_port: u16) -> Vec<String> {
    vec![
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{port}"),
        format!("--advertise-client-urls=http://127.0.0.1:{port}"),
        format!("--listen-peer-urls=http://127.0.0.1:{peer_port}"),
        format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}"),
        format!("--initial-cluster=default=http://127.0.0.1:{peer_port}"),
        // The data dies with the process: safe from a power failure it need not be.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

fn api_server_flags(dir: &Path, etcd_port: u16, port: u16) -> Vec<String> {
    let key = dir.join("sa.key");
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".into(),
        format!("--cert-dir={}", dir.display()),
        "--service-account-issuer=https://localhost".into(),
        format!("--service-account-signing-key-file={}", key.display()),
        format!("--service-account-key-file={}", key.display()),
        format!("--token-auth-file={}", dir.join("tokens.csv").display()),
        "--authorization-mode=RBAC".into(),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        "--allow-privileged".into(),
    ]
}

fn controller_flags(dir: &Path, kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={CONTROLLERS}"),
        format!("--service-account-private-key-file={}", dir.join("sa.key").display()),
        format!("--root-ca-file={}", dir.join("apiserver.crt").display()),
        // Nobody asks it for its health or metrics.
        "--secure-port=0".into(),
        "--leader-elect=false".into(),
    ]
}

/// Ports that were free a moment ago, held together so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// With this token one is the administrator: nobody else on the machine may read it.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).with_context(|| format!("{} not written", path.display()))
}

fn make_signing_key(path: &Path) -> Result<()> {
    let made = Command::new("openssl")
        .args(["genrsa", "-out"])
        .arg(path)
        .arg("2048")
        .output()
        .context("`openssl` not started, which makes the key that signs ServiceAccount tokens")?;
    ensure!(made.status.success(), "no key for ServiceAccounts: {}", String::from_utf8_lossy(&made.stderr).trim());
    Ok(())
}

/// kube-apiserver makes its own certificate, which is therefore its own authority.
fn write_kubeconfig(path: &Path, server: &str, certificate: &[u8], token: &str) -> Result<()> {
    let authority = BASE64_STANDARD.encode(certificate);
    write_private(
        path,
        &format!(
            "apiVersion: v1
kind: Config
clusters:
- name: cloister
  cluster: {{server: \"{server}\", certificate-authority-data: \"{authority}\"}}
users:
- name: admin
  user: {{token: \"{token}\"}}
contexts:
- name: cloister
  context: {{cluster: cloister, user: admin}}
current-context: cloister
"
        ),
    )
}

fn find_kubectl(assets: &Path) -> PathBuf {
    let own = assets.join("kubectl");
    if own.exists() { own } else { PathBuf::from("kubectl") }
}

fn wait_for_port(program: &mut Program, port: u16) -> Result<()> {
    wait(program, "does not listen", || TcpStream::connect(("127.0.0.1", port)).is_ok())
}

/// Ready means also that the two namespaces are there which everybody takes for granted.
fn wait_until_ready(api_server: &mut Program, kubectl: &Path, kubeconfig: &Path) -> Result<()> {
    let succeeds = |args: &[&str]| {
        Command::new(kubectl)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(args)
            .env("KUBECACHEDIR", kubeconfig.with_file_name("kubectl-cache"))
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let found = Command::new(kubectl).args(["version", "--client"]).output();
    ensure!(found.is_ok_and(|output| output.status.success()), "no working kubectl at {}", kubectl.display());
    wait(api_server, "is not ready", || {
        succeeds(&["get", "--raw", "/readyz"]) && succeeds(&["get", "namespace", "default", "kube-system"])
    })
}

fn wait(program: &mut Program, complaint: &str, mut good: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while !good() {
        if let Some(status) = program.ended()? {
            return Err(anyhow!(epitaph(program, &status.to_string())));
        }
        if began.elapsed() > PATIENCE {
            bail!("{} {complaint} after {} s:\n{}", program.name(), PATIENCE.as_secs(), program.last_words());
        }
        pause();
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the whole start blocks, and says so")]
fn pause() {
    thread::sleep(Duration::from_millis(50));
}

fn epitaph(program: &Program, status: &str) -> String {
    format!("{} ended by itself ({status}):\n{}", program.name(), program.last_words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_programs_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = ControlPlane::start(Path::new("/nowhere"), dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "no etcd in /nowhere");
    }

    #[test]
    fn a_program_that_ends_says_why() {
        let assets = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/cat", assets.path().join("etcd")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let error = ControlPlane::start(assets.path(), dir.path()).unwrap_err().to_string();
        assert!(error.starts_with("etcd ended by itself (exit status: 1):\n"), "{error}");
        assert!(error.contains("unrecognized option"), "{error}");
    }

    #[test]
    fn free_ports_differ() {
        let [one, two, three] = free_ports().unwrap();
        assert!(one != two && two != three && one != three);
    }
}
