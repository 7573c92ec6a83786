"""The Pareto figure is a picture that stands alone."""

from pathlib import Path

import pytest
from PIL import Image

from atfm.bench.figure import write_pareto
from atfm.errors import InputError


def points() -> list[dict[str, object]]:
    found = []
    for steps, ged in ((0, 0.3), (1, 0.25), (2, 0.2)):
        score = {"mean": ged, "low": ged - 0.02, "high": ged + 0.02 if steps else None}
        score["low"] = score["low"] if steps else None
        floor = {"mean": 0.14, "low": None, "high": None}
        name = f"{steps} steps" if steps else "GTR alone"
        scores = {"ged": score, "ged_100": score, "floor_ged_100": floor}
        found.append({"name": name, "seconds": 0.01 + steps, "scores": scores})
    return found


def test_an_svg_names_every_point_and_brings_its_own_colours(tmp_path: Path) -> None:
    path = tmp_path / "pareto.svg"
    write_pareto(path, points(), 100, about="lidc: 200 cases")
    text = path.read_text()
    for words in ("GTR alone", "1 steps", "2 steps", "a perfect model", "lidc: 200 cases", "seconds for 100 samples"):
        assert words in text
    assert "currentColor" not in text and "#222222" in text
    first = path.read_bytes()
    write_pareto(path, points(), 100, about="lidc: 200 cases")
    assert path.read_bytes() == first, "the same figure twice is the same file"


def test_a_png_is_a_picture(tmp_path: Path) -> None:
    write_pareto(tmp_path / "pareto.png", points(), 100, about="")
    assert Image.open(tmp_path / "pareto.png").size[0] > 1000


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.svg, \.png, \.pdf"):
        write_pareto(tmp_path / "pareto.docx", points(), 100, about="")
