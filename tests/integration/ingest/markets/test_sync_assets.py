"""The list of assets, from Alpaca's answer to the table."""

from typing import Any

import pytest

from ingest.errors import Implausible, KeyRefused, UpstreamGarbled, UpstreamUnavailable
from tests.integration.ingest.markets.functions import MarketFunctions, Told, metered, stored

SOURCE = "alpaca:assets"


def sync(functions: MarketFunctions, **event: Any) -> None:
    assert functions.run("sync-assets", **event) == {"source": SOURCE, "outcome": "read"}


def test_first_all_are_stored_with_yesterdays_volumes(functions: MarketFunctions) -> None:
    sync(functions)

    kept = {asset.symbol: asset for asset in functions.assets.all()}
    run = functions.source(SOURCE).run
    assert len(kept) == 55
    assert run
    assert (run.fetched, run.stored, run.unchanged, run.refused) == (55, 55, 0, 0)
    assert kept["ASCQ"].exchange == "ASCX"
    assert not kept["NTRQ"].tradable
    assert kept["QUIL"].volume == functions.markets.volume(
        functions.markets.company("QUIL"), functions.markets.trading_days()[1]
    )
    assert kept["MORQF"].volume == 0  # IEX does not trade it


def test_of_an_unchanged_list_nothing_is_written_but_that_it_was_read(functions: MarketFunctions) -> None:
    sync(functions)
    before = stored()
    functions.wait(minutes=5)

    used = metered(lambda: sync(functions))

    assert stored() == before
    assert used.write_units("watchkeeper-test-assets", "watchkeeper-test-breakers") == 0
    assert used["watchkeeper-test-progress"].items_written == 3  # the lease, the source, the lease again
    run = functions.source(SOURCE).run
    assert run
    assert (run.stored, run.unchanged) == (0, 55)


def test_what_changed_is_written_and_what_pollenation_noted_stays(functions: MarketFunctions) -> None:
    sync(functions)
    functions.assets.pollenated("QUIL", functions.now(), no_data=False)
    functions.markets.alter_asset("QUIL", name="Another name", status="active")
    functions.markets.set_volume("ZEPH", 7)

    sync(functions)

    assert functions.assets.get("QUIL").name == "Another name"
    assert functions.assets.get("QUIL").last_pollenated == functions.now().replace(microsecond=0)
    assert functions.assets.get("ZEPH").volume == 7
    run = functions.source(SOURCE).run
    assert run
    assert run.stored == 2


def test_one_that_vanished_is_inactive_until_it_comes_back(functions: MarketFunctions) -> None:
    sync(functions)
    functions.markets.vanish("QUIL")
    sync(functions)
    gone = functions.assets.get("QUIL")
    sync(functions)
    assert functions.assets.get("QUIL") == gone
    assert (gone.status, gone.vanished_at) == ("inactive", functions.now().replace(microsecond=0))

    functions.markets.come_back("QUIL")
    sync(functions)

    assert functions.assets.get("QUIL").status == "active"
    assert functions.assets.get("QUIL").vanished_at is None


def test_one_that_vanished_in_a_state_nobody_documents_is_inactive_too(functions: MarketFunctions) -> None:
    functions.trouble.alter("assets", "0.status", "halted")
    sync(functions)
    assert functions.assets.get("QUIL").status == "halted"
    functions.trouble.clear()
    functions.markets.vanish("QUIL")

    sync(functions)

    assert functions.assets.get("QUIL").status == "inactive"


def test_a_symbol_that_is_another_companys_now_is_to_be_asked_about_anew(functions: MarketFunctions) -> None:
    sync(functions)
    functions.assets.pollenated("QUIL", functions.now(), no_data=True)
    functions.markets.vanish("QUIL")
    functions.markets.come_back("QUIL", id="another-company")

    sync(functions)

    asset = functions.assets.get("QUIL")
    assert (asset.id, asset.last_pollenated, asset.no_data) == ("another-company", None, False)


def test_words_and_fields_nobody_documents_are_kept_or_left_and_break_nothing(functions: MarketFunctions) -> None:
    functions.trouble.alter("assets", "0.status", "halted")
    functions.trouble.alter("assets", "1.exchange", "MOON")
    functions.trouble.alter("assets", "*.new_field", {"deep": [1]})

    sync(functions)

    assert functions.assets.get("QUIL").status == "halted"
    assert functions.assets.get("ZEPH").exchange == "MOON"
    assert len(list(functions.assets.all())) == 55


