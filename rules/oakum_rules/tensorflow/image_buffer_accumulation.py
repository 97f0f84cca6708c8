"""Keep pixels or paths, not open image files, and no more images than are used at a time.

## Why
`Image.open` reads the header and holds the file until the pixels are loaded: kept for each image, that is one descriptor each, and
near a thousand of them the next open fails. Decoded images are large: a list of all of them is the whole data set in memory.

## Bad
```python
from PIL import Image

images = []
for path in paths:
    images.append(Image.open(path))
```

## Good
```python
from PIL import Image

images = []
for path in paths:
    with Image.open(path) as image:
        images.append(image.copy())
```

## Fix
Keeps `.copy()` of an image instead of the open file. Review it: the pixels are in memory then, 1 MB for 512x512, instead of one
descriptor. Files that are written get a `with`, where all uses stand in one block. For lists of decoded images there is no edit: stream
them by `tf.data` or a generator.

## Silent when
The image is loaded, copied, converted or made an array before it is kept; a `with` closes it; the next pass rebinds it; the list has
a capacity, or is stacked, returned or written as a whole; the loop goes through a few literals; figures are closed, cleared or shown.

## Evidence
Measured with 512x512 images: kept `Image.open` costs one descriptor each and fails near 1024; after `load()` 1032 KB of pixels and no
descriptor; rebound, or in a `with`, 0. Kept `np.load` of an archive, or with `mmap_mode`: one descriptor each; kept `GFile`: 260 KB and
one. With or without `with`, a list of decoded images keeps 768 KB each, so the practice's `with` alone cures nothing there: what costs
is the list. As `Dataset.map`: 0.
"""

import ast
from collections.abc import Iterator

from oakum.facts import End, Facts
from oakum.rule import Finding, Fix, Framework, Level, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK04",
    smell="Image Buffer Accumulation",
    frameworks={Framework.TENSORFLOW, Framework.KERAS},
    level=Level.WARNING,
    category="Resource Management",
    subcategory="Tensor/object retention",
    practices=("Context Manager Resource Control",),
    fix=Safety.SAFE,
    see_also=("TK01", "TK05"),
)

_LAZY = {"image", "gfile"}
_DECODING = {
    "tensorflow.image.decode_jpeg", "tensorflow.image.decode_png", "tensorflow.image.decode_image", "tensorflow.image.decode_bmp",
    "tensorflow.image.decode_gif", "tensorflow.io.decode_jpeg", "tensorflow.io.decode_png", "tensorflow.io.decode_image",
    "tensorflow.io.decode_bmp", "keras.utils.load_img", "keras.preprocessing.image.load_img", "keras.utils.img_to_array",
    "keras.preprocessing.image.img_to_array", "cv2.imread", "imageio.imread", "imageio.v2.imread", "imageio.v3.imread",
    "matplotlib.pyplot.imread", "matplotlib.image.imread", "skimage.io.imread", "scipy.misc.imread",
}  # fmt: skip
_CHANGING = ("tensorflow.image.", "keras.ops.image.")


def _held(item: ast.expr, facts: Facts) -> str | None:
    """What an expression still holds open, in words."""
    if isinstance(item, ast.Call) and facts.qualified(item.func) == "numpy.load":
        path, mapped = facts.argument(item, 0, "file"), facts.argument(item, 1, "mmap_mode")
        archive = path is not None and facts.text(path).rstrip("'\")").endswith(".npz")
        return "array file" if archive or (mapped is not None and facts.constant(mapped) is not None) else None
    resource = facts.resource(item)
    if resource is None or resource.kind not in _LAZY:
        return None
    return None if isinstance(item, ast.Name) and facts.used_by_method(item) else resource.what


@RULE.check
def open_files_kept(node: ast.Call | ast.Assign | ast.AugAssign, facts: Facts) -> Iterator[Finding]:
    """An image that is open but not loaded, put into a list or dict by each pass."""
    for container, item in facts.put(node):
        for part in item.elts if isinstance(item, ast.Tuple) else [item]:
            what = _held(part, facts)
            if what is None or (lifetime := facts.outlives(container, node)) is None or facts.opened_again(node) is None:
                continue
            resource = facts.resource(part)
            if resource is None or not facts.closes_contents(container, resource):
                yield _kept(part, facts.short(container, 30), what, facts, lifetime.made)


