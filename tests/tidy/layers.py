#!/usr/bin/env python3
"""Includes point downhill: a folder of src/ includes itself and what src/LAYERS grants it."""
import os
import re
import sys

import house


def main(root):
    faults, looked_at = [], 0
    layers = {k.rstrip(":"): v.split() for k, v in house.listed(root, "src/LAYERS").items()}
    above = list(layers)
    for folder, below in layers.items():
        for other in below:
            if other not in layers or above.index(other) >= above.index(folder):
                faults.append(f"src/LAYERS: '{folder}' may not stand on '{other}'")
    for path in house.files(root, (".c", ".h"), ("src",)):
        folder = path.split(os.sep)[1]
        if folder not in layers:
            faults.append(f"{path}: folder '{folder}' is not in src/LAYERS")
            continue
        looked_at += 1
        for number, line in enumerate(house.text(root, path).splitlines(), 1):
            name = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not name:
                continue
            target = name[1].split("/")
            if ".." in target:
                faults.append(f"{path}:{number}: includes by a path that climbs: '{name[1]}'")
            elif len(target) > 1 and target[0] in layers \
                    and target[0] != folder and target[0] not in layers[folder]:
                faults.append(f"{path}:{number}: '{folder}' may not include '{name[1]}'")
    house.report("includes point downhill", faults, looked_at)


main(sys.argv[1])
