"""What people upload as their picture, and what is made of it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import ExifTags, Image, ImageDraw, TiffImagePlugin

from app.core.portraits import MOST_BYTES, SIZE, portrait
from tests.factories import a_picture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="9" height="9"/></svg>'


def opened(image: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(image))
    picture.load()
    return picture


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, *more: bytes) -> bytes:
    """A PNG that says how large it is, and holds little: rows of nothing, packed as well as can be."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes((width // 8 + 2) * min(height, 4000)), 9)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    """The beginning of a WebP whose canvas is as large as it says."""
    canvas = struct.pack("<I", 2)[:4] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header was changed to say another size."""
    file = bytearray(a_picture("JPEG"))
    at = file.index(b"\xff\xc0") + 5
    file[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(file)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (40, 30), (3, 900), (1600, 900)])
def test_a_picture_becomes_a_small_square(kind, size):
    made = opened(portrait(a_picture(kind, size)))
    assert (made.format, made.size, made.mode) == ("WEBP", (SIZE, SIZE), "RGB")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA"])
def test_every_kind_of_png_can_be_read(mode):
    file = io.BytesIO()
    Image.new(mode, (50, 50)).save(file, "PNG")
    assert opened(portrait(file.getvalue())).size == (SIZE, SIZE)


def test_sixteen_bits_of_grey_are_as_light_as_eight():
    file = io.BytesIO()
    Image.new("I;16", (50, 50), 128 * 256).save(file, "PNG")
    assert abs(opened(portrait(file.getvalue())).getpixel((9, 9))[0] - 128) < 4


def test_a_jpeg_for_print_can_be_read():
    file = io.BytesIO()
    Image.new("CMYK", (50, 50)).save(file, "JPEG")
    assert opened(portrait(file.getvalue())).mode == "RGB"


def test_its_middle_is_cut_out_and_what_can_be_seen_through_is_white():
    drawn = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    ImageDraw.Draw(drawn).rectangle((0, 0, 99, 99), fill="red")
    ImageDraw.Draw(drawn).rectangle((120, 20, 180, 80), fill="blue")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    made = opened(portrait(file.getvalue()))
    red, _green, blue = made.getpixel((SIZE // 2, SIZE // 2))
    assert blue > 200
    assert red < 60
    assert min(made.getpixel((3, 3))) > 240


def test_it_stands_upright_however_the_camera_was_held():
    drawn = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(drawn).rectangle((0, 0, 199, 60), fill="black")  # what was up lies at the left now
    for orientation, (x, y) in {1: (128, 10), 3: (128, 245), 6: (245, 128), 8: (10, 128)}.items():
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        file = io.BytesIO()
        drawn.save(file, "JPEG", exif=exif)
        assert max(opened(portrait(file.getvalue())).getpixel((x, y))) < 60, orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_that_the_camera_wrote_comes_along(kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Spycam"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (
        TiffImagePlugin.IFDRational(47), TiffImagePlugin.IFDRational(22), TiffImagePlugin.IFDRational(0)
    )  # fmt: skip
    file = a_picture(kind, exif=exif)
    assert opened(file).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    made = portrait(file)
    assert b"Spycam" in file
    assert b"Spycam" not in made
    assert dict(opened(made).getexif()) == {}
    assert not {"exif", "icc_profile", "xmp"} & opened(made).info.keys()
    assert [made[at : at + 4] for at in (0, 8, 12)] == [b"RIFF", b"WEBP", b"VP8 "]


def test_of_a_picture_that_is_also_a_page_only_the_picture_is_left():
    script = b"<script>alert(document.domain)</script>"
    for file in (
        a_picture("PNG") + script,
        png_of(8, 8, chunk(b"tEXt", b"Comment\x00" + script)),
        a_picture("JPEG", comment=script),
        a_picture("WEBP", exif=b"Exif\x00\x00" + script),
    ):
        assert script in file
        assert b"<script" not in portrait(file)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_was_cut_off_is_refused(kind):
    file = a_picture(kind, (400, 400))
    for length in (0, 1, 12, 30, len(file) // 2):
        with pytest.raises(ValueError, match="no picture"):
            portrait(file[:length])


@pytest.mark.parametrize(
    "file",
    [png_of(30_000, 30_000), png_of(5_001, 5_000), webp_of(16_000, 16_000), jpeg_of(65_000, 65_000)],
    ids=["a PNG", "a PNG just too large", "a WebP", "a JPEG"],
)
def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked(file):
    assert len(file) < 100_000
    with pytest.raises(ValueError, match="too many pixels"):
        portrait(file)


def test_text_that_would_fill_the_memory_is_refused():
    bomb = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(200 * 1024 * 1024), 9))
    with pytest.raises(ValueError, match="no picture"):
        portrait(png_of(8, 8, bomb))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\x00" * 100,
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"<!doctype html><script>alert(1)</script>",
        a_picture("GIF"),
        a_picture("BMP"),
        a_picture("TIFF"),
        a_picture("PPM"),
        a_picture("ICO"),
        a_picture("PDF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"RIFF\x10\x00\x00\x00WEBPjunk",
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 64,
        b"\xff\xd8\xff" + b"\x00" * 64,
    ],
    ids=lambda file: file[:12].decode("latin-1").encode("unicode_escape").decode(),
)
def test_what_is_no_jpeg_png_or_webp_is_refused(file):
    with pytest.raises(ValueError, match="no picture"):
        portrait(file)


def test_a_file_that_is_too_large_is_not_looked_at():
    with pytest.raises(ValueError, match="too large"):
        portrait(a_picture() + bytes(MOST_BYTES))


def test_of_moving_pictures_the_first_is_taken():
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
        red, _green, blue = opened(portrait(file.getvalue())).getpixel((128, 128))
        assert red > 200 > 60 > blue
