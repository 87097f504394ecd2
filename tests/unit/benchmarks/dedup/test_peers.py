from pathlib import Path

from benchmarks.dedup import peers
from benchmarks.dedup.peers import PEERS


def test_every_peer_has_its_script_and_exact_versions():
    for peer in PEERS:
        assert peer.script.is_file()
        assert all("==" in requirement for requirement in peer.requirements)


def test_scripts_import_nothing_of_the_project():
    for path in Path(peers.SCRIPTS).glob("*.py"):
        assert not any(name in path.read_text() for name in ("from operators", "from pipeline", "from benchmarks"))
