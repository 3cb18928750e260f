//! The scenarios: who starts where, and when an episode ends.

use super::engine::state::Role;

/// A player's place at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The coordinates of the original's scenario files, in the player's own frame: its team
    /// attacks towards positive `x`. A unit is 55 m along `x` and 84.96 m along `y`.
    pub at: [f32; 2],
    /// The role.
    pub role: Role,
    /// Whether the player never acts on its own.
    pub lazy: bool,
    /// Whether a controller may hold the player.
    pub controllable: bool,
}

/// A scenario of Google Research Football.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// The original's name: `academy_3_vs_1_with_keeper`.
    pub name: &'static str,
    /// One sentence about the task.
    pub summary: &'static str,
    /// The ball at the start, in observed units.
    pub ball: [f32; 2],
    /// The two teams; the second starts on the right, unless the teams
    /// [alternate](Scenario::alternates).
    pub teams: [&'static [Placed]; 2],
    /// The length of an episode, in steps (the original's `game_duration`).
    pub duration: usize,
    /// The step after which the second half begins.
    pub second_half: Option<usize>,
    /// The difficulty of the left and of the right team, from 0 to 1.
    pub difficulty: [f32; 2],
    /// Whether offside is penalised.
    pub offsides: bool,
    /// Whether a goal ends the episode.
    pub end_on_score: bool,
    /// Whether a whistle ends the episode.
    pub end_on_out_of_play: bool,
    /// Whether the episode ends when the other team wins the ball.
    pub end_on_possession_change: bool,
    /// Whether the two line-ups change sides from episode to episode; the first one kicks off.
    pub alternates: bool,
    /// The number of agents that studies use.
    pub agents: usize,
    /// The number of attackers, the last players of the left team, which agents hold if they do not
    /// switch.
    pub attackers: usize,
}

use Role::{
    CentralMidfield as CM, CentreBack as CB, CentreForward as CF, Goalkeeper as GK, LeftBack as LB,
    LeftMidfield as LM, RightBack as RB, RightMidfield as RM,
};

const fn at(x: f32, y: f32, role: Role) -> Placed {
    Placed { at: [x, y], role, lazy: false, controllable: true }
}

const fn lazy(x: f32, y: f32, role: Role) -> Placed {
    Placed { lazy: true, ..at(x, y, role) }
}

/// The keeper in its own goal.
const KEEPER: Placed = at(-1.0, 0.0, GK);
/// The keeper that stands in the other team's goal, so that its own is empty.
const ABSENT_KEEPER: Placed = at(1.0, 0.0, GK);
/// The keeper that no controller may hold.
const OWN_MIND: Placed = Placed { controllable: false, ..KEEPER };

const ONE_RUNNER: &[Placed] = &[KEEPER, at(0.0, 0.0, CB)];
const TWO_ATTACKERS: &[Placed] = &[KEEPER, at(0.7, 0.0, CB), at(0.7, -0.3, CB)];

const COUNTERATTACK: &[Placed] = &[
    KEEPER,
    at(-0.672, -0.19576, LB),
    at(-0.75, -0.06356, CB),
    at(-0.75, 0.063559, CB),
    at(-0.672, 0.19576, RB),
    at(-0.434, -0.10568, CM),
    at(-0.434, 0.10568, CM),
    at(0.5, -0.3161, CM),
    at(0.25, -0.1, LM),
    at(0.25, 0.1, RM),
    at(0.35, 0.316102, CF),
];

/// The line-up that defends a counterattack; its left and right back share one place, as in the
/// original.
const fn retreating(centre_back: f32) -> [Placed; 11] {
    [
        KEEPER,
        at(0.128, -0.19576, LB),
        at(centre_back, -0.06356, CB),
        at(-0.4, 0.063559, CB),
        at(0.128, -0.19576, RB),
        at(0.365, -0.10568, CM),
        at(0.282, 0.0, CM),
        at(0.365, 0.10568, CM),
        at(0.54, -0.3161, LM),
        at(0.51, 0.0, RM),
        at(0.54, 0.316102, CF),
    ]
}

