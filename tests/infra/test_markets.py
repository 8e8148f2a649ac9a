"""The markets watch as it is packaged: its tables, its keys, what starts it and when, and what it may ask for a day."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from local.workspace import REPOSITORY
from tests.infra.packages import Package
from watchkeeper.markets.budget import CALLS_AN_ASSET

TABLES = {
    "assets": {
        "": ["symbol"],
        "status-index": ["status", "lastPollenationDate"],
        "priority-index": ["status", "volume"],
    },
    "earningsCalendar": {
        "": ["asset_symbol", "earnings_date"],
        "upcoming-earnings-index": ["earnings_month", "earnings_date_symbol"],
    },
    "newsSentiment": {
        "": ["news_id", "time_published"],
        "asset-news-index": ["asset_symbol", "time_published"],
        "sentiment-score-index": ["sentiment_bucket", "sentiment_score"],
    },
    "foundationalData": {"": ["symbol", "statement"]},
}
"""Attributes of the keys, by table and index."""
NUMBERS = {"volume", "sentiment_score"}
KEYS_ALONE = {"priority-index"}

READERS = {
    "AlpacaSecret": {"sync-assets"},
    "AlphavantageSecret": {"sync-earnings-calendar", "sync-news-sentiment", "pollenate-asset"},
}
ASKING = {one for readers in READERS.values() for one in readers}
TRIGGERS = {"trigger-earnings-pollenation", "trigger-regular-pollenation"}
TELLING_OF_THE_SYSTEM = {
    *("publish-events", "publish-facts", "auth", "watch-access"),
    *("check-freshness", "check-coverage", "check-dead-letters"),
}
REGION = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
EVENTS = {
    json.dumps({"Fn::GetAtt": ["EventBus", "Arn"]}),
    json.dumps({"Fn::Sub": f"{REGION}:event-bus/watchkeeper-prod-events"}),
}
"""The bus of events, as roles name it."""
SCHEDULES = {
    "assets-sync": ("sync-assets", "cron(0 4 ? * MON-SAT *)"),
    "earnings-calendar-sync": ("sync-earnings-calendar", "cron(0 5 ? * MON-SAT *)"),
    "earnings-pollenation": ("trigger-earnings-pollenation", "cron(0 6 ? * MON-SAT *)"),
    "regular-pollenation": ("trigger-regular-pollenation", "cron(0 7 ? * MON-SAT *)"),
    "news-sentiment-sync": ("sync-news-sentiment", "cron(0 * ? * MON-SAT *)"),
    "check-coverage": ("check-coverage", "rate(1 hour)"),
}
"""The function of each, and when it runs."""
SIZES = {
    "sync-assets": (512, 300),
    "sync-earnings-calendar": (256, 180),
    "trigger-earnings-pollenation": (128, 60),
    "trigger-regular-pollenation": (256, 120),
    "sync-news-sentiment": (512, 300),
    "pollenate-asset": (1024, 600),
    "mark-earnings-processed": (128, 30),
}
"""MB, and seconds."""
BUDGET = ("ALPHAVANTAGE_PER_SECOND", "ALPHAVANTAGE_PER_MINUTE", "ALPHAVANTAGE_PER_DAY", "ALPHAVANTAGE_NEWS_PER_DAY")
MINUTES_OF_A_DAY = 24 * 60
LONGEST_RETRIES = 24 * 3600


@pytest.fixture(scope="module")
def ingest(packages: dict[str, Package]) -> Package:
    return packages["ingest"]


def functions(packages: dict[str, Package]) -> dict[str, Mapping[str, Any]]:
    """Of all services, by their short names."""
    return {short(one["FunctionName"]): one for package in packages.values() for one in package.functions.values()}


def short(name: str) -> str:
    """Without project and stage."""
    return name.removeprefix("watchkeeper-").partition("-")[2]


def variables(packages: dict[str, Package]) -> dict[str, Mapping[str, Any]]:
    return {name: one.get("Environment", {}).get("Variables", {}) for name, one in functions(packages).items()}


class TestTables:
    @pytest.mark.parametrize("name", TABLES)
    def test_keys_are_those_of_the_design(self, ingest: Package, name: str) -> None:
        table = table_of(ingest, name)
        indexes = table.get("GlobalSecondaryIndexes", [])

        assert {"": keys(table), **{one["IndexName"]: keys(one) for one in indexes}} == TABLES[name]

    def test_only_what_is_ordered_by_number_is_one(self, ingest: Package) -> None:
        kinds = {
            one["AttributeName"]: one["AttributeType"]
            for name in TABLES
            for one in table_of(ingest, name)["AttributeDefinitions"]
        }

        assert {name for name, kind in kinds.items() if kind == "N"} == NUMBERS
        assert set(kinds.values()) == {"S", "N"}

    def test_indexes_hold_all_but_one_that_would_be_written_with_each_pollenation(self, ingest: Package) -> None:
        held = {
            index["IndexName"]: index["Projection"]["ProjectionType"]
            for name in TABLES
            for index in table_of(ingest, name).get("GlobalSecondaryIndexes", [])
        }

        assert {name for name, kind in held.items() if kind == "KEYS_ONLY"} == KEYS_ALONE
        assert set(held.values()) == {"ALL", "KEYS_ONLY"}

    def test_they_are_paid_by_request_in_every_stage(
        self, ingest: Package, ingest_of_stage: dict[str, Package]
    ) -> None:
        modes = {table_of(one, name)["BillingMode"] for one in (ingest, *ingest_of_stage.values()) for name in TABLES}

        assert modes == {"PAY_PER_REQUEST"}


def table_of(package: Package, name: str) -> Mapping[str, Any]:
    tables = package.properties("AWS::DynamoDB::Table").values()
    return next(one for one in tables if short(one["TableName"]) == name)


def keys(holder: Mapping[str, Any]) -> list[str]:
    return [part["AttributeName"] for part in holder["KeySchema"]]


class TestBackups:
    @pytest.fixture(params=["prod", "staging"])
    def backed_up(
        self, request: pytest.FixtureRequest, ingest: Package, ingest_of_stage: dict[str, Package]
    ) -> Package:
        return ingest if request.param == "prod" else ingest_of_stage["staging"]

    def test_every_night_is_kept_as_long_as_point_in_time_recovery_reaches(self, backed_up: Package) -> None:
        ((vault, _),) = backed_up.resources("AWS::Backup::BackupVault").items()
        (plan,) = backed_up.properties("AWS::Backup::BackupPlan").values()
        (rule,) = plan["BackupPlan"]["BackupPlanRule"]

        assert rule["TargetBackupVault"] == {"Ref": vault}
        assert rule["ScheduleExpression"] == "cron(0 1 * * ? *)"
        assert rule["Lifecycle"] == {"DeleteAfterDays": 35}

    def test_the_tables_of_all_services_are_taken_but_that_of_minutes(
        self, packages: dict[str, Package], ingest: Package
    ) -> None:
        (selection,) = ingest.properties("AWS::Backup::BackupSelection").values()
        (plan,) = ingest.resources("AWS::Backup::BackupPlan")
        chosen = selection["BackupSelection"]
        names = {one["TableName"] for package in packages.values() for one in tables(package)}

        assert selection["BackupPlanId"] == {"Ref": plan}
        assert [one["Fn::Sub"].partition(":table/")[2] for one in chosen["Resources"]] == ["watchkeeper-prod-*"]
        assert {name for name in names if not name.startswith("watchkeeper-prod-")} == set()
        assert [one["Fn::Sub"].partition(":table/")[2] for one in chosen["NotResources"]] == [
            "watchkeeper-prod-sign-in"
        ]
        assert "watchkeeper-prod-sign-in" in names

    def test_only_aws_backup_has_their_role(self, backed_up: Package) -> None:
        (selection,) = backed_up.properties("AWS::Backup::BackupSelection").values()
        role = backed_up.properties("AWS::IAM::Role")[selection["BackupSelection"]["IamRoleArn"]["Fn::GetAtt"][0]]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

        assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
        assert "Policies" not in role

    @pytest.mark.parametrize("stage", ["dev", "local"])
    def test_stages_without_backups_have_nothing_of_them(self, ingest_of_stage: dict[str, Package], stage: str) -> None:
        kinds = {one["Type"] for one in ingest_of_stage[stage].template["Resources"].values()}

        assert {kind for kind in kinds if kind.startswith("AWS::Backup")} == set()
        assert "BackupRole" not in ingest_of_stage[stage].template["Resources"]


def tables(package: Package) -> list[Mapping[str, Any]]:
    return list(package.properties("AWS::DynamoDB::Table").values())


class TestSecrets:
    def test_they_begin_with_placeholders_and_the_addresses_keys_belong_to(self, ingest: Package) -> None:
        assert json.loads(secret(ingest, "AlpacaSecret")) == {
            "key_id": "placeholder",
            "secret_key": "placeholder",
            "trading_url": "https://paper-api.alpaca.markets",
            "data_url": "https://data.alpaca.markets",
        }
        assert json.loads(secret(ingest, "AlphavantageSecret")) == {
            "api_key": "placeholder",
            "url": "https://www.alphavantage.co",
        }

    def test_their_text_is_the_same_however_often_it_is_deployed(self, ingest: Package) -> None:
        """What changes is written again, over the keys an operator put there."""
        for name in READERS:
            assert "GenerateSecretString" not in ingest.properties("AWS::SecretsManager::Secret")[name]
            assert isinstance(secret(ingest, name), str), "nothing in it is made while it is deployed"

    def test_on_aws_it_depends_on_no_variable_of_whoever_deploys(self) -> None:
        """`ALPACA_URL` is said for `make keys`, too: a deployment in the same shell would put placeholders back."""
        stages = yaml.safe_load((REPOSITORY / "stages.yml").read_text())["params"]
        named = re.findall(r"param:(\w+Url)", (REPOSITORY / "services/ingest/resources/secrets.yml").read_text())
        values = [settings[name] for stage, settings in stages.items() for name in named if name in settings]

        assert set(named) == {"alpacaUrl", "alpacaDataUrl", "alphavantageUrl"}
        assert [one for one in values if "env:" in one] == [stages["local"][name] for name in named]

    @pytest.mark.parametrize("name", READERS)
    def test_each_is_read_by_those_that_ask_its_upstream_alone(self, packages: dict[str, Package], name: str) -> None:
        readers = {
            role_name(package, statement.role)
            for package in packages.values()
            for statement in package.statements()
            if any(action.startswith("secretsmanager:") for action in statement.actions)
            and f'"{name}"' in json.dumps(statement.resources)
        }
        told = {function for function, one in variables(packages).items() if f'"{name}"' in json.dumps(one)}

        assert readers == told == READERS[name]

    def test_nobody_may_do_more_with_a_secret_than_read_one_by_its_name(self, packages: dict[str, Package]) -> None:
        found = [
            (action, resource)
            for package in packages.values()
            for statement in package.statements()
            for action in statement.actions
            for resource in statement.resources
            if action.startswith("secretsmanager:")
        ]

        assert {action for action, _ in found} == {"secretsmanager:GetSecretValue"}
        assert {json.dumps(resource) for _, resource in found} == {
            json.dumps({"Fn::GetAtt": [name, "Id"]}) for name in (*READERS, "CursorSecret")
        }


def secret(package: Package, name: str) -> str:
    text: str = package.properties("AWS::SecretsManager::Secret")[name]["SecretString"]
    return text


def role_name(package: Package, role: str) -> str:
    (function,) = [one for name, one in package.functions.items() if package.role_of(name) == role]
    return short(function["FunctionName"])


class TestSchedules:
    def test_each_function_is_started_when_the_design_says(self, packages: dict[str, Package]) -> None:
        found = {
            short(rule["Name"]): (short(package.functions[target["Arn"]["Fn::GetAtt"][0]]["FunctionName"]), when)
            for package in packages.values()
            for rule in package.properties("AWS::Events::Rule").values()
            if (when := rule.get("ScheduleExpression"))
            for target in rule["Targets"]
        }

        assert {name: found[name] for name in SCHEDULES} == SCHEDULES

    def test_nothing_that_asks_an_upstream_or_has_it_asked_begins_on_a_sunday(
        self, packages: dict[str, Package]
    ) -> None:
        """A schedule that could not be delivered is tried again for an hour, and refused by the function then."""
        for function, when in SCHEDULES.values():
            if function in ASKING | TRIGGERS:
                *_, day_of_week, year = when.removeprefix("cron(").removesuffix(")").split()
                assert (day_of_week, year) == ("MON-SAT", "*")

    def test_sundays_are_closed_but_on_the_developers_machine(
        self, packages: dict[str, Package], local_ingest: Package
    ) -> None:
        told = {name: one["MAINTENANCE_DAYS"] for name, one in variables(packages).items() if "MAINTENANCE_DAYS" in one}
        here = variables({"ingest": local_ingest})

        assert told == dict.fromkeys(ASKING | TRIGGERS, "SUN")
        assert {here[name]["MAINTENANCE_DAYS"] for name in ASKING} == {""}

    def test_memory_and_timeouts_are_those_of_the_design(self, packages: dict[str, Package]) -> None:
        found = functions(packages)

        assert {name: (found[name]["MemorySize"], found[name]["Timeout"]) for name in SIZES} == SIZES


class TestEvents:
    def test_what_is_to_be_pollenated_waits_in_the_queue_without_its_envelope(self, ingest: Package) -> None:
        (target,) = rule_of(ingest, "pollenation-needed")["Targets"]

        assert pattern(ingest, "pollenation-needed") == ("watchkeeper.markets", "pollenationNeeded")
        assert queue_name(ingest, target["Arn"]) == "pollenation"
        assert target["InputPath"] == "$.detail"

    def test_what_was_processed_reaches_the_function_that_notes_it(self, ingest: Package) -> None:
        (target,) = rule_of(ingest, "earnings-processed")["Targets"]

        assert pattern(ingest, "earnings-processed") == ("watchkeeper.markets", "earningsProcessed")
        assert short(ingest.functions[target["Arn"]["Fn::GetAtt"][0]]["FunctionName"]) == "mark-earnings-processed"
        assert "InputPath" not in target

    def test_both_listen_to_our_own_bus(self, ingest: Package) -> None:
        for name in ("pollenation-needed", "earnings-processed"):
            bus = ingest.properties("AWS::Events::EventBus")[rule_of(ingest, name)["EventBusName"]["Ref"]]
            assert bus["Name"] == "watchkeeper-prod-events"

    def test_what_is_not_passed_on_is_kept_among_the_failures(self, ingest: Package) -> None:
        for name in ("pollenation-needed", "earnings-processed"):
            (target,) = rule_of(ingest, name)["Targets"]
            assert queue_name(ingest, target["DeadLetterConfig"]["Arn"]) == "failures"
            assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == LONGEST_RETRIES

    def test_the_queue_takes_messages_of_its_rule_only(self, ingest: Package) -> None:
        policy = ingest.properties("AWS::SQS::QueuePolicy")["PollenationQueuePolicy"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"]

        assert policy["Queues"] == [{"Ref": "PollenationQueue"}]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert ingest.properties("AWS::Events::Rule")[source[0]] == rule_of(ingest, "pollenation-needed")

    def test_the_bus_is_written_to_by_those_that_have_something_to_tell(self, packages: dict[str, Package]) -> None:
        writing = {
            role_name(package, statement.role)
            for package in packages.values()
            for statement in package.statements()
            if "events:PutEvents" in statement.actions and EVENTS & set(map(json.dumps, statement.resources))
        }

        assert writing == {"publish-changes", "pollenate-asset", "markets", *TRIGGERS, *TELLING_OF_THE_SYSTEM}
        assert {name for name, one in variables(packages).items() if "EVENT_BUS" in one} == writing


def rule_of(package: Package, name: str) -> Mapping[str, Any]:
    rules = package.properties("AWS::Events::Rule").values()
    return next(rule for rule in rules if short(rule["Name"]) == name)


def pattern(package: Package, name: str) -> tuple[str, str]:
    """Source and type of the events a rule passes on."""
    found = rule_of(package, name)["EventPattern"]
    assert found.keys() == {"source", "detail-type"}
    ((source,), (kind,)) = found["source"], found["detail-type"]
    return source, kind


def queue_name(package: Package, reference: Mapping[str, Any]) -> str:
    return short(package.properties("AWS::SQS::Queue")[reference["Fn::GetAtt"][0]]["QueueName"])


class TestBudget:
    """One for all functions: what one of them is told, all are."""

    def limits(self, packages: dict[str, Package]) -> dict[str, float]:
        told = next(one for one in variables(packages).values() if BUDGET[0] in one)
        return {name: float(told[name]) for name in BUDGET}

    def test_all_that_ask_or_have_somebody_asked_know_the_same(self, packages: dict[str, Package]) -> None:
        told = {name: one for name, one in variables(packages).items() if BUDGET[0] in one}

        assert told.keys() == READERS["AlphavantageSecret"] | TRIGGERS
        assert len({tuple(one[name] for name in BUDGET) for one in told.values()}) == 1
        assert variables(packages)["markets"]["ALPHAVANTAGE_PER_DAY"] == next(iter(told.values()))[BUDGET[2]]

    @pytest.mark.parametrize("stage", ["prod", "staging", "dev", "local"])
    def test_news_leave_most_of_the_day_to_fundamentals(
        self, ingest: Package, ingest_of_stage: dict[str, Package], stage: str
    ) -> None:
        package = ingest if stage == "prod" else ingest_of_stage[stage]
        limits = self.limits({"ingest": package})

        assert limits["ALPHAVANTAGE_NEWS_PER_DAY"] * 2 < limits["ALPHAVANTAGE_PER_DAY"]
        assert limits["ALPHAVANTAGE_PER_DAY"] - limits["ALPHAVANTAGE_NEWS_PER_DAY"] >= CALLS_AN_ASSET
        assert limits["ALPHAVANTAGE_PER_DAY"] <= limits["ALPHAVANTAGE_PER_MINUTE"] * MINUTES_OF_A_DAY

    def test_stages_begin_with_the_free_plan_and_prod_has_a_paid_one(
        self, packages: dict[str, Package], packages_of_staging: dict[str, Package]
    ) -> None:
        assert list(self.limits(packages_of_staging).values()) == [1, 30, 25, 5]
        assert list(self.limits(packages).values()) == [2, 75, 50000, 48]

    def test_alpaca_is_asked_less_often_than_it_allows(self, packages: dict[str, Package]) -> None:
        told = {name: one for name, one in variables(packages).items() if "ALPACA_PER_MINUTE" in one}

        assert told.keys() == READERS["AlpacaSecret"]
        assert all(int(one["ALPACA_PER_MINUTE"]) < 200 for one in told.values())
