import pytest

from ingest.kernel.mail import parse
from ingest.kernel.mail.kinds import is_bot
from tests.unit.kernel.mail.builders import NOW, PATCH_BODY, mail, patch, reply
from watchkeeper.kernel.models import Kind, Person

PULL = (
    "The following changes since commit 0123456789ab:\n\n  x\n\nare available in the Git repository at:\n\n"
    "  git://git.example.org/linux.git tags/x-1\n\nfor you to fetch changes up to ba9876543210:\n"
)


def kind(raw: bytes) -> Kind:
    return parse(raw, now=NOW).kind


def test_mail_with_diff_is_a_patch_whatever_its_subject() -> None:
    assert kind(patch()) is Kind.PATCH
    assert kind(patch(subject="try this")) is Kind.PATCH
    assert kind(patch(subject="Fwd: [PATCH] x")) is Kind.PATCH
    assert kind(patch(subject="[PATCH 0/1] x")) is Kind.PATCH


def test_pull_request_is_a_patch() -> None:
    assert kind(mail(PULL, subject="[GIT PULL] hwmon")) is Kind.PATCH
    assert parse(mail(PULL), now=NOW).pull_url == "git://git.example.org/linux.git tags/x-1"


def test_answer_with_a_diff_is_no_patch() -> None:
    assert kind(patch(subject="Re: [PATCH] x")) is not Kind.PATCH
    assert kind(patch(subject="re [PATCH] x")) is not Kind.PATCH


def test_number_zero_without_diff_is_a_cover() -> None:
    assert kind(mail(subject="[PATCH v2 0/3] x")) is Kind.COVER
    assert kind(mail(subject="[0/3] x")) is Kind.COVER


def test_answer_in_another_language_to_a_cover_is_none() -> None:
    answer = mail(subject="AW: [PATCH 0/2] x", references="<cover@example.org>")

    assert kind(answer) is not Kind.COVER


def test_answer_to_a_cover_is_none() -> None:
    assert kind(mail(subject="Re: [PATCH v2 0/3] x")) is Kind.REPLY


def test_tag_of_ones_own_is_a_review() -> None:
    assert kind(mail("Acked-by: Ada Example <ada@example.org>\n", subject="Re: [PATCH] x")) is Kind.REVIEW


def test_tag_handed_on_for_another_is_no_review() -> None:
    assert kind(mail("Acked-by: Carol <carol@example.com>\n", subject="Re: [PATCH] x")) is Kind.REPLY


def test_words_on_quoted_code_are_a_review() -> None:
    assert kind(reply("This happens on every boot.")) is Kind.REVIEW


def test_quoted_code_without_words_is_no_review() -> None:
    assert kind(reply("")) is Kind.REPLY


def test_position_is_a_review() -> None:
    assert kind(mail("Applied, thanks.\n", subject="Re: [PATCH] x")) is Kind.REVIEW


def test_talk_is_a_reply() -> None:
    assert kind(mail("I will look at it tomorrow.\n", subject="Re: [PATCH] x")) is Kind.REPLY
    assert kind(mail("Is anybody there?\n", subject="a question")) is Kind.REPLY


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("kernel test robot", "lkp@intel.com"),
        ("kernel test robot", "oliver.sang@intel.com"),
        ("syzbot", "syzbot+0123456789abcdef@syzkaller.appspotmail.com"),
        ("", "patchwork-bot+netdevbpf@kernel.org"),
        ("", "sashiko-bot@kernel.org"),
        ("kernelci.org bot", "bot@kernelci.org"),
        ("0-day Robot", "robot@bytheb.org"),
        ("", "bot+bpf-ci@kernel.org"),
        ("", "pr-tracker-bot@kernel.org"),
        ("tip-bot2 for Ada Example", "tip-bot2@linutronix.de"),
        ("Patchwork", "patchwork@emeril.freedesktop.org"),
        ("", "bluez.test.bot@gmail.com"),
    ],
)
def test_robots_are_known_by_address_or_name(name: str, address: str) -> None:
    assert is_bot(Person(name, address))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Abbott Example", "abbott@example.com"),
        ("Robert Bott", "bott@example.com"),
        ("Ada Example", "robotics@example.com"),
        ("Ada Example", "ada@kernel.org"),
        ("Bo Talbot", "talbot@example.com"),
        ("", ""),
    ],
)
def test_people_are_no_robots(name: str, address: str) -> None:
    assert not is_bot(Person(name, address))


def test_report_of_a_robot_is_no_review() -> None:
    raw = reply("Please fix this warning.", from_="kernel test robot <lkp@intel.com>")

    assert kind(raw) is Kind.BOT


def test_patch_of_a_robot_stays_a_patch() -> None:
    assert kind(mail(PATCH_BODY, from_="kernel test robot <lkp@intel.com>")) is Kind.PATCH
