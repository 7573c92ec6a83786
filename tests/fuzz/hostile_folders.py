"""Folders of images, and the layouts of LIDC and ISIC in them: links, names that nobody can print, odd tables."""

from collections.abc import Callable
from functools import partial

from corpus import Files, Kind
from hostile_packages import Members, inside, links, zip_hostile, zipped
from hostile_rasters import BINARY, COLOUR, GREY, png, saved

__all__ = ["folder_kind", "hpunet_kind", "isic_kind"]


# ---- any folder ----


def folder_members() -> Members:
    members = {}
    for case in ("a", "b_2"):
        members[f"images/{case}.png"] = saved(GREY, "PNG")
        for who in ("x", "y", "z")[: 2 + (case == "a")]:
            members[f"masks/{case}_{who}.png"] = saved(BINARY * 255, "PNG")
    return members


def folder_kind() -> Kind:
    members = folder_members()
    root: Members = {f"a/{name}": content for name, content in members.items()}
    hostile: dict[str, Callable[[], Files]] = dict(links("a", members))
    names = {
        "of lines": "a\nb",
        "of 200 letters": "n" * 200,
        "of surrogates": "\udcff\udcfe",
        "of underscores": "_" * 200,
        "of digits": "9" * 240,
        "of a square": "²",
        "of an arrow": "\u2028",
        "of a space": " ",
    }
    for what, name in names.items():
        hostile[f"folder, image {what}"] = lambda name=name: {f"a/images/{name}.png": saved(GREY, "PNG"), **root}
        hostile[f"folder, case {what}"] = lambda name=name: {
            f"a/images/{name}.png": saved(GREY, "PNG"),
            f"a/masks/{name}_x.png": saved(BINARY * 255, "PNG"),
            **root,
        }
    for what, content in {
        "of 10^9 x 10^9": png(10**9, 10**9),
        "of another size": saved(GREY.T.copy(), "PNG"),
        "in colour": saved(COLOUR, "PNG"),
        "of nothing": b"",
        "of text": b"hello",
    }.items():
        hostile[f"folder, image {what}"] = lambda content=content: {**root, "a/images/a.png": content}
        hostile[f"folder, mask {what}"] = lambda content=content: {**root, "a/masks/a_x.png": content}
    hostile["folder of nothing"] = lambda: {"b/c": b""}
    hostile["folder of 2000 other files"] = lambda: {**root, **{f"a/{i}.txt": b"" for i in range(2000)}}
    return Kind({"folder": dict(root)}, hostile)


# ---- DeepMind's crops ----


def hpunet_members() -> Members:
    members = {}
    for split, patient in (("train", "p1"), ("train", "p2"), ("val", "p3"), ("test", "p4")):
        members[f"crops_{split}/images/{patient}/s-1.png"] = saved(GREY, "PNG")
        for k in range(4):
            members[f"crops_{split}/gt/{patient}/s-1_l{k}.png"] = saved(BINARY * 255 * (k % 2), "PNG")
    return members


def hpunet_kind() -> Kind:
    members = hpunet_members()
    valid: dict[str, Files] = {
        "zip": {"a.zip": zipped(members)},
        "folder": {f"a.zip/{name}": content for name, content in members.items()},
    }
    hostile = zip_hostile("a.zip", members, "crops_train/images/p1/s-1.png") | links("a.zip", members)
    names = {
        "patient of lines": ("p1/", "a\nb\u2028/"),
        "patient of 60000 letters": ("p1/", "p" * 60000 + "/"),
        "patient in two splits": ("p3/", "p1/"),
        "mask of 5000 digits": ("_l3", "_l" + "3" * 5000),
        "mask of other digits": ("_l3", "_l٣"),
        "mask 01 beside mask 1": ("_l3", "_l01"),
        "slice of digits": ("s-1", "9" * 5000),
        "slice of underscores": ("s-1", "_l" * 20000),
    }
    for name, (old, new) in names.items():
        changed = {path.replace(old, new): content for path, content in members.items()}
        hostile[f"zip, {name}"] = lambda changed=changed: {"a.zip": zipped(changed)}
    return Kind(valid, hostile, None, partial(inside, "a.zip"))


def isic_members() -> Members:
    members = {f"a/ISIC_000000{i}.jpg": saved(COLOUR, "JPEG") for i in range(2)}
    for i, who in ((0, "one"), (0, "two"), (1, "one"), (1, "two"), (1, "three")):
        members[f"a/masks/ISIC_000000{i}_{who}_segmentation.png"] = saved(BINARY * 255, "PNG")
    return members


TABLE = b"isic_id,patient_id\nISIC_0000000,IP_1\nISIC_0000001,IP_2\n"


def isic_kind() -> Kind:
    members = isic_members()
    valid: dict[str, Files] = {"isic": dict(members), "isic with patients": {**members, "a.csv": TABLE}}
    tables = {
        "of nothing": b"",
        "of other columns": b"a,b\n1,2\n",
        "of null characters": b"isic_id,patient_id\n\0,\0\n",
        "of bytes that are no text": b"isic_id,patient_id\n\xff,\xfe\n",
        "with a field of 10^6 letters": b'isic_id,patient_id\nISIC_0000000,"' + b"p" * 10**6 + b'"\n',
        "with a column of 10^6 letters": b"c" * 10**6 + b",b\n",
        "with a patient of lines": b'isic_id,patient_id\nISIC_0000000,"a\nb"\nISIC_0000001,c\n',
        "with a quote and no end": b'isic_id,patient_id\nISIC_0000000,"a\n' * 100,
        "with too many fields": b"isic_id,patient_id\nISIC_0000000,a,b,c,d\n",
        "with too few fields": b"isic_id,patient_id\nISIC_0000000\n",
        "of 10^5 columns": b"isic_id,patient_id" + b",c" * 10**5 + b"\n",
        "with columns of lines": b'"a\nb",c\n',
    }
    hostile: dict[str, Callable[[], Files]] = {
        f"isic, table {name}": lambda table=table: {**members, "a.csv": table} for name, table in tables.items()
    }
    hostile |= links("a", {name.removeprefix("a/"): content for name, content in members.items()})
    names = {"of lines": "a\nb", "of surrogates": "\udcff", "of underscores": "_" * 200, "of an arrow": "\u2028"}
    for what, name in names.items():
        hostile[f"isic, image {what}"] = lambda name=name: {f"a/{name}.png": saved(GREY, "PNG"), **members}
        hostile[f"isic, case {what}"] = lambda name=name: {
            f"a/{name}.png": saved(GREY, "PNG"),
            f"a/{name}_segmentation.png": saved(BINARY * 255, "PNG"),
            **members,
        }
    return Kind(valid, hostile)
