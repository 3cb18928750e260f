"""Summarizes the records of record_episodes.py: rates, lengths and scores for each row."""

import glob
import json
import os

from engine import CONTROLLERS
from kicks import deviation, mean, quantile

ENDS = ["goal", "conceded", "out", "lost", "time"]
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def academy(records):
    """Returns counts of the ends, of whistles by the kind of restart and of goals for even and odd seeds, and lengths."""
    lengths = [r["length"] for r in records]
    steps = sum(lengths)
    return {
        "ends": {end: sum(r["end"] == end for r in records) for end in ENDS},
        "whistles": [sum(r["end"] == "out" and r["mode"] == mode for r in records) for mode in range(7)],
        "goals_by_parity": [
            sum(r["end"] == "goal" for r in records if r["seed"] % 2 == parity) for parity in (0, 1)
        ],
        "length_mean": round(mean(lengths), 2),
        "length_sd": round(deviation(lengths), 2),
        "length_quantiles": [quantile(lengths, q) for q in QUANTILES],
        "owned": [round(sum(r["owned"][i] for r in records) / steps, 4) for i in range(3)],
        "checkpoints": round(mean([mean(r["checkpoints"]) for r in records]), 3),
    }


def full_game(records):
    """Returns goals, the share of steps in which each team owns the ball, and counts of restarts."""
    difference = [r["score"][0] - r["score"][1] for r in records]
    steps = sum(r["length"] for r in records)
    return {
        "goals": [round(mean([r["score"][i] for r in records]), 3) for i in range(2)],
        "difference_mean": round(mean(difference), 3),
        "difference_sd": round(deviation(difference), 3),
        "owned": [round(sum(r["owned"][i] for r in records) / steps, 4) for i in range(3)],
        "restarts": [round(mean([r["modes"][i] for r in records]), 2) for i in range(7)],
    }


def summary(folder):
    """Returns the golden file of episodes."""
    rows, games = [], []
    for scenario in CONTROLLERS:
        for path in sorted(glob.glob(os.path.join(folder, f"{scenario}.*.jsonl"))):
            with open(path) as file:
                records = [json.loads(line) for line in file if line.endswith("\n")]
            if not records:
                continue
            row = {"scenario": scenario, "policy": path.split(".")[-2], "controllers": CONTROLLERS[scenario], "episodes": len(records)}
            if scenario.startswith("11_vs_11"):
                games.append({**row, **full_game(records)})
            else:
                rows.append({**row, **academy(records)})
    return {"lazy_length_cap": 1000, "rows": rows, "full_games": games}
