"""The browser's own word, the law of the region, answers to other tools, and pages that mean us harm or trust nobody."""

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way, sent
from tests.widget.site import NONCE, TEXT, Shop, script

NO, YES, BACK = "No to all", "Yes to all", "Your Privacy Choices"
SIGNAL = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => %s})"
STOPPED = "Your browser asked us not to sell or share your data. We have stopped."


def answers(page: Page) -> dict[str, bool]:
    page.wait_for_function("window.privacyChoices")
    page.evaluate("privacyChoices.ready")
    found: dict[str, bool] = page.evaluate("privacyChoices.get().answers")
    return found


def test_the_signal_is_a_no_without_a_question_said_once_and_shown(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.add_init_script(SIGNAL % "true")
    bodies = sent(page)
    page.goto(shop.page(TEXT))
    expect(page.get_by_role("status")).to_contain_text(f"{STOPPED} Opt-Out Request Honored")
    assert page.get_by_role("button", name=NO).count() == 0
    assert eventually(lambda: bodies and way.reply(bodies[0]["id"]))["proof"] is None, "It made somebody known."
    assert [(body["how"], body["answers"], body["device"]) for body in bodies] == [
        ("signal", {"audiences": False, "partners": False}, None)
    ]
    page.reload()
    assert answers(page) == {"visits": False, "audiences": False, "partners": False, "security": True}
    page.get_by_role("button", name=BACK).click()
    expect(page.get_by_role("dialog")).to_contain_text(STOPPED)
    page.get_by_role("dialog").get_by_role("button", name=YES).click()
    assert not answers(page)["audiences"], "One press undid what the browser asked for."
    page.get_by_role("button", name="Allow all the same").click()
    assert answers(page)["audiences"]
    page.reload()
    assert answers(page)["audiences"], "The next page undid what the person said."
    page.wait_for_timeout(100)
    said = {body["id"]: body["how"] for body in bodies}  # one that was cut off by the reload goes again, with its id
    assert list(said.values()) == ["signal", "accept"]


def test_the_signal_overrides_an_earlier_yes_and_only_true_is_the_signal(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: page.evaluate("privacyChoices.get().proof"))
    page.add_init_script(SIGNAL % "true")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text(STOPPED)
    assert answers(page) == {"visits": True, "audiences": False, "partners": False, "security": True}
    for other in ("'1'", "1"):
        page = visit()
        page.add_init_script(SIGNAL % other)
        page.goto(shop.page(TEXT))
        expect(page.get_by_role("button", name=NO)).to_be_visible()


def test_where_the_law_lets_people_opt_out_nobody_is_asked_and_the_link_stands(way: Way, shop: Shop, visit: Visit) -> None:
    shop.tag = way.tag('data-region="US-CA"')
    page = visit()
    page.goto(shop.page(TEXT))
    expect(page.get_by_role("button", name=BACK)).to_be_visible()
    assert page.get_by_role("button", name=BACK).locator("svg").count() == 1
    assert answers(page) == dict.fromkeys(("visits", "audiences", "partners", "security"), True)
    signalling = visit()
    signalling.add_init_script(SIGNAL % "true")
    signalling.goto(shop.page(TEXT))
    assert answers(signalling) == {"visits": True, "audiences": False, "partners": False, "security": True}
    page.get_by_role("button", name=BACK).click()
    page.get_by_role("dialog").get_by_role("button", name=NO).click()
    assert answers(page) == {"visits": False, "audiences": False, "partners": False, "security": True}
    shop.tag = way.tag('data-region="US-XX"')
    elsewhere = visit()
    elsewhere.goto(shop.page(TEXT))
    expect(elsewhere.get_by_role("button", name=NO)).to_be_visible()


CC = json.dumps({"categories": ["necessary", "statistics"], "lastConsentTimestamp": "2026-11-01T10:00:00.000Z"})
BOT = "{stamp:'x',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1793000000000}"
TRUST = "isGpcEnabled=0&version=1&groups=C0001%3A1%2CC0002%3A1%2CC0004%3A0&x=1"
EARLIER = [
    ("klaro", {"klaro": json.dumps({"statistics": True, "marketing": False})}),
    ("orejime", {"orejime": json.dumps({"statistics": True, "marketing": False})}),
    ("vanilla-cookieconsent", {"cc_cookie": CC}),
    ("cookiebot", {"CookieConsent": BOT}),
    ("onetrust", {"OptanonConsent": TRUST, "OptanonAlertBoxClosed": "2026-11-01T10:00:00.000Z"}),
]


@pytest.mark.parametrize(
    ("tool", "cookies"), [*EARLIER[:1], *(pytest.param(*each, marks=pytest.mark.deep) for each in EARLIER[1:])]
)
def test_a_no_to_the_tool_used_before_is_taken_over_and_a_yes_is_asked_again(
    way: Way, shop: Shop, visit: Visit, tool: str, cookies: dict[str, str]
) -> None:
    """The portal's own settings, naming the tool on their way: its shop takes over choices of one tool only."""
    page = visit()

    def naming(route: Route) -> None:
        answer = route.fetch()
        names = {"statistics": "visits", "marketing": "audiences", "C0002": "visits", "C0004": "audiences"}
        route.fulfill(response=answer, json=answer.json() | {"earlier": [tool], "aliases": names})

    page.route("**/settings?*", naming)
    page.clock.set_system_time("2026-11-20T10:00:00Z")
    for name, value in cookies.items():
        page.context.add_cookies([{"name": name, "value": quote(value), "url": shop.address}])
    bodies = sent(page)
    page.goto(shop.page(TEXT))
    expect(page.get_by_role("button", name=NO)).to_be_visible()
    partners = {"partners": False} if tool == "vanilla-cookieconsent" else {}
    assert [(body["how"], body["source"], body["answers"]) for body in bodies] == [
        ("earlier", tool, {"visits": True, "audiences": False} | partners)
    ]
    assert answers(page)["visits"] is False, "Nobody has seen our text yet."
    page.reload()
    expect(page.get_by_role("button", name=NO)).to_be_visible()
    assert len(bodies) == 1 or len({body["id"] for body in bodies}) == 1, "It was said twice."


def test_settings_that_reach_for_prototypes_or_markup_reach_nothing(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    poison = '"__proto__": {"bad": 1}, "constructor": {"prototype": {"bad": 1}}'
    markup = "<img src=x onerror='window.bad = 1'>"

    def poisoned(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["texts"]["body"] = markup
        told["purposes"][0] |= {"title": markup, "key": "__proto__"}
        told["links"]["policy"] = "javascript:window.bad=1"
        told["theme"] = {"accent": "red;} * {display: none", "radius": "url(/x)"}
        text = json.dumps(told)[:-1].replace('"texts": {', f'"texts": {{{poison}, ').replace('"law": {', f'"law": {{{poison}, ')
        route.fulfill(response=answer, body=f"{text}, {poison}}}")

    page.route("**/settings?*", poisoned)
    page.goto(shop.page(TEXT))
    expect(page.get_by_role("region", name="May we?")).to_contain_text("<img src=x")
    assert page.get_by_role("region", name="May we?").get_by_role("link").count() == 0
    page.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Save my choice").click()
    assert page.evaluate("[({}).bad, window.bad, Object.prototype.hasOwnProperty('bad')]") == [None, None, False]


def test_no_window_around_us_can_speak_to_the_script(way: Way, shop: Shop, visit: Visit) -> None:
    """A page that frames the shop hears nothing, and its messages change nothing: nobody listens for any."""
    page = visit()
    page.add_init_script(
        "window.listeners = []; const targets = EventTarget.prototype, add = targets.addEventListener;"
        "targets.addEventListener = function (name, ...rest) { listeners.push(name); add.call(this, name, ...rest) }"
    )
    shop.page(TEXT + script("window.ran = 1", 'data-purpose="visits"'), "/framed")
    listening = '<script>window.heard = []; addEventListener("message", e => heard.push(e.data))</script>'
    page.goto(shop.page(listening + '<iframe src="/framed"></iframe>'))
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name=NO).wait_for()
    words = ["accept", "show", {"type": "set", "answers": {"visits": True}}]
    page.evaluate("words => words.forEach(word => frames[0].postMessage(word, '*'))", words)
    page.wait_for_timeout(100)
    frame = page.frames[1]
    assert frame.evaluate("[privacyChoices.get().answered, window.ran ?? null]") == [False, None]
    assert "message" not in frame.evaluate("listeners")
    inside.get_by_role("button", name=NO).click()
    page.wait_for_timeout(100)
    assert page.evaluate("heard") == []


@pytest.mark.parametrize("own", [True, False], ids=["passed on by the site", "from the portal"])
def test_a_strict_policy_has_nothing_to_refuse(chromium: Browser, way: Way, shop: Shop, visit: Visit, own: bool) -> None:
    """With a nonce only where the site passes /w/ on; with the snippet's two entries where it does not."""
    shop.tag = way.tag(own=own, nonce=NONCE if own else "")
    entries = "" if own else f" {way.portal.address}{way.path}; connect-src {way.portal.address}"
    shop.policy = f"default-src 'self'; script-src 'nonce-{NONCE}'{entries}"
    body = (
        script("(window.ran ??= []).push('inline')", 'data-purpose="visits"')
        + script("", 'data-purpose="visits"', 'src="/own.js"')
        + '<iframe data-purpose="partners" data-src="/film" title="Film"></iframe>'
    )
    page = visit()
    page.add_init_script(
        "window.refused = []; addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective))"
    )
    page.goto(shop.page(TEXT + body))
    page.get_by_role("button", name="Choose").click()
    page.get_by_role("switch").first.check()
    page.get_by_role("button", name="Save my choice").click()
    eventually(lambda: page.evaluate("window.ran?.length === 2"))  # wait_for_function would now and then evaluate in the page
    eventually(lambda: page.evaluate("privacyChoices.get().proof"))
    assert page.get_by_role("region", name="Film").bounding_box()
    assert page.evaluate("refused") == []
    assert "POST /report" not in shop.seen
    with chromium.new_page() as other:
        other.goto(shop.address)
        other.evaluate("const bad = document.createElement('style'); bad.textContent = 'a{}'; document.head.append(bad)")
        eventually(lambda: "POST /report" in shop.seen)


def test_without_the_script_a_link_leads_to_the_choices(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    snippet = (way.portal.var / "snippet").read_text()
    link = snippet[snippet.index("<a data-choices") : snippet.index("</a>") + 4]
    page.goto(
        shop.page(
            TEXT + link.replace("http://127.0.0.1:8000", way.portal.address) + script("", 'src="/x.js" data-purpose="visits"')
        )
    )
    page.get_by_role("link", name="Your choices on this site").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator("main").get_by_role("link").count() > 0
    assert "/x.js" not in shop.seen
