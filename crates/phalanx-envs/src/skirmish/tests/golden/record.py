"""Records observations, states, masks and rewards of SMAC and SMACv2 for random arrangements of units.

    python record.py SMAC_CHECKOUT SMACV2_CHECKOUT

writes observations.json and rewards.json. It runs the originals' own `get_obs`, `get_state`,
`get_avail_actions` and `step` (oxwhirl/smac d6aab33,
oxwhirl/smacv2 577ab5a) without the game: everything they import from it is replaced by an empty
shell, and the units they would read from it are drawn here. Needs numpy.
"""

import json
import random
import sys
import types
from pathlib import Path

TERRAINS = Path(__file__).parents[2] / "terrain"
# The game's type ids of its own units.
ENEMY_IDS = {"marine": 48, "marauder": 51, "medivac": 54, "stalker": 74, "zealot": 73, "colossus": 4,
             "zergling": 105, "baneling": 9, "hydralisk": 107, "spine_crawler": 98}
HEALTH = {"marine": 45, "marauder": 125, "medivac": 150, "stalker": 80, "zealot": 100, "colossus": 200,
          "zergling": 35, "baneling": 30, "hydralisk": 80, "spine_crawler": 300}
SHIELDS = {"stalker": 80, "zealot": 50, "colossus": 150}
# The maps' own unit types of the agents, in the order of their ids.
ALLY_KINDS = {
    "marines": ["marine"], "stalkers": ["stalker"], "zealots": ["zealot"], "colossus": ["colossus"],
    "hydralisks": ["hydralisk"], "stalkers_and_zealots": ["stalker", "zealot"],
    "colossi_stalkers_zealots": ["colossus", "stalker", "zealot"],
    "MMM": ["marauder", "marine", "medivac"],
}
GENERATED_KINDS = ["baneling", "colossus", "hydralisk", "marauder", "marine", "medivac", "stalker",
                   "zealot", "zergling"]
# Map, terrain, arguments, allies, enemies; each team as unit types with their count.
CASES = [
    ("3m", "strip", "obs_last_action = true\nobs_pathing_grid = true\nobs_terrain_height = true",
     "3 marine", "3 marine"),
    ("3m", "strip", "obs_all_health = false\nobs_own_health = false\nstate_timestep_number = true",
     "3 marine", "3 marine"),
    ("MMM2", "strip", "", "2 marauder 7 marine 1 medivac", "3 marauder 8 marine 1 medivac"),
    ("2s3z", "strip", "", "2 stalker 3 zealot", "2 stalker 3 zealot"),
    ("2s3z", "strip", "obs_last_action = true", "2 stalker 3 zealot", "2 stalker 3 zealot"),
    ("3s5z_vs_3s6z", "strip", "obs_instead_of_state = true\nobs_all_health = false",
     "3 stalker 5 zealot", "3 stalker 6 zealot"),
    ("1c3s5z", "strip", "", "1 colossus 3 stalker 5 zealot", "1 colossus 3 stalker 5 zealot"),
    ("2m_vs_1z", "2m_vs_1z", "", "2 marine", "1 zealot"),
    ("2s_vs_1sc", "2s_vs_1sc", "", "2 stalker", "1 spine_crawler"),
    ("corridor", "corridor", "", "6 zealot", "24 zergling"),
    ("6h_vs_8z", "6h_vs_8z", "", "6 hydralisk", "8 zealot"),
    ("2c_vs_64zg", "2c_vs_64zg", "", "2 colossus", "64 zergling"),
    ("protoss_5_vs_5", "open", "", "1 colossus 2 stalker 2 zealot", "2 zealot 1 colossus 2 stalker"),
    ("terran_5_vs_5", "open", "", "2 marauder 2 marine 1 medivac", "1 marine 1 medivac 2 marauder 1 marine"),
    ("terran_10_vs_11", "open", "action_mask = false", "4 marauder 4 marine 2 medivac",
     "4 marine 2 medivac 5 marauder"),
    ("zerg_5_vs_5", "open", "conic_fov = true", "1 baneling 2 hydralisk 2 zergling",
     "2 hydralisk 1 baneling 2 zergling"),
    ("terran_5_vs_5", "open", "conic_fov = true\nnum_fov_actions = 4\naction_mask = false",
     "2 marauder 2 marine 1 medivac", "2 marauder 2 marine 1 medivac"),
]


class Shell:
    """Mocks any object of the game: has every attribute and can be called."""

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, _):
        return Shell()

    def __call__(self, *_, **__):
        return Shell()


