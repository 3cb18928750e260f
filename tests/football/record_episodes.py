"""Plays whole episodes of fixed policies on the original engine and appends one line for each.

The rows are pairs of scenario and policy, each with its own file `SCENARIO.POLICY.jsonl`. Every
pass gives each row a few more episodes, cheap rows first, so all rows grow together. A restart
counts the lines that exist and continues with the next seed.
"""

import argparse
import json
import math
import os
import random
import time

from engine import CONTROLLERS, Engine, pair
from policies import choose

POLICIES = ["random", "idle", "script14", "script20", "builtin"]
FULL_GAME_POLICIES = ["random", "idle", "builtin"]
# Caps on the episode length, so that one row cannot use up all the time.
LENGTH_CAP = {"academy_single_goal_versus_lazy": 1000}
# Rows whose episodes hardly differ need few of them.
FEW = {("academy_empty_goal_close", "idle"), ("academy_empty_goal", "idle"), ("academy_run_to_score", "idle")}
SEED = 1_000_000


class Checkpoints:
    """Counts the checkpoints that each controller collects."""

    def __init__(self, controllers):
        self.count = [0] * controllers

    def observe(self, observation, scored):
        for i in range(len(self.count)):
            if scored:
                self.count[i] = 10
                continue
            player = observation["left_agent_controlled_player"][i]
            if observation["ball_owned_team"] != 0 or observation["ball_owned_player"] != player:
                continue
            distance = math.hypot(observation["ball"][0] - 1.0, observation["ball"][1])
            while self.count[i] < 10 and distance <= 0.99 - (0.8 / 9.0) * self.count[i]:
                self.count[i] += 1


def ending(observation, last_owner, mode_before):
    """Returns why an episode ended, in the order in which the environment asks."""
    if observation["score"][0] > 0:
        return "goal"
    if observation["score"][1] > 0:
        return "conceded"
    if observation["game_mode"] != 0 and mode_before == 0:
        return "out"
    owner = observation["ball_owned_team"]
    if owner != -1 and last_owner not in (-1, owner):
        return "lost"
    return "time"


def play(engine, scenario, policy, seed):
    """Plays one episode and returns its record."""
    rng = random.Random(f"{scenario}/{policy}/{seed}")
    full_game = scenario.startswith("11_vs_11")
    observation = engine.reset(seed)
    checkpoints = Checkpoints(engine.controllers)
    before = None
    last_owner = -1
    mode = -1
    owned = [0, 0, 0]
    modes = [0] * 7
    score = [0, 0]
    first_owned = None
    length = 0
    done = False
    cap = LENGTH_CAP.get(scenario, 10_000)
    while not done and length < cap:
        before = (last_owner, mode)
        observation, done = engine.step(choose(policy, observation, engine.controllers, rng))
        length += 1
        owner = observation["ball_owned_team"]
        checkpoints.observe(observation, observation["score"][0] > score[0])
        score = list(observation["score"])
        owned[owner] += 1
        if observation["game_mode"] != mode and observation["game_mode"] != 0:
            modes[observation["game_mode"]] += 1
        mode = observation["game_mode"]
        if owner == 0 and first_owned is None:
            first_owned = length
        if owner != -1:
            last_owner = owner
    record = {
        "seed": seed,
        "length": length,
        "end": ending(observation, *before) if not full_game else "time",
        "score": score,
        "checkpoints": checkpoints.count,
        "owned": owned,
        "mode": mode,
        "first_owned": first_owned,
        "ball": [round(c, 2) for c in pair(observation["ball"])],
    }
    if full_game:
        record["modes"] = modes
        record["tired"] = round(float(observation["left_team_tired_factor"].mean()), 4)
    return record


def rows(scenarios, policies):
    for scenario in scenarios:
        allowed = FULL_GAME_POLICIES if scenario.startswith("11_vs_11") else POLICIES
        for policy in policies:
            if policy in allowed:
                yield scenario, policy


def wanted_now(scenario, policy, done, chunk, episodes):
    """Returns how many episodes this pass adds to a row."""
    if (scenario, policy) in FEW:
        episodes = min(episodes, 10)
    elif policy == "idle":
        episodes = min(episodes, 300)
    if scenario.startswith("11_vs_11"):
        chunk = 1 if chunk < 30 else 2
    elif scenario == "academy_single_goal_versus_lazy":
        chunk = max(1, chunk // 8)
    elif scenario == "academy_corner" or policy == "idle":
        chunk = max(1, chunk // 2)
    return max(0, min(chunk, episodes - done))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="folder of the records")
    parser.add_argument("--episodes", type=int, default=1000, help="episodes wanted for each row")
    parser.add_argument("--chunk", type=int, default=50, help="episodes for a row in one pass")
    parser.add_argument("--scenarios", nargs="*", default=list(CONTROLLERS))
    parser.add_argument("--policies", nargs="*", default=POLICIES)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    chunk = min(10, arguments.chunk)
    while True:
        added = 0
        for scenario, policy in rows(arguments.scenarios, arguments.policies):
            path = os.path.join(arguments.out, f"{scenario}.{policy}.jsonl")
            done = sum(1 for _ in open(path)) if os.path.exists(path) else 0
            wanted = wanted_now(scenario, policy, done, chunk, arguments.episodes)
            if wanted == 0:
                continue
            started = time.process_time()
            engine = Engine(scenario, CONTROLLERS[scenario])
            steps = 0
            with open(path, "a", buffering=1) as file:
                for i in range(done, done + wanted):
                    record = play(engine, scenario, policy, SEED + i)
                    steps += record["length"]
                    file.write(json.dumps(record) + "\n")
            engine.close()
            added += wanted
            seconds = time.process_time() - started
            print(f"{scenario} {policy}: {done + wanted} episodes, {steps / seconds:.0f} steps per CPU second", flush=True)
        if added == 0:
            return
        chunk = min(2 * chunk, arguments.chunk)


if __name__ == "__main__":
    main()
