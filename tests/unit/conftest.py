"""Unit tests need no cluster and no luck: starting ray fails, and hypothesis draws the same examples every time."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import pytest
from hypothesis import settings

# No deadline: the first call of a kernel compiles it, and a loaded machine is no defect.
settings.register_profile("unit", derandomize=True, deadline=None)
settings.load_profile("unit")


def _refuse(*args: object, **kwargs: object) -> None:
    del args, kwargs
    pytest.fail("ray.init was called in a unit test; test with ray under tests/integration")


class _GuardedRay(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Guards ray when a test imports it. Importing ray here instead would cost every unit run a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del target
        if fullname != "ray":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None:
            self._loader = spec.loader
            spec.loader = self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        assert self._loader is not None
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert self._loader is not None
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._monkeypatch.setattr(module, "init", _refuse)


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes `ray.init` fail the test, whether ray is imported already or not."""
    if "ray" in sys.modules:
        monkeypatch.setattr(sys.modules["ray"], "init", _refuse)
        yield
        return
    guard = _GuardedRay(monkeypatch)
    sys.meta_path.insert(0, guard)
    yield
    # The list itself stays: modules that a test imports may add finders of their own, and need them later.
    sys.meta_path.remove(guard)
