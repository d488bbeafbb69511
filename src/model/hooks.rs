//! The hooks of a notebook as the manifest and its own needs make them: ours for pip, and the user's fragments. Pure.

use super::{
    environment::{Environment, Notebook},
    start_script::{MAX_ENCODED, StartScript, TooLarge},
};

/// What runs at the creation of a notebook and at each of its starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Once.
    pub on_create: Option<String>,
    /// At every start, the first included.
    pub on_start: Option<String>,
}

/// The hooks of a notebook.
///
/// # Errors
/// When one of them, fragment included, exceeds what AWS accepts.
pub fn hooks_of(environment: &Environment, notebook: &Notebook) -> Result<Hooks, TooLarge> {
    let (Some(install), Some(index_url)) = (environment.pip(), environment.pip_index_url()) else {
        return Ok(Hooks {
            on_create: alone("onCreate", notebook.on_create.as_deref())?,
            on_start: alone("onStart", notebook.on_start.as_deref())?,
        });
    };
    let domain = &environment.packages.domain;
    let script = StartScript {
        region: &environment.region,
        domain: &domain.name,
        domain_owner: &domain.owner,
        repository: &install.repository,
        index_url: &index_url,
        on_start: notebook.on_start.as_deref(),
        on_create: notebook.on_create.as_deref(),
    };
    Ok(Hooks { on_create: script.on_create()?, on_start: Some(script.on_start()?) })
}

/// A fragment of the user's without anything of ours to go with it. Carriage returns would make the shell stumble.
fn alone(hook: &'static str, fragment: Option<&str>) -> Result<Option<String>, TooLarge> {
    let Some(fragment) = fragment else { return Ok(None) };
    let mut script = fragment.replace("\r\n", "\n");
    if !script.starts_with("#!") {
        script.insert_str(0, "#!/bin/bash\n");
    }
    let used = StartScript::encoded(&script).len();
    if used > MAX_ENCODED { Err(TooLarge { hook, used, limit: MAX_ENCODED }) } else { Ok(Some(script)) }
}
