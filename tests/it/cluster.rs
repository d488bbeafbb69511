//! The Kubernetes that all tests of this executable share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloister::sandbox::control_plane::{self, ControlPlane};
use cloister::sandbox::run_folder::RunFolder;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// A control plane with our custom resources in it. It ends with the process; the next run removes its folder.
pub struct Cluster {
    control_plane: ControlPlane,
    _folder: RunFolder,
}

/// Starts it at first use.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// The folder that the environment names, or the one that the script builds once.
pub fn assets() -> PathBuf {
    control_plane::assets().unwrap_or_else(|_| {
        let built = Command::new(checkout().join("hack/build-control-plane.sh")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        PathBuf::from(String::from_utf8(built.stdout).unwrap().lines().last().unwrap())
    })
}

/// Top of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Cluster {
    fn start() -> Self {
        let folder = RunFolder::create("test").unwrap();
        let control_plane = ControlPlane::start(&assets(), folder.path()).unwrap();
        let cluster = Self { control_plane, _folder: folder };
        let crds = checkout().join("crds");
        let crds = crds.to_str().unwrap();
        cluster.kubectl(["apply", "--server-side", "-f", crds]);
        cluster.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "-f", crds]);
        cluster
    }

    /// A client for this test's own runtime.
    pub async fn client(&self) -> kube::Client {
        cloister::kubernetes::tls::choose();
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        kube::Client::try_from(config).unwrap()
    }

    /// A new namespace whose name begins like this.
    pub fn namespace(&self, hint: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("{hint}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(["create", "namespace", &name]);
        name
    }

    /// Runs `kubectl`, which must succeed, and gives what it printed.
    pub fn kubectl<const N: usize>(&self, args: [&str; N]) -> String {
        let output = self.try_kubectl(args);
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `kubectl`, which may fail.
    pub fn try_kubectl<const N: usize>(&self, args: [&str; N]) -> Output {
        Command::new(self.control_plane.kubectl())
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(args)
            .env("KUBECACHEDIR", self.kubeconfig().with_file_name("kubectl-cache"))
            .output()
            .unwrap()
    }

    /// Credentials of an administrator.
    pub fn kubeconfig(&self) -> &Path {
        self.control_plane.kubeconfig()
    }

    /// Credentials of a controller in this namespace that may do what `docs/how-to/run-on-aws.md` lets it do, and no more.
    pub fn kubeconfig_of_controller(&self, namespace: &str, folder: &Path) -> PathBuf {
        let page = std::fs::read_to_string(checkout().join("docs/how-to/run-on-aws.md")).unwrap();
        let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let role = blocks.filter(|block| block.contains("kind: ClusterRole\n")).collect::<Vec<_>>().join("---\n");
        let file = folder.join("cluster-role.yaml");
        std::fs::write(&file, role).unwrap();
        self.kubectl(["apply", "--server-side", "--force-conflicts", "-f", file.to_str().unwrap()]);
        let account = format!("{namespace}:cloister");
        let name = format!("cloister-{namespace}");
        self.kubectl(["create", "clusterrolebinding", &name, "--clusterrole=cloister", "--serviceaccount", &account]);
        let mut kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
        user.impersonate = Some(format!("system:serviceaccount:{account}"));
        let file = folder.join("controller.kubeconfig");
        std::fs::write(&file, serde_json::to_string(&kubeconfig).unwrap()).unwrap();
        file
    }

    /// Whether namespaces really go away.
    pub fn collects_garbage(&self) -> bool {
        self.control_plane.collects_garbage()
    }
}
