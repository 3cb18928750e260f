//! Names that users bring from other libraries and from earlier versions of this one.

use toml::Table;

use super::Environments;
use crate::arguments::closest_match;

/// Names of families in other libraries, in lower case, with the corresponding family here.
const FAMILIES: &[(&str, &str)] = &[
    ("smac", "skirmish"),
    ("smacv1", "skirmish"),
    ("sc2", "skirmish"),
    ("starcraft2", "skirmish"),
    ("smaclite", "skirmish"),
    ("smacv2", "skirmish"),
    ("sc2v2", "skirmish"),
    ("jaxmarl", "smax"),
    ("heuristicenemysmax", "smax"),
    ("skirmish", "smax"),
    ("matrixgames", "matrix"),
    ("gfootball", "football"),
    ("grf", "football"),
    ("google_research_football", "football"),
];

/// Names of single tasks in other libraries, in lower case.
const TASKS: &[(&str, &str)] = &[
    ("10gen_protoss", "skirmish/protoss_5_vs_5"),
    ("10gen_terran", "skirmish/terran_5_vs_5"),
    ("10gen_zerg", "skirmish/zerg_5_vs_5"),
    ("sc2_gen_protoss", "skirmish/protoss_5_vs_5"),
    ("sc2_gen_terran", "skirmish/terran_5_vs_5"),
    ("sc2_gen_zerg", "skirmish/zerg_5_vs_5"),
    ("climbing-nostate", "matrix/climbing"),
    ("penalty-100-nostate", "matrix/penalty"),
    ("nstep_matrix", "k_step"),
    ("mmdp_game_1", "mmdp"),
    ("stag_hunt", "predator_prey"),
    ("pred_prey_punish", "predator_prey"),
    ("rel_overgen", "predator_prey"),
];

/// What the names of some tasks begin with, and may be left out.
const PREFIX: &str = "academy_";

/// Returns the identifiers here of the task that another library calls `name`.
///
/// A name consists of an optional family and a task, which may end with a version: `3m`, `smac/3m`,
/// `SMAX/3m`, `smaclite/3m-v0`; `3_vs_1_with_keeper` is `academy_3_vs_1_with_keeper`.
pub(super) fn same_tasks(environments: &Environments, name: &str) -> Vec<String> {
    let (family, task) = split(name);
    let known = |id: &String| environments.get(id).is_some();
    if let Some((_, id)) = TASKS.iter().find(|(other, _)| *other == task.to_lowercase()) {
        return Vec::from_iter(Some((*id).to_owned()).filter(known));
    }
    match family {
        None => {
            let endings = ["", PREFIX].map(|prefix| format!("/{prefix}{task}"));
            let ends = |id: &&String| endings.iter().any(|ending| id.ends_with(ending));
            environments.iter().map(|entry| &entry.id).filter(ends).cloned().collect()
        }
        Some(family) => families(environments, &family)
            .into_iter()
            .flat_map(|family| ["", PREFIX].map(|prefix| format!("{family}/{prefix}{task}")))
            .filter(known)
            .collect(),
    }
}

/// Returns the identifier most similar to `name`; one of the right family, if that is known.
pub(super) fn closest(environments: &Environments, name: &str) -> String {
    let (family, task) = split(name);
    let ids = || environments.iter().map(|entry| entry.id.as_str());
    let meant = family.and_then(|family| families(environments, &family).into_iter().next());
    let closest = match meant {
        Some(family) => {
            let prefix = format!("{family}/");
            let own = ids().filter(|id| id.starts_with(&prefix));
            closest_match(&format!("{prefix}{task}"), own)
        }
        None => closest_match(name, ids()),
    };
    closest.or_else(|| closest_match(name, ids())).unwrap_or_default().to_owned()
}

/// Returns the reason why `id` rejects an argument that it had in an earlier version.
pub(super) fn removed_argument(
    environments: &Environments,
    id: &str,
    args: &Table,
) -> Option<String> {
    let rules = args.get("rules")?;
    let (family, map) = id.split_once('/')?;
    let reason = match (family, rules.as_str()) {
        ("skirmish", Some("smax")) => {
            let game = format!("smax/{map}");
            if environments.get(&game).is_some() {
                format!("JaxMARL's game is now the environment `{game}`")
            } else {
                let maps = environments.iter().filter(|entry| entry.id.starts_with("smax/"));
                let maps: Vec<_> = maps.map(|entry| entry.id.as_str()).collect();
                format!("JaxMARL's SMAX has no map `{map}`; it has {}", maps.join(", "))
            }
        }
        ("skirmish", _) => "battles of `skirmish` always follow StarCraft's rules".to_owned(),
        ("smax", _) => "battles of `smax` always follow JaxMARL's rules".to_owned(),
        _ => return None,
    };
    Some(format!("the argument `rules` was removed (rules = {rules}): {reason}"))
}

