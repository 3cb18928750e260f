"""Small scenes for measurements: where everybody stands, and who is under control."""

import sys
import types
from dataclasses import asdict, dataclass, field

import gfootball_engine

from engine import Engine

ROLES = gfootball_engine.e_PlayerRole
# Names of the roles as in the specification of the observations.
ROLE = {
    "GK": ROLES.e_PlayerRole_GK,
    "CB": ROLES.e_PlayerRole_CB,
    "LB": ROLES.e_PlayerRole_LB,
    "RB": ROLES.e_PlayerRole_RB,
    "CM": ROLES.e_PlayerRole_CM,
    "CF": ROLES.e_PlayerRole_CF,
}
FAR_KEEPER = ("GK", -1.0, 0.0, False)
# Observed positions are the configured ones times these factors (start positions in metres over scales).
START_X = 55.0
START_Y = 84.96


@dataclass
class Scene:
    """A scene in the units of scenario files; right players in their own frame.

    A player is (role, x, y, lazy). `controllers` players of the left team are under control.
    """

    ball: tuple = (0.0, 0.0)
    left: list = field(default_factory=list)
    right: list = field(default_factory=lambda: [FAR_KEEPER])
    controllers: int = 1
    left_difficulty: float = 1.0
    right_difficulty: float = 0.6
    offsides: bool = False
    end_on_score: bool = True
    end_on_possession_change: bool = False
    end_on_out_of_play: bool = True

    def described(self):
        return asdict(self)


def build(scene):
    """Returns the function that the engine calls to set the scene up."""

    def build_scenario(builder):
        config = builder.config()
        config.game_duration = 100_000
        config.deterministic = False
        config.offsides = scene.offsides
        config.left_team_difficulty = scene.left_difficulty
        config.right_team_difficulty = scene.right_difficulty
        config.end_episode_on_score = scene.end_on_score
        config.end_episode_on_out_of_play = scene.end_on_out_of_play
        config.end_episode_on_possession_change = scene.end_on_possession_change
        builder.SetBallPosition(*scene.ball)
        for side, players in ((gfootball_engine.e_Team.e_Left, scene.left), (gfootball_engine.e_Team.e_Right, scene.right)):
            builder.SetTeam(side)
            for role, x, y, lazy in players:
                builder.AddPlayer(x, y, ROLE[role], lazy)

    return build_scenario


class Stage(Engine):
    """An engine that plays scenes; `show` replaces the scene before the next reset."""

    def __init__(self, scene):
        self.show(scene)
        super().__init__("scene", scene.controllers)

    def act(self, action):
        """Plays a step in which the controller of player 1 presses a key and the others nothing.

        Only scenes with one or with all players under control have a fixed order of controllers.
        """
        actions = [0] * self.controllers
        actions[0 if self.controllers == 1 else 1] = action
        return self.step(actions)

    def show(self, scene):
        module = types.ModuleType("gfootball.scenarios.scene")
        module.build_scenario = build(scene)
        sys.modules["gfootball.scenarios.scene"] = module
