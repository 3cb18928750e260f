"""Records battles of JaxMARL v0.2.0 for the tests of `smax`.

    pip install jaxmarl==0.2.0
    python record_jaxmarl.py golden golden.jsonl       # a few steps of all scenarios, committed
    python record_jaxmarl.py whole 3m.record           # every number of three battles, committed
    python record_jaxmarl.py full FOLDER [EPISODES]    # every number of many
    PHALANX_SMAX_RECORDS=FOLDER cargo test --release -p phalanx-envs smax::tests::records \
        -- --nocapture
    python record_jaxmarl.py script [EPISODES]         # win rates of policies: the table in chance.rs

Both teams are fed joint actions. The random term of weapon cooldowns is replaced by zero; starts
are JaxMARL's own. Actions are drawn from the mask, or from JaxMARL's heuristic player, or from a
mixture. For every unit and step the set of actions is recorded that the heuristic player could
choose, over all outcomes of its random choices.

XLA is told to use no instructions that multiply and add with a single rounding: with them, and
also under `vmap`, JaxMARL's own bits differ, and crowds amplify that within an episode.
"""

import json
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_max_isa=SSE4_2")
import jax
import jax.numpy as jnp
import numpy as np
from jaxmarl.environments.smax import SMAX, HeuristicEnemySMAX, map_name_to_scenario
from jaxmarl.environments.smax.heuristic_enemy import (
    create_heuristic_policy,
    get_heuristic_policy_initial_state,
)

SCENARIOS = [
    "3m", "2s3z", "25m", "3s5z", "8m", "5m_vs_6m", "10m_vs_11m", "27m_vs_30m", "3s5z_vs_3s6z",
    "3s_vs_5z", "6h_vs_8z", "smacv2_5_units", "smacv2_10_units", "smacv2_20_units",
]  # fmt: skip
UNIFORM, CHOICE, SPLIT = jax.random.uniform, jax.random.choice, jax.random.split


def uniform(key, shape=(), dtype=float, minval=0.0, maxval=1.0):
    """Returns zero for the random term of cooldowns, and JAX's numbers otherwise."""
    if shape == () and not isinstance(minval, jax.Array) and minval < 0:
        return jnp.zeros(())
    return UNIFORM(key, shape, dtype, minval, maxval)


def pick(number, a, p):
    """Returns the outcome with this number instead of a random one."""
    possible = p > 0
    number = jnp.asarray(number) % jnp.maximum(possible.sum(), 1)
    rank = jnp.cumsum(possible) - 1
    return a[jnp.argmax(possible & (rank == number))]


class Heuristic:
    """JaxMARL's heuristic policy for both teams, with numbered random choices."""

    def __init__(self, env, mode="closest", shoot=True):
        self.env = env
        self.policies = [create_heuristic_policy(env, team, shoot, mode) for team in range(2)]
        self.outcomes = max(env.num_allies, env.num_enemies)
        self.split = [jnp.arange(env.num_allies), jnp.arange(env.num_allies, env.num_agents)]

    def initial(self):
        state = get_heuristic_policy_initial_state()
        return jax.tree.map(lambda x: jnp.stack([jnp.asarray(x)] * self.env.num_agents), state)

    def act(self, number, state, obs):
        """`number` per unit."""
        jax.random.choice, jax.random.split = pick, lambda key, num=2: (key,) * num
        try:
            parts = []
            for policy, units in zip(self.policies, self.split):
                part = jax.tree.map(lambda x: x[units], state)
                parts.append(jax.vmap(policy)(number[units], part, obs[units]))
        finally:
            jax.random.choice, jax.random.split = CHOICE, SPLIT
        return jax.tree.map(lambda *x: jnp.concatenate(x), *parts)

    def possible(self, state, obs):
        """Returns the bits of the possible actions of each unit, and the state after the first outcome."""
        numbers = jnp.arange(self.outcomes)[:, None] * jnp.ones(self.env.num_agents, int)
        actions, states = jax.vmap(self.act, (0, None, None))(numbers, state, obs)
        hot = jax.nn.one_hot(actions, self.outcomes + 5).max(0)
        return hot, jax.tree.map(lambda x: x[0], states)