@RULE.check
def open_files_listed(node: ast.ListComp | ast.DictComp, facts: Facts) -> Iterator[Finding]:
    """`[Image.open(path) for path in paths]`."""
    element = node.value if isinstance(node, ast.DictComp) else node.elt
    for part in element.elts if isinstance(element, ast.Tuple) else [element]:
        if isinstance(part, ast.Call) and (what := _held(part, facts)) is not None and facts.opened_again(part) is not None:
            parent, resource = facts.parent(node), facts.resource(part)
            target = parent.targets[0] if isinstance(parent, ast.Assign) else None
            if (
                resource is None
                or not isinstance(target, (ast.Name, ast.Attribute))
                or not facts.closes_elements(target, resource)
            ):
                yield _kept(part, facts.text(target) if target is not None else "This list", what, facts)


@RULE.check
def open_files_cached(node: ast.Assign, facts: Facts) -> Iterator[Finding]:
    """`self.cache[index] = Image.open(path)` in what gives one item of a data set."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=ast.Attribute() as cache)], value=item):
            function = facts.function(node)
            if getattr(function, "name", "") == "__getitem__" and (what := _held(item, facts)) is not None:
                yield _kept(item, facts.text(cache), what, facts)
        case _:
            pass


def _kept(part: ast.expr, name: str, what: str, facts: Facts, made: ast.AST | None = None) -> Finding:
    name = f"`{name}`" if name != "This list" else name
    image = (
        what == "image file"
        and (facts.qualified(part.func) if isinstance(part, ast.Call) else "PIL.Image.open") == "PIL.Image.open"
    )
    cure = (
        "Keep `.copy()` of it, or open it in a `with` and keep the result."
        if image
        else "Open it in a `with`, and keep what you read."
    )
    return Finding(
        part,
        f"{name} keeps one open {what} for each item: a thousand of them, and the next open fails. {cure}",
        (Fix.call_method(part, "copy", title="Keep the pixels, not the open file (takes memory instead)"),) if image else (),
        places((made, f"{name} is made here")),
    )


@RULE.check(level=Level.INFORMATION)
def written_and_not_closed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A `GFile` or video that is written and never closed."""
    if (
        not facts.is_called(node, "GFile", "FastGFile", "Open", "FileIO", "VideoWriter")
        or (resource := facts.resource(node)) is None
    ):
        return
    mode = facts.argument(node, 1, "mode")
    if resource.kind != "video" and (resource.kind != "gfile" or mode is None or str(facts.constant(mode))[:1] not in ("w", "a")):
        return
    owned = facts.owned(node, resource)
    if owned.end is not End.NEVER:
        return
    yield Finding(
        node,
        f"`{owned.key}` is written and never closed: the end of the {resource.what} may be missing. "
        f"Call `{min(resource.releases)}()` when it is written{', or use a `with`' if resource.entered else ''}.",
        facts.enclosed(node, owned, resource),
    )


@RULE.check(level=Level.HINT)
def decoded_images_listed(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """Decoded images of a whole data set in a list that is gone through one by one."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "append":
        return
    for container, item in facts.put(node):
        if _is_image(item, facts) and (lifetime := facts.outlives(container, node)) is not None:
            if lifetime.scope == "local" and facts.opened_again(node) is not None and facts.only_iterated(container):
                yield Finding(
                    item,
                    f"`{facts.short(container, 30)}` holds all decoded images at once, and they are used one at a time. "
                    "Go through them by `tf.data` or a generator: decode in `map`, and keep paths.",
                    (),
                    places((lifetime.made, f"`{facts.short(container, 30)}` is made here")),
                )


def _is_image(item: ast.expr, facts: Facts, depth: int = 3) -> bool:
    """Whether an expression is a decoded image, or one made of it by TensorFlow."""
    if isinstance(item, ast.Name):
        values = [definition.value for definition in facts.definitions(item)]
        return depth > 0 and bool(values) and all(value is not None and _is_image(value, facts, depth - 1) for value in values)
    if not isinstance(item, ast.Call):
        return False
    name = facts.qualified(item.func) or ""
    return name in _DECODING or (
        name.startswith(_CHANGING) and bool(item.args) and depth > 0 and _is_image(item.args[0], facts, depth - 1)
    )


@RULE.check(level=Level.INFORMATION)
def figures_left_open(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A figure of pyplot made in each pass and never closed."""
    if not facts.is_called(node, "figure", "subplots") or facts.calls("close", "clf", "show", "cla"):
        return
    if facts.qualified(node.func) not in ("matplotlib.pyplot.figure", "matplotlib.pyplot.subplots") or facts.argument(
        node, 99, "num"
    ):
        return
    if (node.args and facts.is_called(node, "figure")) or (again := facts.opened_again(node)) is None:
        return
    yield Finding(
        node,
        f"Pyplot keeps the figure that is made {facts.often(again)}, and nothing closes it. Call `plt.close(figure)` when it is saved.",
        (),
        places((again.loop, "a new one is made in each pass of this")),
    )
