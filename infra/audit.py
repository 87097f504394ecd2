"""Looks the installed packages up in the advisory database with pip-audit: `make audit`.

`python -m infra.audit PIP_AUDIT FOLDER...`, where FOLDER has installed packages. Exit code 1: some have known
vulnerabilities, one line each. Without a network nothing can be looked up: that is said, and is no failure, so that
checks run anywhere.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

TIMEOUT_SECONDS: Final = 300


def audit(program: str, folders: Sequence[str]) -> tuple[int, list[str]]:
    """Exit code and lines to print."""
    command = [program, "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    command += [part for folder in folders for part in ("--path", folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        return 0, [f"audit: nothing was looked up ({type(error).__name__}): the advisory database was not reached"]
    found = [_described(package, finding) for package in packages for finding in package.get("vulns", ())]
    skipped = sum("skip_reason" in package for package in packages)
    summary = f"audit: {len(packages) - skipped} packages looked up, {len(found)} known vulnerabilities"
    if skipped:
        summary += f"; {skipped} packages are unknown to the advisory database, or it was not reached"
    return int(bool(found)), [*found, summary]


def _described(package: dict[str, Any], finding: dict[str, Any]) -> str:  # Any: JSON
    mended = ", ".join(finding.get("fix_versions", ())) or "none"
    return f"{package['name']} {package['version']}: {finding['id']}; mended in: {mended}"


def main() -> None:
    """Prints what was found."""
    program, *folders = sys.argv[1:]
    code, lines = audit(program, folders)
    print("\n".join(lines))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
