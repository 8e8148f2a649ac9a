import pytest

from api.ferments.sharing.forms import wants_page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


def wanted(accept: str, agent: str = "") -> bool:
    return wants_page({"headers": {"accept": accept, "user-agent": agent}})


def test_browsers_get_the_page() -> None:
    assert wanted(BROWSER, CHROME)


@pytest.mark.parametrize(
    "agent",
    [
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Twitterbot/1.0",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "TelegramBot (like TwitterBot)",
        "WhatsApp/2.23.20.0",
        "Mastodon/4.5.0 (http.rb/5.3.1; +https://mastodon.example/)",
    ],
)
def test_so_does_what_makes_previews_of_links(agent: str) -> None:
    assert wanted("*/*", agent)
    assert wanted("", agent)
    assert not wanted("application/json", agent)


@pytest.mark.parametrize("agent", ["", "curl/8.14.1", "python-requests/2.32.5", "okhttp/4.12.0", CHROME])
@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/plain, */*"])
def test_programs_get_data(accept: str, agent: str) -> None:
    assert not wanted(accept, agent)
