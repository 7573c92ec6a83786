import subprocess
import sys

SCORE = """
import sys
import numpy as np
from atfm.metrics import GED, DistributionScores, ged, overlaps, score_case
loaded = {name.split(".")[0] for name in sys.modules}
own = {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("atfm.")}
assert own == {"atfm.errors", "atfm.metrics"}, own
heavy = loaded & {"torch", "scipy", "pydantic", "matplotlib", "PIL", "nibabel", "rich", "pandas"}
assert not heavy, heavy
masks = np.random.default_rng(0).random((8, 1, 16, 16)) < 0.5
assert "hm_iou_4" in score_case(masks, masks[:4], ns=(4,))
scores = DistributionScores(ns=(4,))
scores.update(masks, masks[:4])
assert scores.compute()["ged"].cases == 1
assert "torch" not in sys.modules
"""


def test_the_room_needs_no_other_and_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SCORE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
