"""Nothing is written through a link."""

from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.disk.links import refuse_link
from atfm.errors import DiskError


def test_a_link_is_named_with_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    refuse_link(tmp_path / "real")
    refuse_link(tmp_path / "missing")
    refuse_link(tmp_path / "link" / "below")  # the folders above are the user's own
    with pytest.raises(DiskError, match="a link to real, which is not followed"):
        refuse_link(tmp_path / "link")


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "lidc", "a.png", "--out"],
        ["train", "phantom", "--out"],
        ["evaluate", "lidc", "store", "--out"],
        ["data", "import", "phantom", "--out"],
    ],
)
def test_no_command_follows_its_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "victim").mkdir()
    (tmp_path / "planted").symlink_to(tmp_path / "victim")
    assert main([*words, "planted"]) == 2
    assert "planted: a link to" in capsys.readouterr().err
    assert not list((tmp_path / "victim").iterdir())
