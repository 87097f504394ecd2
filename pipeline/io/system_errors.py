"""What the operating system says when it refuses a file, told in one line with what to do about it.

Whoever carries work out lets such errors pass as they are; they become a StorageError at the edges: where a worker
takes a unit, where the driver builds, and where the command line ends.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pipeline.errors import PipelineError, StorageError

_GO_ON: Final = "what is committed stays, so run again to go on"
_ADVICE: Final = {
    errno.ENOSPC: f"make room (df -h; df -i if inodes are used up); {_GO_ON}",
    errno.EDQUOT: f"make room, or have the quota raised; {_GO_ON}",
    errno.EFBIG: f"raise the limit of file sizes (ulimit -f) or lower layout.shard_bytes; {_GO_ON}",
    errno.EROFS: "mount it for writing, or choose another folder",
    errno.EACCES: "give this user the permission, or choose another path",
    errno.EPERM: "give this user the permission, or choose another path",
    errno.ENOMEM: f"start fewer workers, or raise the limit of memory (ulimit, container); {_GO_ON}",
    errno.EIO: f"the device fails (see dmesg): mend or replace it; {_GO_ON}",
    errno.ESTALE: f"the file server lost it: mount it again; {_GO_ON}",
    errno.EMFILE: f"raise the limit of open files (ulimit -n); {_GO_ON}",
    errno.ENFILE: f"raise the machine's limit of open files (fs.file-max); {_GO_ON}",
    errno.ENOENT: "something else removes files there: leave the folder to one build; run again to go on",
    errno.ENOTDIR: "move away the file that stands where a folder is needed, or choose another path",
    errno.EEXIST: "move away the file that stands where a folder is needed, or choose another path",
    errno.ENAMETOOLONG: "choose a path with shorter names",
    errno.ELOOP: "remove the symbolic link that leads to itself",
}
_ELSE: Final = f"mend the storage; {_GO_ON}"


def storage_error(where: str, error: OSError) -> StorageError:
    """The error to raise for one of the operating system; one that is already explained stays as it is."""
    if isinstance(error, StorageError):
        return error
    path = "files there" if error.filename is None else repr(os.fsdecode(error.filename))
    if error.errno is None:
        found = f"{type(error).__name__}: {' '.join(str(error).split())}"
    else:
        found = f"{errno.errorcode.get(error.errno, error.errno)} ({os.strerror(error.errno)})"
    advice = _ADVICE.get(error.errno or 0, _ELSE)
    return StorageError(f"{where}: expected to work with {path}; found {found}; {advice}")


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turns what the operating system refuses inside into StorageErrors."""
    try:
        yield
    except PipelineError:
        raise
    except OSError as error:
        raise storage_error(where, error) from error


def is_refusal(error: BaseException) -> bool:
    """Whether the operating system refused something, which is no operator's and no row's fault.

    Libraries raise OSError for content that they do not like, too, but without a number.
    """
    return isinstance(error, OSError) and error.errno is not None
