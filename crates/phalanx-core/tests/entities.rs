//! Entity layouts: which are refused, and what `check_env` finds.

use phalanx_core::env::{
    CheckError, Entity, EntityError, EntityLayout, EntityType, Env, EnvError, EnvSpec, Presence,
    StepBuffers, StepResult, StepStatus, check_env,
};
use phalanx_core::rng::Rng;

/// The number of features of an enemy: visible, x, y.
const WIDTH: usize = 3;

/// Returns `own | enemy 0 | enemy 1`, targets of the actions 1 and 2.
fn layout() -> EntityLayout {
    let enemy = |i: usize| {
        let first = 1 + WIDTH * i;
        Entity {
            kind: 1,
            columns: vec![first, first + 1, first + 2],
            presence: Presence::NonZero(first),
            position: Some([first + 1, first + 2]),
            action: Some(1 + i),
        }
    };
    EntityLayout {
        types: vec![
            EntityType::new("self", ["health"]),
            EntityType::new("enemy", ["seen", "x", "y"]),
        ],
        entities: vec![Entity::agent(vec![0]), enemy(0), enemy(1)],
        position_scale: [9.0, 9.0],
        hidden_targets: false,
    }
}

fn spec() -> EnvSpec {
    let spec = EnvSpec { obs_dim: 7, n_actions: 3, episode_limit: 4, ..EnvSpec::new("duel", 1) };
    EnvSpec { entities: Some(layout()), ..spec }
}

#[test]
fn a_layout_names_entities_by_type_and_action() {
    let mut layout = layout();
    layout.check(&spec()).expect("it is consistent");
    assert_eq!((layout.of_type(0), layout.of_type(1), layout.of_type(2)), (0..1, 1..3, 3..3));
    assert_eq!(layout.actions(), 1..3);
    layout.entities[1].action = Some(2);
    layout.entities[2].action = Some(1);
    layout.check(&spec()).expect("actions need not be in the order of the entities");
    assert_eq!(layout.targets(), [2, 1]);
    let obs = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(layout.present(&obs).collect::<Vec<_>>(), [true, false, true]);
    layout.entities.iter_mut().for_each(|entity| entity.action = None);
    assert!(layout.actions().is_empty());
}

#[test]
fn inconsistent_layouts_are_refused() {
    type Change = fn(&mut EntityLayout);
    let changes: [(&str, Change); 17] = [
        ("there is no entity", |layout| layout.entities.clear()),
        ("must be the agent itself", |layout| layout.entities[0].presence = Presence::AnyNonZero),
        ("must be the agent itself", |layout| {
            layout.types.remove(0);
            layout.entities.remove(0);
            layout.entities.iter_mut().for_each(|entity| entity.kind = 0);
        }),
        ("no name of its own", |layout| layout.types[1].name = "self".to_owned()),
        ("`enemy` has no features", |layout| layout.types[1].features.clear()),
        ("`ally` has no entities", |layout| layout.types.push(EntityType::new("ally", ["x"]))),
        ("type 2, but there are 2", |layout| layout.entities[2].kind = 2),
        ("sorted by type", |layout| layout.entities.swap(0, 1)),
        ("2 columns, but its type has 3", |layout| {
            layout.entities[2].columns.pop();
        }),
        ("beyond the 7", |layout| layout.entities[2].columns[0] = 7),
        ("column 2 belongs to the entities 1 and 2", |layout| {
            layout.entities[2].columns[0] = 2;
        }),
        ("its presence from column 0", |layout| {
            layout.entities[1].presence = Presence::NonZero(0);
        }),
        ("its position from column 5", |layout| layout.entities[1].position = Some([2, 5])),
        ("differs from others of its type in its presence", |layout| {
            layout.entities[2].presence = Presence::AnyNonZero;
        }),
        ("differs from others of its type in its action", |layout| {
            layout.entities[2].action = None;
        }),
        ("distinct and contiguous: [1, 1]", |layout| layout.entities[2].action = Some(1)),
        ("must be positive", |layout| layout.position_scale[1] = 0.0),
    ];
    for (part, change) in changes {
        let mut layout = layout();
        change(&mut layout);
        let error = layout.check(&spec()).expect_err(part).to_string();
        assert!(error.contains(part), "{error} lacks {part}");
    }
    let fewer = EnvSpec { n_actions: 2, ..spec() };
    let action = EntityError::ActionOutOfRange { action: 2, n_actions: 2 };
    assert_eq!(layout().check(&fewer), Err(action));
    let mut layout = layout();
    layout.entities[1].action = Some(0);
    layout.entities[2].action = Some(1);
    assert_eq!(layout.check(&fewer), Err(EntityError::OnlyTargets));
}

