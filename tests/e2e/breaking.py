"""Makes deployed functions fail, and repairs them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from local.cloud import LocalCloud
from tests.e2e.waiting import wait_for


@contextmanager
def without_setting(cloud: LocalCloud, variable: str, *functions: str) -> Iterator[None]:
    """They fail with an error that names the variable, before they send any request."""
    with ExitStack() as repairs:
        for function in functions:
            settings = _settings(cloud, function)
            repairs.callback(_configure, cloud, function, settings)
            _configure(cloud, function, {name: value for name, value in settings.items() if name != variable})
        yield


@contextmanager
def impatient_streams(cloud: LocalCloud, function: str) -> Iterator[None]:
    """What the function fails on is given up after a second, instead of after hours."""
    sources = cloud.functions.list_event_source_mappings(FunctionName=cloud.name(function))["EventSourceMappings"]
    streams = [source for source in sources if ":dynamodb:" in source["EventSourceArn"]]
    ages = {stream["UUID"]: stream["MaximumRecordAgeInSeconds"] for stream in streams}
    for source in ages:
        cloud.functions.update_event_source_mapping(UUID=source, MaximumRecordAgeInSeconds=1)
    try:
        yield
    finally:
        for source, age in ages.items():
            cloud.functions.update_event_source_mapping(UUID=source, MaximumRecordAgeInSeconds=age)


def _settings(cloud: LocalCloud, function: str) -> Mapping[str, str]:
    configuration = cloud.functions.get_function_configuration(FunctionName=cloud.name(function))
    return dict(configuration["Environment"]["Variables"])


def _configure(cloud: LocalCloud, function: str, settings: Mapping[str, str]) -> None:
    name = cloud.name(function)
    cloud.functions.update_function_configuration(FunctionName=name, Environment={"Variables": settings})

    def is_ready() -> bool:
        return cloud.functions.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful"

    wait_for(f"{function} to be configured", is_ready)
