"""Writes digests.json anew: `python -m tests.golden.digests.refresh`.

An operator whose output changed must have a new `version` first: its version is what makes finished builds run again.
`--rows-changed` is for a change of the fixed rows or examples themselves; then versions stay.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.golden.digests.outputs import DIGESTS, digest_of, entry_of, load_digests
from tests.laws.examples import examples
from tests.laws.trained_models import train_models


def refresh(*, rows_changed: bool) -> list[str]:
    """Writes the digests of all operators; returns those that would need a new version, and then writes nothing."""
    stored = load_digests()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        for name, example in sorted(examples(train_models(models)).items()):
            own = Path(folder) / name
            own.mkdir()
            found[name] = entry_of(example.operator, digest_of(example, own))
    stale = [
        name
        for name, entry in found.items()
        if name in stored and entry != stored[name] and entry["version"] == stored[name]["version"]
    ]
    if stale and not rows_changed:
        return stale
    DIGESTS.write_text(json.dumps(found, indent=1) + "\n")
    return []


def main() -> int:
    """Refreshes, or says what is in the way."""
    stale = refresh(rows_changed="--rows-changed" in sys.argv[1:])
    if stale:
        sys.stderr.write(
            f"digests: the output of {stale} changed under the same version; raise `version` of these operators, or "
            "pass --rows-changed if the fixed rows or examples changed; nothing was written\n"
        )
        return 1
    sys.stdout.write(f"digests: wrote {DIGESTS.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
