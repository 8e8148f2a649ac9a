"""Our keys by command: where they come from, where they go, and that nobody sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import cli, keys
from local.cloud import LocalCloud
from local.keys import KeysRefused
from local.settings import Upstreams, WrongSetting, sample_ports
from local.stages import AwsStage
from tests.unit.local.ports import six_free_ports
from tests.unit.local.stand_ins import refusal

PAPER, DATA = "https://paper-api.alpaca.markets", "https://data.alpaca.markets"
BROKER, VENDOR = "https://broker.example", "https://vendor.example"
SECRETS = {"ALPACA_KEY_ID": "PKABC", "ALPACA_SECRET_KEY": "s3cr3t/+=", "ALPHAVANTAGE_KEY": "AVKEY123"}
NEW = {
    "watchkeeper-dev-alpaca": {
        "key_id": "placeholder",
        "secret_key": "placeholder",
        "trading_url": PAPER,
        "data_url": DATA,
    },
    "watchkeeper-dev-alphavantage": {"api_key": "placeholder", "url": "https://www.alphavantage.co"},
}


@dataclass
class FakeAws:
    """Secrets, and the budget's item."""

    secrets: dict[str, Any] = field(default_factory=lambda: {name: dict(value) for name, value in NEW.items()})
    item: Mapping[str, Any] = field(default_factory=dict)
    writes: int = 0

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 -- as boto3 has it
        if SecretId not in self.secrets:
            raise refusal("ResourceNotFoundException", "Secrets Manager can't find it.")
        value = self.secrets[SecretId]
        return {"SecretString": value if isinstance(value, str) else json.dumps(value)}

    def put_secret_value(self, SecretId: str, SecretString: str) -> Any:  # noqa: N803
        self.secrets[SecretId] = json.loads(SecretString)
        self.writes += 1
        return {}

    def get_item(self, **_: Any) -> Any:
        return {"Item": self.item} if self.item else {}

    def put_item(self, Item: Mapping[str, Any], **_: Any) -> Any:  # noqa: N803
        self.item = Item
        return {}

    def pause(self) -> None:
        spent = {"day": "2026-11-20", "used": 9, "news": 2, "next_at": 0.0, "paused_until": 9e9, "seconds": []}
        self.item = {"edition": {"N": "3"}, "record": {"S": json.dumps(spent)}}

    @property
    def is_paused(self) -> bool:
        return bool(json.loads(self.item["record"]["S"])["paused_until"])


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws()
    for stage in (LocalCloud, AwsStage):
        monkeypatch.setattr(stage, "client", lambda *_: fake)
    return fake


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, *keys.VENDORS, "PORT", "ALPACA_LIVE", "MARKETS_UPSTREAM"):
        monkeypatch.delenv(name, raising=False)


