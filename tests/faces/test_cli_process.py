"""The command as a process: pipes, terminals, settings, the demo, errors of connections."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.faces.command import COMMAND, environment, odac_db

POSTS = "columns:\n  id: {type: increments}\n  title: {type: string, length: 40}\n"
LOCAL = ("--url", "sqlite:///app.db", "--schema", "schema")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "posts.yaml").write_text(POSTS)
    return tmp_path


def test_settings_come_from_pyproject_and_the_environment(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.odac-db]\nurl = "sqlite:///${NAME}.db"\nschema = "schema"\n'
    )
    missing = odac_db("migrate", cwd=folder)
    assert missing.code == 2
    assert "NAME" in missing.err
    assert odac_db("migrate", cwd=folder / "schema", NAME="one").code == 0
    assert (folder / "one.db").exists()
    assert odac_db("migrate", cwd=folder, ODAC_DB_URL="sqlite:///two.db").code == 0
    assert (folder / "two.db").exists()


def test_a_sub_folder_is_a_connection_with_a_url_of_its_own(folder: Path) -> None:
    (folder / "schema" / "logs").mkdir()
    (folder / "schema" / "logs" / "events.yaml").write_text(POSTS)
    silent = odac_db("migrate", *LOCAL, cwd=folder)
    assert silent.code == 1
    assert "logs" in silent.err
    answer = odac_db("migrate", *LOCAL, "--json", cwd=folder, ODAC_DB_URL_LOGS="sqlite:///logs.db")
    assert answer.code == 0
    assert set(answer.json["connections"]) == {"default", "logs"}
    assert (folder / "logs.db").exists()


def test_plan_check_and_status_make_no_file(folder: Path) -> None:
    for verb, code in (("plan", 0), ("check", 3), ("status", 0)):
        assert odac_db(verb, *LOCAL, cwd=folder).code == code
    assert not (folder / "app.db").exists()


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "plan", *LOCAL],
        cwd=folder,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """What the command writes when stdout is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(TERM="xterm-256color", **variables),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other end is closed.
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    process.wait(timeout=60)
    return b"".join(pieces).decode()


def test_a_terminal_gets_colours_unless_it_does_not_want_them(folder: Path) -> None:
    assert "\x1b[32m+ " in on_a_terminal(folder, "plan", *LOCAL)
    assert "\x1b[32m" not in on_a_terminal(folder, "plan", *LOCAL, NO_COLOR="1")
    assert "\x1b" not in odac_db("plan", *LOCAL, cwd=folder).out


def test_a_narrow_terminal_is_kept_to(folder: Path) -> None:
    text = on_a_terminal(folder, "plan", *LOCAL, COLUMNS="30", NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    tree = plain.split("Would apply")[0].splitlines()
    assert max(map(len, tree)) <= 30


def test_a_stream_of_another_encoding_gets_what_it_can_show(folder: Path) -> None:
    answer = odac_db("migrate", *LOCAL, cwd=folder, PYTHONIOENCODING="ascii")
    assert answer.code == 0
    assert answer.out.isascii()
    assert "+ create table" in answer.out


def test_a_server_that_is_away_is_an_error_without_the_password(folder: Path) -> None:
    url = "postgresql://ada:s3cr%40t@127.0.0.1:1/app?connect_timeout=2"
    answer = odac_db("plan", "--url", url, "--schema", "schema", "--json", cwd=folder)
    assert answer.code == 1
    assert answer.json["error"]["type"] == "ConnectionFailed"
    for text in (answer.out, answer.err):
        assert "s3cr" not in text
        assert "127.0.0.1" in text
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("url", ["oracle://ada:s3cret@h/x", "nonsense", "mysql://ada:s3cret"])
def test_a_url_for_no_server_is_refused_without_the_password(folder: Path, url: str) -> None:
    answer = odac_db("plan", "--url", url, "--schema", "schema", cwd=folder)
    assert answer.code in {1, 2}
    assert answer.out == ""
    assert "s3cret" not in answer.err
    assert "Traceback" not in answer.err
    assert "unexpected" not in answer.err


def test_a_schema_folder_that_is_not_there_is_an_error(folder: Path) -> None:
    answer = odac_db("plan", "--url", "sqlite:///app.db", "--schema", "nowhere", cwd=folder)
    assert answer.code == 1
    assert "nowhere" in answer.err
    assert "unexpected" not in answer.err


def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    answer = odac_db("demo", cwd=tmp_path, ODAC_DB_URL="postgresql://nobody@127.0.0.1:1/x")
    assert answer.code == 0, answer.err + answer.out
    assert answer.err == ""
    for command in ("migrate", "plan", "check", "status", "orphans list", "pull", "history"):
        assert f"$ odac-db {command}" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_the_demo_can_be_kept_and_played_with(tmp_path: Path) -> None:
    answer = odac_db("demo", "--keep", "shop", "--json", cwd=tmp_path)
    assert answer.code == 0, answer.err
    actions = [each for step in answer.json["steps"] for each in step.get("actions", [])]
    assert {each["exit_code"] for each in actions if "exit_code" in each} == {0, 3}
    assert odac_db("check", cwd=tmp_path / "shop").code == 0
    assert odac_db("demo", "--keep", "shop", cwd=tmp_path).code == 1


def test_the_version_is_shown(tmp_path: Path) -> None:
    answer = odac_db("--version", cwd=tmp_path)
    assert answer.code == 0
    assert answer.out.startswith("odac-db ")
