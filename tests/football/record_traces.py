"""Records where every player and the ball are at each step while a fixed policy plays.

Each file holds one JSON line of facts about the episode and one for each step, in metres and
metres per second in the left team's frame.
"""

import argparse
import json
import os
import random

from engine import CONTROLLERS, Engine, X_SCALE, Y_SCALE
from policies import choose

WANTED = [
    ("academy_3_vs_1_with_keeper", "idle", 400),
    ("academy_3_vs_1_with_keeper", "builtin", 400),
    ("academy_3_vs_1_with_keeper", "script20", 400),
    ("academy_pass_and_shoot_with_keeper", "builtin", 400),
    ("academy_run_pass_and_shoot_with_keeper", "builtin", 400),
    ("academy_run_pass_and_shoot_with_keeper", "script20", 400),
    ("academy_counterattack_easy", "idle", 400),
    ("academy_counterattack_easy", "builtin", 400),
    ("academy_counterattack_hard", "builtin", 400),
    ("academy_counterattack_hard", "random", 400),
    ("academy_corner", "builtin", 400),
    ("academy_run_to_score_with_keeper", "script14", 400),
    ("11_vs_11_easy_stochastic", "idle", 900),
    ("11_vs_11_hard_stochastic", "idle", 900),
    ("11_vs_11_hard_stochastic", "builtin", 900),
]


def team(observation, name, frames_per_step):
    """Returns x, y, v_x, v_y of each player of a team."""
    scale = frames_per_step
    rows = zip(observation[name], observation[f"{name}_direction"])
    return [
        [round(p[0] * X_SCALE, 3), round(p[1] * Y_SCALE, 3), round(d[0] * X_SCALE * scale, 3), round(d[1] * Y_SCALE * scale, 3)]
        for p, d in rows
    ]


def snapshot(observation, frames_per_step=10):
    """Returns the state of an observation in metres and metres per second."""
    scale = frames_per_step
    ball, v = observation["ball"], observation["ball_direction"]
    return {
        "ball": [round(ball[0] * X_SCALE, 3), round(ball[1] * Y_SCALE, 3), round(float(ball[2]), 3)],
        "ball_velocity": [round(v[0] * X_SCALE * scale, 3), round(v[1] * Y_SCALE * scale, 3), round(v[2] * scale, 3)],
        "owner": [observation["ball_owned_team"], observation["ball_owned_player"]],
        "mode": observation["game_mode"],
        "score": list(observation["score"]),
        "active": list(observation["left_agent_controlled_player"]),
        "designated": [observation["left_team_designated_player"], observation["right_team_designated_player"]],
        "left": team(observation, "left_team", frames_per_step),
        "right": team(observation, "right_team", frames_per_step),
    }


def trace(scenario, policy, seed, steps):
    """Returns the lines of one episode: the facts, the first observation, then every step."""
    rng = random.Random(f"{scenario}/{policy}/{seed}")
    engine = Engine(scenario, CONTROLLERS[scenario])
    observation = engine.reset(seed)
    roles = {side: [int(r) for r in observation[f"{side}_team_roles"]] for side in ("left", "right")}
    lines = [{"scenario": scenario, "policy": policy, "seed": seed, "reversed": seed % 2 == 1, "roles": roles}]
    lines.append(snapshot(observation))
    done = False
    while not done and len(lines) < steps + 2:
        actions = choose(policy, observation, engine.controllers, rng)
        observation, done = engine.step(actions)
        lines.append({"actions": actions, **snapshot(observation)})
    engine.close()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seeds", type=int, default=4)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    for seed in range(arguments.seeds):
        for scenario, policy, steps in WANTED:
            path = os.path.join(arguments.out, f"{scenario}.{policy}.{seed}.jsonl")
            if os.path.exists(path):
                continue
            with open(path, "w") as file:
                for line in trace(scenario, policy, seed, steps):
                    file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
