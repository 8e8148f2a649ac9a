from watchkeeper.budgets import DOWNLOADS, PEOPLE, WORKERS, for_downloads

GATEWAY_WAITS = 30
TIME_OUT = 29


def test_a_download_ends_before_the_gateway_gives_up() -> None:
    assert DOWNLOADS.request_seconds + DOWNLOADS.batch_seconds < TIME_OUT < GATEWAY_WAITS


def test_people_wait_longer_for_one_than_for_a_page() -> None:
    assert for_downloads(PEOPLE).request_seconds > 2 * PEOPLE.request_seconds


def test_where_aws_may_take_its_time_it_still_may() -> None:
    assert for_downloads(WORKERS).call_seconds == WORKERS.call_seconds
    assert for_downloads(WORKERS).request_seconds == DOWNLOADS.request_seconds
