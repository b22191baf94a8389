# Three steps: the pages' files with Node, the package with everything it needs in one folder, and that folder alone.
# No secret is in it or goes into it: what differs from place to place comes from the environment (docs/deployment.md).

FROM node:22-slim AS pages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error
COPY tools/frontend.mjs tools/
COPY backflush/web backflush/web
RUN node tools/frontend.mjs

FROM python:3.12-slim AS package
WORKDIR /build
RUN python -m venv /opt/backflush
COPY requirements requirements
# What runs, and what builds: both as locked, by hash.
RUN /opt/backflush/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        -r requirements/runtime.txt \
    && awk '/^(setuptools|wheel|packaging)==/ {on = 1} on {print} on && !/\\$/ {on = 0}' requirements/dev.txt > requirements/build.txt \
    && python -m venv /opt/building \
    && /opt/building/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY backflush backflush
COPY --from=pages /build/backflush/web/static/vendor backflush/web/static/vendor
# With hashed names, before the package is put together, which takes them along.
RUN DATABASE_URL=sqlite://:memory: /opt/backflush/bin/python -m backflush.web.assets \
    && /opt/building/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/backflush/bin/pip install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl

FROM python:3.12-slim
# A new volume takes its owner from the folder that it covers, so there is one for the copies.
RUN groupadd --gid 10001 backflush \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin backflush \
    && install -d -o backflush -g backflush -m 0700 /data /copies
COPY --from=package /opt/backflush /opt/backflush
ENV PATH=/opt/backflush/bin:$PATH PYTHONUNBUFFERED=1 LOG_FORMAT=json
WORKDIR /data
USER backflush
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/', timeout=4)"]
# Behind a proxy that speaks https: PUBLIC_URL names its address, and without it nothing is served to a network.
CMD ["backflush", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-worker"]