#[test]
fn specifications_of_older_versions_have_no_entities() {
    let mut json =
        serde_json::to_value(EnvSpec::new("old", 1)).expect("a specification is plain data");
    json.as_object_mut().expect("it is a struct").remove("entities").expect("it is a field");
    let spec: EnvSpec = serde_json::from_value(json).expect("it was just written");
    assert!(spec.entities.is_none());
    let json = serde_json::to_value(layout()).expect("a layout is plain data");
    assert_eq!(
        serde_json::from_value::<EntityLayout>(json).expect("it was just written"),
        layout()
    );
}

/// Enemy 0 is visible in even steps, with `stray` in its columns otherwise; attacks on invisible enemies are
/// available if `mistaken`.
struct Duel {
    spec: EnvSpec,
    stray: f32,
    mistaken: bool,
    t: usize,
}

impl Duel {
    fn new(stray: f32, mistaken: bool) -> Self {
        Self { spec: spec(), stray, mistaken, t: 0 }
    }

    fn observe(&self, mut out: StepBuffers<'_>) {
        out.clear();
        let seen = self.t.is_multiple_of(2);
        out.obs[0] = 1.0;
        out.obs[1] = f32::from(u8::from(seen));
        out.obs[3] = if seen { 0.5 } else { self.stray };
        out.avail[1] = seen || self.mistaken;
        out.avail[2] = false;
    }
}

impl Env for Duel {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.t = 0;
        self.observe(out);
    }

    fn step(&mut self, _: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        self.observe(out);
        let over = self.t == self.spec.episode_limit;
        StepResult {
            reward: 0.0,
            status: if over { StepStatus::Truncated } else { StepStatus::Running },
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        phalanx_core::env::pack(&self.t, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.t = phalanx_core::env::unpack("duel", bytes)?;
        Ok(())
    }
}

#[test]
fn absent_entities_with_features_or_available_actions_are_found() {
    check_env(|| Duel::new(0.0, false), 40).expect("the environment meets the contract");
    let error = check_env(|| Duel::new(0.25, false), 40).expect_err("a feature is left over");
    let error = error.to_string();
    let expected = "observation 3 of agent 0 is 0.25, but its entity 1 (enemy) is absent";
    assert!(error.contains(expected), "{error}");
    let error = check_env(|| Duel::new(0.0, true), 40).expect_err("an action has no target");
    let error = error.to_string();
    assert!(
        error.contains("action 1 of agent 0 is available, but its entity 1 (enemy) is absent"),
        "{error}"
    );
    let hidden = || {
        let mut duel = Duel::new(0.0, true);
        duel.spec.entities.as_mut().expect("it has entities").hidden_targets = true;
        duel
    };
    check_env(hidden, 40).expect("the layout allows hidden targets");
}

#[test]
fn an_invalid_layout_is_an_invalid_specification() {
    let make = || {
        let mut duel = Duel::new(0.0, false);
        duel.spec.entities.as_mut().expect("it has entities").entities.clear();
        duel
    };
    let error = check_env(make, 4).expect_err("there is no entity");
    assert!(matches!(error, CheckError::Spec { .. }));
    assert!(error.to_string().contains("entities: there is no entity"), "{error}");
}
