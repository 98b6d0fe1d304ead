"""The list of packages as its own review left it: pages by OFFSET and LIMIT, and each page in Redis for 30 s by its filters.

Answers say in X-Cache whether they were known.
"""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
from fastapi import FastAPI, Query, Request, Response
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
from sqlalchemy.types import DateTime

import stores

TTL_SECS = 30
FREE_DAYS = 1
DAILY_FEE = 1000


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}


class Customer(Base):
    __tablename__ = "customers"
    __table_args__ = {"schema": "packages"}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str | None]


class FileUpload(Base):
    __tablename__ = "file_uploads"
    __table_args__ = {"schema": "packages"}
    id: Mapped[int] = mapped_column(primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("packages.packages.id"))
    filename: Mapped[str]
    url: Mapped[str]
    size_bytes: Mapped[int]


class Package(Base):
    __tablename__ = "packages"
    __table_args__ = {"schema": "packages"}
    id: Mapped[int] = mapped_column(primary_key=True)
    tracking_number: Mapped[str]
    guide_number: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("packages.customers.id"))
    package_type: Mapped[str]
    status: Mapped[str]
    position: Mapped[str | None]
    base_fee: Mapped[int]
    received_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()
    files: Mapped[list[FileUpload]] = relationship()


class Announcement(Base):
    __tablename__ = "announcements"
    __table_args__ = {"schema": "packages"}
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_name: Mapped[str]
    guide_number: Mapped[str]
    is_processed: Mapped[bool]
    announced_at: Mapped[datetime]


@asynccontextmanager
async def lifespan(app: FastAPI):
    engine = stores.engine()
    app.state.session = async_sessionmaker(engine, expire_on_commit=False)
    app.state.cache = stores.cache()
    stores.ready()
    yield
    await app.state.cache.aclose()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


def entry(package: Package, now: datetime) -> dict:
    days = ((package.delivered_at or now) - package.received_at).days if package.received_at else 0
    storage = DAILY_FEE * max(0, days - FREE_DAYS)
    customer = package.customer
    return {
        "id": package.id,
        "tracking_number": package.tracking_number,
        "guide_number": package.guide_number,
        "package_type": package.package_type,
        "status": package.status,
        "position": package.position,
        "customer": {"id": customer.id, "name": customer.name, "phone": customer.phone, "email": customer.email},
        "files": [{"id": file.id, "filename": file.filename, "url": file.url, "size": file.size_bytes} for file in package.files],
        "base_fee": package.base_fee,
        "storage_days": days,
        "storage_fee": storage,
        "total_amount": package.base_fee + storage,
        "received_at": package.received_at,
        "delivered_at": package.delivered_at,
        "created_at": package.created_at,
    }


async def packages(db: AsyncSession, skip: int, limit: int, created_to: datetime | None) -> list[Package]:
    page = select(Package).options(joinedload(Package.customer, innerjoin=True), selectinload(Package.files))
    if created_to:
        page = page.where(Package.created_at <= created_to)
    page = page.order_by(Package.created_at.desc(), Package.id.desc()).offset(skip).limit(limit)
    return list((await db.scalars(page)).all())


async def announcements(db: AsyncSession, limit: int) -> list[dict]:
    pending = select(Announcement).where(Announcement.is_processed.is_(False)).order_by(Announcement.announced_at.desc()).limit(limit)
    rows = (await db.scalars(pending)).all()
    return [{"id": row.id, "customer_name": row.customer_name, "guide_number": row.guide_number} for row in rows]


@app.get("/after/packages/")
async def after(
    request: Request, skip: int = 0, limit: int = Query(20, ge=1, le=100), created_to: datetime | None = None
) -> Response:
    cache, key = request.app.state.cache, f"packages:list:{skip}:{limit}:{created_to}"
    if kept := await cache.get(key):
        return answer(kept, "hit")
    now = datetime.now(UTC)
    async with request.app.state.session() as db:
        found = await packages(db, skip, limit, created_to)
        pending = await announcements(db, limit)
    body = orjson.dumps({"packages": [entry(package, now) for package in found], "announcements": pending, "skip": skip, "limit": limit})
    await cache.setex(key, TTL_SECS, body)
    return answer(body, "miss")


def answer(body: bytes, cache: str) -> Response:
    return Response(body, media_type="application/json", headers={"X-Cache": cache})


@app.get("/readyz")
async def ready() -> Response:
    return Response()
