"""What the job trains, scores and measures: the lines to edit.

Commands are those of `atfm`, without its name. Some words stand for others: {store} for the unpacked data, {run} for
the folder of the training, {minutes} for the time that the job was given. Trainings run side by side, the commands of
each one after the other.
"""

__all__ = ["EVALUATION", "KEEP", "MEASUREMENTS", "TRAININGS"]

TRAININGS = {
    "large-0": ["train lidc-large --data {store} --out {run} --minutes {minutes}"],
    "large-1": ["train lidc-large --data {store} --out {run} --minutes {minutes} --seed 1"],
}

# Of every training that left weights.
EVALUATION = "evaluate {run} {store} --split val --limit 600 --samples 100 --batch 32 --out {run}-val --no-references"

# After all else, for as long as there is time; {run} is the first training.
MEASUREMENTS = {
    "bench": "bench --model {run} --samples 100 --repeats 5 --json",
}

# What comes back, in this order, until the room is used up: "weights" in half precision, "checkpoint" to go on from.
KEEP = ("weights", "checkpoint")
