"""Records how one attacker carries the ball: speeds, distance of the ball, touches and turns."""

import math

from engine import frame_by_frame
from kicks import GAITS, IDLE, RIGHT, approach, ball_of, mean, player_of, quantile
from scenes import FAR_KEEPER, Scene, Stage

SEEDS = 12
# Keepers stay in their goals; the attacker has the right half of a long corridor before him.
LEFT = [FAR_KEEPER, ("CB", -0.6, 0.0, False)]
SCENE = Scene(ball=(-0.585, 0.0), left=LEFT)
TURNS = {"90": 7, "180": 1}
# A touch changes the ball's horizontal velocity by more than this within a frame (m/s).
TOUCH = 0.4


def straight(stage, gait):
    """Returns medians and quantiles of carrying straight, from step 20 to step 55."""
    speeds, ahead, ball_speeds, intervals = [], [], [], []
    for seed in range(SEEDS):
        approach(stage, seed, gait, 20)
        frame_by_frame(stage)
        last, last_touch = None, None
        for frame in range(350):
            observation, done = stage.step([IDLE])
            if done:
                break
            position, velocity = ball_of(observation)
            own, own_velocity = player_of(observation, 1)
            speeds.append(math.hypot(*own_velocity))
            ahead.append(math.hypot(position[0] - own[0], position[1] - own[1]))
            ball_speeds.append(math.hypot(velocity[0], velocity[1]))
            if last is not None and math.hypot(velocity[0] - last[0], velocity[1] - last[1]) > TOUCH:
                if last_touch is not None and frame - last_touch > 3:
                    intervals.append(frame - last_touch)
                last_touch = frame
            last = velocity
    spread = lambda values: [round(quantile(values, q), 3) for q in (0.1, 0.5, 0.9)]
    return {
        "gait": gait,
        "player_speed_mean": round(mean(speeds), 3),
        "player_speed": spread(speeds),
        "ball_distance": spread(ahead),
        "ball_speed": spread(ball_speeds),
        "touch_interval_frames": spread(intervals) if intervals else None,
    }


def start(stage, gait):
    """Returns the mean speed of the player at the end of each step from a standing start with the ball."""
    curves = []
    for seed in range(SEEDS):
        frame_by_frame(stage, 10)
        stage.reset(seed)
        for _ in range(8):
            stage.step([IDLE])
        keys = GAITS[gait]
        for key in keys[:-1]:
            stage.step([key])
        curve = []
        for i in range(20):
            observation, _ = stage.step([RIGHT if i == 0 else IDLE])
            curve.append(math.hypot(*player_of(observation, 1, 10)[1]))
        curves.append(curve)
    return {"gait": gait, "speed": [round(mean([c[i] for c in curves]), 2) for i in range(20)]}


def turn(stage, gait, name, action):
    """Returns mean velocities along and across the old direction after a turn with the ball."""
    along, across, kept = [], [], []
    for seed in range(SEEDS):
        for run_up in (20, 22, 24):
            _, done = approach(stage, seed, gait, run_up)
            own = [], []
            for i in range(20):
                observation, done = stage.step([action if i == 0 else IDLE])
                _, velocity = player_of(observation, 1, 10)
                own[0].append(velocity[0])
                own[1].append(velocity[1])
            along.append(own[0])
            across.append(own[1])
            kept.append(observation["ball_owned_team"] == 0)
    return {
        "gait": gait,
        "turn": name,
        "along": [round(mean([c[i] for c in along]), 2) for i in range(20)],
        "across": [round(mean([c[i] for c in across]), 2) for i in range(20)],
        "owned_after": round(mean([1.0 if k else 0.0 for k in kept]), 3),
    }


def record():
    """Returns the golden file of carrying."""
    stage = Stage(SCENE)
    gaits = ["walk", "sprint", "dribble"]
    content = {
        "scene": SCENE.described(),
        "seeds": SEEDS,
        "straight": [straight(stage, gait) for gait in gaits],
        "starts": [start(stage, gait) for gait in gaits],
        "turns": [turn(stage, gait, name, action) for gait in gaits for name, action in TURNS.items()],
    }
    stage.close()
    return content
