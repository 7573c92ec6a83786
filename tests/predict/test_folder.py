"""The folder of a result: a unit, one writer, never another result's place, and no way out of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atfm.errors import BusyError, DiskError, InputError
from atfm.predict.folder import RESULT, STAGE, held, published, seal

MADE_BY = {"image": "a" * 64, "seed": 0}


def put(folder: Path, text: str, names: list[str], *, overwrite: bool = False, **made_by: object) -> None:
    """Publish files of one text."""
    made = MADE_BY | made_by
    with held(folder, made, overwrite=overwrite), published(folder, overwrite=overwrite) as stage:
        for name in names:
            (stage / name).parent.mkdir(exist_ok=True)
            (stage / name).write_text(text)
        result = {"made_by": made, "files": {"masks": names}, "hypotheses": []}
        (stage / RESULT).write_text(json.dumps(seal(stage, result)))


def content(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file() and f.name != RESULT}


def test_the_same_result_is_replaced_and_another_is_not(tmp_path: Path) -> None:
    put(tmp_path / "a", "one", ["m-0.png", "s-1/m.png", "overlay.png"])
    (tmp_path / "a" / "notes.txt").write_text("mine")
    put(tmp_path / "a", "two", ["m-0.png", "s-2/m.png", "overlay.png"])
    wanted = {"m-0.png": "two", "s-2/m.png": "two", "overlay.png": "two", "notes.txt": "mine"}
    assert content(tmp_path / "a") == wanted and not (tmp_path / "a" / "s-1").exists()
    with pytest.raises(InputError, match="holds another result: seed 0, not 1; choose another --out, or replace it"):
        put(tmp_path / "a", "three", ["m-0.png"], seed=1)
    assert content(tmp_path / "a") == wanted
    put(tmp_path / "a", "three", ["m-0.png"], seed=1, overwrite=True)
    assert content(tmp_path / "a") == {"m-0.png": "three", "notes.txt": "mine"}


def test_a_result_that_does_not_say_what_made_it_is_not_replaced(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"made_by": 3}', "[" * 100_000):
        (tmp_path / RESULT).write_text(text)
        with pytest.raises(InputError, match="does not say what made it"):
            put(tmp_path, "new", ["m.png"])
        assert (tmp_path / RESULT).read_text() == text


def test_files_that_are_no_results_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "overlay.png").write_text("mine")
    with pytest.raises(InputError, match=r"overlay.png: is there already"):
        put(tmp_path, "new", ["m.png"])
    (tmp_path / "overlay.png").unlink()
    (tmp_path / "m.png").write_text("mine")
    with pytest.raises(InputError, match=r"m.png: is there already"):
        put(tmp_path, "new", ["m.png"])
    assert content(tmp_path) == {"m.png": "mine"}


def test_what_a_json_lists_is_removed_in_its_folder_only(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "m.png").write_text("mine")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    listed = ["../victim", str(tmp_path / "victim"), "link/m.png", "a/../../victim", ".hidden", "", 3, None]
    (tmp_path / "out" / ".hidden").write_text("mine")
    (tmp_path / "out" / RESULT).write_text(json.dumps({"made_by": MADE_BY, "files": {"masks": listed}}))
    put(tmp_path / "out", "new", ["m.png"])
    assert (tmp_path / "victim").exists() and (tmp_path / "elsewhere" / "m.png").exists()
    assert (tmp_path / "out" / ".hidden").exists()


@pytest.mark.parametrize("place", ["", "s-1", "m.png", RESULT, STAGE])
def test_nothing_is_written_through_a_planted_link(tmp_path: Path, place: str) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    if place in ("m.png", RESULT):
        victim.write_text("mine")
    else:
        victim.mkdir()
        (victim / "m.png").write_text("mine")
    if place:
        out.mkdir()
    (out / place).symlink_to(victim)
    try:
        put(out, "new", ["m.png", "s-1/m.png"])
    except (DiskError, InputError) as error:
        assert "link" in str(error) or "is there already" in str(error) or "does not say" in str(error)
    assert (victim if victim.is_file() else victim / "m.png").read_text() == "mine"
    assert not (victim / "s-1").exists() if victim.is_dir() else True


def test_a_run_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    put(tmp_path / "a", "one", ["m.png"])
    with (
        pytest.raises(KeyboardInterrupt),
        held(tmp_path / "a", MADE_BY, overwrite=False),
        published(tmp_path / "a", overwrite=False) as stage,
    ):
        (stage / "m.png").write_text("two")
        raise KeyboardInterrupt
    assert content(tmp_path / "a") == {"m.png": "one"}
    with pytest.raises(ValueError), held(tmp_path / "b", MADE_BY, overwrite=False):
        raise ValueError
    assert not (tmp_path / "b").exists()


def stopping(usual: Callable[..., object], left: list[int]) -> Callable[..., object]:
    """The same until there are no steps left; a dead process then does nothing more."""

    def step(*args: object, **more: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise SystemExit
        return usual(*args, **more)

    return step


def cuts(begin: Callable[[], object], work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Stop `work` at each of its steps that move, remove or make a name, as if the process were killed there."""
    for limit in range(1000):
        begin()
        left = [limit]
        with monkeypatch.context() as patch:
            for owner, name in [
                (Path, "replace"),
                (Path, "unlink"),
                (Path, "rmdir"),
                (Path, "mkdir"),
                (shutil, "rmtree"),
            ]:
                patch.setattr(owner, name, stopping(getattr(owner, name), left))
            try:
                work()
                return
            except SystemExit:
                pass
        yield limit


