//! One attacker against one defender in midfield.

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, numbers, read, text};
use super::stage::{IDLE, Scene, Stage, gait};
use super::statistics::quantile;

/// How duels ended: steps and places of losses, and the keeper's share of them.
#[derive(Default)]
pub struct Duels {
    pub lost_steps: Vec<f64>,
    pub lost_x: Vec<f64>,
    pub by_keeper: usize,
    pub kept: usize,
}

/// Plays the duels of a cell.
pub fn duels(scene: &Scene, name: &str, seeds: u32, steps: usize) -> Duels {
    let mut stage = Stage::new(scene);
    let mut all = Duels::default();
    for seed in 0..seeds {
        stage.reset(seed);
        let mut keys = gait(name).iter();
        let mut over = false;
        for step in 1..=steps {
            over = stage.step(keys.next().copied().unwrap_or(IDLE));
            if let Some(owner) = stage.game.owner.filter(|owner| owner.team == 1) {
                all.lost_steps.push(step as f64);
                all.lost_x.push(f64::from(stage.game.players[0][1].position.x));
                all.by_keeper += usize::from(owner.index == 0);
                over = true;
            }
            if over {
                break;
            }
        }
        all.kept += usize::from(!over);
    }
    all
}

/// Compares the cells.
pub fn compare(seeds: u32) -> Vec<Comparison> {
    let golden = read("duels");
    let scene = Scene::read(&golden["scene"]);
    let steps = number(&golden, "steps") as usize;
    let mut rows = Vec::new();
    for row in list(&golden, "cells") {
        let (difficulty, name, n) =
            (number(row, "difficulty"), text(row, "gait"), number(row, "episodes"));
        let ours = duels(&Scene { difficulty, ..scene.clone() }, name, seeds, steps);
        let what = format!("one defender of difficulty {difficulty}, {name}");
        let m = f64::from(seeds);
        let lost = ours.lost_steps.len() as f64;
        let mut add = |quantity: &str, engine, ours, tolerance| {
            rows.push(Comparison { what: format!("{what}: {quantity}"), engine, ours, tolerance });
        };
        add(
            "ball lost (%)",
            Estimate::share(number(row, "lost"), n),
            Estimate::share(lost / m, m),
            15.0,
        );
        if let Some(share) = row["by_keeper"].as_f64() {
            let lost_there = n * number(row, "lost");
            let ours = Estimate::share(ours.by_keeper as f64 / lost, lost);
            add("of these by the keeper (%)", Estimate::share(share, lost_there), ours, 15.0);
        }
        if !row["lost_step"].is_null() {
            let median = |key: &str| Estimate::exact(numbers(&row[key])[1]);
            let step = median("lost_step");
            add(
                "median step of the loss",
                step,
                Estimate::exact(quantile(&ours.lost_steps, 0.5)),
                0.15 * step.value,
            );
            add(
                "median x of the loss (m)",
                median("lost_x"),
                Estimate::exact(quantile(&ours.lost_x, 0.5)),
                4.0,
            );
        }
    }
    rows
}
