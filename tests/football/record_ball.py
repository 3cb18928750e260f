"""Records free flights and rolls of the ball frame by frame, with the state they begin in.

The spin is not hidden: the observation `ball_rotation` is the engine's rotation per millisecond
over the frames of a step, in the scaling of positions. A flight begins at the first frame after
the kick with the kicker clear of the ball, and ends after three seconds or before anything can
touch the ball. The law with the spin as a vector follows these flights to 1e-3 m while the ball
is in the air and to 0.05 m over three seconds on the grass.
"""

import math

from engine import X_SCALE, Y_SCALE, frame_by_frame
from scenes import FAR_KEEPER, Scene, Stage

LONG_PASS, HIGH_PASS, SHORT_PASS, SHOT = 9, 10, 11, 12
FRAMES = 300
EVERY = 10


def ball_state(observation, mirrored):
    """Returns position (m), velocity (m/s) and spin (rad/s).

    With one frame per step the observed velocity is in m/s. In the spin's convention a rolling
    ball moves at 0.11 m * (spin_y, -spin_x).
    """
    turn = -1.0 if mirrored else 1.0
    p, v, w = observation["ball"], observation["ball_direction"], observation["ball_rotation"]
    return (
        [p[0] * X_SCALE, p[1] * Y_SCALE, p[2]],
        [v[0] * X_SCALE, v[1] * Y_SCALE, v[2]],
        # The spin is an axial vector: mirroring the y axis flips its x and z instead of its y.
        [-turn * w[0] * X_SCALE * 1000.0, -turn * w[1] * Y_SCALE * 1000.0, -w[2] * 1000.0],
    )


def nearest_player(observation, ball):
    """Returns the distance of the nearest player in metres."""
    players = [p for side in ("left_team", "right_team") for p in observation[side]]
    return min(math.hypot(p[0] * X_SCALE - ball[0], p[1] * Y_SCALE - ball[1]) for p in players)


def flight(stage, seed, gait, run_up, kick, held, direction):
    """Plays a run-up and a kick; returns the flight or None if it was short."""
    frame_by_frame(stage, 10)
    stage.reset(seed)
    for action in gait:
        stage.step([action])
    for _ in range(run_up):
        stage.step([0])
    stage.step([direction])
    frame_by_frame(stage, 10)
    for _ in range(held):
        stage.step([kick])
    frame_by_frame(stage)
    previous, started = None, None
    frames = []
    for _ in range(200 + FRAMES):
        observation, done = stage.step([0])
        position, velocity, spin = ball_state(observation, seed % 2 == 1)
        if done or abs(position[0]) > 54.5 or abs(position[1]) > 35.5:
            break
        speed = math.hypot(velocity[0], velocity[1])
        near = nearest_player(observation, position)
        if started is None:
            kicked = previous is not None and speed > previous + 3.0 and speed > 9.0
            if kicked:
                started = True
                frames = []
        elif near < 1.5 and frames and len(frames) > 60:
            break
        if started:
            frames.append((position, velocity, spin, near))
            if len(frames) > FRAMES + 60:
                break
        previous = speed
    if not frames:
        return None
    # The kick's own touch may be repeated within its animation; begin when the ball is 1.5 m away.
    begin = next((i for i, f in enumerate(frames) if f[3] > 1.5), None)
    if begin is None or len(frames) - begin < 60:
        return None
    kept = frames[begin : begin + FRAMES + 1]
    return {
        "position": [round(c, 6) for c in kept[0][0]],
        "velocity": [round(c, 6) for c in kept[0][1]],
        "spin": [round(c, 5) for c in kept[0][2]],
        "frames": [[round(c, 5) for c in f[0]] for f in kept[EVERY::EVERY]],
    }


def record():
    """Returns the golden file of the ball."""
    walk, sprint, dribble = [5], [13, 5], [17, 5]
    mates = [("CB", 0.55, 0.3, True), ("CB", 0.6, -0.35, True)]
    scene = Scene(ball=(-0.48, 0.0), left=[FAR_KEEPER, ("CB", -0.5, 0.0, False)] + mates)
    stage = Stage(scene)
    flights = []
    kinds = {"short_pass": SHORT_PASS, "long_pass": LONG_PASS, "high_pass": HIGH_PASS, "shot": SHOT}
    for kind, button in kinds.items():
        for gait_name, gait in (("stand", []), ("walk", walk), ("sprint", sprint), ("dribble", dribble)):
            for held, direction, seed in ((1, 5, 2), (3, 6, 3)):
                if gait_name == "dribble" and held == 3:
                    continue
                result = flight(stage, seed, gait, 4 if gait_name == "stand" else 12, button, held, direction)
                if result:
                    flights.append({"kind": kind, "gait": gait_name, "held": held, **result})
    stage.close()
    return {"every_frames": EVERY, "flights": flights}