def test_killed_anywhere_it_never_mixes_two_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = ["m-0.png", "m-1.png", "s-1/m.png"], ["m-0.png", "s-1/m.png", "s-2/m.png"]
    out, seen = tmp_path / "out", set()

    def begin() -> None:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(tmp_path / "before", out)

    put(tmp_path / "before", "old", old)
    for _ in cuts(begin, lambda: put(out, "new", new, seed=1, overwrite=True), monkeypatch):
        visible = {name: text for name, text in content(out).items() if not name.startswith(".")}
        assert len(set(visible.values())) <= 1, visible
        whole = (out / RESULT).exists()
        if whole:
            text = "new" if '"seed": 1' in (out / RESULT).read_text() else "old"
            assert set(visible.values()) == {text} and set(visible) == set(new if text == "new" else old)
        with held(out, MADE_BY, overwrite=True):  # the next run goes on, or begins anew
            names = set(content(out)) - {".lock"}
        assert names in (set(old), set(new)) and (out / RESULT).exists() and not (out / STAGE).exists()
        seen.add(whole)
    assert seen == {True, False}
    assert set(content(out)) == set(new)


def test_two_writers_cannot_be_in_one_folder(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from atfm.predict.folder import held
with held(Path({str(tmp_path / "a")!r}), {{}}, overwrite=False):
    print("held", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {other.pid}"), held(tmp_path / "a", MADE_BY, overwrite=False):
            pass
        other.kill()
    with held(tmp_path / "a", MADE_BY, overwrite=False):  # gone with its owner
        pass


def test_what_is_there_and_whole_is_handed_back(tmp_path: Path) -> None:
    def there(**made_by: object) -> bool:
        with held(tmp_path / "a", MADE_BY | made_by, overwrite=bool(made_by)) as found:
            return found is not None and found["made_by"] == MADE_BY

    assert not there()
    put(tmp_path / "a", "one", ["m.png", "s-1/m.png"])
    assert there() and not there(seed=1)
    file = tmp_path / "a" / RESULT
    for damage in (
        lambda: file.write_text(file.read_text().replace('"hypotheses": []', '"hypotheses": [1]')),
        lambda: (tmp_path / "a" / "m.png").write_text("two"),
        lambda: (tmp_path / "a" / "s-1" / "m.png").unlink(),
    ):
        damage()
        assert not there()
        put(tmp_path / "a", "one", ["m.png", "s-1/m.png"])
        assert there()
