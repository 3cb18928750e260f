"""Records golden files of the original engine of Google Research Football.

The engine is not part of this repository and no test needs it. To record again, install it in a
virtual environment of the system Python outside the repository (Debian 12):

    apt install cmake build-essential libsdl2-dev libsdl2-image-dev libsdl2-ttf-dev libsdl2-gfx-dev \\
        libboost-{thread,filesystem,system,python}-dev libegl1-mesa-dev libgl1-mesa-dev libgles2-mesa-dev \\
        libdirectfb-dev libst-dev mesa-utils python3-dev python3-venv
    /usr/bin/python3 -m venv ~/grf && . ~/grf/bin/activate
    pip install "setuptools<66" wheel "numpy<2" psutil six absl-py
    pip install --no-build-isolation gym==0.23.1 "opencv-python-headless<4.10" scipy pygame
    pip install --no-build-isolation --no-deps --no-binary gfootball gfootball==2.10.2

Then, from this folder:

    python record_engine.py                     every golden file, some minutes each
    python record_engine.py ball movement       only these
    python record_episodes.py --out RECORDS     goal rates; hours; continues where it stopped
    python record_engine.py episodes --records RECORDS

The golden files hold measured positions, speeds and rates and no code or data of the engine.
"""

import argparse
import importlib
import json
import os

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
PARTS = ["ball", "movement", "carrying", "kicks", "keeper", "duels", "starts"]


def write(name, content):
    """Writes one golden file, with a line for each entry of its lists."""
    os.makedirs(GOLDEN, exist_ok=True)
    path = os.path.join(GOLDEN, f"{name}.json")
    with open(path, "w") as file:
        file.write("{\n")
        for i, (key, value) in enumerate(content.items()):
            file.write(f"{json.dumps(key)}: ")
            if isinstance(value, list) and value and isinstance(value[0], dict):
                file.write("[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]")
            else:
                file.write(json.dumps(value))
            file.write(",\n" if i + 1 < len(content) else "\n")
        file.write("}\n")
    print(f"{path}: {os.path.getsize(path) / 1000:.0f} kB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--records", help="folder that record_episodes.py filled")
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part == "episodes":
            from summarize_episodes import summary

            write("episodes", summary(arguments.records))
        else:
            write(part, importlib.import_module(f"record_{part}").record())


if __name__ == "__main__":
    main()
