"""Pictures that people upload, made into small ones of our own: nothing of the file that was sent is kept.

What is decoded is bounded in bytes and in pixels before it is decoded, and only in three formats; what is kept is drawn
anew, so that nothing else in the file, as where a photograph was taken, comes along (OWASP ASVS 5.0, 5.2.6 and 14.2.8).
"""

from __future__ import annotations

import io
import warnings

from gevent.lock import BoundedSemaphore
from PIL import ExifTags, Image, ImageOps

from app.core.phrases import phrase
from app.core.threads import beside_the_loop

SIZE = 256  # pixels, each way
MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 25_000_000  # the camera of a telephone has 12 or 24 million
FORMATS = ("JPEG", "PNG", "WEBP")
UNREADABLE = phrase("This is no picture that can be read. Take a JPEG, a PNG or a WebP.")
TOO_LARGE = phrase("This picture has too many pixels. At most 25 million can be read, as 5,000 by 5,000.")

_at_once = BoundedSemaphore(1)  # each may take a hundred megabytes

# How a camera was held (EXIF 2.3, 4.6.4), and what sets its picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow refuses what has twice as many before it makes room for it, and would warn from here on.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def portrait(file: bytes) -> bytes:
    """The picture in `file`, its middle cut out as a square, as WebP. Raises ValueError, saying what is wrong."""
    if len(file) > MOST_BYTES:
        raise ValueError(
            phrase("This file is too large. At most %(most)s MB can be taken.", most=MOST_BYTES // 1024**2)
        )
    return beside_the_loop(lambda: _drawn_anew(file), _at_once)


def _drawn_anew(file: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(file), formats=FORMATS) as picture:
            square = _square(picture)
    except Image.DecompressionBombError:
        raise ValueError(TOO_LARGE) from None
    except Exception as broken:  # decoders raise whatever the broken part makes them raise
        raise ValueError(UNREADABLE) from broken
    written = io.BytesIO()
    square.save(written, "WEBP", quality=82, method=4)
    return written.getvalue()


def _square(picture: Image.Image) -> Image.Image:
    """The middle of a picture, upright, on white where one can see through it. It is small before it is turned."""
    if picture.width * picture.height > MOST_PIXELS:
        raise Image.DecompressionBombError
    picture.draft("RGB", (2 * SIZE, 2 * SIZE))  # a JPEG can be read at a part of its size
    turn = _turn(picture)
    if picture.mode.startswith("I"):  # grey of sixteen bits, of which the upper eight are enough
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    plain = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGBA")
    fitted = ImageOps.fit(plain, (SIZE, SIZE), Image.Resampling.LANCZOS).convert("RGBA")
    canvas = Image.new("RGB", (SIZE, SIZE), "white")
    canvas.paste(fitted, mask=fitted.getchannel("A"))
    return canvas if turn is None else canvas.transpose(turn)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """What sets a picture upright. Notes of a camera that cannot be read say nothing about the picture."""
    try:
        return _UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None
