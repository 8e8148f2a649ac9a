"""Storage of exports that are too large for a response."""

from collections.abc import Callable
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from watchkeeper.budgets import Deadline
from watchkeeper.errors import DatabaseError
from watchkeeper.ferments.models import exports_of_user
from watchkeeper.translation import asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_HOLDS = timedelta(minutes=5)


class ExportStore:
    """A private bucket, which expires objects under `exports/` after a day."""

    def __init__(self, client: "Callable[[], S3Client]", bucket: str, *, deadline: Deadline) -> None:
        """The client is created for the first large export: few exports are large."""
        self._client = client
        self._bucket = bucket
        self._deadline = deadline

    def put(self, user: str, export: str, file: IO[bytes], *, content_type: str, disposition: str) -> str:
        """Store it under the id ``export``; returns its key. S3 accepts 5 GB in one request, and the file is streamed.
        Raises ``DatabaseError``."""
        key = f"{exports_of_user(user)}{export}.csv"
        with asking("the export cannot be stored", self._deadline):
            stored = self._client().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=file,
                ContentType=content_type,
                ContentDisposition=disposition,
                CacheControl="no-store",
                ServerSideEncryption="AES256",
            )
        if not stored.get("ETag"):
            raise DatabaseError("nothing says that the export was stored")
        return key

    def link(self, key: str) -> str:
        """A link with which anybody can read the export for ``LINK_HOLDS``."""
        return self._client().generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key},
            ExpiresIn=int(LINK_HOLDS.total_seconds()),
        )