def record(name, episodes, seed, mode="closest", heuristic_memory=True, **options):
    """Arrays `[episode, time, …]`; time 0 is the start."""
    env = SMAX(scenario=map_name_to_scenario(name), **options)
    n_actions = 5 + max(env.num_allies, env.num_enemies)
    heuristic = Heuristic(env, mode)
    jax.random.uniform = uniform

    def masks(state):
        avail = env.get_avail_actions(state)
        rows = [avail[a] for a in env.agents]
        return jnp.stack([jnp.pad(row, (0, n_actions - row.shape[0])) for row in rows])

    def show(obs, state, actions, rewards, done, hot):
        return dict(
            kind=state.unit_types, x=state.unit_positions[:, 0], y=state.unit_positions[:, 1],
            health=state.unit_health, cooldown=state.unit_weapon_cooldowns, actions=actions,
            rewards=rewards, done=done, possible=hot, masks=masks(state),
            state=obs["world_state"], obs=jnp.stack([obs[a] for a in env.agents]),
        )  # fmt: skip

    def episode(key, style):
        key, reset_key = SPLIT(key)
        obs, state = env.reset(reset_key)
        nothing = jnp.zeros((env.num_agents,), int)
        none = jnp.zeros((env.num_agents, heuristic.outcomes + 5))
        start = show(obs, state, nothing, jnp.zeros(2), jnp.array(False), none)

        def step(carry, key):
            state, memory = carry
            legal_key, style_key, number_key, step_key = SPLIT(key, 4)
            listed = env.get_obs_unit_list(state)
            listed = jnp.stack([listed[a] for a in env.agents])
            known = memory if heuristic_memory else heuristic.initial()
            hot, after = heuristic.possible(known, listed)
            number = jax.random.randint(number_key, (env.num_agents,), 0, 1000)
            scripted, _ = heuristic.act(number, known, listed)
            mask = masks(state)
            random = jax.random.categorical(legal_key, jnp.where(mask > 0, 0.0, -1e9), axis=-1)
            is_random = UNIFORM(style_key, (env.num_agents,)) < style
            legal = jnp.take_along_axis(mask, scripted[:, None], 1)[:, 0] > 0
            actions = jnp.where(is_random | ~legal, random, scripted)
            by_name = {a: actions[i] for i, a in enumerate(env.agents)}
            obs, state, rewards, dones, _ = env.step_env(step_key, state, by_name)
            rewards = jnp.stack([rewards["ally_0"], rewards["enemy_0"]])
            return (state, after), show(obs, state, actions, rewards, dones["__all__"], hot)

        _, steps = jax.lax.scan(step, (state, heuristic.initial()), SPLIT(key, env.max_steps + 1))
        return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, steps)

    keys = SPLIT(jax.random.PRNGKey(seed), episodes)
    styles = jnp.array([0.0, 0.3, 1.0] * episodes)[:episodes]
    play = jax.jit(lambda args: jax.lax.map(lambda a: episode(*a), args))
    data = jax.tree.map(np.asarray, play((keys, styles)))
    jax.random.uniform = UNIFORM
    return env, n_actions, data


def lengths(data):
    """Returns the number of steps until the first end of each episode."""
    return [int(np.argmax(done)) for done in data["done"]]


FIELDS = ["kind", "x", "y", "health", "cooldown", "actions", "rewards", "done", "possible",
          "masks", "state", "obs"]  # fmt: skip


