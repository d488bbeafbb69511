//! The lifecycle hooks of a notebook: scripts that keep `pip` logged in to CodeArtifact without a person.
//!
//! The hook installs a refresh program with its schedule, has it run in the background and ends with 0 whatever
//! happens; the program writes the index URL into pip's configuration and the token into `~/.netrc`.
//! The shell text stands in `start_script/*.sh`; this module puts the values in and keeps the size.
//!
//! Pure: the same input gives the same text, so that a comparison with what AWS has is a comparison of strings. No
//! secret may enter here: whoever may describe a lifecycle configuration reads all of it.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-lifecycle-config.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The most characters of one hook, as AWS counts them: after base64.
pub const MAX_ENCODED: usize = 16_384;

const PROLOGUE: &str = include_str!("start_script/prologue.sh");
const REFRESH: &str = include_str!("start_script/refresh.sh");
const SCHEDULE: &str = include_str!("start_script/schedule.sh");
const FRAGMENT: &str = include_str!("start_script/fragment.sh");

/// What the scripts of one notebook depend on.
#[derive(Clone, Copy, Debug)]
pub struct StartScript<'a> {
    /// The region of the domain, which is also that of the notebook.
    pub region: &'a str,
    /// The CodeArtifact domain.
    pub domain: &'a str,
    /// The account that owns the domain, as twelve digits.
    pub domain_owner: &'a str,
    /// The repository that pip installs from.
    pub repository: &'a str,
    /// Where pip looks while AWS does not answer the question for the repository's endpoint.
    pub index_url: &'a str,
    /// The user's fragment for every start.
    pub on_start: Option<&'a str>,
    /// The user's fragment for the creation.
    pub on_create: Option<&'a str>,
}

/// A hook that AWS would not accept for its length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{hook} script of {used} characters (base64), {limit} are allowed: shorten the {hook} fragment or let it fetch the rest"
)]
pub struct TooLarge {
    /// `onStart` or `onCreate`.
    pub hook: &'static str,
    /// How many characters the whole hook has, base64-encoded.
    pub used: usize,
    /// How many AWS accepts.
    pub limit: usize,
}

impl StartScript<'_> {
    /// The script of every start, the first included.
    ///
    /// # Errors
    /// When the whole, fragment included, exceeds what AWS accepts.
    pub fn on_start(&self) -> Result<String, TooLarge> {
        self.hook("onStart", "on-start", self.on_start)
    }

    /// The script of the creation, which is there only for a fragment of the user's. It brings ours along, because it
    /// runs before the first start and a fragment may well install packages.
    ///
    /// # Errors
    /// When the whole, fragment included, exceeds what AWS accepts.
    pub fn on_create(&self) -> Result<Option<String>, TooLarge> {
        self.on_create.map(|fragment| self.hook("onCreate", "on-create", Some(fragment))).transpose()
    }

    /// The form in which AWS takes and gives a hook.
    #[must_use]
    pub fn encoded(script: &str) -> String {
        STANDARD.encode(script)
    }

    fn hook(&self, hook: &'static str, file: &str, fragment: Option<&str>) -> Result<String, TooLarge> {
        let mut script = String::from("#!/bin/bash\n# Written by Cloister: keeps pip logged in to CodeArtifact.\n");
        script.push_str(&without_comments(PROLOGUE));
        script.push_str(&self.installation());
        script.push_str(&without_comments(SCHEDULE));
        if let Some(fragment) = fragment {
            script.push_str(&run_of(fragment, file));
        }
        let used = Self::encoded(&script).len();
        if used > MAX_ENCODED {
            return Err(TooLarge { hook, used, limit: MAX_ENCODED });
        }
        Ok(script)
    }

    fn installation(&self) -> String {
        let program = format!("{}{}", self.settings(), without_comments(REFRESH));
        let (delimiter, text) = here_document(&program);
        format!(
            "{{\nprintf '#!/bin/bash\\nroot=%q\\nuser=%q\\n' \"$root\" \"$user\"\ncat <<'{delimiter}'\n{text}}} | write 755 \"$program\" || say \"$program cannot be written\"\n"
        )
    }

    fn settings(&self) -> String {
        let mut settings = String::new();
        for (name, value) in [
            ("region", self.region),
            ("domain", self.domain),
            ("domain_owner", self.domain_owner),
            ("repository", self.repository),
            ("index_url", self.index_url),
        ] {
            let _ = writeln!(settings, "{name}={}", quoted(value));
        }
        settings
    }
}

