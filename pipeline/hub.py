"""Repositories of the Hugging Face hub: named with all of a commit, fetched by workers into the hub's own cache."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import StorageError

HUB: Final = "hub:"
_URI: Final = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(?:/(?P<file>.+))?")
FOLDER_FILES: Final = ("*.json", "*.jinja", "*.txt", "*.model", "*.safetensors", "*.gguf")
"""What is fetched of a whole repository: settings, tokenizers and weights in formats that cannot hold code."""


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository at a commit, or one file of it."""

    repository: str
    commit: str
    file: str | None

    @classmethod
    def of(cls, uri: str) -> "HubName | None":
        """What a uri names; None where it names nothing in full."""
        found = _URI.fullmatch(uri)
        return None if found is None else cls(found["repository"], found["commit"], found["file"])

    @property
    def digest(self) -> str:
        """What it counts by: a commit's files never change."""
        return self.commit if self.file is None else f"{self.commit}/{self.file}"

    def fetched(self, called: str) -> Path:
        """Where the hub's cache has it, after fetching what is missing; `called` is what messages call it.

        Raises:
            StorageError: it is neither there nor to be had.
        """
        try:
            return self._download()
        except Exception as error:  # the library raises its own errors, those of its HTTP client, and OSError
            raise StorageError(
                f"{called}: expected to fetch it from the hub, or to find it in the hub's cache; found "
                f"{type(error).__name__}; check the name, the network and HF_TOKEN, or download it and name its path"
            ) from error

    def _download(self) -> Path:
        import huggingface_hub  # noqa: PLC0415 -- who reads no hub need not load it

        # Any: the library's overloads say nothing about these calls
        if self.file is None:
            snapshot: Any = huggingface_hub.snapshot_download
            return Path(snapshot(self.repository, revision=self.commit, allow_patterns=list(FOLDER_FILES)))
        one: Any = huggingface_hub.hf_hub_download
        return Path(one(self.repository, self.file, revision=self.commit))