const ELEVEN: &[Placed] = &[
    KEEPER,
    at(0.0, 0.02, RM),
    at(0.0, -0.02, CF),
    at(-0.422, -0.19576, LB),
    at(-0.5, -0.06356, CB),
    at(-0.5, 0.063559, CB),
    at(-0.422, 0.19576, RB),
    at(-0.184212, -0.10568, CM),
    at(-0.267574, 0.0, CM),
    at(-0.184212, 0.10568, CM),
    at(-0.01, -0.2161, LM),
];

const OTHER_ELEVEN: &[Placed] = &[
    KEEPER,
    at(-0.05, 0.0, RM),
    at(-0.01, 0.216102, CF),
    at(-0.422, -0.19576, LB),
    at(-0.5, -0.06356, CB),
    at(-0.5, 0.063559, CB),
    at(-0.422, 0.19576, RB),
    at(-0.184212, -0.10568, CM),
    at(-0.267574, 0.0, CM),
    at(-0.184212, 0.10568, CM),
    at(-0.01, -0.2161, LM),
];

const LAZY_ELEVEN: &[Placed] = &[
    KEEPER,
    lazy(-0.05, 0.0, RM),
    lazy(-0.01, 0.216102, CF),
    lazy(-0.422, -0.19576, LB),
    lazy(-0.5, -0.06356, CB),
    lazy(-0.5, 0.063559, CB),
    lazy(-0.422, 0.19576, RB),
    lazy(-0.184212, -0.10568, CM),
    lazy(-0.267574, 0.0, CM),
    lazy(-0.184212, 0.10568, CM),
    lazy(-0.01, -0.2161, LM),
];

/// The line-ups of Kaggle's competition, with the forwards at the end.
const KAGGLE: [&[Placed]; 2] = [
    &[
        KEEPER,
        at(-0.422, -0.19576, LB),
        at(-0.5, -0.06356, CB),
        at(-0.5, 0.063559, CB),
        at(-0.422, 0.19576, RB),
        at(-0.184212, -0.10568, CM),
        at(-0.267574, 0.0, CM),
        at(-0.184212, 0.10568, CM),
        at(-0.01, -0.2161, LM),
        at(0.0, 0.02, CF),
        at(0.0, -0.02, RM),
    ],
    &[
        KEEPER,
        at(-0.422, -0.19576, LB),
        at(-0.5, -0.06356, CB),
        at(-0.5, 0.063559, CB),
        at(-0.422, 0.19576, RB),
        at(-0.184212, -0.10568, CM),
        at(-0.267574, 0.0, CM),
        at(-0.184212, 0.10568, CM),
        at(-0.01, -0.2161, LM),
        at(-0.05, 0.0, CF),
        at(-0.01, 0.216102, RM),
    ],
];

/// What the scenarios of the academy have in common: an attack, without offside, that ends with a
/// goal, a whistle or the loss of the ball.
const ACADEMY: Scenario = Scenario {
    name: "",
    summary: "",
    ball: [0.0, 0.0],
    teams: [&[], &[]],
    duration: 400,
    second_half: None,
    difficulty: [1.0, 0.6],
    offsides: false,
    end_on_score: true,
    end_on_out_of_play: true,
    end_on_possession_change: true,
    alternates: false,
    agents: 1,
    attackers: 1,
};

/// What the full games have in common.
const GAME: Scenario = Scenario {
    teams: [ELEVEN, OTHER_ELEVEN],
    duration: 3000,
    offsides: true,
    end_on_score: false,
    end_on_out_of_play: false,
    end_on_possession_change: false,
    alternates: true,
    attackers: 10,
    ..ACADEMY
};

