"""Records how players start, stop and turn, far from the ball, as curves of mean speed.

Ten outfield players of one team (indices 1 to 10, so ten sets of abilities) stand in rows and
obey the same commands in parallel. Several seeds and lengths of the run-up vary the phase of the
animation in which a command arrives. A curve holds the values at the end of each step after the
key: for starts and releases the speed, for turns the components along and across the old
direction.
"""

import math

import numpy

from engine import X_SCALE, Y_SCALE
from scenes import FAR_KEEPER, Scene, Stage

RIGHT = 5
STEPS = 25
KEYS = {"walk": [], "sprint": [13], "dribble": [17]}
# Turns by angle: the action pressed after a run to the right.
TURNS = {45: 6, 90: 7, 135: 8, 180: 1}
RELEASE = 14
# Rows of five players; the ball lies out of reach in the other half.
ROWS = [("CM", -0.82 + 0.36 * (i % 2), -0.36 + 0.08 * i, False) for i in range(10)]
SCENE = Scene(ball=(0.95, 0.4), left=[FAR_KEEPER] + ROWS, right=[("GK", 0.9, -0.4, True)], controllers=11)


def velocities(observation):
    """Returns velocities of players 1 to 10 in m/s."""
    return numpy.array(observation["left_team_direction"])[1:] * [X_SCALE * 10.0, Y_SCALE * 10.0]


def follow(stage, action, steps):
    """Presses a key for all and returns velocities after each step, [step, player, axis]."""
    kept = []
    for i in range(steps):
        observation, _ = stage.step([action if i == 0 else 0] * 11)
        kept.append(velocities(observation))
    return numpy.array(kept)


def run(stage, seed, keys, run_up, wait=5):
    """Waits, then starts all players to the right; returns velocities after the direction key."""
    stage.reset(seed)
    for _ in range(wait):
        stage.step([0] * 11)
    for key in keys:
        stage.step([key] * 11)
    return follow(stage, RIGHT, run_up)


def rounded(curve):
    return [round(float(v), 2) for v in curve]


def record():
    """Returns the golden file of movement."""
    stage = Stage(SCENE)
    curves = []
    for gait, keys in KEYS.items():
        starts = numpy.array([run(stage, seed, keys, STEPS, wait) for seed in range(4) for wait in range(5, 10)])
        speed = numpy.linalg.norm(starts, axis=3)
        for player in range(10):
            mean, spread = speed[:, :, player].mean(0), speed[:, :, player].std(0)
            curves.append({"gait": gait, "what": "start", "player": player + 1, "speed": rounded(mean), "spread": rounded(spread)})
    for gait in ("walk", "sprint"):
        for name, action in [("release", RELEASE)] + [(str(angle), action) for angle, action in TURNS.items()]:
            samples = []
            for seed in range(4):
                for run_up in range(20, 25):
                    run(stage, seed, KEYS[gait], run_up)
                    samples.append(follow(stage, action, STEPS))
            samples = numpy.array(samples)
            for player in range(10):
                own = samples[:, :, player]
                curve = {"gait": gait, "what": name, "player": player + 1}
                if name == "release":
                    curve["speed"] = rounded(numpy.linalg.norm(own, axis=2).mean(0)[:10])
                else:
                    curve["speed"] = rounded(numpy.linalg.norm(own, axis=2).mean(0))
                    curve["along"] = rounded(own[:, :, 0].mean(0))
                    curve["across"] = rounded(own[:, :, 1].mean(0))
                curves.append(curve)
    stage.close()
    return {"scene": SCENE.described(), "seeds": 4, "waits": [5, 9], "run_ups": [20, 24], "curves": curves}
