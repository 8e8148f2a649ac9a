"""Removing objects with all their versions: a delete marker alone would leave them for a month."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from watchkeeper.errors import DatabaseError
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


class ErasedObjects:
    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def remove(self, prefix: str) -> Iterator[int]:
        """Remove all objects with that key prefix; yields the number removed after each request. Raises
        ``DatabaseError``."""
        before: list[ObjectIdentifierTypeDef] = []
        while found := self._found(prefix):
            if found == before:
                raise DatabaseError(f"DeleteObjects had no effect on {len(found)} objects")
            self._delete(found)
            yield len(found)
            before = found

    def _found(self, prefix: str) -> "list[ObjectIdentifierTypeDef]":
        """A page of them. Objects stored while the bucket was not versioned have the version ``null``."""
        failed = "ListObjectVersions failed"
        with translated(failed):
            page = self._client.list_object_versions(Bucket=self._bucket, Prefix=prefix)
        with understood(failed):
            return [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            ]

    def _delete(self, versions: "list[ObjectIdentifierTypeDef]") -> None:
        with translated("DeleteObjects failed"):
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True})
        if refused := answer.get("Errors"):
            codes = ", ".join(sorted({one.get("Code", "unknown") for one in refused}))
            raise DatabaseError(f"DeleteObjects left {len(refused)} objects: {codes}")
