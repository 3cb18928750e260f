"""Records kicks: how long they take after the key, and how the ball leaves the foot."""

import math

from engine import HALF_LENGTH
from kicks import GAITS, IDLE, KINDS, approach, ball_of, deviation, mean, press
from scenes import FAR_KEEPER, Scene, Stage

GOAL_LINE = HALF_LENGTH
DELAY_SEEDS = 24
PASS_SEEDS = 12
SHOT_SEEDS = 40
DISTANCES = [6.0, 12.0, 20.0, 30.0, 40.0]
# Distance from the goal line at which the button of a shot is pressed (m).
SHOT_DISTANCES = [13.0, 17.0, 21.0, 31.0]


def delays(stage, gait, kind):
    """Returns frames from the press to the kick, and the player's speed then."""
    frames, speeds, missed = [], [], 0
    for seed in range(DELAY_SEEDS):
        approach(stage, seed, gait, 6 if gait == "stand" else 18 + seed % 5)
        kick = press(stage, KINDS[kind])
        if kick is None:
            missed += 1
            continue
        frames.append(kick[0])
        speeds.append(kick[1])
    return {
        "gait": gait,
        "kind": kind,
        "frames_mean": round(mean(frames), 1),
        "frames_sd": round(deviation(frames), 1),
        "frames_range": [min(frames), max(frames)],
        "player_speed": round(mean(speeds), 2),
        "missed": missed,
        "episodes": DELAY_SEEDS,
    }


def pass_scene(distance):
    """A mate stands `distance` metres before the ball; its controller presses nothing."""
    return Scene(
        ball=(-0.385, 0.0),
        left=[FAR_KEEPER, ("CB", -0.4, 0.0, False), ("CB", -0.385 + distance / 55.0, 0.0, False)],
        controllers=3,
    )


def passes(kind, distance):
    """Returns how passes to a mate at this distance leave the foot and whether he gets them."""
    stage = Stage(pass_scene(distance))
    speeds, lifts, apexes, owned, angles = [], [], [], [], []
    for seed in range(PASS_SEEDS):
        approach(stage, seed, "stand", 4)
        kick = press(stage, KINDS[kind])
        if kick is None:
            continue
        frame, _, observation = kick
        _, velocity = ball_of(observation)
        speeds.append(math.hypot(velocity[0], velocity[1]))
        angles.append(math.degrees(math.atan2(velocity[1], velocity[0])))
        lifts.append(velocity[2])
        apex, received = 0.0, None
        for later in range(1, 401):
            observation, done = stage.act(IDLE)
            apex = max(apex, observation["ball"][2])
            if observation["ball_owned_team"] == 0 and observation["ball_owned_player"] == 2:
                received = frame + later
                break
            if done:
                break
        apexes.append(apex)
        if received is not None:
            owned.append(received)
    stage.close()
    return {
        "kind": kind,
        "distance": distance,
        "kicked": len(speeds),
        "speed": round(mean(speeds), 2),
        "speed_sd": round(deviation(speeds), 2),
        "lift": round(mean(lifts), 2),
        "angle_sd_degrees": round(deviation(angles), 2),
        "apex": round(mean(apexes), 2),
        "received": round(len(owned) / len(speeds), 3),
        "received_frames": round(mean(owned), 1) if owned else None,
    }


def shot_scene(distance):
    """The attacker starts so far away that a run-up of about twelve steps ends at `distance`."""
    x = (GOAL_LINE - distance - 6.0) / 55.0
    return Scene(ball=(x + 0.015, 0.0), left=[FAR_KEEPER, ("CB", x, 0.0, False)], right=[("GK", 1.0, 0.0, True)])


def shots(stage, gait, distance, held, aim=None):
    """Returns speed, lift and spread at the goal line of shots at an empty goal."""
    stage.show(shot_scene(distance))
    speeds, lifts, lateral, heights, goals, kicked, frames = [], [], [], [], 0, 0, []
    for seed in range(SHOT_SEEDS):
        observation, done = approach(stage, seed, gait, 0)
        while not done and GOAL_LINE - ball_of(observation)[0][0] > distance + 0.5:
            observation, done = stage.act(IDLE)
        kick = None if done else press(stage, KINDS["shot"], held, aim)
        if kick is None:
            continue
        kicked += 1
        frames.append(kick[0])
        (x, y, _), velocity = ball_of(kick[2])
        speeds.append(math.hypot(velocity[0], velocity[1]))
        lifts.append(velocity[2])
        before = (x, y)
        for _ in range(300):
            observation, done = stage.act(IDLE)
            (x, y, z), _ = ball_of(observation)
            if x >= GOAL_LINE > before[0]:
                part = (GOAL_LINE - before[0]) / (x - before[0])
                lateral.append(before[1] + part * (y - before[1]))
                heights.append(z)
            before = (x, y)
            if done or (lateral and x > GOAL_LINE + 1.0):
                break
        if observation["score"][0] > 0 or (len(lateral) == kicked and abs(lateral[-1]) < 3.7 and heights[-1] < 2.5):
            goals += 1
    return {
        "gait": gait,
        "distance": distance,
        "held": held,
        "aim": "straight" if aim is None else "corner",
        "kicked": kicked,
        "frames_mean": round(mean(frames), 1),
        "speed": round(mean(speeds), 2),
        "speed_sd": round(deviation(speeds), 2),
        "lift": round(mean(lifts), 2),
        "lift_sd": round(deviation(lifts), 2),
        "lateral_mean": round(mean(lateral), 2),
        "lateral_sd": round(deviation(lateral), 3),
        "goals": round(goals / kicked, 3),
    }


def record():
    """Returns the golden file of kicks."""
    far = Scene(ball=(-0.585, 0.0), left=[FAR_KEEPER, ("CB", -0.6, 0.0, False), ("CB", 0.4, 0.1, True)])
    stage = Stage(far)
    content = {"scene_of_delays": far.described()}
    content["delays"] = [delays(stage, gait, kind) for gait in GAITS for kind in KINDS]
    stage.close()
    content["passes"] = [passes(kind, d) for kind in ("short_pass", "long_pass", "high_pass") for d in DISTANCES]
    stage = Stage(shot_scene(21.0))
    shot_rows = [("walk", d, 1, None) for d in SHOT_DISTANCES]
    shot_rows += [("sprint", 21.0, 1, None), ("dribble", 21.0, 1, None)]
    shot_rows += [("walk", 21.0, held, None) for held in (2, 3, 5)]
    shot_rows += [("walk", 17.0, 1, 6)]
    content["shots"] = [shots(stage, *row) for row in shot_rows]
    stage.close()
    return content
