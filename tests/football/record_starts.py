"""Records the first observations of each scenario, all controllers idle."""

from engine import CONTROLLERS, Engine
from record_traces import team

STEPS = 5
EXTRA = {"academy_pass_and_shoot_with_keeper": [3], "academy_3_vs_1_with_keeper": [1, 4], "academy_counterattack_easy": [1, 11], "academy_corner": [10], "5_vs_5": [4]}


def start(scenario, controllers, seed):
    engine = Engine(scenario, controllers)
    observation = engine.reset(seed)
    result = {
        "scenario": scenario,
        "controllers": controllers,
        "reversed": seed % 2 == 1,
        "ball": [round(float(c), 5) for c in observation["ball"]],
        "left": [[round(float(c), 5) for c in p] for p in observation["left_team"]],
        "right": [[round(float(c), 5) for c in p] for p in observation["right_team"]],
        "left_roles": [int(r) for r in observation["left_team_roles"]],
        "right_roles": [int(r) for r in observation["right_team_roles"]],
        "steps_left": observation["steps_left"],
        "mode": observation["game_mode"],
    }
    active, owner = [list(observation["left_agent_controlled_player"])], []
    for _ in range(STEPS):
        observation, done = engine.step([0] * controllers)
        active.append(list(observation["left_agent_controlled_player"]))
        owner.append([observation["ball_owned_team"], observation["ball_owned_player"]])
        if done:
            break
    engine.close()
    return {**result, "active": [[int(p) for p in row] for row in active], "owner": owner}


def record():
    """Returns the golden file of first observations."""
    wanted = [(scenario, n) for scenario, n in {**CONTROLLERS, "5_vs_5": 1}.items()]
    wanted += [(scenario, n) for scenario, counts in EXTRA.items() for n in counts]
    return {"starts": [start(scenario, n, seed) for scenario, n in wanted for seed in (2, 3)]}
