"""Builds the eraser, once per execution environment. No caller is waiting for it."""

from functools import cache

from api.people.account import UserPool
from api.people.erasing.eraser import Eraser
from api.people.erasing.objects import ErasedObjects
from api.people.erasing.settings import ErasingSettings
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.queues import SqsWorkQueue


@cache
def eraser() -> Eraser:
    """Raises ``ConfigurationError`` when the environment is incomplete."""
    settings = ErasingSettings.from_environment()
    return Eraser(
        table=Table(aws.dynamodb_client(), settings.people_table),
        objects=ErasedObjects(aws.s3_client(), settings.photos_bucket),
        users=UserPool(aws.identity_client(), settings.user_pool_id),
        work=SqsWorkQueue(aws.sqs_client, settings.erasures_queue_url),
        clock=utc_now,
    )
