"""What the job trains, scores and measures: the lines to edit.

Commands are those of `atfm`, without its name. Some words stand for others: {store} for the unpacked data, {run} for
the folder of the training, {minutes} for the time that the job was given. Trainings run side by side, the commands of
each one after the other.
"""

__all__ = ["EVALUATION", "KEEP", "MEASUREMENTS", "TRAININGS"]

# GTR tuned by the score of its own samples, nearly all of the time, and no flow: what paid on two cores
# (docs/experiments.md, "Presence, GTR, and no flow"). Presence is only begun: that of the shipped weights is as good as
# these patients teach, and is taken at home.
_OWN = "--set method.gtr.energy.draws=8 --set stages.presence.steps=600 --set stages.sfm.steps=0"
TRAININGS = {
    "large-0": [f"train lidc-large --data {{store}} --out {{run}} --minutes {{minutes}} {_OWN}"],
    "large-1": [f"train lidc-large --data {{store}} --out {{run}} --minutes {{minutes}} {_OWN} --seed 1"],
}

# Of every training that left weights.
EVALUATION = "evaluate {run} {store} --split val --limit 600 --samples 100 --batch 32 --out {run}-val --no-references"

# After all else, for as long as there is time; {run} is the first training.
MEASUREMENTS = {
    "bench": "bench --model {run} --samples 100 --repeats 5 --json",
}

# What comes back, in this order, until the room is used up: "weights" in half precision, "checkpoint" to go on from.
KEEP = ("weights", "checkpoint")