class ShellModule(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Shell()


def kinds_of(*names):
    return types.SimpleNamespace(**{name.capitalize(): ENEMY_IDS[name] for name in names})


def load(package, checkout):
    """Imports the module of the environment with the game mocked."""
    root = Path(checkout) / package / "env" / "starcraft2"
    for name in ["absl", "pysc2", "pysc2.lib", "s2clientprotocol", "absl.logging", "pysc2.maps",
                 "pysc2.run_configs", "pysc2.lib.protocol", "s2clientprotocol.common_pb2",
                 "s2clientprotocol.sc2api_pb2", "s2clientprotocol.raw_pb2",
                 "s2clientprotocol.debug_pb2"]:
        sys.modules[name] = ShellModule(name)
    units = types.ModuleType("pysc2.lib.units")
    units.Neutral = Shell()
    units.Terran = kinds_of("marine", "marauder", "medivac")
    units.Protoss = kinds_of("stalker", "zealot", "colossus")
    units.Zerg = kinds_of("zergling", "baneling", "hydralisk")
    sys.modules["pysc2.lib.units"] = units

    table = (root / "maps" / "smac_maps.py").read_text()
    table = table[table.index("map_param_registry"):]
    maps = {}
    exec(table[:table.index("\n}\n") + 3], maps)
    for name in ["", ".env", ".env.starcraft2", ".env.starcraft2.maps", ".env.multiagentenv"]:
        module = types.ModuleType(package + name)
        module.__path__ = []
        sys.modules[package + name] = module
    sys.modules[package + ".env.multiagentenv"].MultiAgentEnv = object
    lookup = lambda name: maps["map_param_registry"][name]
    sys.modules[package + ".env.starcraft2.maps"].get_map_params = lookup
    module = types.ModuleType(package + "_environment")
    exec((root / "starcraft2.py").read_text(), module.__dict__)
    return module


def team(text):
    words = text.split()
    return [kind for n, kind in zip(words[::2], words[1::2]) for _ in range(int(n))]


def value(text):
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else int(text)


def make(modules, name, args, n_agents, n_enemies):
    """Returns the environment and the ids of its agents' unit types."""
    if "_5_vs_5" in name or "_10_vs_11" in name:
        sizes = {"n_units": n_agents, "n_enemies": n_enemies}
        config = {**sizes, "team_gen": {**sizes, "observe": True}, "start_positions": {}}
        env = modules[1].StarCraft2Env(map_name="10gen_" + name.split("_")[0], use_unit_ranges=True,
                                       obs_own_pos=True, capability_config=config, **args)
        data = types.SimpleNamespace(units=[None] * 2000)
        env._controller = types.SimpleNamespace(data=lambda: data)
        env._init_ally_unit_types(0)
        env.enemy_tags = [None] * n_enemies
        env.obs_enemies = modules[1].np.zeros((n_enemies, n_agents))
        return env, {kind: env._min_unit_type + i for i, kind in enumerate(GENERATED_KINDS)}
    env = modules[0].StarCraft2Env(map_name=name, **args)
    env._init_ally_unit_types(1900)
    return env, {kind: 1900 + i for i, kind in enumerate(ALLY_KINDS[env.map_type])}


def short(numbers):
    """Rounds to enough digits to distinguish nearly all 32-bit numbers near one."""
    return [float(f"{float(number):.7g}") or 0 for number in numbers]


def record(modules, rng, name, terrain, text, allies, enemies):
    np = modules[0].np
    allies, enemies = team(allies), team(enemies)
    args = dict(line.split(" = ") for line in text.splitlines())
    args = {key: value(word) for key, word in args.items()}
    env, ally_ids = make(modules, name, args, len(allies), len(enemies))
    rows = (TERRAINS / (terrain + ".txt")).read_text().split()[::-1]
    env.pathing_grid = np.array([[row[x] == "." for row in rows] for x in range(32)])
    env.terrain_height = np.where(env.pathing_grid, 0.5, 1.0)
    env.map_x = env.map_y = env.max_distance_x = env.max_distance_y = 32
    env._episode_steps = 3
    units = []
    env.agents, env.enemies = {}, {}
    for i, kind in enumerate(allies + enemies):
        draw = lambda low, high: round(rng.uniform(low, high), 3)
        health = draw(1, HEALTH[kind]) if rng.random() < 0.9 else 0
        x, y, shield = draw(8, 20), draw(6, 18), draw(0, SHIELDS.get(kind, 0))
        energy, cooldown = draw(0, 200), draw(0, 30)
        units.append([kind, x, y, health, shield, energy, cooldown])
        ally = i < len(allies)
        unit = types.SimpleNamespace(
            pos=types.SimpleNamespace(x=x, y=y, z=0), health=health, health_max=HEALTH[kind],
            shield=shield, energy=energy, weapon_cooldown=cooldown,
            unit_type=ally_ids[kind] if ally else ENEMY_IDS[kind])
        side = env.agents if ally else env.enemies
        side[len(side)] = unit
    looks = [rng.randrange(args.get("num_fov_actions", 12)) if "conic_fov" in args else 0 for _ in allies]
    if "conic_fov" in args:
        env.fov_directions = env.canonical_fov_directions[looks]
    last = [rng.randrange(env.n_actions) for _ in allies]
    env.last_action = np.eye(env.n_actions)[last]
    env.get_obs()  # SMACv2 records first sightings; the second call does not depend on the order of agents.
    obs = short(np.concatenate(env.get_obs()))
    state = [] if env.obs_instead_of_state else short(env.get_state())
    masks = ["".join(map(str, mask)) for mask in env.get_avail_actions()]
    return {"map": name, "args": text, "units": units, "looks": looks, "last_actions": last,
            "obs": obs, "state": state, "masks": masks}


def change(rng, kind, survives):
    """Draws health and shield before and after a step."""
    health, shield = rng.randint(1, HEALTH[kind]), rng.randint(0, SHIELDS.get(kind, 0))
    if rng.random() < 0.1:
        return [0, 0, 0, 0]
    if not survives:
        return [health, shield, 0, 0]
    regained = rng.randint(0, SHIELDS.get(kind, 0) - shield)
    lost = rng.choice([0, rng.randint(0, health - 1)])
    return [health, shield, health - lost, rng.choice([shield + regained, rng.randint(0, shield)])]


def settle(modules, rng, name, text, allies, enemies, fates):
    """Records the reward and the termination of a step, where `fates` determine the survivors of each team:
    "all", "healers", "none"."""
    allies, enemies = team(allies), team(enemies)
    args = dict(line.split(" = ") for line in text.splitlines())
    args = {key: value(word) for key, word in args.items()}
    env, ally_ids = make(modules, name, args, len(allies), len(enemies))
    env.map_x = env.map_y = 32
    env.pathing_grid = modules[0].np.ones((32, 32), dtype=bool)
    env._episode_steps = rng.choice([5, env.episode_limit - 1])
    env.win_counted = env.defeat_counted = False
    units, living = [], []
    env.agents, env.enemies = {}, {}
    for i, kind in enumerate(allies + enemies):
        ally = i < len(allies)
        fate = fates[0 if ally else 1]
        survives = fate == "all" and rng.random() < 0.8 or fate == "healers" and kind == "medivac"
        before = change(rng, kind, survives)
        units.append([kind, *before])
        side, trackers = (env.agents, env.death_tracker_ally) if ally else (env.enemies, env.death_tracker_enemy)
        place = types.SimpleNamespace(x=16, y=16, z=0)
        make_unit = lambda health, shield: types.SimpleNamespace(
            tag=i, pos=place, health=health, shield=shield, health_max=HEALTH[kind],
            unit_type=ally_ids[kind] if ally else ENEMY_IDS[kind])
        trackers[len(side)] = before[0] == 0
        side[len(side)] = make_unit(*before[:2])
        if before[2] > 0:
            living.append(make_unit(*before[2:]))
        if not ally:
            env.max_reward += HEALTH[kind] + SHIELDS.get(kind, 0)
    raw = types.SimpleNamespace(units=living)
    observed = types.SimpleNamespace(observation=types.SimpleNamespace(raw_data=raw))
    env._controller = types.SimpleNamespace(
        actions=lambda _: None, step=lambda _: None, observe=lambda: observed)
    steps = env._episode_steps
    actions = [1 if unit.health > 0 else 0 for unit in env.agents.values()]
    reward, terminated, info = env.step(actions)
    return {"map": name, "args": text, "units": units, "steps": steps, "reward": float(reward),
            "terminated": terminated, "won": info["battle_won"],
            "dead": [info["dead_allies"], info["dead_enemies"]]}


def settlements(modules, rng):
    maps = [("3m", "3 marine", "3 marine"),
            ("2s3z", "2 stalker 3 zealot", "2 stalker 3 zealot"),
            ("MMM", "2 marauder 7 marine 1 medivac", "2 marauder 7 marine 1 medivac"),
            ("terran_5_vs_5", "2 marauder 1 marine 2 medivac", "2 medivac 1 marauder 2 marine")]
    variants = ["", "reward_only_positive = false", "reward_sparse = true",
                "reward_defeat = -5\nreward_win = 100\nreward_death_value = 7"]
    fates = [(a, b) for a in ("all", "healers", "none") for b in ("all", "healers", "none")]
    for name, allies, enemies in maps:
        for text in variants:
            if "_vs_" in name:  # The scale depends on the team drawn first, which is not tested here.
                text = (text + "\nreward_scale = false").strip()
            for fate in fates:
                yield settle(modules, rng, name, text, allies, enemies, fate)


def write(name, records):
    lines = [json.dumps(record, separators=(",", ":")) for record in records]
    (Path(__file__).parent / name).write_text("[\n" + ",\n".join(lines) + "\n]\n")


def main():
    modules = [load("smac", sys.argv[1]), load("smacv2", sys.argv[2])]
    rng = random.Random(2023)
    write("observations.json", [record(modules, rng, *case) for case in CASES])
    write("rewards.json", settlements(modules, rng))


main()
