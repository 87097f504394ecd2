"""Folders of model files: the second door through which files enter an operator, for what is not one file."""

from pathlib import Path
from typing import Self

import xxhash
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.errors import PlanError, StorageError
from pipeline.hub import HubName
from pipeline.io.store import Place
from pipeline.operator import FileRef, content_digest


class FolderRef(FileRef):
    """A folder with the files of a model. Its identity is what the files are called and contain, never its path.

    `uri` is a path (relative to the recipe), or `hub:OWNER/NAME@COMMIT` for a repository of the Hugging Face hub,
    where all 40 digits of the commit are asked for: a branch may be something else tomorrow. Workers fetch a
    repository when they open it, into the hub's own cache. Files and folders whose names begin with a dot do not
    count.
    """

    def _check_hub_name(self) -> None:
        name = HubName.of(self.uri)
        if name is None or name.file is not None:
            raise ValueError(
                f"folder {self.uri!r}: expected hub:OWNER/NAME@COMMIT with the 40 digits of a commit; name one, as the "
                "page of the repository's history shows it"
            )

    @model_validator(mode="after")
    def _names_a_folder(self) -> Self:
        if self.uri.startswith(("step:", "package:")):
            raise ValueError(f"folder {self.uri!r}: expected a path or hub:OWNER/NAME@COMMIT")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Editors see what a recipe writes: a string."""
        del core_schema, handler
        return {"type": "string", "description": "A folder, or hub:OWNER/NAME@COMMIT."}

    def pinned(self, relative_to: Path) -> "FolderRef":
        """This reference bound to its content: a folder to the digest of its files, a repository to its commit."""
        name = HubName.of(self.uri)
        return self.pin(relative_to / self.uri) if name is None else FolderRef(uri=self.uri, digest=name.digest)

    def pin(self, path: Place, digest: str | None = None) -> "FolderRef":
        """This reference bound to the folder `path`; the digest is computed unless given."""
        if not isinstance(path, Path) or not path.is_dir():
            raise StorageError(f"folder {self.uri!r}: expected a readable folder; found none at {str(path)!r}")
        return FolderRef(uri=self.uri, path=str(path), digest=digest or folder_digest(path))

    def open_path(self) -> Path:
        """The pinned folder's path, after checking that it is still what was pinned; fetched if it is a hub's."""
        if self.digest is None:
            raise PlanError(f"folder {self.uri!r}: expected a pinned reference; call pinned() first")
        name = HubName.of(self.uri)
        if name is not None:
            return name.fetched(f"folder {self.uri!r}")
        if self.path is None or not Path(self.path).is_dir():
            raise StorageError(
                f"folder {self.uri!r}: expected it at {self.path!r} on the machine of every worker; found none; put it "
                "on storage that all of them see"
            )
        found = folder_digest(Path(self.path))
        if found != self.digest:
            raise StorageError(
                f"folder {self.uri!r}: expected content digest {self.digest}; found {found}; its files changed after "
                "the run was planned, so run again"
            )
        return Path(self.path)


def folder_digest(folder: Path) -> str:
    """The xxh3-128 over names and contents of a folder's files, in hex; what begins with a dot does not count."""
    digest = xxhash.xxh3_128()
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    shown = {name: path for name, path in files.items() if not any(part[0] == "." for part in name.split("/"))}
    if not shown:
        raise StorageError(f"folder {str(folder)!r}: expected the files of a model; found none")
    for name, path in sorted(shown.items()):
        digest.update(f"{name}\0{content_digest(path)}\n".encode())
    return digest.hexdigest()
