"""Fixed policies that both sides of the comparison play."""

import math

from engine import BUILTIN, X_SCALE, Y_SCALE

IDLE, SHOT, SPRINT = 0, 12, 13
# Actions by angle in steps of 45 degrees, from the right over the bottom (y grows).
BY_ANGLE = [5, 6, 7, 8, 1, 2, 3, 4]
# Index of a direction among the sticky actions.
STICKY_INDEX = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7}


def run_and_shoot(observation, controller, radius):
    """Returns the action of the script: sprint, run to the ball or the goal, shoot within `radius` metres."""
    player = observation["left_agent_controlled_player"][controller]
    if player < 0:
        return IDLE
    sticky = observation["left_agent_sticky_actions"][controller]
    if not sticky[8]:
        return SPRINT
    own = observation["left_team"][player]
    x, y = own[0] * X_SCALE, own[1] * Y_SCALE
    ball = observation["ball"]
    ball_x, ball_y = ball[0] * X_SCALE, ball[1] * Y_SCALE
    team_owns = observation["ball_owned_team"] == 0
    owner = team_owns and observation["ball_owned_player"] == player
    if owner and math.hypot(55.0 - x, y) < radius:
        return SHOT
    if owner or (team_owns and math.hypot(ball_x - x, ball_y - y) > 3.0):
        dx, dy = 55.0 - x, -y
    else:
        dx, dy = ball_x - x, ball_y - y
    action = BY_ANGLE[round(math.atan2(dy, dx) / (math.pi / 4)) % 8]
    return IDLE if sticky[STICKY_INDEX[action]] else action


def choose(policy, observation, controllers, rng):
    """Returns one action for each controller."""
    if policy == "random":
        return [rng.randrange(19) for _ in range(controllers)]
    if policy == "idle":
        return [IDLE] * controllers
    if policy == "builtin":
        return [BUILTIN] * controllers
    radius = {"script14": 14.0, "script20": 20.0}[policy]
    return [run_and_shoot(observation, i, radius) for i in range(controllers)]
