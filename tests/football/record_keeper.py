"""Records what becomes of shots against a keeper, by the distance at which the button is pressed.

One attacker starts at a random place with a random gait, runs at the goal along the eight
directions, turns to a random aim for one step and presses the button once. The outcome is `goal`,
`caught` (the keeper owns the ball after the press), `early` (he owns it before), `out` or `loose`
(nothing of these within 40 steps after the press).
"""

import math
import random

from engine import frame_by_frame
from kicks import GAITS, IDLE, ball_of, player_of
from policies import BY_ANGLE
from scenes import FAR_KEEPER, Scene, Stage

SHOT = 12
DISTANCES = [11.0, 15.0, 19.0, 23.0, 27.0]
SHOTS = 150
AIMS = {"straight": None, "top": 4, "bottom": 6}
OUTCOMES = ["goal", "caught", "early", "out", "loose"]


def scene(rng, difficulty, keeper):
    x, y = rng.uniform(0.3, 0.4), rng.uniform(-0.2, 0.2)
    right = ("GK", -1.0, 0.0, False) if keeper else ("GK", 1.0, 0.0, True)
    return Scene(
        ball=(x + 0.015, y),
        left=[FAR_KEEPER, ("CB", x, y, False)],
        right=[right],
        right_difficulty=difficulty,
    )


def attack(stage, rng, seed, distance, difficulty, keeper):
    """Plays one attack and returns its outcome."""
    stage.show(scene(rng, difficulty, keeper))
    keys = list(GAITS[rng.choice(["walk", "sprint", "dribble"])][:-1])
    aim = AIMS[rng.choice(list(AIMS))]
    observation = stage.reset(seed)
    pressed = None
    direction = None
    for step in range(200):
        own, _ = player_of(observation, 1)
        if keys:
            action = keys.pop(0)
        elif pressed is None and math.hypot(55.0 - own[0], own[1]) <= distance and observation["ball_owned_team"] == 0:
            if aim is not None and direction != aim:
                action = direction = aim
            else:
                action, pressed = SHOT, step
        elif pressed is None:
            action = BY_ANGLE[round(math.atan2(-own[1], 55.0 - own[0]) / (math.pi / 4)) % 8]
            if direction == aim and aim is not None:
                action = IDLE
            action, direction = (IDLE, direction) if action in (IDLE, direction) else (action, action)
        else:
            action = IDLE
        observation, done = stage.step([action])
        if observation["score"][0] > 0:
            return "goal"
        if observation["ball_owned_team"] == 1:
            return "early" if pressed is None else "caught"
        if done:
            return "out"
        if pressed is not None and step - pressed >= 40:
            return "loose"
    return "loose"


def record():
    """Returns the golden file of the keeper."""
    stage = Stage(scene(random.Random(0), 0.6, True))
    frame_by_frame(stage, 10)
    cells = []
    for difficulty, keeper in ((0.05, True), (0.6, True), (1.0, True), (0.6, False)):
        for distance in DISTANCES:
            count = dict.fromkeys(OUTCOMES, 0)
            for seed in range(SHOTS):
                rng = random.Random(f"{difficulty}/{distance}/{seed}")
                count[attack(stage, rng, seed, distance, difficulty, keeper)] += 1
            cell = {"difficulty": difficulty, "keeper": keeper, "distance": distance, "shots": SHOTS}
            cells.append({**cell, **{k: round(v / SHOTS, 3) for k, v in count.items()}})
    stage.close()
    return {"cells": cells}
