"""Pictures as people have them: formats, modes, sizes, and what is no picture."""

import errno
import io
import os
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import alad
from alad.data import pictures
from alad.data.decoding import Form
from alad.data.opening import source_of
from alad.data.picture_files import holds_pictures
from alad.data.pictures import Pictures, size_of
from alad.data.pixel_file import decoded_once
from alad.encoding import ImageScaler
from alad.errors import InputError


def encoded(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def plain(value: int = 100, size: tuple[int, int] = (10, 8), mode: str = "L") -> Image.Image:
    return Image.new(mode, size, value if mode == "L" else (value, 50, 0))


def put(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def read(source: Path, **how) -> np.ndarray:
    pictures = Pictures(source, **how)
    return np.concatenate([block for _, block in pictures.blocks(pictures.form())])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_every_format_holds_its_pixels(tmp_path, kind):
    how = {"lossless": True} if kind == "WEBP" else {}
    pixels = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
    put(tmp_path, **{f"a_{kind.lower()}": encoded(Image.fromarray(pixels), kind, **how)})
    np.testing.assert_array_equal(read(tmp_path)[0], pixels)


def test_jpeg_and_a_wrong_suffix(tmp_path):
    put(tmp_path, a_png=encoded(plain(100), "JPEG"), b_dat=encoded(plain(100)))
    assert np.abs(read(tmp_path).astype(int) - 100).max() <= 2


def test_palette_transparency_and_grey_among_colour(tmp_path):
    clear = Image.new("RGBA", (10, 8), (9, 9, 9, 0))
    palette = plain(200, mode="RGB").quantize(4)
    put(tmp_path, a_png=encoded(clear), b_png=encoded(palette), c_png=encoded(plain(7)))
    found = read(tmp_path)
    assert found.shape == (3, 8, 10, 3)
    assert (found[0] == 255).all()  # transparent: laid on white
    assert found[1, 0, 0].tolist() == [200, 50, 0] and found[2, 0, 0].tolist() == [7, 7, 7]


def test_sixteen_bits_are_kept_and_their_scale_follows_the_camera(tmp_path):
    twelve = np.arange(80, dtype=np.uint16).reshape(8, 10) * 51  # up to 4029: 12 bits
    put(tmp_path, a_png=encoded(Image.fromarray(twelve)))
    scaler = ImageScaler()
    with ImageScaler().gathered(Pictures(tmp_path)) as pixels:
        scaled = np.asarray(scaler.fit_transform(pixels))
    assert scaler.high == 4095.0
    np.testing.assert_allclose(scaled[0, ..., 0], twelve / 2047.5 - 1, atol=1e-6)


def test_an_upright_picture_from_a_camera_on_its_side(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    put(tmp_path, a_jpg=encoded(plain(100, (10, 8)), "JPEG", exif=exif))
    assert read(tmp_path).shape == (1, 10, 8, 1)


def test_mixed_sizes_have_the_median_and_large_ones_shrink(tmp_path):
    sizes = [(10, 8), (12, 8), (30, 9)]
    put(tmp_path, **{f"{at}_png": encoded(plain(9, size)) for at, size in enumerate(sizes)})
    assert read(tmp_path).shape == (3, 8, 12, 1)
    assert read(tmp_path, most_side=6).shape == (3, 4, 6, 1)
    assert read(tmp_path, size=(16, 20)).shape == (3, 16, 20, 1)
    assert (read(tmp_path) == 9).all()


def animated() -> bytes:
    frames = [plain(value) for value in (1, 2, 3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


NOT_PICTURES = {
    "empty.png": (b"", "empty"),
    "text.png": (b"hello, world\n" * 9, "no picture"),
    "cut.png": (encoded(Image.effect_noise((64, 64), 90))[:1500], "damaged or cut short"),
    "cut.jpg": (encoded(Image.effect_noise((64, 64), 90), "JPEG")[:900], "damaged or cut short"),
    "moving.gif": (animated(), "3 frames"),
    "huge.png": (encoded(Image.new("1", (9000, 9000))), "pixels; shrink it"),
    "float.tif": (encoded(Image.new("F", (10, 8)), "TIFF"), "floating-point"),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_what_cannot_be_read_is_named_and_skipped_or_stops(tmp_path, name):
    content, said = NOT_PICTURES[name]
    (tmp_path / name).write_bytes(content)
    put(tmp_path, good_png=encoded(plain()))
    pictures = Pictures(tmp_path)
    (names, _), *_ = pictures.blocks(Form(8, 10, 1))
    assert names == pictures.names == ["good.png"] and said in pictures.skipped[name]
    with pytest.raises(InputError, match=rf"{name}: .*{said}"):
        read(tmp_path, strict=True)


def test_folders_without_a_picture(tmp_path):
    with pytest.raises(InputError, match="no pictures in it or in folders below; put"):
        Pictures(put(tmp_path, notes_txt=b"hello"))
    (tmp_path / "elsewhere").symlink_to(tmp_path.parent, target_is_directory=True)
    with pytest.raises(InputError, match="below, links to folders aside; put"):
        Pictures(tmp_path)
    (tmp_path / "elsewhere").unlink()
    put(tmp_path, a_png=b"", b_png=b"text")
    with pytest.raises(
        InputError, match=r"none of 2 pictures can be read; the first, a.png: .*empty"
    ):
        read(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        Pictures(tmp_path / "missing")


def test_a_table_of_bytes_as_hugging_face_writes_it(tmp_path):
    cells = [{"bytes": encoded(plain(value)), "path": f"{value}.png"} for value in (5, 6)]
    cells.append({"bytes": None, "path": "gone.png"})
    parquet.write_table(pa.table({"n": [1, 2, 3], "image": cells}), tmp_path / "t.parquet")
    pictures = Pictures(tmp_path / "t.parquet")
    (names, pixels), *_ = pictures.blocks(pictures.form())
    assert names == ["5.png", "6.png"] and pixels[:, 0, 0, 0].tolist() == [5, 6]
    assert "missing" in pictures.skipped["gone.png"]
    parquet.write_table(pa.table({"n": [1, 2]}), tmp_path / "plain.parquet")
    assert holds_pictures(tmp_path / "t.parquet")
    assert not holds_pictures(tmp_path / "plain.parquet")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_column_of_bytes_is_pictures_if_cells_begin_as_such(tmp_path, kind):
    cells = [None, b"", encoded(plain(5), kind)]
    parquet.write_table(pa.table({"n": [1, 2, 3], "image": cells}), tmp_path / "t.parquet")
    assert holds_pictures(tmp_path / "t.parquet")
    keys = [None, b"", b"\x12\x34"]  # such as hashes: a table, of which they are left out
    parquet.write_table(pa.table({"n": [1, 2, 3], "key": keys}), tmp_path / "keys.parquet")
    assert not holds_pictures(tmp_path / "keys.parquet")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_column_of_bytes_is_judged_by_its_first_cells_alone(tmp_path, kind):
    """What is damaged far behind them is not read yet; reading the pictures names it."""
    path, cells = tmp_path / f"t.{kind}", [encoded(plain(5))] * 100
    table = pa.table({"image": pa.array(cells, pa.binary())})
    if kind == "parquet":
        parquet.write_table(table, path, row_group_size=50, use_dictionary=False)
        start = parquet.read_metadata(path).row_group(1).column(0).data_page_offset
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=50)
        start = path.stat().st_size // 2
    content = bytearray(path.read_bytes())
    content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert holds_pictures(path)
    with pytest.raises(InputError, match=rf"t\.{kind}: .*copy it again"):
        Pictures(path)


def test_pictures_of_one_name_in_a_table_are_told_apart(tmp_path):
    good = encoded(Image.effect_noise((10, 8), 90))
    cells = [{"bytes": good, "path": "1.png"} for _ in "abc"] + [{"bytes": good, "path": "2.png"}]
    cells[1]["bytes"] = good[: len(good) // 2]
    parquet.write_table(pa.table({"image": cells}), tmp_path / "t.parquet")
    pictures = Pictures(tmp_path / "t.parquet")
    (names, pixels), *_ = pictures.blocks(pictures.form())
    assert names == pictures.names == ["row 0: 1.png", "row 2: 1.png", "2.png"]
    assert len(pixels) == 3 and list(pictures.skipped) == ["row 1: 1.png"]


def test_of_a_jpeg_with_a_preview_the_picture_counts(tmp_path):
    with_preview = encoded(plain(100), "MPO", save_all=True, append_images=[plain(3, (4, 4))])
    put(tmp_path, phone_jpg=with_preview)
    assert read(tmp_path).shape == (1, 8, 10, 1) and abs(int(read(tmp_path)[0, 0, 0, 0]) - 100) < 3


@pytest.mark.parametrize(
    ("learnt", "scored"), [(1, 1), (1, 257), (257, 1), (257, 257), (4095 / 255, 1)]
)
def test_a_picture_saved_with_other_bits_is_the_same_picture(tmp_path, learnt, scored):
    """Of 8, 16 or 12 bits (brightness 1, 257, 16): white is white, and black black."""
    grey = np.arange(0, 240, 3).reshape(8, 10)

    def folder(name: str, brightness: float) -> Pictures:
        kind = np.uint8 if brightness == 1 else np.uint16
        pixels = np.rint(np.array([grey, 255 - grey]) * brightness).astype(kind)
        images = {f"{at}_png": encoded(Image.fromarray(image)) for at, image in enumerate(pixels)}
        return Pictures(put(tmp_path / name, **images))

    scaler = ImageScaler()
    with scaler.gathered(folder("learnt", learnt)) as pixels:
        usual = np.concatenate(list(scaler.fit_transform(pixels).pieces()))
    new = scaler.transform(folder("scored", scored))
    np.testing.assert_allclose(new, usual, atol=2 / 4095)


def test_headers_decode_nothing_and_what_will_be_skipped_decides_nothing(tmp_path, monkeypatch):
    put(tmp_path, a_png=encoded(plain(7)), b_tif=encoded(Image.new("F", (30, 30)), "TIFF"))
    with monkeypatch.context() as patch:
        patch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("decoded"))
        assert Pictures(tmp_path).form() == Form(8, 10, 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    on_its_side = tmp_path / "side"
    on_its_side.mkdir()
    put(on_its_side, a_png=encoded(plain(7), exif=exif))
    assert Pictures(on_its_side).form() == Form(10, 8, 1)


def test_blocks_are_the_whole(tmp_path):
    put(tmp_path, **{f"{at}_png": encoded(plain(at)) for at in range(7)})
    pictures = Pictures(tmp_path)
    pieces = [pixels for _, pixels in pictures.blocks(pictures.form(), rows=3)]
    assert [len(piece) for piece in pieces] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(pieces), read(tmp_path))


@pytest.mark.parametrize(("text", "size"), [("64", (64, 64)), ("48x64", (48, 64))])
def test_sizes(text, size):
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "x", "0", "-3", "3x4x5", "a"])
def test_sizes_that_are_none(text):
    with pytest.raises(InputError, match="size is"):
        size_of(text)


# --- the scaler -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "low", "high"),
    [
        (np.array([0, 100], np.uint8), 0, 255),
        (np.array([0, 300], np.uint16), 0, 511),
        (np.array([False, True]), 0, 1),
        (np.array([0.0, 0.7]), 0, 1),
        (np.array([-0.2, 0.7]), -1, 1),
        (np.array([0.0, 7.5]), 0, 255),
        (np.array([-3.0, 7.5]), -3, 7.5),
    ],
)
def test_the_range_belongs_to_the_kind_of_pixel(pixels, low, high):
    scaler = ImageScaler().fit(np.resize(pixels, (2, 8, 8)))
    assert (scaler.low, scaler.high) == (low, high)
    again = ImageScaler.from_state(scaler.state())
    images_ = np.resize(pixels, (3, 8, 8))
    np.testing.assert_array_equal(scaler.transform(images_), again.transform(images_))
    assert scaler.transform(images_).shape == (3, 8, 8, 1)


def test_another_shape_or_kind_is_refused():
    scaler = ImageScaler(owner="ALAD").fit(np.zeros((2, 8, 9, 3), np.uint8))
    with pytest.raises(InputError, match="images are 9 × 8 × 3, ALAD was fitted on 8 × 9 × 3"):
        scaler.transform(np.zeros((1, 9, 8, 3), np.uint8))
    with pytest.raises(InputError, match="of float, ALAD was fitted on uint8"):
        scaler.transform(np.zeros((1, 8, 9, 3)))
    with pytest.raises(InputError, match="channels come last"):
        ImageScaler().fit(np.zeros((5, 3, 32, 32), np.uint8))
    with pytest.raises(InputError, match="missing or infinite"):
        ImageScaler().fit(np.full((2, 8, 8), np.nan))


def test_without_pillow_a_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(InputError, match=r"alad\[images\]"):
        pictures.Pictures(tmp_path)


def test_a_text_called_a_picture_is_told_to_be_none(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no picture")
    assert holds_pictures(path)
    with pytest.raises(InputError, match=r"text\.png: is no picture of a known format"):
        Pictures(path).form()


def test_one_image_alone_is_told_from_many():
    with pytest.raises(InputError, match=r"\(32, 32, 3\), which is one image; .*X\[np.newaxis\]"):
        ImageScaler().fit(np.zeros((32, 32, 3), np.uint8))


@pytest.mark.parametrize("value", [-3.0, 300.0, 1e17, 0.0])
def test_floats_that_are_all_the_same_have_a_range(value):
    scaled = np.asarray(ImageScaler().fit_transform(np.full((3, 8, 8), value)))
    assert np.isfinite(scaled).all() and (np.abs(scaled) <= 1).all()


def test_names_that_are_no_utf8_can_be_written_down(tmp_path):
    strange = os.fsencode(tmp_path) + b"/\xff.png"
    with open(strange, "wb") as file:
        file.write(encoded(plain()))
    pictures = Pictures(put(tmp_path, a_png=encoded(plain())))
    assert pictures.names == ["a.png", "\\xff.png"] and read(tmp_path).shape == (2, 8, 10, 1)


def test_circles_of_links_and_hidden_files_are_left_alone(tmp_path):
    put(tmp_path, a_png=encoded(plain()))
    put(tmp_path / ".git", b_png=encoded(plain()))
    (tmp_path / "again").symlink_to(tmp_path)
    assert Pictures(tmp_path).names == ["a.png"]


def test_damaged_exif_is_no_warning_and_no_traceback(tmp_path, monkeypatch):
    cut = encoded(plain(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0")
    put(tmp_path, a_png=encoded(plain()), cut_jpg=cut, odd_jpg=encoded(plain(size=(3, 3)), "JPEG"))
    exif = Image.Image.getexif

    def read(self):
        if self.size == (3, 3):
            raise struct.error("required argument is not an integer")
        return exif(self)

    monkeypatch.setattr(Image.Image, "getexif", read)
    pictures = Pictures(tmp_path)
    pictures.form()  # a warning would be an error
    assert pictures.names == ["a.png", "cut.jpg"]
    assert "is damaged or cut short" in pictures.skipped["odd.jpg"]


def test_links_that_lead_nowhere_are_named(tmp_path):
    put(tmp_path, a_png=encoded(plain()))
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "missing.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    pictures = Pictures(tmp_path)
    pictures.form()
    assert pictures.names == ["a.png"]
    assert "No such file" in pictures.skipped["nowhere.png"]
    assert "symbolic links" in pictures.skipped["self.png"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    put(tmp_path, a_png=encoded(plain()))
    closed = put(tmp_path / "closed", b_png=encoded(plain()))
    listed = os.scandir

    def refused(place):
        if str(place) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return listed(place)

    monkeypatch.setattr("os.scandir", refused)
    with pytest.raises(InputError, match="closed: cannot be read: Permission denied"):
        Pictures(tmp_path)


def test_a_picture_that_may_not_be_opened_is_skipped_with_its_reason(tmp_path, monkeypatch):
    put(tmp_path, a_png=encoded(plain()), b_png=encoded(plain()))
    whole = Path.read_bytes

    def refused(path):
        if path.name == "b.png":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    pictures = Pictures(tmp_path)
    (names, _), *_ = pictures.blocks(pictures.form())
    assert names == ["a.png"]
    assert pictures.skipped == {"b.png": "cannot be read: Permission denied"}


# --- what files hold ------------------------------------------------------------------------------

CORNERS = {  # EXIF orientation -> where the corners of [[1, 2], [3, 4]] are seen
    1: (1, 2, 3, 4),
    2: (2, 1, 4, 3),
    3: (4, 3, 2, 1),
    4: (3, 4, 1, 2),
    5: (1, 3, 2, 4),
    6: (3, 1, 4, 2),
    7: (4, 2, 3, 1),
    8: (2, 4, 1, 3),
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_every_orientation_of_every_format_is_upright_and_not_stretched(
    tmp_path, kind, orientation
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # quarters of 16 × 8 pixels, so that a JPEG keeps them: 50, 100, 150, 200
    pixels = np.kron([[50, 100], [150, 200]], np.ones((8, 16))).astype(np.uint8)
    how = {"lossless": True} if kind == "WEBP" else {}
    put(tmp_path, **{f"a_{kind.lower()}": encoded(Image.fromarray(pixels), kind, exif=exif, **how)})
    found = read(tmp_path)[0].mean(axis=2)
    assert found.shape == ((16, 32) if orientation < 5 else (32, 16))
    height, width = found.shape
    seen = [found[y, x] for y in (2, height - 3) for x in (2, width - 3)]
    assert tuple(np.rint(np.array(seen) / 50).astype(int)) == CORNERS[orientation]


def test_sixteen_bits_on_their_side_keep_their_values(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = (np.arange(80).reshape(8, 10) * 800).astype(np.uint16)
    put(tmp_path, a_tif=encoded(Image.fromarray(pixels), "TIFF", exif=exif))
    found = read(tmp_path)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[0, ..., 0], np.rot90(pixels, -1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_both_byte_orders(tmp_path, kind):
    pixels = (np.arange(80).reshape(8, 10) * 800).astype(np.uint16)
    swapped = Image.frombytes("I;16B", (10, 8), pixels.astype(">u2").tobytes())
    images = {"a_png": Image.fromarray(pixels), "b_png": swapped}
    if kind == "PNG":  # its bytes have but one order
        del images["b_png"]
    put(tmp_path, **{name: encoded(image, kind) for name, image in images.items()})
    for one in read(tmp_path)[..., 0]:
        np.testing.assert_array_equal(one, pixels)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_half_transparent_is_half_white(tmp_path, mode):
    value = (100, 128) if mode == "LA" else (100, 50, 0, 128)
    put(tmp_path, a_png=encoded(Image.new(mode, (10, 8), value)))
    found = read(tmp_path)
    expected = [(128 * one + 127 * 255) / 255 for one in value[:-1]]
    assert found.shape[3] == len(expected) and np.abs(found[0, 0, 0] - expected).max() <= 1


def test_one_value_that_means_transparent_is_white(tmp_path):
    grey = np.full((8, 10), 100, np.uint8)
    grey[:, 5:] = 200
    deep = grey.astype(np.uint16) * 256
    palette = Image.fromarray(grey).convert("P")
    for name, image, value in (
        ("grey", Image.fromarray(grey), 100),
        ("deep", Image.fromarray(deep), 25_600),
        ("palette", palette, 100),
    ):
        put(tmp_path / name, a_png=encoded(image, transparency=value))
        found = read(tmp_path / name)[0, 0, :, 0]
        white, other = (65_535, 51_200) if name == "deep" else (255, 200)
        assert found.tolist() == [white] * 5 + [other] * 5


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_ink_becomes_light(tmp_path, kind):
    inks = [(0, 255, 255, 0), (0, 0, 0, 255), (0, 0, 0, 0)]  # magenta and yellow; black; none
    images = [Image.new("CMYK", (16, 16), ink) for ink in inks]
    put(tmp_path, **{f"{at}_{kind}": encoded(image, kind) for at, image in enumerate(images)})
    found = read(tmp_path)[:, 8, 8].astype(int)
    assert np.abs(found - [[255, 0, 0], [0, 0, 0], [255, 255, 255]]).max() <= 2


def test_a_palette_of_greys_is_grey(tmp_path):
    put(tmp_path, a_gif=encoded(plain(100), "GIF"), b_png=encoded(plain(7).convert("P")))
    found = read(tmp_path)
    assert found.shape == (2, 8, 10, 1) and found[:, 0, 0, 0].tolist() == [100, 7]
    put(tmp_path, c_png=encoded(plain(200, mode="RGB").quantize(4)))
    assert read(tmp_path).shape == (3, 8, 10, 3)


def test_black_and_white_of_one_bit(tmp_path):
    put(tmp_path, a_png=encoded(plain(255).convert("1")), b_tif=encoded(plain(0).convert("1")))
    assert read(tmp_path)[:, 0, 0, 0].tolist() == [255, 0]


@pytest.mark.parametrize("side", [16, 4_000])
def test_the_smallest_and_the_largest_pictures(tmp_path, side):
    grey = Image.fromarray(np.tile(np.linspace(0, 255, side, dtype=np.uint8), (side, 1)))
    put(tmp_path, a_png=encoded(grey, compress_level=1))
    found = read(tmp_path)[0, ..., 0]
    assert found.shape == (min(side, 64), min(side, 64))
    np.testing.assert_allclose(found[0], np.linspace(0, 255, len(found)), atol=3)


def test_several_pictures_are_named_below_their_common_folder(tmp_path):
    for folder, value in (("a", 10), ("b", 20)):
        put(tmp_path / folder, x_png=encoded(plain(value)), y_txt=b"none")
    files = [tmp_path / "b" / "x.png", tmp_path / "a", tmp_path / "a" / "x.png"]
    several = source_of(files)
    assert several.kind == "images" and several.names == ("a/x.png", "b/x.png")
    assert [int(image.max()) for image in next(several.batches())] == [10, 20]
    assert source_of(str(tmp_path / "b" / "*.png")).names == ("x.png",)
    with pytest.raises(InputError, match=r"y\.txt: is no picture, and others are; leave it out"):
        source_of([files[0], tmp_path / "a" / "y.txt"])
    with pytest.raises(InputError, match=r"c\.png: is not there; leave it out"):
        source_of([files[0], tmp_path / "c.png"])


def test_what_is_no_picture_says_first_why_it_cannot_be_read(tmp_path):
    for detector in (alad.PCA(backbone="texture"), alad.PCA(tile=16)):
        with pytest.raises(InputError, match="gone: no such file or folder"):
            detector.fit(str(tmp_path / "gone"))
        with pytest.raises(InputError, match=r"images come as one array: np.stack\(X\)"):
            detector.fit([np.zeros((8, 8, 3), np.uint8)] * 3)


def test_pictures_that_are_stretched_are_told(tmp_path, recwarn):
    put(tmp_path, **{f"{at}_png": encoded(plain(size=(40, 30))) for at in range(9)})
    with decoded_once(Pictures(tmp_path)):
        assert not recwarn.list
    put(tmp_path, long_png=encoded(plain(size=(90, 10))))
    told = r"1 of 10 pictures are stretched, as all are resized to 30 × 40: long.png is 10 × 90"
    with pytest.warns(UserWarning, match=told), decoded_once(Pictures(tmp_path)):
        pass
    recwarn.clear()
    with decoded_once(Pictures(tmp_path, size=(30, 30))):
        assert not recwarn.list


def test_grey_images_for_a_model_of_colour_are_told_what_to_do():
    scaler = ImageScaler().fit(np.zeros((3, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"give 3 channels: np.repeat\(X, 3, axis=3\)"):
        scaler.transform(np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(InputError, match="resize them"):
        scaler.transform(np.zeros((3, 9, 8, 3), np.uint8))
