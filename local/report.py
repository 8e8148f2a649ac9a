"""What the commands tell about a running cloud."""

from local import samples
from local.cloud import LocalCloud
from local.progress import DEAD_LETTERS, source_progress, waiting

WELCOME = """
The API:  {api}/api/v1

  curl '{api}/api/v1/openapi.json'
  curl '{api}/api/v1/kernel/patches?limit=5'
  curl '{api}/api/v1/kernel/freshness'

Every AWS client finds this cloud with
  AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1

make status   shows how it goes
make logs FUNCTION=fetch-patches
make down     stops it; the data stays
"""


def welcome(cloud: LocalCloud) -> str:
    return WELCOME.format(api=cloud.api_url, endpoint=cloud.endpoint)


def status(cloud: LocalCloud) -> str:
    if not cloud.is_running:
        return f"The local cloud does not run on port {cloud.port}."
    running = [f"Cloud       port {cloud.port}, pid {cloud.pid}, log {cloud.log}", _upstreams(cloud)]
    if not cloud.is_deployed():
        return "\n".join([*running, "Nothing is deployed on it."])
    sources = [f"  {source}" for source in source_progress(cloud)] or ["  nothing loaded yet"]
    return "\n".join([*running, f"API         {cloud.api_url}/api/v1", "Sources", *sources, *_queues(cloud)])


def _upstreams(cloud: LocalCloud) -> str:
    pid = samples.pid(cloud)
    return "Upstreams   the samples are not running" if pid is None else f"Upstreams   samples, pid {pid}"


def _queues(cloud: LocalCloud) -> list[str]:
    lines = ["Work left in the queues", "  " + ", ".join(map(str, waiting(cloud)))]
    failed = [f"{queue.queue} {queue.ready + queue.taken + queue.delayed}" for queue in waiting(cloud, DEAD_LETTERS)]
    return [*lines, "Failed for good", "  " + ", ".join(failed)]
