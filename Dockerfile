# One image, several roles: `crm serve --role web|runner|relay`.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 CRM_DATA=/data
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY commands commands
COPY event_store event_store
COPY projections projections
COPY replay replay
COPY api api
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --system --create-home rapport \
    && install -d -o rapport /data

USER rapport
VOLUME /data
EXPOSE 8000
CMD ["crm", "serve", "--role", "web", "--host", "0.0.0.0", "--port", "8000"]
