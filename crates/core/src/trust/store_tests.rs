use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

struct World {
    folder: tempfile::TempDir,
    store: TrustStore,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::at(folder.path().join("state/loradeck"));
        Self { folder, store }
    }

    fn workspace(&self, name: &str) -> Workspace {
        let root = self.folder.path().join(name);
        fs::create_dir_all(root.join("experiments")).unwrap();
        fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
        Workspace::find(&root).unwrap()
    }

    fn verdict(&self, workspace: &Workspace) -> Result<(), Distrust> {
        self.store.verdict(workspace).unwrap()
    }

    fn trust(&self, workspace: &Workspace) {
        self.store.trust(workspace, Accepted::default(), "trust").unwrap();
    }
}

#[test]
fn a_workspace_is_trusted_until_it_is_forgotten() {
    let world = World::new();
    let (one, other) = (world.workspace("one"), world.workspace("other"));
    assert_eq!(world.verdict(&one), Err(Distrust::Unknown));
    world.trust(&one);
    world.trust(&one);
    assert_eq!((world.verdict(&one), world.verdict(&other)), (Ok(()), Err(Distrust::Unknown)));
    assert_eq!(world.store.records().unwrap().len(), 1);
    fs::remove_dir_all(one.state_folder()).unwrap();
    let has_moment = see(&one).unwrap().identity.born.is_some();
    assert_eq!(
        world.verdict(&one).is_ok(),
        has_moment,
        "removing .loradeck loses no trust where the moment is kept"
    );
    assert!(world.store.forget(one.root()).unwrap());
    assert!(!world.store.forget(one.root()).unwrap());
    assert_eq!(world.verdict(&one), Err(Distrust::Unknown));
}

#[test]
fn moved_copied_linked_and_replaced_folders() {
    let world = World::new();
    let root = |name: &str| world.folder.path().join(name);
    let one = world.workspace("one");
    world.trust(&one);
    symlink(root("one"), root("link")).unwrap();
    assert_eq!(world.verdict(&Workspace::at(root("link"))), Ok(()), "the same folder by another name");
    fs::rename(root("one"), root("moved")).unwrap();
    let from = one.root().to_path_buf();
    assert_eq!(world.verdict(&Workspace::at(root("moved"))), Err(Distrust::Moved { from }));
    let again = world.workspace("one");
    fs::create_dir_all(again.state_folder()).unwrap();
    fs::copy(root("moved/.loradeck").join(MARK), again.state_folder().join(MARK)).unwrap();
    assert_eq!(world.verdict(&again), Err(Distrust::Replaced), "though it has the mark");
    fs::remove_dir_all(root("one")).unwrap();
    fs::rename(root("moved"), root("one")).unwrap();
    assert_eq!(world.verdict(&one), Ok(()), "it has come back");
}

#[test]
fn a_store_that_others_may_write_says_nothing() {
    let world = World::new();
    let one = world.workspace("one");
    world.trust(&one);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&world.store.folder), mode(&world.store.file())), (0o700, 0o600));
    fs::set_permissions(world.store.file(), fs::Permissions::from_mode(0o666)).unwrap();
    let error = world.store.verdict(&one).unwrap_err().to_string();
    assert!(
        error.contains("list of trusted workspaces is ignored") && error.contains("trust.json"),
        "{error}"
    );
    fs::set_permissions(world.store.file(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&world.store.folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(world.store.verdict(&one).is_err());
}

#[test]
fn a_torn_or_newer_store_is_an_error_and_no_trust() {
    let world = World::new();
    let one = world.workspace("one");
    world.trust(&one);
    fs::write(world.store.file(), "{\"format\": 1, \"workspaces\": [{").unwrap();
    assert!(matches!(world.store.verdict(&one), Err(TrustError::File(_))));
    fs::write(world.store.file(), "{\"format\": 2}").unwrap();
    assert!(matches!(world.store.verdict(&one), Err(TrustError::Newer { format: 2, .. })));
}

#[test]
fn many_at_once_lose_nobodys_word() {
    let world = World::new();
    let workspaces: Vec<Workspace> = (0..8).map(|index| world.workspace(&format!("w{index}"))).collect();
    std::thread::scope(|scope| {
        for workspace in &workspaces {
            scope.spawn(|| world.trust(workspace));
        }
    });
    assert!(workspaces.iter().all(|workspace| world.verdict(workspace).is_ok()));
}

#[test]
fn a_path_that_is_no_text_survives() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let root = world.folder.path().join(std::ffi::OsStr::from_bytes(b"N\xe9x"));
    fs::create_dir_all(&root).unwrap();
    let workspace = Workspace::at(&root);
    world.trust(&workspace);
    assert_eq!(world.verdict(&workspace), Ok(()));
}
