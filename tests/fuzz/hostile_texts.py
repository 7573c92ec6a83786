"""Configurations, splits and other JSON and TOML: deep, huge, not numbers, not text."""

from collections.abc import Callable
from functools import partial

from corpus import Files, Kind

__all__ = ["JSONS", "config_kind", "splits_kind"]

# What every reader of JSON meets, whatever it expects.
JSONS: dict[str, bytes] = {
    "nothing": b"",
    "a number": b"3",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "NaN": b"NaN",
    "infinity": b'{"a": [Infinity, -Infinity, 1e999]}',
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a number of 10^6 digits": b'{"a": ' + b"9" * 10**6 + b"}",
    "a version of 5000 digits": b'{"version": ' + b"9" * 5000 + b"}",
    "a version of 4000 digits": b'{"version": ' + b"9" * 4000 + b"}",
    "10^5 lists deep": b"[" * 10**5 + b"]" * 10**5,
    "10^5 objects deep": b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
    "900 lists deep": b'{"version": ' + b"[" * 900 + b"]" * 900 + b"}",
    "10^5 lists deep and no end": b"[" * 10**5,
    "a lone surrogate": b'{"\\ud800": ["\\udfff"]}',
    "a null character": b'{"a\\u0000b": "\\u0000"}',
    "lines in a name": b'{"a\\nb\\rc\\u2028d": ["e\\nf"], "version": "1\\n2"}',
    "the same name twice": b'{"version": 1, "version": 2}',
    "bytes that are no text": b'{"a": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "ten thousand names": b"{" + b",".join(b'"n%d": %d' % (i, i) for i in range(10**4)) + b"}",
    "a name of 10^6 letters": b'{"' + b"n" * 10**6 + b'": 1}',
    "a version of 10^6 letters": b'{"version": "' + b"v" * 10**6 + b'"}',
}


def only(name: str, content: bytes) -> Files:
    return {name: content}


def splits_kind() -> Kind:
    valid = {
        "splits": b'{"train": ["p1", "p2"], "val": ["p3"], "test": ["p4", "p5"]}',
        "splits of nobody": b'{"train": [], "test": []}',
    }
    hostile = JSONS | {
        "a patient in two": b'{"train": ["p1"], "test": ["p1"]}',
        "a patient of lines": b'{"train": ["a\\nb"], "test": ["a\\nb"]}',
        "a patient of surrogates": b'{"train": ["\\ud800"], "test": ["\\ud800"]}',
        "a patient of 10^6 letters": b'{"a": ["%b"], "b": ["%b"]}' % (b"p" * 10**6, b"p" * 10**6),
        "patients that are numbers": b'{"train": [1, 2]}',
        "a split of no list": b'{"train": "p1"}',
        "a split of one deep": b'{"train": [["p1"]]}',
    }
    return Kind(named("a.json", valid), lazily("a.json", hostile))


def named(file: str, contents: dict[str, bytes]) -> dict[str, Files]:
    return {name: {file: content} for name, content in contents.items()}


def lazily(file: str, contents: dict[str, bytes]) -> dict[str, Callable[[], Files]]:
    return {name: partial(only, file, content) for name, content in contents.items()}


# ---- configurations ----

TOML = b"""preset = "phantom"
seed = 3
window = [16, 16]
[method.gtr]
widths = [8, 16]
bottom = true
[method.sfm]
solver = "heun"
temperature = 1.25
[stages.gtr]
steps = 20
lr = 1e-3
[augment]
warp = 0.5
"""

JSON_CONFIG = b"""{"preset": "lidc", "method": {"gtr": {"widths": [8, 16], "patch": 2}, "sfm": {"alpha": 0.001}},
 "stages": {"sfm": {"decay": "none", "steps": 7}}}"""


def config_kind() -> Kind:
    valid = named("a.toml", {"toml": TOML, "toml of nothing": b""}) | named("a.json", {"json": JSON_CONFIG})
    shared = {f"json, {name}": content for name, content in JSONS.items()}
    hostile = lazily("a.toml", toml_hostile()) | lazily("a.json", json_hostile() | shared)
    return Kind(valid, hostile)


def toml_hostile() -> dict[str, bytes]:
    return {
        "toml number of 5000 digits": b"seed = " + b"9" * 5000,
        "toml number of 4000 digits": b"seed = " + b"9" * 4000,
        "toml number of 2^70": b"seed = %d" % 2**70,
        "toml hexadecimal of 10^6": b"seed = 0x" + b"f" * 10**6,
        "toml infinity": b"[stages.gtr]\nlr = inf",
        "toml NaN": b"[stages.gtr]\nlr = nan",
        "toml NaN in a weight": b"[method.sfm]\nalpha = nan\ntemperature = inf",
        "toml 10^5 arrays deep": b"seed = " + b"[" * 10**5 + b"]" * 10**5,
        "toml 900 arrays deep": b"seed = " + b"[" * 900 + b"]" * 900,
        "toml 10^4 tables deep": b"[" + b".".join([b"a"] * 10**4) + b"]\nb = 1",
        "toml 900 tables deep": b"[" + b".".join([b"a"] * 900) + b"]\nb = 1",
        "toml date": b"seed = 1979-05-27T07:32:00Z",
        "toml date that is none": b"seed = 2001-99-99",
        "toml field twice": b"seed = 1\nseed = 2",
        "toml surrogate": b'preset = "\\ud800"',
        "toml lines": b'preset = "a\\nb"\n"c\\nd" = "e"',
        "toml unknown field of lines": b'"c\\nd\\u2028" = "e"',
        "toml value of lines": b'seed = "a\\nb"',
        "toml value of 10^6 letters": b'seed = "' + b"a" * 10**6 + b'"',
        "toml field of 10^6 letters": b"a" * 10**6 + b" = 1",
        "toml preset that is a list": b"preset = [1]",
        "toml preset that is a table": b"[preset]\na = 1",
        "toml section that is a number": b"method = 3",
        "toml array of sections": b"[[method.gtr]]\nwidths = [1]",
        "toml widths of nothing": b"[method.gtr]\nwidths = []",
        "toml widths of 10^5": b"[method.gtr]\nwidths = [" + b"8," * 10**5 + b"]",
        "toml widths below nothing": b"[method.gtr]\nwidths = [-1, 0]",
        "toml window below nothing": b"window = [-5, 0]",
        "toml bytes that are no text": b"seed = '\xff'",
        "toml null characters": bytes(500),
        "toml true for a number": b"seed = true",
    }


def json_hostile() -> dict[str, bytes]:
    return {
        "json infinity": b'{"stages": {"gtr": {"lr": Infinity}}}',
        "json NaN": b'{"method": {"sfm": {"alpha": NaN}}}',
        "json huge exponent": b'{"stages": {"gtr": {"lr": 1e999}}}',
        "json method of no name": b'{"method": {"name": null}}',
        "json method of another name": b'{"method": {"name": "gtr", "sfm": {}}}',
        "json method that is a list": b'{"method": [1]}',
        "json stage that is not there": b'{"stages": {"gone": {"steps": 3}}}',
        "json preset that is a list": b'{"preset": ["lidc"]}',
        "json preset that is a table": b'{"preset": {"a": 1}}',
        "json surrogate": b'{"preset": "\\ud800"}',
        "json lines in a name": b'{"a\\nb": 1}',
        "json lines in a value": b'{"method": {"gtr": {"blocks": "a\\nb"}}}',
        "json text of 10^5 letters": b'{"seed": "' + b"a" * 10**5 + b'"}',
    }
