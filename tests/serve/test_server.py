"""The process: it says its address, ends at once, frees the place of who hangs up, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from atfm.cli.main import main
from atfm.errors import InputError
from atfm.serve.private import PREFIX, private_files, private_folder, sweep
from atfm.serve.server import Server, access_of, bound

pytestmark = pytest.mark.timeout(120)


class Process:
    """`atfm serve` in a process of its own."""

    def __init__(self, *words: str, **environment: str) -> None:
        command = ["serve", "lidc-large", "--port", "0", "--json", "--threads", "1", *words]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "atfm", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.said = json.loads(line)
        self.client = httpx.Client(base_url=self.said["address"], timeout=30)

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str, float]:
        """Its status, what it said on standard error, and the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=2 * PATIENCE)
        self.client.close()
        return self.process.returncode, said, time.monotonic() - began

    def example(self) -> str:
        return self.client.post("api/v1/cases/0").json()["id"]

    def waiting(self) -> float:
        """Callers at the desk that draws."""
        lines = self.client.get("metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith('atfm_waiting{desk="drawing"}'))


def soon(truth: Callable[[], Any]) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if truth():
            return True
        time.sleep(0.05)
    return False


STREAM = {"Accept": "text/event-stream"}
PATIENCE = 30.0  # seconds, on a machine that has much else to do
LONG = {"n": 1024, "chunk": 1, "steps": 20}  # many words on the way, at each of which it can be left


def test_a_process_from_its_start_to_its_end(capsys) -> None:
    """One for all of this: to start it takes longer than the rest."""
    running = Process("--waiting", "1", "--log")
    try:
        says_its_address_and_answers(running)
        frees_the_place_of_who_hangs_up(running)
        tells_of_a_full_line_with_a_time(running)
        refuses_what_is_no_http_in_the_same_shape(running)
        tells_of_a_port_in_use_in_one_line(running, capsys)
        ends_open_streams_at_once(running)
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)


def says_its_address_and_answers(running: Process) -> None:
    assert running.said["models"] == ["lidc-large"] and running.said["address"].startswith("http://127.0.0.1:")
    assert running.client.get("/").headers["content-type"] == "text/html; charset=utf-8"
    assert running.client.get("api/v1/model").json()["name"] == "lidc-large"


def frees_the_place_of_who_hangs_up(running: Process) -> None:
    image = running.example()
    wish = {"image": image, **LONG}
    with httpx.Client(base_url=running.said["address"]) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post("api/v1/samples", json=wish, timeout=httpx.Timeout(5, read=0.3))
    assert soon(lambda: running.waiting() == 0)
    with httpx.stream("POST", f"{running.said['address']}api/v1/samples", json=wish, headers=STREAM) as stream:
        assert next(stream.iter_text()).startswith("event: queued")
    assert soon(lambda: running.waiting() == 0)
    assert running.client.post("api/v1/samples", json={"image": image, "n": 1}).status_code == 200


def tells_of_a_full_line_with_a_time(running: Process) -> None:
    image, url = running.example(), f"{running.said['address']}api/v1/samples"
    with httpx.Client() as one, httpx.Client() as two:
        wish = {"image": image, **LONG}
        streams = [client.stream("POST", url, json=wish, headers=STREAM) for client in (one, two)]
        opened = [stream.__enter__() for stream in streams]
        assert soon(lambda: running.waiting() == 2)
        refused = running.client.post(url, json={"image": image})
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "busy"
        assert running.client.get("healthz").elapsed.total_seconds() < 2  # the event loop is free
        for response in opened:
            response.close()
    assert soon(lambda: running.waiting() == 0)


def refuses_what_is_no_http_in_the_same_shape(running: Process) -> None:
    host, port = running.said["address"].removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port)), 5) as line:
        line.sendall(b"nonsense\r\n\r\n")
        answer = b""
        while part := line.recv(4096):
            answer += part
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400 ") and json.loads(body)["error"]["code"] == "bad-request"


