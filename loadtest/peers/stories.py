"""The stories feed as it was before, and as its own review left it.

/before/feed  one statement for the stories, then one for the author and one for the view of each (1 + N + N); nothing is kept.
/after/feed   authors joined in, views in one batch, and the answer of each viewer in Redis for 60 s, compressed.

Answers say in X-Cache whether they were known.
"""

import zlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b

import orjson
from fastapi import FastAPI, Request, Response
from sqlalchemy import ForeignKey, Select, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship
from sqlalchemy.types import DateTime

import stores

TTL_SECS = 60
HINTS = 3
# Little work on a miss; what it costs to unpack does not depend on it.
COMPRESSION = 1
VARIANTS = {"thumb": "200x200", "preview": "640x640", "full": "1080x1920"}


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}


class User(Base):
    __tablename__ = "users"
    __table_args__ = {"schema": "stories"}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    avatar_url: Mapped[str]


class Story(Base):
    __tablename__ = "stories"
    __table_args__ = {"schema": "stories"}
    id: Mapped[int] = mapped_column(primary_key=True)
    gym_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("stories.users.id"))
    story_type: Mapped[str]
    media_url: Mapped[str | None]
    caption: Mapped[str]
    view_count: Mapped[int]
    is_deleted: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship()


class StoryView(Base):
    __tablename__ = "story_views"
    __table_args__ = {"schema": "stories"}
    story_id: Mapped[int] = mapped_column(primary_key=True)
    viewer_id: Mapped[int] = mapped_column(primary_key=True)


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


def shown(gym_id: int, limit: int) -> Select[tuple[Story]]:
    now = datetime.now(UTC)
    newest = select(Story).where(Story.gym_id == gym_id, Story.is_deleted.is_(False), Story.expires_at > now)
    return newest.order_by(Story.created_at.desc()).limit(limit)


def media(original: str | None) -> dict[str, str] | None:
    if not original:
        return None
    stem = original.rpartition(".")[0]
    return {name: f"{stem}_{size}.webp" for name, size in VARIANTS.items()} | {"original": original}


def page(rows: list[tuple[Story, User, bool]]) -> bytes:
    """Stories by author, authors in the order of their newest."""
    groups: dict[int, dict] = {}
    for story, user, seen in rows:
        group = groups.setdefault(
            user.id, {"user_id": user.id, "user_name": user.name, "user_avatar": user.avatar_url, "has_unseen": False, "stories": []}
        )
        group["has_unseen"] |= not seen
        group["stories"].append(
            {
                "id": story.id,
                "story_type": story.story_type,
                "media": media(story.media_url),
                "caption": story.caption,
                "view_count": story.view_count,
                "has_viewed": seen,
                "created_at": story.created_at,
                "expires_at": story.expires_at,
            }
        )
    hints = [story.id for story, _, seen in rows if not seen][:HINTS]
    return orjson.dumps({"user_stories": list(groups.values()), "prefetch_hints": hints, "cache_headers": {"max_age": TTL_SECS}})


def answer(body: bytes, cache: str, tag: str | None = None) -> Response:
    headers = {"Cache-Control": f"private, max-age={TTL_SECS}, stale-while-revalidate=120", "X-Cache": cache}
    if tag:
        headers |= {"ETag": tag, "Vary": "Accept-Encoding, Authorization", "X-Content-Version": "2"}
    return Response(body, media_type="application/json", headers=headers)


@app.get("/before/feed")
async def before(request: Request, gym_id: int, user_id: int, limit: int = 25) -> Response:
    rows = []
    async with request.app.state.session() as db:
        for story in (await db.scalars(shown(gym_id, limit))).all():
            # By statement each time, as it was counted then; the session would know authors that it has met.
            user = (await db.scalars(select(User).where(User.id == story.user_id))).one()
            rows.append((story, user, bool(await viewed(db, [story.id], user_id))))
    return answer(page(rows), "none")


@app.get("/after/feed")
async def after(request: Request, gym_id: int, user_id: int, limit: int = 25) -> Response:
    cache, key = request.app.state.cache, f"gym:{gym_id}:user:{user_id}:stories:feed:{limit}"
    if kept := await cache.get(key):
        return conditional(request, zlib.decompress(kept), "hit")
    async with request.app.state.session() as db:
        stories = (await db.scalars(shown(gym_id, limit).options(joinedload(Story.user, innerjoin=True)))).all()
        seen = await viewed(db, [story.id for story in stories], user_id)
    body = page([(story, story.user, story.id in seen) for story in stories])
    await cache.setex(key, TTL_SECS, zlib.compress(body, COMPRESSION))
    return conditional(request, body, "miss")


async def viewed(db: AsyncSession, stories: list[int], viewer: int) -> set[int]:
    """Which of these the viewer has seen."""
    seen = select(StoryView.story_id).where(StoryView.story_id.in_(stories), StoryView.viewer_id == viewer)
    return set((await db.scalars(seen)).all())


def conditional(request: Request, body: bytes, cache: str) -> Response:
    tag = f'W/"{blake2b(body, digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag, "X-Cache": cache})
    return answer(body, cache, tag)


@app.get("/readyz")
async def ready() -> Response:
    return Response()
