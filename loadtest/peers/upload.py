"""Uploads of videos as their own review left them: a form, taken in by the framework, copied in pieces of 8 KiB, and one commit.

The message to the broker is left out, and nothing is synced to the disk.
"""

import asyncio
import os
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import aiofiles
from fastapi import FastAPI, Form, Request, Response, UploadFile
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import stores

PIECE_BYTES = 8192
RECEIVED = Path(os.environ["RECEIVED"])


class Base(DeclarativeBase):
    pass


class Video(Base):
    __tablename__ = "videos"
    __table_args__ = {"schema": "uploads"}
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    title: Mapped[str]
    filename: Mapped[str]
    status: Mapped[str]
    stored_path: Mapped[str | None]
    size_bytes: Mapped[int | None]
    correlation_id: Mapped[uuid.UUID | None]


@asynccontextmanager
async def lifespan(app: FastAPI):
    engine = stores.engine()
    app.state.session = async_sessionmaker(engine, expire_on_commit=False)
    stores.ready()
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/videos/upload", status_code=201)
async def upload(request: Request, file: UploadFile, title: str = Form("untitled")) -> dict:
    async with request.app.state.session() as db:
        video = Video(user_id=1, title=title, filename=file.filename or "", status="uploading")
        db.add(video)
        await db.flush()
        path = RECEIVED / f"{video.id}.mp4"
        video.size_bytes = await keep(file, path)
        video.stored_path, video.correlation_id, video.status = str(path), uuid.uuid4(), "processing"
        await db.commit()
    return {"video_id": video.id, "correlation_id": str(video.correlation_id), "size": video.size_bytes}


async def keep(file: UploadFile, path: Path) -> int:
    size = 0
    async with aiofiles.open(path, "wb") as out:
        # The framework's own `read` would do the same, less plainly: what is large lies in a file by now, and is read in a thread.
        while piece := await asyncio.to_thread(file.file.read, PIECE_BYTES):
            await out.write(piece)
            size += len(piece)
    return size


@app.get("/readyz")
async def ready() -> Response:
    return Response()
