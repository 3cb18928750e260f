"""Measures how many steps of the original engine one core plays in a CPU second.

`record_engine.py` explains the installation of the engine. With `--envpool` it measures
the copy of the engine inside the package `envpool`, which needs an environment of its own:
`pip install envpool==1.2.5 gymnasium`. Run it on a quiet machine; it prints the load.
"""

import argparse
import os
import random
import time


def rate(step, reset, seconds):
    """Returns the steps per CPU second and per second of wall time of an episode loop."""
    reset()
    cpu, wall = time.process_time(), time.monotonic()
    steps = 0
    while time.monotonic() - wall < seconds:
        if step():
            reset()
        steps += 1
    return steps / (time.process_time() - cpu), steps / (time.monotonic() - wall)


def original(scenario, controllers, seconds, wrapped):
    """Measures the Python package, either with its wrappers or without them."""
    rng = random.Random(1)
    if wrapped:
        import gfootball.env

        env = gfootball.env.create_environment(
            env_name=scenario,
            representation="simple115v2",
            rewards="scoring,checkpoints",
            number_of_left_players_agent_controls=controllers,
        )
        step = lambda: env.step([rng.randrange(19) for _ in range(controllers)])[2]
        return rate(step, env.reset, seconds)
    from engine import Engine

    engine = Engine(scenario, controllers)
    seed = iter(range(10**9))
    step = lambda: engine.step([rng.randrange(19) for _ in range(controllers)])[1]
    return rate(step, lambda: engine.reset(next(seed)), seconds)


def native(scenario, environments, seconds):
    """Measures envpool on one thread; it resets by itself."""
    import envpool
    import numpy

    pool = envpool.make(
        f"gfootball/{scenario}-v1", env_type="gymnasium", num_envs=environments, num_threads=1
    )
    rng = numpy.random.default_rng(1)
    pool.reset()
    cpu, wall = time.process_time(), time.monotonic()
    steps = 0
    while time.monotonic() - wall < seconds:
        pool.step(rng.integers(0, 19, environments))
        steps += environments
    return steps / (time.process_time() - cpu), steps / (time.monotonic() - wall)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each row")
    parser.add_argument("--envpool", action="store_true")
    arguments = parser.parse_args()
    print("| engine | scenario | controllers | steps/s CPU | steps/s wall | load |")
    print("|---|---|---|---|---|---|")

    def show(name, scenario, controllers, result):
        load = os.getloadavg()[0]
        print(f"| {name} | {scenario} | {controllers} | {result[0]:.0f} | {result[1]:.0f} | {load:.1f} |", flush=True)

    scenarios = [("academy_3_vs_1_with_keeper", 3), ("11_vs_11_easy_stochastic", 1)]
    for scenario, controllers in scenarios:
        if arguments.envpool:
            short = scenario
            for environments in (1, 16):
                show(f"envpool, {environments} environments", short, 1, native(short, environments, arguments.seconds))
        else:
            for wrapped in (True, False):
                name = "gfootball, simple115v2" if wrapped else "gfootball, no wrappers"
                show(name, scenario, controllers, original(scenario, controllers, arguments.seconds, wrapped))


if __name__ == "__main__":
    main()
