"""What is signed for others: forms and links that are good wherever the bucket is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from api.ferments.photos import PhotoStore
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE, Deadline
from watchkeeper.errors import OutOfTime
from watchkeeper.ferments.models import Photo

BUCKET = "watchkeeper-test-photos"
PHOTO = Photo("p", "b", "u", "image/jpeg", datetime(2026, 7, 1, tzinfo=UTC))


@pytest.fixture(params=["us-east-1", "eu-central-1"])
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", request.param)
    monkeypatch.setenv("AWS_REGION", request.param)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws.forget_clients()
    yield request.param
    aws.forget_clients()


@pytest.fixture
def deadline() -> Deadline:
    return Deadline()


@pytest.fixture
def store(region: str, deadline: Deadline) -> PhotoStore:
    return PhotoStore(partial(aws.s3_client, PEOPLE), BUCKET, deadline)


def host(region: str) -> str:
    return f"{BUCKET}.s3.amazonaws.com" if region == "us-east-1" else f"{BUCKET}.s3.{region}.amazonaws.com"


def test_a_link_leads_to_the_buckets_own_region(store: PhotoStore, region: str) -> None:
    url = urlsplit(store.link(PHOTO))
    query = parse_qs(url.query)

    assert (url.scheme, url.netloc, url.path) == ("https", host(region), "/users/u/batches/b/p")
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert f"/{region}/s3/" in query["X-Amz-Credential"][0]
    assert query["X-Amz-Security-Token"] == ["token"]


def test_a_form_is_sent_to_the_buckets_own_region(store: PhotoStore, region: str) -> None:
    form = store.upload_form(PHOTO)

    assert form.url == f"https://{host(region)}/"
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert f"/{region}/s3/" in form.fields["x-amz-credential"]


def test_an_endpoint_of_our_own_keeps_its_host(store: PhotoStore, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")

    assert store.upload_form(PHOTO).url == f"http://localhost:4566/{BUCKET}"
    assert store.link(PHOTO).startswith(f"http://localhost:4566/{BUCKET}/users/u/batches/b/p?")


@pytest.mark.usefixtures("region")
def test_nothing_is_signed_when_there_is_no_time_left(store: PhotoStore, deadline: Deadline) -> None:
    deadline.start(-1)

    with pytest.raises(OutOfTime):
        store.link(PHOTO)