fn run_of(fragment: &str, file: &str) -> String {
    // A carriage return makes the shell look for a command of that name, and a manifest written on Windows has them.
    let fragment = fragment.replace("\r\n", "\n");
    let (delimiter, text) = here_document(&fragment);
    format!(
        "fragment=$root/usr/local/lib/cloister/{file}\nwrite 700 \"$fragment\" <<'{delimiter}' || say \"$fragment cannot be written\"\n{text}{}",
        without_comments(FRAGMENT)
    )
}

/// A delimiter that is no line of the text, and the text closed by it.
fn here_document(text: &str) -> (String, String) {
    let taken = |delimiter: &str| text.lines().any(|line| line == delimiter);
    let mut number = 0_u32;
    let mut delimiter = format!("CLOISTER_{number}");
    while taken(&delimiter) {
        number += 1;
        delimiter = format!("CLOISTER_{number}");
    }
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let closed = format!("{text}{newline}{delimiter}\n");
    (delimiter, closed)
}

/// One word to the shell, whatever it contains.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// The comments are for readers of this repository; on the notebook each would cost room of the user's fragments.
fn without_comments(shell: &str) -> String {
    let mut kept = String::with_capacity(shell.len());
    for line in shell.lines() {
        let text = line.trim_start();
        if !text.is_empty() && (!text.starts_with('#') || text.starts_with("# shellcheck")) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> StartScript<'static> {
        StartScript {
            region: "ap-northeast-1",
            domain: "test-artifact-domain",
            domain_owner: "111122223333",
            repository: "test-artifact-repository",
            index_url: "https://example/pypi/r/simple/",
            on_start: None,
            on_create: None,
        }
    }

    #[test]
    fn the_index_is_the_one_that_was_given() {
        let text = script().on_start().unwrap();
        assert!(text.contains("index_url='https://example/pypi/r/simple/'\n"));
    }

    #[test]
    fn equal_input_gives_equal_text() {
        assert_eq!(script().on_start(), script().on_start());
    }

    #[test]
    fn ours_leaves_at_least_half_of_the_room_to_the_user() {
        let used = StartScript::encoded(&script().on_start().unwrap()).len();
        assert!(used <= MAX_ENCODED / 2, "{used} characters");
    }

    #[test]
    fn a_hook_may_have_exactly_the_characters_that_aws_takes_and_none_more() {
        let bare = StartScript { on_start: Some("#\n"), ..script() }.on_start().unwrap();
        let room = MAX_ENCODED / 4 * 3 - bare.len();
        let filling = format!("#{}\n", "x".repeat(room));
        let full = StartScript { on_start: Some(&filling), ..script() }.on_start().unwrap();
        assert_eq!(StartScript::encoded(&full).len(), MAX_ENCODED);

        let one_more = format!("#{}\n", "x".repeat(room + 1));
        let refused = StartScript { on_start: Some(&one_more), ..script() }.on_start().unwrap_err();
        assert_eq!(refused, TooLarge { hook: "onStart", used: MAX_ENCODED + 4, limit: MAX_ENCODED });
    }

    #[test]
    fn there_is_a_hook_of_the_creation_only_for_a_fragment() {
        assert_eq!(script().on_create(), Ok(None));
        let with = StartScript { on_create: Some("echo made"), ..script() };
        let text = with.on_create().unwrap().unwrap();
        assert!(text.contains("\necho made\n") && text.contains("cloister/on-create\n"));
    }

    #[test]
    fn a_fragment_cannot_end_its_own_quotation() {
        let fragment = "CLOISTER_0\nrm -rf /\nCLOISTER_1\n";
        let text = StartScript { on_start: Some(fragment), ..script() }.on_start().unwrap();
        assert!(text.contains("<<'CLOISTER_2' "));
        assert!(text.contains("CLOISTER_1\nCLOISTER_2\n"));
    }

    #[test]
    fn a_value_cannot_end_its_own_quotation() {
        let hostile = "r'; touch /tmp/x; '\nCLOISTER_0\n";
        let text = StartScript { repository: hostile, ..script() }.on_start().unwrap();
        assert!(text.contains("repository='r'\\''; touch /tmp/x; '\\''\n"));
        assert!(text.contains("cat <<'CLOISTER_1'\n"));
    }

    #[test]
    fn no_line_ends_with_a_carriage_return() {
        let text = StartScript { on_start: Some("#!/bin/sh\r\necho a\r\n"), ..script() }.on_start().unwrap();
        assert!(!text.contains('\r'));
    }

    #[test]
    fn no_comment_of_ours_travels_to_the_notebook() {
        let text = script().on_start().unwrap();
        let comments = text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        assert_eq!(comments, 2, "{text}");
    }
}
