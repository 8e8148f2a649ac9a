"""One role per function, and no more in it than the function needs."""

from typing import Any

from tests.infra.packages import Package

ANYTHING = "*"
OF_LOG_DELIVERIES = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
"""What a state machine needs, as Step Functions has it, to write a log."""
WITHOUT_RESOURCES = {
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "cloudwatch:DescribeAlarms",
    *OF_LOG_DELIVERIES,
}
"""X-Ray and deliveries of logs know no resources; CodeDeploy's own policy lets it read all alarms, and less is not
promised."""

READING = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
OF_STREAMS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
OF_ALL = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
OF_INGEST = (
    *("patches", "series", "discussions", "threading", "progress", "breakers", "bodies"),
    *("assets", "earningsCalendar", "newsSentiment", "foundationalData"),
    "read-models",
)
EVENT_STORE = ("EventStoreTable", "table/watchkeeper-prod-event-store")
READ_MODELS = ("ReadModelsTable", "table/watchkeeper-prod-read-models")
OF_PEOPLE = {"people": ("PeopleTable", "table/watchkeeper-prod-people"), "sign-in": ("SignInTable",)}
"""Tables of the service api, by how roles name them."""

OF_DEAD_LETTERS = "DeadDashlettersIamRoleLambdaExecution"
"""It invokes again what failed: functions that tests/infra/test_dead_letters.py holds against those there are."""


def test_every_function_has_a_role_of_its_own(package_of_service: Package) -> None:
    roles = [package_of_service.role_of(function) for function in package_of_service.functions]

    assert len(set(roles)) == len(roles)
    assert set(package_of_service.resources("AWS::IAM::Role")) >= set(roles)


def test_there_is_no_role_without_a_function_or_what_it_is_known_to_be_for(package_of_service: Package) -> None:
    used = {package_of_service.role_of(function) for function in package_of_service.functions}
    used |= roles_of_others(package_of_service) | roles_of_backups(package_of_service)

    assert set(package_of_service.resources("AWS::IAM::Role")) == used


def roles_of_shifts(package: Package) -> set[str]:
    groups = package.properties("AWS::CodeDeploy::DeploymentGroup").values()
    return {group["ServiceRoleArn"]["Fn::GetAtt"][0] for group in groups}


def roles_of_machines(package: Package) -> set[str]:
    """Those of state machines, and of the rules that start them."""
    machines = package.properties("AWS::StepFunctions::StateMachine").values()
    targets = [target for rule in package.properties("AWS::Events::Rule").values() for target in rule["Targets"]]
    return {one["RoleArn"]["Fn::GetAtt"][0] for one in (*machines, *targets) if "RoleArn" in one}


def roles_of_others(package: Package) -> set[str]:
    """Those that no function has, and that say themselves what they allow."""
    return roles_of_shifts(package) | roles_of_machines(package)


def roles_of_backups(package: Package) -> set[str]:
    selections = package.properties("AWS::Backup::BackupSelection").values()
    return {one["BackupSelection"]["IamRoleArn"]["Fn::GetAtt"][0] for one in selections}


def test_no_role_has_a_policy_of_others_but_that_of_backups(package_of_service: Package) -> None:
    attached = {
        (name, policy["Fn::Sub"].partition(":policy/")[2])
        for name, role in package_of_service.properties("AWS::IAM::Role").items()
        for policy in role.get("ManagedPolicyArns", [])
    }

    assert attached == {
        (name, "service-role/AWSBackupServiceRolePolicyForBackup") for name in roles_of_backups(package_of_service)
    }


def test_actions_are_named_one_by_one(package_of_service: Package) -> None:
    wide = [(s.role, action) for s in package_of_service.statements() for action in s.actions if ANYTHING in action]

    assert wide == []


def test_log_groups_are_made_by_the_stack_alone(package_of_service: Package) -> None:
    allowed = {action for statement in package_of_service.statements() for action in statement.actions}

    assert "logs:PutLogEvents" in allowed
    assert "logs:CreateLogGroup" not in allowed


def test_resources_are_named_one_by_one(package_of_service: Package) -> None:
    wide = [
        statement
        for statement in package_of_service.statements()
        if ANYTHING in statement.resources and not WITHOUT_RESOURCES.issuperset(statement.actions)
    ]

    assert wide == []


def test_indexes_are_named_one_by_one(package_of_service: Package) -> None:
    resources = [resource for statement in package_of_service.statements() for resource in statement.resources]

    assert [resource for resource in resources if "index/*" in str(resource)] == []


def test_no_function_may_hand_out_permissions(package_of_service: Package) -> None:
    others = roles_of_others(package_of_service)
    statements = [statement for statement in package_of_service.statements() if statement.role not in others]
    allowed = {(statement.role, action) for statement in statements for action in statement.actions}
    powers = {power for power in allowed if power[1].startswith(("iam:", "sts:", "lambda:", "kms:"))}

    assert powers <= {(OF_DEAD_LETTERS, "lambda:InvokeFunction")}


def test_the_api_only_reads_what_ingest_keeps(packages: dict[str, Package]) -> None:
    found = [
        (action, resource)
        for statement in packages["api"].statements()
        for action in statement.actions
        for resource in statement.resources
        if any(f"watchkeeper-prod-{name}" in str(resource) for name in OF_INGEST)
    ]

    assert found
    assert {action for action, _ in found} == {*READING, "s3:GetObject"}


