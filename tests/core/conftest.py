"""Whatever a test says of a pool it says of a pool on every store: the tests that use a stand run once on each."""

import pytest

from tests.core.stand import STORE_VARIABLE, STORES, Stand


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if getattr(metafunc.module, "Stand", None) is Stand:
        metafunc.fixturenames.append("on_store")
        metafunc.parametrize("on_store", STORES, indirect=True)


@pytest.fixture
def on_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, request.param)
