"""Drives the original engine of Google Research Football, step by step or frame by frame.

Everything here works in metres and seconds in the left team's frame: x runs to the right team's
goal, y to the observed bottom line. One step is ten frames of 10 ms.
"""

import gfootball_engine
from gfootball.env import config as engine_config
from gfootball.env import football_env_core

X_SCALE = 54.4
Y_SCALE = 83.6
HALF_LENGTH = 55.0
FRAMES_PER_STEP = 10
BUILTIN = 19

# Number of controllers as in the multi-agent literature.
CONTROLLERS = {
    "academy_empty_goal_close": 1,
    "academy_empty_goal": 1,
    "academy_run_to_score": 1,
    "academy_run_to_score_with_keeper": 1,
    "academy_pass_and_shoot_with_keeper": 2,
    "academy_run_pass_and_shoot_with_keeper": 2,
    "academy_3_vs_1_with_keeper": 3,
    "academy_counterattack_easy": 4,
    "academy_counterattack_hard": 4,
    "academy_corner": 11,
    "academy_single_goal_versus_lazy": 11,
    "11_vs_11_easy_stochastic": 1,
    "11_vs_11_stochastic": 1,
    "11_vs_11_hard_stochastic": 1,
}


def pair(point):
    """Returns an observed point in metres."""
    return (point[0] * X_SCALE, point[1] * Y_SCALE)


class Engine:
    """One scenario of the engine with `controllers` players of the left team under control."""

    def __init__(self, scenario, controllers, frames_per_step=FRAMES_PER_STEP, right=0):
        players = [f"agent:left_players={controllers},right_players={right}"]
        self.config = engine_config.Config(
            {
                "action_set": "v2",
                "level": scenario,
                "players": players,
                "physics_steps_per_frame": frames_per_step,
                "game_engine_random_seed": 0,
                "reverse_team_processing": False,
            }
        )
        self.controllers = controllers + right
        self.core = football_env_core.FootballEnvCore(self.config)
        # Engines are reused after close, with the number of frames that the last user set.
        frame_by_frame(self, frames_per_step)

    def reset(self, seed, episode_number=None):
        """Starts the episode of a seed and returns its first observation."""
        self.config["game_engine_random_seed"] = seed
        self.config["reverse_team_processing"] = bool(seed % 2)
        self.config["episode_number"] = seed if episode_number is None else episode_number
        self.core.reset(inc=0)
        return self.core._observation

    def step(self, actions):
        """Plays one step and returns (observation, done)."""
        observation, _, done, _ = self.core.step(list(actions))
        return observation, done

    def close(self):
        self.core.close()


def frame_by_frame(engine, frames_per_step=1):
    """Makes the engine advance by this many frames for each call of step."""
    engine.core._env.game_config.physics_steps_per_frame = frames_per_step


GAME_RUNNING = gfootball_engine.GameState.game_running