def tells_of_a_port_in_use_in_one_line(running: Process, capsys: pytest.CaptureFixture[str]) -> None:
    port = running.said["address"].strip("/").rpartition(":")[2]
    assert main(["serve", "lidc", "--port", port]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "in use" in said and "--port" in said


def ends_open_streams_at_once(running: Process) -> None:
    heard: list[str] = []
    image = running.example()

    def listen() -> None:
        url = f"{running.said['address']}api/v1/samples"
        with httpx.stream("POST", url, json={"image": image, **LONG}, headers=STREAM, timeout=30) as stream:
            heard.extend(stream.iter_lines())

    listener = threading.Thread(target=listen)
    listener.start()
    assert soon(lambda: running.waiting() == 1 and running.client.get("readyz").status_code == 200)
    status, said, seconds = running.end(signal.SIGTERM)
    listener.join(10)
    assert status == 0 and seconds < PATIENCE, (status, seconds, said)  # the drawing would have gone on for minutes
    last = [line for line in heard if line.startswith("data: ")][-1]
    assert json.loads(last[6:])["error"]["code"] == "busy" and "stopping" in last
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines and all(line["event"] == "request" for line in lines)
    assert not (image in said or "nodule" in said)


def test_killed_while_images_arrive_it_leaves_none_on_the_disk(kit, tmp_path: Path) -> None:
    content, stop = kit.zipped(kit.series(depth=200, side=32)), threading.Event()
    started = Process("--scratch", str(tmp_path))

    def send() -> None:
        with httpx.Client(base_url=started.said["address"], timeout=30) as client:
            while not stop.is_set():
                try:
                    client.post("api/v1/images", content=content)
                except httpx.HTTPError:
                    return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert soon(lambda: list(tmp_path.glob("*/member-*")))  # it reads at this very moment
    finally:
        started.end(signal.SIGKILL)
        stop.set()
    sender.join(PATIENCE)
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or file.is_symlink() or file.stat().st_size == 0, "an upload lies on the disk"
        assert not file.is_symlink() or not file.exists(), "the file in memory outlived its process"
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_private_files_lie_in_memory_in_a_folder_of_our_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("atfm.serve.private.resource.getrlimit", lambda which: (40, 40))
    for many, link in (({"a": b"1", "b": b"2"}, True), ({str(k): b"x" for k in range(11)}, False)):
        with private_files(many, tmp_path) as folder:
            assert folder.stat().st_mode & 0o777 == 0o700 and folder.name.startswith(PREFIX)
            found = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}
            assert found == many and all((folder / name).is_symlink() == link for name in many)
            assert sweep(tmp_path) == 0  # the living keep theirs
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), private_folder(tmp_path) as folder:
        (folder / "b").write_bytes(b"2")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_token_for_every_address_that_others_reach(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    with pytest.raises(InputError, match="--token-file"):
        access_of("0.0.0.0", None)
    for text in ("short", "two words of some length", ""):
        secret.write_text(text)
        with pytest.raises(InputError, match="16 characters"):
            access_of("0.0.0.0", secret)
    with pytest.raises(InputError, match="cannot be read"):
        access_of("0.0.0.0", tmp_path / "nothing")
    secret.write_text("a-secret-of-many-letters\n")
    found = access_of("0.0.0.0", secret)
    assert (found.loopback, found.token) == (False, "a-secret-of-many-letters")
    assert access_of("127.0.0.1", secret).token and access_of("localhost", None).loopback


def test_mistakes_of_the_command_line_are_one_line(monkeypatch, capsys) -> None:
    for words, told in (
        (["--host", "0.0.0.0"], "--token-file"), (["--port", "99999"], "--port"), (["--waiting", "0"], "--waiting"),
        (["--host", "203.0.113.7", "--token-file", __file__], "--token-file"),
        (["--store", "/nowhere", "--port", "0"], "nowhere"),
    ):  # fmt: skip
        assert main(["serve", "lidc", *words]) == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1 and told in said
    with pytest.raises(InputError, match="cannot be listened on"):
        bound("203.0.113.7", 0)
    find = util.find_spec
    monkeypatch.setattr("atfm.cli.serve.find_spec", lambda name: None if name == "fastapi" else find(name))
    assert main(["serve", "lidc"]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "pip install atfm[serve]" in said


def test_what_expired_goes_by_itself(serve, monkeypatch) -> None:
    caller, swept = serve(), []
    monkeypatch.setattr(caller.service, "sweep", lambda: swept.append(1))
    server = Server(uvicorn.Config(caller.app), caller.service, lambda: None)
    for counter in range(250):
        caller.run(server.on_tick(counter))
    assert len(swept) == 3
