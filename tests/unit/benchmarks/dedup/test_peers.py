import sys
from pathlib import Path

import pytest

from benchmarks.dedup import peers
from benchmarks.dedup.peers import PEERS, NotInstalledError, Peer, install


def test_every_peer_has_its_script_and_exact_versions():
    for peer in PEERS:
        assert peer.script.is_file()
        assert all("==" in requirement for requirement in peer.requirements)


def test_an_environment_of_the_same_versions_is_taken_as_it_is(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(peers, "_do", lambda command: (tmp_path / "p").mkdir(exist_ok=True) or commands.append(command))
    peer = Peer("p", ("some==1",), "")
    for _ in range(2):
        assert install(peer, tmp_path) == tmp_path / "p/bin/python"
    assert len(commands) == 2
    install(Peer("p", ("some==2",), ""), tmp_path)
    assert len(commands) == 4


def test_the_reason_is_named_when_a_command_fails():
    script = (
        "import sys; print('WARNING: x', file=sys.stderr); print('ERROR: no such version', file=sys.stderr); exit(3)"
    )
    with pytest.raises(NotInstalledError, match="exit code 3: ERROR: no such version"):
        peers._do([sys.executable, "-c", script])


def test_scripts_import_nothing_of_the_project():
    for path in Path(peers.SCRIPTS).glob("*.py"):
        assert not any(name in path.read_text() for name in ("from operators", "from pipeline", "from benchmarks"))