def test_rows_that_are_none_are_set_aside_and_their_assets_stay(functions: MarketFunctions) -> None:
    sync(functions)
    before = stored("assets")
    functions.trouble.alter("assets", "0.tradable", "perhaps")
    functions.trouble.alter("assets", "1.symbol", 17)
    functions.trouble.alter("assets", "2.margin_requirement_long", [])
    functions.trouble.alter("assets", "3.id", None)
    functions.trouble.alter("assets", "+", "a row that is a text")
    functions.trouble.alter("assets", "+", None)

    sync(functions)

    assert stored("assets") == before
    source = functions.source(SOURCE)
    assert source.run
    assert (source.run.fetched, source.run.refused, source.run.stored) == (57, 6, 0)
    assert sum(source.run.reasons.values()) == 6
    assert {one.subject for one in source.refusals} >= {"QUIL", "XOLB", "BRAV.A", "?"}


def test_a_list_cut_short_is_not_believed_unless_an_operator_does(functions: MarketFunctions, told: Told) -> None:
    sync(functions)
    before = stored("assets")
    functions.markets.truncate_assets(50)

    with pytest.raises(Implausible):
        functions.run("sync-assets")

    assert stored("assets") == before
    assert "less than 80%" in str(functions.source(SOURCE).error)
    assert functions.source(SOURCE).failing_since
    assert told.measured("AnswersImplausible") == [1]

    sync(functions, believe=True)

    active = [asset for asset in functions.assets.all() if asset.status == "active"]
    assert 20 < len(active) < 30
    assert functions.source(SOURCE).error is None
    sync(functions)  # which is what the next ones are measured by


@pytest.mark.parametrize("answer", [[], {}, "nothing"])
def test_a_list_of_nothing_is_not_believed(functions: MarketFunctions, answer: object) -> None:
    sync(functions)
    before = stored("assets")
    functions.trouble.altered = lambda name, *_: answer  # type: ignore[method-assign]

    for event in ({}, {"believe": True}):
        with pytest.raises((Implausible, UpstreamGarbled)):
            functions.run("sync-assets", **event)

    assert stored("assets") == before


def test_a_key_that_is_wrong_is_said_and_a_rotated_one_used_at_once(functions: MarketFunctions, told: Told) -> None:
    sync(functions)
    functions.markets.set_keys(secret_key="rotated")
    with pytest.raises(KeyRefused):
        functions.run("sync-assets")
    assert told.measured("UpstreamRefused") == [1]
    assert "refused our key" in str(functions.source(SOURCE).error)

    functions.rotate(secret_key="rotated")
    sync(functions)

    assert functions.source(SOURCE).error is None


def test_without_volumes_the_list_is_as_good(functions: MarketFunctions) -> None:
    sync(functions)
    volume = functions.assets.get("QUIL").volume
    functions.markets.alter_asset("QUIL", name="Another name")
    functions.upstreams.alpaca.faults.add("unavailable", times=5, path="snapshots")

    sync(functions)

    assert (functions.assets.get("QUIL").name, functions.assets.get("QUIL").volume) == ("Another name", volume)
    assert "volumes are missing" in functions.source(SOURCE).gaps[0].reason
    functions.wait(minutes=2)
    sync(functions)
    assert functions.source(SOURCE).gaps == ()


def test_when_alpaca_has_enough_nothing_is_stored_until_the_minute_is_over(functions: MarketFunctions) -> None:
    functions.trouble.limit_alpaca(2)
    sync(functions)
    before = stored("assets")
    functions.markets.alter_asset("QUIL", name="Another name")
    requests = len(functions.upstreams.alpaca.log.all())

    with pytest.raises(UpstreamUnavailable):
        functions.run("sync-assets")

    assert stored("assets") == before
    assert len(functions.upstreams.alpaca.log.all()) == requests + 1  # the pause it asks for is too long to wait
    functions.wait(seconds=61)
    sync(functions)
    assert functions.assets.get("QUIL").name == "Another name"


def test_a_request_for_volumes_that_is_too_long_is_made_in_parts(
    functions: MarketFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.upstreams.markets.alpaca.LONGEST_QUERY", 100)

    sync(functions)

    assert functions.assets.get("QUIL").volume > 0
    assert functions.source(SOURCE).gaps == ()


def test_while_another_call_reads_the_list_nobody_else_does(functions: MarketFunctions) -> None:
    functions.hold_lease(SOURCE, 150)

    assert functions.run("sync-assets") == {"source": SOURCE, "outcome": "taken"}
    assert functions.upstreams.alpaca.log.all() == []
    functions.wait(seconds=151)
    sync(functions)
