"""A table in memory, for what keeps a single item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from watchkeeper.dynamodb import Item, Key, Keys, Table, Value
from watchkeeper.errors import ConditionFailed


@dataclass
class FakeTable(Table):
    """Knows the one condition an edition needs."""

    name: str = "fake"
    items: dict[tuple[Value, ...], Item] = field(default_factory=dict)
    before_put: Callable[[], None] = lambda: None
    """What somebody else does between a reading and the write after it."""
    puts: int = 0

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return self.items.get(tuple(key.values()))

    def put(
        self, item: Item, *, keys: Keys, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> None:
        self.before_put()
        key = tuple(keys.of(item).values())
        stored = self.items.get(key, {}).get("edition")
        if condition == "edition = :read" and (values or {}).get(":read") != stored:
            raise ConditionFailed("another edition")
        if condition == "attribute_not_exists(edition)" and stored is not None:
            raise ConditionFailed("there is an edition")
        self.items[key] = item
        self.puts += 1

    def delete(self, key: Key, *, condition: str | None = None, values: Mapping[str, Value] | None = None) -> None:
        assert not condition
        assert not values
        self.items.pop(tuple(key.values()), None)