/// Splits a name into its family, in lower case, and its task without version.
fn split(name: &str) -> (Option<String>, &str) {
    let (family, task) = match name.rsplit_once(['/', ':']) {
        Some((family, task)) => (Some(family.to_lowercase()), task),
        None => (None, name),
    };
    let unversioned = task.rsplit_once("-v").filter(|(_, version)| {
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    });
    (family, unversioned.map_or(task, |(task, _)| task))
}

/// Returns the families that `family` may mean, the likeliest first.
fn families(environments: &Environments, family: &str) -> Vec<String> {
    let prefix = format!("{family}/");
    let own = environments.iter().any(|entry| entry.id.starts_with(&prefix));
    let others = FAMILIES.iter().filter(|(other, _)| *other == family);
    let others = others.map(|&(_, here)| here.to_owned());
    own.then(|| family.to_owned()).into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Environments;

    fn answer(id: &str) -> String {
        let environments = Environments::builtin();
        environments.make(id, &toml::Table::new()).err().expect(id).to_string()
    }

    #[test]
    fn names_of_other_libraries_are_answered_with_the_id_to_use() {
        for (name, id) in [
            ("smac/3m", "skirmish/3m"),
            ("sc2/MMM2", "skirmish/MMM2"),
            ("SMAC/27m_vs_30m", "skirmish/27m_vs_30m"),
            ("smaclite/2s3z-v0", "skirmish/2s3z"),
            ("smacv2/terran_5_vs_5", "skirmish/terran_5_vs_5"),
            ("sc2v2/zerg_10_vs_11", "skirmish/zerg_10_vs_11"),
            ("10gen_protoss", "skirmish/protoss_5_vs_5"),
            ("MMM", "skirmish/MMM"),
            ("smacv2_5_units", "smax/smacv2_5_units"),
            ("skirmish/smacv2_5_units", "smax/smacv2_5_units"),
            ("SMAX/3m", "smax/3m"),
            ("HeuristicEnemySMAX/2s3z", "smax/2s3z"),
            ("matrixgames:climbing-nostate-v0", "matrix/climbing"),
            ("qtran", "matrix/qtran"),
            ("academy_3_vs_1_with_keeper", "football/academy_3_vs_1_with_keeper"),
            ("gfootball/academy_corner-v1", "football/academy_corner"),
            ("grf/academy_counterattack_hard", "football/academy_counterattack_hard"),
            ("football/3_vs_1_with_keeper", "football/academy_3_vs_1_with_keeper"),
            ("3_vs_1_with_keeper", "football/academy_3_vs_1_with_keeper"),
            ("gfootball/11_vs_11_easy_stochastic", "football/11_vs_11_easy_stochastic"),
            ("stag_hunt", "predator_prey"),
        ] {
            let expected = format!("there is no environment `{name}`; here it is called `{id}`");
            assert_eq!(answer(name), expected);
        }
    }

    #[test]
    fn an_ambiguous_name_is_answered_with_both_games() {
        assert_eq!(
            answer("3m"),
            "there is no environment `3m`; here it is called `skirmish/3m` or `smax/3m`"
        );
    }

    #[test]
    fn a_misspelt_name_of_another_library_is_answered_within_its_family() {
        assert_eq!(
            answer("smac/5m_v_6m"),
            "there is no environment `smac/5m_v_6m`; did you mean `skirmish/5m_vs_6m`?"
        );
        assert_eq!(answer("smax/3n"), "there is no environment `smax/3n`; did you mean `smax/3m`?");
    }

    #[test]
    fn every_name_in_the_tables_leads_to_an_environment() {
        let environments = Environments::builtin();
        for (_, id) in super::TASKS {
            assert!(environments.get(id).is_some(), "{id}");
        }
        for (_, family) in super::FAMILIES {
            let prefix = format!("{family}/");
            assert!(environments.iter().any(|entry| entry.id.starts_with(&prefix)), "{family}");
        }
    }

    #[test]
    fn the_former_argument_rules_is_answered_with_its_replacement() {
        let refusal = |id: &str, rules: &str| {
            let args = format!("rules = \"{rules}\"").parse().expect("valid TOML");
            Environments::builtin().make(id, &args).err().expect(id).to_string()
        };
        assert_eq!(
            refusal("skirmish/3m", "smax"),
            "environment `skirmish/3m`: the argument `rules` was removed (rules = \"smax\"): \
             JaxMARL's game is now the environment `smax/3m`"
        );
        let missing = refusal("skirmish/MMM", "smax");
        assert!(missing.contains("has no map `MMM`; it has smax/3m, "), "{missing}");
        let usual = refusal("skirmish/3m", "liberty");
        assert!(usual.ends_with("always follow StarCraft's rules"), "{usual}");
        let same = refusal("smax/3m", "smax");
        assert!(same.ends_with("always follow JaxMARL's rules"), "{same}");
    }
}