def say(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def run(*arguments: str, said: str | None = None) -> Result:
    result = CliRunner().invoke(cli.cli, ["keys", "--stage", "dev", *arguments], input=said)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_keys_of_the_environment_go_into_the_secret_and_its_addresses_stay(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, **SECRETS)

    result = run("--upstream", "alpaca")

    assert result.exit_code == 0
    assert aws.secrets["watchkeeper-dev-alpaca"] == {
        "key_id": "PKABC",
        "secret_key": "s3cr3t/+=",
        "trading_url": PAPER,
        "data_url": DATA,
    }
    assert aws.secrets["watchkeeper-dev-alphavantage"] == NEW["watchkeeper-dev-alphavantage"]
    assert f"{PAPER} and {DATA} are in the secret watchkeeper-dev-alpaca" in result.output


@pytest.mark.parametrize("upstream", ["alpaca", "alphavantage"])
def test_no_key_is_shown(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, upstream: str) -> None:
    say(monkeypatch, **SECRETS)

    output = run("--upstream", upstream).output

    assert not [value for value in SECRETS.values() if value in output]


def test_keys_that_are_not_said_are_asked_for_unseen(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "is_terminal", lambda: True)

    result = run("--upstream", "alphavantage", said="AVKEY123\n")

    assert aws.secrets["watchkeeper-dev-alphavantage"]["api_key"] == "AVKEY123"
    assert "ALPHAVANTAGE_KEY: " in result.output
    assert "AVKEY123" not in result.output


def test_without_a_terminal_what_is_missing_is_named(aws: FakeAws) -> None:
    result = run("--upstream", "alpaca")

    assert result.exit_code == 1
    assert "ALPACA_KEY_ID is not set, and there is no terminal to ask for it" in result.output
    assert aws.writes == 0


@pytest.mark.parametrize("value", ["two words", "new\nline", "\u00fcmlaut", "x" * 201, " "])
def test_what_cannot_be_a_key_is_refused_without_being_shown(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    say(monkeypatch, ALPHAVANTAGE_KEY=value)

    result = run("--upstream", "alphavantage")

    assert result.exit_code == 1
    assert "ALPHAVANTAGE_KEY is no key" in result.output
    assert value.strip() == "" or value not in result.output
    assert aws.writes == 0


def test_addresses_that_are_said_go_in_as_well(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, **SECRETS, ALPACA_LIVE="1", ALPHAVANTAGE_URL=VENDOR)
    run("--upstream", "alpaca")
    run("--upstream", "alphavantage")

    assert aws.secrets["watchkeeper-dev-alpaca"]["trading_url"] == "https://api.alpaca.markets"
    assert aws.secrets["watchkeeper-dev-alpaca"]["data_url"] == DATA
    assert aws.secrets["watchkeeper-dev-alphavantage"]["url"] == VENDOR


def test_an_address_that_is_none_is_refused(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, **SECRETS, ALPACA_DATA_URL="data.alpaca.markets")

    assert "ALPACA_DATA_URL is not an http(s) URL" in run("--upstream", "alpaca").output
    assert aws.writes == 0


@pytest.mark.parametrize("key", ["AVKEY123", "placeholder"], ids=["a new key", "the same again"])
def test_whoever_waits_since_the_key_was_refused_goes_on(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    aws.pause()
    say(monkeypatch, ALPHAVANTAGE_KEY=key)

    run("--upstream", "alphavantage")

    assert not aws.is_paused
    assert json.loads(aws.item["record"]["S"])["used"] == 9


def test_alpacas_keys_are_no_word_on_alphavantages_budget(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.pause()
    say(monkeypatch, **SECRETS)

    run("--upstream", "alpaca")

    assert aws.is_paused


def test_a_secret_with_rubbish_in_it_is_filled_anew(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.secrets["watchkeeper-dev-alphavantage"] = "rubbish"
    say(monkeypatch, **SECRETS)

    run("--upstream", "alphavantage")

    assert aws.secrets["watchkeeper-dev-alphavantage"] == {"api_key": "AVKEY123", "url": "https://www.alphavantage.co"}


def test_a_stage_that_is_not_deployed_is_told(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.secrets.clear()
    say(monkeypatch, **SECRETS)

    assert "make deploy STAGE=dev" in run("--upstream", "alphavantage").output


def test_another_upstream_has_no_keys(aws: FakeAws) -> None:
    assert run("--upstream", "lore").exit_code == 2


class TestOfTheLocalCloud:
    SETTINGS = Upstreams(sample_ports=sample_ports(5000))

    def test_samples_get_the_samples_keys_and_nobody_elses(self) -> None:
        alpaca, alphavantage = "http://127.0.0.1:5004", "http://127.0.0.1:5005"

        assert keys.of_local(self.SETTINGS, SECRETS) == {
            "alpaca": {
                "key_id": "sample-key-id",
                "secret_key": "sample-secret-key",
                "trading_url": alpaca,
                "data_url": alpaca,
            },
            "alphavantage": {"api_key": "sample-api-key", "url": alphavantage},
        }

    def test_a_server_that_is_none_of_the_samples_gets_the_keys_that_are_said(self) -> None:
        found = keys.of_local(Upstreams(alphavantage_url=VENDOR, alpaca_url=BROKER), {"ALPHAVANTAGE_KEY": "AVKEY123"})

        assert found["alphavantage"] == {"api_key": "AVKEY123", "url": VENDOR}
        assert found["alpaca"]["key_id"] == "sample-key-id"
        assert (found["alpaca"]["trading_url"], found["alpaca"]["data_url"]) == (BROKER, BROKER)

    def test_they_are_put_once(self, aws: FakeAws) -> None:
        stage, values = AwsStage("dev"), keys.of_local(self.SETTINGS, {})["alphavantage"]

        assert keys.put(stage, "alphavantage", values)
        assert not keys.put(stage, "alphavantage", values)
        assert aws.writes == 1


class TestLive:
    LIVE: Mapping[str, str] = {"MARKETS_UPSTREAM": "live", **SECRETS}

    def test_the_vendors_are_asked_where_they_are(self) -> None:
        assert keys.addresses(self.LIVE) == dict(keys.VENDORS)
        assert keys.VENDORS["ALPACA_URL"] == PAPER

    def test_real_trading_is_chosen_by_its_own_word(self) -> None:
        found = keys.addresses({**self.LIVE, "ALPACA_LIVE": "1"})

        assert (found["ALPACA_URL"], found["ALPACA_DATA_URL"]) == ("https://api.alpaca.markets", DATA)
        with pytest.raises(WrongSetting, match="ALPACA_LIVE=1 goes with MARKETS_UPSTREAM=live"):
            keys.addresses({"ALPACA_LIVE": "1"})

    def test_an_address_that_is_said_wins(self) -> None:
        assert keys.addresses({**self.LIVE, "ALPHAVANTAGE_URL": VENDOR})["ALPHAVANTAGE_URL"] == VENDOR

    @pytest.mark.parametrize("missing", sorted(SECRETS))
    def test_a_key_that_is_missing_is_named(self, missing: str) -> None:
        with pytest.raises(WrongSetting, match=f"Not set: {missing}$"):
            keys.addresses({**self.LIVE, missing: ""})

    @pytest.mark.parametrize("choice", ["", "sample"])
    def test_otherwise_only_what_is_said_is_taken(self, choice: str) -> None:
        assert keys.addresses({"MARKETS_UPSTREAM": choice, "ALPACA_URL": BROKER, "ALPHAVANTAGE_URL": ""}) == {
            "ALPACA_URL": BROKER
        }

    def test_up_without_keys_starts_and_deploys_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        say(monkeypatch, MARKETS_UPSTREAM="live", ALPACA_KEY_ID="PKABC")
        state = tmp_path / "state"
        result = CliRunner().invoke(cli.cli, ["--port", str(six_free_ports()), "--state", str(state), "up"])

        assert result.exit_code == 1
        assert "Not set: ALPACA_SECRET_KEY, ALPHAVANTAGE_KEY" in result.output
        assert "PKABC" not in result.output
        assert not state.exists()

    def test_up_with_what_can_be_no_key_starts_and_deploys_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        say(monkeypatch, **{**self.LIVE, "ALPHAVANTAGE_KEY": "two words"})
        state = tmp_path / "state"
        result = CliRunner().invoke(cli.cli, ["--port", str(six_free_ports()), "--state", str(state), "up"])

        assert result.exit_code == 1
        assert "ALPHAVANTAGE_KEY is no key" in result.output
        assert "two words" not in result.output
        assert not state.exists()

    def test_another_word_is_refused(self) -> None:
        with pytest.raises(WrongSetting, match="MARKETS_UPSTREAM is neither sample nor live: real"):
            keys.addresses({"MARKETS_UPSTREAM": "real"})

    def test_a_key_that_can_be_none_is_refused(self) -> None:
        with pytest.raises(KeysRefused, match="ALPHAVANTAGE_KEY is no key"):
            keys.of_local(Upstreams(alphavantage_url=VENDOR), {"ALPHAVANTAGE_KEY": "two words"})