/// The scenarios, in the order in which they are listed.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "academy_empty_goal_close",
        summary: "One attacker with the ball in front of an empty goal.",
        ball: [0.77, 0.0],
        teams: [&[KEEPER, at(0.75, 0.0, CB)], &[ABSENT_KEEPER]],
        ..ACADEMY
    },
    Scenario {
        name: "academy_empty_goal",
        summary: "One attacker runs from the centre to an empty goal.",
        ball: [0.02, 0.0],
        teams: [ONE_RUNNER, &[ABSENT_KEEPER]],
        ..ACADEMY
    },
    Scenario {
        name: "academy_run_to_score",
        summary: "One attacker runs to an empty goal, chased by five opponents.",
        ball: [0.02, 0.0],
        teams: [
            ONE_RUNNER,
            &[
                ABSENT_KEEPER,
                at(0.12, 0.2, LB),
                at(0.12, 0.1, CB),
                at(0.12, 0.0, CM),
                at(0.12, -0.1, CB),
                at(0.12, -0.2, RB),
            ],
        ],
        ..ACADEMY
    },
    Scenario {
        name: "academy_run_to_score_with_keeper",
        summary: "One attacker runs to a goal with a keeper, chased by five opponents.",
        ball: [0.02, 0.0],
        teams: [
            ONE_RUNNER,
            &[
                KEEPER,
                at(0.12, 0.2, LB),
                at(0.12, 0.1, CB),
                at(0.12, 0.0, CM),
                at(0.12, -0.1, CB),
                at(0.12, -0.2, RB),
            ],
        ],
        ..ACADEMY
    },
    Scenario {
        name: "academy_pass_and_shoot_with_keeper",
        summary: "Two attackers, one of them free, against a defender and a keeper.",
        ball: [0.7, -0.28],
        teams: [TWO_ATTACKERS, &[KEEPER, at(-0.75, 0.3, CB)]],
        agents: 2,
        attackers: 2,
        ..ACADEMY
    },
    Scenario {
        name: "academy_run_pass_and_shoot_with_keeper",
        summary: "Two attackers, both marked by one defender, and a keeper.",
        ball: [0.7, -0.28],
        teams: [TWO_ATTACKERS, &[KEEPER, at(-0.75, 0.1, CB)]],
        agents: 2,
        attackers: 2,
        ..ACADEMY
    },
    Scenario {
        name: "academy_3_vs_1_with_keeper",
        summary: "Three attackers against a defender and a keeper.",
        ball: [0.62, 0.0],
        teams: [
            &[KEEPER, at(0.6, 0.0, CM), at(0.7, 0.2, CM), at(0.7, -0.2, CM)],
            &[KEEPER, at(-0.75, 0.0, CB)],
        ],
        agents: 3,
        attackers: 3,
        ..ACADEMY
    },
    Scenario {
        name: "academy_counterattack_easy",
        summary: "Four attackers run a counterattack against one defender and a keeper; the others chase.",
        ball: [0.26, -0.11],
        teams: [COUNTERATTACK, &retreating(0.4)],
        agents: 4,
        attackers: 4,
        ..ACADEMY
    },
    Scenario {
        name: "academy_counterattack_hard",
        summary: "Four attackers run a counterattack against two defenders and a keeper; the others chase.",
        ball: [0.26, -0.11],
        teams: [COUNTERATTACK, &retreating(-0.4)],
        agents: 4,
        attackers: 4,
        ..ACADEMY
    },
    Scenario {
        name: "academy_corner",
        summary: "A corner, eleven against eleven.",
        ball: [0.99, 0.41],
        teams: [
            &[
                KEEPER,
                at(1.0, 0.42, LB),
                at(0.7, 0.15, CB),
                at(0.7, 0.05, CB),
                at(0.7, -0.05, RB),
                at(0.0, 0.0, CM),
                at(0.6, 0.35, CM),
                at(0.8, 0.07, CM),
                at(0.8, -0.03, LM),
                at(0.8, -0.13, RM),
                at(0.7, -0.3, CF),
            ],
            &[
                KEEPER,
                at(-0.75, -0.18, LB),
                at(-0.75, -0.08, CB),
                at(-0.75, 0.02, CB),
                at(-1.0, -0.1, RB),
                at(-0.8, -0.25, CM),
                at(-0.88, -0.07, CM),
                at(-0.88, 0.03, CM),
                at(-0.88, 0.13, LM),
                at(-0.75, 0.25, RM),
                at(-0.2, 0.0, CF),
            ],
        ],
        end_on_possession_change: false,
        agents: 11,
        attackers: 10,
        ..ACADEMY
    },
    Scenario {
        name: "academy_single_goal_versus_lazy",
        summary: "Eleven players must score once against ten that do not move and a keeper.",
        ball: [-0.48, -0.06356],
        teams: [ELEVEN, LAZY_ELEVEN],
        duration: 3000,
        agents: 11,
        attackers: 10,
        ..ACADEMY
    },
    Scenario {
        name: "5_vs_5",
        summary: "A full game of five against five; built-in players keep the goals.",
        teams: [
            &[
                OWN_MIND,
                at(0.0, 0.02, RM),
                at(0.0, -0.02, CF),
                at(-0.1, -0.1, LB),
                at(-0.1, 0.1, CB),
            ],
            &[
                OWN_MIND,
                at(-0.04, 0.04, RM),
                at(-0.04, -0.04, CF),
                at(-0.1, -0.1, LB),
                at(-0.1, 0.1, CB),
            ],
        ],
        difficulty: [0.05, 0.05],
        agents: 4,
        attackers: 4,
        ..GAME
    },
    Scenario {
        name: "11_vs_11_easy_stochastic",
        summary: "A full game against the weakest built-in team.",
        difficulty: [1.0, 0.05],
        ..GAME
    },
    Scenario {
        name: "11_vs_11_stochastic",
        summary: "A full game against the built-in team of medium strength.",
        difficulty: [1.0, 0.6],
        ..GAME
    },
    Scenario {
        name: "11_vs_11_hard_stochastic",
        summary: "A full game against a strong built-in team.",
        difficulty: [1.0, 0.95],
        ..GAME
    },
    Scenario {
        name: "11_vs_11_competition",
        summary: "A full game against the strongest built-in team.",
        difficulty: [1.0, 1.0],
        ..GAME
    },
    Scenario {
        name: "11_vs_11_kaggle",
        summary: "A full game of two halves against the strongest built-in team, as in Kaggle's competition.",
        teams: KAGGLE,
        second_half: Some(1500),
        difficulty: [1.0, 1.0],
        ..GAME
    },
];

