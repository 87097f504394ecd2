import sys

import pytest

from benchmarks import environments
from benchmarks.environments import NotInstalledError, Peer, install


def test_an_environment_of_the_same_versions_is_taken_as_it_is(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(
        environments, "_do", lambda command: (tmp_path / "p").mkdir(exist_ok=True) or commands.append(command)
    )
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
        environments._do([sys.executable, "-c", script])
