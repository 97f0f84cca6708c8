"""Which calls of other libraries than the frameworks make objects that rules ask about, and what these objects hold.

Facts from the libraries' documentation: Python 3.13, scikit-learn 1.9, joblib 1.6, scikeras 0.13.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that owns a descriptor, threads or a buffer until it is released.

    `kind`: writer, file, gfile, image, array, video, pool, process. `what` it holds, in words. `releases`: methods that end it.
    `entered`: whether `with` works on it as it is.
    """

    kind: str
    what: str
    releases: frozenset[str]
    entered: bool = True


# Packages whose classes are known by name: a call of one makes an object of it.
PACKAGES = ("sklearn.", "scikeras.", "skopt.", "joblib.", "multiprocessing.", "concurrent.futures.", "keras.callbacks.")
# Functions of these packages that make an object and aren't spelled as a class.
MAKERS = {
    "sklearn.pipeline.make_pipeline",
    "sklearn.pipeline.make_union",
    "sklearn.compose.make_column_transformer",
    "tensorflow.train.Checkpoint",
    "tensorflow.train.CheckpointManager",
    "numba.cuda.get_current_device",
    "keras.utils.GeneratorEnqueuer",
    "keras.utils.OrderedEnqueuer",
    "keras.utils.SequenceEnqueuer",
}
# Wrappers that make a Keras model look like an estimator, by the last part of their names.
KERAS_ESTIMATORS = {
    "KerasClassifier",
    "KerasRegressor",
    "BaseWrapper",
    "SKLearnClassifier",
    "SKLearnRegressor",
    "SKLearnTransformer",
}


# What must be released, by the qualified name of what opens it, and how.
_CLOSE = frozenset({"close"})
_POOL = frozenset({"close", "terminate", "shutdown"})
_PROCESS = frozenset({"wait", "communicate", "terminate", "kill", "poll", "join", "close"})
RESOURCES: dict[str, Resource] = {
    "tensorflow.io.TFRecordWriter": Resource("writer", "record file", _CLOSE),
    "tensorflow.summary.create_file_writer": Resource("writer", "event file", _CLOSE, entered=False),
    "tensorflow.summary.FileWriter": Resource("writer", "event file", _CLOSE),
    "tensorboardX.SummaryWriter": Resource("writer", "event file", _CLOSE),
    "torch.utils.tensorboard.SummaryWriter": Resource("writer", "event file", _CLOSE),
    "multiprocessing.Pool": Resource("pool", "worker processes", _POOL),
    "multiprocessing.pool.Pool": Resource("pool", "worker processes", _POOL),
    "multiprocessing.pool.ThreadPool": Resource("pool", "worker threads", _POOL),
    "concurrent.futures.ProcessPoolExecutor": Resource("pool", "worker processes", _POOL),
    "concurrent.futures.ThreadPoolExecutor": Resource("pool", "worker threads", _POOL),
    "builtins.open": Resource("file", "file", _CLOSE),
    "io.open": Resource("file", "file", _CLOSE),
    "codecs.open": Resource("file", "file", _CLOSE),
    "gzip.open": Resource("file", "file", _CLOSE),
    "bz2.open": Resource("file", "file", _CLOSE),
    "lzma.open": Resource("file", "file", _CLOSE),
    "tarfile.open": Resource("file", "archive", _CLOSE),
    "zipfile.ZipFile": Resource("file", "archive", _CLOSE),
    "h5py.File": Resource("file", "HDF5 file", _CLOSE),
    "sqlite3.connect": Resource("file", "connection", _CLOSE),
    "socket.socket": Resource("file", "socket", _CLOSE),
    "subprocess.Popen": Resource("process", "process", _PROCESS),
    "tensorflow.io.gfile.GFile": Resource("gfile", "file", _CLOSE),
    "tensorflow.io.file_io.FileIO": Resource("gfile", "file", _CLOSE),
    "PIL.Image.open": Resource("image", "image file", frozenset({"close", "load", "verify"})),
    "tifffile.TiffFile": Resource("image", "image file", _CLOSE),
    "rasterio.open": Resource("image", "image file", _CLOSE),
    "cv2.VideoCapture": Resource("image", "video", frozenset({"release"}), entered=False),
    "cv2.VideoWriter": Resource("video", "video", frozenset({"release"}), entered=False),
    "imageio.get_reader": Resource("image", "video", _CLOSE),
    "av.open": Resource("image", "video", _CLOSE),
}


def makes_object(name: str) -> bool:
    """Whether a call of a qualified name makes an object that is known by this name."""
    if name in RESOURCES:
        return True
    last = name.rpartition(".")[2]
    if last in KERAS_ESTIMATORS and ".wrappers." in name:
        return True
    return name in MAKERS or (name.startswith(PACKAGES) and last[:1].isupper())
