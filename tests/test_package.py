"""`import atfm`: quick, small, and its example runs."""

import doctest
import subprocess
import sys

import pytest

import atfm


def test_the_example_runs() -> None:
    failed, attempted = doctest.testmod(atfm)
    assert failed == 0 and attempted == 5


def test_importing_it_needs_neither_torch_nor_numpy() -> None:
    code = "import sys, atfm; atfm.__version__; print(sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_it_hands_out_what_it_lists_and_no_more() -> None:
    assert dir(atfm) == sorted(atfm.__all__) == ["Prediction", "Store", "__version__", "example", "load", "score_case"]
    assert all(getattr(atfm, name) is not None for name in atfm.__all__)
    with pytest.raises(AttributeError, match="no attribute 'draw'"):
        atfm.draw  # noqa: B018
