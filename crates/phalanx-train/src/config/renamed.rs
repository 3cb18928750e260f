//! Former names. Files, assignments and saved runs that use one are accepted for one more version,
//! with a notice.

use std::path::Path;

/// What a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An algorithm.
    Algorithm,
    /// A key of every run or of an algorithm.
    Key,
    /// A file of the project, by the end of its path.
    File,
}

/// A name that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The kind of the name.
    pub kind: Kind,
    /// The former name.
    pub old: &'static str,
    /// The current name.
    pub new: &'static str,
    /// The first version with the current name.
    pub since: &'static str,
}

/// All names that have changed.
pub static RENAMED: &[Renamed] = &[
    Renamed { kind: Kind::Algorithm, old: "mlp", new: "unrestricted", since: "0.1.0" },
    Renamed {
        kind: Kind::File,
        old: "algs/mlp.toml",
        new: "algs/unrestricted.toml",
        since: "0.1.0",
    },
    Renamed {
        kind: Kind::File,
        old: "envs/skirmish_smax.toml",
        new: "envs/smax.toml",
        since: "0.1.0",
    },
    Renamed {
        kind: Kind::File,
        old: "envs/skirmish_epo.toml",
        new: "envs/skirmish_extended_partial_observability.toml",
        since: "0.1.0",
    },
];

/// Returns the current name of an algorithm, if `name` is a former one.
pub fn algorithm(name: &str) -> Option<&'static str> {
    current(RENAMED, Kind::Algorithm, name)
}

/// Returns the current name of a key, if `name` is a former one.
pub fn key(name: &str) -> Option<&'static str> {
    current(RENAMED, Kind::Key, name)
}

/// Returns the current name of a file of the project, if `path` is a former one.
pub fn file(path: &Path) -> Option<&'static str> {
    let former = |entry: &&Renamed| entry.kind == Kind::File && path.ends_with(entry.old);
    RENAMED.iter().find(former).map(|entry| entry.new)
}

/// Returns the notice for a former name.
pub fn notice(old: &str, new: &str) -> String {
    format!("`{old}` is now called `{new}`")
}

fn current(names: &[Renamed], kind: Kind, name: &str) -> Option<&'static str> {
    names.iter().find(|entry| entry.kind == kind && entry.old == name).map(|entry| entry.new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_name_leads_to_the_current_one_of_its_kind() {
        let names = [
            Renamed { kind: Kind::Algorithm, old: "a", new: "b", since: "1.0.0" },
            Renamed { kind: Kind::Key, old: "c", new: "d", since: "1.0.0" },
        ];
        assert_eq!(current(&names, Kind::Algorithm, "a"), Some("b"));
        assert_eq!(current(&names, Kind::Key, "c"), Some("d"));
        assert_eq!(current(&names, Kind::Key, "a"), None);
        assert_eq!(current(&names, Kind::Key, "d"), None);
    }

    #[test]
    fn a_former_file_is_known_in_whatever_folder_the_project_lies() {
        let current = file(Path::new("phalanx/configs/envs/skirmish_smax.toml"));
        assert_eq!(current, Some("envs/smax.toml"));
        assert_eq!(file(Path::new("phalanx/configs/envs/smax.toml")), None);
        assert_eq!(file(Path::new("my_mlp.toml")), None);
    }

    #[test]
    fn no_name_is_former_and_current_at_once() {
        for entry in RENAMED {
            assert_eq!(current(RENAMED, entry.kind, entry.new), None, "{entry:?}");
        }
    }
}
