"""Photos of batches. They do not pass through here: who may upload or see one gets a short-lived presigned form or
link, which the bucket accepts as if it came from the function itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from api.ferments.bodies import NewPhoto
from api.ferments.identifiers import id_within, new_id
from api.ferments.rules import require_changeable
from api.web.problems import Conflict, KeyReused, NotThereYet
from api.web.work import Work
from watchkeeper.budgets import Deadline
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import Batch, Photo
from watchkeeper.ferments.repository import FermentRepository, changed_batch, new_photo, removed_photo
from watchkeeper.translation import asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PHOTOS = 30
"""Per batch."""

MAX_PHOTO_BYTES = 10 * 1024 * 1024
GOOD_FOR = timedelta(minutes=5)
"""The validity of forms and links."""

_NO_OBJECT = "There is no such photo now: it has not been uploaded yet, or is gone, as photos are kept for a year."
_NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
"""Without permission to list a bucket, S3 answers 403 for objects that do not exist."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form for ``multipart/form-data``: these fields, and the photo last, as ``file``."""

    url: str
    fields: dict[str, str]


class PhotoStore:
    """The bucket. All methods raise ``DatabaseError``."""

    def __init__(self, client: "Callable[[], S3Client]", bucket: str, deadline: Deadline) -> None:
        """The client is created for the first photo: few requests are about photos."""
        self._client = client
        self._bucket = bucket
        self._deadline = deadline

    def upload_form(self, photo: Photo) -> Form:
        """Accepts this photo only: under its key, of its type, and not too large."""
        typed = {"Content-Type": photo.content_type}
        with asking("no upload can be signed", self._deadline):
            signed = self._client().generate_presigned_post(
                self._bucket,
                photo.object_key,
                Fields=typed,
                Conditions=[typed, ["content-length-range", 1, MAX_PHOTO_BYTES]],
                ExpiresIn=int(GOOD_FOR.total_seconds()),
            )
        return Form(signed["url"], signed["fields"])

    def link(self, photo: Photo) -> str:
        """Whatever was uploaded, the response declares it to be an image, with a file name."""
        name = f"{photo.id}.{photo.content_type.removeprefix('image/')}"
        asked = {
            "Bucket": self._bucket,
            "Key": photo.object_key,
            "ResponseContentType": photo.content_type,
            "ResponseContentDisposition": f'inline; filename="{name}"',
            "ResponseCacheControl": f"private, max-age={int(GOOD_FOR.total_seconds())}",
        }
        with asking("no link can be signed", self._deadline):
            return self._client().generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=int(GOOD_FOR.total_seconds())
            )

    def holds(self, photo: Photo) -> bool:
        """Whether it has been uploaded."""
        with asking("a photo cannot be looked for", self._deadline):
            try:
                self._client().head_object(Bucket=self._bucket, Key=photo.object_key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NOT_THERE:
                    return False
                raise
        return True

    def remove(self, photo: Photo) -> None:
        """Succeeds whether it was uploaded or not."""
        with asking("a photo cannot be removed", self._deadline):
            self._client().delete_object(Bucket=self._bucket, Key=photo.object_key)


@dataclass(frozen=True, slots=True)
class Photos:
    ferments: FermentRepository
    store: PhotoStore

    def add(self, work: Work, batch: str, wanted: NewPhoto) -> tuple[Photo, Form]:
        """It counts towards the maximum from now on, whether it is uploaded or not. Adding it again with the same key
        returns the same photo with a new form. Raises ``ItemNotFound``, ``Conflict`` and ``KeyReused``."""
        about = self.ferments.batch(work.user, batch)
        require_changeable(about)
        name = id_within(batch, f"photo#{work.key}") if work.key else new_id()
        if name in about.photos:
            known = self.ferments.photo(work.user, batch, name)
            if known.content_type != wanted.content_type:
                raise KeyReused("another type")
            return known, self.store.upload_form(known)
        if len(about.photos) >= MAX_PHOTOS:
            raise Conflict(f"The batch has {MAX_PHOTOS} photos already, which is the maximum.")
        photo = Photo(name, batch, work.user, wanted.content_type, work.now)
        with_it = replace(about, photos=(*about.photos, photo.id), version=about.version + 1, updated_at=work.now)
        work.add(new_photo(photo), changed_batch(with_it, was=about.version))
        return photo, self.store.upload_form(photo)

    def show(self, user: str, batch: str, photo: str) -> tuple[Photo, str]:
        """The photo, and a link to it. Raises ``ItemNotFound`` and ``NotThereYet``."""
        found = self._find(self.ferments.batch(user, batch), photo)
        if not self.store.holds(found):
            raise NotThereYet(_NO_OBJECT)
        return found, self.store.link(found)

    def remove(self, work: Work, batch: str, photo: str) -> None:
        """The object first: if the rest fails, the photo is still listed and can be removed again. An upload in
        progress may still recreate the object; it is removed with its batch. Raises ``ItemNotFound`` and
        ``Conflict``."""
        about = self.ferments.batch(work.user, batch)
        found = self._find(about, photo)
        require_changeable(about)
        self.store.remove(found)
        left = tuple(other for other in about.photos if other != photo)
        without = replace(about, photos=left, version=about.version + 1, updated_at=work.now)
        work.add(removed_photo(found), changed_batch(without, was=about.version))

    def of_batch(self, user: str, batch: str) -> list[Photo]:
        """Oldest first. Raises ``ItemNotFound``."""
        about = self.ferments.batch(user, batch)
        found = {photo.id: photo for photo in self.ferments.photos(user, batch)}
        return [found[name] for name in about.photos if name in found]

    def _find(self, batch: Batch, photo: str) -> Photo:
        if photo not in batch.photos:
            raise ItemNotFound("no such photo")
        return self.ferments.photo(batch.user, batch.id, photo)
