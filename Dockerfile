# Three stages: the front end's packages with Node, the Python package in one virtual environment, and an image that
# holds that environment alone. The image contains no secret: everything that differs between installations comes from
# the environment (docs/deployment.md).

FROM node:22-slim AS pages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error
COPY tools/frontend.mjs tools/
COPY types types
COPY backflush/web backflush/web
RUN node tools/frontend.mjs

FROM python:3.12-slim AS package
WORKDIR /build
RUN python -m venv /opt/backflush
COPY requirements requirements
# Locked by hash: what runs goes into one environment, and what is only needed to build into another.
RUN /opt/backflush/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        -r requirements/runtime.txt \
    && python -m venv /opt/building \
    && /opt/building/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY backflush backflush
COPY --from=pages /build/backflush/web/static/vendor backflush/web/static/vendor
# Give the static files their hashed names first: the wheel takes them along, and is refused without them.
RUN DATABASE_URL=sqlite://:memory: /opt/backflush/bin/python -m backflush.web.platform.static_files \
    && /opt/building/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/backflush/bin/pip install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl

FROM python:3.12-slim
# A new volume takes its owner from the folder it is mounted on, so the folder for backups exists in the image.
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
# Needs an https proxy in front: without PUBLIC_URL, which states the proxy's address, it refuses to listen on a network.
CMD ["backflush", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-worker"]
