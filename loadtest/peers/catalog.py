"""Lists of animals as the catalog answered them before: an LRU of 1,000 answers in the memory of the process, and a tag.

Answers say in X-Cache whether they were known.
"""

import threading
from collections import OrderedDict
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b

import orjson
from flask import Flask, Response, request
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship
from sqlalchemy.types import DateTime

import stores

MOST_ENTRIES = 1000
MOST_ROWS = 100
MAX_AGE_SECS = 120


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}


class Breed(Base):
    __tablename__ = "breeds"
    __table_args__ = {"schema": "catalog"}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Animal(Base):
    __tablename__ = "animals"
    __table_args__ = {"schema": "catalog"}
    id: Mapped[int] = mapped_column(primary_key=True)
    breed_id: Mapped[int] = mapped_column(ForeignKey("catalog.breeds.id"))
    tag: Mapped[str]
    name: Mapped[str]
    sex: Mapped[str]
    born_on: Mapped[date]
    weight_kg: Mapped[Decimal]
    status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    breed: Mapped[Breed] = relationship()


class Lru:
    """Answers by their key; what was not asked for longest goes first."""

    def __init__(self, most: int):
        self.most = most
        self.entries: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: str) -> tuple[str, bytes] | None:
        with self.lock:
            entry = self.entries.get(key)
            if entry:
                self.entries.move_to_end(key)
            return entry

    def put(self, key: str, entry: tuple[str, bytes]) -> None:
        with self.lock:
            self.entries[key] = entry
            self.entries.move_to_end(key)
            while len(self.entries) > self.most:
                self.entries.popitem(last=False)


app = Flask(__name__)
engine = create_engine(stores.database_url("psycopg"), pool_size=20, max_overflow=30, pool_recycle=1800, pool_timeout=30)
lists = Lru(MOST_ENTRIES)


def entry(animal: Animal) -> dict:
    columns = {column.name: getattr(animal, column.name) for column in Animal.__table__.columns}
    return columns | {"weight_kg": str(animal.weight_kg), "breed": {"id": animal.breed.id, "name": animal.breed.name}}


def page_of_animals(page: int, limit: int) -> tuple[str, bytes]:
    with Session(engine) as db:
        found = select(Animal).options(joinedload(Animal.breed, innerjoin=True)).order_by(Animal.id).offset((page - 1) * limit).limit(limit)
        rows = [entry(animal) for animal in db.scalars(found)]
    body = orjson.dumps({"data": rows, "page": page, "limit": limit})
    return f'"{blake2b(body, digest_size=8).hexdigest()}"', body


@app.get("/animals")
def animals() -> Response:
    page = max(1, request.args.get("page", 1, type=int))
    limit = min(MOST_ROWS, max(1, request.args.get("limit", 20, type=int)))
    key, cache = f"page={page}&limit={limit}", "hit"
    kept = lists.get(key)
    if not kept:
        kept, cache = page_of_animals(page, limit), "miss"
        lists.put(key, kept)
    tag, body = kept
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={MAX_AGE_SECS}", "X-Cache": cache}
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers=headers)
    return Response(body, mimetype="application/json", headers=headers)


@app.get("/readyz")
def ready() -> Response:
    return Response()


stores.ready()
