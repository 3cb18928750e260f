"""Plays one attacker up to a kick, frame by frame, and watches the ball."""

import math

from engine import X_SCALE, Y_SCALE, frame_by_frame

LONG_PASS, HIGH_PASS, SHORT_PASS, SHOT = 9, 10, 11, 12
KINDS = {"short_pass": SHORT_PASS, "long_pass": LONG_PASS, "high_pass": HIGH_PASS, "shot": SHOT}
RIGHT = 5
GAITS = {"stand": [], "walk": [RIGHT], "sprint": [13, RIGHT], "dribble": [17, RIGHT]}
IDLE = 0
# A kick makes the ball at least this fast, and faster by this much within one frame (m/s); a touch
# at a sprint stays below.
KICKED_SPEED = 9.6
KICKED_GAIN = 2.5


def ball_of(observation, frames=1):
    """Returns position in metres and velocity in m/s of the ball."""
    p, v = observation["ball"], observation["ball_direction"]
    return (p[0] * X_SCALE, p[1] * Y_SCALE, p[2]), (v[0] * X_SCALE * frames, v[1] * Y_SCALE * frames, v[2] * frames)


def player_of(observation, index, frames=1):
    """Returns position and velocity of a left player."""
    p, v = observation["left_team"][index], observation["left_team_direction"][index]
    return (p[0] * X_SCALE, p[1] * Y_SCALE), (v[0] * X_SCALE * frames, v[1] * Y_SCALE * frames)


def approach(stage, seed, gait, run_up):
    """Resets, takes the ball and runs up; returns the last observation and whether it ended."""
    frame_by_frame(stage, 10)
    observation, done = stage.reset(seed), False
    for action in GAITS[gait] + [IDLE] * run_up:
        observation, done = stage.act(action)
        if done:
            break
    return observation, done


def press(stage, action, held=1, aim=None):
    """Presses a button for `held` steps, then advances frame by frame to the kick.

    Returns (frames from the press to the kick, player's speed at the kick, observation), or None.
    """
    if aim is not None:
        stage.act(aim)
    previous = None
    frame_by_frame(stage)
    for frame in range(1, 301):
        observation, done = stage.act(action if frame <= 10 * held else IDLE)
        if done:
            return None
        _, velocity = ball_of(observation)
        speed = math.hypot(velocity[0], velocity[1])
        if previous is not None and speed > KICKED_SPEED and speed > previous + KICKED_GAIN:
            _, own = player_of(observation, 1)
            return frame, math.hypot(*own), observation
        previous = speed
    return None


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    center = mean(values)
    return math.sqrt(sum((v - center) ** 2 for v in values) / len(values))


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
