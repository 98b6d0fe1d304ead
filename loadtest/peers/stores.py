"""Where the apps find their stores, and how each worker opens them.

Everything is handed over in the environment: DATABASE_URL, REDIS_URL, RECEIVED, the folder for uploads, and READY, the
folder in which each worker leaves its number when it can serve.
"""

import os
from pathlib import Path

import redis.asyncio
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

# The sizes that the systems before were last tuned to.
POOL = {"pool_size": 20, "max_overflow": 10, "pool_timeout": 30}


def database_url(driver: str) -> URL:
    return make_url(os.environ["DATABASE_URL"]).set(drivername=f"postgresql+{driver}")


def engine() -> AsyncEngine:
    return create_async_engine(database_url("asyncpg"), **POOL)


def cache() -> redis.asyncio.Redis:
    return redis.asyncio.from_url(os.environ["REDIS_URL"])


def ready() -> None:
    """Says that this worker can serve."""
    (Path(os.environ["READY"]) / str(os.getpid())).touch()