/// The indices in a team's list, nearest to the centre spot first, while the original's players
/// still stand in its default formation. Controllers take players in this order before the scenario
/// places them.
const FROM_THE_CENTRE: [u8; 11] = [6, 5, 7, 8, 10, 0, 9, 2, 3, 1, 4];

impl Scenario {
    /// Returns the scenario called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Returns the number of players of `team` that controllers may hold.
    pub fn controllable(&self, team: usize) -> usize {
        self.teams[team].iter().filter(|player| player.controllable).count()
    }

    /// Returns the players of `team` that `agents` controllers hold after a reset, in ascending
    /// order.
    pub fn first_controlled(&self, team: usize, agents: usize) -> impl Iterator<Item = u8> + use<> {
        let players = self.teams[team];
        let may = |&index: &u8| players.get(usize::from(index)).is_some_and(|p| p.controllable);
        let mut held = [false; 11];
        for index in FROM_THE_CENTRE.into_iter().filter(may).take(agents) {
            held[usize::from(index)] = true;
        }
        (0..11).filter(move |&index| held[usize::from(index)])
    }

    /// Returns the players that `agents` controllers hold throughout if they do not switch: the
    /// attackers first, then the other controllable players, in ascending order.
    pub fn attackers_held(&self, agents: usize) -> impl Iterator<Item = u8> + use<> {
        let players = self.teams[0];
        let first = players.len() - self.attackers;
        let may = |&index: &usize| players[index].controllable;
        let order = (first..players.len()).chain((0..first).rev());
        let mut held = [false; 11];
        for index in order.filter(may).take(agents) {
            held[index] = true;
        }
        (0..11).filter(move |&index| held[usize::from(index)])
    }
}
