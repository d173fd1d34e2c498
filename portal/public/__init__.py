"""The customers' door: preferences, documents, requests, sign-in, downloads; in the order a visitor meets them."""

from portal.public import checking, downloads, health, home, preferences, promises, proofs, requests, sign_in

routes = [
    *home.routes,
    *promises.routes,
    *sign_in.routes,
    *proofs.routes,
    *preferences.routes,
    *requests.routes,
    *downloads.routes,
    *checking.routes,
    *health.routes,
]
