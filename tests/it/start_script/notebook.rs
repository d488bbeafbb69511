//! A folder that stands for a notebook's file system, and the programs that are run in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Command;

const RECORD: &str = include_str!("../../start_script/record.sh");
const SYSTEMCTL: &str = include_str!("../../start_script/systemctl.sh");

/// What the scripts call and what could be handed a token.
const RECORDED: [&str; 12] =
    ["aws", "awk", "cat", "chmod", "flock", "mktemp", "mv", "rm", "runuser", "setsid", "sleep", "timeout"];

pub struct Notebook {
    folder: TempDir,
    endpoint: String,
    user: String,
    patience: u32,
}

pub struct Finished {
    pub code: Option<i32>,
    /// Both streams, up to the end: whoever holds them open in the background is waited for.
    pub output: String,
    pub took: Duration,
}

impl Notebook {
    pub fn new(endpoint: &str) -> Self {
        let folder = TempDir::new().unwrap();
        for part in ["root/home/ec2-user", "bin"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let user = std::process::Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
        let notebook = Self { folder, endpoint: endpoint.to_owned(), user, patience: 60 };
        for program in RECORDED {
            notebook.program_on_path(program, RECORD);
        }
        notebook
    }

    /// Lets a fragment have this many seconds.
    pub fn with_patience(mut self, seconds: u32) -> Self {
        self.patience = seconds;
        self
    }

    pub fn with_systemd(self) -> Self {
        fs::create_dir_all(self.root().join("run/systemd/system")).unwrap();
        self.program_on_path("systemctl", SYSTEMCTL);
        self
    }

    pub fn with_cron(self) -> Self {
        fs::create_dir_all(self.root().join("etc/cron.d")).unwrap();
        self.program_on_path("crontab", "#!/bin/bash\nexit 1\n");
        self
    }

    /// Has everything believe that it runs as root, with a notebook's user of this name.
    pub fn with_root_and_user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.user);
        self.program_on_path("id", "#!/bin/bash\necho 0\n");
        self.program_on_path("runuser", "#!/bin/bash\necho \"runuser $*\" >>\"${0%/*}/../argv\"\n");
        self
    }

    /// Has who is about to put a file of this name in place get a signal instead, as from a machine that is stopped.
    pub fn with_signal_before(self, file: &str, signal: &str) -> Self {
        let stop = format!("[[ \"${{!#}}\" != */{file} ]] || {{ kill -{signal} $PPID; exit 1; }}");
        self.program_on_path("mv", &RECORD.replace("\nexec", &format!("\n{stop}\nexec")));
        self
    }

    fn program_on_path(&self, name: &str, text: &str) {
        let file = self.folder.path().join("bin").join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Where the hook has put the refresh program.
    pub fn program(&self) -> String {
        self.root().join("usr/local/bin/cloister-pip-refresh").to_str().unwrap().to_owned()
    }

    pub async fn run_hook(&self, script: &str) -> Finished {
        fs::write(self.root().join("hook"), script).unwrap();
        self.run("bash", &["hook"]).await
    }

    /// `aws codeartifact …` as an administrator, on the side of AWS and not of the notebook.
    pub async fn aws(&self, arguments: &str) {
        let mut command = vec!["codeartifact", "--region", "ap-northeast-1"];
        command.extend(arguments.split_whitespace());
        let path = std::env::var("PATH").unwrap();
        let done = self.finish(Command::new("aws").args(command).env("PATH", path)).await;
        assert_eq!(done.code, Some(0), "aws codeartifact {arguments}: {}", done.output);
    }

    /// The pip of the tests' own Python, as the notebook's user would have it.
    pub async fn pip(&self, arguments: &str) -> Finished {
        let mut command = vec!["-m", "pip", "--disable-pip-version-check"];
        command.extend(arguments.split_whitespace());
        let home = self.root().join("home/ec2-user");
        self.finish(Command::new(python()).args(command).env("HOME", home).env("PATH", self.path())).await
    }

    /// One more renewal, by a shell with these options. The one before has said that it is done and may still be about to end.
    pub async fn renew(&self, options: &[&str]) -> Finished {
        loop {
            let renewal = self.run("bash", &[options, &[&self.program()]].concat()).await;
            if !renewal.output.contains("is under way") {
                return renewal;
            }
        }
    }

    pub async fn run(&self, program: &str, arguments: &[&str]) -> Finished {
        self.finish(Command::new(program).args(arguments).env("PATH", self.path())).await
    }

    fn path(&self) -> String {
        format!("{}/bin:{}", self.folder.path().display(), std::env::var("PATH").unwrap())
    }

    async fn finish(&self, command: &mut Command) -> Finished {
        let foreign = std::env::vars().map(|(name, _)| name).filter(|name| {
            name.starts_with("PIP_") || name.starts_with("AWS_") || name == "XDG_CONFIG_HOME" || name == "NETRC"
        });
        for variable in foreign {
            command.env_remove(variable);
        }
        command
            .current_dir(self.root())
            .env("CLOISTER_ROOT", self.root())
            .env("CLOISTER_USER", &self.user)
            .env("CLOISTER_PATIENCE", self.patience.to_string())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "111122223333")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        let began = Instant::now();
        let done = tokio::time::timeout(Duration::from_mins(2), command.output()).await;
        let done = done.expect("an end within two minutes").expect("a program that can be started");
        let output = [done.stdout, done.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned()).concat();
        Finished { code: done.status.code(), output, took: began.elapsed() }
    }

    /// Waits until the notebook is logged in and gives the whole of `.netrc`.
    pub async fn until_logged_in(&self) -> String {
        self.until("a login", || self.log().contains("pip is logged in")).await;
        self.netrc()
    }

    pub async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_mins(1), "no end of the wait until {what}; log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A file below the root; one that is not there is empty.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root().join(file)).unwrap_or_default()
    }

    pub fn netrc(&self) -> String {
        self.read("home/ec2-user/.netrc")
    }

    pub fn pip_conf(&self) -> String {
        self.read("home/ec2-user/.config/pip/pip.conf")
    }

    /// What the refresh program has said, wherever it was started from.
    pub fn log(&self) -> String {
        let journal = fs::read_to_string(self.folder.path().join("journal")).unwrap_or_default();
        self.read("var/log/cloister.log") + &journal
    }

    /// The arguments of every program that was called, a line each.
    pub fn arguments(&self) -> String {
        fs::read_to_string(self.folder.path().join("argv")).unwrap_or_default()
    }

    /// The files that contain a text, logs and records of the test included.
    pub fn files_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        search(self.folder.path(), text, &mut found);
        let root = self.root();
        let mut names: Vec<_> =
            found.iter().map(|file| file.strip_prefix(&root).unwrap_or(file).display().to_string()).collect();
        names.sort();
        names
    }

    /// The files whose names begin like that of a file below the root: itself, and what was to become it.
    pub fn versions(&self, file: &str) -> Vec<String> {
        let file = self.root().join(file);
        let entries = fs::read_dir(file.parent().unwrap()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with(file.file_name().unwrap().to_str().unwrap()));
        names
    }

    /// Has systemd itself read the units, where it is installed.
    pub async fn verify_units(&self) {
        if !is_installed("systemd-analyze") {
            eprintln!("systemd is not installed: the units were not verified");
            return;
        }
        for unit in ["service", "timer"] {
            let unit = format!("etc/systemd/system/cloister-pip-refresh.{unit}");
            let verified = self.run("systemd-analyze", &["verify", "--man=no", &unit]).await;
            assert_eq!((verified.code, verified.output.as_str()), (Some(0), ""), "{unit}");
        }
    }
}

