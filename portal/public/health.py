"""For machines that watch: alive, ready, figures."""

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from portal import audit, db, jobs
from portal.lib import clock
from portal.pages import anyone, get

signed_entries = Gauge("portal_log_size", "Entries in the signed log")
waiting_jobs = Gauge("portal_jobs_waiting", "Jobs that are not done yet")
failed_jobs = Gauge("portal_jobs_failed", "Jobs that were given up and wait for a person")
behind = Gauge("portal_jobs_behind_seconds", "How long the oldest due job has been waiting")


async def alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def ready(request: Request) -> Response:
    """503 as soon as the database does not answer or has another schema than this version wants; says so when it only reads."""
    try:
        missing = await db.missing_migrations()
    except Exception as problem:
        return JSONResponse({"ready": False, "because": f"The database does not answer ({type(problem).__name__})."}, 503)
    if missing:
        return JSONResponse({"ready": False, "because": f"Migrations are missing: {', '.join(missing)}."}, 503)
    if db.is_full():
        return JSONResponse({"ready": True, "degraded": "The disk takes nothing more: pages are read, nothing is saved."})
    if since := await audit.unsigned_since():
        return JSONResponse({"ready": True, "degraded": f"Nothing has been signed since {clock.rfc3339(since)}: see the log."})
    return JSONResponse({"ready": True})


async def metrics(request: Request) -> Response:
    signed, work = await audit.checkpoint(), await jobs.counts()
    signed_entries.set(signed.size if signed else 0)
    waiting_jobs.set(work["waiting"])
    failed_jobs.set(work["failed"])
    behind.set(work["behind_seconds"])
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


routes = [
    get("/healthz", alive, guard=anyone),
    get("/readyz", ready, guard=anyone),
    get("/metrics", metrics, guard=anyone),
]
