"""Configurations, splits and other JSON, TOML and YAML: deep, huge, recursive, not numbers, not text."""

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

YAML = b"""preset: lidc
method:
  gtr: {widths: [8, 16], patch: 2}
  sfm:
    widths: [8, 16, 24]
    alpha: 0.001
stages:
  sfm:
    decay: none
    steps: 7
"""


def laughs(levels: int, wide: int = 9) -> bytes:
    """A YAML whose aliases stand for `wide ** levels` words."""
    lines = [b"a0: &a0 [lol]"]
    for level in range(1, levels):
        names = b", ".join(b"*a%d" % (level - 1) for _ in range(wide))
        lines.append(b"a%d: &a%d [%b]" % (level, level, names))
    return b"\n".join(lines)


def config_kind() -> Kind:
    valid = named("a.toml", {"toml": TOML, "toml of nothing": b""}) | named("a.yaml", {"yaml": YAML})
    shared = {f"json, {name}": content for name, content in JSONS.items()}
    hostile = lazily("a.toml", toml_hostile()) | lazily("a.yaml", yaml_hostile() | shared)
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
        "toml section that is a number": b"[method]\ngtr = 3",
        "toml array of sections": b"[[method.gtr]]\nwidths = [1]",
        "toml widths of nothing": b"[method.gtr]\nwidths = []",
        "toml widths of 10^5": b"[method.gtr]\nwidths = [" + b"8," * 10**5 + b"]",
        "toml widths below nothing": b"[method.gtr]\nwidths = [-1, 0]",
        "toml window below nothing": b"window = [-5, 0]",
        "toml bytes that are no text": b"seed = '\xff'",
        "toml null characters": bytes(500),
        "toml true for a number": b"seed = true",
    }


def yaml_hostile() -> dict[str, bytes]:
    return {
        "yaml of 9^9 laughs": laughs(10),
        "yaml of 9^9 laughs in a field": laughs(10) + b"\nwindow: *a9",
        "yaml of 2^40 laughs": laughs(40, 2),
        "yaml that merges": b"a0: &a0 {x: 1}\n"
        + b"\n".join(b"a%d: &a%d {<<: [%b]}" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)),
        "yaml that merges itself": b"&a\n<<: *a\nseed: 1",
        "yaml list in itself": b"window: &a [*a]",
        "yaml table in itself": b"&a\nseed: 1\nmethod: *a",
        "yaml 10^4 lists deep": b"seed: " + b"[" * 10**4 + b"]" * 10**4,
        "yaml 900 lists deep": b"seed: " + b"[" * 900 + b"]" * 900,
        "yaml 10^4 lists deep by dashes": b"- " * 10**4 + b"1",
        "yaml calls": b"seed: !!python/object/apply:os.system ['touch CANARY']",
        "yaml calls as a whole": b"!!python/object/new:os.system ['touch CANARY']",
        "yaml name": b"seed: !!python/name:os.system",
        "yaml tuple": b"window: !!python/tuple [16, 16]",
        "yaml set": b"window: !!set {16, 17}",
        "yaml ordered": b"window: !!omap [a: 1, b: 2]",
        "yaml bytes": b"seed: !!binary aGVsbG8=",
        "yaml bytes that are none": b"seed: !!binary '***'",
        "yaml date": b"seed: 2001-12-14",
        "yaml date that is none": b"seed: 2001-99-99",
        "yaml time that is none": b"seed: 2001-12-14t99:99:99.10-99:00",
        "yaml date for a name": b"2001-12-14: 1",
        "yaml number for a name": b"1: 2",
        "yaml NaN for a name": b".nan: 2",
        "yaml nothing for a name": b"~: 2",
        "yaml truth for a name": b"true: 2",
        "yaml list for a name": b"? [a, b]\n: 1",
        "yaml bytes for a name": b"!!binary aGVsbG8=: 1",
        "yaml number of 5000 digits": b"seed: " + b"9" * 5000,
        "yaml number of 4000 digits": b"seed: " + b"9" * 4000,
        "yaml number of sixties": b"seed: " + b"190" + b":59" * 5000,
        "yaml float of sixties": b"seed: " + b"190" + b":59" * 5000 + b".5",
        "yaml binary of 10^5": b"seed: 0b" + b"1" * 10**5,
        "yaml hexadecimal of 10^5": b"seed: 0x" + b"f" * 10**5,
        "yaml underscores": b"seed: 0x_",
        "yaml binary of underscores": b"seed: 0b_",
        "yaml infinity": b"stages: {gtr: {lr: .inf}}",
        "yaml NaN": b"method: {sfm: {alpha: .nan}}",
        "yaml two documents": b"seed: 1\n---\nseed: 2",
        "yaml list": b"- seed: 1",
        "yaml text": b"seed",
        "yaml preset that is a list": b"preset: [lidc]",
        "yaml preset that is a table": b"preset: {a: 1}",
        "yaml control characters": b"seed: \x07",
        "yaml surrogate": b'preset: "\\ud800"',
        "yaml lines": b'"a\\nb": 1',
        "yaml value of lines": b'method: {gtr: {blocks: "a\\nb"}}',
        "yaml text of 10^5 letters": b"seed: " + b"a" * 10**5,
        "yaml tag of 10^5 letters": b"seed: !" + b"a" * 10**5 + b" 1",
        "yaml anchor that is not there": b"seed: *nowhere",
        "yaml of 10^4 anchors": b"\n".join(b"a%d: &a%d 1" % (i, i) for i in range(10**4)),
        "yaml UTF-16": "seed: 1".encode("utf-16"),
        "yaml percent": b"%YAML 9.9\n---\nseed: 1",
        "yaml value": b"=: 1\nseed: =",
    }