def test_each_table_of_people_is_written_to_by_these_functions_alone(packages: dict[str, Package]) -> None:
    written = {(table, function) for function, action, table in uses_of_tables(packages) if action not in READING}

    assert written == {
        ("people", "people"),
        ("people", "ferments"),
        ("people", "erase"),
        ("people", "observability-commands"),
        ("people", "process-reminders"),
        ("people", "check-push-receipts"),
        ("sign-in", "auth"),
        ("sign-in", "create-auth-challenge"),
        ("sign-in", "verify-auth-challenge"),
    }


def test_events_are_appended_by_these_functions_and_never_deleted(packages: dict[str, Package]) -> None:
    used = uses_of(packages, EVENT_STORE)

    assert {function for function, action in used if action == "dynamodb:PutItem"} == {
        "observability-commands",
        "evaluate-alerts",
        "record-facts",
    }
    assert {action for _, action in used} - OF_STREAMS == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
    }
    assert {function for function, action in used if action == "dynamodb:Scan"} == {"rebuild-read-model"}


def test_of_functions_the_one_that_makes_them_anew_alone_writes_read_models(packages: dict[str, Package]) -> None:
    used = uses_of(packages, READ_MODELS)

    assert {function for function, action in used if action not in READING} == {"rebuild-read-model"}
    assert {function for function, action in used if action in READING} == {
        "evaluate-alerts",
        "healthz",
        "observability-commands",
        "observability-queries",
        "rebuild-read-model",
    }


def uses_of(packages: dict[str, Package], names: tuple[str, ...]) -> set[tuple[str, str]]:
    """Functions, and what they may do to one of ingest's tables."""
    return {
        (short_name(package, statement.role), action)
        for package in packages.values()
        for statement in package.statements()
        if statement.role not in roles_of_others(package)
        for action in statement.actions
        for resource in statement.resources
        if action.startswith("dynamodb:") and any(name in str(resource) for name in names)
    }


def test_nobody_reads_codes_or_whole_tables(packages: dict[str, Package]) -> None:
    used = uses_of_tables(packages)

    assert {action for _, action, table in used if table == "sign-in"} == {
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert [use for use in used if use[1] == "dynamodb:Scan"] == []


def test_public_pages_cannot_be_written_by_whom_they_are_read(packages: dict[str, Package]) -> None:
    assert {action for function, action in actions(packages["api"]) if function == "public"} == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        *OF_ALL,
    }


def test_photos_are_reached_by_those_that_keep_show_and_remove_them(packages: dict[str, Package]) -> None:
    granted = {
        (short_name(packages["api"], statement.role), action, resource["Fn::Sub"].removeprefix("${PhotosBucket.Arn}/"))
        for statement in packages["api"].statements()
        for action in statement.actions
        for resource in statement.resources
        if "PhotosBucket" in str(resource) and "Fn::Sub" in resource
    }

    assert {(function, prefix) for function, _, prefix in granted} == {
        ("ferments", "users/*"),
        ("export", "exports/*"),
        ("erase", "*"),
    }
    assert {action for function, action, _ in granted if function == "erase"} == {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }


def test_only_these_functions_reach_the_user_pool(packages: dict[str, Package]) -> None:
    granted = {use for use in actions(packages["api"]) if use[1].startswith("cognito-idp:")}

    assert granted == {
        ("auth", "cognito-idp:AdminGetUser"),
        ("auth", "cognito-idp:AdminUpdateUserAttributes"),
        ("auth", "cognito-idp:DescribeUserPoolClient"),
        ("people", "cognito-idp:AdminGetUser"),
        ("erase", "cognito-idp:AdminDeleteUser"),
    }


def test_mail_is_sent_by_one_function_and_in_one_name(packages: dict[str, Package]) -> None:
    sending = [one for one in packages["api"].statements() if "ses:SendEmail" in one.actions]

    assert [short_name(packages["api"], one.role) for one in sending] == ["create-auth-challenge"]
    assert [arn["Fn::Sub"].partition(":identity/")[2] for one in sending for arn in one.resources] == [
        "watchkeeper.example"
    ]
    assert {action for package in packages.values() for _, action in actions(package) if action[:4] == "ses:"} == {
        "ses:SendEmail"
    }


def actions(package: Package) -> set[tuple[str, str]]:
    """Functions, by their short names, and what they may do to something."""
    return {
        (short_name(package, statement.role), action)
        for statement in package.statements()
        if statement.role not in roles_of_others(package)
        for action in statement.actions
    }


def uses_of_tables(packages: dict[str, Package]) -> set[tuple[str, str, str]]:
    """Functions, what they may do to a table of people's, and which."""
    return {
        (short_name(package, statement.role), action, table)
        for package in packages.values()
        for statement in package.statements()
        for action in statement.actions
        for resource in statement.resources
        for table, names in OF_PEOPLE.items()
        if action.startswith("dynamodb:") and any(name in str(resource) for name in names)
    }


def short_name(package: Package, role: str) -> str:
    (function,) = [one for name, one in package.functions.items() if package.role_of(name) == role]
    name: str = function["FunctionName"]
    return name.removeprefix("watchkeeper-prod-")


def test_failures_queue_takes_messages_of_our_rules_only(packages: dict[str, Package]) -> None:
    (statement,) = packages["ingest"].properties("AWS::SQS::QueuePolicy")["FailuresQueuePolicy"]["PolicyDocument"][
        "Statement"
    ]
    source: dict[str, Any] = statement["Condition"]["ArnLike"]["aws:SourceArn"]

    assert statement["Action"] == "sqs:SendMessage"
    assert source["Fn::Sub"].endswith(":rule/watchkeeper-prod-*")
