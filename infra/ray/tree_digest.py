"""One digest of everything that a build left, logs apart: equal digests mean equal bytes in equally named files.

`python -m infra.ray.tree_digest FOLDER ...` prints a digest and a number of files for each folder, and ends with exit
code 1 when they differ. Tried: on builds of one recipe by the local runner, by Ray on one node and on three, and as a
submitted job.
"""

import hashlib
import sys
from pathlib import Path
from typing import Final

LOGS: Final = "logs"
"""The only folder of an output in which two builds of one recipe may differ."""


def tree_digest(folder: Path) -> tuple[str, int]:
    """The SHA-256 over names and contents of all files outside `logs/`, in hex, and how many files there are."""
    if not folder.is_dir():
        raise FileNotFoundError(f"digest: expected the output folder of a build; found none at {str(folder)!r}")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    kept = [name for name in names if not name.startswith(f"{LOGS}/")]
    total = hashlib.sha256()
    for name in kept:
        with (folder / name).open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{content}  {name}\n".encode())
    return total.hexdigest(), len(kept)


def main() -> None:
    """Prints the digests; exit code 1 when folders differ, 2 when one is not there."""
    folders = [Path(argument) for argument in sys.argv[1:]]
    if not folders:
        raise SystemExit("usage: python -m infra.ray.tree_digest FOLDER ...")
    try:
        digests = [tree_digest(folder) for folder in folders]
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    for folder, (digest, num_files) in zip(folders, digests, strict=True):
        print(f"{digest}  {num_files:6d} files  {folder}")
    raise SystemExit(0 if len(set(digests)) == 1 else 1)


if __name__ == "__main__":
    main()
