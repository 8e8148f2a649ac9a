import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail.diffs import pull_url, split_diff
from tests.unit.kernel.mail.builders import DIFF

RENAME = """\
diff --git a/old.c b/new.c
similarity index 100%
rename from old.c
rename to new.c
"""
MODE_CHANGE = """\
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
"""
BINARY = """\
diff --git a/logo.png b/logo.png
index 1111111..2222222 100644
GIT binary patch
literal 10
zcmV-00123456789
"""
QUILT = """\
Index: linux/file.c
===================================================================
--- linux.orig/file.c
+++ linux/file.c
@@ -1 +1 @@
-a
+b
"""


@pytest.mark.parametrize("diff", [DIFF, RENAME, MODE_CHANGE, BINARY, QUILT, DIFF + DIFF, RENAME + DIFF])
def test_diffs_of_all_kinds_are_found(diff: str) -> None:
    found, text = split_diff("Some words.\n---\n notes\n\n" + diff)

    assert found is not None
    assert found.strip() == diff.strip()
    assert text.strip() == "Some words.\n---\n notes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Just words.\n",
        "---\nnotes\n",
        "diff --git a/x b/x\n",
        "diff between these two is small\n",
        "Index: none\n",
        "--- a/x\nno plus line\n",
        "--- a/x\n+++ b/x\nno hunk\n",
        "diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n",
        "".join(f"> {line}\n" for line in DIFF.splitlines()),
    ],
)
def test_what_patchwork_takes_for_no_diff_is_none(text: str) -> None:
    assert split_diff(text) == (None, text)


def test_text_behind_the_diff_is_text() -> None:
    found, text = split_diff(DIFF + "-- \n2.43.0\n")

    assert found == DIFF
    assert text == "-- \n2.43.0\n"


def test_lines_of_a_hunk_that_look_like_headers_belong_to_it() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new comment\n same\n"

    assert split_diff(diff + "\n")[0] == diff


def test_hunk_without_newline_at_the_end_of_the_file() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"

    assert split_diff(diff)[0] == diff


def test_hunk_that_breaks_off_is_kept() -> None:
    assert split_diff("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b") == (
        "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\n",
        "",
    )


def test_several_files_without_git_headers() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n"

    assert split_diff(diff + "bye\n") == (diff, "bye\n")


@given(
    st.lists(
        st.sampled_from([*DIFF.splitlines(), *BINARY.splitlines(), *MODE_CHANGE.splitlines(), "words", "", "-- "]),
        max_size=30,
    )
)
def test_no_line_is_lost_or_invented(lines: list[str]) -> None:
    text = "\n".join(lines)

    diff, around = split_diff(text)

    assert sorted(line for line in [*(diff or "").split("\n"), *around.split("\n")] if line) == sorted(
        filter(None, lines)
    )


def request(offer: str) -> str:
    return (
        "The following changes since commit 0123456789ab:\n\n  Linux 7.2-rc1 (2026-06-28 12:00:00 -0700)\n\n"
        f"are available in the Git repository at:\n\n{offer}\n"
        "for you to fetch changes up to ba9876543210:\n\n  hwmon: x\n"
    )


@pytest.mark.parametrize(
    ("offer", "url"),
    [
        (
            "  git://git.example.org/linux.git tags/hwmon-for-v7.2\n",
            "git://git.example.org/linux.git tags/hwmon-for-v7.2",
        ),
        ("  https://example.org/linux.git for-next\n", "https://example.org/linux.git for-next"),
        ("  git@example.org:linux.git\n", "git@example.org:linux.git"),
        ("  ssh://git@example.org/~ada/linux.git \\\n    tags/x-1\n", "ssh://git@example.org/~ada/linux.git tags/x-1"),
    ],
)
def test_pull_requests_name_what_to_pull(offer: str, url: str) -> None:
    assert pull_url(request(offer)) == url


@pytest.mark.parametrize(
    "text",
    [
        "are available in the Git repository at:\n\n  git://example.org/x.git x\n",
        request("  nowhere\n"),
        "-- \n" + request("  git://example.org/x.git x\n"),
        "".join(f"> {line}\n" for line in request("  git://example.org/x.git x\n").splitlines()),
    ],
)
def test_what_is_no_pull_request(text: str) -> None:
    assert pull_url(text) is None
