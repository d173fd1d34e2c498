"""What the script says on other people's websites, in the language of the moment. `{purpose}` is filled in there.

The buttons are the same everywhere and cannot be worded by a site: yes and no stay equally plain (EDPB 03/2022).
"""

from portal.paper import _


def buttons() -> dict[str, str]:
    return {
        "accept": _("Yes to all"),
        "refuse": _("No to all"),
        "more": _("Choose"),
        "save": _("Save my choice"),
        "close": _("Close"),
        "always": _("Always on: the site does not work without it"),
        "reopen": _("Your choices on this site"),
        "saved": _("Saved. You can change it at any time."),
        "waiting": _("Saved in this browser. We send it on as soon as we are reached."),
        "policy": _("How we use data"),
        "centre": _("Everything we send you"),
        "changed": _("What changed: {what}"),
        "proof": _("The proof of this choice"),
        "not_stored": _("This browser keeps nothing, so we will ask again on the next page."),
    } | _others()


def _others() -> dict[str, str]:
    return {
        "signal": _("Your browser asked us not to sell or share your data. We have stopped."),
        "signal_done": _("Opt-Out Request Honored"),
        "signal_again": _("Your browser asks us not to. Allow it all the same?"),
        "signal_yes": _("Allow all the same"),
        "choices_link": _("Your Privacy Choices"),
        "placeholder": _("This part needs: {purpose}."),
        "load_once": _("Show it this once"),
        "load_always": _("Always show such parts"),
        "reload": _("Reload the page, so that what already runs stops."),
        "reload_button": _("Reload the page"),
        "recipients": _("Also gets it: {names}"),
        "yes": _("Yes"),
        "no": _("No"),
    }