impl Drop for Notebook {
    /// Ends what the hook has left in the background. One that ends may have begun another in the meantime.
    fn drop(&mut self) {
        for _ in 0..100 {
            let left = self.background();
            if left.is_empty() {
                return;
            }
            let ids = left.iter().map(u32::to_string);
            let _ = std::process::Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
        }
    }
}

impl Notebook {
    /// The processes that have this folder in their environment.
    fn background(&self) -> Vec<u32> {
        let folder = self.folder.path().to_str().unwrap_or_default().as_bytes();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter(|process| {
                let environment = fs::read(process.path().join("environ")).unwrap_or_default();
                environment.windows(folder.len()).any(|part| part == folder)
            })
            .filter_map(|process| process.file_name().to_str()?.parse().ok())
            .filter(|id| *id != std::process::id())
            .collect()
    }
}

fn search(folder: &Path, text: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.is_dir() {
            search(&file, text, found);
        } else if fs::read(&file).is_ok_and(|content| String::from_utf8_lossy(&content).contains(text)) {
            found.push(file);
        }
    }
}

/// The Python that has pip: the interpreter itself, because what may stand before it on PATH does more than to call it.
fn python() -> String {
    let python = std::env::var("CLOISTER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let asked = std::process::Command::new(python).args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(asked.stdout).unwrap().trim().to_owned()
}

pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
