"""Worlds, and clients of the two upstreams that show them."""

from __future__ import annotations

import pytest

from local.upstreams import World, build_world
from tests.unit.local.market_clients import Vendors
from tests.unit.local.upstream_clients import NOW, Client, lore_for, patchwork_for


@pytest.fixture(scope="session")
def sample_world() -> World:
    """Only for reading."""
    return build_world(now=NOW, clock=lambda: NOW)


@pytest.fixture
def world() -> World:
    """Two empty lists, where it is always NOW unless told otherwise."""
    return World(lambda: NOW)


@pytest.fixture
def patchwork(world: World) -> Client:
    return patchwork_for(world)


@pytest.fixture
def lore(world: World) -> Client:
    return lore_for(world)


@pytest.fixture
def sample_patchwork(sample_world: World) -> Client:
    return patchwork_for(sample_world)


@pytest.fixture
def sample_lore(sample_world: World) -> Client:
    return lore_for(sample_world)


@pytest.fixture
def vendors() -> Vendors:
    """Of the sample markets, on a Friday."""
    return Vendors()
