# syntax=docker/dockerfile:1
# The server on a CPU: `docker build -t tonsure .`, see docs/deploy.md.

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
COPY share share
RUN python -m venv /opt/tonsure \
 && /opt/tonsure/bin/pip install --no-cache-dir ".[web,heif]" \
 && /opt/tonsure/bin/pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /opt/tonsure /opt/tonsure
ENV PATH=/opt/tonsure/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    HOME=/nonexistent
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["tonsure", "serve", "--host", "0.0.0.0"]
CMD ["--drain", "5"]
