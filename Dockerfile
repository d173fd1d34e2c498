# The same steps as `make run`: system libraries, .venv from the lock file, then the portal. Runs as nobody in particular,
# with a read-only root if you like (`docker run --read-only --tmpfs /tmp -v portal:/app/var -p 8000:8000 portal`).
FROM python:3.13-slim
WORKDIR /app
COPY requirements*.lock ./
COPY tools/setup.sh tools/
RUN sh tools/setup.sh run && rm -rf /var/lib/apt/lists/*
COPY portal portal
COPY policies policies
COPY migrations migrations
RUN useradd --system --home /app portal && mkdir var && chown portal var
USER portal
ENV PORTAL_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT [".venv/bin/portal"]
CMD ["serve"]
