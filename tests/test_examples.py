"""The image that `make demo` samples is the simulated case that examples/README.md says it is."""

from pathlib import Path

import numpy as np
from PIL import Image

from atfm.data.phantom.grey import part_probability, phantom_case, presence_probability

PHANTOM = Path(__file__).resolve().parents[1] / "examples" / "phantom.png"


def test_phantom_is_the_case_it_claims_to_be():
    case = phantom_case(2511, 240)
    np.testing.assert_array_equal(np.asarray(Image.open(PHANTOM)), np.rint(case.image[0] * 255))
    assert round(part_probability(case.part_contrast), 2) == 0.46
    assert round(presence_probability(case.contrast), 2) == 0.80
