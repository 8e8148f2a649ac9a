"""The runbook says what is written in alarms.yml, and nothing YAML has made of it."""

import pytest

from local.documents.runbook import rules


@pytest.mark.parametrize("name", rules())
def test_steps_and_commands_of_an_alarm_are_texts(name: str) -> None:
    rule = rules()[name]

    steps = [*rule["look"], *rule["do"], *rule.get("commands", [])]
    assert [step for step in steps if not isinstance(step, str)] == []
