"""The pages as they come from the server, without a browser."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest

from api.web.cards import CARDS_MAX
from tests.web.company import ACME, ADA, EMPTY, MANY, NORDWIND, PIPELINE, RENEWAL, WON, ago

NOBODY = UUID(int=404)
PATHS = (
    "/",
    "/accounts",
    "/contacts",
    f"/accounts/{ACME}",
    f"/contacts/{ADA}",
    f"/pipeline/{PIPELINE}",
    f"/opportunities/{RENEWAL}/close?as=lost",
    "/insights/retention",
    "/search?q=acme",
    "/patterns",
)


def text(page: httpx.Response) -> str:
    """What a page says, without its tags."""
    body = re.sub(r"<(script|style).*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("path", PATHS)
def test_every_page_has_one_heading_and_its_landmarks(visitor: httpx.Client, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 200
    assert len(re.findall(r"<h1\b", page.text)) == 1
    for landmark in ('<main id="main"', '<nav class="rail"', "<header", 'role="search"'):
        assert landmark in page.text
    assert page.text.count('role="status"') == 1
    assert page.text.count('role="alert"') == 1
    assert 'href="#main"' in page.text


@pytest.mark.parametrize("path", PATHS)
def test_every_id_is_unique_and_every_name_has_an_owner(visitor: httpx.Client, path: str) -> None:
    html = visitor.get(path).text
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))
    for named_by in re.findall(r'(?:aria-labelledby|aria-describedby|\sfor)="([^"]+)"', html):
        assert set(named_by.split()) <= {*ids, "sheetlet-title"}


@pytest.mark.parametrize("path", PATHS)
def test_pages_forbid_scripts_and_styles_that_are_not_ours(
    visitor: httpx.Client, path: str
) -> None:
    page = visitor.get(path)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert not re.search(r"\sstyle=|\son\w+=|<script>", page.text)


def test_what_others_wrote_is_shown_as_text(visitor: httpx.Client) -> None:
    page = visitor.get(f"/accounts/{NORDWIND}")
    assert "<Logistik>" not in page.text
    assert "Nordwind &lt;Logistik&gt;" in page.text


def test_home_says_what_is_mine(visitor: httpx.Client) -> None:
    said = text(visitor.get("/"))
    assert "My day" in said
    assert "You are Mara Lindqvist." in said
    assert "12,500 .00 EUR" in said
    assert "3 open opportunities" in said
    assert "1 overdue" in said
    assert "Send the offer" in said


def test_lists_find_names_by_their_beginning(visitor: httpx.Client) -> None:
    assert "3 accounts" in text(visitor.get("/accounts"))
    found = text(visitor.get("/accounts?starts=aCM"))
    assert "Acme Holdings" in found
    assert "Quiet" not in found
    assert "No name begins with “zz%”" in text(visitor.get("/accounts?starts=zz%25"))
    assert "Head of purchasing Acme Holdings Mara Lindqvist" in text(visitor.get("/contacts"))


def test_an_account_shows_all_that_hangs_together_with_it(visitor: httpx.Client) -> None:
    said = text(visitor.get(f"/accounts/{ACME}"))
    assert "Account · Manufacturing · Hamburg · Germany" in said
    assert "Revenue 48,000,000.00 EUR" in said
    assert "Owner Mara Lindqvist" in said
    assert "Hauptstraße 7, 20095 Hamburg, Germany" in said
    assert "Acme renewal moved from Qualified to Proposal" in said
    assert "Why: They asked for it." in said
    assert "She wants the north before the south." in said
    assert "Ada Okafor" in said
    assert "Won 36,000 .00 EUR" in said
    assert "Ordered 5,000 .00 EUR 4 orders" in said


def test_a_contact_names_the_account(visitor: httpx.Client) -> None:
    page = visitor.get(f"/contacts/{ADA}")
    assert f'<a href="/accounts/{ACME}">Acme Holdings</a>' in page.text
    assert "ada@acme.example" in page.text


def test_a_timeline_shows_one_kind_of_facts(visitor: httpx.Client) -> None:
    talk = text(visitor.get(f"/accounts/{ACME}?show=talk"))
    assert "They decide in April." in talk
    assert "moved from Qualified to Proposal" not in talk
    assert "Talk 3" in talk


def test_a_timeline_is_paged(visitor: httpx.Client) -> None:
    first = visitor.get(f"/accounts/{ACME}").text
    positions = [int(n) for n in re.findall(r'<li id="f-(\d+)">', first)]
    part = visitor.get(f"/accounts/{ACME}/timeline?before={positions[4]}")
    assert "<html" not in part.text
    assert [int(n) for n in re.findall(r'<li id="f-(\d+)">', part.text)] == positions[5:]


def test_an_account_without_history_says_so(visitor: httpx.Client) -> None:
    said = text(visitor.get(f"/accounts/{EMPTY}"))
    assert "Nobody is known here yet." in said
    assert "Nothing has been bought." in said


def test_an_account_as_of_a_past_day(visitor: httpx.Client) -> None:
    page = visitor.get(f"/accounts/{ACME}?at={ago(20):%Y-%m-%dT%H:%M:%SZ}")
    said = text(page)
    assert "You are looking at" in said
    assert "They decide in April." not in said
    assert "Notes, calls and tasks can be added only to the present." in said
    assert 'method="post" hx-post' not in page.text
    assert "moved from Prospecting to Qualified" in said
    assert "moved from Qualified to Proposal" not in said
    assert 'class="past"' in page.text


def test_before_it_was_there_an_account_is_not_there(visitor: httpx.Client) -> None:
    page = visitor.get(f"/accounts/{ACME}?at=1999-01-01")
    assert page.status_code == 404
    assert "or there was none at that time" in text(page)


def test_what_was_not_known_yet_is_not_shown(visitor: httpx.Client) -> None:
    assert visitor.get(f"/accounts/{ACME}?knew={ago(1):%Y-%m-%d}").status_code == 404


def test_a_moment_that_is_none_is_refused_in_words(visitor: httpx.Client) -> None:
    page = visitor.get(f"/accounts/{ACME}?at=yesterday")
    assert page.status_code == 422
    assert "'yesterday' is not a moment." in text(page)


def test_the_board_counts_what_it_does_not_show(visitor: httpx.Client) -> None:
    page = visitor.get(f"/pipeline/{PIPELINE}")
    said = text(page)
    assert f"{MANY + 1} opportunities" in said
    assert f"{MANY + 1 - CARDS_MAX} more in this stage" in said
    assert "5,500 .00 EUR" in said
    assert "e-mail overdue" in said
    assert "Nothing is in this stage." in said
    assert page.text.count('class="deal"') == CARDS_MAX + 2


def test_the_board_as_of_a_past_day_cannot_be_changed(visitor: httpx.Client) -> None:
    page = visitor.get(f"/pipeline/{PIPELINE}?at={ago(15):%Y-%m-%dT%H:%M:%SZ}")
    qualified = page.text.partition('data-column="Qualified"')[2].partition("</section>")[0]
    assert "Acme renewal" in qualified
    assert "can-move" not in page.text
    assert page.text.count("<select") == page.text.count('disabled title="The past cannot')


def test_now_and_as_of_now_are_the_same_board(visitor: httpx.Client) -> None:
    now = visitor.get(f"/pipeline/{PIPELINE}")
    then = visitor.get(f"/pipeline/{PIPELINE}?at=2999-01-01")
    heads = r'<span class="count">(\d+)|<h3><a[^>]*>([^<]*)</a>'
    assert re.findall(heads, now.text) == re.findall(heads, then.text)


def test_an_opportunity_is_shown_where_it_is(visitor: httpx.Client) -> None:
    open_one = visitor.get(f"/opportunities/{RENEWAL}")
    assert open_one.headers["location"] == f"/pipeline/{PIPELINE}#o-{RENEWAL}"
    closed = visitor.get(f"/opportunities/{WON}")
    assert closed.headers["location"] == f"/accounts/{ACME}?show=sales#story"


def test_search_finds_any_word_of_a_name(visitor: httpx.Client) -> None:
    said = text(visitor.get("/search?q=okaf"))
    assert "Ada Okafor" in said
    assert "1 record" in said
    assert "Nothing has this name" in text(visitor.get("/search?q=100%25"))
    assert "the first of each kind" in text(visitor.get("/search?q=crowd"))


def test_retention_is_a_table_with_words_and_numbers(visitor: httpx.Client) -> None:
    page = visitor.get("/insights/retention")
    said = text(page)
    assert "2 customers in 2 cohorts" in said
    assert "Weighted mean 2" in said
    assert "so far" in said
    assert page.text.count('<th scope="row">') == 3
    assert "WITH asked AS" in page.text
    assert "Simple mean" in text(visitor.get("/insights/retention?mean=simple"))
    assert visitor.get("/insights/retention?mean=guessed").status_code == 422


def test_retention_as_a_file(visitor: httpx.Client) -> None:
    answer = visitor.get("/insights/retention.csv?period=month")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0] == "cohort,size,period,retained,share,complete,cohorts"
    assert lines[1].endswith(",1,0,1,1.0,True,1")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        (f"/accounts/{NOBODY}", 404, "There is no such account"),
        (f"/pipeline/{NOBODY}", 404, "There is no such pipeline"),
        ("/accounts/not-an-id", 422, "record"),
        ("/nowhere", 404, "There is nothing at this address"),
    ],
)
def test_problems_are_pages(visitor: httpx.Client, path: str, status: int, says: str) -> None:
    page = visitor.get(path)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert says in text(page)
    assert "Go home" in text(page)


def test_programs_still_get_problem_details(visitor: httpx.Client) -> None:
    answer = visitor.get(f"/accounts/{uuid4()}", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    answer = visitor.get(f"/api/account/{uuid4()}")
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_token_a_page_says_how_to_get_in(url: str) -> None:
    page = httpx.get(f"{url}/", headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert "open the address that crm serve has printed" in text(page)
    assert "Go home" not in text(page)


def test_another_site_cannot_send_our_forms(visitor: httpx.Client) -> None:
    answer = visitor.post(
        f"/accounts/{ACME}/notes", data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "Nothing was stored." in text(answer)


def test_the_theme_is_remembered(visitor: httpx.Client) -> None:
    answer = visitor.post("/theme", data={"theme": "dark", "back": "/accounts?starts=a"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/accounts?starts=a"
    assert "crm_theme=dark" in answer.headers["set-cookie"]
    visitor.cookies.delete("crm_theme")
    page = visitor.get("/", headers={"Cookie": f"{_cookies(visitor)}; crm_theme=dark"})
    assert '<html lang="en" data-theme="dark">' in page.text
    for elsewhere in ("https://other.example/", "//other.example", "/\\other.example"):
        answer = visitor.post("/theme", data={"theme": "light", "back": elsewhere})
        assert answer.headers["location"] == "/"
    visitor.cookies.delete("crm_theme")


def _cookies(visitor: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def test_static_files_are_kept_for_as_long_as_their_address_holds(visitor: httpx.Client) -> None:
    sheet = re.search(r'href="(/static/tokens.css\?v=\w+)"', visitor.get("/").text)
    assert sheet
    assert "immutable" in visitor.get(sheet[1]).headers["cache-control"]
    assert visitor.get("/static/tokens.css").headers["cache-control"] == "no-cache"
