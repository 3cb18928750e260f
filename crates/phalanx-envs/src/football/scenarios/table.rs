//! The table of scenarios.

use super::Scenario;
use super::line_ups::{
    ABSENT_KEEPER, COUNTERATTACK, ELEVEN, KAGGLE, KEEPER, LAZY_ELEVEN, ONE_RUNNER, OTHER_ELEVEN,
    OWN_MIND, TWO_ATTACKERS, at, retreating,
};
use crate::football::engine::state::Role::{
    CentralMidfield as CM, CentreBack as CB, CentreForward as CF, LeftBack as LB,
    LeftMidfield as LM, RightBack as RB, RightMidfield as RM,
};

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
