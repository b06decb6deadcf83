//! Who commits: git's environment variables first, then its configuration, never a guess from the host's name.

use git2::{Repository, Signature, Time};
use loradeck_core::time::Moment;

use super::outcome::{InGit, Reason, Stop};

/// Looks an environment variable up.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// This process's environment; empty values count as none.
pub(super) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The author and the committer of a commit made at `now`.
pub(super) struct Identity {
    pub author: Signature<'static>,
    pub committer: Signature<'static>,
}

/// Who commits, or [`Reason::NoIdentity`].
pub(super) fn identity(
    repository: &Repository,
    environment: Environment<'_>,
    now: Moment,
) -> Result<Identity, Stop> {
    let author = person(repository, environment, "AUTHOR", "author");
    let committer = person(repository, environment, "COMMITTER", "committer");
    let (Some(author), Some(committer)) = (author, committer) else {
        return Err(Stop::Waiting(Reason::NoIdentity));
    };
    Ok(Identity {
        author: signature(repository, &author, now)?,
        committer: signature(repository, &committer, now)?,
    })
}

/// A name and an address.
pub(super) type Person = (String, String);

/// The author that a commit would name.
pub(super) fn author(repository: &Repository, environment: Environment<'_>) -> Option<Person> {
    person(repository, environment, "AUTHOR", "author")
}

fn person(
    repository: &Repository,
    environment: Environment<'_>,
    variable: &str,
    section: &str,
) -> Option<Person> {
    let configuration = repository.config().and_then(|mut config| config.snapshot()).ok()?;
    let configured =
        |key: &str| configuration.get_string(key).ok().filter(|value: &String| !value.trim().is_empty());
    let name = environment(&format!("GIT_{variable}_NAME"))
        .or_else(|| configured(&format!("{section}.name")))
        .or_else(|| configured("user.name"))?;
    let email = environment(&format!("GIT_{variable}_EMAIL"))
        .or_else(|| configured(&format!("{section}.email")))
        .or_else(|| configured("user.email"))
        .or_else(|| environment("EMAIL"))?;
    Some((name, email))
}

fn signature(repository: &Repository, person: &Person, now: Moment) -> Result<Signature<'static>, Stop> {
    let (name, email) = person;
    let local = Signature::now(name, email).in_git("read the identity", repository.path())?;
    let time = Time::new(now.0.div_euclid(1000), local.when().offset_minutes());
    Ok(Signature::new(name, email, &time).in_git("read the identity", repository.path())?)
}
