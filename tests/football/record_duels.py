"""Records when one defender takes the ball from one attacker who stands or runs at the goal."""

from engine import frame_by_frame
from kicks import GAITS, IDLE, player_of, quantile
from scenes import FAR_KEEPER, Scene, Stage

SEEDS = 40
STEPS = 200
AHEAD = 8.0


def scene(difficulty):
    """The defender stands eight metres before the attacker, in midfield."""
    return Scene(
        ball=(-0.185, 0.0),
        left=[FAR_KEEPER, ("CB", -0.2, 0.0, False)],
        right=[FAR_KEEPER, ("CB", 0.2 - AHEAD / 55.0, 0.0, False)],
        right_difficulty=difficulty,
    )


def duel(stage, seed, gait):
    """Returns (step of the end, how it ended, attacker's x then, who took the ball)."""
    observation = stage.reset(seed)
    keys = list(GAITS[gait])
    for step in range(1, STEPS + 1):
        observation, done = stage.step([keys.pop(0) if keys else IDLE])
        x = player_of(observation, 1)[0][0]
        if observation["ball_owned_team"] == 1:
            return step, "lost", x, observation["ball_owned_player"]
        if observation["score"][0] > 0:
            return step, "goal", x, None
        if done:
            return step, "out", x, None
    return STEPS, "kept", x, None


def record():
    """Returns the golden file of duels."""
    stage = Stage(scene(0.6))
    frame_by_frame(stage, 10)
    cells = []
    for difficulty in (0.05, 0.6, 1.0):
        stage.show(scene(difficulty))
        for gait in GAITS:
            results = [duel(stage, seed, gait) for seed in range(SEEDS)]
            lost = [r[0] for r in results if r[1] == "lost"]
            cell = {"difficulty": difficulty, "gait": gait, "episodes": SEEDS}
            for end in ("lost", "out", "goal", "kept"):
                cell[end] = round(sum(r[1] == end for r in results) / SEEDS, 3)
            cell["lost_step"] = [quantile(lost, q) for q in (0.25, 0.5, 0.75)] if lost else None
            taker = [r[3] for r in results if r[1] == "lost"]
            cell["by_keeper"] = round(taker.count(0) / len(taker), 3) if taker else None
            places = [r[2] for r in results if r[1] == "lost"]
            cell["lost_x"] = [round(quantile(places, q), 1) for q in (0.25, 0.5, 0.75)] if lost else None
            cells.append(cell)
    stage.close()
    return {"scene": scene(0.6).described(), "steps": STEPS, "cells": cells}
