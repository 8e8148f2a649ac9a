"""What the models say by themselves."""

from dataclasses import replace
from datetime import UTC, datetime

from watchkeeper.ferments.models import Batch, Photo, Stage, Timing, objects_of_batch, objects_of_user

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_batch_has_the_timing_of_its_stage() -> None:
    jar = Batch("b", "u", "Ginger", NOON, NOON, stage1=Timing(NOON, 48.0), stage2=Timing(None, 24.0))

    assert jar.timing == jar.stage1
    assert replace(jar, stage=Stage.BOTTLED).timing == jar.stage2


def test_a_photos_object_is_below_its_batchs_and_its_owners() -> None:
    photo = Photo("p", "b", "u", "image/png", NOON)

    assert photo.object_key == "users/u/batches/b/p"
    assert photo.object_key.startswith(objects_of_batch("u", "b"))
    assert objects_of_batch("u", "b").startswith(objects_of_user("u"))


def test_one_owners_objects_do_not_begin_like_anothers() -> None:
    assert not objects_of_user("u2").startswith(objects_of_user("u"))
    assert not objects_of_batch("u", "b2").startswith(objects_of_batch("u", "b"))
