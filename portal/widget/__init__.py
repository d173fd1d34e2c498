"""The door for other people's websites: the script's files, a site's settings, its visitors' answers, its forms' texts.

Everything lies below /w/, so that a site can pass it on under its own origin; the words in it are neutral.
"""

from portal.widget import choices, files, forms, gpc, pages, settings

routes = [*files.routes, *settings.routes, *choices.routes, *forms.routes, *pages.routes, *gpc.routes]
