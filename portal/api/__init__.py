"""The door for machines: decisions, permissions, receipts, requests, under /api/ with keys; described at /api/openapi.json."""

from portal.api import decisions, inbound, lists, openapi, permissions, receipts, requests, unsubscribe

_doors = [
    *decisions.routes,
    *inbound.routes,
    *permissions.routes,
    *lists.routes,
    *receipts.routes,
    *requests.routes,
    *unsubscribe.routes,
]

routes = [*_doors, *openapi.routes_for(_doors)]