def full(folder, episodes):
    """Writes one file per scenario."""
    os.makedirs(folder, exist_ok=True)
    jobs = [(name, {}) for name in SCENARIOS]
    jobs += [
        ("5m_vs_6m", dict(see_enemy_actions=False, use_self_play_reward=True)),
        ("3s_vs_5z", dict(walls_cause_death=False, won_battle_bonus=0.5, max_steps=60)),
        ("smacv2_5_units", dict(walls_cause_death=False)),
        ("smacv2_5_units", dict(observation_type="conic")),
        ("3s5z_vs_3s6z", dict(observation_type="conic", see_enemy_actions=False)),
        ("2s3z", dict(mode="random", heuristic_memory=False)),
        ("10m_vs_11m", dict(mode="random", heuristic_memory=False)),
    ]
    for number, (name, options) in enumerate(jobs):
        n_units = map_name_to_scenario(name).unit_types.shape[0]
        count = max(6, episodes * 10 // n_units)
        whole(os.path.join(folder, f"{number:02}_{name}.record"), name, count, number, **options)


def whole(path, name="3m", count=3, seed=50, **options):
    """Writes a line of JSON, then the fields as little-endian f32."""
    env, n_actions, data = record(name, count, seed=seed, **options)
    times = lengths(data)
    header = dict(
        scenario=name, options=options, n_units=env.num_agents, n_actions=n_actions,
        obs_dim=int(env.obs_size), steps=times, bits=data["possible"].shape[-1],
    )  # fmt: skip
    with open(path, "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        for episode, steps in enumerate(times):
            for time in range(steps + 1):
                for field in FIELDS:
                    data[field][episode, time].astype("<f4").tofile(file)
    print(path, count, "episodes", sum(times), "steps", flush=True)


def digest(rows):
    """Returns a weighted sum of each row, which depends on indices and values."""
    weights = (np.arange(rows.shape[-1]) * 37 % 101 + 1) / 101.0
    return rows.astype(np.float64) @ weights


def rounded(array, digits=5):
    return [round(float(number), digits) for number in np.ravel(array)]


def golden(path):
    """Writes one line per battle: up to 24 steps from the start; for large teams, 4 from the middle."""
    jobs = [(name, {}) for name in SCENARIOS] + [
        ("3m", dict(observation_type="conic")),
        ("5m_vs_6m", dict(see_enemy_actions=False, use_self_play_reward=True)),
        ("smacv2_5_units", dict(walls_cause_death=False)),
    ]
    with open(path, "w") as file:
        for number, (name, options) in enumerate(jobs):
            env, n_actions, data = record(name, 2, seed=100 + number, **options)
            episode, first, steps = 1, 0, 24
            if env.num_agents > 32:  # XLA sums in another order there, see records.rs
                first, steps = 16, 4
            steps = min(lengths(data)[1] - first, steps)
            lines = []
            for time in range(first, first + steps + 1):
                at = {field: data[field][episode, time] for field in FIELDS}
                line = dict(
                    actions=[int(a) for a in at["actions"]],
                    rewards=rounded(at["rewards"]),
                    obs=rounded(digest(at["obs"]), 4),
                    masks=rounded(digest(at["masks"]), 4),
                    state=rounded(digest(at["state"]), 4),
                )  # fmt: skip
                if first == 0 and time > 0:
                    bits = 2 ** np.arange(at["possible"].shape[-1])
                    line |= dict(script=[int(b) for b in at["possible"].astype(int) @ bits])
                if time == first:
                    line |= dict(kind=[int(k) for k in at["kind"]])
                if time - first in (0, steps // 2, steps):
                    line |= {f: rounded(at[f], 6) for f in ("x", "y", "health", "cooldown")}
                lines.append(line)
            record_of = dict(scenario=name, options=options, first=first, times=lines)
            file.write(json.dumps(record_of, separators=(",", ":")) + "\n")
            print(name, steps, flush=True)


def script(episodes):
    """Plays the heuristic and the random policy against the heuristic enemy, with random rules."""
    for name in ["3m", "2s3z", "5m_vs_6m", "3s_vs_5z", "6h_vs_8z", "smacv2_5_units"]:
        env = HeuristicEnemySMAX(scenario=map_name_to_scenario(name))
        policy = create_heuristic_policy(env._env, 0)

        def play(key, random):
            obs, state = env.reset(key)
            memory = get_heuristic_policy_initial_state()
            memory = jax.tree.map(
                lambda x: jnp.stack([jnp.asarray(x)] * env.num_allies), memory
            )

            def step(carry, key):
                obs, state, memory, over, won, total, steps = carry
                key, act_key, random_key = SPLIT(key, 3)
                rows = jnp.stack([obs[a] for a in env.agents])
                keys = SPLIT(act_key, env.num_allies)
                actions, memory = jax.vmap(policy)(keys, memory, rows)
                avail = env.get_avail_actions(state)
                mask = jnp.stack([avail[a] for a in env.agents])
                legal = jax.random.categorical(random_key, jnp.where(mask > 0, 0.0, -1e9), axis=-1)
                actions = jnp.where(random, legal, actions)
                by_name = {a: actions[i] for i, a in enumerate(env.agents)}
                obs, state, rewards, dones, _ = env.step_env(key, state, by_name)
                reward = jnp.where(over, 0.0, rewards["ally_0"])
                won = won | (reward >= 1.0)
                steps += ~over
                over = over | dones["__all__"]
                rows = {a: obs[a] for a in env.agents}
                return (rows, state, memory, over, won, total + reward, steps), None

            no = jnp.array(False)
            start = ({a: obs[a] for a in env.agents}, state, memory, no, no, 0.0, 0)
            (*_, won, total, steps), _ = jax.lax.scan(step, start, SPLIT(key, 101))
            return won, total, steps

        for random in (False, True):
            run = jax.jit(lambda keys: jax.lax.map(lambda k: play(k, random), keys, batch_size=64))
            won, total, steps = run(SPLIT(jax.random.PRNGKey(7), episodes))
            print(
                f"{name} {'random' if random else 'script'}: won {won.mean():.3f}, "
                f"return {total.mean():.3f}, steps {steps.mean():.1f}", flush=True
            )


if __name__ == "__main__":
    if sys.argv[1] == "golden":
        golden(sys.argv[2])
    elif sys.argv[1] == "whole":
        whole(sys.argv[2])
    elif sys.argv[1] == "script":
        script(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
    else:
        full(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 60)
