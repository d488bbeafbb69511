//! A child process that does not outlive the process that started it, however that one ends.
//!
//! It runs below a small shell that waits for the end of a pipe from us. The kernel closes the pipe when we exit, crash
//! or are killed, and the shell then ends its child. (A parent-death signal would do the same only while the *thread*
//! that started the child lives, which in a test or below a runtime is shorter than the process.)

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// `$0` is how many tenths of a second the program gets to end by itself, the arguments are the program.
const KEEPER: &str = r#"
grace=$0
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(
  read -r line <&3
  [ "$grace" = 0 ] || kill -TERM "$program"
  while [ "$grace" -gt 0 ] && kill -0 "$program"; do
    sleep 0.1
    grace=$((grace - 1))
  done
  kill -KILL "$program"
) 2>/dev/null &
keeper=$!
exec 3<&-
wait "$program"
status=$?
kill -KILL "$keeper" 2>/dev/null
exit "$status"
"#;

/// What to start, with its output going to a file.
#[derive(Debug)]
pub struct Plan {
    command: Command,
    name: String,
    log: PathBuf,
}

impl Plan {
    /// The program `executable`, known as `name`, which gets `grace` to end when it is told to.
    #[must_use]
    pub fn new(name: &str, executable: &Path, log: PathBuf, grace: Duration) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(KEEPER).arg((grace.as_millis() / 100).to_string()).arg(executable);
        // A group of its own, so that Ctrl-C reaches us alone and things end in the right order.
        command.process_group(0);
        Self { command, name: name.to_owned(), log }
    }

    /// With these arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// With this environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Without those of our environment variables whose name begins like this.
    #[must_use]
    pub fn without_env(mut self, prefix: &str) -> Self {
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with(prefix)) {
            self.command.env_remove(key);
        }
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// There is no shell, or the log cannot be written.
    pub fn start(mut self) -> io::Result<Program> {
        let log = File::create(&self.log)?;
        self.command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        Ok(Program { keeper: self.command.spawn()?, name: self.name, log: self.log })
    }
}

/// A running program; it ends when this is dropped.
#[derive(Debug)]
pub struct Program {
    keeper: Child,
    name: String,
    log: PathBuf,
}

impl Program {
    /// How it ended, if it has.
    ///
    /// # Errors
    /// The operating system cannot say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.keeper.try_wait()
    }

    /// Where its output is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last lines of its output.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Ends it and waits until it is gone.
    ///
    /// # Errors
    /// The operating system cannot say how it ended.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        drop(self.keeper.stdin.take());
        self.keeper.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to be done about it.
        let _ = self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(dir: &Path, script: &str, grace: Duration) -> Program {
        Plan::new("shell", Path::new("sh"), dir.join("log"), grace).args(["-c", script]).start().unwrap()
    }

    fn until(mut condition: impl FnMut() -> bool) -> bool {
        (0..200).any(|_| condition() || Command::new("sleep").arg("0.05").status().is_err())
    }

    #[test]
    fn how_a_program_ended_and_what_it_said_can_be_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell(dir.path(), "echo to stdout; echo to stderr >&2; exit 7", Duration::ZERO);
        assert!(until(|| program.ended().unwrap().is_some()));
        assert_eq!(program.ended().unwrap().unwrap().code(), Some(7));
        assert_eq!(program.last_words(), "to stdout\nto stderr");
    }

    #[test]
    fn a_program_may_end_in_its_own_way_when_it_has_grace() {
        let dir = tempfile::tempdir().unwrap();
        let script = "trap 'echo tidied up; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
        let mut program = shell(dir.path(), script, Duration::from_secs(10));
        assert!(until(|| program.last_words() == "ready"));
        assert!(program.stop().unwrap().success());
        assert_eq!(program.last_words(), "ready\ntidied up");
    }

    #[test]
    fn a_program_that_does_not_listen_is_ended_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        let mut program = shell(dir.path(), script, Duration::from_millis(200));
        assert!(until(|| program.last_words() == "ready"));
        assert_eq!(program.stop().unwrap().code(), Some(128 + 9));
    }

    /// The test plays both parts: started again with the variable set it is the parent that gets killed.
    #[test]
    fn a_program_does_not_outlive_a_parent_that_was_killed() {
        const DIR: &str = "CLOISTER_TEST_PARENT_TO_BE_KILLED";
        if let Some(dir) = std::env::var_os(DIR) {
            let program = shell(Path::new(&dir), "echo $$; exec sleep 1000", Duration::ZERO);
            assert!(until(|| !program.last_words().is_empty()));
            let pid = program.last_words();
            fs::write(Path::new(&dir).join("pid"), pid).unwrap();
            std::thread::park();
        }
        let dir = tempfile::tempdir().unwrap();
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::program::tests::a_program_does_not_outlive_a_parent_that_was_killed"])
            .env(DIR, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid_file = dir.path().join("pid");
        assert!(until(|| fs::read_to_string(&pid_file).is_ok_and(|pid| !pid.is_empty())));
        let process = Path::new("/proc").join(fs::read_to_string(&pid_file).unwrap());
        assert!(process.exists());
        parent.kill().unwrap();
        parent.wait().unwrap();
        assert!(until(|| !process.exists()));
    }
}
