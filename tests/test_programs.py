"""Servers are found, are said to be missing in plain words, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import keeper, private, programs
from tests.fixtures.private import ServerFailed, Servers
from tests.fixtures.servers import Server, ids, urls_from, version_numbers


def make_programs(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_newest_installation_comes_first(tmp_path: Path) -> None:
    for version in ("9", "15", "18"):
        make_programs(tmp_path / version / "bin", *programs.NEEDED["postgresql"])
    places = programs.folders([f"{tmp_path}/*/bin"], path="/somewhere")
    assert [place.parent.name for place in places] == ["18", "15", "9", ""]
    found = programs.find("postgresql", places)
    assert found is not None
    assert {path.parent.parent.name for path in found.values()} == {"18"}


def test_programs_may_be_in_two_folders(tmp_path: Path) -> None:
    first = make_programs(tmp_path / "sbin", "mariadbd")
    second = make_programs(tmp_path / "bin", "mariadb-install-db")
    assert programs.find("mariadb", [second, first]) == {
        "mariadbd": first / "mariadbd",
        "mariadb-install-db": second / "mariadb-install-db",
    }
    assert programs.find("mariadb", [first]) is None
    assert programs.find("mariadb", []) is None


def test_c12_missing_servers_fail_and_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "folders", list)
    monkeypatch.setattr(programs, "installer", lambda: None)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    with pytest.raises(programs.ServersMissing) as caught:
        Servers({"ODAC_TEST_POSTGRESQL_URL": "postgresql://nowhere"})
    message = str(caught.value)
    assert "mariadb and redis" in message
    assert "apt-get install mariadb-server-core mariadb-client-core redis-server" in message
    assert "ODAC_TEST_MARIADB_URL, ODAC_TEST_REDIS_URL" in message
    assert "postgresql" not in message


def test_missing_servers_are_installed_where_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "folders", lambda: [tmp_path / "bin"])
    script = 'mkdir "$0"; printf "%s\\n" "$@" >"$0/redis-server"; chmod 755 "$0/redis-server"'
    command = ["sh", "-c", script, str(tmp_path / "bin")]
    monkeypatch.setattr(programs, "installer", lambda: ("apt", command))
    found = programs.programs(["redis"])["redis"]["redis-server"]
    assert found.read_text() == "redis-server\n"


def test_an_installation_that_fails_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "folders", list)
    monkeypatch.setattr(programs, "installer", lambda: ("apt", ["false"]))
    with pytest.raises(programs.ServersMissing, match="installing redis-server failed"):
        programs.programs(["redis"])


def test_macos_gets_its_own_advice() -> None:
    message = programs.missing_message(["postgresql", "redis"], "because", "Darwin")
    assert "brew install postgresql@17 redis" in message


def test_variables_name_servers() -> None:
    environment = {
        "ODAC_TEST_REDIS_URL": "redis://x",
        "ODAC_TEST_PG_NEWEST_URL": "postgresql://y",
        "ODAC_TEST_EMPTY_URL": "",
        "ODAC_TEST_DOSE": "long",
    }
    assert urls_from(environment) == {"redis": "redis://x", "pg_newest": "postgresql://y"}


def test_a_named_server_that_is_away_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "STARTED", ())
    with pytest.raises(ServerFailed, match="ODAC_TEST_OTHER_URL names a server that does not"):
        Servers({"ODAC_TEST_OTHER_URL": "redis://127.0.0.1:1/0"})


def test_versions_and_case_names() -> None:
    assert version_numbers("10.11.19-MariaDB-0+deb12u1") == (10, 11, 19)
    assert version_numbers("18.6 (Debian 18.6-3)") == (18, 6)
    one = Server("mysql", "MariaDB", (10, 11, 19), "mysql://x")
    assert ids([one, one]) == ["mariadb-10.11", "mariadb-10.11-2"]
    assert Server.from_json(one.as_json()) == one


OWNER = """
import json, os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
settings = {"prepare": [], "serve": ["sleep", "1000"], "user": None, "stop_signal": "SIGKILL"}
command = [sys.executable, sys.argv[1], json.dumps({"directory": sys.argv[2], **settings})]
keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_leaves_nothing(tmp_path: Path, end: signal.Signals) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    program = [sys.executable, "-c", OWNER, str(Path(keeper.__file__)), str(directory)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as owner:  # fmt: skip
        assert owner.stdout is not None
        assert owner.stderr is not None
        assert directory.exists()
        os.kill(int(owner.stdout.readline()), end)
        owner.stderr.read()  # the keeper holds it open, and ends last
    assert not directory.exists()
