"""Knegt's pickle of LIDC: whole, in every protocol, lying, and calling."""

import os
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from corpus import Files, Kind
from hostile_packages import inside, zip_hostile, zipped
from hostile_pickles import PICKLES, Calls, called
from hostile_rasters import BINARY, COLOUR, GREY

__all__ = ["lidc_pickle_kind"]


def entries(image: Any = GREY / 255, masks: Any = (BINARY, 1 - BINARY), series: Any = "1.2.3") -> dict[Any, Any]:
    case = {"image": image, "masks": list(masks), "series_uid": series}
    return {"first": case, "second": {"image": GREY, "masks": [BINARY], "series_uid": "1.2.4"}}


def lidc_pickle_kind() -> Kind:
    valid: dict[str, Files] = {}
    for protocol in range(6):
        content = pickle.dumps(entries(), protocol)
        valid[f"pickle of protocol {protocol}"] = {"a.pickle": content}
        if protocol in (2, 4):
            valid[f"pickle of protocol {protocol}, zipped"] = {"a.zip": zipped({"all.pickle": content})}
    valid["pickle of stacks"] = {"a.pickle": pickle.dumps(entries(masks=np.stack([BINARY] * 3)), 4)}
    hostile: dict[str, Callable[[], Files]] = {}
    for name, content in PICKLES.items():
        hostile[f"pickle, {name}"] = partial(plain, content)
        hostile[f"pickle, zipped, {name}"] = partial(packed, content)
    for name, value in lying().items():
        hostile[f"pickle, {name}"] = partial(dumped, value)
    whole = {"all.pickle": pickle.dumps(entries(), 2)}
    hostile |= zip_hostile("a.zip", whole, "all.pickle")
    evil = called("os", "system", "touch CANARY")[2:-1]  # without its protocol and its end
    for where in ("(", "K\x01", "]", "}"):
        start = b"\x80\x02" + where.encode("latin-1")
        hostile[f"pickle, a call behind {where!r}"] = partial(plain, start + evil + b".")
    return Kind(valid, hostile, None, partial(inside, "a.zip"))


def plain(content: bytes) -> Files:
    return {"a.pickle": content}


def packed(content: bytes) -> Files:
    return {"a.zip": zipped({"all.pickle": content})}


def dumped(value: Any) -> Files:
    return {"a.pickle": pickle.dumps(value, 4)}


def lying() -> dict[str, Any]:
    """Dicts whose entries are not what they should be."""
    objects = np.empty(3, object)
    images = {
        "objects": objects,
        "text": np.array(["a", "b"]),
        "dates": np.zeros((6, 9), "M8[ns]"),
        "complex numbers": GREY * 1j,
        "long floats": GREY.astype(np.longdouble),
        "fields": np.zeros((6, 9), [("a", "u1"), ("b", "f4")]),
        "no pixel": np.zeros((0, 9)),
        "no axis": np.float32(3),
        "eight axes": np.zeros((1,) * 8),
        "NaN": np.full((6, 9), np.nan),
        "values of 1e300": np.full((6, 9), 1e300),
        "negative values": GREY.astype(np.int16) - 300,
        "colour": COLOUR,
        "fortran order": np.asfortranarray(GREY),
        "a call": Calls(os.system, "touch CANARY"),
        "an array that calls": [Calls(os.system, "touch CANARY")],
        "none": None,
        "a list": GREY.tolist(),
        "a number of 10^5 digits": 10**100_000,
        "infinity": float("inf"),
        "a matrix": np.asmatrix(GREY),
        "a masked array": np.ma.masked_array(GREY),
        "a record array": np.rec.array([(1, 2.0)]),
    }
    made: dict[str, Any] = {f"image of {name}": entries(image=image) for name, image in images.items()}
    made |= {f"masks of {name}": entries(masks=[image, BINARY]) for name, image in images.items()}
    made |= {
        "no masks": entries(masks=[]),
        "masks of two sizes": entries(masks=[BINARY, BINARY.T.copy()]),
        "masks of 3": entries(masks=[BINARY * 3]),
        "300 masks": entries(masks=[BINARY] * 300),
        "70000 masks": entries(masks=[BINARY] * 70000),
        "series of lines": entries(series="a\nb\u2028"),
        "series of surrogates": entries(series="\ud800"),
        "series of 10^5 letters": entries(series="s" * 10**5),
        "series of 10^5 digits": entries(series=10**100_000),
        "series of bytes": entries(series=b"1.2.3"),
        "case of lines": {"a\nb\u2028": entries()["first"]},
        "case of surrogates": {"\ud800": entries()["first"]},
        "case of 10^5 letters": {"c" * 10**5: entries()["first"]},
        "case of 10^5 digits": {10**100_000: entries()["first"]},
        "case of 10^5 digits without fields": {10**100_000: {}},
        "case of a tuple": {(1, 2): entries()["first"]},
        "case True beside case 1": {True: entries()["first"], "True": entries()["first"]},
        "cases 1 and '1'": {1: entries()["first"], "1": entries()["second"]},
        "entry of a list": {"first": [1]},
        "nothing": {},
        "a list": [entries()],
        "2000 cases without fields": {f"c{i}": {} for i in range(2000)},
        "a masks array of nothing": entries()
        | {"third": {"image": GREY, "masks": np.zeros((0, 6, 9)), "series_uid": "1"}},
    }
    return made
