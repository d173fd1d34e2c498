"""The customers' door: preferences, documents, requests, sign-in, downloads; in the order a visitor meets them."""

from portal.public import (
    addresses,
    breaks,
    checking,
    confirm,
    downloads,
    health,
    history,
    home,
    preferences,
    promises,
    proofs,
    requests,
    sign_in,
    unsubscribe,
    wishes,
)

routes = [
    *home.routes,
    *promises.routes,
    *sign_in.routes,
    *proofs.routes,
    *unsubscribe.routes,
    *confirm.routes,
    *breaks.routes,
    *wishes.routes,
    *addresses.routes,
    *history.routes,
    *preferences.routes,
    *requests.routes,
    *downloads.routes,
    *checking.routes,
    *health.routes,
]
